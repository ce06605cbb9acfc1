//! One call of the API server, from its bytes to the answer's: judged by what the object says first, then by what is known
//! of its images, within the time that is left.

use crate::cache::{Cache, Keep};
use crate::images::{Images, Later};
use crate::judge::{Case, Decision, Judge, Known, Outcome, Step};
use crate::metrics::{Metrics, Number};
use crate::review::{BadReview, Review};
use crate::rules::Mode;
use sekisho_base::Limits;
use sekisho_base::clock::Clock;
use sekisho_base::limits::Deadline;
use sekisho_base::tree::{Node, Value};
use sekisho_model::Fact;
use sekisho_policy::manifest::Object;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// What happened, for the log.
#[derive(Debug)]
pub enum Event<'a> {
    /// A request was refused, let in against policies, or could not be judged. Dry runs are not among them.
    Decided {
        /// The request.
        uid: &'a str,
        /// Whose it is.
        user: &'a str,
        /// What is asked: `CREATE apps/deployments shop/web`.
        what: &'a str,
        /// The answer.
        decision: &'a Decision,
    },
    /// Something about the server itself.
    Told {
        /// A word that does not change: `policies_reloaded`.
        event: &'static str,
        /// Whether something is wrong.
        wrong: bool,
        /// What.
        message: String,
    },
}

/// Takes what happens.
pub type Log = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// Whoever knows namespaces.
pub trait NamespaceSource: Send + Sync + 'static {
    /// The one of this name.
    fn namespace(&self, name: String) -> Later<Arc<Object>>;
}

/// Whoever is asked about what is not in a request.
#[derive(Default)]
pub struct Sources {
    /// About images; none where policies about images are not evaluated.
    pub images: Option<Images>,
    /// About namespaces.
    pub namespaces: Option<Arc<dyn NamespaceSource>>,
}

const NAMESPACES: Keep = Keep {
    found: Duration::from_secs(20),
    stale: Duration::from_mins(10),
    missed: Duration::from_secs(5),
    weight: 200_000,
    lookups: 64,
};

/// What the API server waits where it does not say so.
const USUAL: Duration = Duration::from_secs(10);
/// What the way back may take.
const MARGIN: Duration = Duration::from_millis(500);

/// What answers requests.
pub struct Service {
    judge: RwLock<Arc<Judge>>,
    sources: Sources,
    namespaces: Cache<String, Arc<Object>>,
    /// Judging takes a processor, and more at once than there are only take longer.
    workers: Semaphore,
    clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Metrics,
    log: Log,
}

impl Service {
    /// Judges by `judge`, on so many threads at a time.
    pub fn new(judge: Judge, sources: Sources, workers: usize, clock: Arc<dyn Clock>, log: Log) -> Self {
        let metrics = Metrics::default();
        metrics.show(Number::Policies, judge.policies() as u64);
        Self {
            judge: RwLock::new(Arc::new(judge)),
            sources,
            namespaces: Cache::new(NAMESPACES, |namespace: &Arc<Object>| weight(&namespace.node)),
            workers: Semaphore::new(workers.max(1)),
            clock,
            metrics,
            log,
        }
    }

