//! Lock files of programs whose form is not read. Packages that nothing else names are missing where one lies, and a result
//! that is silent about it would pass for whole.

use crate::analyzer::{Analyzer, Extract, File};

/// Names with what writes them, and what to do.
const UNREAD: [(&str, &str); 10] = [
    ("bun.lockb", "a binary lock file of bun: bun writes bun.lock in its place (`bun install --save-text-lockfile`)"),
    ("deno.lock", "a lock file of Deno"),
    ("rebar.lock", "a lock file of rebar3"),
    ("pixi.lock", "a lock file of pixi"),
    ("conda-lock.yml", "a lock file of conda-lock"),
    ("paket.lock", "a lock file of Paket: `dotnet restore --use-lock-file` writes packages.lock.json"),
    ("Cartfile.resolved", "a lock file of Carthage"),
    ("Gopkg.lock", "a lock file of dep: `go mod init` makes a go.mod of it"),
    ("glide.lock", "a lock file of Glide: `go mod init` makes a go.mod of it"),
    ("shrinkwrap.yaml", "a lock file of pnpm before 3: later ones write pnpm-lock.yaml"),
];

pub(crate) static ANALYZER: Analyzer = Analyzer {
    id: "unread-lock",
    title: "Lock files that are not read, only told: of Deno, rebar3, pixi, conda-lock, Paket, Carthage, dep, Glide, single \
            scripts of uv, bun before 1.2 and pnpm before 3",
    paths: &[
        "**/bun.lockb",
        "**/deno.lock",
        "**/rebar.lock",
        "**/pixi.lock",
        "**/conda-lock.yml",
        "**/paket.lock",
        "**/Cartfile.resolved",
        "**/Gopkg.lock",
        "**/glide.lock",
        "**/shrinkwrap.yaml",
        "**/*.py.lock",
    ],
    not_below: &["node_modules", "vendor", "site-packages", "dist-packages"],
    run,
    ..Analyzer::NONE
};

fn run(file: &File<'_>) -> Extract {
    let known = UNREAD.iter().find(|(name, _)| *name == file.name());
    let what = known.map_or("a lock file of uv for one script", |(_, what)| what);
    Extract::failed(file.malformed(format_args!("is {what}; this form is not read, so its packages are missing")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dispatch, testing};

    #[test]
    fn each_is_told_by_its_name() {
        let dispatch = Dispatch::all();
        for path in ANALYZER.paths {
            let path = path.replace("**/", "srv/").replace('*', "tool");
            assert!(dispatch.by_path(&path).iter().any(|found| found.id == ANALYZER.id), "{path}");
            let extract = testing::run(&ANALYZER, &path, b"anything");
            let [told] = &extract.diagnostics[..] else { panic!("{path}: {:?}", extract.diagnostics) };
            assert_eq!(told.level, sekisho_model::Level::Incomplete);
            let is_of_uv = told.message.contains("of uv");
            assert_eq!(is_of_uv, path.ends_with(".py.lock"), "{path}: {}", told.message);
        }
        assert!(dispatch.by_path("srv/node_modules/x/deno.lock").is_empty());
    }
}
