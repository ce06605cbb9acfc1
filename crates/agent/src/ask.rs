//! What rules demand, as the sensor is asked for it.

use sekisho_detect::{Demand, Region};
use sekisho_sensor::{Filters, Interest, Keep, Paths, Results};
use sekisho_trace::EventCode as E;
use sekisho_trace::event::EVENTS;
use std::collections::{BTreeMap, BTreeSet};

/// Calls so frequent that a rule about everything does not get them for itself: those that move bytes and memory, that
/// only look, and all that have no event of their own.
const FREQUENT: &[E] = &[
    E::READ_X,
    E::WRITE_X,
    E::PREAD_X,
    E::PWRITE_X,
    E::READV_X,
    E::WRITEV_X,
    E::PREADV_X,
    E::PWRITEV_X,
    E::SENDFILE_X,
    E::COPY_FILE_RANGE_X,
    E::LSEEK_X,
    E::MMAP_X,
    E::MUNMAP_X,
    E::MPROTECT_X,
    E::CLOSE_X,
    E::STAT_X,
    E::LSTAT_X,
    E::FSTAT_X,
    E::NEWFSTATAT_X,
    E::ACCESS_X,
    E::GETDENTS_X,
    E::GETDENTS64_X,
    E::IOCTL_3_X,
    E::FCNTL_X,
    E::GETCWD_X,
    E::GETUID_X,
    E::GETEUID_X,
    E::GETGID_X,
    E::GETEGID_X,
    E::IO_URING_ENTER_X,
    E::GENERIC_X,
];

/// The longest beginnings of paths that the kernel compares.
const LONGEST: usize = 120;
/// How many it has room for.
const MOST: usize = 4096;

/// Whether a type is told to a rule about everything only if others ask for it.
pub(crate) fn is_frequent(code: E) -> bool {
    FREQUENT.contains(&code.exit())
}

/// What a sensor is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Which calls.
    pub interest: Interest,
    /// What of them is left out.
    pub filters: Filters,
    /// Whether all files of a process have to be followed, rather than those that an event is about.
    pub all_files: bool,
}

impl Asked {
    /// What is needed to judge events as rules demand.
    pub fn of(demand: &Demand) -> Self {
        let mut interest = Interest::none();
        let programs = ["execve", "execveat", "clone", "clone3", "fork", "vfork"];
        for (at, info) in (0..).zip(EVENTS).filter(|(at, _)| demand.events.contains(E(*at))) {
            let code = E(at);
            // Those that come about are told anyhow.
            if programs.contains(&info.name) && !demand.failed_programs {
                continue;
            }
            let opens = matches!(code, E::OPEN_X | E::CREAT_X | E::OPENAT_2_X | E::OPENAT2_X | E::OPEN_BY_HANDLE_AT_X);
            interest.add_event(code, if opens && !demand.opens.failed { Results::Done } else { Results::All });
        }
        for name in &demand.calls {
            interest.add(name, Results::All);
        }
        // Programs and processes are told always, and with them all that is needed where neither a call is asked for nor what they
        // have open.
        if interest.is_empty() && !demand.all_files {
            return Self::default();
        }
        interest.add_processes();
        if demand.all_files {
            interest.add_files();
        }
        let paths = if demand.all_files { None } else { paths(demand) };
        Self { interest, filters: Filters { paths, ..Filters::default() }, all_files: demand.all_files }
    }
}

