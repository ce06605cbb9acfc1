//! Policies of the stage `runtime` over events, beside the rules: each violation is an alert.

use crate::activity::{Kinds, Questions, request};
use hashbrown::HashSet;
use jiff::Timestamp;
use sekisho_base::Limits;
use sekisho_detect::baseline::{Bounds, Drift};
use sekisho_detect::load::{File, Rule, RuleSet, Settings, load};
use sekisho_detect::response::ENFORCED;
use sekisho_detect::{Alert, By, Demand, Observer, Priority, Selection};
use sekisho_model::{
    Act, Activity, BaselineKind, Baselines, FileOperation, PolicyOutcome, PolicySeverity, RunningContainer,
};
use sekisho_policy::criteria::{Level, Needs, criterion};
use sekisho_policy::policy::{Policy, Stage};
use sekisho_policy::{PolicySet, Ready, Surroundings, check_activity};
use sekisho_trace::field::Facts;
use sekisho_trace::{AuditEvent, SyscallFacts};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What of events policies ask, as conditions from which it follows what the kernel may leave out, and as outputs, which are
/// the facts that their alerts tell. The condition about files that are opened is put in.
const EVENTS: &str = r#"
- rule: programs
  desc: Programs that are run.
  condition: evt.type in (execve, execveat)
  output: "%proc.name %proc.exepath %proc.cmdline %proc.pname %proc.pid %user.uid %container.id %container.name %container.image.repository %container.image.tag %k8s.ns.name %k8s.pod.name"
  priority: DEBUG
- rule: files
  desc: Files that are opened to be written, or changed otherwise.
  condition: >-
    (evt.type in (open, openat, openat2, creat, open_by_handle_at) and fd.num >= 0
      and (evt.is_open_write = true or evt.is_open_create = true) and (OPENED))
    or evt.type in (rename, renameat, renameat2, unlink, unlinkat, chmod, fchmod, fchmodat, chown, lchown, fchown, fchownat,
      link, linkat, symlink, symlinkat, mknod, mknodat)
  output: "%evt.type %fd.name %fs.path.name %fs.path.source %fs.path.target %proc.name %proc.exepath %proc.cmdline %proc.pname %proc.pid %user.uid %container.id %container.name %container.image.repository %container.image.tag %k8s.ns.name %k8s.pod.name"
  priority: DEBUG
- rule: flows
  desc: Who is talked to.
  condition: evt.type in (listen, bind, connect, accept, accept4, sendto, sendmsg)
  output: "%fd.name %fd.l4proto %proc.name %proc.exepath %proc.cmdline %proc.pname %proc.pid %user.uid %container.id %container.name %container.image.repository %container.image.tag %k8s.ns.name %k8s.pod.name"
  priority: DEBUG
- rule: requests
  desc: What is asked of the API server.
  source: k8s_audit
  condition: jevt.value[/stage] exists
  output: "%ka.user.name %ka.impuser.name %ka.verb %ka.target.resource %ka.target.subresource %ka.target.name %ka.target.namespace %ka.response.code %ka.sourceips %ka.useragent %ka.auditid"
  priority: DEBUG
"#;

/// Connections beyond a baseline that are remembered as told, and requests that are.
const REMEMBERED: usize = 16_384;
/// Parts of a violation that an alert tells.
const PARTS: usize = 10;

/// One policy, and what came of it.
#[derive(Debug)]
pub struct Judged {
    ready: Ready,
    kinds: Kinds,
    tags: Arc<BTreeSet<String>>,
    /// Violations that were told.
    pub alerts: u64,
    /// Violations that an exclusion let pass.
    pub excluded: u64,
    /// How many times it could not be told whether it is violated.
    pub undecided: u64,
    /// Why not, the first time.
    pub why: Option<String>,
}

impl Judged {
    /// Whether events of `source` tell what it is about.
    pub fn is_about(&self, source: &str) -> bool {
        self.kinds.is_of(source)
    }

    /// What it is known by.
    pub fn id(&self) -> &str {
        self.ready.id()
    }

    /// Whether something is to be done about what violates it while it runs.
    pub fn is_enforced(&self) -> bool {
        self.ready.policy.is_enforced_at(Stage::Runtime)
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.ready.policy
    }
}

/// Policies over events.
#[derive(Debug)]
pub struct Policies {
    judged: Vec<Judged>,
    events: RuleSet,
    kinds: Kinds,
    questions: Questions,
    drift: Option<Drift>,
    around: Surroundings,
    now: Timestamp,
    acts: Vec<Act>,
    /// Alerts of the event that was seen last.
    found: Vec<Alert>,
    /// Connections that were told, by container and policy.
    flows: HashSet<String>,
    /// Requests that were told when they began.
    requests: HashSet<String>,
}

