//! Rules and policies loaded anew while they are asked: when their files change, or when the program is told to (SIGHUP).

use super::super::check::{Inputs, OF_POLICIES};
use super::rules::{OF_RULES, Ruling, ruling};
use super::run::when_told;
use crate::args::{RulesOption, RuntimePolicies};
use crate::config::Settings;
use crate::error::CliError;
use crate::output;
use sekisho_model::CheckInput;
use sekisho_report::printable;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use tokio::signal::unix::SignalKind;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How often it is looked whether the program was told to.
const TURN: Duration = Duration::from_millis(100);

/// Where rules and policies are from.
pub(super) struct Sources {
    pub(super) rules: RulesOption,
    pub(super) policies: RuntimePolicies,
    pub(super) settings: Settings,
}

impl Sources {
    /// What they say now.
    pub(super) fn ruling(&self) -> Result<Ruling, CliError> {
        ruling(&self.rules, &self.policies, &self.settings)
    }

    /// The files as they are now, without a look at what they say.
    fn files(&self) -> Result<Vec<CheckInput>, CliError> {
        let limits = self.settings.limits();
        let mut policies: Vec<PathBuf> = self.policies.policy.clone();
        if !policies.is_empty() || self.policies.profile.is_some() {
            policies.extend(self.settings.check.policies.iter().cloned());
        }
        let mut read = Vec::new();
        let baselines = [".json"];
        for (paths, ends) in
            [(&self.rules.rules, &OF_RULES[..]), (&self.rules.baseline, &baselines[..]), (&policies, &OF_POLICIES[..])]
        {
            // What comes through a pipe comes once.
            let paths: Vec<PathBuf> = paths.iter().filter(|path| path.as_os_str() != "-").cloned().collect();
            read.extend(Inputs::read(&paths, ends, &limits)?.read);
        }
        Ok(read)
    }
}

/// Looks after files on a thread of its own, so that nothing waits for them.
pub(super) struct Reloader {
    found: Receiver<Result<Ruling, String>>,
    /// How many times that was done, and how many times it failed.
    pub(super) counts: (u64, u64),
    /// Whether what is asked is what the files say.
    pub(super) current: bool,
}

impl Reloader {
    /// Begins, with what the files say at first.
    pub(super) fn start(sources: Sources) -> Result<(Ruling, Self), CliError> {
        // Whatever changes from here on is seen.
        let mut known = sources.files().ok();
        let first = sources.ruling()?;
        let told = when_told("hangup", &[SignalKind::hangup()]);
        let (send, found) = channel();
        // Where no thread can be had, what was loaded first is asked until the end.
        let _ = thread::Builder::new().name("reload".to_owned()).spawn(move || {
            let mut looked_at = Instant::now();
            let mut wrong = String::new();
            loop {
                thread::sleep(TURN);
                let is_told = told.swap(false, Ordering::Relaxed);
                if !is_told && looked_at.elapsed() < LOOK {
                    continue;
                }
                looked_at = Instant::now();
                let looked = match sources.files() {
                    Ok(files) if !is_told && known.as_ref() == Some(&files) => continue,
                    Ok(files) => {
                        known = Some(files);
                        sources.ruling()
                    }
                    Err(error) => {
                        known = None;
                        Err(error)
                    }
                };
                let looked = looked.map_err(|error| error.message().to_owned());
                // What is wrong is told once, unless somebody asks.
                let now = looked.as_ref().err().cloned().unwrap_or_default();
                let is_same = !now.is_empty() && now == wrong && !is_told;
                wrong = now;
                if !is_same && send.send(looked).is_err() {
                    return;
                }
            }
        });
        Ok((first, Self { found, counts: (0, 0), current: true }))
    }

    /// What was loaded anew since this was last asked. What is faulty is told, and leaves what there is.
    pub(super) fn next(&mut self) -> Option<Ruling> {
        let mut last = None;
        while let Ok(found) = self.found.try_recv() {
            match found {
                Ok(ruling) => {
                    self.counts.0 += 1;
                    self.current = true;
                    last = Some(ruling);
                }
                Err(why) => self.failed(&why),
            }
        }
        last
    }

    /// Says that what was loaded is not asked, and why.
    pub(super) fn failed(&mut self, why: &str) {
        self.counts.1 += 1;
        self.current = false;
        output::error_line(&format!("not reloaded: {}; what was asked before is asked on", printable(why)));
    }
}
