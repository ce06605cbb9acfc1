//! Users and roles: who may change whom.

use crate::{GOOD, World, denied, error, new_user, strings};
use sekisho_api::Wanted;
use sekisho_identity::{Access, Denied, Identity, NewUser, On, Principal, Resource, Role};
use std::sync::Arc;
use uuid::Uuid;

fn role(json: &str) -> Role {
    serde_json::from_str(json).unwrap()
}

fn page(after: &str) -> Wanted {
    Wanted { filter: None, after: after.to_owned(), limit: 2 }
}

#[tokio::test]
async fn who_may_write_users_makes_nobody_more_than_they_are() {
    let (world, admin) = World::new().await;
    let identity = &world.identity;
    let desk =
        role(r#"{"name":"desk","permissions":{"users":["read","write"],"roles":["read","write"],"alerts":["read"]}}"#);
    identity.role_put(&admin, &desk).await.unwrap();
    let ann = world.person(&admin, "ann", &["desk"]).await;
    let (own, boss) = (ann.user().unwrap(), admin.user().unwrap());
    let bob = world.person(&admin, "bob", &["viewer"]).await.user().unwrap();

    assert_eq!(error(identity.user_roles(&ann, own, &strings(&["desk", "admin"])).await).0, "beyond");
    assert_eq!(error(identity.user_add(&ann, &new_user("eve", &["viewer"])).await).0, "beyond");
    // Not by taking over who has more, nor by making one's own role more.
    for id in [boss, bob] {
        assert_eq!(error(identity.user_reset(&ann, id).await).0, "beyond");
        assert_eq!(error(identity.user_disable(&ann, id, true).await).0, "beyond");
        assert_eq!(error(identity.user_roles(&ann, id, &[]).await).0, "beyond");
        assert_eq!(error(identity.user_delete(&ann, id).await).0, "beyond");
    }
    let more = role(r#"{"name":"desk","permissions":{"users":["read","write"],"settings":["write"]}}"#);
    assert_eq!(error(identity.role_put(&ann, &more).await).0, "beyond");
    // Within that, they may.
    let part = role(r#"{"name":"part","permissions":{"alerts":["read"]},"scope":{"clusters":["east"]}}"#);
    identity.role_put(&ann, &part).await.unwrap();
    let (eve, _) = identity.user_add(&ann, &new_user("eve", &["part"])).await.unwrap();
    identity.user_roles(&ann, eve.id, &strings(&["desk"])).await.unwrap();
    identity.user_disable(&ann, eve.id, true).await.unwrap();
    identity.user_delete(&ann, eve.id).await.unwrap();
    assert_eq!(error(identity.user_delete(&ann, eve.id).await).0, "absent");
}

#[tokio::test]
async fn who_may_not_is_refused_everything() {
    let (world, admin) = World::new().await;
    let ann = world.person(&admin, "ann", &["analyst"]).await;
    let (identity, own, boss) = (&world.identity, ann.user().unwrap(), admin.user().unwrap());
    for refused in [
        error(identity.user_add(&ann, &new_user("eve", &[])).await),
        error(identity.user_list(&ann, &page("")).await),
        error(identity.user_get(&ann, boss).await),
        error(identity.user_roles(&ann, own, &[]).await),
        error(identity.user_disable(&ann, own, true).await),
        error(identity.user_reset(&ann, boss).await),
        error(identity.user_delete(&ann, Uuid::from_u128(7)).await),
        error(identity.role_list(&ann).await),
        error(identity.role_put(&ann, &role(r#"{"name":"x","permissions":{"alerts":["read"]}}"#)).await),
        error(identity.role_delete(&ann, "x").await),
        error(identity.audit_verify(&ann, None).await),
    ] {
        assert_eq!(refused.0, "forbidden", "{}", refused.1);
    }
    assert_eq!(error(identity.role_list(&ann).await).1, "ann may not read roles");
    assert_eq!(identity.user_get(&ann, own).await.unwrap().name, "ann");
}

#[tokio::test]
async fn somebody_stays_who_may_everything() {
    let (world, admin) = World::new().await;
    let (identity, boss) = (&world.identity, admin.user().unwrap());
    world.robot(&admin, "bot", &["admin"]).await;
    for refused in [
        error(identity.user_roles(&admin, boss, &strings(&["viewer"])).await),
        error(identity.user_disable(&admin, boss, true).await),
        error(identity.user_delete(&admin, boss).await),
    ] {
        assert_eq!(refused.0, "conflict");
        assert!(refused.1.contains("nobody would be left"), "{}", refused.1);
    }
    let ann = world.person(&admin, "ann", &["admin"]).await;
    identity.user_delete(&admin, boss).await.unwrap();
    assert_eq!(error(identity.user_disable(&ann, ann.user().unwrap(), true).await).0, "conflict");
}

#[tokio::test]
async fn who_is_added_has_a_password_for_one_login() {
    let (world, admin) = World::new().await;
    let (ann, once) = world.identity.user_add(&admin, &new_user("Ann", &["viewer"])).await.unwrap();
    let login = world.login("ann", once.unwrap().expose()).await.unwrap();
    assert!(login.must_change && ann.must_change);
    // One that is reset takes the place of that before, and ends what it began.
    let reset = world.identity.user_reset(&admin, ann.id).await.unwrap();
    assert_eq!((&*reset.name, denied(world.who(&login.secret).await)), ("Ann", Denied::Unknown));
    world.settle("ann", reset.password.expose()).await;
    assert_eq!(denied(world.login("ann", reset.password.expose()).await), Denied::Login);
    let bot = world.robot(&admin, "bot", &[]).await;
    assert_eq!(error(world.identity.user_reset(&admin, bot.id).await).0, "invalid");
    for (name, expect) in
        [("ANN", "conflict"), ("", "invalid"), ("a\0b", "invalid"), (&*"a".repeat(1 << 20), "invalid")]
    {
        assert_eq!(error(world.identity.user_add(&admin, &new_user(name, &[])).await).0, expect);
    }
    let many = NewUser { roles: vec!["viewer".to_owned(); 51], ..new_user("eve", &[]) };
    assert_eq!(error(world.identity.user_add(&admin, &many).await).0, "invalid");
    assert_eq!(error(world.identity.user_add(&admin, &new_user("eve", &["nothing"])).await).0, "absent");
    let names = async |after: &str| {
        let listed = world.identity.user_list(&admin, &page(after)).await.unwrap();
        listed.into_iter().map(|user| user.name).collect::<Vec<_>>()
    };
    assert_eq!((names("").await, names("ann").await), (strings(&["admin", "Ann"]), strings(&["bot"])));
}

#[tokio::test]
async fn who_has_the_state_in_hand_helps_who_is_locked_out() {
    let (world, admin) = World::new().await;
    let ann = world.person(&admin, "ann", &["admin"]).await;
    world.identity.user_disable(&ann, admin.user().unwrap(), true).await.unwrap();
    let recovered = world.identity.recover("ADMIN").await.unwrap();
    assert_eq!(denied(world.login("admin", GOOD).await), Denied::Login);
    world.settle("admin", recovered.password.expose()).await;
    world.robot(&ann, "bot", &[]).await;
    for name in ["nobody", "bot"] {
        assert_eq!(error(world.identity.recover(name).await).0, "absent");
    }
    // A new hub over the same state knows whom the other does.
    let other: Arc<Identity> = Arc::new(World::identity(&world.store, &world.clock, 8));
    assert!(other.bootstrap().await.unwrap().is_none());
    assert!(Principal::system().may(Resource::Settings, Access::Write, &On::Everything));
}

#[tokio::test]
async fn roles_of_the_program_are_listed_first() {
    let (world, admin) = World::new().await;
    world.identity.role_put(&admin, &role(r#"{"name":"a","permissions":{"alerts":["read"]}}"#)).await.unwrap();
    let roles = world.identity.role_list(&admin).await.unwrap();
    let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["admin", "analyst", "auditor", "scanner", "viewer", "a"]);
    let built_in = role(r#"{"name":"viewer","permissions":{"alerts":["read"]}}"#);
    assert_eq!(error(world.identity.role_put(&admin, &built_in).await).0, "invalid");
}