impl Policies {
    /// The policies of `set` that are for the stage `runtime` and not switched off. Locked `baselines` say what is unexpected;
    /// without any nothing is. What has no time of its own happens `now`.
    pub fn new(set: PolicySet, baselines: Option<Baselines>, now: Timestamp) -> Self {
        let judged: Vec<Judged> = set
            .policies
            .into_iter()
            .filter(|ready| !ready.policy.disabled && ready.policy.stages.contains(&Stage::Runtime))
            .map(|ready| Judged {
                kinds: kinds(&ready.policy),
                tags: Arc::new(tags(&ready.policy)),
                ready,
                alerts: 0,
                excluded: 0,
                undecided: 0,
                why: None,
            })
            .collect();
        let any = |of: fn(Kinds) -> bool| judged.iter().any(|one| of(one.kinds));
        let kinds = Kinds {
            programs: any(|kinds| kinds.programs),
            files: any(|kinds| kinds.files),
            flows: baselines.is_some() && any(|kinds| kinds.flows),
            requests: any(|kinds| kinds.requests),
        };
        let text = EVENTS.replace("OPENED", &opened(&judged));
        let loaded = load(&[File { name: "policies", text: &text }], &Settings::default(), &Limits::default());
        let drift = baselines.map(|mut baselines| {
            // No policy asks for calls, of which there are very many.
            for baseline in &mut baselines.baselines {
                baseline.learned.remove(&BaselineKind::Calls);
            }
            Drift::new(baselines, Bounds::default())
        });
        Self {
            judged,
            events: loaded.rules.unwrap_or_default(),
            kinds,
            questions: Questions::new(),
            drift,
            around: Surroundings::default(),
            now,
            acts: Vec::new(),
            found: Vec::new(),
            flows: HashSet::new(),
            requests: HashSet::new(),
        }
    }

    /// Goes on counting where others ended that these take the place of, and remembers what was told.
    pub fn follow(&mut self, others: Self) {
        for one in &mut self.judged {
            if let Some(old) = others.judged.iter().find(|old| old.id() == one.id()) {
                (one.alerts, one.excluded, one.undecided) = (old.alerts, old.excluded, old.undecided);
                one.why.clone_from(&old.why);
            }
        }
        (self.flows, self.requests) = (others.flows, others.requests);
    }

    /// The policies, with what came of each.
    pub fn judged(&self) -> &[Judged] {
        &self.judged
    }

    /// What is asked of a host so that they see all that they are about.
    pub fn demand(&self) -> Demand {
        let Kinds { programs, files, flows, .. } = self.kinds;
        let off = [("programs", programs), ("files", files), ("flows", flows)].into_iter().filter(|(_, asked)| !asked);
        let mut selection = Selection::default();
        selection.steps.extend(off.map(|(name, _)| (By::Name(name.to_owned()), false)));
        Demand::of(&self.events, &selection, &|_| false)
    }

    /// How many policies are about events of `source`.
    pub fn about(&self, source: &str) -> usize {
        self.judged.iter().filter(|one| one.is_about(source)).count()
    }

    /// What policies ask for that no event of `source` can tell, each with its policy, in words.
    pub fn blind(&self, source: &str) -> Vec<String> {
        let mut said = Vec::new();
        for one in self.judged.iter().filter(|one| one.is_about(source)) {
            let policy = one.policy();
            let mut say = |why: &str| said.push(format!("policy {:?}: {why}", policy.name));
            for group in policy.sections.iter().flat_map(|section| &section.groups) {
                let Some(criterion) = criterion(&group.field) else { continue };
                let name = criterion.name;
                if name.starts_with("Unexpected") && self.drift.is_none() {
                    say(&format!("{name:?} needs the locked baselines of containers (--baseline)"));
                }
                let is_told = |value: &String| {
                    FileOperation::ALL.iter().any(|operation| operation.as_str().eq_ignore_ascii_case(value))
                };
                if name == "File Operation"
                    && let Some(value) = group.values.iter().find(|value| !is_told(value))
                {
                    say(&format!("no event tells of {value}"));
                }
                if criterion.level.is_image() && criterion.needs() > Needs::Surroundings {
                    say(&format!("{name:?} needs a scan of the image, which nothing looks up while it runs"));
                }
            }
        }
        said
    }

