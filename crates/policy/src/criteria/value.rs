//! Values of criteria, compiled once: what is wrong with one is told with what would be right.

use super::{Grammar, Reading};
use crate::facts::INSTRUCTIONS;
use crate::go;
use globset::GlobMatcher;
use sekisho_model::LicenseClass;
use std::net::IpAddr;

/// What one value of a group looks for.
#[derive(Debug)]
pub(crate) enum Matcher {
    Flag(bool),
    Number(Comparison, f64),
    Days(f64),
    /// Of a list of words, by place.
    Word(&'static str),
    /// By place in a list of words in growing order.
    Ordered(Comparison, usize, &'static [&'static str]),
    Text(Pattern),
    /// Any text that is there.
    Present,
    Pair(Pattern, Pattern),
    EnvVar(Option<&'static str>, Pattern, Pattern),
    Capability(String),
    Glob(GlobMatcher),
    Address(IpAddr),
}

/// How a number is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Comparison {
    /// The operator before a value, and the rest.
    fn split(text: &str) -> (Self, &str) {
        let operators = [
            ("<=", Self::LessOrEqual),
            (">=", Self::GreaterOrEqual),
            ("<", Self::Less),
            (">", Self::Greater),
            ("=", Self::Equal),
        ];
        let found = operators.into_iter().find_map(|(sign, it)| Some((it, text.strip_prefix(sign)?)));
        let (comparison, rest) = found.unwrap_or((Self::Equal, text));
        (comparison, rest.trim())
    }

    pub(crate) fn holds<T: PartialOrd>(self, own: &T, wanted: &T) -> bool {
        match self {
            Self::Less => own < wanted,
            Self::LessOrEqual => own <= wanted,
            Self::Equal => own == wanted,
            Self::GreaterOrEqual => own >= wanted,
            Self::Greater => own > wanted,
        }
    }
}

/// A text to look for. Most are plain words, which need no automaton.
#[derive(Debug)]
pub(crate) enum Pattern {
    Any,
    /// In any case.
    Word(String),
    /// As StackRox reads them, whose program is in Go.
    Regex(go::Pattern),
}

impl Pattern {
    /// For the whole text, in any case.
    pub(crate) fn whole(text: &str) -> Result<Self, String> {
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/ :@%,".contains(&byte)) {
            return Ok(Self::Word(text.to_owned()));
        }
        Self::regex(&format!("(?i)^(?:{text})$"), text)
    }

    fn contained(text: &str) -> Result<Self, String> {
        Self::regex(&format!("(?i){text}"), text)
    }

    /// Nothing stands for anything.
    pub(crate) fn part(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(Self::Any) } else { Self::whole(text) }
    }

    fn regex(pattern: &str, shown: &str) -> Result<Self, String> {
        let built = go::Pattern::new(pattern);
        built.map(Self::Regex).map_err(|reason| format!("{shown:?} is no regular expression: {reason}"))
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Word(word) => word.eq_ignore_ascii_case(text),
            Self::Regex(pattern) => pattern.regex.is_match(text),
        }
    }
}

/// Where the value of an environment variable may come from.
const SOURCES: [&str; 7] = ["RAW", "UNSET", "SECRET_KEY", "CONFIG_MAP_KEY", "FIELD", "RESOURCE_FIELD", "UNKNOWN"];

/// Capabilities of Linux (`capabilities(7)`), without `CAP_`.
const CAPABILITIES: [&str; 41] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// What the ids of signature integrations begin with, where StackRox names one.
const INTEGRATION: &str = "io.stackrox.signatureintegration.";

/// Whether it is a UUID as it is written: `4a3ab5cc-4f35-4d72-b7f6-4ff6a4b4a54b`.
fn is_uuid(text: &str) -> bool {
    let parts = text.split('-').map(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(part.len()));
    parts.eq([8, 4, 4, 4, 12].map(Some))
}

/// The name of a capability without `CAP_`, in capitals, as StackRox has them.
pub(crate) fn bare_capability(text: &str) -> String {
    let name = text.to_ascii_uppercase();
    name.strip_prefix("CAP_").map(str::to_owned).unwrap_or(name)
}

/// The word by which a policy asks for a class of licences.
pub(crate) fn word_of(class: LicenseClass) -> &'static str {
    match class {
        LicenseClass::Permissive => "PERMISSIVE",
        LicenseClass::WeakCopyleft => "WEAK_COPYLEFT",
        LicenseClass::StrongCopyleft => "STRONG_COPYLEFT",
        LicenseClass::NetworkCopyleft => "NETWORK_COPYLEFT",
        LicenseClass::Other => "OTHER",
    }
}

