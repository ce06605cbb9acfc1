//! `policy`: policies themselves, listed, shown, checked, tested and written in other forms.

use super::check::{Inputs, OF_POLICIES, policies, sound};
use super::scan::Context;
use crate::args::{
    JsonOrTable, PolicyChoice, PolicyConvertArguments, PolicyExplainArguments, PolicyFiles, PolicyForm,
    PolicyListArguments, PolicyShowArguments,
};
use crate::config::Settings;
use crate::error::CliError;
use crate::{CommandResult, output};
use sekisho_base::Limits;
use sekisho_base::tree::documents;
use sekisho_model::{CheckPolicy, Code, Exit, Fact, Level, PolicyLanguage, PolicyOutcome};
use sekisho_policy::criteria::criterion;
use sekisho_policy::policy::{Policy, Stage};
use sekisho_policy::{
    Checked, Context as PolicyContext, Point, PolicySet, Ready, Surroundings, check_manifests, described,
    explain_manifests, native, prove, rego::gatekeeper, stackrox, vap,
};
use sekisho_report::{Language, PolicyRow, TableOptions, policy_table, printable};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The policies that were chosen, all that ship where nothing is; those in other languages; and the files of both.
fn all(choice: &PolicyChoice, settings: &Settings) -> Result<(PolicySet, Vec<CheckPolicy>, Inputs), CliError> {
    let (set, inputs) = policies(choice, settings, "all", &settings.limits())?;
    let foreign = set.foreign(Point::CommandLine(&[]));
    sound(&foreign.faults)?;
    let others = described(&set, &foreign, Stage::Deploy).into_iter();
    let others = others.filter(|policy| policy.language != PolicyLanguage::Criteria).collect();
    Ok((set, others, inputs))
}

