//! The example pipelines: what their steps run, on a project that is sound and on one that is not.

use super::world::{World, shown};
use sekisho_base::Limits;
use sekisho_base::tree::{self, Node};
use sekisho_testkit::{Compress, ImageBuilder, LayerBuilder};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

const SOUND: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      automountServiceAccountToken: false
      containers:
      - name: web
        image: registry.example.org/shop/web:1.5@sha256:0d5f3c9a8a7b4f0b8a3f5b8f3f0f8a0b6d4c2a19e8d7c6b5a493827160f5e4d3
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 500m, memory: 64Mi}}
        securityContext:
          allowPrivilegeEscalation: false
          runAsNonRoot: true
          readOnlyRootFilesystem: true
          capabilities: {drop: [ALL]}
          seccompProfile: {type: RuntimeDefault}
";

/// A pipeline, the shell that its system starts for a step, and how many of its steps run the program.
const PIPELINES: [(&str, &[&str], usize); 5] = [
    ("azure-pipelines.yml", &["bash"], 3),
    ("github-actions.yml", &["bash", "-e"], 4),
    ("gitlab-ci.yml", &["bash", "-e", "-o", "pipefail"], 2),
    ("Jenkinsfile", &["sh", "-x", "-e"], 3),
    ("tekton.yaml", &["sh"], 2),
];

/// The texts that stand at `run` and `script`; a list is one script, its items in lines.
fn scripts(node: &Node, found: &mut Vec<String>) {
    for field in node.fields() {
        if ["run", "script"].contains(&field.name.as_str()) {
            let lines: Vec<&str> = match field.node.as_str() {
                Some(text) => vec![text],
                None => field.node.items().iter().map(|item| item.as_str().unwrap()).collect(),
            };
            found.push(lines.join("\n"));
        } else {
            scripts(&field.node, found);
        }
    }
    node.items().iter().for_each(|item| scripts(item, found));
}

/// What the steps of a pipeline run, but for those that do without this program, and without the lines that build.
fn steps(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/ci").join(name);
    let text = fs::read_to_string(&path).unwrap();
    let mut found = Vec::new();
    if name == "Jenkinsfile" {
        found.extend(text.split("'''").skip(1).step_by(2).map(str::to_owned));
    } else {
        for document in tree::documents(&text, &Limits::default()) {
            scripts(&document.unwrap(), &mut found);
        }
    }
    found.retain(|script| script.contains("sekisho "));
    found
}

/// Runs every step in `directory`, as one job after the other would, and gives what each ended with.
fn run(world: &World, directory: &Path, name: &str, shell: &[&str]) -> Vec<(String, i32)> {
    let tools = Path::new(env!("CARGO_BIN_EXE_sekisho")).parent().unwrap();
    let ended = steps(name).into_iter().map(|script| {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg("-c").arg(&script).current_dir(directory);
        command.env_clear().envs(world.environment()).env("SEKISHO_CACHE__DIRECTORY", world.path().join("cache"));
        command.env("PATH", format!("{}:/usr/bin:/bin", tools.display())).env("GITHUB_STEP_SUMMARY", "summary.md");
        let output = command.output().unwrap();
        let code = output.status.code().unwrap();
        assert!(code < 2, "{name}: {script}\n{}", shown(&output));
        (script, code)
    });
    ended.collect()
}

/// A directory with manifests, an image and a database under the names that the pipelines use.
fn project(world: &World, name: &str, manifest: &str, image: &ImageBuilder) -> std::path::PathBuf {
    let directory = world.path().join(name);
    fs::create_dir_all(directory.join("k8s")).unwrap();
    fs::write(directory.join("k8s/web.yaml"), manifest).unwrap();
    ImageBuilder::write_tar(&image.docker_archive(), &directory.join("shop.tar"));
    let status: serde_json::Value = serde_json::from_str(&world.stdout("db status --format json")).unwrap();
    symlink(world.path().join(status["path"].as_str().unwrap()), directory.join("advisories.skadv")).unwrap();
    directory
}

#[test]
fn example_pipelines_let_pass_what_is_sound_and_nothing_else() {
    let world = World::new();
    let bad_manifest = SOUND.replace("runAsNonRoot: true", "privileged: true");
    let system = "ID=debian\nVERSION_ID=12\n";
    let installed = "Package: base-files\nStatus: install ok installed\nVersion: 12.5\nArchitecture: amd64\n\n";
    let image = |package: &str| {
        let layer = LayerBuilder::new()
            .file("etc/os-release", system)
            .file("var/lib/dpkg/status", installed)
            .file("app/node_modules/express/package.json", package);
        ImageBuilder::new("example.org/shop:1").set("User", "1000".into()).layer(
            "COPY . /",
            &layer.build(),
            Compress::Gzip,
        )
    };
    let sound = image(r#"{"name":"express","version":"4.22.0"}"#);
    // Exploited, says the database.
    let bad = image(r#"{"name":"express","version":"4.21.2"}"#);
    for (name, shell, count) in PIPELINES {
        let stem = name.split('.').next().unwrap();
        let directory = project(&world, &format!("sound-{stem}"), SOUND, &sound);
        let ended = run(&world, &directory, name, shell);
        assert_eq!(ended.len(), count, "{name}");
        for (script, code) in ended {
            assert_eq!(code, 0, "{name}: {script}");
        }
        let directory = project(&world, &format!("bad-{stem}"), &bad_manifest, &bad);
        let ended = run(&world, &directory, name, shell);
        for what in ["check manifest k8s/", "check image shop.tar"] {
            let refused = ended.iter().filter(|(script, code)| *code == 1 && script.contains(what)).count();
            assert_eq!(refused, 1, "{name}, {what}: {ended:?}");
        }
        // Whatever a step was told to write is there, also where the gate refused.
        let words: Vec<&str> = ended.iter().flat_map(|(script, _)| script.split_whitespace()).collect();
        for pair in words.windows(2).filter(|pair| pair[0] == "--output") {
            let text = fs::read_to_string(directory.join(pair[1])).unwrap();
            assert!(text.contains("privileged-container") || text.contains("CVE-2023-9001"), "{name}: {}", pair[1]);
        }
    }
}
