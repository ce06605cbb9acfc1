//! What each command does.

mod admission;
mod attached;
mod check;
mod db;
mod detect;
mod diff;
mod document;
mod hub;
mod policy;
mod reevaluate;
mod scan;
mod show;
mod vulnerabilities;

pub use admission::manifests as admission_manifests;

use crate::args::{
    Arguments, CheckCommand, ColorWhen, Command, ConfigCommand, DbCommand, PolicyCommand, SbomCommand, ScanCommand,
    command_tree,
};
use crate::config::{Config, Environment};
use crate::error::{CliError, reason};
use crate::{CommandResult, output};
use anstream::ColorChoice;
use sekisho_model::{Code, Exit};

/// Runs the command that was asked for.
pub(crate) fn run(arguments: Arguments) -> CommandResult {
    let environment = Environment::of_process();
    let Arguments { command, global } = arguments;
    let mut config = Config::load(global.config.as_deref(), &environment);
    config.flag("--color", "output", "color", global.color.map(color_name))?;
    choose_color(&config.settings()?.output.color);
    let problem = config.problem();
    if let Command::Config(ConfigCommand::Show) = command {
        // What is wrong is best mended with all settings in view.
        output::write(&config.show(), None)?;
        problem?;
        // A proxy or a bundle that cannot be used is better known before the network is.
        let network = config.settings()?.network();
        network.check().map_err(|error| CliError::from_error(Code::NetworkUnusable, &error))?;
        return Ok(Exit::Passed);
    }
    problem?;
    let mut context = scan::Context { config, environment, global };
    match command {
        Command::Scan(ScanCommand::Image(arguments)) => scan::scan_image(&mut context, arguments),
        Command::Scan(ScanCommand::Fs(arguments)) => scan::scan_fs(&mut context, &arguments),
        Command::Scan(ScanCommand::Sbom(arguments)) => scan::scan_sbom(&mut context, &arguments),
        Command::Scan(ScanCommand::Report(arguments)) => show::stored(&mut context, &arguments),
        Command::Sbom(SbomCommand::Image(arguments)) => scan::sbom_image(&mut context, arguments),
        Command::Sbom(SbomCommand::Fs(arguments)) => scan::sbom_fs(&mut context, &arguments),
        Command::Sbom(SbomCommand::Convert(arguments)) => scan::sbom_convert(&mut context, &arguments),
        Command::Sbom(SbomCommand::Merge(arguments)) => scan::sbom_merge(&mut context, &arguments),
        Command::Sbom(SbomCommand::Diff(arguments)) => diff::packages(&mut context, &arguments),
        Command::Check(CheckCommand::Image(arguments)) => check::check_one_image(&mut context, *arguments),
        Command::Check(CheckCommand::Manifest(arguments)) => check::check_manifest(&mut context, &arguments),
        Command::Check(CheckCommand::Report(arguments)) => check::check_report(&mut context, &arguments),
        Command::Policy(PolicyCommand::List(arguments)) => policy::list(&context, &arguments),
        Command::Policy(PolicyCommand::Show(arguments)) => policy::show(&context, &arguments),
        Command::Policy(PolicyCommand::Lint(arguments)) => policy::lint(&context, &arguments),
        Command::Policy(PolicyCommand::Test(arguments)) => policy::test(&context, &arguments),
        Command::Policy(PolicyCommand::Explain(arguments)) => policy::explain(&context, &arguments),
        Command::Policy(PolicyCommand::Convert(arguments)) => policy::convert(&context, &arguments),
        Command::Admission(command) => admission::run(&mut context, &command),
        Command::Detect(command) => detect::run(&mut context, &command),
        Command::Hub(command) => hub::run(&mut context, &command),
        Command::Diff(arguments) => diff::run(&mut context, &arguments),
        Command::Db(DbCommand::Import(arguments)) => db::import(&context, &arguments),
        Command::Db(DbCommand::Diff(arguments)) => reevaluate::run(&context, &arguments),
        Command::Db(DbCommand::Update(arguments)) => db::update(&context, &arguments),
        Command::Db(DbCommand::Remove(arguments)) => db::remove(&context, &arguments),
        Command::Db(DbCommand::Push(arguments)) => db::push(&context, &arguments),
        Command::Db(DbCommand::Pull(arguments)) => db::pull(&context, &arguments),
        Command::Db(DbCommand::Status(arguments)) => db::status(&context, &arguments),
        Command::Db(DbCommand::Vercmp(arguments)) => db::vercmp(&context, &arguments),
        Command::Config(ConfigCommand::Show) => Ok(Exit::Passed),
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command_tree(), "sekisho", &mut script);
            output::write(&String::from_utf8_lossy(&script), None)?;
            Ok(Exit::Passed)
        }
        Command::Man { directory } => {
            std::fs::create_dir_all(&directory)
                .and_then(|()| clap_mangen::generate_to(command_tree(), &directory))
                .map_err(|error| {
                    let message = format!("cannot write manual pages to {}: {}", directory.display(), reason(&error));
                    CliError::new(Code::OutputFailed, message).hint("check the directory and the space left")
                })?;
            Ok(Exit::Passed)
        }
    }
}

fn color_name(when: ColorWhen) -> &'static str {
    match when {
        ColorWhen::Auto => "auto",
        ColorWhen::Always => "always",
        ColorWhen::Never => "never",
    }
}

/// Of what the settings allow.
fn choose_color(name: &str) {
    match name {
        "always" => ColorChoice::Always,
        "never" => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
    .write_global();
}

/// Comes when the program is told to stop.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Then the signals end the program at once.
        return std::future::pending().await;
    };
    std::future::poll_fn(|context| {
        let told = terminate.poll_recv(context).is_ready() | interrupt.poll_recv(context).is_ready();
        if told { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
