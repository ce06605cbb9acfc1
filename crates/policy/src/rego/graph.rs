//! Which rules need which, so that none needs itself: an evaluation that follows rules must end.

use std::collections::{BTreeMap, BTreeSet};

/// How many rules may need each other in a row.
const CHAIN: usize = 60;
/// How many times rules may name rules.
const EDGES: usize = 200_000;

/// Rules by their paths, and the paths that each of them names.
#[derive(Debug, Default)]
pub(super) struct Graph {
    rules: BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
}

impl Graph {
    pub(super) fn add_rule(&mut self, rule: &[String]) {
        self.rules.entry(rule.to_vec()).or_default();
    }

    pub(super) fn add_need(&mut self, rule: &[String], path: &[String]) {
        if let Some(needs) = self.rules.get_mut(rule) {
            needs.insert(path.to_vec());
        }
    }

    /// Whether a rule names something at or below `path`, or may do so.
    pub(super) fn names(&self, path: &[&str]) -> bool {
        let reaches = |need: &Vec<String>| need.iter().zip(path).all(|(step, wanted)| step == wanted);
        self.rules.values().flatten().any(reaches)
    }

    /// A path that the rule at `rule` needs, or one that it needs does, and that neither is a rule's nor `given`.
    pub(super) fn lacks(&self, rule: &[String], given: &dyn Fn(&[String]) -> bool) -> Option<&[String]> {
        let mut open: Vec<&[String]> = vec![rule];
        let mut seen: BTreeSet<&[String]> = open.iter().copied().collect();
        while let Some(rule) = open.pop() {
            for need in self.rules.get(rule).into_iter().flatten() {
                let below = self.rules.range(need.clone()..).map(|(path, _)| path);
                let below = below.take_while(|path| path.starts_with(need));
                let above = (1..need.len()).filter_map(|length| self.rules.get_key_value(&need[..length]));
                let found: Vec<&[String]> = below.chain(above.map(|(path, _)| path)).map(Vec::as_slice).collect();
                // What is named by an expression is looked for in all of data.
                if found.is_empty() && need.len() > 1 && !given(need) {
                    return Some(need);
                }
                open.extend(found.into_iter().filter(|path| seen.insert(path)));
            }
        }
        None
    }

    /// The path of a rule that cannot be evaluated, and why.
    pub(super) fn fault(&self) -> Option<(&[String], String)> {
        let paths: Vec<&Vec<String>> = self.rules.keys().collect();
        let mut edges: Vec<Vec<usize>> = Vec::with_capacity(paths.len());
        let mut count = 0;
        for (rule, needs) in &self.rules {
            let mut targets = BTreeSet::new();
            for need in needs {
                // A path names the rules below it, and the one whose value it looks into.
                let first = paths.partition_point(|path| *path < need);
                let below = paths[first..].iter().take_while(|path| path.starts_with(need)).count();
                targets.extend(first..first + below);
                targets.extend(
                    (1..need.len())
                        .filter_map(|length| paths.binary_search_by(|path| path[..].cmp(&need[..length])).ok()),
                );
                if count + targets.len() > EDGES {
                    return Some((rule, format!("rules name each other more than {EDGES} times")));
                }
            }
            count += targets.len();
            edges.push(targets.into_iter().collect());
        }
        let mut heights: Vec<Option<usize>> = vec![None; paths.len()];
        let mut is_open = vec![false; paths.len()];
        for root in 0..paths.len() {
            let mut stack = vec![(root, 0)];
            while let Some((node, next)) = stack.pop() {
                if heights[node].is_some() {
                    continue;
                }
                is_open[node] = true;
                if let Some(&target) = edges[node].get(next) {
                    stack.push((node, next + 1));
                    if is_open[target] {
                        return Some((paths[node], format!("{} needs itself", paths[target].join("."))));
                    }
                    stack.push((target, 0));
                    continue;
                }
                is_open[node] = false;
                let height =
                    edges[node].iter().filter_map(|target| heights[*target]).max().map_or(0, |below| below + 1);
                if height > CHAIN {
                    return Some((paths[node], format!("more than {CHAIN} rules need each other in a row")));
                }
                heights[node] = Some(height);
            }
        }
        None
    }
}
