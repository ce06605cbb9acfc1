//! Our own policies in the language of the API server, where they can be said exactly.
//!
//! Exactly means: of every workload of a kind that Kubernetes has, the server says what [`evaluate`](crate::evaluate())
//! says of its manifest alone. What is in images, what other objects say and what time it is no server knows,
//! and a fact is left out that the server changes before a policy sees it. All reasons are told at once.

use super::image_name;
use super::terms::{apparmor, capability, field, of_volume, operator, plain_path, replicas, run_as_user, seccomp};
use crate::compile::{Plan, Test, compile};
use crate::criteria::{Comparison, Criterion, Level, Matcher, Needs, Pattern};
use crate::policy::{Enforcement, Exclusion, Label, Operator, Policy, Scope, SkipContainer, Stage};
use serde_json::{Value, json};
use std::fmt::Write;

/// The policy as a `ValidatingAdmissionPolicy` and, unless it is disabled, its binding; or all that keeps it from being
/// one.
pub fn convert(policy: &Policy) -> Result<Vec<Value>, Vec<String>> {
    let compiled = match compile(policy, Stage::Deploy) {
        Ok(compiled) => compiled,
        Err(faults) => return Err(faults.into_iter().map(|fault| fault.reason).collect()),
    };
    let mut writer = Writer { reasons: Vec::new() };
    if !policy.stages.contains(&Stage::Deploy) {
        writer.reasons.push("it is not asked where workloads are made".to_owned());
    }
    let conditions = writer.conditions(policy);
    let mut validations = Vec::new();
    let message = message(policy);
    for section in &compiled.sections {
        let violation = writer.plan(section, "");
        validations.push(json!({ "expression": format!("!({violation})"), "message": message, "reason": "Forbidden" }));
    }
    if validations.is_empty() {
        writer.reasons.push("it asks for nothing".to_owned());
    }
    if !writer.reasons.is_empty() {
        writer.reasons.dedup();
        return Err(writer.reasons);
    }
    // StackRox's ids tell people nothing.
    let is_uuid = policy.id.len() == 36 && policy.id.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let name = name_of(if policy.id.is_empty() || is_uuid { &policy.name } else { &policy.id });
    let mut spec = json!({
        "failurePolicy": "Fail",
        "matchConstraints": { "resourceRules": rules() },
        "variables": variables(&compiled.skip_containers),
        "validations": validations,
    });
    if let (false, Value::Object(fields)) = (conditions.is_empty(), &mut spec) {
        fields.insert("matchConditions".to_owned(), Value::Array(conditions));
    }
    let mut found = vec![json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": { "name": name },
        "spec": spec,
    })];
    // What is not bound is not asked.
    if !policy.disabled {
        found.push(json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": { "name": name },
            "spec": { "policyName": name, "validationActions": actions(policy) },
        }));
    }
    Ok(found)
}

/// The kinds of workloads that Kubernetes and OpenShift have.
fn rules() -> Value {
    let rule = |group: &str, resources: &[&str]| {
        json!({
            "apiGroups": [group],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": resources,
        })
    };
    json!([
        rule("", &["pods", "pods/ephemeralcontainers", "podtemplates", "replicationcontrollers"]),
        rule("apps", &["daemonsets", "deployments", "replicasets", "statefulsets"]),
        rule("apps.openshift.io", &["deploymentconfigs"]),
        rule("batch", &["cronjobs", "jobs"]),
    ])
}

fn variables(skipped: &[SkipContainer]) -> Value {
    let mut lists = Vec::new();
    let list = |name: &str| format!("(has(variables.spec.{name}) ? variables.spec.{name} : [])");
    if !skipped.contains(&SkipContainer::Init) {
        lists.push(list("initContainers"));
    }
    if !skipped.contains(&SkipContainer::Regular) {
        lists.push(list("containers"));
    }
    lists.push(list("ephemeralContainers"));
    json!([
        {
            "name": "pod",
            "expression": "object.kind == 'Pod' ? object : object.kind == 'CronJob' ? \
                           object.spec.jobTemplate.spec.template : object.kind == 'PodTemplate' ? object.template : \
                           object.spec.template",
        },
        { "name": "spec", "expression": "variables.pod.spec" },
        { "name": "containers", "expression": lists.join(" + ") },
    ])
}

