//! `scan` and `sbom`: what is in an image, a directory or a document.

use super::show::{self, Form};
use super::vulnerabilities::{self, Judges};
use super::{attached, document};
use crate::args::{
    CommonArguments, DatabaseChoice, DocumentTarget, DocumentTargets, FsTarget, Global, ImageTarget, LayeredTarget,
    SbomArguments, SbomChoice, SbomFormat, ScanArguments, VulnerabilityArguments,
};
use crate::config::{Config, Environment, Settings};
use crate::error::CliError;
use crate::progress::Bar;
use crate::{CommandResult, output};
use sekisho_base::clock::{Clock, FixedClock, SystemClock};
use sekisho_model::{Code, Gate, Inventory, write_json};
use sekisho_oci::{Choice, Location, StoreKind, Stores};
use sekisho_report::explanation_text;
use sekisho_sbom::merge::merge;
use sekisho_scan::{Cache, KnownBases, Options, scan_fs as run_fs, scan_image as run_image, tool};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

/// What every command is given.
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) environment: Environment,
    pub(crate) global: Global,
}

pub(crate) fn scan_image(context: &mut Context, arguments: ScanArguments<LayeredTarget>) -> CommandResult {
    let ScanArguments { target, format, language, vulnerabilities, common } = arguments;
    let LayeredTarget { image, all_layers, package_files } = target;
    name_insecure(context, &image)?;
    let asked = Asked::of(context, &vulnerabilities, &common)?;
    let (inventory, settings) = read_image(context, image, [all_layers, package_files], &common)?;
    let form = Form { format, language, file: common.output.as_deref() };
    show(context, &settings, asked, inventory, form, &common)
}

pub(crate) fn scan_fs(context: &mut Context, arguments: &ScanArguments<FsTarget>) -> CommandResult {
    let ScanArguments { target, format, language, vulnerabilities, common } = arguments;
    let asked = Asked::of(context, vulnerabilities, common)?;
    let (inventory, settings) = read_fs(context, target, common)?;
    let form = Form { format: *format, language: *language, file: common.output.as_deref() };
    show(context, &settings, asked, inventory, form, common)
}

/// `scan sbom`: what is in a document, judged anew.
pub(crate) fn scan_sbom(context: &mut Context, arguments: &ScanArguments<DocumentTarget>) -> CommandResult {
    let ScanArguments { target, format, language, vulnerabilities, common } = arguments;
    let asked = Asked::of(context, vulnerabilities, common)?;
    let (inventory, settings) = read_documents(context, std::slice::from_ref(&target.path), common)?;
    let form = Form { format: *format, language: *language, file: common.output.as_deref() };
    show(context, &settings, asked, inventory, form, common)
}

/// What is asked about vulnerabilities, known to make sense before anything is scanned.
struct Asked<'a> {
    judges: Judges,
    explain: Option<&'a str>,
    gate: Option<Gate>,
    baseline: Option<&'a Path>,
}

impl<'a> Asked<'a> {
    fn of(
        context: &mut Context,
        arguments: &'a VulnerabilityArguments,
        common: &CommonArguments,
    ) -> Result<Self, CliError> {
        let settings = settings(context, common, None, false)?;
        let VulnerabilityArguments { db, suppression, explain, gate } = arguments;
        let baseline = gate.fail_on_new.as_deref();
        let gate = vulnerabilities::gate_of(gate, &settings)?;
        if gate.is_some() && matches!(db, Some(DatabaseChoice::None)) {
            let message = "a gate on vulnerabilities was asked for, and no database to find them by";
            return Err(CliError::new(Code::UsageInvalid, message).hint("leave out --db none, or the gate"));
        }
        let judges = Judges::find(&settings, &context.environment, db.as_ref(), suppression)?;
        let named: Vec<_> = baseline.map(|path| (path, "the baseline that is read")).into_iter().collect();
        show::check_output(common, db.as_ref(), suppression, &named)?;
        Ok(Self { judges, explain: explain.as_deref(), gate, baseline })
    }
}

pub(crate) fn sbom_image(context: &mut Context, arguments: SbomArguments<ImageTarget>) -> CommandResult {
    name_insecure(context, &arguments.target)?;
    let (inventory, settings) = read_image(context, arguments.target, [false; 2], &arguments.common)?;
    write_sbom(context, inventory, &settings, arguments.format, &arguments.common)
}

pub(crate) fn sbom_fs(context: &mut Context, arguments: &SbomArguments<FsTarget>) -> CommandResult {
    let (inventory, settings) = read_fs(context, &arguments.target, &arguments.common)?;
    write_sbom(context, inventory, &settings, arguments.format, &arguments.common)
}

