//! `detect rules`, and how rules are loaded for all of `detect`.

use super::super::check::{self, Inputs};
use super::super::scan::Context;
use super::baseline;
use super::recorded::Recorded;
use crate::args::{
    JsonOrTable, PolicyChoice, RuleFiles, RulesExplainArguments, RulesLintArguments, RulesListArguments, RulesOption,
    RulesShowArguments, RuntimePolicies,
};
use crate::config::Settings as Config;
use crate::error::CliError;
use crate::{CommandResult, output};
use sekisho_agent::Policies;
use sekisho_base::Limits;
use sekisho_detect::Truth;
use sekisho_detect::inspect::{self, Coverage, Sight, Step};
use sekisho_detect::load::{Blind, File, Loaded, Problem, Rule, RuleSet, Settings, Texts, load};
use sekisho_model::{BaselineState, Baselines, Code, Exit};
use sekisho_policy::policy::Stage;
use sekisho_policy::{Foreign, PolicySet};
use sekisho_report::{Language, RuleRow, TableOptions, printable, rule_table};
use sekisho_rules::{DETECTION, DETECTION_TEXTS};
use sekisho_trace::field::Facts;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

/// What files of rules end in.
pub(super) const OF_RULES: [&str; 2] = [".yaml", ".yml"];
/// How many warnings are told where rules are to run; more are counted.
const MOST: usize = 20;

/// What events are judged by.
pub(super) struct Ruling {
    pub(super) rules: Arc<RuleSet>,
    pub(super) policies: Policies,
}

/// The rules and the policies that are to be asked.
pub(super) fn ruling(rules: &RulesOption, policies: &RuntimePolicies, settings: &Config) -> Result<Ruling, CliError> {
    let limits = settings.limits();
    let baselines = baselines(rules, &limits)?;
    let text = baselines.as_ref().map(sekisho_detect::baseline::rules);
    let loaded = load_files(&rules.rules, text.as_deref(), rules.refuse_blind, &limits)?;
    let mut set = PolicySet::default();
    if !policies.policy.is_empty() || policies.profile.is_some() {
        let RuntimePolicies { policy, profile } = policies;
        let choice = PolicyChoice { policy: policy.clone(), data: Vec::new(), profile: profile.clone() };
        set = check::policies(&choice, settings, "none", &limits)?.0;
        check::some(&set, &Foreign::default(), Stage::Runtime)?;
    }
    Ok(Ruling { rules: sound(loaded)?, policies: Policies::new(set, baselines, settings.now()) })
}

/// The baselines that were named; none where none was. Of those that are not locked it is said that they are not asked.
fn baselines(rules: &RulesOption, limits: &Limits) -> Result<Option<Baselines>, CliError> {
    let mut all = Baselines::default();
    for path in &rules.baseline {
        let read = baseline::read(path, limits)?;
        for open in read.baselines.iter().filter(|of| of.state != BaselineState::Locked) {
            output::error_line(&printable(&format!(
                "note: the baseline of {} is not locked, and not asked",
                open.name()
            )));
        }
        all.baselines.extend(read.baselines);
    }
    Ok((!rules.baseline.is_empty()).then_some(all))
}

/// Loads the rules that are to run: those of files, or those that ship, and those of locked baselines.
pub(super) fn loaded(rules: &RulesOption, limits: &Limits) -> Result<Loaded, CliError> {
    let text = baselines(rules, limits)?.as_ref().map(sekisho_detect::baseline::rules);
    load_files(&rules.rules, text.as_deref(), rules.refuse_blind, limits)
}

