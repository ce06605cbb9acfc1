//! Eggs as files: zip archives that Python imports from, with the metadata of the distribution in `EGG-INFO`.
//!
//! Source: <https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html>.

use crate::analyzer::{Extract, File};
use crate::zip::{self, Budget, Content, Fault, Place, Zip};
use sekisho_base::limits::LimitKey;
use sekisho_model::{Code, Diagnostic};

const METADATA: &[u8] = b"EGG-INFO/PKG-INFO";

/// Reads one egg. Other things are called so, too: only a zip archive is one.
pub(super) fn run(file: &File<'_>) -> Extract {
    if !file.data.range(0, 4).is_ok_and(|head| *head == *b"PK\x03\x04") {
        return Extract::default();
    }
    match metadata(file) {
        Ok(Some(Metadata { text, wrong })) => {
            let mut extract = super::distribution(file, &String::from_utf8_lossy(&text));
            extract.diagnostics.extend(wrong.map(|wrong| file.malformed(format_args!("EGG-INFO/PKG-INFO {wrong}"))));
            extract
        }
        Ok(None) => Extract::failed(file.skipped("is no egg: there is no EGG-INFO/PKG-INFO in it")),
        Err(Fault::Limit(limit)) => {
            Extract::failed(Diagnostic::incomplete(Code::LimitExceeded, limit.to_string()).at(file.path))
        }
        Err(fault) => Extract::failed(file.malformed(fault)),
    }
}

/// The metadata, and what is wrong with it.
struct Metadata {
    text: Vec<u8>,
    wrong: Option<String>,
}

fn metadata(file: &File<'_>) -> Result<Option<Metadata>, Fault> {
    let size = file.data.size();
    let wants = zip::BUFFER.min(usize::try_from(size).unwrap_or(usize::MAX)).max(zip::LEAST_BUFFER);
    let (mut buffer, mut budget, mut place) = (vec![0; wants], Budget::new(size, file.limits), None);
    let archive = Zip::open(file.data, &mut buffer, &mut budget)?;
    archive.entries(&mut buffer, &mut budget, |record| {
        if record.file_path().as_bytes() == METADATA {
            place = Some(Place::of(record));
        }
    })?;
    let Some(place) = place else { return Ok(None) };
    let contradiction = archive.contradiction(place, METADATA, &mut buffer);
    let max = file.limits.text_file_bytes;
    let limit = file.limits.exceeded(LimitKey::TextFileBytes, "bytes of one text file");
    let (content, wrong) = archive.read(place, max, limit, &mut budget)?;
    let text = match content {
        Content::Bytes(bytes) => bytes,
        Content::Window { len, .. } if len > max => return Err(Fault::Limit(limit)),
        Content::Window { start, len } => {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let bytes = file.data.range(start, len).map_err(|error| Fault::Malformed(error.to_string()))?;
            bytes.into_owned()
        }
    };
    Ok(Some(Metadata { text, wrong: contradiction.or(wrong) }))
}

#[cfg(test)]
mod tests {
    use super::super::EGG;
    use crate::testing;
    use sekisho_model::Level;

    #[test]
    fn goldens() {
        testing::goldens(&EGG, "src/analyzers/python/fixtures/egg");
    }

    #[test]
    fn what_is_no_egg_says_nothing_and_what_is_left_of_one_is_incomplete() {
        let egg = include_bytes!("fixtures/egg/example/opt/eggs/example-21.12-py3.6.egg");
        let run = |bytes: &[u8]| testing::run(&EGG, "opt/x.egg", bytes);
        assert!(run(b"<CoordinateSystem> { Z-Up }").is_empty() && run(b"").is_empty());
        assert_eq!(run(&egg[..egg.len() - 10]).diagnostics[0].level, Level::Incomplete);
        let at = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).rposition(|window| window == what).unwrap();
        let mut other = egg.to_vec();
        let name = at(&other, b"EGG-INFO/PKG-INFO");
        other[name] = b'e';
        let said = run(&other);
        assert_eq!((said.packages.len(), said.diagnostics[0].level), (0, Level::Note));
        // A name in the local header that is not the one in the directory: two readers would see two files.
        let mut other = egg.to_vec();
        let name = other.windows(17).position(|window| window == b"EGG-INFO/PKG-INFO").unwrap();
        other[name] = b'e';
        let said = run(&other);
        assert_eq!((said.packages.len(), said.diagnostics[0].level), (1, Level::Incomplete));
    }
}
