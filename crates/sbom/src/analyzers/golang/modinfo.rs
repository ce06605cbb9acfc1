//! The text about modules in a Go executable: which modules it was built from, and how.
//!
//! Owns the grammar only. A line is a word, a tab and fields divided by tabs; `=>` replaces the module of
//! the line before it:
//!
//! ```text
//! path    example.org/app/cmd/app
//! mod     example.org/app  (devel)
//! dep     example.org/lib  v1.2.3  h1:...
//! =>      example.org/fork v1.2.4  h1:...
//! build   vcs.revision=0123abcd
//! ```
//!
//! Source: `ParseBuildInfo` in Go's `runtime/debug`.

/// A module as one line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Module<'a> {
    /// Path; for a replacement perhaps a directory: `./local`.
    pub(super) path: &'a str,
    /// Version; empty where there is none or only `(devel)`, which stands for "built from a checkout".
    pub(super) version: &'a str,
    /// Checksum of its content; empty where there is none.
    pub(super) sum: &'a str,
}

impl<'a> Module<'a> {
    fn parse(fields: &'a str) -> Option<Self> {
        let mut fields = fields.split('\t');
        let path = fields.next().filter(|path| !path.is_empty())?;
        let version = fields.next()?;
        let version = if version == "(devel)" { "" } else { version };
        Some(Self { path, version, sum: fields.next().unwrap_or_default() })
    }
}

/// A module that was linked, and what was taken instead of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Linked<'a> {
    /// As `go.mod` requires it.
    pub(super) module: Module<'a>,
    /// What a `replace` directive put in its place.
    pub(super) replacement: Option<Module<'a>>,
}

/// All that the text says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ModInfo<'a> {
    /// The import path of the main package; empty where there is none.
    pub(super) path: &'a str,
    /// The module that holds the main package.
    pub(super) main: Option<Linked<'a>>,
    /// The others, in the order of the text.
    pub(super) deps: Vec<Linked<'a>>,
    /// Build settings, as written; a value with blanks is in quotes.
    settings: Vec<(&'a str, &'a str)>,
    /// Lines that should name a module and do not.
    pub(super) unknown: usize,
}

impl<'a> ModInfo<'a> {
    /// Parses the text; words that are not known are passed over.
    pub(super) fn parse(text: &'a str) -> Self {
        const REPLACES: &str = "=>\t";
        let mut info = Self::default();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let (word, fields) = line.split_once('\t').unwrap_or((line, ""));
            match word {
                "mod" | "dep" => {
                    let module = Module::parse(fields);
                    let replacement = lines.next_if(|line| line.starts_with(REPLACES)).map(|line| {
                        let replacement = Module::parse(line.strip_prefix(REPLACES).unwrap_or_default());
                        info.unknown += usize::from(replacement.is_none());
                        replacement
                    });
                    match module {
                        None => info.unknown += 1,
                        Some(module) => {
                            let linked = Linked { module, replacement: replacement.flatten() };
                            if word == "mod" {
                                info.main = Some(linked);
                            } else {
                                info.deps.push(linked);
                            }
                        }
                    }
                }
                "=>" => info.unknown += 1,
                "path" => info.path = fields,
                "build" => info.settings.extend(fields.split_once('=')),
                _ => {}
            }
        }
        info
    }

    /// The build setting `name`; `None` when it is absent or empty.
    pub(super) fn setting(&self, name: &str) -> Option<&'a str> {
        self.settings.iter().find(|(key, _)| *key == name).map(|(_, value)| *value).filter(|value| !value.is_empty())
    }
}
