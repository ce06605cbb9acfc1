//! Routes of logins, users, tokens, roles and the audit log. Who may do what is looked at by `sekisho_identity`.

use super::Api;
use super::answer::{Refusal, Reply, document, done, made};
use super::asked::{Listed, Named};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use sekisho_api::Wanted;
use sekisho_api::access::{
    AuditEntry, AuditVerdict, Hidden, Me, NewPassword, NewSession, NewToken, NewUser, RoleEntry, SessionMade,
    TokenEntry, TokenMade, UserEntry, UserMade,
};
use sekisho_api::page::Page;
use sekisho_identity::{Origin, Principal, Scope};
use sekisho_model::Code;
use sekisho_net::server::Peer;
use sekisho_store::{AuditFrom, Token, User};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use uuid::Uuid;

type Hub = State<Arc<Api>>;
type By = Extension<Principal>;

/// Bytes of what a program calls itself.
const AGENT: usize = 200;

pub(super) async fn session_add(State(api): Hub, request: Request<Body>) -> Reply {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let agent = agent.chars().take(AGENT).collect();
    // Whoever has no address, as in tests, shares one.
    let from = Origin { address: peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), agent };
    let asked: NewSession = api.read(request).await?;
    let login = api.identity.login(&asked.name, &asked.password.0, &from).await?;
    made(&SessionMade {
        token: Hidden(login.secret.expose().to_owned()),
        must_change: login.must_change,
        expires_at: login.expires_at,
    })
}

pub(super) async fn session_end(State(api): Hub, Extension(by): By) -> Reply {
    api.identity.logout(&by).await?;
    Ok(done())
}

pub(super) async fn me_get(Extension(by): By, asked: HeaderMap) -> Reply {
    document(
        &asked,
        &Me {
            user: by.user().map(|id| id.to_string()),
            name: by.name().to_owned(),
            roles: by.roles().into_iter().map(str::to_owned).collect(),
            must_change: by.must_change(),
            ends_at: by.ends_at(),
        },
    )
}

pub(super) async fn password_put(State(api): Hub, Extension(by): By, request: Request<Body>) -> Reply {
    let asked: NewPassword = api.read(request).await?;
    api.identity.password_change(&by, &asked.present.0, &asked.new.0).await?;
    Ok(done())
}

pub(super) async fn user_list(State(api): Hub, Extension(by): By, asked: HeaderMap, list: Listed) -> Reply {
    let users = api.identity.user_list(&by, &one_more(&list.wanted)).await?;
    let keyed = users.into_iter().map(|user| (user.folded.clone(), user_entry(user))).collect();
    document(&asked, &page(keyed, &list.wanted))
}

pub(super) async fn user_add(State(api): Hub, Extension(by): By, request: Request<Body>) -> Reply {
    let NewUser { name, robot, roles } = api.read(request).await?;
    let new = sekisho_identity::NewUser { name, robot, roles };
    let (user, password) = api.identity.user_add(&by, &new).await?;
    let password = password.map(|password| Hidden(password.expose().to_owned()));
    made(&UserMade { user: user_entry(user), password })
}

pub(super) async fn user_delete(State(api): Hub, Extension(by): By, Named(id): Named) -> Reply {
    api.identity.user_delete(&by, read_id(&id)?).await?;
    Ok(done())
}

pub(super) async fn token_list(State(api): Hub, Extension(by): By, asked: HeaderMap, list: Listed) -> Reply {
    use sekisho_api::permission::{Access, Resource};
    let owner = if by.demand(Resource::Tokens, Access::Read).is_ok() { None } else { by.user() };
    let after = if list.wanted.after.is_empty() { None } else { Some(read_id(&list.wanted.after)?) };
    let tokens = api.identity.token_list(&by, owner, after, list.wanted.limit + 1).await?;
    let keyed = tokens.into_iter().map(|token| (token.id.to_string(), token_entry(token))).collect();
    document(&asked, &page(keyed, &list.wanted))
}

