//! Containers that are frozen and ended by their cgroups, whatever hierarchy has them.

use sekisho_sensor::ContainerGroup;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// A cgroup that looks like one of a container, with a process in it.
struct Group {
    directory: PathBuf,
    path: String,
    id: String,
    child: Child,
}

impl Group {
    /// In the hierarchy that is mounted at `mount`; or why not.
    fn new(mount: &str, digit: char) -> Result<Self, String> {
        let id = format!("{:08x}{}", std::process::id(), digit.to_string().repeat(56));
        let path = format!("/sekisho-test-{}{digit}/libpod-{id}", std::process::id());
        let directory = Path::new(mount).join(path.trim_start_matches('/'));
        let failed = |error: std::io::Error| format!("{mount}: {error}");
        if !Path::new(mount).join("cgroup.procs").exists() {
            return Err(format!("{mount} is no hierarchy"));
        }
        fs::create_dir_all(directory.join("below")).map_err(failed)?;
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        let group = Self { path: format!("{path}/below"), directory, id, child };
        fs::write(group.directory.join("below/cgroup.procs"), group.child.id().to_string()).map_err(failed)?;
        Ok(group)
    }

    fn state(&self) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Whoever is frozen does not end.
        let _ = fs::write(self.directory.join("freezer.state"), "THAWED");
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir(self.directory.join("below"));
        let _ = fs::remove_dir(&self.directory);
        let _ = self.directory.parent().map(fs::remove_dir);
    }
}

#[test]
fn containers_are_frozen_and_ended_in_cgroups_of_either_version() {
    let unified = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .into_iter()
        .find(|mount| Path::new(mount).join("cgroup.controllers").exists());
    for (mount, digit, frozen) in [(unified, '2', 'S'), (Some("/sys/fs/cgroup/freezer"), '1', 'D')] {
        let Some(mount) = mount else {
            println!("SKIP: cgroups of version 2 are not mounted");
            continue;
        };
        let mut group = match Group::new(mount, digit) {
            Ok(group) => group,
            Err(why) => {
                println!("SKIP: no cgroup can be made: {why}");
                continue;
            }
        };
        let found = ContainerGroup::find(&group.path, &group.id).unwrap();
        assert_eq!(found.place(), group.directory, "all of it, not only the part below");
        found.pause().unwrap();
        assert!([frozen, 'S', 'D'].contains(&group.state()), "{}", group.state());
        let state = fs::read_to_string(group.directory.join("cgroup.events"))
            .or_else(|_| fs::read_to_string(group.directory.join("freezer.state")))
            .unwrap();
        assert!(state.contains("frozen 1") || state.contains("FROZEN") || state.contains("FREEZING"), "{state}");
        assert!(!found.is_over());
        found.kill().unwrap();
        assert_eq!(group.child.wait().unwrap().signal(), Some(9), "{mount}");
        let gone = ContainerGroup::find(&group.path, &group.id).unwrap_err();
        assert!(gone.to_string().contains("has ended"), "{gone}");
    }
}

#[test]
fn a_container_that_this_runs_in_is_spared() {
    let Ok(group) = Group::new("/sys/fs/cgroup/freezer", '3').or_else(|_| Group::new("/sys/fs/cgroup", '3')) else {
        return println!("SKIP: no cgroup can be made");
    };
    // A process moves itself there, and asks for the container that it is in then.
    let own = group.directory.join("cgroup.procs");
    let back =
        if group.directory.starts_with("/sys/fs/cgroup/freezer") { "/sys/fs/cgroup/freezer" } else { "/sys/fs/cgroup" };
    let before = fs::read_to_string("/proc/self/cgroup").unwrap();
    if fs::write(&own, std::process::id().to_string()).is_err() {
        return println!("SKIP: this process cannot be moved");
    }
    let found = ContainerGroup::find(&group.path, &group.id);
    let line = before.lines().find(|line| line.contains(":freezer:")).or_else(|| before.lines().last()).unwrap();
    let place = format!("{back}{}/cgroup.procs", line.rsplit(':').next().unwrap());
    fs::write(place, std::process::id().to_string()).unwrap();
    assert!(found.unwrap_err().to_string().contains("this very program"));
}
