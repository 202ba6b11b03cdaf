//! What is applied to clusters is what the programs are, want and understand.
//!
//! There is no cluster here, so manifests are rendered as a cluster's tools would render them, and what
//! comes out is held against the schemas of Kubernetes, against rules, and against the programs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod alerts;
mod compose;
mod connections;
mod containerfiles;
mod dashboards;
mod environment;
mod kustomize;
mod lint;
mod manifests;
pub(crate) mod measured;
mod monitoring;
mod openshift;
mod patch;
mod pipeline;
mod queries;
mod schemas;
mod sops;
mod template;
mod wiring;
mod yaml;