impl Matcher {
    /// What `text` looks for, or what is wrong with it.
    pub(crate) fn parse(grammar: Grammar, text: &str) -> Result<Self, String> {
        let word = |words: &'static [&'static str], text: &str| {
            let place = words.iter().position(|word| word.eq_ignore_ascii_case(text));
            place.ok_or_else(|| format!("{text:?} is not one of {}", words.join(", ")))
        };
        match grammar {
            Grammar::Flag => match text {
                _ if text.eq_ignore_ascii_case("true") => Ok(Self::Flag(true)),
                _ if text.eq_ignore_ascii_case("false") => Ok(Self::Flag(false)),
                _ => Err(format!("{text:?} is neither true nor false")),
            },
            Grammar::Number => {
                let (comparison, number) = Comparison::split(text);
                let number: Option<f64> = number.parse().ok().filter(|number: &f64| number.is_finite());
                let wrong = || format!("{text:?} is no number, nor one after <, >, <= or >=");
                Ok(Self::Number(comparison, number.ok_or_else(wrong)?))
            }
            Grammar::Days => {
                let days: Result<u32, _> = text.parse();
                Ok(Self::Days(days.map_err(|_| format!("{text:?} is no whole number of days"))?.into()))
            }
            Grammar::Word(words) => Ok(Self::Word(words[word(words, text)?])),
            Grammar::Ordered(words) => {
                let (comparison, name) = Comparison::split(text);
                Ok(Self::Ordered(comparison, word(words, name)?, words))
            }
            Grammar::AtLeast(words) => Ok(Self::Ordered(Comparison::GreaterOrEqual, word(words, text)?, words)),
            Grammar::Regex | Grammar::Text | Grammar::Signer if text.is_empty() => Err("a text is needed".to_owned()),
            Grammar::Signer if text.strip_prefix(INTEGRATION).is_some_and(|id| !is_uuid(id)) => {
                Err(format!("{text:?} does not end in the UUID of a signature integration"))
            }
            Grammar::Text | Grammar::Signer => Ok(Self::Text(Pattern::Word(text.to_owned()))),
            Grammar::Contains => Pattern::contained(text).map(Self::Text),
            Grammar::Present if text == ".*" => Ok(Self::Present),
            Grammar::Regex | Grammar::Present => Pattern::whole(text).map(Self::Text),
            Grammar::Pair | Grammar::Line => {
                let (key, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not KEY=VALUE"))?;
                let is_instruction = INSTRUCTIONS.iter().any(|known| known.eq_ignore_ascii_case(key));
                if grammar == Grammar::Line && !key.is_empty() && !is_instruction {
                    return Err(format!("{key:?} is not one of {}", INSTRUCTIONS.join(", ")));
                }
                Ok(Self::Pair(Pattern::part(key)?, Pattern::part(value)?))
            }
            Grammar::EnvVar => {
                let mut parts = text.splitn(3, '=');
                let (Some(source), Some(key), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
                    return Err(format!("{text:?} is not SOURCE=KEY=VALUE"));
                };
                let known = SOURCES.into_iter().find(|known| *known == source);
                if known.is_none() && !source.is_empty() {
                    return Err(format!("{source:?} is not one of {}", SOURCES.join(", ")));
                }
                if !value.is_empty() && known.is_some_and(|known| known != "RAW") {
                    return Err(format!("the value of a variable from {source} is not known, and must be left empty"));
                }
                Ok(Self::EnvVar(known, Pattern::part(key)?, Pattern::part(value)?))
            }
            Grammar::Capability { all } => {
                let name = bare_capability(text);
                if CAPABILITIES.contains(&&*name) || (all && name == "ALL") {
                    return Ok(Self::Capability(name));
                }
                let but = if name == "ALL" { "; only what is dropped can be all" } else { "" };
                Err(format!("{text:?} is no capability of Linux{but}"))
            }
            Grammar::Glob => {
                if !text.starts_with('/') || text.split('/').any(|part| part == "..") {
                    return Err(format!("{text:?} is no path from the root without .."));
                }
                let glob = globset::GlobBuilder::new(text).literal_separator(true).build();
                Ok(Self::Glob(
                    glob.map_err(|error| format!("{text:?} is no pattern of paths: {}", error.kind()))?
                        .compile_matcher(),
                ))
            }
            Grammar::Address => {
                text.parse().map(Self::Address).map_err(|_| format!("{text:?} is no address of IPv4 or IPv6"))
            }
        }
    }

    /// Whether this is a licence that it looks for.
    pub(crate) fn matches_license(&self, id: &str, class: LicenseClass) -> bool {
        match self {
            Self::Text(pattern) => pattern.matches(id),
            Self::Word(wanted) => *wanted == word_of(class),
            _ => false,
        }
    }

    /// Whether what was read is what it looks for. Of several, one is enough.
    pub(crate) fn matches(&self, reading: &Reading<'_>) -> bool {
        match (self, reading) {
            (Self::Flag(wanted), Reading::Flag(own)) => wanted == own,
            (Self::Number(comparison, wanted), Reading::Number(own)) => comparison.holds(own, wanted),
            (Self::Days(wanted), Reading::Number(own)) => own >= wanted,
            (Self::Word(wanted), Reading::Text(own)) => wanted.eq_ignore_ascii_case(own),
            (Self::Word(wanted), Reading::Texts(own)) => own.iter().any(|own| wanted.eq_ignore_ascii_case(own)),
            (Self::Ordered(comparison, wanted, words), Reading::Text(own)) => words
                .iter()
                .position(|word| word.eq_ignore_ascii_case(own))
                .is_some_and(|own| comparison.holds(&own, wanted)),
            (Self::Text(pattern), Reading::Text(own)) => pattern.matches(own),
            (Self::Text(pattern), Reading::Texts(own) | Reading::Some(own, _)) => {
                own.iter().any(|own| pattern.matches(own))
            }
            (Self::Present, Reading::Text(own)) => !own.is_empty(),
            (Self::Present, Reading::Texts(own)) => own.iter().any(|own| !own.is_empty()),
            (Self::Pair(key, value), Reading::Pairs(own)) => {
                own.iter().any(|(name, text)| key.matches(name) && value.matches(text))
            }
            (Self::EnvVar(source, key, value), Reading::EnvVar { source: own, name, value: text }) => {
                source.is_none_or(|source| source == *own) && key.matches(name) && value.matches(text)
            }
            (Self::Capability(wanted), Reading::Texts(own)) => own.iter().any(|own| own == wanted || *own == "ALL"),
            (Self::Glob(glob), Reading::Texts(own) | Reading::Some(own, _)) => own.iter().any(|own| glob.is_match(own)),
            (Self::Address(wanted), Reading::Texts(own)) => own.iter().any(|own| own.parse() == Ok(*wanted)),
            _ => false,
        }
    }
}
