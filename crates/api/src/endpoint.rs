//! What can be asked of a hub: one line for each, from which the routes, the permissions and the `OpenAPI` document are made.

use crate::access::{
    AuditEntry, AuditVerdict, Me, NewPassword, NewSession, NewToken, NewUser, RoleEntry, SessionMade, TokenEntry,
    TokenMade, UserEntry, UserMade,
};
use crate::filter::Field;
use crate::permission::{Access, Resource};
use crate::rows::{FindingEntry, Hit, InventoryEntry, Job, JudgingDatabase, PackageEntry, VulnerabilityEntry};
use sekisho_model::{Inventory, Vulnerability};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, Object, Type};
use utoipa::openapi::{Ref, RefOr, Schema};

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

    /// A [`Page`](crate::page::Page) of these. Its derived schema has one name, whatever it is of.
    const fn page<T: ToSchema>() -> Self {
        Self {
            name: || format!("{}Page", T::name()),
            schema: || {
                let items = Array::new(Ref::from_schema_name(T::name()));
                let next = Object::builder().schema_type(Type::String).description(Some("Where the next part begins."));
                let page = Object::builder().property("items", items).required("items").property("next", next);
                page.description(Some("A part of a list.")).into()
            },
            parts: |parts| {
                parts.push((T::name().into_owned(), T::schema()));
                T::schemas(parts);
            },
        }
    }
}

/// Who may ask for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Anybody.
    Nothing,
    /// Whoever has shown who they are; what they may do is looked at later.
    Login,
    /// Whoever may do this.
    Permission(Resource, Access),
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
    /// Who may ask.
    pub needs: Needs,
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
        needs: Needs::Permission(resource, Access::Read),
        list: None,
        query: &[],
        takes: None,
        gives: None,
    }
}

/// Keeps an inventory.
pub const INVENTORY_PUT: Endpoint = Endpoint {
    method: Method::Put,
    needs: Needs::Permission(Resource::Inventories, Access::Write),
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
    gives: Some(Document::page::<InventoryEntry>()),
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
    needs: Needs::Permission(Resource::Inventories, Access::Write),
    ..reads("inventory_delete", "/api/v1/inventories/{identity}", Resource::Inventories, "Forgets an inventory.")
};
/// Lists what an inventory has.
pub const INVENTORY_FINDINGS: Endpoint = Endpoint {
    list: Some(FindingEntry::FIELDS),
    query: &[AT],
    gives: Some(Document::page::<FindingEntry>()),
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
    gives: Some(Document::page::<FindingEntry>()),
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
    gives: Some(Document::page::<VulnerabilityEntry>()),
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
    gives: Some(Document::page::<Hit>()),
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
    gives: Some(Document::page::<PackageEntry>()),
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
    gives: Some(Document::page::<Job>()),
    ..reads("job_list", "/api/v1/jobs", Resource::Jobs, "Lists jobs, the next to be done first.")
};