/// Loads files of rules, those that ship where none is named, and the text of those that baselines are.
fn load_files(
    paths: &[PathBuf],
    baselines: Option<&str>,
    refuse_blind: bool,
    limits: &Limits,
) -> Result<Loaded, CliError> {
    let blind = if refuse_blind { Blind::Refuse } else { Blind::Unknown };
    let settings = Settings { blind, ..Settings::default() };
    let of_baselines = baselines.map(|text| File { name: "locked baselines", text });
    if paths.is_empty() {
        let shipped = DETECTION.iter().map(|file| File { name: file.path, text: file.text });
        let files: Vec<File<'_>> = shipped.chain(of_baselines).collect();
        return Ok(load(&files, &settings, limits));
    }
    let inputs = Inputs::read(paths, &OF_RULES, limits)?;
    if let Some(told) = inputs.diagnostics.first() {
        return Err(CliError::new(Code::RulesMalformed, format!("cannot read the rules: {told}")));
    }
    let named = inputs.files.iter().map(|file| File { name: &file.name, text: &file.text });
    let files: Vec<File<'_>> = named.chain(of_baselines).collect();
    Ok(load(&files, &settings, limits))
}

/// The rules, where nothing is wrong with them; what is wrong or doubtful is told on standard error.
pub(super) fn sound(loaded: Loaded) -> Result<Arc<RuleSet>, CliError> {
    for problem in loaded.problems.iter().take(MOST) {
        output::error_line(&shown(problem));
    }
    if loaded.problems.len() > MOST {
        let more = loaded.problems.len() - MOST;
        output::error_line(&format!("{more} more; `sekisho detect rules lint` tells all"));
    }
    loaded.rules.map(Arc::new).ok_or_else(|| {
        let errors: Vec<&Problem> = loaded.problems.iter().filter(|problem| problem.code.is_error()).collect();
        let first = errors.first().map_or_else(String::new, |problem| {
            let Problem { file, place, message, code, .. } = problem;
            format!("{file}:{}:{}: {message} [{code}]", place.line, place.column)
        });
        let more = if errors.len() > 1 { format!(", and {} more", errors.len() - 1) } else { String::new() };
        CliError::new(Code::RulesMalformed, format!("cannot load the rules: {first}{more}"))
    })
}

