//! Requirements files: lines that name what pip shall install.
//!
//! Only what is pinned to one version (`==` or `===` without a `*`, or the address of a wheel or of the sources of a
//! version) is a package; Trivy and Syft decide the same but for addresses. Everything else asks for a package without saying which version anyone gets, and is counted in
//! a note: what was installed is told by its own metadata. Markers and extras do not matter here, a file that is included
//! is read for itself where its name is one of these. Values of environment variables are not known.
//!
//! What pip refuses, as its name or a version is none, may have been meant for a package: it makes the result incomplete,
//! but where nothing in the file is of pip, which other files are called so too.
//!
//! Sources: <https://pip.pypa.io/en/stable/reference/requirements-file-format/>, `pip/_internal/req/req_file.py`, and the
//! Python Packaging User Guide, "Dependency specifiers" (PEP 508) and "Version specifiers" (PEP 440).

use super::version::is_version;
use crate::analyzer::{Extract, File};
use crate::analyzers::lock::{Locked, source};
use sekisho_model::{PackageKind, percent_decoded};
use std::borrow::Cow;

/// The most names that a note lists.
const NAMED: usize = 10;

/// Reads one requirements file.
pub(super) fn run(file: &File<'_>) -> Extract {
    let text = match file.text() {
        Ok(text) => text,
        Err(diagnostic) => return Extract::failed(diagnostic),
    };
    let mut locked = Locked::new(file, PackageKind::Pypi).may_be_empty();
    let [mut open, mut included, mut unread, mut blank, mut refused] = [const { Names::NONE }; 5];
    let mut is_of_pip = false;
    for line in logical_lines(text.strip_prefix('\u{feff}').unwrap_or(&text)) {
        let line = without_comment(&line).trim();
        let requirement = requirement(line);
        is_of_pip |= match &requirement {
            Requirement::Pinned { .. } | Requirement::Included(_) | Requirement::Option => true,
            // A word alone may be of any text.
            Requirement::Open(name) => name.len() < line.len(),
            _ => false,
        };
        match requirement {
            Requirement::Nothing | Requirement::Option => {}
            Requirement::Pinned { name, version, from } => {
                let mut facts = locked.package(&name, &version);
                facts.extra.extend(from.map(source));
                locked.add(facts);
            }
            Requirement::Open(name) => open.add(name),
            Requirement::Included(path) if is_read_by_its_name(file.directory(), path) => included.add(path),
            Requirement::Included(path) => unread.add(path),
            Requirement::Blank => blank.add(line),
            Requirement::Refused => refused.add(line),
        }
    }
    let notes = [
        (open, "requirements that name no exact version are not listed"),
        (included, "files that are included are read for themselves where their names are those of requirements files"),
        (blank, "requirements that are still to be filled in"),
    ];
    for (names, what) in notes {
        if names.count > 0 {
            locked.note(file.skipped(format_args!("{what}: {names}")));
        }
    }
    if unread.count > 0 {
        locked.malformed(format_args!(
            "includes files whose names are not those of requirements files, so they are not read: {unread}"
        ));
    }
    if refused.count > 0 && is_of_pip {
        locked.malformed(format_args!("lines that are no requirements: {refused}"));
    } else if refused.count > 0 {
        locked.note(file.skipped(format_args!("not a requirements file of pip, by its lines: {refused}")));
    }
    locked.finish()
}

/// Whether a file that is included, from beside a file in `directory`, is one that the scan reads for itself.
fn is_read_by_its_name(directory: &str, path: &str) -> bool {
    let (directory, name) = path.rsplit_once('/').unwrap_or((directory, path));
    let of_requirements = directory.rsplit('/').next() == Some("requirements");
    name.strip_suffix(".txt").is_some_and(|stem| of_requirements || stem.contains("requirements"))
}

/// Names for a message, the first few as they are.
struct Names {
    first: Vec<String>,
    count: usize,
}

