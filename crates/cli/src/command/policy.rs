//! `policy`: policies themselves, listed, shown, checked, tested and written in other forms.

use super::check::{Inputs, OF_POLICIES, policies};
use super::scan::Context;
use crate::args::{
    JsonOrTable, PolicyConvertArguments, PolicyFiles, PolicyForm, PolicyListArguments, PolicyShowArguments,
};
use crate::error::CliError;
use crate::{CommandResult, output};
use sekisho_model::{Code, Exit, PolicyOutcome};
use sekisho_policy::policy::Policy;
use sekisho_policy::{PolicySet, Ready, native, prove, stackrox};
use sekisho_report::{Language, PolicyRow, TableOptions, policy_table, printable};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// `policy list`.
pub(crate) fn list(context: &Context, arguments: &PolicyListArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let (set, _) = policies(&arguments.policies, &settings, "all", &settings.limits())?;
    let language = arguments.language;
    let text = match arguments.format {
        JsonOrTable::Json => {
            let listed: Vec<Value> = set.policies.iter().map(|ready| described(ready, language)).collect();
            let document = json!({"schema": "sekisho.policies/v1", "policies": listed});
            format!("{document:#}\n")
        }
        JsonOrTable::Table => {
            let row = |ready: &Ready| {
                let policy = &ready.policy;
                let stages: Vec<&str> = policy.stages.iter().map(|stage| stage.as_str()).collect();
                let id = if policy.id.is_empty() { &policy.name } else { &policy.id };
                PolicyRow {
                    id: id.clone(),
                    severity: policy.severity,
                    stages: stages.join(", "),
                    enforced: !policy.enforcement.is_empty(),
                    name: name(policy, language).to_owned(),
                }
            };
            let rows: Vec<PolicyRow> = set.policies.iter().map(row).collect();
            policy_table(&rows, TableOptions { width: output::width(None) })
        }
    };
    output::write_styled(&text, None)?;
    Ok(Exit::Passed)
}

fn name(policy: &Policy, language: Language) -> &str {
    let translated = policy.translations.iter().find(|(code, _)| *code == language.as_str());
    translated.map(|(_, texts)| texts.name.as_str()).filter(|text| !text.is_empty()).unwrap_or(&policy.name)
}

fn described(ready: &Ready, language: Language) -> Value {
    let policy = &ready.policy;
    json!({
        "id": policy.id,
        "name": name(policy, language),
        "file": ready.file,
        "severity": policy.severity,
        "stages": policy.stages.iter().map(|stage| stage.as_str()).collect::<Vec<_>>(),
        "enforced": !policy.enforcement.is_empty(),
        "disabled": policy.disabled,
        "categories": policy.categories,
        "controls": policy.controls,
        "profiles": policy.profiles,
        "criteria": policy.sections.iter().flat_map(|section| &section.groups).map(|group| group.field.as_str()).collect::<std::collections::BTreeSet<_>>(),
    })
}

/// `policy show`: the policy in our own YAML.
pub(crate) fn show(context: &Context, arguments: &PolicyShowArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let (set, _) = policies(&arguments.policies, &settings, "all", &settings.limits())?;
    let wanted =
        |ready: &&Ready| ready.policy.id == arguments.id || ready.policy.name.eq_ignore_ascii_case(&arguments.id);
    let Some(ready) = set.policies.iter().find(wanted) else {
        let message = format!("there is no policy {:?}", arguments.id);
        return Err(CliError::new(Code::UsageInvalid, message).hint("`sekisho policy list` lists them"));
    };
    let mut policy = ready.policy.clone();
    if let Some((_, texts)) = policy.translations.iter().find(|(code, _)| *code == arguments.language.as_str()) {
        let texts = texts.clone();
        policy.name = texts.name;
        policy.description = texts.description;
        policy.rationale = texts.rationale;
        policy.remediation = texts.remediation;
    }
    policy.translations.clear();
    let text = native::write(&policy);
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    output::write_styled(&lines.join("\n"), None)?;
    Ok(Exit::Passed)
}

