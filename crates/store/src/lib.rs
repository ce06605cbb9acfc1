//! What the hub keeps, and what an agent keeps until the hub has it.
//!
//! [`Store`] is one set of operations over `SQLite` or `PostgreSQL`, named by what they are about: `inventory_put`, `job_take`. What
//! is acknowledged was written to disk. [`spool`] needs no database: files that only grow at their end.

mod audit;
mod database;
mod error;
mod finding;
mod inventory;
mod job;
mod listing;
mod role;
mod session;
pub mod spool;
mod statement;
mod token;
mod user;

pub use audit::{AuditEntry, AuditFrom, AuditHead, AuditVerdict, Deed};
pub use database::Store;
pub use error::StoreError;
pub use finding::{JudgedPackage, PackageNumber, StoredPackage, Transitions};
pub use inventory::NewInventory;
pub use job::{NewJob, Taken};
pub use role::StoredRole;
pub use session::Session;
pub use token::Token;
pub use user::{Changed, User, UserChange};
