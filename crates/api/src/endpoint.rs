//! What can be asked of a hub: one line for each, from which the routes, the permissions and the `OpenAPI` document are made.

use crate::filter::Field;
use crate::page::Page;
use crate::permission::{Access, Resource};
use crate::rows::{FindingEntry, Hit, InventoryEntry, Job, JudgingDatabase, PackageEntry, VulnerabilityEntry};
use sekisho_model::{Inventory, Vulnerability};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// How it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads, changes nothing.
    Get,
    /// Puts something in its place; once or twice is the same.
    Put,
    /// Does something.
    Post,
    /// Forgets something; once or twice is the same.
    Delete,
}

/// What is asked for besides the path.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name in the query.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
}

/// A document of a request or an answer.
#[derive(Clone, Copy)]
pub struct Document {
    /// What it is called among the components.
    pub name: fn() -> String,
    /// Its schema.
    pub schema: fn() -> RefOr<Schema>,
    /// The schemas that it refers to.
    pub parts: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Document {
    const fn of<T: ToSchema>() -> Self {
        Self { name: || T::name().into_owned(), schema: T::schema, parts: T::schemas }
    }
}

/// One thing that can be asked.
#[derive(Clone, Copy)]
pub struct Endpoint {
    /// Its name, noun first.
    pub operation: &'static str,
    /// How it is asked.
    pub method: Method,
    /// Where, with the names of what is in the path in braces.
    pub path: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// What whoever asks must be allowed.
    pub needs: (Resource, Access),
    /// The fields of its filter, where it is a list.
    pub list: Option<&'static [Field]>,
    /// What else may be asked for.
    pub query: &'static [Parameter],
    /// What is sent.
    pub takes: Option<Document>,
    /// What is answered; nothing (204) where none.
    pub gives: Option<Document>,
}

const AT: Parameter =
    Parameter { name: "at", about: "as it was known at that time (RFC 3339), not as it is known now" };

const fn reads(operation: &'static str, path: &'static str, resource: Resource, about: &'static str) -> Endpoint {
    Endpoint {
        operation,
        method: Method::Get,
        path,
        about,
        needs: (resource, Access::Read),
        list: None,
        query: &[],
        takes: None,
        gives: None,
    }
}

/// Keeps an inventory.
pub const INVENTORY_PUT: Endpoint = Endpoint {
    method: Method::Put,
    needs: (Resource::Inventories, Access::Write),
    takes: Some(Document::of::<Inventory>()),
    ..reads(
        "inventory_put",
        "/api/v1/inventories",
        Resource::Inventories,
        "Keeps an inventory in place of what was known of the same content. An older one than what is kept changes nothing. \
         What it has is judged at once, and by every advisory database that comes later.",
    )
};
/// Lists inventories.
pub const INVENTORY_LIST: Endpoint = Endpoint {
    list: Some(InventoryEntry::FIELDS),
    gives: Some(Document::of::<Page<InventoryEntry>>()),
    ..reads(
        "inventory_list",
        "/api/v1/inventories",
        Resource::Inventories,
        "Lists inventories, in the order of their identities.",
    )
};
/// Reads an inventory.
pub const INVENTORY_GET: Endpoint = Endpoint {
    gives: Some(Document::of::<Inventory>()),
    ..reads(
        "inventory_get",
        "/api/v1/inventories/{identity}",
        Resource::Inventories,
        "Gives an inventory as it was sent.",
    )
};
/// Forgets an inventory.
pub const INVENTORY_DELETE: Endpoint = Endpoint {
    method: Method::Delete,
    needs: (Resource::Inventories, Access::Write),
    ..reads("inventory_delete", "/api/v1/inventories/{identity}", Resource::Inventories, "Forgets an inventory.")
};
/// Lists what an inventory has.
pub const INVENTORY_FINDINGS: Endpoint = Endpoint {
    list: Some(FindingEntry::FIELDS),
    query: &[AT],
    gives: Some(Document::of::<Page<FindingEntry>>()),
    ..reads(
        "inventory_findings",
        "/api/v1/inventories/{identity}/findings",
        Resource::Findings,
        "Lists the vulnerabilities of an inventory's packages, the ones found last first.",
    )
};
/// Lists what anything has.
pub const FINDING_LIST: Endpoint = Endpoint {
    list: Some(FindingEntry::FIELDS),
    query: &[AT],
    gives: Some(Document::of::<Page<FindingEntry>>()),
    ..reads(
        "finding_list",
        "/api/v1/findings",
        Resource::Findings,
        "Lists the vulnerabilities of all packages that any inventory has, the ones found last first.",
    )
};
/// Lists vulnerabilities.
pub const VULNERABILITY_LIST: Endpoint = Endpoint {
    list: Some(VulnerabilityEntry::FIELDS),
    gives: Some(Document::of::<Page<VulnerabilityEntry>>()),
    ..reads(
        "vulnerability_list",
        "/api/v1/vulnerabilities",
        Resource::Vulnerabilities,
        "Lists the vulnerabilities that something has or had, in the order of their ids, with how much has them now.",
    )
};
/// Reads a vulnerability.
pub const VULNERABILITY_GET: Endpoint = Endpoint {
    gives: Some(Document::of::<Vulnerability>()),
    ..reads(
        "vulnerability_get",
        "/api/v1/vulnerabilities/{id}",
        Resource::Vulnerabilities,
        "Gives what is known of a vulnerability that something has or had.",
    )
};
/// Lists who has a vulnerability.
pub const VULNERABILITY_HITS: Endpoint = Endpoint {
    list: Some(Hit::FIELDS),
    query: &[AT],
    gives: Some(Document::of::<Page<Hit>>()),
    ..reads(
        "vulnerability_hits",
        "/api/v1/vulnerabilities/{id}/inventories",
        Resource::Findings,
        "Lists the inventories that have a vulnerability, with the packages that have it.",
    )
};
/// Lists packages.
pub const PACKAGE_LIST: Endpoint = Endpoint {
    list: Some(PackageEntry::FIELDS),
    gives: Some(Document::of::<Page<PackageEntry>>()),
    ..reads(
        "package_list",
        "/api/v1/packages",
        Resource::Packages,
        "Lists the packages that any inventory has, each once, in the order in which they were first met.",
    )
};
/// The advisory database that judges.
pub const DATABASE_CURRENT: Endpoint = Endpoint {
    gives: Some(Document::of::<JudgingDatabase>()),
    ..reads(
        "database_current",
        "/api/v1/databases/current",
        Resource::Databases,
        "Gives the advisory database that judges, and whether everything is judged by it.",
    )
};
/// Lists jobs.
pub const JOB_LIST: Endpoint = Endpoint {
    list: Some(Job::FIELDS),
    gives: Some(Document::of::<Page<Job>>()),
    ..reads("job_list", "/api/v1/jobs", Resource::Jobs, "Lists jobs, the next to be done first.")
};

/// All that can be asked, in the order of the documentation.
pub const ENDPOINTS: &[&Endpoint] = &[
    &INVENTORY_PUT,
    &INVENTORY_LIST,
    &INVENTORY_GET,
    &INVENTORY_DELETE,
    &INVENTORY_FINDINGS,
    &FINDING_LIST,
    &VULNERABILITY_LIST,
    &VULNERABILITY_GET,
    &VULNERABILITY_HITS,
    &PACKAGE_LIST,
    &DATABASE_CURRENT,
    &JOB_LIST,
];

impl Endpoint {
    /// The names of what is in the path.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}
