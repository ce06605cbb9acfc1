//! What the webhook costs: `compute POLICIES SECONDS` judges recorded requests in one thread; `serve POLICIES DIRECTORY`
//! answers them over TLS; `load DIRECTORY RATE SECONDS` asks that server so many times a second, and says how long it took to
//! judge these (compute, by the server's own metrics) and how long until their answers came (whole). Lines of name, value
//! and unit, parted by tabs. Run by `cargo xtask bench admission`.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a benchmark that cannot run has failed")]

use sekisho_admission::authority::Authorities;
use sekisho_admission::judge::{Known, Step};
use sekisho_admission::review::Review;
use sekisho_admission::{Judge, Listeners, Mode, Rules, Server, Service, Sources};
use sekisho_base::Limits;
use sekisho_base::clock::{Clock as _, SystemClock};
use sekisho_net::Network;
use sekisho_net::server::Showing;
use sekisho_policy::PolicySet;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

const REVIEWS: [&str; 8] = [
    include_str!("../tests/data/pod-recorded.json"),
    include_str!("../tests/data/deployment-create.json"),
    include_str!("../tests/data/deployment-good.json"),
    include_str!("../tests/data/deployment-scaled.json"),
    include_str!("../tests/data/pod-ephemeral.json"),
    include_str!("../tests/data/cronjob-create.json"),
    include_str!("../tests/data/pod-exec.json"),
    include_str!("../tests/data/pod-owned.json"),
];

/// Policies in other languages, which are about pods and what makes some of them.
const FOREIGN: [&str; 2] = [
    r#"apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: madeNUMBER}
spec:
  crd: {spec: {names: {kind: MadeNUMBER}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package made
      violation[{"msg": msg}] {
        container := containers[_]
        not starts(container.image, input.parameters.registries)
        msg := sprintf("container <%v> is of %v, which is none of %v", [container.name, container.image, input.parameters.registries])
      }
      starts(image, registries) { startswith(image, registries[_]) }
      containers[container] { container := input.review.object.spec.containers[_] }
      containers[container] { container := input.review.object.spec.template.spec.containers[_] }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: MadeNUMBER
metadata: {name: made}
spec:
  enforcementAction: warn
  match: {kinds: [{apiGroups: ["", apps], kinds: [Pod, Deployment]}]}
  parameters: {registries: [registry.example.org/, docker.io/library/]}
---
"#,
    "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: made-NUMBER}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
  variables: [{name: containers, expression: object.spec.template.spec.containers}]
  validations:
  - expression: variables.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) || !c.securityContext.privileged)
    message: no container may be privileged
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: made-NUMBER}
spec: {policyName: made-NUMBER, validationActions: [Warn]}
---
",
];

/// What policies of the field ask for, which the made ones ask in turn.
const QUESTIONS: [&str; 16] = [
    "{Privileged Container: true}",
    "{Allow Privilege Escalation: true}",
    "{Host Network: true}",
    "{Host PID: true}",
    "{Host IPC: true}",
    "{Image Tag: latest}",
    "{Image Registry: 'docker\\.io'}",
    "{Read-Only Root Filesystem: false, Privileged Container: true}",
    "{Add Capabilities: SYS_ADMIN}",
    "{Environment Variable: 'RAW=.*SECRET.*=.*'}",
    "{Container Memory Limit: '0'}",
    "{Container CPU Limit: '0'}",
    "{Required Label: 'owner=.+'}",
    "{Required Annotation: 'team=.+'}",
    "{Volume Source: '/var/run/docker\\.sock'}",
    "{Liveness Probe Defined: false}",
];

fn judge(policies: usize) -> Judge {
    let mut text = String::new();
    for number in 0..policies {
        // One in ten is Gatekeeper's, and one in ten in the language of the API server.
        if let Some(foreign) = [8, 9].iter().position(|rest| number % 10 == *rest) {
            text += &FOREIGN[foreign].replace("NUMBER", &number.to_string());
            continue;
        }
        let question = QUESTIONS[number % QUESTIONS.len()];
        let enforce = number % 3 == 0;
        // Most policies are for some namespaces only, and a third of them for all.
        let scope = if number % 3 == 1 { format!("scope: [{{namespace: team-{number}}}]\n") } else { String::new() };
        let _ = write!(
            text,
            "policy: made-{number}\nname: Made number {number}\nseverity: medium\nstages: [deploy]\nenforce: {enforce}\n{scope}when: {question}\n---\n"
        );
    }
    let mut set = PolicySet::default();
    let faults = set.add(Some("made.yaml"), &text, &Limits::default());
    assert!(faults.is_empty(), "{}", faults[0]);
    let judge = Judge::new(Rules { mode: Mode::Enforce, ..Rules::default() }, set);
    assert_eq!(judge.faults(), []);
    judge
}

fn shares(mut micros: Vec<f64>) -> [f64; 3] {
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| micros[((micros.len() - 1) as f64 * share) as usize];
    [at(0.5), at(0.99), at(0.999)]
}

