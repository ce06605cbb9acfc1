//! Requirements files: lines that name what pip shall install.
//!
//! Only what is pinned to one version (`==` or `===` without a `*`, or the address of a wheel) is a package; Trivy and
//! Syft decide the same. Everything else asks for a package without saying which version anyone gets, and is counted in
//! a note: what was installed is told by its own metadata. Markers and extras do not matter here, a file that is included
//! is read for itself where its name is one of these. Values of environment variables are not known.
//!
//! Sources: <https://pip.pypa.io/en/stable/reference/requirements-file-format/>, and the Python Packaging User Guide,
//! "Dependency specifiers".

use crate::analyzer::{Extract, File};
use crate::analyzers::lock::{Locked, source};
use sekisho_model::PackageKind;
use std::borrow::Cow;

/// The most names that a note lists.
const NAMED: usize = 10;

/// Reads one requirements file.
pub(super) fn run(file: &File<'_>) -> Extract {
    let bytes = match file.bytes() {
        Ok(bytes) => bytes,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let text = decoded(&bytes);
    let mut locked = Locked::new(file, PackageKind::Pypi);
    let (mut open, mut included) = (Names::default(), Names::default());
    for line in logical_lines(&text) {
        let line = line.trim();
        match requirement(line) {
            Requirement::Nothing => {}
            Requirement::Pinned { name, version, from } => {
                let mut facts = locked.package(name, version);
                facts.extra.extend(from.map(source));
                locked.add(facts);
            }
            Requirement::Open(name) => open.add(name),
            Requirement::Included(path) => included.add(path),
        }
    }
    let notes = [
        (open, "requirements that name no exact version are not listed"),
        (included, "files that are included are read for themselves where their names are those of requirements files"),
    ];
    for (names, what) in notes {
        if names.count > 0 {
            locked.note(file.skipped(format_args!("{what}: {names}")));
        }
    }
    locked.finish()
}

/// Names for a message, the first few as they are.
#[derive(Default)]
struct Names {
    first: Vec<String>,
    count: usize,
}

impl Names {
    fn add(&mut self, name: &str) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(name.chars().take(100).collect());
        }
    }
}

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.first.join(", "))?;
        match self.count - self.first.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Text in UTF-8, or in UTF-16 where a byte order mark says so: `pip freeze > requirements.txt` on Windows.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(wide(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(wide(rest, u16::from_be_bytes)),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(bytes),
    }
}

/// Lines without comments, joined where one ends in a backslash; a comment ends what is joined, as in pip.
fn logical_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut whole: Option<Cow<'_, str>> = None;
        for line in lines.by_ref() {
            let comment = line.trim_start().starts_with('#');
            let (part, goes_on) = match line.strip_suffix('\\') {
                Some(part) if !comment => (part, true),
                _ => (line, false),
            };
            let part = without_comment(part);
            whole = Some(match whole {
                None => Cow::Borrowed(part),
                Some(before) => {
                    let mut before = before.into_owned();
                    before.push(' ');
                    before.push_str(part);
                    Cow::Owned(before)
                }
            });
            if !goes_on {
                break;
            }
        }
        whole
    })
}