/// Adds the registry of the image to those that need not prove who they are, where that is asked for.
pub(super) fn name_insecure(context: &mut Context, target: &ImageTarget) -> Result<(), CliError> {
    if !target.insecure {
        return Ok(());
    }
    let Ok(Location::Registry { reference, .. }) = Location::of(&target.path) else {
        let message = format!("--insecure is about a registry, and {} is of none", target.path.display());
        return Err(CliError::new(Code::UsageInvalid, message).hint("leave it out"));
    };
    let mut insecure = context.config.settings()?.registry.insecure;
    insecure.push(reference.registry);
    context.config.flag("--insecure", "registry", "insecure", Some(insecure))
}

/// Says where the store of the image is, where that is said.
fn name_store(context: &mut Context, target: &ImageTarget) -> Result<(), CliError> {
    let Some(store) = &target.store else { return Ok(()) };
    let Ok(Location::Store { kind, .. }) = Location::of(&target.path) else {
        let message = format!("--store is about the store of an engine, and {} is of none", target.path.display());
        return Err(CliError::new(Code::UsageInvalid, message)
            .hint("put containerd: or containers-storage: before the name, or leave --store out"));
    };
    let directory = store.to_string_lossy().into_owned();
    match kind {
        StoreKind::Containerd => context.config.flag("--store", "stores", "containerd", Some(directory)),
        StoreKind::Containers => context.config.flag("--store", "stores", "containers", Some(vec![directory])),
    }
}

/// `sbom convert`.
pub(crate) fn sbom_convert(context: &mut Context, arguments: &SbomArguments<DocumentTarget>) -> CommandResult {
    let path = std::slice::from_ref(&arguments.target.path);
    let (inventory, settings) = read_documents(context, path, &arguments.common)?;
    write_sbom(context, inventory, &settings, arguments.format, &arguments.common)
}

/// `sbom merge`.
pub(crate) fn sbom_merge(context: &mut Context, arguments: &SbomArguments<DocumentTargets>) -> CommandResult {
    let (inventory, settings) = read_documents(context, &arguments.target.paths, &arguments.common)?;
    write_sbom(context, inventory, &settings, arguments.format, &arguments.common)
}

/// What the documents at `paths` describe, as one.
fn read_documents(
    context: &mut Context,
    paths: &[PathBuf],
    common: &CommonArguments,
) -> Result<(Inventory, Settings), CliError> {
    let settings = settings(context, common, None, false)?;
    let now = clock(&context.environment)?.now();
    let named: Vec<_> = paths.iter().map(|path| (path.as_path(), "a document that is read")).collect();
    output::check(common.output.as_deref(), &named)?;
    let limits = settings.limits();
    let read = paths.iter().map(|path| document::inventory(path, now, &limits));
    let merged = merge(read.collect::<Result<_, CliError>>()?, tool(), &limits);
    let inventory = merged.map_err(|error| {
        CliError::new(Code::UsageInvalid, error.to_string()).hint("merge those of each distribution on their own")
    })?;
    Ok((inventory, settings))
}

/// Scans an image; the two say whether packages of all layers are listed, and files of packages.
pub(super) fn read_image(
    context: &mut Context,
    target: ImageTarget,
    [all_layers, package_files]: [bool; 2],
    common: &CommonArguments,
) -> Result<(Inventory, Settings), CliError> {
    name_store(context, &target)?;
    let settings = settings(context, common, target.jobs, target.no_cache)?;
    let clock = clock(&context.environment)?;
    let bases: Vec<&Path> = settings.scan.bases.iter().chain(&target.base).map(PathBuf::as_path).collect();
    let mut inputs = vec![(target.path.as_path(), "the image that is scanned")];
    inputs.extend(bases.iter().map(|base| (*base, "a base image that is read")));
    output::check(common.output.as_deref(), &inputs)?;
    let bar = Bar::new("scanning", &context.global);
    let choice = Choice { name: target.image, platform: target.platform };
    let registries = settings.registries(&context.environment);
    let mut options = options(&settings, clock.as_ref(), &bar, choice);
    options.registries = Some(&registries);
    options.stores = settings.stores(&context.environment);
    options.all_layers = all_layers;
    options.package_files = package_files;
    options.rehash = target.rehash;
    for path in bases {
        let known = KnownBases::load(path, &options).map_err(|error| about_room(error.into(), &context.config))?;
        options.bases.bases.extend(known.bases);
    }
    let mut inventory = run_image(&target.path, &options).map_err(|error| about_room(error.into(), &context.config))?;
    drop(options);
    if target.sbom == Some(SbomChoice::Attached) {
        let (temporary, limits) = (&settings.scan.temporary, settings.limits());
        attached::add_sboms(&mut inventory, &registries, temporary, clock.now(), &limits);
    }
    Ok((inventory, settings))
}

/// Says of temporary files that cannot be written who decided where they go.
fn about_room(error: CliError, config: &Config) -> CliError {
    match config.origin("scan", "temporary") {
        Some(from) if error.code() == Code::TemporaryUnusable => error.hint(format!(
            "make room there, or set scan.temporary ({from}) to a directory that has some; if the input is trusted, \
             raise limits.spill_bytes"
        )),
        _ => error,
    }
}