pub(super) async fn token_add(State(api): Hub, Extension(by): By, request: Request<Body>) -> Reply {
    let asked: NewToken = api.read(request).await?;
    let owner = match (&asked.owner, by.user()) {
        (Some(owner), _) => read_id(owner)?,
        (None, Some(user)) => user,
        (None, None) => return Err(Refusal::new(Code::RequestMalformed, "say whose the token is to be: `owner`")),
    };
    let scope = match asked.scope {
        None => Scope::default(),
        Some(scope) => serde_json::from_value(scope)
            .map_err(|error| Refusal::new(Code::RequestMalformed, format!("`scope` cannot be read: {error}")))?,
    };
    let new =
        sekisho_identity::NewToken { owner, name: asked.name, roles: asked.roles, scope, expires_at: asked.expires_at };
    let (token, text) = api.identity.token_add(&by, &new).await?;
    made(&TokenMade { token: Hidden(text.expose().to_owned()), entry: token_entry(token) })
}

pub(super) async fn token_revoke(State(api): Hub, Extension(by): By, Named(id): Named) -> Reply {
    api.identity.token_revoke(&by, read_id(&id)?).await?;
    Ok(done())
}

pub(super) async fn role_list(State(api): Hub, Extension(by): By, asked: HeaderMap, list: Listed) -> Reply {
    let entry = |role: sekisho_identity::Role| RoleEntry {
        scope: (!role.scope.is_everything()).then(|| serde_json::to_value(&role.scope).unwrap_or(Value::Null)),
        permissions: role.permissions,
        name: role.name,
    };
    // There are few.
    let roles = api.identity.role_list(&by).await?;
    let passed = roles.iter().position(|role| role.name == list.wanted.after).map_or(0, |place| place + 1);
    let rest = roles.into_iter().skip(passed).take(list.wanted.limit as usize + 1);
    document(&asked, &page(rest.map(|role| (role.name.clone(), entry(role))).collect(), &list.wanted))
}

pub(super) async fn audit_list(State(api): Hub, Extension(by): By, asked: HeaderMap, list: Listed) -> Reply {
    let before = list.wanted.after.parse().unwrap_or(u64::MAX);
    let entries = api.identity.audit_list(&by, AuditFrom::Before(before), list.wanted.limit + 1).await?;
    let keyed = entries.into_iter().map(|entry| {
        let sekisho_store::AuditEntry { number, deed, previous, hash } = entry;
        let (who, action, subject, outcome, detail) = (deed.who, deed.action, deed.subject, deed.outcome, deed.detail);
        let entry = AuditEntry { number, at: deed.at, who, action, subject, outcome, detail, previous, hash };
        (number.to_string(), entry)
    });
    document(&asked, &page(keyed.collect(), &list.wanted))
}

pub(super) async fn audit_verify(State(api): Hub, Extension(by): By, asked: HeaderMap) -> Reply {
    let verdict = api.identity.audit_verify(&by, None).await?;
    let broken = verdict.broken.map(|(number, why)| format!("entry {number}: {why}"));
    document(&asked, &AuditVerdict { intact: verdict.intact.number, hash: verdict.intact.hash, broken })
}

fn read_id(text: &str) -> Result<Uuid, Refusal> {
    text.parse().map_err(|_| Refusal::new(Code::RequestMalformed, format!("{text:?} is no id")))
}

/// One entry more than is wanted tells whether there are more.
fn one_more(wanted: &Wanted) -> Wanted {
    Wanted { limit: wanted.limit + 1, ..wanted.clone() }
}

/// Entries with their keys as a part of a list.
fn page<T>(keyed: Vec<(String, T)>, wanted: &Wanted) -> Page<T> {
    let Page { items, next } = Page::cut(keyed, wanted.limit, |(key, _)| key.clone());
    Page { items: items.into_iter().map(|(_, entry)| entry).collect(), next }
}

fn user_entry(user: User) -> UserEntry {
    UserEntry {
        id: user.id.to_string(),
        name: user.name,
        robot: user.robot,
        roles: user.roles,
        disabled: user.disabled,
        must_change: user.must_change,
        created_at: user.created_at,
    }
}

fn token_entry(token: Token) -> TokenEntry {
    TokenEntry {
        id: token.id.to_string(),
        owner: token.owner.to_string(),
        name: token.name,
        roles: token.roles,
        scope: serde_json::from_str(&token.scope).unwrap_or(Value::Null),
        created_at: token.created_at,
        expires_at: token.expires_at,
        used_at: token.used_at,
        revoked_at: token.revoked_at,
    }
}
