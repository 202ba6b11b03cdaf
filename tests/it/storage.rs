//! Queries, migrations, partitions and jobs on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod activity;
mod dead_letters;
mod folding;
mod inbox;
mod issues;
mod jobs;
mod keys;
mod migrations;
mod partitions;
mod plans;
mod pool;
mod purging;
mod quotas;
mod retention;
mod schema;
mod transactions;
