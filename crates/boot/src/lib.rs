//! What happens before the first request: settings, logs, metrics, health, shutdown.
//!
//! This crate knows no word of the business; it hands plain values to whoever composes a program.

pub mod build_info;
pub mod health;
pub mod logs;
pub mod metrics;
pub mod settings;
pub mod shutdown;
pub mod tasks;