    fn judge(
        &mut self,
        act: &Act,
        container: Option<&RunningContainer>,
        facts: &dyn Facts,
        (number, time): (u64, u64),
    ) {
        let kind = match act {
            Act::Program(_) => "programs",
            Act::File(..) => "files",
            Act::Flow(..) => "flows",
            Act::Request(_) => "requests",
        };
        let Some(event) = self.events.rules.iter().find(|rule| &*rule.name == kind) else { return };
        let activity = Activity { act, container };
        let now = Timestamp::from_nanosecond(time.into()).ok().filter(|_| time > 0).unwrap_or(self.now);
        for one in self.judged.iter_mut().filter(|one| one.kinds.has(act)) {
            let Some(verdict) = check_activity(&one.ready, &activity, &self.around, now) else { continue };
            match (verdict.outcome, &verdict.excluded) {
                (PolicyOutcome::Violated, Some(_)) => one.excluded += 1,
                (PolicyOutcome::Violated, None) => {
                    if let Act::Flow(_, flow) = act {
                        let id = container.map_or("host", |container| &container.id);
                        let key = format!("{id} {} {flow:?}", one.ready.id());
                        if self.flows.len() >= REMEMBERED {
                            self.flows.clear();
                        }
                        if !self.flows.insert(key) {
                            continue;
                        }
                    }
                    one.alerts += 1;
                    let mut said: Vec<&str> = Vec::new();
                    for witness in &verdict.witnesses {
                        if said.len() < PARTS && !said.contains(&witness.message.as_str()) {
                            said.push(&witness.message);
                        }
                    }
                    self.found.push(alert(one, event, &said, number, facts));
                }
                (PolicyOutcome::Unknown, None) => {
                    one.undecided += 1;
                    one.why.get_or_insert_with(|| verdict.reasons.join("; "));
                }
                _ => {}
            }
        }
    }
}

impl Kinds {
    /// Whether events of a source tell any of these.
    fn is_of(self, source: &str) -> bool {
        if source == "k8s_audit" { self.requests } else { self.programs || self.files || self.flows }
    }

    fn has(self, act: &Act) -> bool {
        match act {
            Act::Program(_) => self.programs,
            Act::File(..) => self.files,
            Act::Flow(..) => self.flows,
            Act::Request(_) => self.requests,
        }
    }
}

/// What a policy is about.
fn kinds(policy: &Policy) -> Kinds {
    let mut kinds = Kinds::default();
    for section in &policy.sections {
        let levels: Vec<Level> =
            section.groups.iter().filter_map(|group| Some(criterion(&group.field)?.level)).collect();
        let has = |level: Level| levels.contains(&level);
        kinds.files |= has(Level::File);
        kinds.programs |= has(Level::Process) && !has(Level::File);
        kinds.flows |= has(Level::Flow);
        kinds.requests |= has(Level::Request);
    }
    kinds
}

/// The condition under which an open is of a file that a policy asks for.
fn opened(judged: &[Judged]) -> String {
    let mut beginnings = BTreeSet::new();
    let groups = judged.iter().flat_map(|one| &one.policy().sections).flat_map(|section| &section.groups);
    for group in groups.filter(|group| group.field.eq_ignore_ascii_case("File Path")) {
        for value in &group.values {
            // Up to where the pattern leaves open how it goes on, or what the language of rules takes for something else.
            let is_plain = |char: char| char.is_ascii_alphanumeric() || "/._-".contains(char);
            beginnings.insert(value.split(|char| !is_plain(char)).next().unwrap_or_default());
        }
    }
    if beginnings.is_empty() || beginnings.contains("") || beginnings.contains("/") {
        return "fd.name exists".to_owned();
    }
    let mut condition = String::new();
    for beginning in beginnings {
        let or = if condition.is_empty() { "" } else { " or " };
        let _ = write!(condition, "{or}fd.name startswith \"{beginning}\"");
    }
    condition
}

fn tags(policy: &Policy) -> BTreeSet<String> {
    let attack = policy.attack.iter().flat_map(|attack| std::iter::once(&attack.tactic).chain(&attack.techniques));
    let tags = policy.categories.iter().chain(&policy.controls).chain(attack).cloned();
    tags.chain(["policy".to_owned()]).collect()
}

fn alert(one: &Judged, event: &Rule, said: &[&str], number: u64, facts: &dyn Facts) -> Alert {
    let policy = one.policy();
    let mut alert = Alert::of(event, number, facts, &Arc::from(""));
    alert.fields.retain(|_, value| !value.is_null());
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let known: Vec<String> = alert.fields.iter().map(|(field, value)| format!("{field}={}", shown(value))).collect();
    alert.message = clean(&format!("{}: {} ({})", policy.name, said.join("; "), known.join(" ")));
    alert.rule = policy.name.as_str().into();
    alert.priority = match policy.severity {
        PolicySeverity::Low => Priority::Notice,
        PolicySeverity::Medium => Priority::Warning,
        PolicySeverity::High => Priority::Error,
        PolicySeverity::Critical => Priority::Critical,
    };
    alert.tags = Arc::clone(&one.tags);
    alert.fields.insert("policy.id".to_owned(), one.ready.id().into());
    alert.fields.insert("policy.severity".to_owned(), policy.severity.as_str().into());
    alert.fields.insert(ENFORCED.to_owned(), one.is_enforced().into());
    alert
}

