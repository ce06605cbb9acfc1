//! What is wrong, or worth saying, about rules: with Falco's codes, and with the place.

use sekisho_base::tree::Place;
use std::fmt::{self, Display, Formatter};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $error:literal, $about:literal;)+) => {
        /// Falco's codes of what loading rules can say (`falco_load_result.h`), which its users filter by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum LoadCode {
            $($(#[$doc])* #[doc = concat!("`", $text, "`: ", $about)] $variant),+
        }

        impl LoadCode {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// How Falco writes it: `LOAD_ERR_VALIDATE`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Whether rules are not taken because of it; otherwise it is a warning.
            pub fn is_error(self) -> bool {
                match self { $(Self::$variant => $error),+ }
            }

            /// What it means, as a phrase.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about),+ }
            }
        }
    };
}

codes! {
    FileRead = "LOAD_ERR_FILE_READ", true, "a file cannot be read";
    YamlParse = "LOAD_ERR_YAML_PARSE", true, "a file is not YAML";
    YamlValidate = "LOAD_ERR_YAML_VALIDATE", true, "a key is missing, or has a value of the wrong kind";
    ErrCondition = "LOAD_ERR_COMPILE_CONDITION", true, "a condition cannot be read or compared as it is written";
    ErrOutput = "LOAD_ERR_COMPILE_OUTPUT", true, "an output cannot be read";
    Validate = "LOAD_ERR_VALIDATE", true, "a rule, macro, list or exception does not fit what is there";
    ErrExtension = "LOAD_ERR_EXTENSION", true, "an extension item is wrong";
    UnknownSource = "LOAD_UNKNOWN_SOURCE", false, "no events of the rule's source are read; the rule is left out";
    UnsafeNaCheck = "LOAD_UNSAFE_NA_CHECK", false, "a field is compared with the text `<NA>`";
    NoEventType = "LOAD_NO_EVTTYPE", false, "the condition holds for too many types of events";
    UnknownFilter = "LOAD_UNKNOWN_FILTER", false, "a field or event type is not known; the rule is left out, as it asks for";
    UnusedMacro = "LOAD_UNUSED_MACRO", false, "nothing uses the macro";
    UnusedList = "LOAD_UNUSED_LIST", false, "nothing uses the list";
    UnknownItem = "LOAD_UNKNOWN_ITEM", false, "an item is neither rule, macro nor list";
    DeprecatedItem = "LOAD_DEPRECATED_ITEM", false, "something is written as it was in the past";
    WarnExtension = "LOAD_WARNING_EXTENSION", false, "an extension item is doubtful";
    AppendNoValues = "LOAD_APPEND_NO_VALUES", false, "an exception is added to without values";
    ExceptionNameNotUnique = "LOAD_EXCEPTION_NAME_NOT_UNIQUE", false, "a rule has two exceptions of one name";
    InvalidMacroName = "LOAD_INVALID_MACRO_NAME", false, "no condition can use a macro of this name";
    InvalidListName = "LOAD_INVALID_LIST_NAME", false, "no condition can use a list of this name";
    WarnCondition = "LOAD_COMPILE_CONDITION", false, "a condition may not mean what it says";
    UnknownKey = "LOAD_UNKNOWN_KEY", false, "a key is not known and has no effect";
}

impl Display for LoadCode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong with rules, or worth saying about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing.
    pub code: LoadCode,
    /// What it is.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The name of the file.
    pub file: String,
    /// Where in the file: of a condition or an output, where it begins.
    pub place: Place,
    /// What it is in, from the outermost: `rule 'x'`, `condition`.
    pub within: Vec<String>,
    /// The line that is meant.
    pub snippet: Option<Snippet>,
}

/// A line of a file, or of a condition with its lists put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The line, at most [`Snippet::WIDTH`] characters of it.
    pub line: String,
    /// How many characters of it come before the place that is meant.
    pub before: usize,
}

impl Snippet {
    /// How much of a line is shown.
    pub const WIDTH: usize = 160;

    /// The line of `text` that has `place`; none where there is none.
    pub fn of(text: &str, place: Place) -> Option<Self> {
        let line = text.lines().nth((place.line as usize).checked_sub(1)?)?.trim_end();
        let at = (place.column as usize).saturating_sub(1);
        let from = at.saturating_sub(Self::WIDTH / 2);
        let line: String = line.chars().skip(from).take(Self::WIDTH).collect();
        Some(Self { line, before: at - from })
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { code, message, file, place, .. } = self;
        let kind = if code.is_error() { "error" } else { "warning" };
        write!(f, "{file}:{}:{}: {kind}: {message} [{code}]", place.line, place.column)?;
        if !self.within.is_empty() {
            write!(f, "\n  in {}", self.within.join(", "))?;
        }
        if let Some(Snippet { line, before }) = &self.snippet {
            write!(f, "\n  | {line}\n  | {:before$}^", "")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}
