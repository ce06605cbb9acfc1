//! Selectors of labels, as Kubernetes writes them: `env in (prod, stage), team=a, !x`.
//!
//! The grammar is that of `labels.Parse` of `k8s.io/apimachinery`, without `<` and `>`, which labels of nodes have.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// Labels: values by their keys.
pub type Labels = BTreeMap<String, String>;

/// Bytes of a selector.
const MOST_BYTES: usize = 4096;

/// Which labels something has to have: all of some requirements. Equal selectors have the same, in whatever order these were
/// written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector(BTreeSet<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Requirement {
    /// The key is there with one of these values.
    In(String, BTreeSet<String>),
    /// The key is not there, or with another value.
    NotIn(String, BTreeSet<String>),
    Exists(String),
    Absent(String),
}

impl Selector {
    /// Whether these labels are meant. No requirement means all.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::Absent(key) => !labels.contains_key(key),
        })
    }

    /// Whether it means all.
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all that `other` means is meant by this too, as far as that is plain: each requirement of this is one of the other.
    pub fn contains(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }
}

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the selector: {0}")]
pub struct InvalidSelector(String);

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        if text.len() > MOST_BYTES {
            return Err(InvalidSelector(format!("it is longer than {MOST_BYTES} bytes")));
        }
        let mut tokens = Tokens { rest: text };
        let mut requirements = BTreeSet::new();
        if tokens.peek() == Token::End {
            return Ok(Self(requirements));
        }
        loop {
            requirements.insert(requirement(&mut tokens)?);
            match tokens.next() {
                Token::End => return Ok(Self(requirements)),
                Token::Sign(",") => {}
                other => return Err(expected("a comma or the end", &other)),
            }
        }
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<Requirement, InvalidSelector> {
    let is_absent = tokens.peek() == Token::Sign("!");
    if is_absent {
        tokens.next();
    }
    let key = match tokens.next() {
        Token::Word(word) if word != "in" && word != "notin" => key(word)?,
        other => return Err(expected("a key", &other)),
    };
    let ends = matches!(tokens.peek(), Token::End | Token::Sign(","));
    if is_absent || ends {
        return Ok(if is_absent { Requirement::Absent(key) } else { Requirement::Exists(key) });
    }
    match tokens.next() {
        Token::Sign("=" | "==") => Ok(Requirement::In(key, BTreeSet::from([value(tokens)?]))),
        Token::Sign("!=") => Ok(Requirement::NotIn(key, BTreeSet::from([value(tokens)?]))),
        Token::Word("in") => Ok(Requirement::In(key, values(tokens)?)),
        Token::Word("notin") => Ok(Requirement::NotIn(key, values(tokens)?)),
        other => Err(expected("one of = == != in notin", &other)),
    }
}

/// The value behind a sign: none is the empty one.
fn value(tokens: &mut Tokens<'_>) -> Result<String, InvalidSelector> {
    let Token::Word(word) = tokens.peek() else { return Ok(String::new()) };
    tokens.next();
    if is_value(word) {
        return Ok(word.to_owned());
    }
    Err(InvalidSelector(format!("`{word}` is not the value of a label")))
}

fn values(tokens: &mut Tokens<'_>) -> Result<BTreeSet<String>, InvalidSelector> {
    match tokens.next() {
        Token::Sign("(") => {}
        other => return Err(expected("(", &other)),
    }
    if tokens.peek() == Token::Sign(")") {
        return Err(expected("a value", &Token::Sign(")")));
    }
    let mut values = BTreeSet::new();
    loop {
        values.insert(value(tokens)?);
        match tokens.next() {
            Token::Sign(",") => {}
            Token::Sign(")") => return Ok(values),
            other => return Err(expected("a comma or )", &other)),
        }
    }
}

/// `name` or `prefix/name`: names as values are, but not empty; prefixes are domains.
fn key(text: &str) -> Result<String, InvalidSelector> {
    let (prefix, name) = text.rsplit_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let is_domain = |text: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_label = |label: &str| {
            let bytes = label.as_bytes();
            bytes.first().is_some_and(|byte| inner(*byte))
                && bytes.last().is_some_and(|byte| inner(*byte))
                && bytes.iter().all(|byte| inner(*byte) || *byte == b'-')
        };
        text.len() <= 253 && text.split('.').all(is_label)
    };
    if !name.is_empty() && is_value(name) && prefix.is_none_or(is_domain) {
        return Ok(text.to_owned());
    }
    Err(InvalidSelector(format!("`{text}` is not the key of a label")))
}

