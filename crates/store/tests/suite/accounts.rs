//! Users, and what they show who they are by.

use crate::{World, at, suite};
use sekisho_api::Wanted;
use sekisho_base::Secret;
use sekisho_store::{AuditFrom, Changed, Deed, Session, Store, StoredRole, Token, User, UserChange};
use uuid::Uuid;

suite!(
    a_name_is_one_users,
    only_one_is_the_first,
    somebody_stays_who_may_everything,
    a_changed_password_ends_sessions,
    a_session_needs_the_password_that_was_verified,
    sessions_end,
    tokens_are_kept_until_their_owner_goes,
    a_role_that_somebody_has_stays,
);

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn deed(action: &str) -> Deed {
    Deed {
        at: at(7),
        who: "system".to_owned(),
        action: action.to_owned(),
        subject: "somebody".to_owned(),
        outcome: "done".to_owned(),
        detail: "{}".to_owned(),
    }
}

fn user(number: u128, name: &str, roles: &[&str]) -> User {
    User {
        id: Uuid::from_u128(number),
        name: name.to_owned(),
        folded: name.to_lowercase(),
        robot: false,
        password: Some(secret("old")),
        must_change: true,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        disabled: false,
        created_at: at(1),
    }
}

fn session(number: u128, user: &User, from: i64, until: i64) -> Session {
    Session {
        id: Uuid::from_u128(number),
        user: user.id,
        secret: secret("hash"),
        address: "192.0.2.1".to_owned(),
        agent: "agent 日本".to_owned(),
        created_at: at(from),
        seen_at: at(from),
        ends_at: at(until),
        expires_at: at(9999),
    }
}

async fn add(store: &Store, user: &User) {
    assert!(store.user_add(user, false, &deed("user.add")).await.unwrap());
}

async fn begin(store: &Store, session: &Session) {
    assert!(store.session_add(session, &secret("old"), None, &deed("session.login")).await.unwrap());
}

async fn change(store: &Store, user: &User, change: UserChange) -> Changed {
    store.user_change(user.id, &change, "admin", &deed("user.change")).await.unwrap()
}

/// How many entries the audit log has.
async fn told(store: &Store) -> usize {
    store.audit_list(AuditFrom::After(0), 1000).await.unwrap().len()
}

async fn a_name_is_one_users(world: World) {
    let store = &world.store;
    let (ann, robot) =
        (user(1, "Ann", &["admin", "日本"]), User { robot: true, password: None, ..user(2, "bot", &[]) });
    add(store, &ann).await;
    add(store, &robot).await;
    assert!(!store.user_add(&user(3, "ANN", &[]), false, &deed("user.add")).await.unwrap());
    // What was not done is not told.
    assert_eq!(told(store).await, 2);
    assert_eq!(store.user_get(ann.id).await.unwrap(), Some(ann.clone()));
    assert_eq!(store.user_named("bot").await.unwrap(), Some(robot.clone()));
    assert_eq!(store.user_named("BOT").await.unwrap(), None);
    assert_eq!(store.user_get(Uuid::from_u128(3)).await.unwrap(), None);
    let list = async |after: &str, limit| {
        store.user_list(&Wanted { after: after.to_owned(), ..Wanted::first(limit) }).await.unwrap()
    };
    assert_eq!(list("", 1).await, [ann]);
    assert_eq!(list("ann", 5).await, [robot]);
}

async fn only_one_is_the_first(world: World) {
    let attempts = (1..=4).map(|number| {
        let store = world.store.clone();
        tokio::spawn(async move {
            store.user_add(&user(number, &format!("u{number}"), &[]), true, &deed("user.add")).await.unwrap()
        })
    });
    let mut added = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        added += usize::from(attempt.await.unwrap());
    }
    assert_eq!((added, told(&world.store).await), (1, 1));
}