/// Logs in.
pub const SESSION_ADD: Endpoint = Endpoint {
    method: Method::Post,
    needs: Needs::Nothing,
    takes: Some(Document::of::<NewSession>()),
    gives: Some(Document::of::<SessionMade>()),
    ..reads(
        "session_add",
        "/api/v1/sessions",
        Resource::Users,
        "Logs in by name and password. What is answered is shown as a bearer token from then on.",
    )
};
/// Logs out.
pub const SESSION_END: Endpoint = Endpoint {
    method: Method::Delete,
    needs: Needs::Login,
    ..reads("session_end", "/api/v1/sessions/current", Resource::Users, "Logs out: ends the session that is shown.")
};
/// Says who asks.
pub const ME_GET: Endpoint = Endpoint {
    needs: Needs::Login,
    gives: Some(Document::of::<Me>()),
    ..reads("me_get", "/api/v1/me", Resource::Users, "Says who asks.")
};
/// Changes one's password.
pub const PASSWORD_PUT: Endpoint = Endpoint {
    method: Method::Put,
    needs: Needs::Login,
    takes: Some(Document::of::<NewPassword>()),
    ..reads(
        "password_put",
        "/api/v1/me/password",
        Resource::Users,
        "Changes the password of whoever asks. Their other sessions end.",
    )
};
/// Lists users.
pub const USER_LIST: Endpoint = Endpoint {
    list: Some(&[]),
    gives: Some(Document::page::<UserEntry>()),
    ..reads("user_list", "/api/v1/users", Resource::Users, "Lists users, in the order of their names.")
};
/// Adds a user.
pub const USER_ADD: Endpoint = Endpoint {
    method: Method::Post,
    needs: Needs::Permission(Resource::Users, Access::Write),
    takes: Some(Document::of::<NewUser>()),
    gives: Some(Document::of::<UserMade>()),
    ..reads(
        "user_add",
        "/api/v1/users",
        Resource::Users,
        "Adds a user, with a password for one login, or a robot, which has none. Nobody gives roles that they do not have.",
    )
};
/// Takes a user out.
pub const USER_DELETE: Endpoint = Endpoint {
    method: Method::Delete,
    needs: Needs::Permission(Resource::Users, Access::Write),
    ..reads(
        "user_delete",
        "/api/v1/users/{user}",
        Resource::Users,
        "Takes a user out, with its sessions and tokens. What it did stays in the audit log.",
    )
};
/// Lists tokens.
pub const TOKEN_LIST: Endpoint = Endpoint {
    needs: Needs::Login,
    list: Some(&[]),
    gives: Some(Document::page::<TokenEntry>()),
    ..reads(
        "token_list",
        "/api/v1/tokens",
        Resource::Tokens,
        "Lists tokens in the order of their making: all, with permission to read tokens, else those of whoever is logged in.",
    )
};
/// Makes a token.
pub const TOKEN_ADD: Endpoint = Endpoint {
    method: Method::Post,
    needs: Needs::Login,
    takes: Some(Document::of::<NewToken>()),
    gives: Some(Document::of::<TokenMade>()),
    ..reads(
        "token_add",
        "/api/v1/tokens",
        Resource::Tokens,
        "Makes a token of whoever is logged in or, with permission to write tokens, of a robot. It never permits more than its owner has.",
    )
};
/// Takes a token back.
pub const TOKEN_REVOKE: Endpoint = Endpoint {
    method: Method::Delete,
    needs: Needs::Login,
    ..reads(
        "token_revoke",
        "/api/v1/tokens/{token}",
        Resource::Tokens,
        "Takes a token back at once: one's own or, with permission to write tokens, any.",
    )
};
/// Lists roles.
pub const ROLE_LIST: Endpoint = Endpoint {
    list: Some(&[]),
    gives: Some(Document::page::<RoleEntry>()),
    ..reads(
        "role_list",
        "/api/v1/roles",
        Resource::Roles,
        "Lists roles: those of the program first, then those that somebody made.",
    )
};
/// Lists the audit log.
pub const AUDIT_LIST: Endpoint = Endpoint {
    list: Some(&[]),
    gives: Some(Document::page::<AuditEntry>()),
    ..reads("audit_list", "/api/v1/audit", Resource::Audit, "Lists who did what, the latest first.")
};
/// Verifies the audit log.
pub const AUDIT_VERIFY: Endpoint = Endpoint {
    gives: Some(Document::of::<AuditVerdict>()),
    ..reads(
        "audit_verify",
        "/api/v1/audit/verdict",
        Resource::Audit,
        "Follows the chain of hashes through the whole audit log, and says where it breaks.",
    )
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
    &SESSION_ADD,
    &SESSION_END,
    &ME_GET,
    &PASSWORD_PUT,
    &USER_LIST,
    &USER_ADD,
    &USER_DELETE,
    &TOKEN_LIST,
    &TOKEN_ADD,
    &TOKEN_REVOKE,
    &ROLE_LIST,
    &AUDIT_LIST,
    &AUDIT_VERIFY,
];

impl Endpoint {
    /// The names of what is in the path.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}