fn is_value(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.len() <= 63
        && bytes.first().is_none_or(u8::is_ascii_alphanumeric)
        && bytes.last().is_none_or(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn expected(what: &str, found: &Token<'_>) -> InvalidSelector {
    let found = match found {
        Token::End => "it ends".to_owned(),
        Token::Word(text) | Token::Sign(text) => format!("there is `{text}`"),
    };
    InvalidSelector(format!("{found} where {what} should be"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Sign(&'a str),
    End,
}

/// The rest of a text that is not read yet.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn peek(&self) -> Token<'a> {
        Tokens { rest: self.rest }.next()
    }

    fn next(&mut self) -> Token<'a> {
        let is_space = |letter: char| matches!(letter, ' ' | '\t' | '\r' | '\n');
        let is_sign = |letter: char| "!=(),".contains(letter);
        let text = self.rest.trim_start_matches(is_space);
        let sign = ["==", "!=", "=", "!", "(", ")", ","].into_iter().find(|sign| text.starts_with(sign));
        let length = match sign {
            Some(sign) => sign.len(),
            None => text.find(|letter| is_space(letter) || is_sign(letter)).unwrap_or(text.len()),
        };
        let (token, rest) = text.split_at(length);
        self.rest = rest;
        match sign {
            Some(_) => Token::Sign(token),
            None if token.is_empty() => Token::End,
            None => Token::Word(token),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match requirement {
                Requirement::In(key, values) => set(f, key, values, "=", "in")?,
                Requirement::NotIn(key, values) => set(f, key, values, "!=", "notin")?,
                Requirement::Exists(key) => f.write_str(key)?,
                Requirement::Absent(key) => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

fn set(f: &mut fmt::Formatter<'_>, key: &str, values: &BTreeSet<String>, one: &str, many: &str) -> fmt::Result {
    if values.len() == 1 {
        return write!(f, "{key}{one}{}", values.iter().map(String::as_str).collect::<String>());
    }
    write!(f, "{key} {many} ({})", values.iter().map(String::as_str).collect::<Vec<_>>().join(","))
}

impl TryFrom<String> for Selector {
    type Error = InvalidSelector;

    fn try_from(text: String) -> Result<Self, InvalidSelector> {
        text.parse()
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_required_is_there() {
        let prod = labels(&[("env", "prod"), ("team", "a"), ("example.org/x", "")]);
        for (text, expect) in [
            ("", true),
            ("  ", true),
            ("env", true),
            ("!env", false),
            ("owner", false),
            ("!owner", true),
            ("env=prod", true),
            ("env==prod", true),
            ("env = stage", false),
            ("owner=", false),
            ("example.org/x=", true),
            ("example.org/x", true),
            ("env!=prod", false),
            ("env!=stage", true),
            ("owner != me", true),
            ("env in (prod,stage)", true),
            ("env in ( stage )", false),
            ("owner in (me)", false),
            ("owner in (me,)", false),
            ("example.org/x in (me,)", true),
            ("env notin (prod)", false),
            ("env notin (stage)", true),
            ("owner notin (me)", true),
            ("env in (prod,stage), team=a, !owner", true),
            ("env in (prod,stage), team=b, !owner", false),
            ("env,team,!owner,env=prod", true),
            ("team=in", false),
        ] {
            assert_eq!(text.parse::<Selector>().unwrap().matches(&prod), expect, "{text}");
        }
    }

    #[test]
    fn what_is_no_selector_is_said() {
        for (text, expect) in [
            (",", "there is `,` where a key should be"),
            ("env,", "it ends where a key should be"),
            ("!", "it ends where a key should be"),
            ("!env=prod", "there is `=` where a comma"),
            ("in", "there is `in` where a key"),
            ("env in", "it ends where ( should be"),
            ("env in ()", "there is `)` where a value"),
            ("env in (a", "it ends where a comma or )"),
            ("env in (a b)", "there is `b` where a comma or )"),
            ("env prod", "there is `prod` where one of"),
            ("env=a=b", "there is `=` where a comma"),
            ("env=日本", "`日本` is not the value"),
            ("env=-a", "`-a` is not the value"),
            ("env\0=a", "is not the key"),
            ("a/b/c", "is not the key"),
            ("/a", "is not the key"),
            ("A/a", "is not the key"),
            ("a/", "is not the key"),
            ("env>1", "is not the key"),
            (&"a".repeat(64), "is not the key"),
            (&"a,".repeat(4096), "longer than 4096 bytes"),
        ] {
            let error = text.parse::<Selector>().unwrap_err().to_string();
            assert!(error.contains(expect), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_plainly_within_is_known() {
        let selector = |text: &str| text.parse::<Selector>().unwrap();
        assert!(selector("").contains(&selector("a=b")));
        assert!(selector("a=b").contains(&selector("!c, a==b")));
        assert!(!selector("a=b").contains(&selector("")));
        assert!(!selector("a=b").contains(&selector("a=c")));
        assert_eq!(serde_json::to_string(&selector(" b , a in (y,x)")).unwrap(), r#""a in (x,y),b""#);
        assert!(serde_json::from_str::<Selector>(r#""a in""#).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "[!]?[ab](=|!=| in | notin |==)?[(]?[xy]?,?[xy]?[)]?(,[!]?[cd])?") {
            if let Ok(selector) = text.parse::<Selector>() {
                prop_assert_eq!(selector.to_string().parse::<Selector>(), Ok(selector));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = text.parse::<Selector>();
        }
    }
}
