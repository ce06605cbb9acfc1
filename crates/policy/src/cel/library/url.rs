//! URLs (`k8s.io/apiserver/pkg/cel/library/urls.go`), read as Go's `url.ParseRequestURI` does.

use super::{Entry, mismatch};
use crate::cel::run::Stop;
use crate::cel::value::{Key, Map, Value};
use std::fmt::Write;
use std::sync::Arc;

pub(super) const TABLE: &[Entry] = &[
    ("url(string) -> url", |of, _| match of {
        [Value::Text(text)] => Url::parse(text)
            .map(|url| Value::Url(Arc::new(url)))
            .ok_or_else(|| Stop::error(format!("{text:?} is no URL"))),
        _ => Err(mismatch()),
    }),
    ("isURL(string) -> bool", |of, _| match of {
        [Value::Text(text)] => Ok(Value::Bool(Url::parse(text).is_some())),
        _ => Err(mismatch()),
    }),
    ("url.getScheme() -> string", |of, _| one(of, |url| Value::text(&url.scheme))),
    ("url.getHost() -> string", |of, _| one(of, |url| Value::text(&url.host))),
    ("url.getHostname() -> string", |of, _| one(of, |url| Value::text(url.host_and_port().0))),
    ("url.getPort() -> string", |of, _| one(of, |url| Value::text(url.host_and_port().1))),
    ("url.getEscapedPath() -> string", |of, _| one(of, |url| Value::text(&url.path))),
    ("url.getQuery() -> map(string, list(string))", |of, _| one(of, |url| Value::Map(Arc::new(url.query())))),
];

fn one(of: &[Value], run: impl FnOnce(&Url) -> Value) -> Result<Value, Stop> {
    match of {
        [Value::Url(url)] => Ok(run(url)),
        _ => Err(mismatch()),
    }
}

/// The parts of a URL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Url {
    scheme: String,
    /// With its port.
    host: String,
    /// With its escapes.
    path: String,
    query: String,
}

impl Url {
    /// What begins with a scheme or a slash, without a fragment.
    pub(in crate::cel) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return None;
        }
        let (scheme, rest) = scheme_of(text)?;
        // A fragment belongs to the parts for whether it is a URL, and to none of them after that.
        let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !rest.starts_with('/') {
            // A scheme and something that is no path: `mailto:a@b`.
            let opaque = Self { scheme, host: String::new(), path: String::new(), query: query.to_owned() };
            return (!opaque.scheme.is_empty()).then_some(opaque);
        }
        let (host, path) = match rest.strip_prefix("//") {
            // Without a scheme, two slashes are a path.
            Some(after) if !scheme.is_empty() || !rest.starts_with("///") && !scheme.is_empty() => {
                let end = after.find('/').unwrap_or(after.len());
                (host_of(&after[..end])?, &after[end..])
            }
            _ => (String::new(), rest),
        };
        if !escapes_are_whole(path) || path.contains(' ') && !scheme.is_empty() && host.contains(' ') {
            return None;
        }
        Some(Self { scheme, host, path: escaped(path), query: query.to_owned() })
    }

    fn host_and_port(&self) -> (&str, &str) {
        let (host, port) = match self.host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(':') => {
                (host, port)
            }
            _ => (self.host.as_str(), ""),
        };
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        (inner.unwrap_or(host), port)
    }

    /// The values of each name, in their order.
    fn query(&self) -> Map {
        let mut found: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
        for part in self.query.split('&').filter(|part| !part.is_empty() && !part.contains(';')) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            // What has broken escapes is left out.
            if let (Some(name), Some(value)) = (unescaped(name), unescaped(value)) {
                found.entry(name).or_default().push(Value::text(&value));
            }
        }
        found.into_iter().map(|(name, values)| (Key::text(&name), Value::list(values))).collect()
    }
}

/// The scheme in small letters, empty where there is none, and what comes after it.
fn scheme_of(text: &str) -> Option<(String, &str)> {
    let length = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
    if text[length..].starts_with(':') {
        if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return None;
        }
        return Some((text[..length].to_ascii_lowercase(), &text[length + 1..]));
    }
    Some((String::new(), text))
}

/// The host and its port, without a user; none where a server could not be called so.
fn host_of(authority: &str) -> Option<String> {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_user = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(is_user) || !escapes_are_whole(user) {
        return None;
    }
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(inner) = host.strip_prefix('[') {
        let (address, port) = inner.rsplit_once(']')?;
        let address = address.split('%').next().unwrap_or_default();
        let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return (port_fits && address.parse::<std::net::Ipv6Addr>().is_ok()).then(|| host.to_owned());
    }
    if let Some((_, port)) = host.rsplit_once(':')
        && !is_port(port)
    {
        return None;
    }
    let is_part =
        |char: char| !char.is_ascii() || char.is_ascii_alphanumeric() || "!$&'()*+,;=:[]<>\"-_.~%".contains(char);
    (host.chars().all(is_part) && escapes_are_whole(host)).then(|| unescape_host(host)).flatten()
}

fn unescape_host(host: &str) -> Option<String> {
    if host.contains('%') { unescaped(&host.replace('+', "%2B")) } else { Some(host.to_owned()) }
}

fn escapes_are_whole(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_escape =
        |at: usize| bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    bytes.iter().enumerate().all(|(at, byte)| *byte != b'%' || is_escape(at))
}

/// The path with escapes for what needs them and has none.
fn escaped(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@!'()*%[]".contains(&byte);
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn unescaped(text: &str) -> Option<String> {
    if !escapes_are_whole(text) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                out.push(u8::try_from(high * 16 + low).ok()?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}
