//! Logins and what they hold.

use crate::{GOOD, World, denied, error, forged, from, new_user};
use jiff::SignedDuration;
use sekisho_identity::{Access, Denied, On, Proof, Resource};
use std::sync::Arc;

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

#[tokio::test]
async fn the_first_administrator_has_to_change_the_password() {
    let world = World::empty().await;
    let (one, other) = tokio::join!(world.identity.bootstrap(), world.identity.bootstrap());
    let first: Vec<_> = [one.unwrap(), other.unwrap()].into_iter().flatten().collect();
    let [first] = &first[..] else { panic!("{first:?}") };
    assert_eq!((&*first.name, first.password.expose().len()), ("admin", 22));
    assert!(world.identity.bootstrap().await.unwrap().is_none());

    let login = world.login("Admin", first.password.expose()).await.unwrap();
    let who = world.who(&login.secret).await.unwrap();
    assert!(login.must_change && who.must_change());
    assert!(!who.may(Resource::Users, Access::Read, &On::Everything));
    assert_eq!(error(world.identity.user_add(&who, &new_user("x", &[])).await).0, "must change");
    assert_eq!(error(world.identity.session_list(&who, login.user).await).0, "must change");
    world.identity.password_change(&who, first.password.expose(), GOOD).await.unwrap();
    let who = world.who(&login.secret).await.unwrap();
    assert!(who.may(Resource::Users, Access::Write, &On::Everything));
    assert_eq!((who.name(), who.roles(), who.proof()), ("admin", vec!["admin"], &Proof::Session(login.session)));
    assert_eq!(denied(world.login("admin", first.password.expose()).await), Denied::Login);
    assert!(!world.login("admin", GOOD).await.unwrap().must_change);
    assert!(world.identity.bootstrap().await.unwrap().is_none());
}

#[tokio::test]
async fn who_does_not_know_the_password_is_told_one_thing() {
    let (world, admin) = World::new().await;
    let ann = world.person(&admin, "ann", &["viewer"]).await;
    let bob = world.person(&admin, "bob", &["viewer"]).await;
    world.robot(&admin, "bot", &["scanner"]).await;
    world.identity.user_disable(&admin, bob.user().unwrap(), true).await.unwrap();
    let large = "a".repeat(1 << 20);
    let mut said = Vec::new();
    for (name, password) in [
        ("nobody", GOOD),
        ("ann", "wrong horse battery"),
        ("ann", ""),
        ("ann", &large),
        ("ann\0", GOOD),
        (" ann", GOOD),
        (&large, GOOD),
        ("", ""),
        ("bot", GOOD),
        ("bot", ""),
        ("bob", GOOD),
        ("' OR 1=1 --", GOOD),
    ] {
        let result = world.login(name, password).await;
        assert_eq!(error(result), ("denied", "name or password is wrong".to_owned()), "{name:.20} {password:.20}");
    }
    for entry in world.store.audit_list(sekisho_store::AuditFrom::After(0), 1000).await.unwrap() {
        if entry.deed.outcome == "refused" {
            let detail: serde_json::Value = serde_json::from_str(&entry.deed.detail).unwrap();
            said.push((entry.deed.subject, detail["reason"].as_str().unwrap().to_owned()));
        }
    }
    // Who may read the log is told more, but never what was typed where a name should be.
    let is = |user: String, reason: &str| (user, reason.to_owned());
    let of_ann = || format!("user:{}", ann.user().unwrap());
    assert_eq!(said[0], is("user".to_owned(), "there is no such user"));
    assert_eq!(said[1..4], [0; 3].map(|_| is(of_ann(), "the password is wrong")));
    assert_eq!(said[10], is(format!("user:{}", bob.user().unwrap()), "the user is disabled"));
    assert_eq!(said.len(), 12);
    assert!(said.iter().all(|(subject, _)| subject.len() < 50));
}

#[tokio::test]
async fn names_are_found_in_any_form() {
    let (world, admin) = World::new().await;
    world.person(&admin, "山田.Ｔａｒō", &["viewer"]).await;
    for name in ["山田.tarō", "山田.TARo\u{304}", "山田.Ｔａｒō"] {
        assert!(world.login(name, GOOD).await.is_ok(), "{name}");
    }
    assert_eq!(denied(world.login("山田.taro", GOOD).await), Denied::Login);
    let again = world.identity.user_add(&admin, &new_user("山田.TARŌ", &[])).await;
    assert_eq!(error(again).0, "conflict");
}

