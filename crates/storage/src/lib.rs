//! PostgreSQL, the only truth: the schema, its migrations, and one module of query functions per
//! aggregate.
//!
//! This crate knows no HTTP, no Redis and no JSON that clients read, and it decides nothing: what
//! is decided is in `mishap-core`. Queries are free functions that take a connection first, so that
//! they compose into transactions, which their callers open. They are set-based: none runs in a
//! loop. Absence is an `Option`.
//!
//! | aggregate | module |
//! |---|---|
//! | envelopes waiting to be digested | [`inbox`], [`dead_letters`] |
//! | events and their bodies | [`events`], [`bodies`] |
//! | issues | [`issues`] |
//! | sums and statistics | [`tallies`], [`outcomes`] |
//! | limits | [`quotas`] |
//! | people, sessions, tokens | [`accounts`] |
//! | organizations, members, teams | [`organizations`], [`members`], [`teams`] |
//! | projects, keys | [`projects`] |
//! | what sentry-wizard fetches | [`wizards`] |
//! | who did what, and how often it was tried | [`audit`], [`attempts`] |
//! | releases, environments | [`names`], [`environments`] |
//! | jobs, schedule, leadership | [`jobs`] |
//! | partitions of large tables | [`partitions`] |
//! | what was deleted | [`purge`] |
//! | what an operator watches | [`measures`], [`vitals`], [`stores`] |
//! | whether stored and counted agree | [`reconciliation`] |
//! | what an administrator sees of everybody's | [`oversight`] |

pub mod accounts;
pub mod attempts;
pub mod audit;
pub mod bodies;
mod clock;
mod complaints;
pub mod dead_letters;
pub mod environments;
mod error;
pub mod events;
pub mod failures;
pub mod inbox;
pub mod instance_secrets;
pub mod issues;
pub mod jobs;
pub mod measures;
pub mod members;
pub mod migrations;
pub mod names;
pub mod organizations;
pub mod outcomes;
pub mod oversight;
pub mod partitions;
mod pool;
pub mod projects;
pub mod purge;
pub mod quotas;
pub mod reconciliation;
pub mod retention;
mod schema;
mod sql;
pub mod stores;
pub mod tallies;
pub mod teams;
mod tls;
mod tx;
pub mod vitals;
mod watch;
pub mod wizards;

pub use self::clock::now;
pub use self::error::{Error, ErrorClass, Result};
pub use self::pool::{
    ConfigError, Conn, ConnectError, DatabaseConfig, Pool, PoolSizes, PooledConn, connect,
};
pub use self::tls::SslMode;
pub use self::tx::transaction;
