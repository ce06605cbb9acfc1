//! Lists put into the text of conditions.
//!
//! Falco does this before it reads a condition, one list after the other in the order they were first defined: a name is
//! a list where blanks, brackets, commas or equals signs stand around it, in quotes as well. What a list brings is
//! looked at again for the lists after it, never for those before.

use std::collections::HashMap;

/// A list with the lists named by its items put in as far as Falco does that, by one step.
#[derive(Debug)]
pub(super) struct List {
    pub(super) name: String,
    pub(super) items: Vec<String>,
    /// Whether a condition or another list has it.
    pub(super) used: bool,
    text: String,
}

/// All lists, in order.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) lists: Vec<List>,
    names: HashMap<String, usize>,
}

/// Why lists cannot be put in.
#[derive(Debug)]
pub(super) struct TooLong;

impl Lists {
    pub(super) fn add(&mut self, name: String, items: Vec<String>) {
        let quoted = |item: &String| {
            if item.starts_with(['"', '\'']) || !item.contains(' ') { item.clone() } else { format!("\"{item}\"") }
        };
        let text = items.iter().map(quoted).collect::<Vec<_>>().join(", ");
        self.names.insert(name.clone(), self.lists.len());
        self.lists.push(List { name, items, used: false, text });
    }

    pub(super) fn mark_used(&mut self, name: &str) {
        if let Some(&at) = self.names.get(name) {
            self.lists[at].used = true;
        }
    }

    /// The condition with lists in it. Every list put in and every byte of one is taken from `budget`.
    pub(super) fn put_in(&mut self, condition: &str, budget: &mut usize) -> Result<String, TooLong> {
        let mut out = String::with_capacity(condition.len());
        // Where reading goes on after a list: the list (none for the condition), the byte, and the first list to look for.
        let mut stack: Vec<(Option<usize>, usize, usize)> = vec![(None, 0, 0)];
        let mut skip_comma = false;
        while let Some((list, at, first)) = stack.pop() {
            let text = list.map_or(condition, |list| &self.lists[list].text);
            let rest = &text[at..];
            let Some(char) = rest.chars().next() else {
                if list.is_some() {
                    out.push(' ');
                }
                continue;
            };
            let word = rest.find(is_delimiter).map_or(rest, |end| &rest[..end]);
            if word.is_empty() {
                stack.push((list, at + char.len_utf8(), first));
                let blank = matches!(char, ' ' | '\t' | '\n' | '\r');
                if !(skip_comma && char == ',') {
                    out.push(char);
                }
                skip_comma &= blank;
                continue;
            }
            stack.push((list, at + word.len(), first));
            match self.names.get(word) {
                Some(&found) if found >= first => {
                    let cost = self.lists[found].text.len() + 1;
                    *budget = budget.checked_sub(cost).ok_or(TooLong)?;
                    self.lists[found].used = true;
                    out.truncate(out.trim_end_matches([' ', '\t', '\n', '\r']).len());
                    // Nothing takes its comma along, the one before it or else the one behind.
                    if self.lists[found].text.is_empty() && out.pop_if_comma() {
                        skip_comma = false;
                    } else {
                        skip_comma = self.lists[found].text.is_empty();
                    }
                    out.push(' ');
                    stack.push((Some(found), 0, found + 1));
                }
                _ => {
                    skip_comma = false;
                    out.push_str(word);
                }
            }
        }
        Ok(out)
    }
}

fn is_delimiter(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r' | '(' | ')' | ',' | '=')
}

trait PopComma {
    fn pop_if_comma(&mut self) -> bool;
}

impl PopComma for String {
    fn pop_if_comma(&mut self) -> bool {
        let comma = self.ends_with(',');
        if comma {
            self.pop();
        }
        comma
    }
}

#[cfg(test)]
mod tests {
    use super::Lists;

    fn check(lists: &[(&str, &[&str])], condition: &str, expect: &str) {
        let mut all = Lists::default();
        for (name, items) in lists {
            all.add((*name).to_owned(), items.iter().map(|item| (*item).to_owned()).collect());
        }
        let found = all.put_in(condition, &mut 10_000).expect("it is short");
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeeze(&found), expect);
    }

    #[test]
    fn names_between_delimiters_are_lists() {
        let lists: &[(&str, &[&str])] = &[("cat", &["a", "b c"]), ("dog", &["x"])];
        check(lists, "p.n in (cat)", "p.n in ( a, \"b c\" )");
        check(lists, "p.n in (ls, cat)", "p.n in (ls, a, \"b c\" )");
        check(lists, "p.n=cat and cats and x.cat in (a.cat)", "p.n= a, \"b c\" and cats and x.cat in (a.cat)");
        check(lists, "p.n = \"cat\"", "p.n = \"cat\"");
        check(lists, "p.n = \"a cat x\"", "p.n = \"a a, \"b c\" x\"");
        check(&[("l", &["\"q r\"", "'s t'"])], "p.n in (l)", "p.n in ( \"q r\", 's t' )");
    }

    #[test]
    fn what_a_list_brings_is_looked_at_for_later_lists_only() {
        check(&[("a", &["b", "z"]), ("b", &["y"])], "p.n in (a)", "p.n in ( y , z )");
        check(&[("b", &["y"]), ("a", &["b", "z"])], "p.n in (a)", "p.n in ( b, z )");
        check(&[("a", &["a"])], "p.n in (a)", "p.n in ( a )");
    }

    #[test]
    fn an_empty_list_takes_a_comma_along() {
        let lists: &[(&str, &[&str])] = &[("none", &[]), ("void", &["empty"]), ("empty", &[])];
        check(lists, "p.n in (none)", "p.n in ( )");
        check(lists, "p.n in (x, none)", "p.n in (x )");
        check(lists, "p.n in (none, x)", "p.n in ( x)");
        check(lists, "p.n in (x, none, y)", "p.n in (x , y)");
        check(lists, "p.n in (none, none, x)", "p.n in ( x)");
        check(lists, "p.n in (x, void)", "p.n in (x )");
        check(lists, "p.n in (void, x)", "p.n in ( x)");
    }

    #[test]
    fn bombs_are_refused() {
        let mut all = Lists::default();
        for level in 0..64 {
            let next = format!("l{}", level + 1);
            all.add(format!("l{level}"), vec![next.clone(), next]);
        }
        all.add("l64".to_owned(), Vec::new());
        assert!(all.put_in("p.n in (l0)", &mut 1_000_000).is_err());
    }
}
