//! For tests only: private servers, a database of one's own, the product as it runs, clients and
//! builders.
//!
//! | to test | take |
//! |---|---|
//! | a query | [`TestDatabase`] |
//! | the digest and what it stores | [`Desk`] |
//! | a flow through HTTP, the digest and the API | [`TestApp`] |
//! | how often the product asks PostgreSQL | [`Line`] |
//! | a command | [`Typed`] |
//! | what people do in a browser | [`Browser`], and [`Authenticator`] for their passkeys |
//! | what survives when programs and servers die | [`Installation`], or [`Servers`] and [`Program`] |
//! | what survives when the network, the disk or the memory fails | [`Proxy`], [`Volume`], [`MemoryLimit`] |
//! | what a rude client can do | [`Wire`] |

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must stop")]

mod app;
mod authenticator;
mod balance;
mod browser;
pub mod builders;
mod certificates;
mod client;
mod command;
pub mod compress;
mod database;
pub mod desk;
mod encryption;
mod installation;
mod line;
mod memory_limit;
pub mod proc;
mod program;
mod proxy;
mod send;
mod servers;
pub mod sql;
mod until;
mod volume;
mod wire;

pub use self::app::{Options, TestApp, mail_room, redis_at, test_redis};
pub use self::authenticator::{Authenticator, app_code};
pub use self::browser::Browser;
pub use self::certificates::make_certificates;
pub use self::client::{Answer, Client};
pub use self::command::{Said, Typed};
pub use self::database::{Account, Tenant, TestDatabase, config};
pub use self::desk::{Desk, StoredEvent};
pub use self::encryption::encrypted;
pub use self::installation::{Installation, InstallationOptions, Network, Release};
pub use self::line::Line;
pub use self::memory_limit::MemoryLimit;
pub use self::program::{Program, built_program, free_port, get};
pub use self::proxy::{Proxy, Traffic};
pub use self::servers::{Servers, shared, tools};
pub use self::until::until;
pub use self::volume::Volume;
pub use self::wire::{Wire, WireAnswer};
pub use mishap_process::install_encryption;
