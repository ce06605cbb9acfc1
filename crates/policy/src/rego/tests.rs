//! What OPA says, in `fixtures/rego`, is what is said here.

use super::engine::{Program, Read, Setting, Source, json, value};
use super::{Dialect, Fault};
use regorus::Value;
use sekisho_base::Limits;
use sekisho_base::inflate::{Compression, Inflate};
use sekisho_base::tree::{Node, documents};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const TIME: Duration = Duration::from_secs(20);

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rego")
}

fn program(modules: &[(&str, &str)], dialect: Dialect, time: Duration) -> Result<Program, Vec<Fault>> {
    let read = |(file, text): &(&str, &str)| Read::of(&Source { file, text, dialect });
    let modules = modules.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(|fault| vec![fault])?;
    Program::new(&modules, Setting { data: Value::new_object(), roots: None, time, together: &[] })
}

/// What `data.t.v` is, as JSON, or `undefined`, or why that is not known.
fn evaluate(rego: &str, dialect: Dialect, input: &Node) -> String {
    let program = match program(&[("t.rego", rego)], dialect, TIME) {
        Ok(program) => program,
        Err(faults) => return format!("refused: {}", faults[0]),
    };
    match program.evaluate("data.t.v", value(input).unwrap()) {
        Ok(Value::Undefined) => "undefined".to_owned(),
        Ok(found) => json(&found).unwrap().to_string(),
        Err(fault) => format!("unknown: {fault}"),
    }
}

fn yaml(path: &Path) -> Node {
    let text = std::fs::read_to_string(path).unwrap();
    documents(&text, &Limits::default()).remove(0).unwrap()
}

