//! The order tables of the shared corpus, every line of them.

use crate::ecosystem::Ecosystem;
use crate::version::{Operator, Statement};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// The corpus lies beside the workspace, or beside a directory that holds several.
fn corpus() -> Option<PathBuf> {
    let ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    ancestors.map(|directory| directory.join("shared/corpus/versions")).find(|directory| directory.is_dir())
}

#[test]
fn every_line_of_the_order_tables_holds() {
    let Some(corpus) = corpus() else {
        println!("SKIP: no corpus of version tables beside the workspace");
        return;
    };
    let mut wrong = Vec::new();
    let mut lines = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let Some((ecosystem, _)) = name.split_once("-versions") else { continue };
        let scheme = ecosystem.parse::<Ecosystem>().unwrap().scheme();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let statement = Statement::parse(line).unwrap_or_else(|| panic!("{name}: {line}"));
            let Statement { a, operator, b } = statement;
            let order = scheme.compare(a, b);
            let same = [a, b].map(|version| scheme.compare(version, version)) == [Ordering::Equal; 2];
            if Operator::from(order) != operator || scheme.compare(b, a) != order.reverse() || !same {
                wrong.push(format!("{name}: {line}"));
            }
            lines += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {lines} lines are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(lines > 17_000, "only {lines} lines were found");
}