/// Without what could end a line or move a terminal's cursor.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() { clean.extend(char.escape_default()) } else { clean.push(char) }
    }
    clean
}

impl Observer for Policies {
    fn see(&mut self, facts: &SyscallFacts<'_>, rules: &[Arc<str>]) {
        self.found.clear();
        if !self.kinds.is_of("syscall") {
            return;
        }
        if let Some(drift) = &mut self.drift {
            drift.see(facts, rules);
        }
        let Some(thread) = facts.thread().filter(|thread| thread.is_known()) else { return };
        // What an engine does in a container is not the container's.
        if thread.came_from_outside() {
            return;
        }
        let mut acts = std::mem::take(&mut self.acts);
        acts.clear();
        let compared = self.drift.as_ref().map(Drift::latest);
        self.questions.acts(facts, self.kinds, compared, &mut acts);
        if !acts.is_empty() {
            let id = thread.container();
            let container = id.and_then(|id| facts.state().container(id));
            let is_sandbox = container.is_some_and(|container| container.sandbox);
            // One of which nothing else is known is a container all the same.
            let of_id = id.filter(|_| container.is_none()).map(RunningContainer::of_id);
            let event = facts.event();
            for act in acts.iter().filter(|_| !is_sandbox) {
                self.judge(act, container.or(of_id.as_ref()), facts, (event.number, event.time));
            }
        }
        self.acts = acts;
    }

    fn see_audit(&mut self, event: &AuditEvent) {
        self.found.clear();
        if !self.kinds.requests {
            return;
        }
        let Some(request) = request(event) else { return };
        // One that lasts is told when it begins, and not again when it ends.
        let id = event.json().get("auditID").and_then(Value::as_str).unwrap_or_default();
        if event.json().get("stage").and_then(Value::as_str) == Some("ResponseStarted") {
            if self.requests.len() >= REMEMBERED {
                self.requests.clear();
            }
            self.requests.insert(id.to_owned());
        } else if self.requests.remove(id) {
            return;
        }
        let act = Act::Request(request);
        self.judge(&act, None, event, (event.number, event.time));
    }