/// A problem with its lines, as a terminal may have them.
fn shown(problem: &Problem) -> String {
    let text = problem.to_string();
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

fn of(files: &RuleFiles, limits: &Limits) -> Result<Loaded, CliError> {
    let paths = if files.files.is_empty() { &files.rules } else { &files.files };
    load_files(paths, None, files.refuse_blind, limits)
}

/// `detect rules lint`.
pub(super) fn lint(context: &Context, arguments: &RulesLintArguments) -> CommandResult {
    let limits = context.config.settings()?.limits();
    let Loaded { rules, problems } = of(&arguments.files, &limits)?;
    let errors = problems.iter().filter(|problem| problem.code.is_error()).count();
    let warnings = problems.len() - errors;
    let text = match arguments.format {
        JsonOrTable::Json => {
            let all: Vec<Value> = problems.iter().map(problem_json).collect();
            let count = rules
                .as_ref()
                .map(|set| json!({"rules": set.rules.len(), "macros": set.macros.len(), "lists": set.lists.len()}));
            let document = json!({
                "schema": "sekisho.rule-problems/v1", "loaded": count, "errors": errors, "warnings": warnings, "problems": all,
            });
            format!("{document:#}\n")
        }
        JsonOrTable::Table => {
            let mut text = String::new();
            for problem in &problems {
                let _ = writeln!(text, "{}", shown(problem));
            }
            let loaded = match &rules {
                Some(set) => {
                    let RuleSet { rules, macros, lists, .. } = set;
                    let [rules, macros, lists] =
                        [(rules.len(), "rule"), (macros.len(), "macro"), (lists.len(), "list")].map(counted);
                    format!("{rules}, {macros}, {lists}")
                }
                None => "not loaded".to_owned(),
            };
            let [errors, warnings] = [(errors, "error"), (warnings, "warning")].map(counted);
            let _ = writeln!(text, "{loaded}; {errors}, {warnings}");
            text
        }
    };
    output::write_styled(&text, None)?;
    Ok(if errors == 0 { Exit::Passed } else { Exit::Refused })
}

/// So many of something.
pub(super) fn counted((count, what): (usize, &str)) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn problem_json(problem: &Problem) -> Value {
    let Problem { code, message, hint, file, place, within, snippet } = problem;
    json!({
        "code": code.as_str(),
        "level": if code.is_error() { "error" } else { "warning" },
        "message": message,
        "hint": hint,
        "file": file,
        "line": place.line,
        "column": place.column,
        "within": within,
        "snippet": snippet.as_ref().map(|snippet| &snippet.line),
    })
}

/// The rules that were asked for, which have to be sound, with the texts of a language.
fn listed(context: &Context, arguments: &RulesListArguments) -> Result<(Arc<RuleSet>, Texts), CliError> {
    let limits = context.config.settings()?.limits();
    let rules = of(&arguments.files, &limits)?.rules.map(Arc::new);
    let rules = match rules {
        Some(rules) => rules,
        // What is wrong is told on the way.
        None => sound(of(&arguments.files, &limits)?)?,
    };
    let shipped = arguments.files.files.is_empty() && arguments.files.rules.is_empty();
    let texts = match arguments.language {
        Language::Ja if shipped => {
            let file = DETECTION_TEXTS.iter().find(|file| file.path == "detection/ja.yaml");
            file.map(|file| Texts::read(file.text, &limits)).unwrap_or_default()
        }
        _ => Texts::default(),
    };
    Ok((rules, texts))
}

/// `detect rules list`.
pub(super) fn list(context: &Context, arguments: &RulesListArguments) -> CommandResult {
    let (rules, texts) = listed(context, arguments)?;
    let text = match arguments.format {
        JsonOrTable::Json => {
            let all: Vec<Value> = rules.rules.iter().map(|rule| described(rule, &texts)).collect();
            let document = json!({"schema": "sekisho.rules/v1", "rules": all});
            format!("{document:#}\n")
        }
        JsonOrTable::Table => {
            let row = |rule: &Rule| RuleRow {
                name: texts.name(rule).to_owned(),
                priority: rule.priority.as_str(),
                source: rule.source.to_string(),
                note: if rule.enabled { String::new() } else { "off".to_owned() },
                tags: rule.tags.iter().cloned().collect::<Vec<_>>().join(", "),
            };
            let rows: Vec<RuleRow> = rules.rules.iter().map(row).collect();
            rule_table(&rows, "STATE", TableOptions { width: output::width(None) })
        }
    };
    output::write_styled(&text, None)?;
    Ok(Exit::Passed)
}

fn described(rule: &Rule, texts: &Texts) -> Value {
    json!({
        "rule": *rule.name,
        "name": texts.name(rule),
        "description": texts.description(rule).trim_end(),
        "priority": rule.priority.as_str(),
        "source": *rule.source,
        "enabled": rule.enabled,
        "tags": *rule.tags,
        "exceptions": rule.exceptions,
        "macros": rule.macros,
        "events": if rule.events.too_many() { vec!["*"] } else { rule.events.names() },
        "file": rule.file,
        "line": rule.place.line,
    })
}

/// The rule of a name.
fn named<'a>(rules: &'a RuleSet, name: &str) -> Result<&'a Rule, CliError> {
    let exact = rules.rules.iter().find(|rule| &*rule.name == name);
    exact.or_else(|| rules.rules.iter().find(|rule| rule.name.eq_ignore_ascii_case(name))).ok_or_else(|| {
        CliError::new(Code::UsageInvalid, format!("there is no rule {name:?}"))
            .hint("`sekisho detect rules list` lists them, with the same files of rules")
    })
}

