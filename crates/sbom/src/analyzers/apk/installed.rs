//! The records of apk's database of installed packages.
//!
//! A record is a block of `X:value` lines, ended by a blank one; the letters are those of apk-tools
//! (`src/package.c` and `src/database.c`, `apk_db_fdb_read`): package fields, then a directory (`F:`)
//! with its files (`R:`), then the next.

/// A package that apk has installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApkRecord {
    /// `P`.
    pub name: String,
    /// `V`.
    pub version: String,
    /// `A`.
    pub arch: Option<String>,
    /// `o`: the package whose build recipe this one was built from.
    pub origin: Option<String>,
    /// `L`, as the recipe writes it.
    pub license: Option<String>,
    /// `m`.
    pub maintainer: Option<String>,
    /// `I`, in bytes.
    pub installed_size: Option<u64>,
    /// `C`: of the package's control part; `Q1` and Base64 of a SHA-1, or `Q2` and of a SHA-256.
    pub checksum: Option<String>,
    /// `D`, with `p` of all records of a file together at most `MAX_WORDS`.
    pub depends: Vec<String>,
    /// `p`.
    pub provides: Vec<String>,
    /// How many directories the record holds.
    pub directory_count: usize,
    /// How many files the record holds, those that are not in [`ApkRecord::files`] among them.
    pub file_count: usize,
    /// Files, from the root, without a leading slash.
    pub files: Vec<String>,
}

/// No package carries dependencies, and a file may have very many.
const MAX_WORDS: usize = 100_000;

/// How much is taken of one file.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Packages.
    pub records: usize,
    /// Bytes of the names of all files together. A directory is written once and repeated in the
    /// names of all its files, so these are not bounded by the size of the database.
    pub path_bytes: usize,
}

/// What one file holds.
#[derive(Debug, Default)]
pub struct Installed {
    /// Records, in the order of the file.
    pub records: Vec<ApkRecord>,
    /// Records without a name or a version.
    pub skipped: usize,
    /// Lines that are none of the format.
    pub stray: usize,
    /// Whether there were more records than the bounds allow.
    pub more: bool,
    /// Whether there were more names of files than the bounds allow.
    pub more_paths: bool,
    /// Whether the last record has no end.
    pub open: bool,
}

/// Reads the records of `text` within `bounds`.
pub fn read(text: &str, bounds: Bounds) -> Installed {
    let mut reader = Reader { bounds, installed: Installed::default(), record: None, directory: "", words: MAX_WORDS };
    for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
        reader.line(line);
        if reader.installed.more {
            break;
        }
    }
    reader.installed.open = reader.record.is_some();
    reader.finish();
    reader.installed
}

struct Reader<'a> {
    bounds: Bounds,
    installed: Installed,
    /// The record that is being read.
    record: Option<ApkRecord>,
    /// The directory of the files that follow.
    directory: &'a str,
    /// How many more dependencies are kept.
    words: usize,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) {
        if line.trim_ascii().is_empty() {
            self.finish();
            return;
        }
        let mut chars = line.chars();
        let (Some(field), Some(':')) = (chars.next().filter(char::is_ascii_alphabetic), chars.next()) else {
            self.installed.stray += 1;
            return;
        };
        let value = chars.as_str();
        if field == 'P' && self.record.as_ref().is_some_and(|record| !record.name.is_empty()) {
            // Records that were joined without a blank line must not hide each other.
            self.finish();
        }
        let record = self.record.get_or_insert_default();
        let text = || Some(value.trim_ascii()).filter(|value| !value.is_empty()).map(str::to_owned);
        let left = &mut self.words;
        let mut words = || {
            let words: Vec<String> = value.split_ascii_whitespace().take(*left).map(str::to_owned).collect();
            *left -= words.len();
            words
        };
        match field {
            'P' => record.name = text().unwrap_or_default(),
            'V' => record.version = text().unwrap_or_default(),
            'A' => record.arch = text(),
            'o' => record.origin = text(),
            'L' => record.license = text(),
            'm' => record.maintainer = text(),
            'I' => record.installed_size = value.trim_ascii().parse().ok(),
            'C' => record.checksum = text(),
            'D' => record.depends = words(),
            'p' => record.provides = words(),
            'F' => {
                record.directory_count += 1;
                self.directory = value.trim_matches('/');
            }
            'R' => {
                record.file_count += 1;
                // What holds a name takes memory, too.
                let bytes = size_of::<String>() + self.directory.len() + 1 + value.len();
                let Some(left) = self.bounds.path_bytes.checked_sub(bytes) else {
                    self.installed.more_paths = true;
                    return;
                };
                self.bounds.path_bytes = left;
                record.files.push(match self.directory {
                    "" => value.to_owned(),
                    directory => format!("{directory}/{value}"),
                });
            }
            _ => {}
        }
    }

    /// Ends the record.
    fn finish(&mut self) {
        self.directory = "";
        let Some(record) = self.record.take() else { return };
        if record.name.is_empty() || record.version.is_empty() {
            self.installed.skipped += 1;
        } else if self.installed.records.len() < self.bounds.records {
            self.installed.records.push(record);
        } else {
            self.installed.more = true;
        }
    }
}
