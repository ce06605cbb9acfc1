//! The audit log: one chain, whoever writes to it, and what is seen of changes to it.

use crate::{World, at, suite};
use sekisho_store::{AuditFrom, AuditHead, Deed, Store};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

suite!(
    what_is_added_comes_back_in_both_orders,
    many_who_write_make_one_chain,
    a_log_of_many_parts_is_looked_through,
    what_is_changed_is_seen,
    what_is_gone_from_the_end_is_seen,
    a_log_that_was_made_anew_is_seen_by_who_noted_it,
);

fn deed(second: i64, subject: &str) -> Deed {
    Deed {
        at: at(second),
        who: "user:1".to_owned(),
        action: "user.add".to_owned(),
        subject: subject.to_owned(),
        outcome: "done".to_owned(),
        detail: r#"{"name":"\u0000 日本"}"#.to_owned(),
    }
}

async fn write(store: &Store, count: i64) {
    for second in 1..=count {
        store.audit_add(&deed(second, &format!("user:{second}"))).await.unwrap();
    }
}

/// Does to the tables what only somebody with the database in hand can do.
async fn tamper(world: &World, sql: &'static str) {
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&world.url).await.unwrap();
    assert!(connection.execute(AssertSqlSafe(sql)).await.unwrap().rows_affected() > 0, "{sql}");
    connection.close().await.unwrap();
}

async fn broken(store: &Store, noted: Option<&AuditHead>) -> Option<(u64, String)> {
    store.audit_verify(noted).await.unwrap().broken
}

async fn what_is_added_comes_back_in_both_orders(world: World) {
    let store = &world.store;
    let empty = AuditHead { number: 0, hash: "0".repeat(64) };
    assert_eq!(store.audit_head().await.unwrap(), empty);
    assert_eq!(store.audit_verify(None).await.unwrap().intact, empty);
    // PostgreSQL keeps no NUL: what is hashed is what is kept.
    assert_eq!(store.audit_add(&deed(1, "a\0b")).await.unwrap(), 1);
    assert_eq!(store.audit_add(&deed(1, "second")).await.unwrap(), 2);
    assert_eq!(store.audit_add(&deed(0, "third")).await.unwrap(), 3);
    let list = async |from| store.audit_list(from, 2).await.unwrap();
    let (first, last) = (list(AuditFrom::After(0)).await, list(AuditFrom::Before(u64::MAX)).await);
    assert_eq!(first.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(last.iter().map(|entry| entry.number).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(list(AuditFrom::After(2)).await, last[..1]);
    assert_eq!(list(AuditFrom::Before(2)).await, first[..1]);
    assert_eq!((first[0].deed.clone(), first[0].previous.clone()), (deed(1, "a\u{fffd}b"), "0".repeat(64)));
    // As the documentation of the hash says, made once by another program.
    assert_eq!(first[1].previous, "7a1c5b267492eee63e88a6be754ab6529fc0787d85939bd5908a124bd34354bd");
    let verdict = store.audit_verify(None).await.unwrap();
    assert_eq!((verdict.broken, &verdict.intact), (None, &store.audit_head().await.unwrap()));
    assert_eq!(verdict.intact.hash, last[0].hash);
}

async fn many_who_write_make_one_chain(world: World) {
    // Two hubs, each with several who write.
    let hubs = [world.store.clone(), Store::open(&world.url).await.unwrap()];
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = hubs[writer % 2].clone();
            tokio::spawn(async move { write(&store, 10).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let verdict = world.store.audit_verify(None).await.unwrap();
    assert_eq!((verdict.intact.number, verdict.broken), (80, None));
}

async fn a_log_of_many_parts_is_looked_through(world: World) {
    let store = &world.store;
    write(store, 1_003).await;
    assert_eq!(store.audit_verify(None).await.unwrap().intact.number, 1_003);
    tamper(&world, "UPDATE audit SET detail = '{}' WHERE number = 1002").await;
    let verdict = store.audit_verify(None).await.unwrap();
    assert_eq!((verdict.intact.number, verdict.broken.unwrap().0), (1_001, 1_002));
}

async fn what_is_changed_is_seen(world: World) {
    let store = &world.store;
    write(store, 5).await;
    for (change, back, expect) in [
        ("UPDATE audit SET who = 'user:2' WHERE number = 3", "UPDATE audit SET who = 'user:1' WHERE number = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE number = 3", "UPDATE audit SET at = at - 1 WHERE number = 3", 3),
        // What moves from one field to the next is no other text as a whole.
        (
            "UPDATE audit SET who = 'user:1u', action = 'ser.add' WHERE number = 2",
            "UPDATE audit SET who = 'user:1', action = 'user.add' WHERE number = 2",
            2,
        ),
        ("UPDATE audit SET number = 9 WHERE number = 4", "UPDATE audit SET number = 4 WHERE number = 9", 4),
        ("UPDATE audit_head SET number = 4", "UPDATE audit_head SET number = 5", 5),
        (
            "UPDATE audit_head SET hash = 'x'",
            "UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE number = 5)",
            5,
        ),
    ] {
        assert_eq!(broken(store, None).await, None);
        tamper(&world, change).await;
        assert_eq!(broken(store, None).await.unwrap().0, expect, "{change}");
        tamper(&world, back).await;
    }
    tamper(&world, "DELETE FROM audit WHERE number = 2").await;
    assert_eq!(broken(store, None).await, Some((2, "it is not there; the next one is 3".to_owned())));
}

async fn what_is_gone_from_the_end_is_seen(world: World) {
    let store = &world.store;
    write(store, 3).await;
    tamper(&world, "DELETE FROM audit WHERE number = 3").await;
    assert_eq!(broken(store, None).await, Some((3, "it is not there, though 3 were written".to_owned())));
    // Nothing is written over it, and what was to be done is not done untold.
    store.audit_add(&deed(9, "x")).await.unwrap();
    assert_eq!(broken(store, None).await.unwrap().0, 3);
    tamper(&world, "DELETE FROM audit_head").await;
    let error = store.audit_add(&deed(9, "x")).await.unwrap_err();
    assert!(error.to_string().contains("nothing says which entry is the last"), "{error}");
}

async fn a_log_that_was_made_anew_is_seen_by_who_noted_it(world: World) {
    let store = &world.store;
    write(store, 3).await;
    let noted = store.audit_head().await.unwrap();
    assert_eq!(broken(store, Some(&noted)).await, None);
    tamper(&world, "DELETE FROM audit").await;
    tamper(
        &world,
        "UPDATE audit_head SET number = 0, hash = '0000000000000000000000000000000000000000000000000000000000000000'",
    )
    .await;
    write(store, 2).await;
    assert_eq!(broken(store, None).await, None);
    assert_eq!(broken(store, Some(&noted)).await, Some((3, "it is not there, though entry 3 was noted".to_owned())));
    store.audit_add(&deed(9, "other")).await.unwrap();
    let (number, why) = broken(store, Some(&noted)).await.unwrap();
    assert_eq!((number, &*why), (3, "it has another hash than the one that was noted"));
}
