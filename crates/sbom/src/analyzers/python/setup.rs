//! `setup.py`: a program, which is not run. Requirements that stand in it as texts with one exact version (`'a==1.0'`) are
//! read, wherever they stand; what else it asks for, nobody can tell without running it.

use super::version::is_version;
use crate::analyzer::{Extract, File};
use crate::analyzers::lock::Locked;
use sekisho_model::PackageKind;

/// Reads one program.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Pypi).may_be_empty();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        for (name, version) in literals(line).filter_map(pin) {
            locked.add(locked.package(name, version));
        }
    }
    locked.finish()
}

/// The texts in quotes of one line.
fn literals(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let start = rest.find(['\'', '"'])?;
        let (quote, body) = rest[start..].split_at(1);
        let (literal, after) = body.split_once(quote)?;
        rest = after;
        Some(literal)
    })
}

/// Name and version of `name[extra] == 1.0; marker`.
fn pin(text: &str) -> Option<(&str, &str)> {
    let (name, version) = text.split_once("==")?;
    let version = version.split(';').next().unwrap_or(version).trim_start_matches('=').trim();
    let name = name.trim().split('[').next()?.trim_end();
    let is_name = name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (is_name && is_version(version)).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::super::SETUP;
    use crate::testing;

    #[test]
    fn goldens() {
        testing::goldens(&SETUP, "src/analyzers/python/fixtures/setup");
    }

    #[test]
    fn only_texts_with_one_exact_version_are_taken() {
        let text = "import sys\nif sys.platform == 'linux' and x=='b':\n    pass\nsetup(name='n', version='1.0', python_requires='==3.8',\n  \
            install_requires=['a==1.0', \"b[x,y] == 2.0.post1 ; python_version=='3'\", 'c>=1', 'd>=1,==2', 'e==1.*', 'f', 'g===3'],\n\
            # 'no==1',\n  extras_require={'t': ['h==4']}, long='it is == to', open='i==1\n)\n";
        let extract = testing::run(&SETUP, "srv/setup.py", text.as_bytes());
        let lines: Vec<String> = extract.packages.iter().map(|facts| testing::line(facts, " ")).collect();
        assert_eq!(
            (lines, extract.diagnostics),
            (["a 1.0", "b 2.0.post1", "g 3", "h 4"].map(str::to_owned).to_vec(), Vec::new())
        );
    }
}
