//! The integration test: everything that needs more than one crate, or a server.

mod admin;
mod allauth;
mod api;
mod cli;
mod deploy;
mod digest;
mod faults;
mod flows;
mod front;
mod fuzz;
mod hostile;
mod ingest;
mod pages;
mod sdks;
mod storage;
mod tidy;
