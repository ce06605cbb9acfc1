//! What several roles permit together, held to a plain reading of them.

use super::*;
use crate::selector::Labels;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::json;

/// A role as tests write it. The oracle reads this, the program the JSON of it.
#[derive(Debug, Clone)]
struct Plain {
    permits: Vec<(&'static str, &'static str)>,
    scope: PlainScope,
}

#[derive(Debug, Clone, Default)]
struct PlainScope {
    clusters: Vec<&'static str>,
    namespaces: Vec<&'static str>,
    labels: Vec<(&'static str, &'static str, &'static str)>,
}

#[derive(Debug, Clone)]
struct Thing {
    cluster: Option<&'static str>,
    namespace: Option<&'static str>,
    labels: Vec<(&'static str, &'static str)>,
}

const RESOURCES: [&str; 4] = ["alerts", "workloads", "users", "databases"];

fn scopes() -> impl Strategy<Value = PlainScope> {
    let label = (select(vec!["env", "team"]), select(vec!["=", "!=", "there", "not there"]), select(vec!["a", "b"]));
    (subsequence(vec!["c1", "c2"], 0..=2), subsequence(vec!["n1", "n2"], 0..=2), prop::collection::vec(label, 0..=2))
        .prop_map(|(clusters, namespaces, labels)| PlainScope { clusters, namespaces, labels })
}

fn roles() -> impl Strategy<Value = Vec<Plain>> {
    let permit = (select(RESOURCES.to_vec()), select(vec!["read", "write"]));
    let role = (prop::collection::vec(permit, 0..4), prop_oneof![Just(PlainScope::default()), scopes()])
        .prop_map(|(permits, scope)| Plain { permits, scope });
    prop::collection::vec(role, 0..4)
}

/// All things there are in this small world.
fn things() -> Vec<Option<Thing>> {
    let mut things = vec![None];
    for cluster in [None, Some("c1"), Some("c2")] {
        for namespace in [None, Some("n1"), Some("n2")] {
            for env in [None, Some("a"), Some("b")] {
                for team in [None, Some("a")] {
                    let labels = [("env", env), ("team", team)];
                    let labels =
                        labels.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))).collect();
                    things.push(Some(Thing { cluster, namespace, labels }));
                }
            }
        }
    }
    things
}

fn json_scope(scope: &PlainScope) -> serde_json::Value {
    let labels = scope.labels.iter().map(|(key, kind, value)| match *kind {
        "there" => (*key).to_owned(),
        "not there" => format!("!{key}"),
        sign => format!("{key}{sign}{value}"),
    });
    json!({ "clusters": scope.clusters, "namespaces": scope.namespaces, "labels": labels.collect::<Vec<_>>().join(",") })
}

fn real(roles: &[Plain]) -> Vec<Role> {
    let read = |role: &Plain| {
        let mut permissions = serde_json::Map::new();
        for (resource, access) in &role.permits {
            if let Some(list) = permissions.entry(*resource).or_insert_with(|| json!([])).as_array_mut() {
                list.push(json!(access));
            }
        }
        let role = json!({ "name": "x", "permissions": permissions, "scope": json_scope(&role.scope) });
        serde_json::from_value(role).unwrap()
    };
    roles.iter().map(read).collect()
}

fn principal(roles: &[Plain], limit: Option<(&[Plain], &PlainScope)>) -> Principal {
    let limit = limit
        .map(|(roles, scope)| Limit { roles: real(roles), scope: serde_json::from_value(json_scope(scope)).unwrap() });
    Principal { roles: real(roles), limit, ..Principal::system() }
}

/// Whether a scope holds there, by reading it.
fn holds(scope: &PlainScope, resource: &str, thing: Option<&Thing>) -> bool {
    let has_no_bound = scope.clusters.is_empty() && scope.namespaces.is_empty() && scope.labels.is_empty();
    if has_no_bound {
        return true;
    }
    let Some(thing) = thing else { return false };
    if resource == "users" || resource == "databases" {
        return false;
    }
    let mut all = true;
    if !scope.clusters.is_empty() {
        all &= thing.cluster.is_some() && scope.clusters.iter().any(|cluster| Some(*cluster) == thing.cluster);
    }
    if !scope.namespaces.is_empty() {
        all &= thing.namespace.is_some() && scope.namespaces.iter().any(|it| Some(*it) == thing.namespace);
    }
    for (key, kind, value) in &scope.labels {
        let mut found = None;
        for (name, is) in &thing.labels {
            if name == key {
                found = Some(*is);
            }
        }
        all &= match *kind {
            "=" => found == Some(*value),
            "!=" => found != Some(*value),
            "there" => found.is_some(),
            _ => found.is_none(),
        };
    }
    all
}