async fn somebody_stays_who_may_everything(world: World) {
    let store = &world.store;
    let (ann, bob) = (user(1, "ann", &["viewer", "admin"]), user(2, "bob", &["admin"]));
    add(store, &ann).await;
    // A robot cannot log in, and a name in a name is none.
    add(store, &User { robot: true, ..user(3, "bot", &["admin"]) }).await;
    add(store, &user(4, "eve", &["admin-of-nothing"])).await;
    let lose = || UserChange::Roles(vec!["viewer".to_owned()]);
    for needed in [
        change(store, &ann, lose()).await,
        change(store, &ann, UserChange::Disabled(true)).await,
        store.user_delete(ann.id, "admin", &deed("user.delete")).await.unwrap(),
    ] {
        assert_eq!(needed, Changed::Needed);
    }
    assert_eq!(store.user_get(ann.id).await.unwrap(), Some(ann.clone()));
    assert_eq!(told(store).await, 3);
    add(store, &bob).await;
    assert_eq!(change(store, &ann, lose()).await, Changed::Done);
    assert_eq!(change(store, &bob, UserChange::Disabled(true)).await, Changed::Needed);
    assert_eq!(store.user_delete(ann.id, "admin", &deed("user.delete")).await.unwrap(), Changed::Done);
    assert_eq!(store.user_delete(ann.id, "admin", &deed("user.delete")).await.unwrap(), Changed::Absent);
    assert_eq!(change(store, &ann, lose()).await, Changed::Absent);
}

async fn a_changed_password_ends_sessions(world: World) {
    let store = &world.store;
    let (ann, bob) = (user(1, "ann", &["admin"]), user(2, "bob", &[]));
    add(store, &ann).await;
    add(store, &bob).await;
    let (first, second, other) = (session(11, &ann, 10, 99), session(12, &ann, 11, 99), session(13, &bob, 10, 99));
    for session in [&first, &second, &other] {
        begin(store, session).await;
    }
    let password =
        |hash: &str, by: Option<(Uuid, Secret)>| UserChange::Password { hash: secret(hash), must_change: false, by };
    // Of two who change it at once, the second changes nothing.
    assert_eq!(change(store, &ann, password("new", Some((first.id, secret("stale"))))).await, Changed::Absent);
    assert_eq!(change(store, &ann, password("new", Some((first.id, secret("old"))))).await, Changed::Done);
    assert_eq!(store.session_list(ann.id, at(20), 10).await.unwrap(), *std::slice::from_ref(&first));
    assert_eq!(store.session_list(bob.id, at(20), 10).await.unwrap(), *std::slice::from_ref(&other));
    let kept = store.user_get(ann.id).await.unwrap().unwrap();
    assert_eq!((kept.password, kept.must_change), (Some(secret("new")), false));
    // One that somebody else sets ends all.
    assert_eq!(change(store, &ann, password("reset", None)).await, Changed::Done);
    assert_eq!(store.session_get(first.id).await.unwrap(), None);
    assert_eq!(change(store, &bob, UserChange::Roles(vec!["viewer".to_owned()])).await, Changed::Done);
    assert_eq!(store.session_get(other.id).await.unwrap(), Some(other.clone()));
    assert_eq!(change(store, &bob, UserChange::Disabled(true)).await, Changed::Done);
    assert_eq!(store.session_get(other.id).await.unwrap(), None);
}

async fn a_session_needs_the_password_that_was_verified(world: World) {
    let store = &world.store;
    let (ann, bob) = (user(1, "ann", &[]), User { disabled: true, ..user(2, "bob", &[]) });
    add(store, &ann).await;
    add(store, &bob).await;
    let begin = async |session: &Session, verified: &str, hash: Option<&str>| {
        let (verified, hash) = (secret(verified), hash.map(secret));
        store.session_add(session, &verified, hash.as_ref(), &deed("session.login")).await.unwrap()
    };
    assert!(begin(&session(11, &ann, 1, 99), "old", Some("old, hashed anew")).await);
    // A login with the old hash that ends after the new one was kept is tried again.
    assert!(!begin(&session(12, &ann, 1, 99), "old", None).await);
    assert!(!begin(&session(13, &bob, 1, 99), "old", None).await);
    assert!(!begin(&session(14, &user(9, "nobody", &[]), 1, 99), "old", None).await);
    assert_eq!(store.user_get(ann.id).await.unwrap().unwrap().password, Some(secret("old, hashed anew")));
    assert_eq!(told(store).await, 3);
}

