//! What holds for every reader of a list.

use crate::{Dispatch, testing};

/// A file of many packages: its path, its beginning, an entry with `#` for its number, and its end.
const LISTS: &[(&str, &str, &str, &str)] = &[
    ("Gemfile.lock", "GEM\n  specs:\n", "    a# (1)\n", "\nDEPENDENCIES\n  a1\n"),
    (
        "composer.lock",
        r#"{"packages": ["#,
        r#"{"name": "a/b#", "version": "1"},"#,
        r#"{"name": "z", "version": "1"}]}"#,
    ),
    (
        "vendor/composer/installed.json",
        r#"{"dev-package-names": ["z"], "packages": ["#,
        r#"{"name": "a/b#", "version": "1"},"#,
        r#"{"name": "z", "version": "1"}]}"#,
    ),
    ("pubspec.lock", "packages:\n", "  a#:\n    source: hosted\n    version: \"1\"\n", "sdks:\n"),
    ("mix.lock", "%{\n", "  \"a#\": {:hex, :a#, \"1\", \"c\", [:mix], [{:b, \"> 1\", []}], \"hexpm\"},\n", "}\n"),
    (
        "Package.resolved",
        r#"{"pins": ["#,
        r#"{"identity": "a#", "location": "https://x/a#", "state": {"version": "1"}},"#,
        r#"{"identity": "z", "state": {"version": "1"}}]}"#,
    ),
    ("Podfile.lock", "PODS:\n", "  - A#/B (1):\n    - C\n", "DEPENDENCIES:\n  - A1\n"),
    ("conan.lock", r#"{"requires": ["#, r#""a#/1","#, r#""z/1"]}"#),
    (
        "conan.lock",
        r#"{"graph_lock": {"nodes": {"0": {"requires": ["1"]}, "#,
        r##""#": {"ref": "a#/1", "requires": ["#0", "#1", "1"]},"##,
        r#""z": {"ref": "z/1"}}}}"#,
    ),
    ("conanfile.txt", "[requires]\n", "a#/1\n", ""),
    ("Manifest.toml", "manifest_format = \"2.0\"\n", "[[deps.A#]]\nuuid = \"#\"\nversion = \"1\"\n", ""),
    ("renv.lock", r#"{"Packages": {"#, r#""a#": {"Version": "1"},"#, r#""z": {"Version": "1"}}}"#),
    ("cabal.project.freeze", "constraints: ", "any.a# ==1,\n             ", "any.z ==1\n"),
    ("go.mod", "go 1.21\nrequire (\n", "\ta.example/# v1.0.0\n", "\ta.example/z v1.0.0\n)\n"),
    (
        "package-lock.json",
        r#"{"lockfileVersion": 3, "packages": {"": {"name": "x"}, "#,
        r#""node_modules/a#": {"version": "1.0.0"},"#,
        r#""node_modules/z": {"version": "1.0.0"}}}"#,
    ),
    ("yarn.lock", "# yarn lockfile v1\n\n", "a#@^1:\n  version \"1.0.0\"\n\n", ""),
    (
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\n\npackages:\n\n",
        "  a#@1.0.0:\n    resolution: {integrity: x}\n\n",
        "",
    ),
    (
        "bun.lock",
        r#"{"lockfileVersion": 1, "packages": {"#,
        r#""a#": ["a#@1.0.0", "", {}, ""],"#,
        r#""z": ["z@1.0.0", "", {}, ""]}}"#,
    ),
    ("Pipfile.lock", r#"{"default": {"#, r#""a#": {"version": "==1"},"#, r#""z": {"version": "==1"}}}"#),
    ("requirements.txt", "", "a#==1\n", ""),
    ("gradle.lockfile", "# generated\n", "a:b#:1=runtimeClasspath\n", ""),
    (
        "packages.lock.json",
        r#"{"version": 1, "dependencies": {"net6.0": {"#,
        r#""A#": {"type": "Transitive", "resolved": "1.0.0"},"#,
        r#""z": {"type": "Transitive", "resolved": "1.0.0"}}}}"#,
    ),
    (
        "packages.config",
        "<packages>",
        "<package id=\"a#\" version=\"1\"/>",
        "<package id=\"z\" version=\"1\"/></packages>",
    ),
    (
        "build.sbt.lock",
        r#"{"lockVersion": 1, "dependencies": ["#,
        r#"{"org": "a", "name": "b#", "version": "1", "configurations": ["compile"]},"#,
        r#"{"org": "a", "name": "z", "version": "1", "configurations": ["compile"]}]}"#,
    ),
    ("stack.yaml", "extra-deps:\n", "- a#-1@sha256:0,1\n", "- z-1\n"),
    ("setup.py", "setup(install_requires=[\n", "    'a#==1',\n", "    'z==1'])\n"),
    ("stack.yaml.lock", "packages:\n", "- completed:\n    hackage: a#-1@sha256:0,1\n", "snapshots: []\n"),
];

/// Every name of a lock file, and of a project that declares what it needs.
const LOCKS: &[&str] = &[
    "requirements.txt",
    "requirements.lock",
    "Pipfile.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "pylock.toml",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "pnpm-lock.main.yaml",
    "bun.lock",
    "bun.lockb",
    "Cargo.lock",
    "go.mod",
    "pom.xml",
    "gradle.lockfile",
    "gradle/dependency-locks/compileClasspath.lockfile",
    "gradle/verification-metadata.xml",
    "build.sbt.lock",
    "packages.lock.json",
    "obj/project.assets.json",
    "packages.config",
    "a.csproj",
    "Directory.Packages.props",
    "Gemfile.lock",
    "gems.locked",
    "rails.gemfile.lock",
    "composer.lock",
    "vendor/composer/installed.json",
    "pubspec.lock",
    "mix.lock",
    "Package.resolved",
    ".package.resolved",
    "Podfile.lock",
    "conan.lock",
    "conanfile.txt",
    "Manifest.toml",
    "renv.lock",
    "cabal.project.freeze",
    "stack.yaml.lock",
    "stack.yaml",
];

#[test]
fn what_is_no_lock_file_is_told_under_each_of_their_names() {
    let dispatch = Dispatch::all();
    let encrypted = format!("\0GITCRYPT\0{}", "\u{2}\u{93}abc\n".repeat(9));
    let texts = [
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32\nsize 12345\n",
        "<!DOCTYPE html>\n<html><head><title>404</title></head>\n<body>\n  <p>Not found</p>\n</body></html>\n",
        "<html lang=\"en\"><body><p>Not found</p></body></html>\n",
        "404: Not Found",
        "{\"message\": \"Not Found\", \"status\": [404]}\n",
        "[]",
        &encrypted,
    ];
    for path in LOCKS {
        let [analyzer] = dispatch.by_path(path).try_into().unwrap();
        for text in texts {
            let extract = testing::run(analyzer, path, text.as_bytes());
            // One form of the list of what Composer installed is a list; a member of an object may be a group of pipenv.
            let is_sound = matches!((*path, text), ("vendor/composer/installed.json", "[]"));
            assert!(is_sound || !extract.diagnostics.is_empty(), "{path} says nothing of {text:?}");
        }
    }
}

#[test]
fn an_empty_lock_file_is_told_where_no_program_writes_one() {
    let dispatch = Dispatch::all();
    let is_silent = |path: &&str| {
        let [analyzer] = dispatch.by_path(path).try_into().unwrap();
        testing::run(analyzer, path, b"").diagnostics.is_empty()
    };
    let silent: Vec<&str> = LOCKS.iter().copied().filter(is_silent).collect();
    assert_eq!(silent, ["requirements.txt", "requirements.lock", "yarn.lock", "conanfile.txt", "Manifest.toml"]);
}

#[test]
fn time_grows_no_faster_than_the_file() {
    let entries = if cfg!(debug_assertions) { 20_000 } else { 200_000 };
    let dispatch = Dispatch::all();
    for (path, head, entry, tail) in LISTS {
        let mut text = (*head).to_owned();
        for number in 1..=entries {
            text.push_str(&entry.replace('#', &number.to_string()));
        }
        text.push_str(tail);
        let [analyzer] = dispatch.by_path(path).try_into().unwrap();
        let extract = testing::run(analyzer, path, text.as_bytes());
        let last = usize::from(tail.contains('z'));
        assert_eq!((extract.packages.len(), extract.diagnostics), (entries + last, Vec::new()), "{path}");
        // One line, and no end.
        testing::run(analyzer, path, text.replace('\n', " ").as_bytes());
        testing::run(analyzer, path, &text.as_bytes()[..text.len() - tail.len()]);
        testing::run(analyzer, path, format!("{head}{}", entry.trim_end().repeat(entries)).as_bytes());
        for mark in ["[", "{", "(", "\"", "- ", ":", "#", "\\", "\n"] {
            testing::run(analyzer, path, format!("{head}{}", mark.repeat(entries)).as_bytes());
        }
    }
}
