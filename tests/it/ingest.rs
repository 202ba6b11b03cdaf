//! What SDKs hear from ingest, and what is kept of what they send: the rows of the specification's
//! checklist that concern receiving and normalising.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod answers;
mod authentication;
mod browsers;
mod codings;
mod fields;
mod framing;
mod identity;
mod item_types;
mod minidump;
mod outages;
mod people;
mod policies;
mod quotas;
mod routes;
mod security;
mod sizes;
mod stacks;
mod store;
mod tags;
mod throttles;
mod times;
mod tolerance;