/// The line up to a `#` that begins it or follows white space.
fn without_comment(line: &str) -> &str {
    let starts = |at: &usize| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    let end = memchr::memchr_iter(b'#', line.as_bytes()).find(starts);
    end.map_or(line, |end| &line[..end])
}

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Requirement<'a> {
    /// Nothing, or an option that names no package.
    Nothing,
    /// One version of a package, and where it is from if not from an index.
    Pinned { name: &'a str, version: &'a str, from: Option<&'a str> },
    /// A package in a version that is not said.
    Open(&'a str),
    /// Another file.
    Included(&'a str),
}

fn requirement(line: &str) -> Requirement<'_> {
    if line.is_empty() {
        return Requirement::Nothing;
    }
    if line.starts_with('-') {
        return option(line);
    }
    // Options of one requirement, such as its hashes, stand behind it.
    let line = line.find(" --").map_or(line, |end| &line[..end]).trim_end();
    let name_end = line.find(|character: char| !is_of_name(character)).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    let mut rest = rest.trim_start();
    if let Some(extras) = rest.strip_prefix('[') {
        rest = extras.split_once(']').map_or("", |(_, rest)| rest).trim_start();
    }
    if name.is_empty() || rest.starts_with(['/', ':', '\\', '+']) {
        return address(line, None);
    }
    if let Some(url) = rest.strip_prefix('@') {
        return address(url.trim_start(), Some(name));
    }
    let specifiers = rest.split(';').next().unwrap_or_default().trim().trim_start_matches('(').trim_end_matches(')');
    let exact = specifiers.split(',').find_map(|part| {
        let part = part.trim();
        let version = part.strip_prefix("===").or_else(|| part.strip_prefix("=="))?.trim();
        let one = !version.is_empty() && !version.contains(['*', '$', ' ']);
        one.then_some(version)
    });
    match exact {
        Some(version) => Requirement::Pinned { name, version, from: None },
        None => Requirement::Open(name),
    }
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_.".contains(character)
}

/// Options of the whole file, and `-e`, whose value is a requirement.
fn option(line: &str) -> Requirement<'_> {
    let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
    let (option, value) = line.split_at(end);
    // `-rother.txt` is one word.
    let (option, value) = match option.get(..2) {
        Some(short @ ("-r" | "-c" | "-e")) if option.len() > 2 && !option.starts_with("--") => (short, &line[2..]),
        _ => (option, value),
    };
    let value = value.trim_start_matches([' ', '\t', '=']).trim();
    match option {
        "-r" | "--requirement" => Requirement::Included(value),
        "-e" | "--editable" => address(value, None),
        // What is only constrained is not asked for.
        _ => Requirement::Nothing,
    }
}

/// A URL or a path: only the name of a wheel tells a version, and `#egg=` a name.
fn address<'a>(url: &'a str, name: Option<&'a str>) -> Requirement<'a> {
    let url = url.split([' ', '\t', ';']).next().unwrap_or_default();
    let (place, fragment) = url.split_once('#').unwrap_or((url, ""));
    let file = place.split('?').next().unwrap_or_default();
    let file = file.rsplit(['/', '\\']).next().unwrap_or_default();
    if let Some((distribution, version)) = wheel(file) {
        return Requirement::Pinned { name: name.unwrap_or(distribution), version, from: Some(place) };
    }
    let egg = || {
        let egg = fragment.split('&').find_map(|part| part.strip_prefix("egg="))?;
        Some(egg.split('[').next().unwrap_or_default()).filter(|egg| !egg.is_empty())
    };
    Requirement::Open(name.or_else(egg).unwrap_or(url))
}