/// Which opens the kernel may leave out; `None` if that would be none.
fn paths(demand: &Demand) -> Option<Paths> {
    let mut others = Keep { read: false, write: false, failed: demand.opens.failed };
    let mut prefixes: BTreeMap<Vec<u8>, Keep> = BTreeMap::new();
    let regions: [(_, fn(&mut Keep)); 2] =
        [(&demand.opens.read, |keep| keep.read = true), (&demand.opens.write, |keep| keep.write = true)];
    for (region, keep) in regions {
        match region {
            Region::All => keep(&mut others),
            Region::Beginning(all) if all.len() > MOST / 2 => keep(&mut others),
            Region::Beginning(all) => {
                let short: BTreeSet<&[u8]> = all.iter().map(|path| path.get(..LONGEST).unwrap_or(path)).collect();
                for path in short {
                    keep(prefixes.entry(path.to_vec()).or_default());
                }
            }
        }
    }
    if others == (Keep { failed: others.failed, ..Keep::ALL }) {
        return None;
    }
    // The longest one decides alone, so that it has to say what the shorter ones and the rest say as well. In this order
    // those that a path begins with come before it.
    let mut done: Vec<(Vec<u8>, Keep)> = Vec::new();
    for (path, keep) in prefixes {
        let shorter = done.iter().filter(|(shorter, _)| path.starts_with(shorter)).map(|(_, keep)| *keep);
        let whole = shorter.fold(others, |sum, one| Keep {
            read: sum.read || one.read,
            write: sum.write || one.write,
            failed: sum.failed || one.failed,
        });
        let whole = Keep { read: whole.read || keep.read, write: whole.write || keep.write, failed: whole.failed };
        done.push((path, whole));
    }
    Some(Paths { others, prefixes: done })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_base::Limits;
    use sekisho_detect::Selection;
    use sekisho_detect::load::{File, Settings, load};

    fn asked(conditions: &[&str]) -> Asked {
        let rule = |(at, condition): (usize, &&str)| {
            format!("- rule: r{at}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n")
        };
        let text: String = conditions.iter().enumerate().map(rule).collect();
        let loaded = load(&[File { name: "r", text: &text }], &Settings::default(), &Limits::default());
        let rules = loaded.rules.unwrap_or_else(|| panic!("{:?}", loaded.problems));
        Asked::of(&Demand::of(&rules, &Selection::default(), &is_frequent))
    }

    #[test]
    fn nothing_is_asked_of_calls_where_rules_are_about_programs() {
        let programs = "evt.type in (execve, execveat, clone, clone3, fork, vfork, procexit) and proc.name = x";
        assert_eq!(asked(&[programs]), Asked::default());
        let failed = asked(&[programs, "evt.type = execve and evt.rawres < 0"]).interest.names();
        assert!(failed.contains("execve") && failed.contains("setuid") && !failed.contains("openat"), "{failed:?}");
    }

    #[test]
    fn files_are_followed_for_whoever_asks_also_where_no_rule_asks_for_a_call() {
        let asked = Asked::of(&Demand { all_files: true, ..Demand::none() });
        let names = asked.interest.names();
        assert!(names.contains("openat") && names.contains("close") && names.contains("chdir"), "{names:?}");
        assert!(asked.all_files && asked.filters.paths.is_none(), "every file");
    }

    #[test]
    fn what_shorter_beginnings_keep_longer_ones_keep_too() {
        let asked = asked(&[
            "evt.type = openat and evt.is_open_write = true and fd.name startswith /etc and evt.failed = false",
            "evt.type = openat and fd.name = /etc/shadow and evt.failed = false",
        ]);
        let read = Keep { read: true, write: true, failed: false };
        let write = Keep { read: false, ..read };
        let paths = asked.filters.paths.unwrap();
        assert_eq!(paths.others, Keep::default());
        assert_eq!(paths.prefixes, [(b"/etc".to_vec(), write), (b"/etc/shadow".to_vec(), read)]);
        assert!(asked.interest.names().contains("chdir") && !asked.interest.names().contains("close"));
    }

    #[test]
    fn a_call_without_an_event_of_its_own_is_asked_for_by_name() {
        assert!(asked(&["evt.type = madvise"]).interest.names().contains("madvise"));
        let everything = asked(&["proc.name = x"]).interest.names();
        assert!(everything.contains("openat") && !everything.contains("read") && !everything.contains("madvise"));
    }

    #[test]
    fn all_files_are_followed_where_a_rule_asks_what_is_open() {
        let asked = asked(&["evt.type = connect and fd.types in (file)", "evt.type = open and fd.name = /x"]);
        assert!(asked.all_files && asked.filters.paths.is_none() && asked.interest.names().contains("close"));
    }
}