/// `detect rules show`.
pub(super) fn show(context: &Context, arguments: &RulesShowArguments) -> CommandResult {
    let (rules, texts) = listed(context, &arguments.list)?;
    let rule = named(&rules, &arguments.name)?;
    let text = match arguments.list.format {
        JsonOrTable::Json => {
            let mut document = described(rule, &texts);
            document["schema"] = "sekisho.rule/v1".into();
            document["condition"] = rule.text.trim().into();
            document["expanded"] = rule.condition.to_string().into();
            document["output"] = rule.output.as_str().into();
            format!("{document:#}\n")
        }
        JsonOrTable::Table => {
            let events =
                if rule.events.too_many() { "of every type".to_owned() } else { rule.events.names().join(", ") };
            let macros: Vec<&str> = rule.macros.iter().map(String::as_str).collect();
            let tags: Vec<&str> = rule.tags.iter().map(String::as_str).collect();
            let expanded = rule.condition.to_string();
            let place = format!("{}:{}", rule.file, rule.place.line);
            let parts = [
                ("rule", texts.name(rule)),
                ("description", texts.description(rule)),
                ("priority", rule.priority.as_str()),
                ("source", &rule.source),
                ("state", if rule.enabled { "on" } else { "off" }),
                ("tags", &tags.join(", ")),
                ("exceptions", &rule.exceptions.join(", ")),
                ("events", &events),
                ("macros", &macros.join(", ")),
                ("condition", &rule.text),
                ("expanded", &expanded),
                ("output", rule.output.as_str()),
                ("file", &place),
            ];
            let mut text = String::new();
            for (key, value) in parts.into_iter().filter(|(_, value)| !value.trim().is_empty()) {
                let words: Vec<&str> = value.split_whitespace().collect();
                let _ = writeln!(text, "{key}: {}", printable(&words.join(" ")));
            }
            text
        }
    };
    output::write_styled(&text, None)?;
    Ok(Exit::Passed)
}

/// An event, and what came of a rule for it.
struct Explained {
    number: u64,
    event: &'static str,
    step: Step,
}

/// `detect rules explain`.
pub(super) fn explain(context: &Context, arguments: &RulesExplainArguments) -> CommandResult {
    let limits = context.config.settings()?.limits();
    let rules = sound(loaded(&arguments.rules, &limits)?)?;
    let rule = named(&rules, &arguments.name)?;
    if &*rule.source != arguments.recorded.source.as_str() {
        let message = format!("the rule {:?} is about events of the source {}", rule.name, rule.source);
        return Err(CliError::new(Code::UsageInvalid, message).hint(format!("give --source {}", rule.source)));
    }
    let mut recorded = Recorded::open(&arguments.recorded, &limits)?;
    let mut best: Option<Explained> = None;
    let mut see = |number: u64, facts: &dyn Facts| {
        let wanted = match arguments.event {
            Some(wanted) => wanted == number,
            None => facts.code().info().is_none() || rule.events.contains(facts.code()),
        };
        if !wanted {
            return ControlFlow::Continue(());
        }
        let step = inspect::explain(rule, facts);
        let truth = step.truth;
        let better = best.as_ref().is_none_or(|best| rank(truth) > rank(best.step.truth));
        if better {
            best = Some(Explained { number, event: facts.code().info().map_or("", |info| info.name), step });
        }
        if arguments.event.is_some() || truth == Truth::True {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    match &mut recorded {
        Recorded::Calls(replay) => {
            while let Some(flow) = replay.next(|facts| see(facts.event().number, &facts)) {
                if flow.is_break() {
                    break;
                }
            }
        }
        Recorded::Audit(log) => {
            let _ = log.try_for_each(|event| see(event.number, &event));
        }
    }
    for told in recorded.diagnostics() {
        output::error_line(&format!("{} {}", told.code, printable(&told.to_string())));
    }
    let Some(Explained { number, event, step }) = best else {
        let message = match arguments.event {
            Some(number) => format!("there is no event {number} in the recording"),
            None => format!("there is no event in the recording that the rule {:?} looks at", rule.name),
        };
        return Err(CliError::new(Code::UsageInvalid, message).hint("see `sekisho detect rules show` for its events"));
    };
    let text = match arguments.format {
        JsonOrTable::Json => {
            let document = json!({
                "schema": "sekisho.rule-explanation/v1", "rule": *rule.name, "event": {"number": number, "type": event},
                "explanation": step_json(&step),
            });
            format!("{document:#}\n")
        }
        JsonOrTable::Table => {
            let mut text = format!("event {number} ({event}): {}\n", truth_words(step.truth));
            write_step(&mut text, &step, 1);
            text
        }
    };
    output::write_styled(&text, None)?;
    Ok(Exit::Passed)
}

fn rank(truth: Truth) -> u8 {
    match truth {
        Truth::False => 0,
        Truth::Unknown => 1,
        Truth::True => 2,
    }
}

fn truth_words(truth: Truth) -> &'static str {
    match truth {
        Truth::False => "the rule does not hold",
        Truth::Unknown => "whether the rule holds cannot be told",
        Truth::True => "the rule holds",
    }
}

fn truth_word(truth: Truth) -> &'static str {
    match truth {
        Truth::False => "false",
        Truth::Unknown => "unknown",
        Truth::True => "true",
    }
}

