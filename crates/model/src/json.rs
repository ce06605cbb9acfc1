//! JSON documents: how all of them are written, and why one cannot be read.

use serde::Serialize;
use std::io::{self, BufWriter, Write};

/// Writes a document (an inventory, a scan report, an SBOM) as indented JSON with a final newline.
pub fn write_json(document: &impl Serialize, to: impl Write) -> io::Result<()> {
    // Such documents are written a few bytes at a time, which takes its time where `to` is called through a pointer.
    let mut buffered = BufWriter::with_capacity(1 << 16, to);
    serde_json::to_writer_pretty(&mut buffered, document)?;
    buffered.write_all(b"\n")?;
    buffered.flush()
}

/// Why a text is no JSON, or not of the form that is expected, in words for those who do not know the parser.
pub fn json_reason(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let said = text.strip_suffix(&place).unwrap_or(&text);
    let said = match said.strip_prefix("EOF while parsing ") {
        Some(what) => format!("it ends inside {}", what.replacen("a value", "or before a value", 1)),
        None => said.to_owned(),
    };
    let what = match error.classify() {
        Category::Syntax | Category::Eof => "is not valid JSON",
        Category::Data | Category::Io => "is not of the form that is expected",
    };
    match error.line() {
        0 => format!("{what}: {said}"),
        line => format!("{what}: {said} (line {line}, column {})", error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_in_plain_words() {
        let reason = |text: &str| json_reason(&serde_json::from_str::<Vec<u8>>(text).unwrap_err());
        assert_eq!(reason("[1,"), "is not valid JSON: it ends inside or before a value (line 1, column 3)");
        assert_eq!(reason("[1"), "is not valid JSON: it ends inside a list (line 1, column 2)");
        assert!(reason("{}").starts_with("is not of the form that is expected: invalid type: map"), "{}", reason("{}"));
        let object = serde_json::from_str::<serde_json::Value>("{\"a\": 1").unwrap_err();
        assert_eq!(json_reason(&object), "is not valid JSON: it ends inside an object (line 1, column 7)");
    }
}
