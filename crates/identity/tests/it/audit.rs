//! What is told in the audit log.

use crate::{GOOD, World, denied, error, new_user, strings};
use sekisho_base::clock::Clock as _;
use sekisho_identity::{Denied, NewToken, Outcome, Principal, Role, Scope};
use sekisho_store::AuditFrom;
use serde_json::{Value, json};

#[tokio::test]
async fn each_deed_is_told_once() {
    let (world, admin) = World::new().await;
    let identity = &world.identity;
    let begin = world.store.audit_head().await.unwrap().number;
    let who = admin.who();
    let (ann, once) = identity.user_add(&admin, &new_user("ann", &["viewer"])).await.unwrap();
    assert_eq!(denied(world.login("ann", "wrong horse battery").await), Denied::Login);
    world.settle("ann", once.unwrap().expose()).await;
    let role: Role = serde_json::from_str(r#"{"name":"east","permissions":{"alerts":["read"]}}"#).unwrap();
    identity.role_put(&admin, &role).await.unwrap();
    identity.user_roles(&admin, ann.id, &strings(&["east"])).await.unwrap();
    let expires_at = world.clock.now() + jiff::SignedDuration::from_hours(1);
    let new = NewToken {
        owner: admin.user().unwrap(),
        name: "CI".to_owned(),
        roles: strings(&["viewer"]),
        scope: Scope::default(),
        expires_at,
    };
    let (token, text) = identity.token_add(&admin, &new).await.unwrap();
    let by_token = world.who(&text).await.unwrap();
    identity.token_revoke(&by_token, token.id).await.unwrap();
    identity.user_disable(&admin, ann.id, true).await.unwrap();
    identity.user_delete(&admin, ann.id).await.unwrap();
    identity.role_delete(&admin, "east").await.unwrap();
    identity.record(&admin, "policy.put", "policy:x", Outcome::Refused, json!(["y"])).await.unwrap();
    // What is refused, and what fails, changes nothing and is not told as if it did.
    assert_eq!(error(identity.user_delete(&admin, ann.id).await).0, "absent");
    assert_eq!(error(identity.user_add(&admin, &new_user("ADMIN", &[])).await).0, "conflict");
    assert_eq!(error(identity.user_delete(&admin, admin.user().unwrap()).await).0, "conflict");

    let entries = identity.audit_list(&admin, AuditFrom::After(begin), 100).await.unwrap();
    let (user, own) = (format!("user:{}", ann.id), format!("user:{}", ann.id));
    let token = format!("token:{}", token.id);
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let deed = &entry.deed;
            (&*deed.who, &*deed.action, &*deed.subject, &*deed.outcome)
        })
        .collect();
    assert_eq!(
        told,
        [
            (&*who, "user.add", &*user, "done"),
            ("nobody", "session.login", &user, "refused"),
            (&own, "session.login", &user, "done"),
            (&own, "user.password", &user, "done"),
            (&own, "session.logout", &user, "done"),
            (&who, "role.put", "role:east", "done"),
            (&who, "user.roles", &user, "done"),
            (&who, "token.add", &token, "done"),
            (&token, "token.revoke", &token, "done"),
            (&who, "user.disable", &user, "done"),
            (&who, "user.delete", &user, "done"),
            (&who, "role.delete", "role:east", "done"),
            (&who, "policy.put", "policy:x", "refused"),
        ]
    );
    let detail = |number: usize| serde_json::from_str::<Value>(&entries[number].deed.detail).unwrap();
    assert_eq!(detail(0), json!({ "by": "admin", "name": "ann", "robot": false, "roles": ["viewer"] }));
    assert_eq!((detail(1)["address"].as_str(), detail(1).get("name")), (Some("10.0.0.3"), None));
    assert_eq!(detail(2)["agent"], "agent  日本");
    assert_eq!(detail(12), json!({ "by": "admin", "detail": ["y"] }));
    let verdict = identity.audit_verify(&admin, None).await.unwrap();
    assert_eq!((verdict.broken, verdict.intact.number), (None, begin + 13));
    let all = format!("{entries:?}");
    assert!(!all.contains(GOOD) && !all.contains(&text.expose()[31..74]));
}

#[tokio::test]
async fn what_is_told_is_bounded() {
    let (world, admin) = World::new().await;
    let large = "a\0\n".repeat(1 << 20);
    let number = world.identity.record(&admin, &large, &large, Outcome::Done, json!({ "x": large })).await.unwrap();
    let entries = world.identity.audit_list(&admin, AuditFrom::After(number - 1), 1).await.unwrap();
    let deed = &entries[0].deed;
    assert!(deed.action.len() + deed.subject.len() + deed.detail.len() < 500);
    assert!(deed.detail.contains("left_out_bytes"), "{}", deed.detail);
    assert_eq!(world.identity.audit_verify(&admin, None).await.unwrap().broken, None);
    assert!(world.identity.audit_list(&Principal::system(), AuditFrom::Before(u64::MAX), 1).await.is_ok());
}

#[tokio::test]
async fn who_looks_after_the_log_reads_it() {
    let (world, admin) = World::new().await;
    let (ann, bob) = (world.person(&admin, "ann", &["auditor"]).await, world.person(&admin, "bob", &["analyst"]).await);
    assert!(world.identity.audit_list(&ann, AuditFrom::After(0), 1).await.is_ok());
    assert!(world.identity.audit_verify(&ann, None).await.is_ok());
    assert_eq!(error(world.identity.audit_list(&bob, AuditFrom::After(0), 1).await).0, "forbidden");
}
