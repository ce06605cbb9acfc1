//! The hub as people meet it: started, logged in to, sent to, asked, killed and started again.

use crate::world::World;
use serde_json::Value;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

/// A hub that runs; it is killed with this.
struct Serving {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    url: String,
    /// The password of the first user, where it was told.
    password: Option<String>,
}

impl Serving {
    fn start(world: &World) -> Self {
        let mut child = in_hub(world.command("hub serve --listen 127.0.0.1:0"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut password = None;
        let url = loop {
            let line = lines.next().unwrap().unwrap();
            if line.contains("\"first_user\"") {
                password =
                    Some(std::fs::read_to_string(world.path().join("hub/first-password")).unwrap().trim().to_owned());
            }
            if let Some(rest) = line.split("at https://").nth(1) {
                let port = rest.split('"').next().unwrap().rsplit(':').next().unwrap();
                break format!("https://localhost:{port}");
            }
            assert!(line.contains("first_user"), "{line}");
        };
        Self { child, lines, url, password }
    }

    fn ask(&self, world: &World, arguments: &str) -> Output {
        in_hub(world.command(arguments)).env("SEKISHO_HUB__URL", &self.url).output().unwrap()
    }

    /// What a command that succeeds prints.
    fn says(&self, world: &World, arguments: &str) -> String {
        let output = self.ask(world, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn list(&self, world: &World, arguments: &str) -> Vec<Value> {
        let page: Value = serde_json::from_str(&self.says(world, &format!("{arguments} --format json"))).unwrap();
        page["items"].as_array().unwrap().clone()
    }

    /// Waits until it tells that.
    fn tells(&mut self, event: &str) -> String {
        let wanted = format!("\"event\":\"{event}\"");
        self.lines.by_ref().map(Result::unwrap).find(|line| line.contains(&wanted)).unwrap()
    }

    fn login(&self, world: &World, lines: &[&str]) -> Output {
        let mut child = in_hub(world.command("hub login --password-stdin"))
            .env("SEKISHO_HUB__URL", &self.url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn in_hub(mut command: Command) -> Command {
    command.env("SEKISHO_HUB__DIRECTORY", "hub").env("SEKISHO_HUB__TOKEN_FILE", "hub-token");
    command
}

const PASSWORD: &str = "correct horse battery staple";

#[test]
fn what_is_sent_is_judged_and_there_after_a_kill() {
    let world = World::new();
    let mut hub = Serving::start(&world);
    let refused = hub.ask(&world, "hub list inventories");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("request.unauthenticated"), "{refused:?}");
    let first = hub.password.clone().unwrap();
    let login = hub.login(&world, &[&first, PASSWORD]);
    assert_eq!(login.status.code(), Some(0), "{}", String::from_utf8_lossy(&login.stderr));

    let made = world.command("sbom image app.tar --format json --output app.json").output().unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(hub.says(&world, "hub push app.json"), "1 kept by the hub\n");
    hub.tells("judged");
    let hits = hub.list(&world, "hub who CVE-2023-9001");
    assert_eq!(hits.len(), 1, "{hits:?}");
    assert_eq!(hits[0]["package"], "pkg:npm/express@4.21.2");
    let worst = hub.list(&world, "hub list findings --filter exploited=true");
    assert_eq!(worst.len(), 1, "{worst:?}");
    assert_eq!(hub.list(&world, "hub list inventories --filter os:debian").len(), 1);
    assert!(hub.says(&world, "hub who CVE-2023-9001").contains("4.22.0"));

    // A token for a program that sends, and may do nothing else.
    let token = hub.says(&world, "hub token add ci --role scanner --days 1");
    let with_token = |arguments: &str| {
        let mut command = in_hub(world.command(arguments));
        command.env("SEKISHO_HUB__URL", &hub.url).env("SEKISHO_HUB__TOKEN", token.trim()).output().unwrap()
    };
    assert_eq!(with_token("hub push app.json").status.code(), Some(0));
    let refused = with_token("hub user list");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("request.forbidden"), "{refused:?}");

    // Nothing that was acknowledged is missing, however it ends.
    drop(hub);
    let hub = Serving::start(&world);
    assert_eq!(hub.password, None);
    assert_eq!(hub.list(&world, "hub who CVE-2023-9001"), hits);
    assert!(hub.says(&world, "hub audit verify").contains("as they were written"));
    let stopped = Command::new("kill").args(["-TERM", &hub.child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
}

#[test]
fn a_hub_is_not_asked_in_plain_text_from_afar() {
    let world = World::new();
    for (url, part) in [
        ("http://hub.example.org", "plain text"),
        ("ftp://localhost", "https://HOST"),
        ("hub", "hub.url"),
        ("https://localhost:1", "hub.unreachable"),
    ] {
        let output = in_hub(world.command("hub list jobs")).env("SEKISHO_HUB__URL", url).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() != Some(0) && said.contains(part), "{url}: {said}");
    }
}
