//! A private PostgreSQL and a private Redis in one folder, for `make run` and for the tests.
//!
//! [`Postgres::start`] and [`Redis::start`] find the programs ([`Tools`]), start a server on a free
//! port of 127.0.0.1 and wait until it answers. Everything of a server is in the folder `postgres`
//! or `redis` of the folder that the caller gives: its data, its log `server.log`, and the number
//! of its process. The servers ask for no password, so they suit no machine with strangers on it.
//!
//! A server lives as long as its value: dropping the value ends the server, also while a panic
//! unwinds. If the owner is killed, the server stays, and the next start in the same folder ends
//! it first. The tests hurt their servers on purpose: `kill` is a crash, `pause` a peer that is
//! there but says nothing, and `restart` brings the server back on the same port.
//!
//! The servers of root run as `nobody`, because PostgreSQL refuses root. Where `nobody` cannot
//! reach the folder, the data go below `/tmp`, and the link `elsewhere` in the folder leads there.
//!
//! Linux only, because children and leftovers are found through `/proc`.

mod account;
mod daemon;
mod elsewhere;
mod error;
mod home;
mod ports;
mod postgres;
mod process;
mod redis;
mod server;
mod tools;
mod trees;
mod wheels;

#[cfg(test)]
mod testing;

pub use crate::error::Error;
pub use crate::ports::free as free_port;
pub use crate::postgres::{Postgres, PostgresOptions};
pub use crate::redis::{Redis, RedisOptions};
pub use crate::tools::Tools;