/// Name and version of a wheel, by the name of its file: `name-version(-build)?-python-abi-platform.whl`.
fn wheel(file: &str) -> Option<(&str, &str)> {
    let stem = file.strip_suffix(".whl")?;
    let mut parts = stem.splitn(3, '-');
    let (name, version, tags) = (parts.next()?, parts.next()?, parts.next()?);
    (!name.is_empty() && !version.is_empty() && tags.matches('-').count() >= 2).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use crate::analyzers::python::REQUIREMENTS;
    use crate::testing;

    fn run(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
        let extract = testing::run(&REQUIREMENTS, "srv/requirements.txt", bytes);
        let line = |facts| testing::line(facts, " ");
        let notes = extract.diagnostics.iter().map(|entry| {
            assert_eq!(entry.level, sekisho_model::Level::Note);
            entry.message.clone()
        });
        (extract.packages.iter().map(line).collect(), notes.collect())
    }

    #[test]
    fn goldens() {
        testing::goldens(&REQUIREMENTS, "src/analyzers/python/fixtures/requirements");
    }

    #[test]
    fn one_version_is_a_package_and_all_else_is_said() {
        let text = "\u{feff}# comment\n\
            Flask == 3.0.0 # why\n\
            requests[socks,security]==2.31.0 ; python_version < '3.12' and extra == 'x'\n\
            arbitrary===1.0-weird\n\
            with-hash==1.2 \\\n    --hash=sha256:aaaa \\\n    --hash=sha256:bbbb\n\
            several>=1,==1.5,<2\n\
            (paren) == 1\n\
            paren2 (==2.0)\n\
            joined\\\n==4.0\n\
            commented==5 \\\n# this ends it\nnext==6\n\
            whl @ https://example.org/x/whl-1.2.3-py3-none-any.whl#sha256=aa\n\
            ./dir/My_Wheel-2.0+local-1-cp311-cp311-linux_x86_64.whl\n\
            Flask==3.0.0\n";
        let (packages, notes) = run(text.as_bytes());
        assert_eq!(
            packages,
            [
                "Flask 3.0.0",
                "requests 2.31.0",
                "arbitrary 1.0-weird",
                "with-hash 1.2",
                "several 1.5",
                "paren2 2.0",
                "joined 4.0",
                "commented 5",
                "next 6",
                "whl 1.2.3 source=https://example.org/x/whl-1.2.3-py3-none-any.whl",
                "My_Wheel 2.0+local source=./dir/My_Wheel-2.0+local-1-cp311-cp311-linux_x86_64.whl",
            ]
        );
        assert_eq!(notes, ["requirements that name no exact version are not listed: (paren)"]);
    }

    #[test]
    fn what_has_no_version_is_named_in_a_note() {
        let text = "a\nb>=1\nc~=1.4\nd==1.*\ne!=2\nf==$VERSION\n-e git+https://example.org/g.git@main#egg=g[x]&y\n\
            git+ssh://git@example.org/h.git\nhttps://example.org/i-1.0.tar.gz\n./j\n../k.whl\nl @ file:///l\n";
        let (packages, notes) = run(text.as_bytes());
        assert_eq!(packages, [""; 0]);
        assert_eq!(
            notes,
            ["requirements that name no exact version are not listed: a, b, c, d, e, f, g, \
              git+ssh://git@example.org/h.git, https://example.org/i-1.0.tar.gz, ./j and 2 more"]
        );
    }

    #[test]
    fn options_name_files_and_nothing_else() {
        let text = "-r base.txt\n--requirement=dev.txt\n-rmore.txt\n-c constraints.txt\n--constraint x\n\
            -i https://example.org/simple\n--index-url=https://x==1\n--no-binary :all:\n--hash=sha256:a\n-\n-é\n";
        let (packages, notes) = run(text.as_bytes());
        assert_eq!(packages, [""; 0]);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].ends_with(": base.txt, dev.txt, more.txt"), "{}", notes[0]);
    }

    #[test]
    fn text_of_windows_is_read() {
        let text = "a==1\r\nb==2\r\n";
        let units = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        for bytes in [
            [&[0xff, 0xfe], &units(u16::to_le_bytes)[..]].concat(),
            [&[0xfe, 0xff], &units(u16::to_be_bytes)[..]].concat(),
        ] {
            assert_eq!(run(&bytes).0, ["a 1", "b 2"]);
        }
    }

    #[test]
    fn joined_lines_take_no_more_time_than_others() {
        let text = format!("a==1 {}\nb==2\n", "\\\n --hash=sha256:0".repeat(200_000));
        assert_eq!(run(text.as_bytes()).0, ["a 1", "b 2"]);
        let text = format!("{}a==1\n", "[".repeat(1_000_000));
        assert_eq!(run(text.as_bytes()).0, [""; 0]);
        let text = format!("a==1 {}", " #".repeat(1_000_000));
        assert_eq!(run(text.as_bytes()).0, ["a 1"]);
    }
}
