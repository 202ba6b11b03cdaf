//! The integration test: everything that needs more than one crate, or a server.

mod digest;
mod flows;
mod fuzz;
mod sdks;
mod storage;
mod tidy;