/// The policies in files; what is wrong with some of them is no error here.
fn read(context: &Context, files: &PolicyFiles) -> Result<(PolicySet, Vec<String>), CliError> {
    let limits = context.config.settings()?.limits();
    let inputs = Inputs::read(&files.paths, &OF_POLICIES, &limits)?;
    let mut set = PolicySet::default();
    let mut faults: Vec<String> = inputs.diagnostics.iter().map(ToString::to_string).collect();
    for file in &inputs.files {
        faults.extend(set.add(Some(&file.name), &file.text, &limits).iter().map(ToString::to_string));
    }
    Ok((set, faults))
}

/// `policy lint`.
pub(crate) fn lint(context: &Context, files: &PolicyFiles) -> CommandResult {
    let (set, faults) = read(context, files)?;
    let mut text = String::new();
    for fault in &faults {
        let _ = writeln!(text, "{}", printable(fault));
    }
    let sound = set.policies.len();
    let _ = writeln!(text, "{sound} sound, {} wrong", faults.len());
    output::write_styled(&text, None)?;
    Ok(if faults.is_empty() { Exit::Passed } else { Exit::Refused })
}

/// `policy test`.
pub(crate) fn test(context: &Context, files: &PolicyFiles) -> CommandResult {
    let (set, faults) = read(context, files)?;
    if let Some(fault) = faults.first() {
        return Err(CliError::new(Code::PolicyMalformed, format!("cannot take the policies: {fault}")));
    }
    let mut text = String::new();
    let (mut passed, mut failed) = (0, 0);
    for ready in &set.policies {
        for example in &ready.examples {
            let (outcome, checked) = prove(ready, example);
            if outcome == example.expect {
                passed += 1;
                continue;
            }
            failed += 1;
            let (expected, found) = (example.expect.as_str(), outcome.as_str());
            let (id, name) = (printable(&ready.policy.id), printable(&example.name));
            let _ = writeln!(text, "{id}: {name}: expected {expected}, found {found}");
            for result in checked.results.iter().filter(|result| result.outcome != PolicyOutcome::Passed) {
                let why = result.violations.iter().map(|it| it.message.as_str());
                for why in why.chain(result.reasons.iter().map(String::as_str)) {
                    let _ = writeln!(text, "  {}", printable(why));
                }
                if let Some(excluded) = &result.excluded {
                    let _ = writeln!(text, "  excluded: {}", printable(&excluded.reason));
                }
            }
        }
    }
    let _ = writeln!(text, "{passed} passed, {failed} failed");
    output::write_styled(&text, None)?;
    if passed + failed == 0 {
        let message = "there is nothing to test: none of the policies has examples";
        return Err(CliError::new(Code::UsageInvalid, message).hint("add `examples` to a policy"));
    }
    Ok(if failed == 0 { Exit::Passed } else { Exit::Refused })
}

/// `policy convert`.
pub(crate) fn convert(context: &Context, arguments: &PolicyConvertArguments) -> CommandResult {
    let (set, faults) = read(context, &arguments.files)?;
    if let Some(fault) = faults.first() {
        return Err(CliError::new(Code::PolicyMalformed, format!("cannot take the policies: {fault}")));
    }
    let policies: Vec<&Policy> = set.policies.iter().map(|ready| &ready.policy).collect();
    let text = match arguments.to {
        PolicyForm::Sekisho => policies.iter().map(|policy| native::write(policy)).collect::<Vec<_>>().join("---\n"),
        PolicyForm::Stackrox => match policies.as_slice() {
            [one] => format!("{:#}\n", stackrox::write(one)),
            all => {
                format!("{:#}\n", json!({"policies": all.iter().map(|one| stackrox::write(one)).collect::<Vec<_>>()}))
            }
        },
    };
    output::write(&text, arguments.output.as_deref())?;
    Ok(Exit::Passed)
}