pub(super) fn read_fs(
    context: &mut Context,
    target: &FsTarget,
    common: &CommonArguments,
) -> Result<(Inventory, Settings), CliError> {
    let settings = settings(context, common, None, false)?;
    let clock = clock(&context.environment)?;
    // The result may well lie in the tree that is scanned, but not in place of the file.
    let file = target.path.is_file().then_some((target.path.as_path(), "the file that is scanned"));
    output::check(common.output.as_deref(), file.as_slice())?;
    let bar = Bar::new("scanning", &context.global);
    let mut options = options(&settings, clock.as_ref(), &bar, Choice::default());
    options.cross_file_systems = target.cross_file_systems;
    let inventory = run_fs(&target.path, &options)?;
    drop(options);
    Ok((inventory, settings))
}

pub(super) fn settings(
    context: &mut Context,
    common: &CommonArguments,
    jobs: Option<usize>,
    no_cache: bool,
) -> Result<Settings, CliError> {
    let config = &mut context.config;
    let jobs = jobs.map(|jobs| i64::try_from(jobs).unwrap_or(i64::MAX));
    config.flag("--jobs", "scan", "jobs", jobs)?;
    config.flag("--allow-incomplete", "scan", "allow_incomplete", common.allow_incomplete.then_some(true))?;
    config.flag("--no-cache", "cache", "enabled", no_cache.then_some(false))?;
    config.settings()
}

fn options<'a>(settings: &Settings, clock: &'a dyn Clock, bar: &'a Bar, choice: Choice) -> Options<'a> {
    let cache = &settings.cache;
    Options {
        limits: settings.limits(),
        choice,
        jobs: settings.scan.jobs,
        all_layers: false,
        package_files: false,
        cross_file_systems: false,
        bases: KnownBases::default(),
        cache: cache.enabled.then(|| Cache::new(cache.directory.clone(), cache.max_bytes)),
        rehash: false,
        registries: None,
        stores: Stores::default(),
        temporary: settings.scan.temporary.clone(),
        clock,
        progress: bar,
    }
}

/// The machine's clock, or `SOURCE_DATE_EPOCH` (reproducible-builds.org) where it is set.
pub(super) fn clock(environment: &Environment) -> Result<Box<dyn Clock>, CliError> {
    let Some(text) = environment.get("SOURCE_DATE_EPOCH") else { return Ok(Box::new(SystemClock)) };
    let timestamp = text.parse().ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    match timestamp {
        Some(timestamp) => Ok(Box::new(FixedClock(timestamp))),
        None => Err(CliError::new(
            Code::ConfigInvalid,
            format!("SOURCE_DATE_EPOCH is {text:?}, which is no number of seconds"),
        )
        .hint("set it to seconds since 1970, or unset it")),
    }
}

/// The time that documents carry, where `SOURCE_DATE_EPOCH` is set.
pub(super) fn fixed_time(environment: &Environment) -> Result<Option<jiff::Timestamp>, CliError> {
    environment.get("SOURCE_DATE_EPOCH").map(|_| Ok(clock(environment)?.now())).transpose()
}

fn show(
    context: &mut Context,
    settings: &Settings,
    asked: Asked<'_>,
    inventory: Inventory,
    form: Form<'_>,
    common: &CommonArguments,
) -> CommandResult {
    if let Some(name) = asked.explain {
        let explanation = asked.judges.explain(&inventory, name)?;
        output::write_styled(&explanation_text(name, &explanation, &inventory), form.file)?;
        show::tell(&inventory, settings);
        return Ok(show::verdict(&inventory, settings));
    }
    let platform = inventory.image.as_ref().map(|image| image.platform.clone());
    // The process ends when this is shown: giving its thousands of pieces back would only take time.
    let mut report = ManuallyDrop::new(asked.judges.report(context, settings, inventory)?);
    if let Some(gate) = asked.gate {
        let read = |path| show::report_of(context, settings, &asked.judges, path, platform, common);
        let baseline = asked.baseline.map(read).transpose()?;
        vulnerabilities::judge(&mut report, gate, baseline.as_ref());
    }
    show::report(context, settings, form, &report)
}

fn write_sbom(
    context: &Context,
    inventory: Inventory,
    settings: &Settings,
    format: SbomFormat,
    common: &CommonArguments,
) -> CommandResult {
    // As in `show`: the process ends when this is written.
    let inventory = &*ManuallyDrop::new(inventory);
    let file = common.output.as_deref();
    let fixed = fixed_time(&context.environment)?;
    output::write_with(file, |to| match format {
        SbomFormat::Json => write_json(inventory, to),
        SbomFormat::Cyclonedx => sekisho_sbom::cyclonedx::write(inventory, fixed, to),
        SbomFormat::Spdx => sekisho_sbom::spdx::write(inventory, fixed, to),
    })?;
    show::tell(inventory, settings);
    Ok(show::verdict(inventory, settings))
}