    fn tell(&mut self, each: &mut dyn FnMut(Alert) -> ControlFlow<()>) -> ControlFlow<()> {
        self.found.drain(..).try_for_each(each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho_detect::Region;
    use sekisho_trace::EventCode as E;
    use sekisho_trace::audit::Reader;

    /// What the policies of `text` alert for audit events, by their names, and how often they could not tell.
    fn told(text: &str, events: &str) -> (Vec<String>, u64) {
        let mut set = PolicySet::default();
        assert_eq!(set.add(None, text, &Limits::default()), []);
        let mut policies = Policies::new(set, None, Timestamp::UNIX_EPOCH);
        let mut alerts = Vec::new();
        let mut log = Reader::new(events.as_bytes(), 1 << 20, &Limits::default()).unwrap();
        for event in log.by_ref() {
            policies.see_audit(&event);
            let _ = policies.tell(&mut |alert| {
                alerts.push(alert.message);
                ControlFlow::Continue(())
            });
        }
        assert!(log.diagnostics().is_empty());
        (alerts, policies.judged().iter().map(|one| one.undecided).sum())
    }

    fn event(id: &str, stage: &str, verb: &str, about: &str) -> String {
        format!(
            "{{\"kind\": \"Event\", \"auditID\": \"{id}\", \"stage\": \"{stage}\", \"verb\": \"{verb}\", \"user\": {{\"username\": \
             \"ann\\n\"}}, \"objectRef\": {{{about}}}}}\n"
        )
    }

    #[test]
    fn a_request_is_told_once_and_as_soon_as_it_is_allowed() {
        let policy = "policy: x\nname: Exec\nstages: [runtime]\nwhen: {Kubernetes Resource: PODS_EXEC}\n";
        let about = r#""resource": "pods", "subresource": "exec", "name": "web-0", "namespace": "shop""#;
        let of = |id: &str, stages: &[&str]| {
            stages.iter().map(|stage| event(id, stage, "create", about)).collect::<String>()
        };
        let all =
            of("1", &["RequestReceived", "ResponseStarted", "ResponseComplete"]) + &of("2", &["ResponseComplete"]);
        let (alerts, undecided) = told(policy, &all);
        assert_eq!((alerts.len(), undecided), (2, 0), "{alerts:?}");
        // What somebody else wrote ends no line.
        assert!(alerts[0].starts_with("Exec: ann\\n: create pods/exec web-0 ("), "{alerts:?}");
        assert_eq!(told(policy, &of("1", &["RequestReceived"])).0.len(), 0);
        assert_eq!(told(policy, &of("1", &["Panic"])).0.len(), 1);
    }

    #[test]
    fn alerts_say_whether_their_policy_is_enforced() {
        let about = r#""resource": "pods", "subresource": "exec", "name": "web-0", "namespace": "shop""#;
        for (enforce, expect) in
            [("", false), ("enforce: true\n", true), ("enforce: [runtime]\n", true), ("enforce: [deploy]\n", false)]
        {
            let mut set = PolicySet::default();
            let stages = if enforce.contains("deploy") { "deploy, runtime" } else { "runtime" };
            let text = format!(
                "policy: x\nname: Exec\nstages: [{stages}]\n{enforce}when: {{Kubernetes Resource: PODS_EXEC}}\n"
            );
            if !set.add(None, &text, &Limits::default()).is_empty() {
                // What is asked of a request is asked of nothing that is deployed.
                assert!(enforce.contains("deploy"), "{enforce}");
                continue;
            }
            let mut policies = Policies::new(set, None, Timestamp::UNIX_EPOCH);
            let text = event("1", "ResponseComplete", "create", about);
            let mut log = Reader::new(text.as_bytes(), 1 << 20, &Limits::default()).unwrap();
            let mut told = Vec::new();
            for event in log.by_ref() {
                policies.see_audit(&event);
                let _ = policies.tell(&mut |alert| {
                    told.push(alert.fields[ENFORCED].clone());
                    ControlFlow::Continue(())
                });
            }
            assert_eq!(told, [Value::Bool(expect)], "{enforce}");
            assert_eq!(policies.judged()[0].is_enforced(), expect);
        }
    }

    #[test]
    fn what_removes_many_removes_each_and_what_has_no_name_is_not_known() {
        let policy = |name: &str| {
            format!(
                "policy: x\nname: Removed\nstages: [runtime]\nevent_source: audit_log\nwhen: {{Kubernetes Resource: \
                 NETWORK_POLICIES, Kubernetes API Verb: [DELETE, CREATE]{name}}}\n"
            )
        };
        let check = |name: &str, verb: &str, about: &str, expect: (usize, u64)| {
            let (alerts, undecided) = told(&policy(name), &event("1", "ResponseComplete", verb, about));
            assert_eq!((alerts.len(), undecided), expect, "{verb} {about}: {alerts:?}");
        };
        let (all, one) = (r#""resource": "networkpolicies""#, r#""resource": "networkpolicies", "name": "deny""#);
        check("", "deletecollection", all, (1, 0));
        check("", "list", all, (0, 0));
        check(", Kubernetes Resource Name: deny", "delete", one, (1, 0));
        check(", Kubernetes Resource Name: other", "delete", one, (0, 0));
        check(", Kubernetes Resource Name: deny", "create", all, (0, 1));
        check("", "delete", r#""resource": "networkpolicies", "subresource": "status""#, (0, 0));
    }

    #[test]
    fn the_kernel_is_asked_for_what_policies_ask() {
        let demand = |when: &str| {
            let mut set = PolicySet::default();
            let text = format!("policy: x\nname: x\nstages: [runtime]\nwhen: {{{when}}}\n");
            assert_eq!(set.add(None, &text, &Limits::default()), []);
            Policies::new(set, None, Timestamp::UNIX_EPOCH).demand()
        };
        let programs = demand("Process Name: sh");
        assert!(programs.events.contains(E::EXECVE_19_X) && !programs.events.contains(E::RENAME_X));
        let files = demand("File Path: [/etc/shadow, '/etc/cron.*/**'], File Operation: OPEN");
        assert!(files.events.contains(E::RENAME_X) && files.events.contains(E::OPENAT_2_X));
        let Region::Beginning(paths) = &files.opens.write else { panic!("{:?}", files.opens) };
        let paths: Vec<String> = paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
        assert!(paths.iter().any(|path| path.starts_with("/etc/cron.")), "{paths:?}");
        assert_eq!(demand("File Path: '/**/.ssh/authorized_keys', File Operation: OPEN").opens.write, Region::All);
        assert!(demand("Unexpected Network Flow Detected: true").events.is_empty());
    }
}
