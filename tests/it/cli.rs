//! The operator's command, typed as an operator would type it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod acceptance;
mod accounts;
mod api_users;
mod arguments;
mod audit;
mod config;
mod dev;
mod initial_user;
mod jobs;
mod links;
mod load;
mod names;
mod queue;
mod sending;
mod serve;
mod servers;
mod stores;
mod tenants;

use mishap_testkit::{TestApp, TestDatabase, Typed};

/// `mishap`, for a database, without Redis.
fn mishap(database: &TestDatabase) -> Typed {
    mishap_at(database, "https://errors.example.com/tracker")
}

/// `mishap`, for the database of a running server.
fn mishap_of(app: &TestApp) -> Typed {
    mishap_at(&app.database, app.url.as_str())
}

fn mishap_at(database: &TestDatabase, url: &str) -> Typed {
    let environment =
        [("DATABASE_URL", database.url.as_str()), ("REDIS_URL", ""), ("GLITCHTIP_URL", url)];
    Typed::new("mishap", &environment)
}