impl Names {
    const NONE: Self = Self { first: Vec::new(), count: 0 };

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

/// Lines, joined where one ends in a backslash, with nothing between, as pip joins them. One that is only a comment ends
/// what is joined.
fn logical_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    // What else Python takes for the end of a line.
    const ENDS: [char; 9] = ['\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}', '\u{2029}'];
    let mut lines = text.lines().flat_map(|line| line.split(ENDS));
    std::iter::from_fn(move || {
        let mut whole: Option<Cow<'_, str>> = None;
        for line in lines.by_ref() {
            let is_comment = line.trim_start().starts_with('#');
            let (part, goes_on) = match line.strip_suffix('\\') {
                Some(part) if !is_comment => (part, true),
                _ => (line, false),
            };
            whole = Some(match whole {
                None => Cow::Borrowed(part),
                Some(before) => {
                    let mut before = before.into_owned();
                    before.push_str(if is_comment { " " } else { "" });
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
    /// Nothing.
    Nothing,
    /// An option that names no package.
    Option,
    /// One version of a package, and where it is from if not from an index.
    Pinned { name: Cow<'a, str>, version: Cow<'a, str>, from: Option<&'a str> },
    /// A package in a version that is not said.
    Open(&'a str),
    /// Another file.
    Included(&'a str),
    /// The template of a line.
    Blank,
    /// No requirement.
    Refused,
}

fn requirement(line: &str) -> Requirement<'_> {
    if line.is_empty() {
        return Requirement::Nothing;
    }
    if line.contains("{{") || line.contains("{%") {
        return Requirement::Blank;
    }
    if line.starts_with('-') {
        return option(line);
    }
    let line = without_options(line);
    let name_end = line.find(|character: char| !is_of_name(character)).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    let is_place = name.starts_with('.') || rest.starts_with(['/', '\\', '+']);
    let is_address = rest.starts_with("://") || rest.starts_with(":\\") || rest.starts_with(":/");
    let is_wheel = name.get(name.len().saturating_sub(4)..).is_some_and(|end| end.eq_ignore_ascii_case(".whl"));
    if is_place || is_address || is_wheel {
        return address(line, None);
    }
    if !is_name(name) {
        return Requirement::Refused;
    }
    let mut rest = rest.trim_start();
    if let Some(inner) = rest.strip_prefix('[') {
        let Some((extras, after)) = inner.split_once(']') else { return Requirement::Refused };
        if !extras.trim().is_empty() && !extras.split(',').all(|extra| is_name(extra.trim())) {
            return Requirement::Refused;
        }
        rest = after.trim_start();
    }
    if let Some(url) = rest.strip_prefix('@') {
        return address(url.trim_start(), Some(name));
    }
    let specifiers = rest.split(';').next().unwrap_or_default().trim();
    let specifiers = match specifiers.strip_prefix('(') {
        Some(inner) => match inner.strip_suffix(')') {
            Some(inner) => inner,
            None => return Requirement::Refused,
        },
        None => specifiers,
    };
    let (mut exact, mut is_open) = (None, false);
    for part in specifiers.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match specifier(part) {
            Some(Specifier::Exact(version)) => exact = exact.or(Some(version)),
            Some(Specifier::Variable) => is_open = true,
            Some(Specifier::Range) => {}
            None => return Requirement::Refused,
        }
    }
    match exact.filter(|_| !is_open) {
        Some(version) => Requirement::Pinned { name: name.into(), version: version.into(), from: None },
        None => Requirement::Open(name),
    }
}

/// What one comparison leaves open.
enum Specifier<'a> {
    Exact(&'a str),
    /// It has the value of an environment variable.
    Variable,
    Range,
}

/// A comparison with a version; none where it is no such.
fn specifier(part: &str) -> Option<Specifier<'_>> {
    let operators = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"];
    let (operator, version) =
        operators.into_iter().find_map(|operator| Some((operator, part.strip_prefix(operator)?.trim())))?;
    if version.contains('$') {
        return Some(Specifier::Variable);
    }
    if operator == "===" {
        let is_one = !version.is_empty() && !version.contains(|c: char| c.is_whitespace() || "*()=<>".contains(c));
        return is_one.then_some(Specifier::Exact(version));
    }
    if let Some(beginning) = version.strip_suffix(".*").filter(|_| matches!(operator, "==" | "!=")) {
        return is_version(beginning).then_some(Specifier::Range);
    }
    let of = if operator == "==" { Specifier::Exact(version) } else { Specifier::Range };
    is_version(version).then_some(of)
}

/// What stands before the options of a requirement, such as its hashes.
fn without_options(line: &str) -> &str {
    let starts = |at: &usize| line[..*at].ends_with(char::is_whitespace);
    let end = memchr::memchr_iter(b'-', line.as_bytes()).find(starts);
    end.map_or(line, |end| &line[..end]).trim_end()
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_.".contains(character)
}

/// Whether it may be what a distribution or an extra is called.
fn is_name(text: &str) -> bool {
    let at_ends = |character: char| character.is_ascii_alphanumeric();
    text.starts_with(at_ends) && text.ends_with(at_ends) && text.chars().all(is_of_name)
}

/// Options of the whole file, and `-e`, whose value is a requirement.
fn option(line: &str) -> Requirement<'_> {
    let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
    let (option, value) = line.split_at(end);
    // `-rother.txt` is one word.
    let (option, value) = match option.get(..2) {
        Some(short @ ("-r" | "-c" | "-e" | "-i" | "-f")) if option.len() > 2 => (short, &line[2..]),
        _ => (option, value),
    };
    let value = value.trim_start_matches([' ', '\t', '=']).trim();
    match option {
        "-r" | "--requirement" => Requirement::Included(value),
        "-e" | "--editable" => address(value, None),
        // What is only constrained is not asked for.
        "-c" | "-i" | "-f" => Requirement::Option,
        _ => {
            let is_long = option.strip_prefix("--").is_some_and(|name| {
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            });
            if is_long { Requirement::Option } else { Requirement::Refused }
        }
    }
}

/// A URL or a path: only the name of a wheel, or of an archive of sources, tells a version, and `#egg=` a name.
fn address<'a>(url: &'a str, name: Option<&'a str>) -> Requirement<'a> {
    let url = url.split([' ', '\t', ';']).next().unwrap_or_default();
    if url.is_empty() {
        return Requirement::Refused;
    }
    let (place, fragment) = url.split_once('#').unwrap_or((url, ""));
    let egg = || {
        let egg = fragment.split('&').find_map(|part| part.strip_prefix("egg="))?;
        Some(egg.split('[').next().unwrap_or_default()).filter(|egg| is_name(egg))
    };
    if let Some((distribution, version)) = archived(place, name.or_else(egg)) {
        let name = name.map_or(Cow::Owned(distribution), Cow::Borrowed);
        return Requirement::Pinned { name, version: version.into(), from: Some(place) };
    }
    Requirement::Open(name.or_else(egg).unwrap_or(url))
}

/// Name and version of the archive at an address, by the name of its file: of a wheel, or of the sources of `name`, of which
/// nothing else tells where the name ends and the version begins.
pub(super) fn archived(place: &str, name: Option<&str>) -> Option<(String, String)> {
    let place = place.split(['?', '#']).next().unwrap_or_default();
    let file = percent_decoded(place.rsplit(['/', '\\']).next().unwrap_or_default());
    // What stands behind the address of a repository is a commit.
    let is_repository = place.split_once("://").is_some_and(|(scheme, _)| scheme.contains('+'));
    wheel(&file).or_else(|| sources(&file, name.filter(|_| !is_repository)?))
}

/// Name and version of a wheel, by the name of its file: `name-version(-build)?-python-abi-platform.whl`.
fn wheel(file: &str) -> Option<(String, String)> {
    let stem = file.strip_suffix(".whl")?;
    let mut parts = stem.splitn(3, '-');
    let (name, version, tags) = (parts.next()?, parts.next()?, parts.next()?);
    // Old tools write `_` for the sign of a local version.
    let version = if version.contains('+') { version.to_owned() } else { version.replacen('_', "+", 1) };
    (is_name(name) && is_version(&version) && tags.matches('-').count() >= 2).then(|| (name.to_owned(), version))
}

/// More than the name of any archive has.
const MOST_FILE_NAME: usize = 256;

/// Name and version of an archive of the sources of `name`: `name-version.tar.gz` (PEP 625), or as it was before `.zip` and
/// others, where names also have dashes, dots and capitals.
fn sources(file: &str, name: &str) -> Option<(String, String)> {
    const ENDS: [&str; 5] = [".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tar.xz"];
    let stem = ENDS.iter().find_map(|end| file.strip_suffix(end)).filter(|stem| stem.len() <= MOST_FILE_NAME)?;
    let normalized = |name: &str| -> Vec<String> {
        name.split(['-', '_', '.']).filter(|part| !part.is_empty()).map(str::to_ascii_lowercase).collect()
    };
    let wanted = normalized(name);
    let mut cuts = stem.match_indices('-').map(|(at, _)| (&stem[..at], &stem[at + 1..]));
    let (own, version) = cuts.find(|(own, version)| normalized(own) == wanted && is_version(version))?;
    is_name(own).then(|| (own.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::is_name;
    use crate::analyzers::python::REQUIREMENTS;
    use crate::testing;
    use sekisho_model::Level;

    fn run(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
        let extract = testing::run(&REQUIREMENTS, "srv/requirements.txt", bytes);
        let line = |facts| testing::line(facts, " ");
        let notes = extract.diagnostics.iter().map(|entry| match entry.level {
            Level::Note => entry.message.clone(),
            Level::Incomplete => format!("INCOMPLETE: {}", entry.message),
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
            paren2 (==2.0)\n\
            joined\\\n==4.\\\r\n0\n\
            commented==5 \\\n# this ends it\nnext==6\n\
            swallowed==7 # to the end \\\nnot-there==8\n\
            tab==9\t--hash=sha256:aa\x0cform-feed==10\u{2028}lines==11\n\
            a.b-c_d [ x , y.z ] (== 12.*, ==12.0 , ) ; marker\n\
            v==v1!1.0-RC.2.post3.dev4+Local_5\n\
            whl @ https://example.org/x/whl-1.2.3-py3-none-any.whl#sha256=aa\n\
            torch[x]@https://example.org/whl/cu118/torch-2.0.1%2Bcu118-cp311-cp311-linux_x86_64.whl ; python_version<'4'\n\
            flat-1.0-py3-none-any.whl\n\
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
                "swallowed 7",
                "tab 9",
                "form-feed 10",
                "lines 11",
                "a.b-c_d 12.0",
                "v v1!1.0-RC.2.post3.dev4+Local_5",
                "whl 1.2.3 source=https://example.org/x/whl-1.2.3-py3-none-any.whl",
                "torch 2.0.1+cu118 source=https://example.org/whl/cu118/torch-2.0.1%2Bcu118-cp311-cp311-linux_x86_64.whl",
                "flat 1.0 source=flat-1.0-py3-none-any.whl",
                "My_Wheel 2.0+local source=./dir/My_Wheel-2.0+local-1-cp311-cp311-linux_x86_64.whl",
            ]
        );
        assert_eq!(notes, [""; 0]);
    }

    #[test]
    fn an_archive_of_sources_is_of_the_version_in_its_name() {
        let at = |name: &str, file: &str| {
            let (packages, notes) = run(format!("{name} @ https://example.org/x/{file}#sha256=aa\n").as_bytes());
            assert_eq!(packages.len() + notes.len(), 1, "{packages:?} {notes:?}");
            packages.first().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        };
        for (name, file, expect) in [
            ("a", "a-1.0.tar.gz", "a 1.0"),
            ("a", "a-1.0.zip?raw=true", "a 1.0"),
            ("My.Package", "my_package-2.0rc1.tar.gz", "My.Package 2.0rc1"),
            ("my-package", "My-Package-2.0-1.tgz", "my-package 2.0-1"),
            ("zope.interface", "zope.interface-5.0.tar.bz2", "zope.interface 5.0"),
            ("a", "a-1.0%2Blocal.tar.gz", "a 1.0+local"),
            ("a-2", "a-2-3.tar.gz", "a-2 3"),
        ] {
            assert_eq!(at(name, file).as_deref(), Some(expect), "{file}");
        }
        for file in ["b-1.0.tar.gz", "a-main.zip", "v1.0.tar.gz", "a-1.0.exe", "a-b-1.0.tar.gz", "a-.zip", "-1.zip"] {
            assert_eq!(at("a", file), None, "{file}");
        }
        let (packages, _) = run(b"git+https://example.org/a-1.0.zip#egg=a\nhttps://example.org/b-1.0.zip#egg=b[x]\n");
        assert_eq!(packages, ["b 1.0 source=https://example.org/b-1.0.zip"]);
        let long = format!("a @ https://example.org/a{}-1.zip\n", "-".repeat(1 << 20));
        assert_eq!(run(long.as_bytes()).0, [""; 0]);
    }

    #[test]
    fn what_pip_refuses_may_hide_a_package() {
        for line in [
            "(paren) == 1",
            "-lead==1",
            "trail-==1",
            "_x==1",
            "a==1.0 b",
            "a=1.0",
            "_libgcc_mutex=0.1=main",
            "a==",
            "a==one",
            "a==1..0",
            "a==1.0-",
            "a==1.0.*.2",
            "a===",
            "a===1 2",
            "a (==1",
            "a[x==1",
            "a[-]==1",
            "a >= 1 < 2",
            "Note: see below",
            "name @",
            "- a==1",
            "é==1",
            "pandas 1.5.0",
        ] {
            let (packages, notes) = run(format!("b==2\n{line}\n").as_bytes());
            assert_eq!(packages, ["b 2"], "{line}");
            assert_eq!(notes, [format!("INCOMPLETE: lines that are no requirements: {line}")]);
        }
        let (packages, notes) = run(b"What you need:\n\n* Python\n* a compiler, and time\n");
        assert_eq!(packages, [""; 0]);
        let lines = "What you need:, * Python, * a compiler, and time";
        assert_eq!(notes, [format!("not a requirements file of pip, by its lines: {lines}")]);
        let (_, notes) = run(b"{{ name }}==1\n{% if x %}\nb==2\n");
        assert_eq!(notes, ["requirements that are still to be filled in: {{ name }}==1, {% if x %}"]);
    }

    #[test]
    fn nothing_that_is_no_name_or_version_is_listed() {
        let signs =
            ["a", "1", ".", "-", "==", "===", " ", "[", "]", "@", "\\\n", "#", ";", ",", "(", "*", "\r", "é", "$"];
        let mut state = 7_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(signs[(state >> 33) as usize % signs.len()]);
            }
            let extract = testing::run(&REQUIREMENTS, "requirements.txt", text.as_bytes());
            for facts in extract.packages {
                assert!(is_name(&facts.name), "{text:?}: {facts:?}");
                assert!(
                    !facts.version.contains(char::is_whitespace) && !facts.version.is_empty(),
                    "{text:?}: {facts:?}"
                );
            }
        }
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
            -i https://example.org/simple\n--index-url=https://x==1\n--no-binary :all:\n--hash=sha256:a\n";
        let (packages, notes) = run(text.as_bytes());
        assert_eq!(packages, [""; 0]);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].ends_with(": base.txt, dev.txt, more.txt"), "{}", notes[0]);
    }

    #[test]
    fn a_file_that_is_included_and_not_read_is_told() {
        for (path, text, is_whole) in [
            ("srv/requirements.txt", "a==1\n-r more-requirements.txt\n", true),
            ("srv/requirements.txt", "a==1\n-r requirements/base.txt\n", true),
            ("srv/requirements/prod.txt", "a==1\n-r base.txt\n", true),
            ("srv/requirements.txt", "a==1\n-r base.txt\n", false),
            ("srv/requirements.txt", "a==1\n-r requirements.in\n", false),
        ] {
            let extract = testing::run(&REQUIREMENTS, path, text.as_bytes());
            let told = extract.diagnostics.iter().any(|told| told.level == Level::Incomplete);
            assert_eq!((extract.packages.len(), told), (1, !is_whole), "{path} {text:?}");
        }
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
        assert_eq!(run(b"a==1\rb==2 \\\r --hash=sha256:a\rc==3").0, ["a 1", "b 2", "c 3"]);
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
