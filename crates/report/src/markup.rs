//! Text inside XML and HTML.

use std::fmt::{self, Write as _};

/// A text as content or as an attribute in quotes, in XML and HTML alike. Characters that XML 1.0 cannot carry even as
/// references become U+FFFD (<https://www.w3.org/TR/xml/#charsets>).
#[derive(Clone, Copy)]
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Kept in content, and made a blank in an attribute, which is what XML does with them anyway.
                '\n' | '\t' => f.write_char(char)?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                char if char.is_control() => f.write_char('\u{fffd}')?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_an_element_or_an_attribute() {
        let text = "<script>\"'&amp;\u{0}\u{1b}\u{7f}\u{85}\r\u{fffe}\n\té";
        let escaped = Escaped(text).to_string();
        assert_eq!(escaped, "&lt;script&gt;&quot;&#39;&amp;amp;\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\n\té");
    }
}