/// Refused where our own policy refuses, else told.
fn actions(policy: &Policy) -> Value {
    let refuses = policy.enforcement.iter().any(|it| match it {
        Enforcement::ScaleToZero
        | Enforcement::UnsatisfiableNodeConstraint
        | Enforcement::FailDeploymentCreate
        | Enforcement::FailDeploymentUpdate => true,
        Enforcement::FailBuild | Enforcement::KillPod | Enforcement::FailKubeRequest => false,
    });
    if refuses { json!(["Deny"]) } else { json!(["Warn", "Audit"]) }
}

/// One line about what is wrong.
fn message(policy: &Policy) -> String {
    let text = if policy.description.trim().is_empty() { &policy.name } else { &policy.description };
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(1000).collect()
}

/// A name as objects have them: small letters, digits and lines.
fn name_of(name: &str) -> String {
    let mut found = String::new();
    for char in name.chars().take(200) {
        match char.to_ascii_lowercase() {
            char @ ('a'..='z' | '0'..='9') => found.push(char),
            _ if found.ends_with('-') || found.is_empty() => {}
            _ => found.push('-'),
        }
    }
    let found = found.trim_end_matches('-');
    if found.is_empty() { "policy".to_owned() } else { found.to_owned() }
}

/// A text as a literal.
fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for char in text.chars() {
        match char {
            '\'' | '\\' => out.extend(['\\', char]),
            '\n' => out.push_str("\\n"),
            char if char.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out.push('\'');
    out
}

/// Parts that all have to hold, or one of them.
fn joined(parts: &[String], operator: &str, empty: &str) -> String {
    match parts {
        [] => empty.to_owned(),
        [only] => only.clone(),
        parts => format!("({})", parts.join(&format!(" {operator} "))),
    }
}

struct Writer {
    /// What cannot be said.
    reasons: Vec<String>,
}

impl Writer {
    fn refuse(&mut self, reason: impl Into<String>) -> String {
        let reason = reason.into();
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
        "false".to_owned()
    }

    /// Where the policy applies, as conditions that have to hold.
    fn conditions(&mut self, policy: &Policy) -> Vec<Value> {
        let mut conditions = Vec::new();
        if !policy.scopes.is_empty() {
            let scopes: Vec<String> = policy.scopes.iter().map(|scope| self.scope(scope)).collect();
            let expression = joined(&scopes, "||", "true");
            conditions.push(json!({ "name": "scopes", "expression": expression }));
        }
        let exclusions: Vec<String> = policy.exclusions.iter().filter_map(|it| self.exclusion(it)).collect();
        if !exclusions.is_empty() {
            let expression = format!("!{}", joined(&exclusions, "||", "false"));
            conditions.push(json!({ "name": "exclusions", "expression": expression }));
        }
        conditions
    }

    fn scope(&mut self, scope: &Scope) -> String {
        if !scope.cluster.is_empty() || scope.cluster_label.is_some() {
            self.refuse("a scope names clusters, which no server knows");
        }
        if scope.namespace_label.is_some() {
            self.refuse("a scope names labels of namespaces, which conditions of the server do not see");
        }
        let mut parts = Vec::new();
        if !scope.namespace.is_empty() {
            parts.push(self.written("object.metadata.namespace", &scope.namespace));
        }
        if let Some(label) = &scope.label {
            parts.push(self.label(label));
        }
        joined(&parts, "&&", "true")
    }

    fn label(&mut self, label: &Label) -> String {
        match (Pattern::part(&label.key), Pattern::part(&label.value)) {
            (Ok(key), Ok(value)) => self.pair("object.metadata", "labels", &key, &value),
            _ => self.refuse("a scope has a broken regular expression"),
        }
    }

    /// A regular expression for the whole text, or a word.
    fn written(&mut self, of: &str, text: &str) -> String {
        match Pattern::whole(text) {
            Ok(pattern) => self.pattern(of, &pattern),
            Err(reason) => self.refuse(reason),
        }
    }

    /// None where it is not about workloads.
    fn exclusion(&mut self, exclusion: &Exclusion) -> Option<String> {
        let (name, scope) = exclusion.deployment.as_ref()?;
        if exclusion.expiration.is_some() {
            self.refuse("an exclusion ends at a moment, which no server knows");
        }
        let mut parts = Vec::new();
        if !name.is_empty() {
            parts.push(self.written("object.metadata.name", name));
        }
        parts.extend(scope.as_ref().map(|scope| self.scope(scope)));
        Some(format!("({})", joined(&parts, "&&", "true")))
    }

    /// Whether a plan holds of what is named `of`.
    fn plan(&mut self, plan: &Plan, of: &str) -> String {
        let mut parts: Vec<String> = plan.tests.iter().map(|test| self.test(test, of)).collect();
        for lower in &plan.below {
            parts.push(self.below(lower, of));
        }
        joined(&parts, "&&", "true")
    }

    /// Whether a plan holds of some element below `of`.
    fn below(&mut self, plan: &Plan, of: &str) -> String {
        match plan.level {
            Level::Container => format!("variables.containers.exists(c, {})", self.plan(plan, "c")),
            Level::Volume => {
                format!("(has({of}.volumeMounts) && {of}.volumeMounts.exists(m, {}))", self.plan(plan, "m"))
            }
            Level::Env => self.environment(plan, of),
            // The server knows of an image what it is called.
            Level::Image
                if plan.below.is_empty() && plan.tests.iter().all(|it| it.criterion.needs() == Needs::Manifest) =>
            {
                let test = image_name::where_taken(&self.plan(plan, "i"));
                format!("{}.exists(i, {test})", image_name::NAMES)
            }
            Level::Port | Level::Exposure => {
                self.refuse("ports are opened by services as well, which the server does not show")
            }
            _ => {
                let mut names = asked_below(plan);
                names.retain(|criterion| criterion.needs() != Needs::Manifest);
                let names: Vec<&str> = names.into_iter().map(|criterion| criterion.name).collect();
                self.refuse(format!(
                    "{} is about what is in the image, which the server does not know",
                    names.join(", ")
                ))
            }
        }
    }

    fn test(&mut self, test: &Test, of: &str) -> String {
        let parts: Vec<String> = test.matchers.iter().map(|matcher| self.matched(test, matcher, of)).collect();
        let matched = match test.operator {
            Operator::Or => joined(&parts, "||", "false"),
            Operator::And => joined(&parts, "&&", "true"),
        };
        if test.negate == test.criterion.inverted { matched } else { format!("!({matched})") }
    }

    /// Whether what a criterion is about is what is looked for.
    fn matched(&mut self, test: &Test, matcher: &Matcher, of: &str) -> String {
        let spec = "variables.spec";
        let name = test.criterion.name;
        match (name, matcher) {
            ("Automount Service Account Token", Matcher::Flag(wanted)) => {
                flag(&field(spec, "automountServiceAccountToken", "true"), *wanted)
            }
            ("Host IPC", Matcher::Flag(wanted)) => flag(&field(spec, "hostIPC", "false"), *wanted),
            ("Host Network", Matcher::Flag(wanted)) => flag(&field(spec, "hostNetwork", "false"), *wanted),
            ("Host PID", Matcher::Flag(wanted)) => flag(&field(spec, "hostPID", "false"), *wanted),
            ("Disallowed Annotation" | "Required Annotation", Matcher::Pair(key, value)) => {
                self.pair("object.metadata", "annotations", key, value)
            }
            ("Required Label", Matcher::Pair(key, value)) => self.pair("object.metadata", "labels", key, value),
            ("Namespace", Matcher::Text(pattern)) => self.pattern("object.metadata.namespace", pattern),
            ("Runtime Class", Matcher::Text(pattern)) => self.pattern(&field(spec, "runtimeClassName", "''"), pattern),
            ("Service Account", Matcher::Text(pattern)) => {
                let account = field(spec, "serviceAccountName", &field(spec, "serviceAccount", "'default'"));
                self.pattern(&account, pattern)
            }
            ("Replicas", Matcher::Number(comparison, wanted)) => replicas(*comparison, *wanted),
            ("Image Registry", Matcher::Text(pattern)) => self.pattern(&image_name::registry(), pattern),
            ("Image Remote", Matcher::Text(pattern)) => {
                self.pattern(&format!("({})", image_name::repository()), pattern)
            }
            ("Image Tag", Matcher::Text(pattern)) => self.pattern(&image_name::tag(), pattern),
            ("Image Named By Digest", Matcher::Flag(wanted)) => flag(image_name::HAS_DIGEST, *wanted),
            ("Has Egress Network Policy" | "Has Ingress Network Policy" | "Minimum RBAC Permissions", _) => {
                self.refuse(format!("{name:?} is about other objects, which the server does not show"))
            }
            ("Container CPU Request" | "Container Memory Request", _) => self.refuse(format!(
                "{name:?}: a server gives pods the requests of their limits, manifests do not show them"
            )),
            _ if test.criterion.level == Level::Container => self.container(name, matcher, of),
            _ if test.criterion.level == Level::Volume => self.volume(name, matcher, of),
            _ => self.refuse(format!("{name:?} cannot be said")),
        }
    }

    fn container(&mut self, name: &str, matcher: &Matcher, of: &str) -> String {
        match (name, matcher) {
            ("Add Capabilities", Matcher::Capability(wanted)) => capability(of, "add", wanted),
            ("Drop Capabilities", Matcher::Capability(wanted)) => capability(of, "drop", wanted),
            ("Allow Privilege Escalation", Matcher::Flag(wanted)) => {
                flag(&field(of, "securityContext.allowPrivilegeEscalation", "true"), *wanted)
            }
            ("Privileged Container", Matcher::Flag(wanted)) => {
                flag(&field(of, "securityContext.privileged", "false"), *wanted)
            }
            ("Read-Only Root Filesystem", Matcher::Flag(wanted)) => {
                flag(&field(of, "securityContext.readOnlyRootFilesystem", "false"), *wanted)
            }
            ("Liveness Probe Defined", Matcher::Flag(wanted)) => flag(&format!("has({of}.livenessProbe)"), *wanted),
            ("Readiness Probe Defined", Matcher::Flag(wanted)) => flag(&format!("has({of}.readinessProbe)"), *wanted),
            ("Container Name", Matcher::Text(pattern)) => self.pattern(&field(of, "name", "''"), pattern),
            ("AppArmor Profile", Matcher::Text(pattern)) => self.pattern(&apparmor(of), pattern),
            ("Seccomp Profile Type", Matcher::Word(wanted)) => seccomp(of, wanted),
            ("Container Command", Matcher::Text(pattern)) => {
                let words = format!("({} + {})", field(of, "command", "[]"), field(of, "args", "[]"));
                let said = self.pattern(&format!("{words}.join(' ')"), pattern);
                format!("({words}.size() > 0 && {said})")
            }
            ("Run As User", Matcher::Number(comparison, wanted)) => {
                let sign = operator(*comparison);
                run_as_user(of, &|user| format!("double({user}) {sign} {wanted:?}"), "false")
            }
            ("Root User Allowed", Matcher::Flag(wanted)) => {
                let pod = field("variables.spec", "securityContext.runAsNonRoot", "false");
                let is_free = format!("!{}", field(of, "securityContext.runAsNonRoot", &pod));
                flag(&run_as_user(of, &|user| format!("{user} == 0"), &is_free), *wanted)
            }
            ("Container CPU Limit", Matcher::Number(comparison, wanted)) => {
                self.amount(of, "cpu", *comparison, *wanted, 1.0)
            }
            ("Container Memory Limit", Matcher::Number(comparison, wanted)) => {
                self.amount(of, "memory", *comparison, *wanted, 1_048_576.0)
            }
            _ => self.refuse(format!("{name:?} cannot be said")),
        }
    }

    /// A limit, which is zero where none is set.
    fn amount(&mut self, of: &str, name: &str, comparison: Comparison, wanted: f64, unit: f64) -> String {
        let size = wanted * unit;
        let text = size.to_string();
        let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
        // Cores are thousandths in manifests, which are not all exact here.
        let thousandths = (wanted * 1000.0).round();
        let is_wanted = |number: f64| number.total_cmp(&wanted).is_eq() || (number == 0.0 && wanted == 0.0);
        let exact = unit > 1.0 || (is_wanted(thousandths / 1000.0) && is_wanted(thousandths * 1e-3));
        if digits > 9 || size.abs() > 9e15 || !exact {
            return self.refuse(format!("{wanted} is no limit that can be compared exactly"));
        }
        let sign = operator(comparison);
        let without = comparison.holds(&0.0, &wanted);
        let limits = format!("{of}.resources.limits");
        format!(
            "(has({of}.resources) && has({limits}) && has({limits}.{name}) ? \
             quantity({limits}.{name}).compareTo(quantity('{text}')) {sign} 0 : {without})"
        )
    }

    fn volume(&mut self, name: &str, matcher: &Matcher, of: &str) -> String {
        let read_only = field(of, "readOnly", "false");
        match (name, matcher) {
            ("Volume Name", Matcher::Text(pattern)) => self.pattern(&field(of, "name", "''"), pattern),
            ("Volume Destination", Matcher::Text(pattern)) => self.pattern(&field(of, "mountPath", "''"), pattern),
            ("Volume Type", Matcher::Text(pattern)) => {
                let kind = self.pattern("k", pattern);
                let none = pattern.matches("");
                of_volume(of, &kind, none)
            }
            ("Volume Source", Matcher::Text(pattern)) => {
                let names = ["path", "secretName", "claimName", "name", "server", "driver", "reference", "volumeID"];
                let source = names.iter().rev().fold("''".to_owned(), |other, name| {
                    let value = if *name == "path" { plain_path("v[k].path") } else { format!("v[k].{name}") };
                    format!("(has(v[k].{name}) ? {value} : {other})")
                });
                let source = self.pattern(&source, pattern);
                let none = pattern.matches("");
                of_volume(of, &source, none)
            }
            ("Writable Mounted Volume", Matcher::Flag(wanted)) => flag(&format!("!{read_only}"), *wanted),
            ("Writable Host Mount", Matcher::Flag(wanted)) => {
                let is_host = of_volume(of, "k == 'hostPath'", false);
                flag(&format!("({is_host} && !{read_only})"), *wanted)
            }
            ("Mount Propagation", Matcher::Word(wanted)) => {
                let propagation = field(of, "mountPropagation", "'None'");
                match *wanted {
                    "HOSTTOCONTAINER" => format!("{propagation} == 'HostToContainer'"),
                    "BIDIRECTIONAL" => format!("{propagation} == 'Bidirectional'"),
                    _ => format!("!({propagation} in ['HostToContainer', 'Bidirectional'])"),
                }
            }
            _ => self.refuse(format!("{name:?} cannot be said")),
        }
    }

    /// Variables that are set one by one, and those of whole secrets and config maps.
    fn environment(&mut self, plan: &Plan, of: &str) -> String {
        let mut single = Vec::new();
        let mut whole = Vec::new();
        for test in &plan.tests {
            let (mut ones, mut wholes) = (Vec::new(), Vec::new());
            for matcher in &test.matchers {
                let Matcher::EnvVar(source, key, value) = matcher else { continue };
                ones.push(self.variable(*source, key, value));
                wholes.push(self.variables_of(*source, key, value));
            }
            let operator = if test.operator == Operator::Or { "||" } else { "&&" };
            for (parts, to) in [(ones, &mut single), (wholes, &mut whole)] {
                let matched = joined(&parts, operator, "false");
                to.push(if test.negate == test.criterion.inverted { matched } else { format!("!({matched})") });
            }
        }
        let (single, whole) = (joined(&single, "&&", "true"), joined(&whole, "&&", "true"));
        format!(
            "((has({of}.env) && {of}.env.exists(e, {single})) || (has({of}.envFrom) && {of}.envFrom.exists(e, {whole})))"
        )
    }

    fn variable(&mut self, source: Option<&str>, key: &Pattern, value: &Pattern) -> String {
        let from = |name: &str| format!("(has(e.valueFrom) && has(e.valueFrom.{name}))");
        let mut parts = Vec::new();
        match source {
            None => {}
            // An empty value and none are the same on the server.
            Some("RAW") if !value.matches("") => parts.push("has(e.value)".to_owned()),
            Some("SECRET_KEY") => parts.push(from("secretKeyRef")),
            Some("CONFIG_MAP_KEY") => parts.push(from("configMapKeyRef")),
            Some("FIELD") => parts.push(from("fieldRef")),
            Some("RESOURCE_FIELD") => parts.push(from("resourceFieldRef")),
            Some(other) => {
                return self.refuse(format!("variables from {other} cannot be told from others on the server"));
            }
        }
        parts.push(self.pattern(&field("e", "name", "''"), key));
        parts.push(self.pattern(&field("e", "value", "''"), value));
        joined(&parts, "&&", "true")
    }

    fn variables_of(&mut self, source: Option<&str>, key: &Pattern, value: &Pattern) -> String {
        let references: &[&str] = match source {
            None => &["secretRef", "configMapRef"],
            Some("SECRET_KEY") => &["secretRef"],
            Some("CONFIG_MAP_KEY") => &["configMapRef"],
            Some(_) => return "false".to_owned(),
        };
        let is_there: Vec<String> = references.iter().map(|name| format!("has(e.{name})")).collect();
        let name = self.pattern(&field("e", "prefix", "''"), key);
        let value = value.matches("");
        format!("({} && {name} && {value})", joined(&is_there, "||", "false"))
    }

    fn pair(&mut self, of: &str, name: &str, key: &Pattern, value: &Pattern) -> String {
        let map = format!("{of}.{name}");
        let key = self.pattern("k", key);
        let value = self.pattern(&format!("{map}[k]"), value);
        format!("(has({map}) && {map}.exists(k, {key} && {value}))")
    }

    /// Whether the text `of` is what a pattern is for.
    fn pattern(&mut self, of: &str, pattern: &Pattern) -> String {
        match pattern {
            Pattern::Any => "true".to_owned(),
            Pattern::Word(word) if word.is_ascii() => {
                format!("{of}.lowerAscii() == {}", quoted(&word.to_ascii_lowercase()))
            }
            Pattern::Word(word) => self.refuse(format!("{word:?} has letters that the server compares otherwise")),
            Pattern::Regex(pattern) => format!("{of}.matches({})", quoted(&pattern.text)),
        }
    }
}

/// What a plan asks for, and those below it.
fn asked_below(plan: &Plan) -> Vec<&'static Criterion> {
    let mut found = Vec::new();
    let mut rest = vec![plan];
    while let Some(plan) = rest.pop() {
        found.extend(plan.tests.iter().map(|test| test.criterion));
        rest.extend(&plan.below);
    }
    found
}

fn flag(of: &str, wanted: bool) -> String {
    if wanted { of.to_owned() } else { format!("!{of}") }
}
