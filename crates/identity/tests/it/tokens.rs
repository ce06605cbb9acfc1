//! Tokens: what they let do, and when no more.

use crate::{GOOD, World, denied, error, forged, strings};
use jiff::{SignedDuration, Timestamp};
use sekisho_base::clock::Clock as _;
use sekisho_identity::{Access, Denied, Labels, NewToken, On, Principal, Resource, Role, Scope, Secret};
use uuid::Uuid;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn scope(json: &str) -> Scope {
    serde_json::from_str(json).unwrap()
}

impl World {
    fn token(&self, owner: Uuid, roles: &[&str]) -> NewToken {
        let expires_at = self.clock.now() + HOUR;
        NewToken { owner, name: "CI".to_owned(), roles: strings(roles), scope: Scope::default(), expires_at }
    }

    /// A token of one's own.
    async fn own(&self, by: &Principal, roles: &[&str]) -> (Uuid, Secret) {
        let (token, text) = self.identity.token_add(by, &self.token(by.user().unwrap(), roles)).await.unwrap();
        (token.id, text)
    }
}

fn in_cluster<'a>(cluster: &'a str, labels: &'a Labels) -> On<'a> {
    On::Thing { cluster: Some(cluster), namespace: None, labels }
}

#[tokio::test]
async fn a_token_has_what_its_owner_has_too() {
    let (world, admin) = World::new().await;
    let ann = world.person(&admin, "ann", &["analyst"]).await;
    let id = ann.user().unwrap();
    let (token, text) = world.own(&ann, &["viewer", "scanner"]).await;
    let who = world.who(&text).await.unwrap();
    assert_eq!((who.user(), who.name(), who.who()), (Some(id), "ann", format!("token:{token}")));
    assert_eq!(who.roles(), ["viewer", "scanner"]);
    assert!(who.may(Resource::Inventories, Access::Write, &On::Everything));
    assert!(!who.may(Resource::Alerts, Access::Write, &On::Everything), "the owner may, the token not");
    // What the owner loses the token loses, from the next question on.
    world.identity.user_roles(&admin, id, &strings(&["viewer"])).await.unwrap();
    let who = world.who(&text).await.unwrap();
    assert!(!who.may(Resource::Inventories, Access::Write, &On::Everything));
    assert!(who.may(Resource::Inventories, Access::Read, &On::Everything));
    world.identity.user_roles(&admin, id, &[]).await.unwrap();
    let who = world.who(&text).await.unwrap();
    assert!(Resource::ALL.iter().all(|resource| !who.may_somewhere(*resource, Access::Read)));
    // What it gains the token does not have.
    world.identity.user_roles(&admin, id, &strings(&["admin"])).await.unwrap();
    assert!(!world.who(&text).await.unwrap().may(Resource::Users, Access::Read, &On::Everything));
}