#[tokio::test]
async fn who_guesses_has_to_wait() {
    let (world, _) = World::new().await;
    // All at once: none is looked at that would not be one after the other.
    let attempts = (0..40).map(|number| {
        let identity = Arc::clone(&world.identity);
        tokio::spawn(async move { identity.login("admin", "wrong horse battery", &from(500 + number % 2)).await })
    });
    let (mut wrong, mut later) = (0, 0);
    for attempt in attempts.collect::<Vec<_>>() {
        match denied(attempt.await.unwrap()) {
            Denied::Login => wrong += 1,
            Denied::Wait { seconds: 1 } => later += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((wrong, later), (10, 30));
    // Also the one who knows it, from there, but not for long; from elsewhere at once.
    assert!(world.login("ADMIN", GOOD).await.is_ok());
    let there = async || world.identity.login("admin", GOOD, &from(500)).await;
    assert_eq!(denied(there().await), Denied::Wait { seconds: 1 });
    world.wait(SignedDuration::from_millis(400));
    assert_eq!(denied(there().await), Denied::Wait { seconds: 1 });
    world.wait(SignedDuration::from_millis(600));
    assert!(there().await.is_ok());
    // A name that is nobody's waits as well: that tells nothing either.
    let nobody = async || denied(world.identity.login("nobody", GOOD, &from(700)).await);
    for _ in 0..5 {
        assert_eq!(nobody().await, Denied::Login);
    }
    assert_eq!(nobody().await, Denied::Wait { seconds: 1 });
    // From one address, whatever the name.
    for number in 0..20 {
        let name = format!("user{number}");
        assert_eq!(denied(world.identity.login(&name, GOOD, &from(900)).await), Denied::Login);
    }
    assert_eq!(denied(world.identity.login("admin", GOOD, &from(900)).await), Denied::Wait { seconds: 1 });
    assert!(world.login("admin", GOOD).await.is_ok());
}

#[tokio::test]
async fn sessions_end_when_they_are_not_used_and_in_any_case() {
    let (world, _) = World::new().await;
    let login = world.login("admin", GOOD).await.unwrap();
    let (idle, used) = (world.login("admin", GOOD).await.unwrap(), login);
    let seen = async || world.store.session_get(used.session).await.unwrap().unwrap().seen_at;
    let first = seen().await;
    world.wait(SignedDuration::from_secs(59));
    world.who(&used.secret).await.unwrap();
    assert_eq!(seen().await, first, "written once a minute at most");
    world.wait(SignedDuration::from_secs(1));
    world.who(&used.secret).await.unwrap();
    assert_eq!(seen().await.duration_since(first), minutes(1));
    world.wait(minutes(29));
    assert_eq!(denied(world.who(&idle.secret).await), Denied::Expired);
    world.who(&used.secret).await.unwrap();
    // From here on 29, 29, …, and at last 22 minutes: 11 hours and 59 minutes since the login.
    for _ in 0..23 {
        world.wait(minutes(29));
        world.who(&used.secret).await.unwrap();
    }
    world.wait(minutes(22));
    world.who(&used.secret).await.unwrap();
    world.wait(minutes(1));
    assert_eq!(denied(world.who(&used.secret).await), Denied::Expired);
    // A clock that is put back keeps nobody in for ever, and nobody out.
    world.wait(-minutes(60 * 24));
    assert!(world.login("admin", GOOD).await.is_ok());
}

#[tokio::test]
async fn what_has_ended_cannot_be_shown_again() {
    let (world, admin) = World::new().await;
    let ann = world.person(&admin, "ann", &["viewer"]).await;
    let (one, two) = (world.login("ann", GOOD).await.unwrap(), world.login("ann", GOOD).await.unwrap());
    let who = world.who(&one.secret).await.unwrap();
    world.identity.logout(&who).await.unwrap();
    assert_eq!(denied(world.who(&one.secret).await), Denied::Unknown);
    // One's own sessions; those of others only with the permission.
    assert_eq!(world.identity.session_list(&ann, one.user).await.unwrap().len(), 2);
    assert_eq!(error(world.identity.session_list(&ann, admin.user().unwrap()).await).0, "forbidden");
    assert_eq!(error(world.identity.session_end(&ann, admin.user().unwrap(), two.session).await).0, "forbidden");
    assert_eq!(error(world.identity.session_end(&admin, admin.user().unwrap(), two.session).await).0, "absent");
    world.identity.session_end(&admin, one.user, two.session).await.unwrap();
    assert_eq!(denied(world.who(&two.secret).await), Denied::Unknown);
    // Another's secret with this id, and a session shown as a token.
    let three = world.login("ann", GOOD).await.unwrap();
    let own = forged(&three.secret, &three.secret);
    assert!(own == three.secret.expose() && world.identity.authenticate(&own).await.is_ok());
    for forged in [forged(&three.secret, &one.secret), own.replacen("sekisho_session_", "sekisho_", 1)] {
        assert_eq!(denied(world.identity.authenticate(&forged).await), Denied::Unknown);
    }
    let token = sekisho_identity::Secret::new(own.replacen("sekisho_session_", "sekisho_", 1));
    assert_eq!(denied(world.identity.authenticate(&forged(&token, &token)).await), Denied::Unknown);
    assert_eq!(denied(world.identity.authenticate("").await), Denied::Unknown);

    world.identity.user_disable(&admin, one.user, true).await.unwrap();
    assert_eq!(denied(world.who(&three.secret).await), Denied::Unknown);
    world.identity.user_disable(&admin, one.user, false).await.unwrap();
    assert_eq!(denied(world.who(&three.secret).await), Denied::Unknown, "it is over for good");
    assert!(world.login("ann", GOOD).await.is_ok());
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let (world, admin) = World::new().await;
    let ann = world.person(&admin, "ann", &["viewer"]).await;
    let other = world.login("ann", GOOD).await.unwrap();
    let change = async |present: &str, new: &str| world.identity.password_change(&ann, present, new).await;
    assert_eq!(denied(change("wrong horse battery", "another good password").await), Denied::Login);
    assert_eq!(denied(change(&"a".repeat(1 << 20), "another good password").await), Denied::Login);
    for (new, expect) in
        [("short", "fewer than 12"), (GOOD, "the present one"), (&*"a".repeat(1 << 20), "longer than 1024")]
    {
        let (kind, text) = error(change(GOOD, new).await);
        assert!(kind == "invalid" && text.contains(expect), "{text}");
    }
    change(GOOD, "another good password").await.unwrap();
    assert_eq!(denied(world.who(&other.secret).await), Denied::Unknown);
    assert_eq!(world.identity.session_list(&ann, other.user).await.unwrap().len(), 1);
    assert_eq!(denied(world.login("ann", GOOD).await), Denied::Login);
    assert!(world.login("ann", "another good password").await.is_ok());
    // Who has got hold of a session does not guess the password by it for long.
    for _ in 0..5 {
        assert_eq!(denied(change("wrong horse battery", GOOD).await), Denied::Login);
    }
    assert!(matches!(denied(change("another good password", GOOD).await), Denied::Wait { .. }));
}

#[tokio::test]
async fn hashes_of_another_cost_are_made_anew() {
    let (world, _) = World::new().await;
    let hash = async || world.store.user_named("admin").await.unwrap().unwrap().password.unwrap();
    assert!(hash().await.expose().contains("m=8,"));
    let dearer = World::identity(&world.store, &world.clock, 16);
    assert_eq!(denied(dearer.login("admin", "wrong horse battery", &from(1)).await), Denied::Login);
    assert!(hash().await.expose().contains("m=8,"));
    let session = dearer.login("admin", GOOD, &from(1)).await.unwrap();
    let anew = hash().await;
    assert!(anew.expose().contains("m=16,"));
    dearer.login("admin", GOOD, &from(1)).await.unwrap();
    assert_eq!(hash().await, anew);
    assert!(dearer.authenticate(session.secret.expose()).await.is_ok());
}

#[tokio::test]
async fn no_secret_is_kept_or_printed() {
    let (world, admin) = World::new().await;
    let login = world.login("admin", GOOD).await.unwrap();
    let (user, once) = world.identity.user_add(&admin, &new_user("ann", &[])).await.unwrap();
    let once = once.unwrap();
    let hash = world.store.user_named("admin").await.unwrap().unwrap().password.unwrap();
    let printed =
        format!("{login:?} {user:?} {once:?} {admin:?} {:?}", world.identity.user_reset(&admin, user.id).await);
    for secret in [GOOD, login.secret.expose(), once.expose(), hash.expose()] {
        assert!(!printed.contains(secret), "{printed}");
    }
    world.store.close().await;
    let mut kept = Vec::new();
    for file in std::fs::read_dir(world.directory.path()).unwrap() {
        kept.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let has = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("admin") && has(hash.expose()));
    for secret in [GOOD, login.secret.expose(), &login.secret.expose()[39..82], once.expose()] {
        assert!(!has(secret));
    }
}
