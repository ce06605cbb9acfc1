//! Whether a text is a version of a Python distribution: PEP 440, "Parsing version strings with regular expressions", with
//! all that it takes for the same as the one form that it prefers.

/// Whether `text` is a version, without white space around it.
pub(super) fn is_version(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let (public, local) = text.split_once('+').map_or((&*text, None), |(public, local)| (public, Some(local)));
    let is_local = |local: &str| {
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        local.split(['-', '_', '.']).all(is_part)
    };
    local.is_none_or(is_local) && is_public(public.strip_prefix('v').unwrap_or(public))
}

/// Epoch and release, then what is before, after and in the making of it, in this order.
fn is_public(text: &str) -> bool {
    let Some(mut rest) = numbers(text) else { return false };
    if let Some(after) = text.split_once('!').map(|(_, after)| after) {
        let epoch = &text[..text.len() - after.len() - 1];
        let is_epoch = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
        match numbers(after).filter(|_| is_epoch) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest = word(rest, &["alpha", "a", "beta", "b", "preview", "pre", "c", "rc"]);
    rest = match rest.strip_prefix('-').and_then(number) {
        Some(after) => after,
        None => word(rest, &["post", "rev", "r"]),
    };
    word(rest, &["dev"]).is_empty()
}

/// What is behind `1.2.3`.
fn numbers(text: &str) -> Option<&str> {
    let mut rest = number(text)?;
    while let Some(after) = rest.strip_prefix('.').and_then(number) {
        rest = after;
    }
    Some(rest)
}

/// What is behind a number.
fn number(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

/// What is behind one of these words with a number, both of which a sign may be before; the whole where none is there.
fn word<'a>(text: &'a str, words: &[&str]) -> &'a str {
    let sign = |text: &'a str| text.strip_prefix(['-', '_', '.']).unwrap_or(text);
    let Some(rest) = words.iter().find_map(|word| sign(text).strip_prefix(word)) else { return text };
    number(sign(rest)).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::is_version;

    /// Of the tests of `packaging`, the library that pip reads versions with.
    #[test]
    fn versions_are_told_as_python_tells_them() {
        for text in [
            "1.0",
            "1",
            "v1.0",
            "1!2.0",
            "1.0a1",
            "1.0.dev456",
            "1.0a2.dev456",
            "1.0b2.post345.dev456",
            "1.0rc1",
            "1.0.post456",
            "1.0-1",
            "1.0+abc.7",
            "1.1.dev1",
            "1.2+123abc456",
            "1.0-alpha_2",
            "1.0.c3",
            "1.0PRE",
            "1.0-r4",
            "1.0.rev-5",
            "1.0post",
            "1.0dev",
            "2013.10",
            "1!1.2.rev33+123456",
            "1.0-1.dev2",
            "1.0_dev",
            "V2",
        ] {
            assert!(is_version(text), "{text}");
        }
        for text in [
            "",
            "v",
            "french toast",
            "1.0+a+",
            "1.0++",
            "1.0+_foobar",
            "1.0+foo&asd",
            "1.0+",
            "!1",
            "1!",
            "a!1",
            "1..0",
            "1.",
            "1.0-",
            "1.0-1-2",
            "1.0.dev1.post2",
            "2011k",
            "latest",
            "*",
            "1.*",
            "1.0 ",
            "1.0-alpha--1",
            "vv1",
            "1.0a1b2",
        ] {
            assert!(!is_version(text), "{text}");
        }
    }
}
