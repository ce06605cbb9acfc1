//! The queue.

use crate::{World, at, suite};
use jiff::SignedDuration;
use sekisho_api::Wanted;
use sekisho_api::rows::Job;
use sekisho_store::{NewJob, Store, Taken};

suite!(
    the_one_that_waits_longest_is_taken_first,
    one_that_falls_silent_loses_its_job,
    what_fails_is_tried_again_until_it_is_given_up,
    about_one_thing_there_is_one_job,
    many_workers_take_each_job_once,
);

const LEASE: SignedDuration = SignedDuration::from_secs(30);

fn job(subject: &str, due: i64) -> NewJob {
    NewJob { kind: "scan".to_owned(), subject: subject.to_owned(), payload: format!("of {subject}"), due_at: at(due) }
}

fn progress(job: &Job) -> (u64, u64) {
    (job.done, job.steps)
}

async fn take(store: &Store, now: i64) -> Option<Taken> {
    store.job_take("me", &["scan"], at(now), LEASE).await.unwrap()
}

async fn the_one_that_waits_longest_is_taken_first(world: World) {
    let store = &world.store;
    for (subject, due) in [("b", 20), ("a", 10), ("c", 10)] {
        store.job_put(&job(subject, due), at(0)).await.unwrap();
    }
    assert_eq!(take(store, 9).await, None);
    assert_eq!(store.job_take("me", &["report", "prune"], at(99), LEASE).await.unwrap(), None);
    let mut taken = Vec::new();
    while let Some(next) = take(store, 20).await {
        assert_eq!((next.job.attempt, next.job.leased_until), (1, Some(at(50))));
        taken.push(next.job.subject.clone());
        assert!(store.job_done(&next).await.unwrap());
    }
    assert_eq!(taken, ["a", "c", "b"]);
    assert_eq!(store.job_list(&Wanted::first(10)).await.unwrap().items, []);
}

async fn one_that_falls_silent_loses_its_job(world: World) {
    let store = &world.store;
    store.job_put(&job("a", 0), at(0)).await.unwrap();
    let first = take(store, 0).await.unwrap();
    assert_eq!(take(store, 29).await, None);
    assert!(store.job_extend(&first, (3, 10), at(60)).await.unwrap());
    assert_eq!(progress(&store.job_list(&Wanted::first(10)).await.unwrap().items[0]), (3, 10));
    assert_eq!(take(store, 59).await, None);
    let second = take(store, 60).await.unwrap();
    assert_eq!((second.job.attempt, progress(&second.job)), (2, (0, 0)));
    // The first comes back to itself: nothing that it says counts.
    assert!(!store.job_extend(&first, (4, 10), at(999)).await.unwrap());
    assert!(!store.job_failed(&first, "late", None).await.unwrap());
    assert!(!store.job_done(&first).await.unwrap());
    assert!(store.job_done(&second).await.unwrap());
    assert!(!store.job_done(&second).await.unwrap());
}

async fn what_fails_is_tried_again_until_it_is_given_up(world: World) {
    let store = &world.store;
    store.job_put(&job("a", 0), at(0)).await.unwrap();
    let taken = take(store, 0).await.unwrap();
    assert!(store.job_failed(&taken, "the registry is away", Some(at(10))).await.unwrap());
    assert_eq!(take(store, 9).await, None);
    let taken = take(store, 10).await.unwrap();
    assert_eq!(taken.job.failure.as_deref(), Some("the registry is away"));
    assert!(store.job_failed(&taken, "there is no such image", None).await.unwrap());
    assert_eq!(take(store, 9999).await, None);
    let listed = store.job_list(&Wanted::first(10)).await.unwrap().items;
    assert_eq!(
        (listed[0].given_up, listed[0].attempt, listed[0].failure.as_deref()),
        (true, 2, Some("there is no such image"))
    );
    // Whoever asks anew has it tried anew.
    store.job_put(&job("a", 20), at(20)).await.unwrap();
    assert_eq!(take(store, 20).await.unwrap().job.failure, None);
}

async fn about_one_thing_there_is_one_job(world: World) {
    let store = &world.store;
    store.job_put(&job("a", 50), at(0)).await.unwrap();
    store.job_put(&job("a", 10), at(1)).await.unwrap();
    store.job_put(&NewJob { payload: "later".to_owned(), ..job("a", 90) }, at(2)).await.unwrap();
    let listed = store.job_list(&Wanted::first(10)).await.unwrap().items;
    assert_eq!((listed.len(), listed[0].due_at, &*listed[0].payload), (1, at(10), "later"));
    // What is asked for while somebody is at it is done after that, and not lost with its end.
    let taken = take(store, 10).await.unwrap();
    store.job_put(&job("a", 11), at(11)).await.unwrap();
    assert!(!store.job_done(&taken).await.unwrap());
    assert_eq!(take(store, 11).await.unwrap().job.payload, "of a");
}

async fn many_workers_take_each_job_once(world: World) {
    let store = &world.store;
    for number in 0..40 {
        store.job_put(&job(&format!("{number:02}"), 0), at(0)).await.unwrap();
    }
    let work = |name: String| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Some(next) = store.job_take(&name, &["scan"], at(1), LEASE).await.unwrap() {
                taken.push(next.job.subject);
            }
            taken
        })
    };
    let workers: Vec<_> = (0..4).map(|number| work(format!("worker {number}"))).collect();
    let mut taken = Vec::new();
    for worker in workers {
        taken.extend(worker.await.unwrap());
    }
    taken.sort();
    assert_eq!(taken, (0..40).map(|number| format!("{number:02}")).collect::<Vec<_>>());
}