/// Whether any single role permits it there, by reading one after the other.
fn oracle(roles: &[Plain], resource: &str, access: &str, thing: Option<&Thing>) -> bool {
    let mut permitted = false;
    for role in roles {
        for permit in &role.permits {
            permitted |= *permit == (resource, access) && holds(&role.scope, resource, thing);
        }
    }
    permitted
}

fn each(mut check: impl FnMut(&'static str, Resource, &'static str, Access, Option<&Thing>, &On<'_>)) {
    for thing in things() {
        let labels: Labels = thing
            .iter()
            .flat_map(|thing| &thing.labels)
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let on = match &thing {
            None => On::Everything,
            Some(thing) => On::Thing { cluster: thing.cluster, namespace: thing.namespace, labels: &labels },
        };
        for name in RESOURCES {
            let resource = *Resource::ALL.iter().find(|resource| resource.as_str() == name).unwrap();
            for (access_name, access) in [("read", Access::Read), ("write", Access::Write)] {
                check(name, resource, access_name, access, thing.as_ref(), &on);
            }
        }
    }
}

proptest! {
    #[test]
    fn several_roles_permit_what_each_does_by_itself(roles in roles()) {
        let principal = principal(&roles, None);
        each(|name, resource, access_name, access, thing, on| {
            let may = principal.may(resource, access, on);
            assert_eq!(may, oracle(&roles, name, access_name, thing), "{name} {access_name} {thing:?}");
            assert!(!may || principal.may_somewhere(resource, access));
        });
    }

    #[test]
    fn a_token_permits_no_more_than_owner_token_and_scope(owner in roles(), token in roles(), scope in scopes()) {
        let by_token = principal(&owner, Some((&token, &scope)));
        let by_owner = principal(&owner, None);
        each(|name, resource, access_name, access, thing, on| {
            let expect = oracle(&owner, name, access_name, thing)
                && oracle(&token, name, access_name, thing)
                && holds(&scope, name, thing);
            let may = by_token.may(resource, access, on);
            assert_eq!(may, expect, "{name} {access_name} {thing:?}");
            assert!(!may || (by_owner.may(resource, access, on) && by_token.may_somewhere(resource, access)));
        });
    }

    #[test]
    fn what_is_covered_is_had(mine in roles(), limit in roles(), at in scopes(), given in roles(), scope in scopes()) {
        for giver in [principal(&mine, None), principal(&mine, Some((&limit, &at)))] {
            for (plain, role) in given.iter().zip(real(&given)) {
                if !giver.covers(&role, &serde_json::from_value(json_scope(&scope)).unwrap()) {
                    continue;
                }
                each(|name, resource, access_name, access, thing, on| {
                    let gives = oracle(std::slice::from_ref(plain), name, access_name, thing) && holds(&scope, name, thing);
                    assert!(!gives || giver.may(resource, access, on), "{name} {access_name} {thing:?}");
                });
            }
        }
    }
}

#[test]
fn what_is_had_is_covered() {
    let everywhere = Scope::default();
    let scoped = |text: &str| serde_json::from_str::<Scope>(text).unwrap();
    let (admin, viewer) = (Role::built_in(Role::ADMIN).unwrap(), Role::built_in("viewer").unwrap());
    let has = |role: &Role| Principal { roles: vec![role.clone()], ..Principal::system() };
    assert!(has(&admin).covers(&viewer, &everywhere) && has(&viewer).covers(&viewer, &everywhere));
    assert!(!has(&viewer).covers(&admin, &everywhere));
    let in_one = Role { scope: scoped(r#"{"clusters":["c1"],"labels":"env=a"}"#), ..viewer.clone() };
    assert!(has(&in_one).covers(&in_one, &everywhere));
    assert!(!has(&in_one).covers(&viewer, &everywhere));
    assert!(has(&in_one).covers(&viewer, &scoped(r#"{"clusters":["c1"],"namespaces":["n"],"labels":"x, env=a"}"#)));
    assert!(!has(&in_one).covers(&viewer, &scoped(r#"{"clusters":["c1","c2"],"labels":"env=a"}"#)));
}

#[test]
fn nothing_is_permitted_before_the_password_is_changed() {
    let new = Principal { must_change: true, ..Principal::system() };
    each(|_, resource, _, access, _, on| {
        assert!(!new.may(resource, access, on) && !new.may_somewhere(resource, access));
        assert!(matches!(new.demand(resource, access), Err(IdentityError::MustChange)));
    });
}