fn compute(policies: usize, seconds: u64) {
    let judge = judge(policies);
    let mut micros = Vec::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        for text in REVIEWS {
            let one = Instant::now();
            let review = Review::read(text.as_bytes()).unwrap();
            let uid = review.uid.clone();
            let decision = match judge.begin(review, None) {
                Step::Done(decision) => *decision,
                Step::Judge(case) => judge.decide(&case, &Known::default(), SystemClock.now(), true).unwrap(),
            };
            std::hint::black_box(decision.answer(&uid));
            micros.push(one.elapsed().as_secs_f64() * 1e6);
        }
    }
    let count = micros.len();
    let [middle, high, higher] = shares(micros);
    println!("p50\t{middle:.1}\tµs\np99\t{high:.1}\tµs\np99.9\t{higher:.1}\tµs\nrequests\t{count}\t");
}

fn serve(policies: usize, directory: &Path) {
    let today = SystemClock.now();
    let authorities = Authorities::default().turned(today).unwrap();
    let shown = authorities.certificate(&["localhost".to_owned()], today).unwrap();
    let service = Service::new(judge(policies), Sources::default(), 2, Arc::new(SystemClock), Arc::new(|_| ()));
    let server = Server::new(Arc::new(service), Showing::new(shown.certified()), Duration::ZERO).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let webhook = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let side = TcpListener::bind("127.0.0.1:0").await.unwrap();
        std::fs::write(directory.join("ca.pem"), authorities.bundle()).unwrap();
        let port = webhook.local_addr().unwrap().port();
        std::fs::write(directory.join("side"), side.local_addr().unwrap().port().to_string()).unwrap();
        std::fs::write(directory.join("port.new"), port.to_string()).unwrap();
        std::fs::rename(directory.join("port.new"), directory.join("port")).unwrap();
        server.run(Listeners { webhook, side: Some(side) }, std::future::pending()).await;
    });
}

/// How many requests took at most so many microseconds to judge, until now, in growing order; the last is all of them.
fn judged(directory: &Path) -> Vec<(f64, u64)> {
    let port = std::fs::read_to_string(directory.join("side")).unwrap();
    let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let class = |line: &str| {
        let (most, count) = line.strip_prefix("sekisho_admission_compute_seconds_bucket{le=\"")?.split_once("\"} ")?;
        let most = if most == "+Inf" { f64::INFINITY } else { most.parse::<f64>().ok()? * 1e6 };
        Some((most, count.parse().ok()?))
    };
    text.lines().filter_map(class).collect()
}

fn load(directory: &Path, rate: u64, seconds: u64) {
    let before = judged(directory);
    let port = std::fs::read_to_string(directory.join("port")).unwrap();
    let url = format!("https://localhost:{port}/validate?timeout=10s");
    let network = Network { ca_bundles: vec![directory.join("ca.pem")], ..Network::default() };
    let took: Arc<Mutex<Vec<f64>>> = Arc::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = network.client().unwrap();
        let mut all = tokio::task::JoinSet::new();
        let mut clock = tokio::time::interval(Duration::from_secs_f64(1.0 / rate as f64));
        // What is late is sent late, and counts as that: the load does not wait for answers.
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        let begin = Instant::now();
        for number in 0..rate * seconds {
            let due = begin + Duration::from_secs_f64(number as f64 / rate as f64);
            clock.tick().await;
            let (client, url, took) = (client.clone(), url.clone(), Arc::clone(&took));
            let body = REVIEWS[number as usize % REVIEWS.len()];
            all.spawn(async move {
                let response = client.post(&url).body(body).send().await.unwrap();
                assert_eq!(response.status().as_u16(), 200);
                response.bytes().await.unwrap();
                took.lock().unwrap().push(due.elapsed().as_secs_f64() * 1e6);
            });
            // Those that are done are let go.
            while all.try_join_next().is_some_and(|ended| ended.is_ok()) {}
        }
        while let Some(ended) = all.join_next().await {
            ended.unwrap();
        }
    });
    let took = std::mem::take(&mut *took.lock().unwrap());
    let count = took.len();
    let classes: Vec<(f64, u64)> =
        judged(directory).iter().zip(&before).map(|(after, before)| (after.0, after.1 - before.1)).collect();
    let all = classes.last().unwrap().1;
    assert_eq!(all, count as u64, "the server judged something else");
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let within = classes.iter().find(|(_, count)| *count as f64 >= all as f64 * share).unwrap().0;
        println!("compute {name}, at most\t{within:.0}\tµs");
    }
    let within = classes.iter().find(|(most, _)| *most >= 5000.0).unwrap().1;
    println!("judged within 5 ms of compute\t{:.3}\t%", within as f64 / all as f64 * 100.0);
    let [middle, high, higher] = shares(took);
    println!("whole p50\t{middle:.0}\tµs\nwhole p99\t{high:.0}\tµs\nwhole p99.9\t{higher:.0}\tµs\nrequests\t{count}\t");
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| words[place].parse::<u64>().unwrap();
    match words[0].as_str() {
        "compute" => compute(number(1) as usize, number(2)),
        "serve" => serve(number(1) as usize, Path::new(&words[2])),
        "load" => load(Path::new(&words[1]), number(2), number(3)),
        other => panic!("{other}"),
    }
}
