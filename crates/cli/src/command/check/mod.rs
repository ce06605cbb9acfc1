//! `check`: images and manifests judged by policies.

pub(super) mod images;
mod inputs;
mod render;

pub(super) use inputs::Inputs;

use super::document;
use super::scan::{self, Context, clock};
use super::show;
use super::vulnerabilities::Judges;
use crate::args::{
    CheckFormat, CheckImageArguments, CheckManifestArguments, CheckReportArguments, PolicyChoice, VerdictArguments,
};
use crate::config::Settings;
use crate::error::CliError;
use crate::{CommandResult, output};
use images::Images;
use sekisho_base::Limits;
use sekisho_model::{
    CHECK_SCHEMA, CheckGate, CheckReport, Code, Diagnostic, Exit, Fact, ImageRef, Level, SourceKind, Verdict,
};
use sekisho_policy::manifest::{Object, put_into};
use sekisho_policy::policy::Stage;
use sekisho_policy::{
    CheckOptions, Checked, Context as PolicyContext, Foreign, ImageSubject, Point, PolicyFault, PolicySet,
    Surroundings, check_image, check_manifests, described, judge,
};
use sekisho_report::{FormatOptions, TableOptions, check_gate_lines, check_in_a_line, check_table, read_check};
use sekisho_scan::tool;
use std::collections::BTreeMap;
use std::path::Path;

/// What files of data end in.
pub(super) const OF_DATA: [&str; 3] = [".yaml", ".yml", ".json"];
/// What files of policies end in.
pub(super) const OF_POLICIES: [&str; 4] = [".yaml", ".yml", ".json", ".rego"];

/// The policies that were chosen, and the files they are from. `shipped` is the profile where none is named. What is wrong
/// with those in other languages is told where they are made ready.
pub(crate) fn policies(
    choice: &PolicyChoice,
    settings: &Settings,
    shipped: &str,
    limits: &Limits,
) -> Result<(PolicySet, Inputs), CliError> {
    let mut set = PolicySet::default();
    let mut faults = Vec::new();
    match choice.profile.as_deref().unwrap_or(shipped) {
        "none" => {}
        "all" => faults.extend(set.add_shipped(None, limits)),
        profile => {
            faults.extend(set.add_shipped(Some(profile), limits));
            if set.policies.is_empty() {
                let message = format!("there is no profile {profile:?}");
                let hint = "baseline, restricted, nist-800-190 and ci are; all for all policies, none for none";
                return Err(CliError::new(Code::UsageInvalid, message).hint(hint));
            }
        }
    }
    let paths: Vec<_> = settings.check.policies.iter().chain(&choice.policy).cloned().collect();
    let mut inputs = Inputs::read(&paths, &OF_POLICIES, limits)?;
    for file in &inputs.files {
        faults.extend(set.add(Some(&file.name), &file.text, limits));
    }
    for path in &choice.data {
        let found = Inputs::read(std::slice::from_ref(path), &OF_DATA, limits)?;
        for file in &found.files {
            let below = Path::new(&file.name).strip_prefix(path).ok().and_then(Path::parent);
            let parents = below.into_iter().flat_map(Path::iter);
            let parents: Vec<String> = parents.map(|name| name.to_string_lossy().into_owned()).collect();
            faults.extend(set.add_data(&file.name, &parents, &file.text, limits));
        }
        inputs.read.extend(found.read);
        inputs.diagnostics.extend(found.diagnostics);
    }
    sound(&faults)?;
    if let Some(told) = inputs.diagnostics.first() {
        return Err(CliError::new(Code::PolicyMalformed, format!("cannot read the policies: {told}")));
    }
    Ok((set, inputs))
}

/// An error where something is wrong with policies: one that is left out would let pass what it is for.
pub(super) fn sound(faults: &[PolicyFault]) -> Result<(), CliError> {
    let Some(first) = faults.first() else { return Ok(()) };
    let more = if faults.len() > 1 { format!(", and {} more", faults.len() - 1) } else { String::new() };
    Err(CliError::new(Code::PolicyMalformed, format!("cannot take the policies: {first}{more}")))
}