#[test]
fn constructs_mean_what_they_mean_to_opa() {
    super::at("2026-01-01T00:00:00Z".parse().unwrap());
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let file = yaml(&path);
        let before = file.get("before").and_then(Node::as_str).unwrap_or_default();
        for case in file.get("cases").unwrap().items() {
            count += 1;
            let text = |name: &str| case.get(name).and_then(Node::as_str).unwrap_or_default();
            let is_old = text("dialect") == "v0";
            let head = if is_old { "package t\n" } else { "package t\nimport rego.v1\n" };
            let dialect = if is_old { Dialect::V0 } else { Dialect::V1 };
            let input = case.get("input").or(file.get("input")).unwrap();
            let found = evaluate(&format!("{head}{before}{}\n", text("rego")), dialect, input);
            let node = case.get("here").or(case.get("opa")).unwrap();
            let wanted = match node.as_str() {
                Some(text) if ["undefined", "unknown", "refused"].iter().any(|word| text.starts_with(word)) => {
                    text.to_owned()
                }
                _ => serde_json::to_value(node).unwrap().to_string(),
            };
            if found != wanted {
                wrong.push(format!("{}: {}\n  wanted {wanted}\n  found  {found}", path.display(), text("name")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 450, "{count}");
}

/// The checks of Trivy for Kubernetes, Dockerfiles and clouds, with their own tests, and what OPA says of each test.
#[test]
fn published_policies_pass_their_own_tests_as_with_opa() {
    let packed = std::fs::read(fixtures().join("trivy-checks.tar.gz")).unwrap();
    let limits = Limits::default();
    let plain = Inflate::new(packed.as_slice(), Compression::Gzip, packed.len() as u64, &limits).unwrap();
    let mut archive = tar::Archive::new(plain);
    let mut modules: BTreeMap<String, String> = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        modules.insert(name, text);
    }
    let recorded: BTreeMap<String, serde_json::Value> = serde_json::from_str(&modules["opa.json"]).unwrap();
    // What Trivy's own program adds to the language.
    let own = "\nnew_result_(msg, cause) := {\"msg\": msg, \"cause\": cause}\n\
               is_managed_(x) := object.get(x, [\"__defsec_metadata\", \"managed\"], true)\n";
    let adapted = |text: &str| text.replace("result.new(", "new_result_(").replace("isManaged(", "is_managed_(");
    let mut packages: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, text) in modules.iter().filter(|(name, _)| *name != "opa.json") {
        let package = name.rsplitn(3, '.').nth(2).unwrap();
        let texts = packages.entry(package).or_default();
        texts.push(adapted(text) + if texts.is_empty() { own } else { "" });
    }
    let is_library = |package: &&str| package.starts_with("lib.") && !package.ends_with("_test");
    let library: Vec<Read> = packages
        .keys()
        .copied()
        .filter(is_library)
        .flat_map(|package| packages[package].iter().map(move |text| read(package, text)))
        .collect();
    let mut programs: BTreeMap<&str, Program> = BTreeMap::new();
    let mut same = 0;
    // Later than all that the tests have for the past.
    super::at("2026-01-01T00:00:00Z".parse().unwrap());
    for (test, wanted) in &recorded {
        let package = test.strip_prefix("data.").unwrap().rsplit_once('.').unwrap().0;
        let program = programs.entry(package).or_insert_with(|| {
            let base = package.strip_suffix("_test").unwrap_or(package);
            let mut all = library.clone();
            for package in if base == package { vec![package] } else { vec![package, base] } {
                all.extend(packages.get(package).into_iter().flatten().map(|text| read(package, text)));
            }
            Program::new(&all, Setting { data: Value::new_object(), roots: None, time: TIME, together: &[] }).unwrap()
        });
        match program.evaluate(test, Value::new_object()) {
            Ok(Value::Undefined) => assert_eq!(wanted, "undefined", "{test}"),
            Ok(found) => assert_eq!(json(&found).as_ref(), Some(wanted), "{test}"),
            Err(fault) => panic!("{test}: {fault}"),
        }
        same += 1;
    }
    assert!(same >= 1445, "{same}");
}

fn read(file: &str, text: &str) -> Read {
    Read::of(&Source { file, text, dialect: Dialect::V1 }).unwrap()
}

/// What is refused when it is loaded, with its place.
#[test]
fn what_the_engine_cannot_do_is_refused_with_its_place() {
    let refused = |rego: &str| {
        let faults = program(&[("p.rego", rego)], Dialect::V1, TIME).err().unwrap_or_default();
        faults.first().map(ToString::to_string).unwrap_or_default()
    };
    for (rego, wanted) in [
        ("package t\nv := f(1)\nf(x) := f(x)", "p.rego:3:1: data.t.f needs itself"),
        ("package t\na := b\nb := a", "p.rego:3:1: data.t.a needs itself"),
        ("package t\na := data.t[input.x]", "p.rego:2:1: data.t.a needs itself"),
        (
            "package t\nv if not input.xs[_]",
            "p.rego:2:19: a negated expression says _, so that nothing says what it is",
        ),
        ("package t\nv if not input.xs[i]", "p.rego:2:19: nothing says what i is"),
        ("package t\nv if {\n  some i\n  not input.xs[i]\n}", "p.rego:4:16: nothing says what i is"),
        (
            "package t\nv := frobnicate(1)",
            "p.rego:2:6: calls frobnicate, which is neither a rule with arguments nor a function of the language",
        ),
        ("package t\nv := count(1, 2, 3)", "p.rego:2:6: calls count with 3 arguments, and it takes 1"),
        ("package t\nv := 1 +", "p.rego:2:9: there is the end, not an expression"),
        ("package t\nv := \"a\nb\"", "p.rego:2:6: a text does not end on its line"),
        ("package t\nv if { input.a input.b }", "p.rego:2:16: there is input, not the end of the expression"),
        ("package t\nv if { f (1) }", "p.rego:2:10: there is a gap between a function and its arguments"),
        ("package t\nv { true }", "p.rego:2:3: there is {, not if, which Rego v1 has before a body"),
        ("package t\nv[x] { x := 1 }", "p.rego:2:1: v needs the keyword contains, or if, in Rego v1"),
        ("package t\nimport a.b", "p.rego:2:8: imports a.b, which is neither data nor input"),
        ("package t\nx__sk := 1", "p.rego: the module says __sk, which names that are made here have"),
        ("v := 1", "p.rego:1:1: there is v, not the package"),
    ] {
        assert_eq!(refused(rego), wanted, "{rego}");
    }
}

#[test]
fn expressions_name_categories_and_scripts() {
    let input: Node = sekisho_base::tree::from_json("{\"name\": \"wéb\"}".as_bytes()).unwrap();
    for (pattern, wanted) in
        [("^\\pL+$", "true"), ("^[\\p{Latin}]+$", "true"), ("\\p{Lu}", "false"), ("\\p{^L}", "false")]
    {
        let rego = format!("package t\nv := regex.match(`{pattern}`, input.name)");
        assert_eq!(evaluate(&rego, Dialect::V1, &input), wanted, "{rego}");
    }
}

#[test]
fn an_evaluation_that_fails_is_no_result_and_says_where() {
    let input: Node = sekisho_base::tree::from_json(b"{\"n\": 3, \"xs\": [1, 2]}").unwrap();
    for (rego, wanted) in [
        (
            "package t\n\nv := x if {\n  x := input.xs[_]\n}\n",
            "unknown: t.rego:3:1: rules must not produce multiple outputs",
        ),
        ("package t\nv := http.send({})", "unknown: it calls http.send, which is not supported"),
        // A branch that is not taken asks for nothing.
        ("package t\nv := 1 if {\n  input.missing\n  http.send({})\n}", "undefined"),
        // Undefined is no answer where the function could not be asked.
        ("package t\nv if not http.send({})", "unknown: it calls http.send, which is not supported"),
        (
            "package t\nf(x) := external_data(x)\nf(_) := 2\nv := f({})",
            "unknown: it calls external_data, which is not supported",
        ),
        ("package t\nv if not regex.match(\"(?x)a\", \"b\")", "unknown: regex.match: \"(?x)a\" cannot be read"),
    ] {
        assert_eq!(evaluate(rego, Dialect::V1, &input), wanted, "{rego}");
    }
    // What failed before leaves nothing behind.
    let rego = "package t\nv := x if {\n  x := input.xs[_]\n}\n";
    let program = program(&[("t.rego", rego)], Dialect::V1, TIME).unwrap();
    let with = |text: &str| {
        program.evaluate("data.t.v", value(&sekisho_base::tree::from_json(text.as_bytes()).unwrap()).unwrap())
    };
    for _ in 0..2 {
        assert!(with("{\"xs\": [1, 2]}").is_err());
        assert_eq!(with("{\"xs\": [7]}").unwrap(), Value::from(7));
        assert_eq!(with("{}").unwrap(), Value::Undefined);
    }
}

#[test]
fn hostile_policies_end() {
    let quick = Duration::from_millis(200);
    let chain = |count: usize| {
        let rules: String =
            (0..count).fold(String::new(), |all, index| all + &format!("f{index}(x) := f{}(x)\n", index + 1));
        format!("package t\nv := f0(1)\n{rules}f{count}(x) := x")
    };
    let doubled = |start: &str, twice: &str| {
        let steps: String = (0..60).fold(String::new(), |all, index| {
            all + &format!(
                "  x{} := {}
",
                index + 1,
                twice.replace('X', &format!("x{index}"))
            )
        });
        format!("package t\nv := count(x60) if {{\n  x0 := {start}\n{steps}}}")
    };
    let nested = |open: &str, close: &str, count: usize| {
        format!("package t\nv := {}1{}", open.repeat(count), close.repeat(count))
    };
    let cases = [
        // Loops in loops.
        "package t\nv := count([1 | a := numbers.range(1, 3000)[_]; b := numbers.range(1, 3000)[_]; a * b > 0])"
            .to_owned(),
        "package t\nv if { every a in numbers.range(1, 3000) { every b in numbers.range(1, 3000) { a * b > 0 } } }"
            .to_owned(),
        "package t\nv := numbers.range(1, 1000000000000)".to_owned(),
        doubled("\"ab\"", "concat(\"\", [X, X])"),
        doubled("\"ab\"", "sprintf(\"%s%s\", [X, X])"),
        doubled("\"ab\"", "replace(X, \"a\", \"aa\")"),
        doubled("\"ab\"", "regex.replace(X, \".\", \"$0$0\")"),
        doubled("\"ab\"", "hex.encode(X)"),
        doubled("\"<<\"", "json.marshal(X)"),
        doubled("[1]", "array.concat(X, X)"),
        "package t\nv := sprintf(\"%999999999d\", [1])".to_owned(),
        "package t\nv := regex.match(\"((a{1,1000}){1,1000}){1,1000}\", \"a\")".to_owned(),
        chain(2000),
        nested("[", "]", 20_000),
        nested("{\"a\":", "}", 20_000),
        nested("(", ")", 20_000),
        nested("count([", "])", 20_000),
        nested("[", "]", 45),
        format!("package t\nv := 1{}", " + 1".repeat(20_000)),
        format!("package t\nv := [x | x := [1][_]{}]", "; y := [z | z := x".repeat(20_000)),
        format!("package t\nv if {{\n{}  1 == 2\n}}", "  input.a\n".repeat(20_000)),
        format!("package t\nv if {}input", "not ".repeat(20_000)),
        format!("package t\nv := input{}", "[0".repeat(20_000)),
    ];
    for rego in cases {
        let begun = Instant::now();
        let shown: String = rego.chars().take(80).collect();
        if let Ok(program) = program(&[("t.rego", &rego)], Dialect::V1, quick) {
            let found = program.evaluate("data.t.v", Value::new_object());
            assert!(found.is_err() || rego.contains("%9"), "{shown}: {found:?}");
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{shown}: {:?}", begun.elapsed());
    }
    // What is long is not hostile.
    let chain = chain(50);
    assert_eq!(
        program(&[("t.rego", &chain)], Dialect::V1, TIME).unwrap().evaluate("data.t.v", Value::new_object()).unwrap(),
        Value::from(1)
    );
}

/// Each of these took gigabytes, minutes, or the whole process, since the engine's own functions know no bound.
#[test]
fn functions_of_the_engine_are_bounded() {
    const MADE: &str = "a value that is made: the values are too large";
    let steps = |step: &dyn Fn(usize) -> String| {
        (0..40).fold(String::new(), |all, index| all + &format!("  x{} := {}\n", index + 1, step(index)))
    };
    // What a value may weigh is reached later.
    let some = (0..17).fold(String::new(), |all, index| all + &format!("  x{} := [x{index}, x{index}]\n", index + 1));
    let (squares, doubled) = (steps(&|it| format!("x{it} * x{it}")), steps(&|it| format!("[x{it}, x{it}]")));
    let others = || format!("  y0 := [0, 0]\n{}", doubled.replace('x', "y"));
    let blank = "s := sprintf(\"%300000d\", [1])";
    let cases = [
        ("x := numbers.range_step(1, 9000000000000, 1)".to_owned(), "the range is too large"),
        ("x := net.cidr_expand(\"::/0\")".to_owned(), "too many addresses"),
        ("x := net.cidr_expand(\"10.0.0.0/8\")".to_owned(), "too many addresses"),
        ("x := bits.lsh(1, 4000000000)".to_owned(), "the number becomes too large"),
        ("x := product(numbers.range(1, 100000))".to_owned(), "the number becomes too large"),
        (format!("x0 := 1000000000000000000\n{squares}  x := x40"), "the number becomes too large"),
        ("x := to_number(\"1e2000000000\")".to_owned(), "the number is too large"),
        ("x := units.parse(\"1e2000000000\")".to_owned(), "the number is too large"),
        ("x := units.parse_bytes(\"1e2000000000\")".to_owned(), "the number is too large"),
        (format!("x0 := [0, 0]\n{some}  walk(x17, x)"), "the value is too large"),
        (format!("x0 := [0, 0]\n{some}  x := sort([x17, x17, x17, x17, x17])"), "the values are too large"),
        (format!("x0 := [0, 0]\n{doubled}{}  x40 = y40\n  x := 1", others()), MADE),
        (format!("x0 := [0, 0]\n{doubled}{}  x := x40 == y40", others()), MADE),
        (format!("x0 := [0, 0]\n{doubled}{}  x := x40 in [y40]", others()), MADE),
        (format!("x0 := [0, 0]\n{doubled}{}  x := {{x40: 1}}[y40]", others()), MADE),
        (format!("x0 := [0, 0]\n{}  x := x40", steps(&|it| format!("{{\"a\": x{it}, \"b\": x{it}}}"))), MADE),
        (format!("x0 := [0, 0]\n{}  x := x40", steps(&|it| format!("[y | y := x{it}; [1, 2][_]]"))), MADE),
        (format!("x0 := [0, 0]\n{}  x := x40", steps(&|it| format!("array.concat([x{it}], [x{it}])"))), "too large"),
        (format!("x0 := [0, 0]\n{}  x := x40", steps(&|it| format!("object.get({{\"a\": [x{it}, x{it}]}}, \"a\", 1)"))), MADE),
        (format!("x0 = [0, 0]\n{}  x = x40", doubled.replace(":=", "=")), MADE),
        (
            "g := {format_int(i, 10): [format_int(j, 10) | some j in numbers.range(i + 1, i + 6)] | some i in \
             numbers.range(1, 60)}\n  x := graph.reachable_paths(g, {\"1\"})"
                .to_owned(),
            "too many paths",
        ),
        (
            "g := {format_int(i, 10): [format_int(i + 1, 10)] | some i in numbers.range(1, 20000)}\n  x := \
             graph.reachable_paths(g, {\"1\"})"
                .to_owned(),
            "too many paths",
        ),
        (format!("{blank}\n  x := regex.find_n(\" *b|  \", s, -1)"), "takes longer than"),
        (format!("{blank}\n  x := regex.match(\"(a|b)*a(a|b){{900}}\", s)"), "too large for a text this long"),
        (format!("{blank}\n  x := regex.template_match(\"a{{b}}\", s, \"{{\", \"}}\")"), "the text is too long"),
        (
            format!("{blank}\n  l := [y | some i in numbers.range(1, 100000); y := sprintf(\"%s%d\", [s, i])]\n  x := count(l)"),
            "the values become too large",
        ),
        (
            "a := numbers.range(1, 300000)\n  x := json.patch(a, [{\"op\": \"replace\", \"path\": \"/1\", \"value\": i} | \
             some i in a])"
                .to_owned(),
            "takes longer than",
        ),
    ];
    for (body, wanted) in cases {
        let begun = Instant::now();
        let rego = format!("package t\nv := x if {{\n  {body}\n}}");
        let program = program(&[("t.rego", &rego)], Dialect::V1, Duration::from_secs(3)).unwrap();
        let found = program.evaluate("data.t.v", Value::new_object()).map_err(|stopped| stopped.to_string());
        let shown: String = body.chars().take(80).collect();
        assert!(found.as_ref().is_err_and(|reason| reason.contains(wanted)), "{shown}: {found:?}");
        assert!(begun.elapsed() < Duration::from_secs(8), "{shown}: {:?}", begun.elapsed());
    }
    // What is of a usual size is computed as ever.
    for (call, wanted) in [
        ("numbers.range_step(1, 10, 3)", "[1,4,7,10]"),
        ("numbers.range_step(10, 2, 4)", "[10,6,2]"),
        ("numbers.range_step(1, 10, 0)", "undefined"),
        ("net.cidr_expand(\"10.0.0.0/30\")", "[\"10.0.0.0\",\"10.0.0.1\",\"10.0.0.2\",\"10.0.0.3\"]"),
        ("product([2, 3, 0.5])", "3"),
        ("bits.lsh(1, 40)", "1099511627776"),
        ("union({{1}, {2, 3}})", "[1,2,3]"),
        ("units.parse(\"1.5Ki\")", "1536"),
        ("to_number(\"1e3\")", "1000"),
        ("graph.reachable_paths({\"a\": [\"b\"], \"b\": []}, [\"a\"])", "[[\"a\",\"b\"]]"),
        ("object.union_n([{\"a\": 1}, {\"b\": 2}])", "{\"a\":1,\"b\":2}"),
        ("[p | walk({\"a\": [7]}, [p, 7])]", "[[\"a\",0]]"),
    ] {
        let rego = format!("package t\nv := {call}");
        assert_eq!(evaluate(&rego, Dialect::V1, &Node::default()), wanted, "{call}");
    }
}

/// Members that loops in loops make are counted, whether they are of a comprehension or of a rule.
#[test]
fn collections_do_not_grow_for_ever() {
    let all = "some a in numbers.range(1, 100000); some b in input";
    let input: Vec<Value> = (0..1000).map(Value::from).collect();
    let begun = Instant::now();
    for rego in
        [format!("package t\nv := count([[a, b] | {all}])"), format!("package t\nv contains [a, b] if {{ {all} }}")]
    {
        let program = program(&[("t.rego", &rego)], Dialect::V1, Duration::from_mins(1)).unwrap();
        let found = program.evaluate("data.t.v", Value::from(input.clone())).unwrap_err().to_string();
        assert!(found.contains("the values become too large"), "{rego}: {found}");
    }
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
}

/// What one evaluation comes to says nothing of another at the same time.
#[test]
fn evaluations_at_once_do_not_meddle() {
    let rego = "package t\nv := x if { input.bad; x := http.send({}) }\nv := n if { not input.bad; n := input.n }";
    let program = program(&[("t.rego", rego)], Dialect::V1, TIME).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let program = &program;
            scope.spawn(move || {
                for round in 0..50 {
                    let bad = (thread + round) % 2 == 0;
                    let input = Value::from_json_str(&format!("{{\"bad\": {bad}, \"n\": {thread}}}")).unwrap();
                    let found = program.evaluate("data.t.v", input);
                    match (bad, found) {
                        (true, Err(fault)) => assert!(fault.fault.reason.contains("http.send"), "{fault}"),
                        (false, Ok(found)) => assert_eq!(found, Value::from(thread)),
                        (_, found) => panic!("bad: {bad}: {found:?}"),
                    }
                }
            });
        }
    });
}
