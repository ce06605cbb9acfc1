//! The flight recorder, live: the capture of an alert gives the alert again, here and with sysdig.

use crate::live::{Watch, podman_run};
use serde_json::Value as Json;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn replay(capture: &str, rules: &Path) -> Vec<Json> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.args(["detect", "replay", capture, "--exit-only", "--format", "json", "--rules"]).arg(rules).env_clear();
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_capture_of_an_alert_gives_the_alert_again() {
    let directory = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(directory.path()).unwrap();
    let mark = format!("sekisho-capture-{}", std::process::id());
    let rules = base.join("rules.yaml");
    let rule = format!(
        "- rule: Marked\n  desc: d\n  condition: evt.type in (open, openat, openat2) and fd.name endswith {mark}\n  \
         output: \"%evt.type %fd.name %proc.name %proc.cmdline %proc.exepath %proc.cwd %proc.pname %proc.pcmdline \
         %proc.aname[2] %user.name %container.id %container.name\"\n  priority: WARNING\n"
    );
    fs::write(&rules, rule).unwrap();
    let captures = base.join("captures");
    let arguments = ["--capture".as_ref(), captures.as_os_str(), "--capture-duration".as_ref(), OsStr::new("100")];
    let mut watch = match Watch::start(std::slice::from_ref(&rules), &arguments) {
        Ok(watch) => watch,
        Err(why) => return println!("SKIP: {why}"),
    };
    watch.take();
    let file = base.join(&mark);
    fs::write(&file, "x").unwrap();
    let script = format!("read line <'{}'; : marked", file.display());
    let _ = Command::new("/bin/sh").args(["-c", &script]).status().unwrap();
    let in_container = format!("echo x >/tmp/{mark}; cat /tmp/{mark} >/dev/null");
    let ran = podman_run().args(["--rm", "--rootfs", "/:O", "sh", "-c", &in_container]).stdout(Stdio::null()).output();
    let contained = ran.as_ref().is_ok_and(|output| output.status.success());
    if !contained {
        println!("SKIP: no container can be run: {ran:?}");
    }
    let mut alerts = watch.take();
    let names: Vec<String> = {
        let named = |alert: &Json| alert["capture"].as_str().unwrap_or_else(|| panic!("{alert}")).to_owned();
        alerts.iter().map(named).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    };
    // A capture has its name once it is whole.
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !names.iter().all(|name| Path::new(name).exists()) {
        assert!(std::time::Instant::now() < deadline, "{names:?}");
        watch.take();
    }
    for alert in &mut alerts {
        alert.as_object_mut().unwrap().remove("capture");
    }
    let of_container =
        alerts.iter().filter(|alert| alert["output_fields"]["container.id"].as_str().is_some_and(|id| id != "host"));
    assert_eq!(of_container.count(), if contained { 2 } else { 0 }, "{alerts:?}");
    assert!(alerts.len() >= 2, "{alerts:?}");
    let again: Vec<Json> = names.iter().flat_map(|name| replay(name, &rules)).collect();
    for alert in &alerts {
        assert!(again.contains(alert), "{alert}\nnot in\n{again:#?}");
    }
    assert!(again.iter().all(|alert| alerts.contains(alert)), "and nothing else");

    for name in &names {
        let format = "%evt.type %fd.name %proc.name";
        let filter = format!("evt.type in (open, openat, openat2) and fd.name endswith {mark}");
        let output = match Command::new("sysdig").args(["-r", name, "-p", format, &filter]).output() {
            Ok(output) => output,
            Err(error) => return println!("SKIP: sysdig cannot be run: {error}"),
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout);
        let field = |alert: &Json, key: &str| alert["output_fields"][key].as_str().unwrap().to_owned();
        let own: Vec<String> = replay(name, &rules)
            .iter()
            .map(|alert| ["evt.type", "fd.name", "proc.name"].map(|key| field(alert, key)).join(" "))
            .collect();
        assert_eq!(said.lines().map(str::trim).collect::<Vec<_>>(), own, "sysdig sees the same");
    }
}
