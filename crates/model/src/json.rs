//! JSON documents: how all of them are written, how those of strangers are read whole, and why one cannot be read.

use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use std::io::{self, BufWriter, Write};

/// Writes a document (an inventory, a scan report, an SBOM) as indented JSON with a final newline.
pub fn write_json(document: &impl Serialize, to: impl Write) -> io::Result<()> {
    // Such documents are written a few bytes at a time, which takes its time where `to` is called through a pointer.
    let mut buffered = BufWriter::with_capacity(1 << 16, to);
    serde_json::to_writer_pretty(&mut buffered, document)?;
    buffered.write_all(b"\n")?;
    buffered.flush()
}

/// Values of a document that is read whole: each takes up to some hundred bytes of memory, and two to be written.
pub const MOST_VALUES: usize = 2_000_000;

/// Reads a stranger's document as a whole, if it has at most so many values: entries of lists and objects.
pub fn json_whole<'de, T: Deserialize<'de>>(bytes: &'de [u8], most: usize) -> serde_json::Result<T> {
    // Each but the first is behind a comma or a bracket.
    if bytes.len() / 2 > most && values(bytes) > most {
        return Err(serde_json::Error::custom(format_args!("it has more than {most} values")));
    }
    serde_json::from_slice(bytes)
}

/// How many entries of lists and objects there are at most.
fn values(bytes: &[u8]) -> usize {
    let (mut count, mut in_text, mut escaped) = (0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => count += 1,
            _ => {}
        }
    }
    count
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
    fn what_has_too_many_values_is_not_read() {
        let read = |text: &str, most| json_whole::<serde_json::Value>(text.as_bytes(), most).map_err(|e| e.to_string());
        let list = format!("[{}0]", "0,".repeat(99));
        assert!(read(&list, 100).is_ok());
        assert_eq!(read(&list, 99).unwrap_err(), "it has more than 99 values");
        // What stands in a text is none.
        assert!(read(r#"{"a": "[{,,,\",[[{{,,,"}"#, 2).is_ok());
    }

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