fn write_step(text: &mut String, step: &Step, depth: usize) {
    let indent = "  ".repeat(depth);
    let value = step.value.as_ref().map_or_else(String::new, |value| format!("  ({value})"));
    let _ = writeln!(text, "{indent}{}: {}{}", printable(&step.text), truth_word(step.truth), printable(&value));
    for part in &step.parts {
        write_step(text, part, depth + 1);
    }
}

fn step_json(step: &Step) -> Value {
    let parts: Vec<Value> = step.parts.iter().map(step_json).collect();
    json!({"text": step.text, "truth": truth_word(step.truth), "value": step.value, "parts": parts})
}

/// `detect rules coverage`: of events that are read from a recording.
pub(super) fn coverage(context: &Context, arguments: &RulesListArguments) -> CommandResult {
    let (rules, texts) = listed(context, arguments)?;
    let all = inspect::coverage(&rules, &|_| None, &|_| true);
    let counts = [Sight::Full, Sight::Partial, Sight::Blind]
        .map(|sight| all.iter().filter(|coverage| coverage.sight == sight).count());
    let text = match arguments.format {
        JsonOrTable::Json => {
            let rows: Vec<Value> = all.iter().map(coverage_json).collect();
            let [full, partial, blind] = counts;
            let document = json!({
                "schema": "sekisho.rule-coverage/v1", "full": full, "partial": partial, "blind": blind, "rules": rows,
            });
            format!("{document:#}\n")
        }
        JsonOrTable::Table => {
            let mut text = String::new();
            for (rule, coverage) in rules.rules.iter().zip(&all) {
                let said = coverage.blind_fields.len() + coverage.blind_outputs.len() + coverage.unseen_events.len();
                if said > 0 || coverage.sight != Sight::Full {
                    let _ = writeln!(text, "{}: {}", sight(coverage.sight), printable(texts.name(rule)));
                }
                for (field, why) in &coverage.blind_fields {
                    let _ = writeln!(text, "  {field}: {why}");
                }
                for (field, why) in &coverage.blind_outputs {
                    let _ = writeln!(text, "  {field} (in the output): {why}");
                }
                for event in &coverage.unseen_events {
                    let _ = writeln!(text, "  {event}: nothing tells of events of this type");
                }
            }
            let [full, partial, blind] = counts;
            let _ = writeln!(text, "{full} see all they ask for, {partial} a part, {blind} nothing");
            text
        }
    };
    output::write_styled(&text, None)?;
    Ok(Exit::Passed)
}

fn sight(sight: Sight) -> &'static str {
    match sight {
        Sight::Full => "full",
        Sight::Partial => "partial",
        Sight::Blind => "blind",
    }
}

fn coverage_json(coverage: &Coverage) -> Value {
    json!({
        "rule": coverage.rule,
        "sight": sight(coverage.sight),
        "blind_fields": coverage.blind_fields,
        "blind_outputs": coverage.blind_outputs,
        "unseen_events": coverage.unseen_events,
    })
}