/// `policy list`.
pub(crate) fn list(context: &Context, arguments: &PolicyListArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let (set, others, _) = all(&arguments.policies, &settings)?;
    let language = arguments.language;
    let text = match arguments.format {
        JsonOrTable::Json => {
            let own = set.policies.iter().map(|ready| summary(ready, language));
            let listed: Vec<Value> = own.chain(others.iter().map(foreign_summary)).collect();
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
            let foreign_row = |policy: &CheckPolicy| PolicyRow {
                id: policy.id.clone(),
                severity: policy.severity,
                stages: Stage::Deploy.as_str().to_owned(),
                enforced: policy.enforced,
                name: policy.name.clone(),
            };
            let rows: Vec<PolicyRow> = set.policies.iter().map(row).chain(others.iter().map(foreign_row)).collect();
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

fn summary(ready: &Ready, language: Language) -> Value {
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

/// The same of a policy in another language.
fn foreign_summary(policy: &CheckPolicy) -> Value {
    json!({
        "id": policy.id,
        "name": policy.name,
        "language": policy.language,
        "file": policy.file,
        "severity": policy.severity,
        "stages": [Stage::Deploy.as_str()],
        "enforced": policy.enforced,
        "disabled": false,
    })
}

/// `policy show`: the policy in our own YAML, one in another language as it is written.
pub(crate) fn show(context: &Context, arguments: &PolicyShowArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let (set, others, inputs) = all(&arguments.policies, &settings)?;
    if let Some(policy) = others.iter().find(|policy| policy.id == arguments.id) {
        let lines = [
            ("policy", policy.id.as_str()),
            ("language", policy.language.as_str()),
            ("file", policy.file.as_deref().unwrap_or("built in")),
            ("severity", policy.severity.as_str()),
            ("enforced", if policy.enforced { "true" } else { "false" }),
        ];
        let mut text = lines.iter().fold(String::new(), |text, (name, value)| text + &format!("# {name}: {value}\n"));
        let source = inputs.files.iter().find(|file| Some(&file.name) == policy.file.as_ref());
        text += source.map_or("", |file| file.text.as_str());
        let lines: Vec<_> = text.split('\n').map(printable).collect();
        output::write_styled(&lines.join("\n"), None)?;
        return Ok(Exit::Passed);
    }
    let ready = named(&set, &arguments.id)?;
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

/// The policy of this id or name.
fn named<'a>(set: &'a PolicySet, id: &str) -> Result<&'a Ready, CliError> {
    let wanted = |ready: &&Ready| ready.policy.id == id || ready.policy.name.eq_ignore_ascii_case(id);
    set.policies.iter().find(wanted).ok_or_else(|| {
        CliError::new(Code::UsageInvalid, format!("there is no policy {id:?}")).hint("`sekisho policy list` lists them")
    })
}

/// `policy explain`.
pub(crate) fn explain(context: &Context, arguments: &PolicyExplainArguments) -> CommandResult {
    let settings = context.config.settings()?;
    let limits = settings.limits();
    let (set, others, _) = all(&arguments.policies, &settings)?;
    let mut inputs = Inputs::read_manifests(&arguments.paths, &limits)?;
    let (objects, diagnostics) = inputs.objects(&limits);
    let around = Surroundings::default();
    let asked = PolicyContext { around: &around, images: &|_| Fact::NotAsked, now: settings.now(), limits: &limits };
    let mut text = String::new();
    let foreign = others.iter().find(|policy| policy.id == arguments.id);
    if foreign.is_some() {
        let checked = check_manifests(&set, &set.foreign(Point::CommandLine(&objects)), &objects, &asked);
        let place = checked.policies.iter().position(|policy| policy.id == arguments.id);
        for (number, subject) in checked.subjects.iter().enumerate() {
            let own = checked.results.iter().find(|it| it.subject == number && Some(it.policy) == place);
            let outcome = own.map_or("passed, or not about it", |result| result.outcome.as_str());
            let _ = writeln!(text, "{}: {outcome}", printable(&subject.title));
            let one = own.into_iter().flat_map(|result| {
                let messages = result.violations.iter().map(|violation| &*violation.message);
                messages.chain(result.reasons.iter().map(String::as_str))
            });
            for why in one {
                let _ = writeln!(text, "  {}", printable(why));
            }
        }
    }
    let steps = match foreign {
        Some(_) => Vec::new(),
        None => explain_manifests(named(&set, &arguments.id)?, &objects, &asked),
    };
    for (title, steps) in steps {
        let _ = writeln!(text, "{}", printable(&title));
        for step in steps {
            let indent = "  ".repeat(step.depth + 1);
            let _ = writeln!(text, "{indent}{}: {}", printable(&step.text), step.outcome.as_str());
        }
    }
    output::write_styled(&text, None)?;
    for told in &diagnostics {
        output::error_line(&format!("{}: {}", told.code, printable(&told.to_string())));
    }
    if text.is_empty() {
        let message = format!("there is nothing that {:?} is asked about at the stage deploy", arguments.id);
        return Err(CliError::new(Code::UsageInvalid, message).hint("it may be for another stage: see `policy show`"));
    }
    let whole = diagnostics.iter().all(|told| told.level != Level::Incomplete);
    Ok(if whole { Exit::Passed } else { Exit::Incomplete })
}

/// Policies in files.
struct Given {
    set: PolicySet,
    /// How many there are in other languages.
    others: usize,
    /// What is wrong.
    faults: Vec<String>,
    /// What is to be known of those in other languages though they are sound.
    notes: Vec<String>,
}

/// The policies in files; what is wrong with some of them is no error here.
fn read(context: &Context, files: &PolicyFiles) -> Result<Given, CliError> {
    let limits = context.config.settings()?.limits();
    let inputs = Inputs::read(&files.paths, &OF_POLICIES, &limits)?;
    let mut set = PolicySet::default();
    let mut faults: Vec<String> = inputs.diagnostics.iter().map(ToString::to_string).collect();
    for file in &inputs.files {
        faults.extend(set.add(Some(&file.name), &file.text, &limits).iter().map(ToString::to_string));
    }
    let foreign = set.foreign(Point::CommandLine(&[]));
    faults.extend(foreign.faults.iter().map(ToString::to_string));
    let others = foreign.count();
    Ok(Given { set, others, faults, notes: foreign.notes() })
}

/// `policy lint`.
pub(crate) fn lint(context: &Context, files: &PolicyFiles) -> CommandResult {
    let Given { set, others, faults, notes } = read(context, files)?;
    let sound = set.policies.len() + set.standards.len() + others;
    let mut text = String::new();
    for fault in &faults {
        let _ = writeln!(text, "{}", printable(fault));
    }
    // It is sound all the same, and whoever relies on it is to know.
    for ready in &set.policies {
        let (id, policy) = (ready.id(), &ready.policy);
        for why in ready.never() {
            let _ = writeln!(text, "warning: {}: {}", printable(id), printable(&why));
        }
        let asked = policy.sections.iter().flat_map(|section| &section.groups);
        for criterion in asked.filter_map(|group| criterion(&group.field)) {
            if let Some(why) = criterion.later {
                let _ = writeln!(text, "note: {}: {} is not answered yet: {why}", printable(id), criterion.name);
            }
        }
    }
    for note in &notes {
        let _ = writeln!(text, "note: {}", printable(note));
    }
    let _ = writeln!(text, "{sound} sound, {} wrong", faults.len());
    output::write_styled(&text, None)?;
    Ok(if faults.is_empty() { Exit::Passed } else { Exit::Refused })
}

/// What came of tests.
#[derive(Default)]
struct Tests {
    text: String,
    passed: usize,
    failed: usize,
}

impl Tests {
    /// Notes one that could not be run.
    fn fail(&mut self, name: &str, why: &str) {
        self.failed += 1;
        let _ = writeln!(self.text, "{}: {}", printable(name), printable(why));
    }

    /// Notes what came of one, and why where that is not what was expected.
    fn take(&mut self, name: &str, expected: PolicyOutcome, found: PolicyOutcome, why: impl Iterator<Item = String>) {
        if found == expected {
            self.passed += 1;
            return;
        }
        self.failed += 1;
        let (expected, found) = (expected.as_str(), found.as_str());
        let _ = writeln!(self.text, "{}: expected {expected}, found {found}", printable(name));
        for why in why {
            let _ = writeln!(self.text, "  {}", printable(&why));
        }
    }
}

/// Why something came of a policy.
fn reasons(checked: &Checked, policy: Option<usize>) -> impl Iterator<Item = String> {
    let about = checked.results.iter().filter(move |result| policy.is_none_or(|policy| result.policy == policy));
    about.flat_map(|result| {
        let violations = result.violations.iter().map(|violation| violation.message.to_string());
        let excluded = result.excluded.iter().map(|excluded| format!("excluded: {}", excluded.reason));
        violations.chain(result.reasons.iter().cloned()).chain(excluded).collect::<Vec<_>>()
    })
}

/// `policy test`.
pub(crate) fn test(context: &Context, files: &PolicyFiles) -> CommandResult {
    let settings = context.config.settings()?;
    let limits = settings.limits();
    let inputs = Inputs::read(&files.paths, &OF_POLICIES, &limits)?;
    let mut tests = Tests::default();
    let mut set = PolicySet::default();
    let mut faults: Vec<String> = inputs.diagnostics.iter().map(ToString::to_string).collect();
    for file in &inputs.files {
        let first = documents(&file.text, &limits).into_iter().find_map(Result::ok);
        match first {
            Some(node) if native::is_suite(&node) => {
                let suite = native::read_suite(&node).map_err(|wrongs| {
                    let told: Vec<String> =
                        wrongs.iter().map(|it| format!("{}:{}: {}", file.name, it.place.line, it.reason)).collect();
                    CliError::new(Code::PolicyMalformed, format!("cannot take the suite: {}", told.join("; ")))
                })?;
                run_suite(&suite, Path::new(&file.name), &settings, &limits, &mut tests)?;
            }
            Some(node) if gatekeeper::suite::is_suite(&node) => {
                let suite = gatekeeper::suite::Suite::read(&node).map_err(|(line, reason)| {
                    let message = format!("cannot take the suite: {}:{line}: {reason}", file.name);
                    CliError::new(Code::PolicyMalformed, message)
                })?;
                run_gatekeeper_suite(&suite, Path::new(&file.name), &settings, &limits, &mut tests);
            }
            // What a suite names is read when that is run.
            Some(node) if gatekeeper::suite::is_part(&node) => {}
            _ => faults.extend(set.add(Some(&file.name), &file.text, &limits).iter().map(ToString::to_string)),
        }
    }
    if let Some(fault) = faults.first() {
        return Err(CliError::new(Code::PolicyMalformed, format!("cannot take the policies: {fault}")));
    }
    let mut unproven = Vec::new();
    for ready in &set.policies {
        if ready.examples.is_empty() {
            unproven.push(ready.id());
        }
        for example in &ready.examples {
            let (outcome, checked) = prove(ready, example);
            let name = format!("{}: {}", ready.policy.id, example.name);
            tests.take(&name, example.expect, outcome, reasons(&checked, None));
        }
    }
    let Tests { mut text, passed, failed } = tests;
    // A suite may be about them, which names policies by their ids.
    if !unproven.is_empty() && passed + failed > 0 {
        let _ = writeln!(text, "without examples: {}", printable(&unproven.join(", ")));
    }
    let _ = writeln!(text, "{passed} passed, {failed} failed");
    output::write_styled(&text, None)?;
    if passed + failed == 0 {
        let message = "there is nothing to test: no policy has examples, and there is no suite";
        return Err(CliError::new(Code::UsageInvalid, message).hint("add `examples` to a policy"));
    }
    Ok(if failed == 0 { Exit::Passed } else { Exit::Refused })
}

/// Runs the tests of a suite of Gatekeeper, whose paths are from where it is.
fn run_gatekeeper_suite(
    suite: &gatekeeper::suite::Suite,
    file: &Path,
    settings: &Settings,
    limits: &Limits,
    tests: &mut Tests,
) {
    let here = file.parent().unwrap_or(Path::new(""));
    let around = Surroundings::default();
    let asked = PolicyContext { around: &around, images: &|_| Fact::NotAsked, now: settings.now(), limits };
    for test in suite.tests.iter().filter(|test| !test.skip) {
        let mut set = PolicySet::default();
        let inputs = Inputs::read(&[here.join(&test.template), here.join(&test.constraint)], &OF_POLICIES, limits);
        let inputs = match inputs {
            Ok(inputs) => inputs,
            Err(error) => {
                tests.fail(&format!("{}: {}", file.display(), test.name), error.message());
                continue;
            }
        };
        let read = inputs.files.iter().flat_map(|file| set.add(Some(&file.name), &file.text, limits));
        let faults: Vec<_> = read.collect();
        for case in test.cases.iter().filter(|case| !case.skip) {
            let name = format!("{}: {}: {}", file.display(), test.name, case.name);
            let object = here.join(&case.object);
            let others = case.inventory.iter().map(|other| here.join(other));
            let paths: Vec<PathBuf> = std::iter::once(object.clone()).chain(others).collect();
            let objects = match Inputs::read_manifests(&paths, limits) {
                Ok(mut inputs) => inputs.objects(limits).0,
                Err(error) => {
                    tests.fail(&name, error.message());
                    continue;
                }
            };
            let foreign = set.foreign(Point::CommandLine(&objects));
            if let Some(fault) = faults.iter().chain(&foreign.faults).next() {
                tests.fail(&name, &fault.to_string());
                continue;
            }
            let checked = check_manifests(&set, &foreign, &objects, &asked);
            let object = object.to_string_lossy();
            let own: Vec<_> =
                checked.results.iter().filter(|result| checked.subjects[result.subject].file == object).collect();
            if let Some(unknown) = own.iter().find(|result| result.outcome != PolicyOutcome::Violated) {
                tests.fail(&name, &format!("{}: {}", unknown.outcome.as_str(), unknown.reasons.join("; ")));
                continue;
            }
            let messages = || own.iter().flat_map(|result| &result.violations).map(|it| &*it.message);
            if case.assertions.iter().all(|assertion| assertion.holds(messages())) {
                tests.passed += 1;
            } else {
                let found: Vec<&str> = messages().collect();
                tests.fail(&name, &format!("does not hold of {} violations: {}", found.len(), found.join("; ")));
            }
        }
    }
}

/// Runs the cases of a suite, whose paths are from where it is.
fn run_suite(
    suite: &native::Suite,
    file: &Path,
    settings: &Settings,
    limits: &Limits,
    tests: &mut Tests,
) -> Result<(), CliError> {
    let here = file.parent().unwrap_or(Path::new(""));
    let beside = |names: &[String]| names.iter().map(|name| here.join(name)).collect::<Vec<_>>();
    let mut set = PolicySet::default();
    let inputs = Inputs::read(&beside(&suite.policies), &OF_POLICIES, limits)?;
    let read = inputs.files.iter().flat_map(|file| set.add(Some(&file.name), &file.text, limits));
    if let Some(fault) = read.collect::<Vec<_>>().first() {
        return Err(CliError::new(Code::PolicyMalformed, format!("cannot take the policies: {fault}")));
    }
    let around = Surroundings::default();
    let asked = PolicyContext { around: &around, images: &|_| Fact::NotAsked, now: settings.now(), limits };
    for case in &suite.cases {
        let (objects, diagnostics) = Inputs::read_manifests(&beside(&case.manifests), limits)?.objects(limits);
        let foreign = set.foreign(Point::CommandLine(&objects));
        sound(&foreign.faults)?;
        let checked = check_manifests(&set, &foreign, &objects, &asked);
        for (id, expected) in &case.expect {
            let name = format!("{}: {}: {id}", suite.name, case.name);
            let Some(policy) = checked.policies.iter().position(|policy| policy.id == *id || policy.name == *id) else {
                let why = "the suite's policies hold none of this name for the stage deploy".to_owned();
                tests.fail(&name, &why);
                continue;
            };
            if let Some(unread) = diagnostics.iter().find(|told| told.level == Level::Incomplete) {
                tests.fail(&name, &unread.to_string());
                continue;
            }
            let own = checked.results.iter().filter(|result| result.policy == policy && result.excluded.is_none());
            let found = own.map(|result| result.outcome).max().unwrap_or(PolicyOutcome::Passed);
            tests.take(&name, *expected, found, reasons(&checked, Some(policy)));
        }
    }
    Ok(())
}

/// `policy convert`.
pub(crate) fn convert(context: &Context, arguments: &PolicyConvertArguments) -> CommandResult {
    let Given { set, others, faults, .. } = read(context, &arguments.files)?;
    if let Some(fault) = faults.first() {
        return Err(CliError::new(Code::PolicyMalformed, format!("cannot take the policies: {fault}")));
    }
    let policies: Vec<&Policy> = set.policies.iter().map(|ready| &ready.policy).collect();
    let mut whole = true;
    let mut refused = |name: &str, why: &str| {
        whole = false;
        output::error_line(&format!("not converted: {}: {}", printable(name), printable(why)));
    };
    for level in &set.standards {
        refused(&level.to_string(), "levels of the Pod Security Standards are no policies with criteria");
    }
    if others > 0 {
        let why = "only policies with criteria can be written in other forms, and no Rego or CEL";
        refused(&format!("{others} in other languages"), why);
    }
    let text = match arguments.to {
        PolicyForm::Vap => {
            let mut documents = Vec::new();
            for policy in &policies {
                match vap::convert::convert(policy) {
                    Ok(objects) => documents.extend(objects.iter().map(|object| format!("{object:#}\n"))),
                    Err(reasons) => refused(&policy.name, &reasons.join("; ")),
                }
            }
            documents.join("---\n")
        }
        PolicyForm::Sekisho => policies.iter().map(|policy| native::write(policy)).collect::<Vec<_>>().join("---\n"),
        PolicyForm::Stackrox => {
            let mut written = Vec::new();
            for policy in &policies {
                match stackrox::convert(policy) {
                    Ok((document, notes)) => {
                        written.push(document);
                        for note in notes {
                            output::error_line(&format!("note: {}: {}", printable(&policy.name), printable(&note)));
                        }
                    }
                    Err(reasons) => refused(&policy.name, &reasons.join("; ")),
                }
            }
            match written.as_slice() {
                [] => String::new(),
                [one] => format!("{one:#}\n"),
                all => format!("{:#}\n", json!({"policies": all})),
            }
        }
    };
    output::write(&text, arguments.output.as_deref())?;
    Ok(if whole { Exit::Passed } else { Exit::Incomplete })
}