#[tokio::test]
async fn a_token_holds_within_its_scope() {
    let (world, admin) = World::new().await;
    let new = NewToken {
        scope: scope(r#"{"clusters":["east"],"labels":"env in (prod,stage)"}"#),
        ..world.token(admin.user().unwrap(), &["admin"])
    };
    let (_, text) = world.identity.token_add(&admin, &new).await.unwrap();
    let who = world.who(&text).await.unwrap();
    let labels = |env: &str| Labels::from([("env".to_owned(), env.to_owned())]);
    let (prod, test) = (labels("prod"), labels("test"));
    assert!(who.may(Resource::Alerts, Access::Write, &in_cluster("east", &prod)));
    assert!(!who.may(Resource::Alerts, Access::Write, &in_cluster("west", &prod)));
    assert!(!who.may(Resource::Alerts, Access::Write, &in_cluster("east", &test)));
    assert!(!who.may(Resource::Alerts, Access::Write, &On::Everything));
    // Users are in no cluster.
    assert!(!who.may(Resource::Users, Access::Write, &in_cluster("east", &prod)));
    assert_eq!(error(world.identity.user_disable(&who, admin.user().unwrap(), true).await).0, "forbidden");
}

#[tokio::test]
async fn tokens_end_at_once() {
    let (world, admin) = World::new().await;
    let (ann, bob) = (world.person(&admin, "ann", &["viewer"]).await, world.person(&admin, "bob", &["viewer"]).await);
    let (first, revoked) = world.own(&ann, &["viewer"]).await;
    let (_, kept) = world.own(&ann, &["viewer"]).await;
    let (second, of_bob) = world.own(&bob, &["viewer"]).await;
    assert_eq!(error(world.identity.token_revoke(&ann, second).await).0, "forbidden");
    assert_eq!(
        error(world.identity.token_revoke(&ann, Uuid::from_u128(7)).await).0,
        "forbidden",
        "as if it were there"
    );
    assert_eq!(error(world.identity.token_revoke(&admin, Uuid::from_u128(7)).await).0, "absent");
    world.identity.token_revoke(&ann, first).await.unwrap();
    assert_eq!(error(world.identity.token_revoke(&ann, first).await).0, "absent");
    assert_eq!(denied(world.who(&revoked).await), Denied::Revoked);
    // A token may end itself, and no other of its owner.
    let by_token = world.who(&of_bob).await.unwrap();
    let (third, _) = world.own(&bob, &["viewer"]).await;
    assert_eq!(error(world.identity.token_revoke(&by_token, third).await).0, "forbidden");
    world.identity.token_revoke(&by_token, second).await.unwrap();
    assert_eq!(denied(world.who(&of_bob).await), Denied::Revoked);

    // Who does not know the secret is not told what the token is.
    for known in [&revoked, &of_bob] {
        let forged = forged(known, &kept);
        assert_eq!(denied(world.identity.authenticate(&forged).await), Denied::Unknown);
    }
    assert_eq!(denied(world.identity.authenticate(&forged(&revoked, &revoked)).await), Denied::Revoked);
    let id = ann.user().unwrap();
    world.identity.user_disable(&admin, id, true).await.unwrap();
    assert_eq!(denied(world.who(&kept).await), Denied::Disabled);
    world.identity.user_disable(&admin, id, false).await.unwrap();
    world.wait(HOUR - SignedDuration::from_secs(1));
    assert!(world.who(&kept).await.is_ok());
    world.wait(SignedDuration::from_secs(1));
    assert_eq!(denied(world.who(&kept).await), Denied::Expired);

    let admin = world.who(&world.login("admin", GOOD).await.unwrap().secret).await.unwrap();
    let bot = world.robot(&admin, "bot", &["scanner"]).await;
    let (_, text) = world.identity.token_add(&admin, &world.token(bot.id, &["scanner"])).await.unwrap();
    assert!(world.who(&text).await.is_ok());
    world.identity.user_delete(&admin, bot.id).await.unwrap();
    assert_eq!(denied(world.who(&text).await), Denied::Unknown);
}

#[tokio::test]
async fn that_a_token_is_used_is_written_once_a_minute() {
    let (world, admin) = World::new().await;
    let (id, text) = world.own(&admin, &["viewer"]).await;
    let used = async || world.store.token_get(id).await.unwrap().unwrap().used_at;
    assert_eq!(used().await, None);
    let first = world.clock.now();
    world.who(&text).await.unwrap();
    world.wait(SignedDuration::from_secs(59));
    world.who(&text).await.unwrap();
    assert_eq!(used().await, Some(first));
    world.wait(SignedDuration::from_secs(1));
    world.who(&text).await.unwrap();
    assert_eq!(used().await, Some(first + SignedDuration::from_mins(1)));
}

#[tokio::test]
async fn nobody_makes_a_token_that_is_more_than_they_are() {
    let (world, admin) = World::new().await;
    let ann = world.person(&admin, "ann", &["viewer"]).await;
    let bot = world.robot(&admin, "bot", &["scanner"]).await;
    let add = async |by: &Principal, new: NewToken| error(world.identity.token_add(by, &new).await);
    let (id, own) = (ann.user().unwrap(), |roles: &[&str]| world.token(ann.user().unwrap(), roles));
    for (new, expect) in [
        (own(&["admin"]), "beyond"),
        (own(&["viewer", "analyst"]), "beyond"),
        (own(&["nothing"]), "absent"),
        (own(&["Robert'); DROP TABLE token;--"]), "absent"),
        (own(&[]), "invalid"),
        (NewToken { name: "a\0".to_owned(), ..own(&["viewer"]) }, "invalid"),
        (NewToken { expires_at: world.clock.now(), ..own(&["viewer"]) }, "invalid"),
        (NewToken { expires_at: Timestamp::MAX, ..own(&["viewer"]) }, "invalid"),
        (world.token(bot.id, &["scanner"]), "forbidden"),
        (world.token(admin.user().unwrap(), &["viewer"]), "forbidden"),
        (world.token(Uuid::from_u128(7), &["viewer"]), "forbidden"),
    ] {
        assert_eq!(add(&ann, new.clone()).await.0, expect, "{new:?}");
    }
    // Not even who may do everything makes one for another person, or one that is more than its owner.
    for (new, expect) in [
        (world.token(id, &["viewer"]), "invalid"),
        (world.token(bot.id, &["viewer"]), "beyond"),
        (world.token(Uuid::from_u128(7), &["viewer"]), "absent"),
    ] {
        assert_eq!(add(&admin, new.clone()).await.0, expect, "{new:?}");
    }
    // A token makes others only where it may, and none that outlives it.
    let (_, text) = world.own(&ann, &["viewer"]).await;
    let by_token = world.who(&text).await.unwrap();
    assert_eq!(add(&by_token, own(&["viewer"])).await.0, "forbidden");
    let (_, text) = world.own(&admin, &["admin"]).await;
    let by_token = world.who(&text).await.unwrap();
    let later = NewToken { expires_at: world.clock.now() + HOUR + HOUR, ..world.token(bot.id, &["scanner"]) };
    assert!(add(&by_token, later).await.1.contains("outlive"));
    assert!(world.identity.token_add(&by_token, &world.token(bot.id, &["scanner"])).await.is_ok());
    // Nor more than who makes it: not for a robot that is, and not of one's own by a token that is less than oneself.
    let desk = r#"{"name":"desk","permissions":{"tokens":["read","write"]}}"#;
    world.identity.role_put(&admin, &serde_json::from_str(desk).unwrap()).await.unwrap();
    let eve = world.person(&admin, "eve", &["desk"]).await;
    assert_eq!(add(&eve, world.token(bot.id, &["scanner"])).await.0, "beyond");
    let (_, text) = world.own(&admin, &["desk"]).await;
    let lesser = world.who(&text).await.unwrap();
    assert_eq!(add(&lesser, world.token(admin.user().unwrap(), &["admin"])).await.0, "beyond");
    assert!(world.identity.token_add(&lesser, &world.token(admin.user().unwrap(), &["desk"])).await.is_ok());
    // And a password is nothing that a token sets.
    assert_eq!(error(world.identity.password_change(&by_token, GOOD, "another good password").await).0, "invalid");
}

#[tokio::test]
async fn everybody_sees_their_own_tokens() {
    let (world, admin) = World::new().await;
    let ann = world.person(&admin, "ann", &["viewer"]).await;
    let (of_ann, text) = world.own(&ann, &["viewer"]).await;
    world.wait(SignedDuration::from_secs(1));
    let (of_admin, _) = world.own(&admin, &["viewer"]).await;
    let list = async |by: &Principal, owner: Option<Uuid>, after: Option<Uuid>| {
        let listed = world.identity.token_list(by, owner, after, 10).await;
        listed.map(|tokens| tokens.into_iter().map(|token| token.id).collect::<Vec<_>>())
    };
    assert_eq!(list(&ann, ann.user(), None).await.unwrap(), [of_ann]);
    assert_eq!(list(&admin, None, None).await.unwrap(), [of_ann, of_admin]);
    assert_eq!(list(&admin, None, Some(of_ann)).await.unwrap(), [of_admin]);
    let by_token = world.who(&text).await.unwrap();
    for (by, owner) in [(&ann, None), (&ann, admin.user()), (&by_token, ann.user())] {
        assert_eq!(error(list(by, owner, None).await).0, "forbidden");
    }
    assert!(!format!("{:?}", world.identity.token_list(&admin, None, None, 10).await).contains(&text.expose()[31..74]));
}

#[tokio::test]
async fn a_role_that_is_not_there_permits_nothing() {
    let (world, admin) = World::new().await;
    let role: Role =
        serde_json::from_str(r#"{"name":"east","permissions":{"alerts":["read"]},"scope":{"clusters":["east"]}}"#)
            .unwrap();
    world.identity.role_put(&admin, &role).await.unwrap();
    let (id, text) = world.own(&admin, &["east"]).await;
    let none = Labels::new();
    let may = async |cluster: &str| {
        world.who(&text).await.unwrap().may(Resource::Alerts, Access::Read, &in_cluster(cluster, &none))
    };
    assert!(may("east").await && !may("west").await);
    // What a role is changed to holds at once.
    world.identity.role_put(&admin, &Role { scope: scope(r#"{"clusters":["west"]}"#), ..role }).await.unwrap();
    assert!(!may("east").await && may("west").await);
    assert_eq!(error(world.identity.role_delete(&admin, "east").await).0, "conflict");
    world.identity.token_revoke(&admin, id).await.unwrap();
    world.identity.role_delete(&admin, "east").await.unwrap();
    assert_eq!(error(world.identity.role_delete(&admin, "east").await).0, "absent");
    assert_eq!(error(world.identity.role_delete(&admin, "admin").await).0, "absent");
}
