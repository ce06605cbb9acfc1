//! The routes, each a few lines: what is asked of the state, and how it is answered.

use super::Api;
use super::answer::{Refusal, Reply, document, done};
use super::asked::{Listed, Named};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use jiff::SignedDuration;
use sekisho_model::{Code, INVENTORY_SCHEMA, Inventory};
use std::sync::Arc;

type Hub = State<Arc<Api>>;

/// How far the clock of whoever scanned may be ahead of ours: what seems to be from the future would keep out all that is newer.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);
/// Bytes of the name of what was scanned.
const NAME: usize = 4096;

pub(super) async fn inventory_put(State(api): Hub, request: Request<Body>) -> Reply {
    let inventory: Inventory = api.read_up_to(request, api.limits.text_file_bytes).await?;
    let malformed = |detail: String| Err(Refusal::new(Code::RequestMalformed, detail));
    if inventory.schema != INVENTORY_SCHEMA {
        return malformed(format!("the document is {:?}, not {INVENTORY_SCHEMA:?}", inventory.schema));
    }
    if inventory.source.name.is_empty() || inventory.source.name.len() > NAME {
        return malformed(format!("the name of what was scanned has from 1 to {NAME} bytes"));
    }
    let now = api.hub.now();
    if inventory.observed_at > now.saturating_add(AHEAD).unwrap_or(now) {
        return malformed(format!("it was observed at {}, and it is {now}: set the clock", inventory.observed_at));
    }
    api.hub.take(inventory).await?;
    Ok(done())
}

pub(super) async fn inventory_list(State(api): Hub, asked: HeaderMap, list: Listed) -> Reply {
    document(&asked, &api.hub.store().inventory_list(&list.wanted).await?)
}

pub(super) async fn inventory_get(State(api): Hub, asked: HeaderMap, Named(identity): Named) -> Reply {
    match api.hub.store().inventory_get(&identity).await? {
        Some(inventory) => document(&asked, &inventory),
        None => Err(no_inventory(&identity)),
    }
}

pub(super) async fn inventory_delete(State(api): Hub, Named(identity): Named) -> Reply {
    api.hub.store().inventory_delete(&identity).await?;
    Ok(done())
}

pub(super) async fn inventory_findings(
    State(api): Hub,
    asked: HeaderMap,
    Named(identity): Named,
    list: Listed,
) -> Reply {
    let store = api.hub.store();
    let page = store.finding_list(&list.wanted, Some(&identity), list.at).await?;
    if page.items.is_empty() && store.inventory_get(&identity).await?.is_none() {
        return Err(no_inventory(&identity));
    }
    document(&asked, &page)
}

pub(super) async fn finding_list(State(api): Hub, asked: HeaderMap, list: Listed) -> Reply {
    document(&asked, &api.hub.store().finding_list(&list.wanted, None, list.at).await?)
}

pub(super) async fn vulnerability_list(State(api): Hub, asked: HeaderMap, list: Listed) -> Reply {
    document(&asked, &api.hub.store().vulnerability_entries(&list.wanted).await?)
}

pub(super) async fn vulnerability_get(State(api): Hub, asked: HeaderMap, Named(id): Named) -> Reply {
    match api.hub.store().vulnerability_get(&id).await? {
        Some(known) => document(&asked, &known),
        None => Err(Refusal::new(Code::RequestAbsent, format!("nothing that was scanned has or had {id:?}"))),
    }
}

pub(super) async fn vulnerability_hits(State(api): Hub, asked: HeaderMap, Named(id): Named, list: Listed) -> Reply {
    document(&asked, &api.hub.store().vulnerability_hits(&id, list.at, &list.wanted).await?)
}

pub(super) async fn package_list(State(api): Hub, asked: HeaderMap, list: Listed) -> Reply {
    document(&asked, &api.hub.store().package_entries(&list.wanted).await?)
}

pub(super) async fn database_current(State(api): Hub, asked: HeaderMap) -> Reply {
    match api.hub.store().database_current().await? {
        Some(database) => document(&asked, &database),
        None => Err(Refusal::new(Code::RequestAbsent, "there is no advisory database yet: nothing is judged")),
    }
}

pub(super) async fn job_list(State(api): Hub, asked: HeaderMap, list: Listed) -> Reply {
    document(&asked, &api.hub.store().job_list(&list.wanted).await?)
}

fn no_inventory(identity: &str) -> Refusal {
    Refusal::new(Code::RequestAbsent, format!("there is no inventory {identity:?}"))
}