    /// The judge of this moment.
    pub fn judge(&self) -> Arc<Judge> {
        Arc::clone(&self.judge.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Judges by this from now on; what is being judged is judged as it began.
    pub fn replace(&self, judge: Judge) {
        self.metrics.show(Number::Policies, judge.policies() as u64);
        self.metrics.show(Number::PoliciesStale, 0);
        self.metrics.count(Number::Reloads);
        *self.judge.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(judge);
    }

    /// The policies on the disk are again those that are asked.
    pub fn policies_are_sound(&self) {
        self.metrics.show(Number::PoliciesStale, 0);
    }

    /// Keeps to what there is, since what came is broken.
    pub fn keep_policies(&self, why: &str) {
        self.metrics.show(Number::PoliciesStale, 1);
        self.metrics.count(Number::ReloadsFailed);
        self.tell("policies_kept", true, format!("the policies are broken, and those before are kept: {why}"));
    }

    /// Puts something into the log.
    pub fn tell(&self, event: &'static str, wrong: bool, message: String) {
        (self.log)(&Event::Told { event, wrong, message });
    }

    /// The body of the answer to a request. `label` is the mode that the label of the namespace says, `timeout` how long
    /// the API server waits, from `start` on.
    pub async fn answer(
        self: &Arc<Self>,
        body: &[u8],
        label: Option<Mode>,
        timeout: Option<Duration>,
        start: Instant,
    ) -> Result<Vec<u8>, BadReview> {
        let deadline = start + timeout.unwrap_or(USUAL).saturating_sub(MARGIN);
        let review = match Review::read(body) {
            Ok(review) => review,
            Err(error) => {
                self.metrics.count(Number::BadRequests);
                return Err(error);
            }
        };
        let (uid, user, dry_run) = (review.uid.clone(), review.user.clone(), review.dry_run);
        let what = described(&review);
        let mut compute = start.elapsed();
        let decision = self.decide(review, label, deadline, &mut compute).await;
        let Decision { outcome, mode, ref policies, ref not_judged, .. } = decision;
        self.metrics.add(Number::NotJudged, not_judged.len() as u64);
        self.metrics.request(outcome, mode, dry_run, policies);
        let worth = matches!(outcome, Outcome::Denied | Outcome::BrokenGlass | Outcome::Warned | Outcome::Noted);
        if worth && !dry_run {
            (self.log)(&Event::Decided { uid: &uid, user: &user, what: &what, decision: &decision });
        }
        let answer = decision.answer(&uid);
        self.metrics.took(start.elapsed(), compute);
        Ok(answer)
    }

    async fn decide(
        self: &Arc<Self>,
        review: Review,
        label: Option<Mode>,
        deadline: Instant,
        compute: &mut Duration,
    ) -> Decision {
        let judge = self.judge();
        let case = match judge.begin(review, label) {
            Step::Done(decision) => return *decision,
            Step::Judge(case) => Arc::new(*case),
        };
        let mut known = Known::default();
        if judge.needs_namespace_of(&case) {
            known.namespace = self.namespace(case.namespace().to_owned(), deadline).await;
        }
        let last = self.sources.images.is_none();
        let (known, first) = match self.judged(&judge, &case, known, last, deadline, compute).await {
            Ok(judged) => judged,
            Err(why) => return judge.not_judged(&case, &why),
        };
        let (Some(images), None) = (&self.sources.images, &first) else {
            // Where nothing is left to ask the first look is the last.
            return first.unwrap_or_else(|| judge.not_judged(&case, "nothing came of it"));
        };
        let looked = images.look(judge.images(&case), deadline).await;
        self.metrics.add(Number::ImagesKept, looked.kept.0 as u64);
        self.metrics.add(Number::ImagesAsked, looked.kept.1 as u64);
        self.metrics.show(Number::Images, images.len() as u64);
        let (paused, pauses) = images.paused();
        self.metrics.show(Number::RegistriesPaused, paused);
        self.metrics.show(Number::RegistryPauses, pauses);
        let known = Known { images: looked.facts, digests: looked.digests, ..known };
        // What came at the last moment is still judged: the margin is longer than that takes.
        match self.judged(&judge, &case, known, true, deadline + MARGIN / 2, compute).await {
            Ok((_, Some(decision))) => decision,
            Ok((_, None)) => judge.not_judged(&case, "nothing came of it"),
            Err(why) => judge.not_judged(&case, &why),
        }
    }

    /// Judges on a thread of its own, so that what takes for ever takes nobody else's time.
    async fn judged(
        self: &Arc<Self>,
        judge: &Arc<Judge>,
        case: &Arc<Case>,
        known: Known,
        last: bool,
        deadline: Instant,
        compute: &mut Duration,
    ) -> Result<(Known, Option<Decision>), String> {
        let late = |_| {
            self.metrics.count(Number::Late);
            "the time for it is over".to_owned()
        };
        // Never closed.
        let permit = tokio::time::timeout_at(deadline, Arc::clone(self).permit()).await.map_err(late)?;
        let (judge, case, now) = (Arc::clone(judge), Arc::clone(case), self.clock.now());
        // One policy that takes for ever is to leave the others, and the answer, some time.
        let left = deadline.saturating_duration_since(Instant::now());
        let most = Limits { time: left.saturating_sub(left / 8), ..Limits::default() };
        let known = Known { deadline: Some(Deadline::of(&most)), ..known };
        let work = tokio::task::spawn_blocking(move || {
            let start = std::time::Instant::now();
            let decision = judge.decide(&case, &known, now, last);
            drop(permit);
            (known, decision, start.elapsed())
        });
        let Ok((known, decision, took)) = tokio::time::timeout_at(deadline, work).await.map_err(late)? else {
            self.metrics.count(Number::Faults);
            return Err("judging failed in a way it should not".to_owned());
        };
        *compute += took;
        Ok((known, decision))
    }

    async fn permit(self: Arc<Self>) -> Permit {
        // The semaphore is never closed, so the only thing that can come is a permit.
        if let Ok(permit) = self.workers.acquire().await {
            permit.forget();
        }
        Permit(self)
    }

    async fn namespace(&self, name: String, deadline: Instant) -> Fact<Arc<Object>> {
        let Some(source) = &self.sources.namespaces else {
            return Fact::Unknown("nobody is asked for it".to_owned());
        };
        let source = Arc::clone(source);
        let (found, _) = self.namespaces.get(name, deadline, |name| source.namespace(name)).await;
        found.map_or_else(Fact::Unknown, Fact::Known)
    }
}

/// About how many values it takes.
fn weight(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Map(fields) => 1 + fields.iter().map(|field| weight(&field.node)).sum::<usize>(),
        _ => 1,
    }
}

/// A place among those who judge, given back also by a thread that panics.
struct Permit(Arc<Service>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.workers.add_permits(1);
    }
}

fn described(review: &Review) -> String {
    let operation = match review.operation {
        crate::review::Operation::Create => "CREATE",
        crate::review::Operation::Update => "UPDATE",
        crate::review::Operation::Delete => "DELETE",
        crate::review::Operation::Connect => "CONNECT",
    };
    let Review { group, resource, sub_resource, namespace, name, .. } = review;
    let mut text = format!("{operation} ");
    for part in [(group, "/"), (resource, "")] {
        if !part.0.is_empty() {
            text += part.0;
            text += part.1;
        }
    }
    if !sub_resource.is_empty() {
        text += "/";
        text += sub_resource;
    }
    text + " " + namespace + "/" + name
}