/// An error where no policy is asked at a stage: whatever is checked would pass.
pub(crate) fn some(set: &PolicySet, foreign: &Foreign, stage: Stage) -> Result<(), CliError> {
    if !described(set, foreign, stage).is_empty() {
        return Ok(());
    }
    let message = format!("there is no policy to ask: none of those chosen is for the stage {}", stage.as_str());
    let hint = "name some with --policy, or take those of a profile with --profile; `sekisho policy list` lists them with \
                their stages";
    Err(CliError::new(Code::UsageInvalid, message).hint(hint))
}

/// `check manifest`.
pub(crate) fn check_manifest(context: &mut Context, arguments: &CheckManifestArguments) -> CommandResult {
    let CheckManifestArguments {
        paths,
        policies: choice,
        pod_security,
        images,
        in_use,
        db,
        suppression,
        namespace,
        cluster,
        verdict,
    } = arguments;
    let settings = scan::settings(context, &verdict.common, None, false)?;
    let limits = settings.limits();
    let named: Vec<_> = paths.iter().map(|path| (path.as_path(), "a manifest that is read")).collect();
    output::check(verdict.common.output.as_deref(), &named)?;
    let shipped = if pod_security.is_some() { "none" } else { settings.check.profile.as_str() };
    let (mut set, policy_inputs) = policies(choice, &settings, shipped, &limits)?;
    set.standards.extend(*pod_security);
    let mut inputs = Inputs::read_manifests(paths, &limits)?;
    let (mut objects, mut diagnostics) = inputs.objects(&limits);
    if let Some(namespace) = namespace {
        put_into(namespace, &mut objects);
    }
    let foreign = set.foreign(Point::CommandLine(&objects));
    sound(&foreign.faults)?;
    some(&set, &foreign, Stage::Deploy)?;
    let judges =
        if *images { Some(Judges::find(&settings, &context.environment, db.as_ref(), suppression)?) } else { None };
    let mut known = Images::used(images::in_use(in_use, &limits)?);
    if let Some(judges) = &judges {
        known.scan(context, &settings, judges, &objects, &verdict.common);
    }
    let around = Surroundings {
        cluster: cluster.clone().map_or(Fact::NotAsked, Fact::Known),
        cluster_labels: Fact::NotAsked,
        namespaces: namespaces(&objects),
    };
    let look_up = |name: &str| known.facts(name);
    let now = settings.now();
    let asked = PolicyContext { around: &around, images: &look_up, now, limits: &limits };
    let checked = check_manifests(&set, &foreign, &objects, &asked);
    diagnostics.extend(known.diagnostics.iter().cloned());
    let mut report = report_of(context, "deploy", checked, diagnostics)?;
    report.inputs.extend(policy_inputs.read.into_iter().chain(inputs.read));
    if report.subjects.is_empty() && report.diagnostics.iter().all(|told| told.level != Level::Incomplete) {
        let message = "there is nothing to judge: none of the documents is an object that makes pods";
        report.diagnostics.push(Diagnostic::note(Code::ManifestForeign, message));
    }
    finish(context, &settings, &mut report, verdict)
}

/// `check image`.
pub(crate) fn check_one_image(context: &mut Context, arguments: CheckImageArguments) -> CommandResult {
    let CheckImageArguments { target, policies: choice, db, suppression, in_use, verdict } = arguments;
    scan::name_insecure(context, &target)?;
    let settings = scan::settings(context, &verdict.common, None, false)?;
    let limits = settings.limits();
    show::check_output(&verdict.common, db.as_ref(), &suppression, &[])?;
    let (set, inputs) = policies(&choice, &settings, &settings.check.profile, &limits)?;
    let foreign = set.foreign(Point::CommandLine(&[]));
    sound(&foreign.faults)?;
    some(&set, &foreign, Stage::Build)?;
    let in_use = images::in_use(&in_use, &limits)?;
    let judges = Judges::find(&settings, &context.environment, db.as_ref(), &suppression)?;
    let scanned = images::report(context, &settings, &judges, target, &verdict.common)?;
    let facts = images::facts(&scanned, &in_use);
    let image = scanned.inventory.image.as_ref();
    let reference = match scanned.inventory.source.kind {
        // The name that it was found under, which may be more than was asked for.
        SourceKind::Registry => scanned.inventory.source.name.parse().ok(),
        _ => image.and_then(|image| ImageRef::familiar(image.names.first()?).ok()),
    };
    let title = scanned.inventory.source.name.clone();
    let digest = image.map(|image| image.manifest_digest.unwrap_or(image.config_digest));
    let subject = ImageSubject { title: &title, reference: reference.as_ref(), digest: digest.as_ref(), facts: &facts };
    let checked = check_image(&set, &subject, settings.now());
    let mut diagnostics: Vec<Diagnostic> = scanned.inventory.diagnostics.clone();
    diagnostics.extend(scanned.assessment.diagnostics.iter().cloned());
    let mut report = report_of(context, "build", checked, diagnostics)?;
    report.inputs.extend(inputs.read);
    finish(context, &settings, &mut report, &verdict)
}