async fn sessions_end(world: World) {
    let store = &world.store;
    let (ann, bob) = (user(1, "ann", &[]), user(2, "bob", &[]));
    add(store, &ann).await;
    add(store, &bob).await;
    let (first, second) = (session(11, &ann, 10, 20), session(12, &ann, 10, 30));
    begin(store, &first).await;
    begin(store, &second).await;
    assert_eq!(store.session_list(ann.id, at(19), 10).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(store.session_list(ann.id, at(20), 10).await.unwrap(), *std::slice::from_ref(&second));
    store.session_seen(second.id, at(25), at(35)).await.unwrap();
    // What a slower hub says later takes nothing back.
    store.session_seen(second.id, at(24), at(34)).await.unwrap();
    let seen = Session { seen_at: at(25), ends_at: at(35), ..second.clone() };
    assert_eq!(store.session_get(second.id).await.unwrap(), Some(seen));
    // The next login clears away what has ended.
    begin(store, &session(13, &bob, 32, 40)).await;
    assert_eq!(store.session_get(first.id).await.unwrap(), None);
    assert!(!store.session_delete(second.id, bob.id, &deed("session.logout")).await.unwrap());
    assert!(store.session_delete(second.id, ann.id, &deed("session.logout")).await.unwrap());
    assert!(!store.session_delete(second.id, ann.id, &deed("session.logout")).await.unwrap());
}

async fn tokens_are_kept_until_their_owner_goes(world: World) {
    let store = &world.store;
    let (ann, bob) = (user(1, "ann", &[]), user(2, "bob", &[]));
    add(store, &ann).await;
    add(store, &bob).await;
    let token = |number: u128, owner: &User| Token {
        id: Uuid::from_u128(number),
        owner: owner.id,
        name: "CI 日本".to_owned(),
        secret: secret("hash"),
        roles: vec!["scanner".to_owned()],
        scope: "{}".to_owned(),
        created_at: at(1),
        expires_at: at(100),
        used_at: None,
        revoked_at: None,
    };
    let (first, second, third) = (token(11, &ann), token(12, &bob), token(13, &ann));
    for token in [&third, &first, &second] {
        assert!(store.token_add(token, &deed("token.add")).await.unwrap());
    }
    assert!(!store.token_add(&token(14, &user(9, "nobody", &[])), &deed("token.add")).await.unwrap());
    let list = async |owner, after, limit| store.token_list(owner, Uuid::from_u128(after), limit).await.unwrap();
    assert_eq!(list(None, 0, 2).await, [first.clone(), second.clone()]);
    assert_eq!(list(None, 12, 2).await, *std::slice::from_ref(&third));
    assert_eq!(list(Some(ann.id), 0, 5).await, [first.clone(), third.clone()]);
    store.token_used(first.id, at(50)).await.unwrap();
    store.token_used(first.id, at(40)).await.unwrap();
    assert!(store.token_revoke(first.id, &deed("token.revoke")).await.unwrap());
    assert!(!store.token_revoke(first.id, &deed("token.revoke")).await.unwrap());
    let used = Token { used_at: Some(at(50)), revoked_at: Some(at(7)), ..first.clone() };
    assert_eq!(store.token_get(first.id).await.unwrap(), Some(used));
    assert_eq!(store.user_delete(ann.id, "admin", &deed("user.delete")).await.unwrap(), Changed::Done);
    assert_eq!(list(None, 0, 9).await, [second]);
}

async fn a_role_that_somebody_has_stays(world: World) {
    let store = &world.store;
    let role = |name: &str, document: &str| StoredRole { name: name.to_owned(), document: document.to_owned() };
    let deed = deed("role.put");
    store.role_put(&role("team-b", "{}"), &deed).await.unwrap();
    store.role_put(&role("team-a", "{}"), &deed).await.unwrap();
    store.role_put(&role("team-a", "{\"new\":1}"), &deed).await.unwrap();
    let (a, b) = (role("team-a", "{\"new\":1}"), role("team-b", "{}"));
    assert_eq!(store.role_list().await.unwrap(), [a.clone(), b.clone()]);
    assert_eq!(store.role_named(&["team-b", "absent"]).await.unwrap(), [b]);
    assert_eq!(store.role_named(&[]).await.unwrap(), []);
    add(store, &user(1, "ann", &["viewer", "team-a"])).await;
    let delete = async |name: &str| store.role_delete(name, &deed).await.unwrap();
    assert_eq!(delete("team-a").await, Changed::Needed);
    assert_eq!(store.role_named(&["team-a"]).await.unwrap(), [a]);
    // `team` is no part of `team-a`.
    store.role_put(&role("team", "{}"), &deed).await.unwrap();
    assert_eq!(delete("team").await, Changed::Done);
    assert_eq!(delete("team").await, Changed::Absent);
    assert_eq!(delete("team-b").await, Changed::Done);
}
