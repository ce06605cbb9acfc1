//! What is known of images, asked of whoever knows and kept by digest.

use crate::breaker::Breaker;
use crate::cache::{Cache, Keep};
use futures_util::future::join_all;
use sekisho_model::{Digest, Fact, ImageRef};
use sekisho_policy::ImageFacts;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// An answer that comes later. Errors are reasons for people.
pub type Later<T, E = String> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Why nothing is known of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// The reason.
    pub why: String,
    /// Whether it is the registry that did not answer, or not as it should, whatever the image.
    pub of_registry: bool,
}

impl From<String> for Missed {
    fn from(why: String) -> Self {
        Self { why, of_registry: false }
    }
}

/// Whoever knows images: a registry, and what scans it.
pub trait ImageSource: Send + Sync + 'static {
    /// The digest that the tag of `image` stands for now.
    fn resolve(&self, image: ImageRef) -> Later<Digest, Missed>;
    /// What is known of the image, whose digest is given.
    fn facts(&self, image: ImageRef) -> Later<ImageFacts, Missed>;
}

/// Tags move, so what one stands for is not believed for long.
const TAGS: Keep = Keep {
    found: Duration::from_secs(30),
    stale: Duration::from_hours(24),
    missed: Duration::from_secs(10),
    weight: 10_000,
    lookups: 256,
};

/// What is in a digest stays; what is published of its vulnerabilities does not.
const FACTS: Keep = Keep {
    found: Duration::from_hours(1),
    stale: Duration::from_hours(24),
    missed: Duration::from_secs(30),
    weight: 96 << 20,
    lookups: 64,
};

/// Images of one object that are looked up.
const MOST: usize = 64;

/// What is known of images.
pub struct Images {
    source: Arc<dyn ImageSource>,
    digests: Cache<ImageRef, Digest>,
    facts: Cache<Digest, Arc<ImageFacts>>,
    breaker: Arc<Breaker>,
    pauses: Arc<AtomicU64>,
}

/// What was found of the images of one object, by the names that it gives them.
#[derive(Debug, Default)]
pub struct Looked {
    /// What is known.
    pub facts: BTreeMap<String, Fact<Arc<ImageFacts>>>,
    /// The digests that were judged.
    pub digests: BTreeMap<String, String>,
    /// Answers that were kept, and those that were not.
    pub kept: (usize, usize),
}

impl Images {
    /// What `source` knows.
    pub fn new(source: Arc<dyn ImageSource>) -> Self {
        let (digests, facts) = (Cache::new(TAGS, |_| 1), Cache::new(FACTS, weight));
        Self { source, digests, facts, breaker: Arc::default(), pauses: Arc::default() }
    }

    /// What is known of these images, as far as that comes until `deadline`.
    pub async fn look(&self, names: BTreeMap<String, Option<ImageRef>>, deadline: Instant) -> Looked {
        let mut looked = Looked::default();
        let mut waiting = Vec::new();
        for (place, (name, reference)) in names.into_iter().enumerate() {
            let Some(reference) = reference else {
                let why = format!("{name:?} is no name of an image");
                looked.facts.insert(name, Fact::Unknown(why));
                continue;
            };
            if place >= MOST {
                looked.facts.insert(name, Fact::Unknown(format!("more than {MOST} images are named")));
                continue;
            }
            waiting.push(self.one(name, reference, deadline));
        }
        for (name, fact, digest, kept) in join_all(waiting).await {
            looked.facts.insert(name.clone(), fact);
            looked.digests.extend(digest.map(|digest| (name, digest.to_string())));
            if kept { looked.kept.0 += 1 } else { looked.kept.1 += 1 }
        }
        looked
    }

    async fn one(
        &self,
        name: String,
        reference: ImageRef,
        deadline: Instant,
    ) -> (String, Fact<Arc<ImageFacts>>, Option<Digest>, bool) {
        let digest = if let Some(digest) = reference.digest {
            Ok(digest)
        } else {
            let look = |image: ImageRef| self.asked(image.registry.clone(), self.source.resolve(image));
            self.digests.get(reference.clone(), deadline, look).await.0
        };
        let digest = match digest {
            Ok(digest) => digest,
            Err(why) => return (name, Fact::Unknown(why), None, false),
        };
        let image = ImageRef { digest: Some(digest), tag: String::new(), ..reference };
        let look = |_| {
            let facts = self.asked(image.registry.clone(), self.source.facts(image));
            async move { facts.await.map(Arc::new) }
        };
        let (facts, kept) = self.facts.get(digest, deadline, look).await;
        (name, facts.map_or_else(Fact::Unknown, Fact::Known), Some(digest), kept)
    }

    /// What a registry is asked, unless it failed too often.
    fn asked<T: 'static>(
        &self,
        registry: String,
        work: Later<T, Missed>,
    ) -> impl Future<Output = Result<T, String>> + Send + 'static {
        let (breaker, pauses) = (Arc::clone(&self.breaker), Arc::clone(&self.pauses));
        async move {
            breaker.ask(&registry)?;
            let found = work.await;
            if breaker.took(&registry, !found.as_ref().is_err_and(|missed| missed.of_registry)) {
                pauses.fetch_add(1, Ordering::Relaxed);
            }
            found.map_err(|missed| missed.why)
        }
    }

    /// How many registries nobody asks now since they failed too often, and how often that came so far.
    pub fn paused(&self) -> (u64, u64) {
        (self.breaker.paused() as u64, self.pauses.load(Ordering::Relaxed))
    }

    /// How many images are kept.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// About how many bytes it takes.
fn weight(facts: &Arc<ImageFacts>) -> usize {
    let components = facts.components.iter().map(|it| 200 + it.vulnerabilities.len() * 160).sum::<usize>();
    let lines = match &facts.lines {
        Fact::Known(lines) => lines.len(),
        _ => 0,
    };
    let labels = match &facts.labels {
        Fact::Known(labels) => labels.len(),
        _ => 0,
    };
    1024 + components + lines * 200 + labels * 100
}