/// `check report`.
pub(crate) fn check_report(context: &mut Context, arguments: &CheckReportArguments) -> CommandResult {
    let CheckReportArguments { path, verdict } = arguments;
    let settings = scan::settings(context, &verdict.common, None, false)?;
    let limits = settings.limits();
    output::check(verdict.common.output.as_deref(), &[(path.as_path(), "the report that is read")])?;
    let (name, bytes) = document::read(path, &limits)?;
    let mut report = read_check(&bytes, &name, &limits)
        .map_err(|error| CliError::new(error.code(), format!("cannot read {}: {error}", path.display())))?;
    finish(context, &settings, &mut report, verdict)
}

/// Labels of the namespaces among the objects.
fn namespaces(objects: &[Object]) -> BTreeMap<String, BTreeMap<String, String>> {
    let named = objects.iter().filter(|object| object.group().is_empty() && object.kind == "Namespace");
    let labels = |object: &Object| {
        let fields = object.node.at(&["metadata", "labels"]).map(sekisho_base::tree::Node::fields).unwrap_or_default();
        fields.iter().filter_map(|field| Some((field.name.clone(), field.node.scalar()?.into_owned()))).collect()
    };
    // Every namespace has its name for a label.
    let with_name = |object: &Object| {
        let mut labels: BTreeMap<String, String> = labels(object);
        labels.insert("kubernetes.io/metadata.name".to_owned(), object.name.clone());
        (object.name.clone(), labels)
    };
    named.map(with_name).collect()
}

fn report_of(
    context: &Context,
    stage: &str,
    checked: Checked,
    mut diagnostics: Vec<Diagnostic>,
) -> Result<CheckReport, CliError> {
    let Checked { policies, subjects, results, diagnostics: told, .. } = checked;
    diagnostics.extend(told);
    diagnostics.sort();
    diagnostics.dedup();
    Ok(CheckReport {
        schema: CHECK_SCHEMA.to_owned(),
        tool: tool(),
        observed_at: clock(&context.environment)?.now(),
        stage: stage.to_owned(),
        inputs: Vec::new(),
        policies,
        subjects,
        results,
        gate: CheckGate {
            fail_on: None,
            warn_only: false,
            allow_incomplete: false,
            verdict: Verdict::Passed,
            unknown: Vec::new(),
        },
        diagnostics,
    })
}

/// Judges and shows the report, and ends the command by it.
fn finish(
    context: &Context,
    settings: &Settings,
    report: &mut CheckReport,
    arguments: &VerdictArguments,
) -> CommandResult {
    let VerdictArguments { fail_on, warn_only, format, language, common } = arguments;
    let allow_incomplete = settings.scan.allow_incomplete;
    judge(report, CheckOptions { fail_on: *fail_on, warn_only: *warn_only, allow_incomplete });
    let file = common.output.as_deref();
    match format {
        CheckFormat::Table => {
            output::write_styled(&check_table(report, TableOptions { width: output::width(file) }), file)?;
        }
        CheckFormat::Document(format) => {
            let options = FormatOptions { language: *language, timestamp: scan::fixed_time(&context.environment)? };
            output::write_with(file, |to| (format.write)(report, &options, to))?;
        }
    }
    // What a table on standard output says already.
    if file.is_some() || !matches!(format, CheckFormat::Table) {
        output::error_line(&check_in_a_line(report));
        for line in check_gate_lines(report).iter().take(MOST_LINES) {
            output::error_line(line);
        }
    }
    Ok(match report.gate.verdict {
        Verdict::Passed => Exit::Passed,
        Verdict::Refused => Exit::Refused,
        Verdict::Unknown => Exit::Incomplete,
    })
}

/// Of what the gate says on standard error: the whole is in the result.
const MOST_LINES: usize = 20;
