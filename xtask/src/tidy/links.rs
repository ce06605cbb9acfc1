//! Links in Markdown that lead nowhere.
//!
//! Relative targets must be files or folders of the repository, and their anchors headings as GitHub names
//! them. Links to other hosts are not looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::{Problem, Tree, has_extension, numbered};

/// Relative links whose file or heading does not exist.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let pages = || tree.written().filter(|(path, _)| has_extension(path, &["md"]));
    let anchors: BTreeMap<_, _> = pages().map(|(path, text)| (path, anchors(text))).collect();
    pages()
        .flat_map(|(path, text)| {
            prose(text)
                .flat_map(move |(number, line)| targets(&line).into_iter().map(move |target| (path, number, target)))
        })
        .filter_map(|(path, number, target)| {
            let fault = fault(tree, &anchors, path, &target)?;
            Some(Problem::line(path, number, format!("links to {target}: {fault}")))
        })
        .collect()
}

fn fault(tree: &Tree, anchors: &BTreeMap<&str, BTreeSet<String>>, page: &str, target: &str) -> Option<&'static str> {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    if is_external(file) {
        return None;
    }
    let Some(file) = resolve(page, file) else { return Some("it leaves the repository") };
    if !tree.exists(&file) {
        return Some("there is no such file");
    }
    // Anchors of anything but a page are lines of code, which the host makes up.
    let known = anchors.get(file.as_str())?;
    (!known.contains(anchor?)).then_some("the page has no such heading")
}

/// Whether the target begins with a scheme such as `https:`.
fn is_external(target: &str) -> bool {
    target.split(['/', '?']).next().is_some_and(|first| first.contains(':'))
}

/// The path from the root that `target` means on `page`, unless it is above the root.
fn resolve(page: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(page.to_owned());
    }
    let (base, target) = match target.strip_prefix('/') {
        Some(target) => ("", target),
        None => (page.rsplit_once('/').map_or("", |(folder, _)| folder), target),
    };
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Lines outside fenced code, without code spans.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    outside_fences(text).map(|(number, line)| (number, without_code_spans(line)))
}

fn outside_fences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    numbered(text).filter(move |(_, line)| {
        let line = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => return true,
            _ => {}
        }
        false
    })
}

/// The line with what stands between equal runs of backticks left out.
fn without_code_spans(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('`') {
        kept.push_str(before);
        let ticks = 1 + after.bytes().take_while(|byte| *byte == b'`').count();
        let run = "`".repeat(ticks);
        let after = after.trim_start_matches('`');
        rest = after.split_once(&run).map_or(after, |(_, behind)| behind);
    }
    kept + rest
}

/// Targets of the links and images on a line, and of a reference definition.
fn targets(line: &str) -> Vec<String> {
    let inline = line.match_indices("](").filter_map(|(at, mark)| inline_target(line.get(at + mark.len()..)?));
    let definition = line.trim_start().strip_prefix('[').filter(|rest| !rest.starts_with('^'));
    let definition = definition.and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
    inline.chain(definition).filter_map(first_word).collect()
}

/// What stands before the closing parenthesis, which may hold balanced ones.
fn inline_target(rest: &str) -> Option<&str> {
    let mut depth = 1_u32;
    let end = rest.find(|char| {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    rest.get(..end)
}

/// The target without its title and angle brackets.
fn first_word(target: &str) -> Option<String> {
    let target = target.trim();
    let bracketed = target.strip_prefix('<').and_then(|rest| rest.split_once('>')).map(|(inner, _)| inner);
    bracketed.or_else(|| target.split_whitespace().next()).map(str::to_owned)
}

/// The anchors of a page: its headings as GitHub writes them, and explicit ids.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut seen = BTreeMap::<String, u32>::new();
    for (_, line) in outside_fences(text) {
        for id in ["id=\"", "name=\""] {
            anchors.extend(line.split(id).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let slug = slug(&without_targets(title));
        let count = seen.entry(slug.clone()).or_default();
        anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
        *count += 1;
    }
    anchors
}

/// A heading with its links replaced by their texts.
fn without_targets(title: &str) -> String {
    let mut pieces = title.split("](");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + inline_target(piece).and_then(|target| piece.get(target.len() + 1..)).unwrap_or(piece)
    })
}

fn slug(title: &str) -> String {
    let kept = title.trim().chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
    kept.flat_map(char::to_lowercase).map(|char| if char == ' ' { '-' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::problems_in;

    const GUIDE: &str =
        "# The guide\n\n## Layers & `diffID`s: [why](x)\n\n## Same\n\n## Same\n\n## 関所とは\n\n<a id=\"here\"></a>\n";

    fn check_page(text: &str) -> Vec<String> {
        let text = format!("{text}\n");
        let files = [("docs/a.md", text.as_str()), ("docs/guide.md", GUIDE), ("docs/x", ""), ("src/main.rs", "")];
        problems_in(check, &files)
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        for text in [
            "[a](guide.md) and ![b](../src/main.rs) and [c](../src) and [d](/src/main.rs#L1)",
            "[a](guide.md#the-guide), [b](<guide.md#same> \"title\"), [c](./guide.md#same-1)",
            "[a](guide.md#layers--diffids-why) [b](guide.md#関所とは) [c](guide.md#here)",
            "[a](https://example.com/none.md) [b](mailto:a@example.com)",
            "`[a](none.md)` and ``[b](`none.md)``",
            "```\n[a](none.md)\n# no heading\n```",
            "[a]: guide.md#same",
            "[^1]: a footnote",
            "# Own heading\n[up](#own-heading)",
        ] {
            assert_eq!(check_page(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_named_with_their_line() {
        let expect = |text, expected: &str| assert_eq!(check_page(text), [expected], "{text}");
        expect("\n[a](none.md)", "docs/a.md:2: links to none.md: there is no such file");
        expect("[a](guide.md) ![b](none.png)", "docs/a.md:1: links to none.png: there is no such file");
        expect("[a](../../x)", "docs/a.md:1: links to ../../x: it leaves the repository");
        expect("[a](guide.md#none)", "docs/a.md:1: links to guide.md#none: the page has no such heading");
        expect("[a](guide.md#same-2)", "docs/a.md:1: links to guide.md#same-2: the page has no such heading");
        expect("[a](#none)", "docs/a.md:1: links to #none: the page has no such heading");
        expect("[a]: none.md", "docs/a.md:1: links to none.md: there is no such file");
        expect("[a](none(1).md)", "docs/a.md:1: links to none(1).md: there is no such file");
        expect("```\n# code\n```\n[a](#code)", "docs/a.md:4: links to #code: the page has no such heading");
    }
}
