//! Which crate knows which: an edge is a decision, and this is the list of them.

use std::collections::BTreeSet;

use super::cargo::{Package, members};

/// A crate, what it may import from us, and what its tests may import besides.
type Edges = (&'static str, &'static [&'static str], &'static [&'static str]);

/// In dependency order, as the members of the workspace: a crate imports only from above.
const EDGES: &[Edges] = &[
    ("protocol", &[], &[]),
    ("core", &["protocol"], &[]),
    ("storage", &["core", "protocol"], &[]),
    ("queue", &["core", "storage"], &[]),
    ("identity", &["core"], &["testkit"]),
    ("templates", &["core"], &[]),
    ("outbound", &["core"], &[]),
    ("boot", &[], &[]),
    ("process", &["boot", "core", "queue", "storage"], &[]),
    ("sandbox", &[], &[]),
    (
        "web",
        &[
            "boot",
            "core",
            "identity",
            "outbound",
            "process",
            "protocol",
            "queue",
            "storage",
            "templates",
        ],
        &[],
    ),
    (
        "worker",
        &["boot", "core", "outbound", "process", "protocol", "queue", "storage", "templates"],
        &[],
    ),
    ("beat", &["boot", "core", "identity", "process", "queue", "storage"], &[]),
    (
        "cli",
        &[
            "beat", "boot", "core", "identity", "process", "protocol", "sandbox", "storage", "web",
            "worker",
        ],
        &[],
    ),
    (
        "testkit",
        &[
            "boot",
            "core",
            "identity",
            "outbound",
            "process",
            "protocol",
            "queue",
            "sandbox",
            "storage",
            "templates",
            "web",
            "worker",
        ],
        &[],
    ),
    (
        "tests",
        &["core", "protocol"],
        &[
            "beat", "boot", "cli", "identity", "outbound", "process", "queue", "sandbox",
            "storage", "testkit", "web", "worker",
        ],
    ),
];

/// External crates that only these of ours may use; tests may use any.
const CONFINED: &[(&str, &[&str])] = &[
    // SQL is storage's; `core` has column types behind a feature.
    ("diesel", &["core", "storage", "testkit"]),
    ("diesel-async", &["storage", "testkit"]),
    ("diesel_migrations", &["storage"]),
    ("tokio-postgres", &["storage"]),
    ("tokio-postgres-rustls", &["storage"]),
    ("deadpool", &["storage"]),
    // Redis is the queue's.
    ("redis", &["queue"]),
    ("deadpool-redis", &["queue"]),
    // HTTP is web's; probes and metrics are boot's; the operator's command is a client.
    ("actix-web", &["web"]),
    ("actix-multipart", &["web"]),
    ("hyper", &["boot", "cli"]),
    ("hyper-util", &["boot", "cli"]),
    ("reqwest", &["cli", "outbound", "process", "testkit"]),
    // Mail is sent from one place.
    ("lettre", &["outbound"]),
    // What proves who somebody is, and the many crates that it takes.
    ("webauthn-rs", &["identity"]),
    ("webauthn-rs-proto", &["identity"]),
    ("argon2", &["identity"]),
    ("bcrypt", &["identity"]),
    ("scrypt", &["identity"]),
    ("ring", &["identity", "testkit"]),
    ("openidconnect", &["identity"]),
    ("maud", &["templates"]),
    // Other processes are the sandbox's; web shuts its listener down.
    ("nix", &["process", "sandbox", "testkit", "web"]),
    // The machine's time and randomness come in through `core`.
    ("getrandom", &["core"]),
    // The runtime is unknown to what does no IO.
    (
        "tokio",
        &["beat", "boot", "cli", "outbound", "process", "storage", "testkit", "web", "worker"],
    ),
    ("tempfile", &["testkit"]),
    ("proptest", &[]),
    ("sentry", &["process"]),
];

fn short(name: &str) -> Option<&str> {
    name.strip_prefix("mishap-")
}

/// What a crate of ours imports from us, for itself or for its tests.
fn imports(package: &Package, for_tests: bool) -> BTreeSet<&str> {
    let wanted = package.dependencies.iter().filter(|edge| edge.is_for_tests == for_tests);
    wanted.filter_map(|edge| short(&edge.name)).collect()
}

#[test]
fn each_crate_imports_only_what_it_may() {
    let names: BTreeSet<_> = members().map(|package| short(&package.name).unwrap()).collect();
    let listed: BTreeSet<_> = EDGES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, listed, "the table lists every member");
    for package in members() {
        let name = short(&package.name).unwrap();
        let (_, may, tests_may) = EDGES.iter().find(|(listed, ..)| *listed == name).unwrap();
        let may: BTreeSet<_> = may.iter().copied().collect();
        let tests_may: BTreeSet<_> = may.iter().chain(tests_may.iter()).copied().collect();
        let imports = |for_tests| imports(package, for_tests);
        assert_eq!(imports(false), may, "what {name} imports, and what the table says");
        let excess: Vec<_> = imports(true).difference(&tests_may).copied().collect();
        assert!(excess.is_empty(), "the tests of {name} may not import {excess:?}");
    }
}

#[test]
fn edges_lead_upwards_only() {
    for (place, (name, may, _)) in EDGES.iter().enumerate() {
        for import in *may {
            let of_import = EDGES.iter().position(|(listed, ..)| listed == import);
            assert!(of_import < Some(place), "{name} imports {import}");
        }
    }
}

#[test]
fn what_does_io_is_used_where_it_belongs() {
    for (external, users) in CONFINED {
        for package in members() {
            let name = short(&package.name).unwrap();
            let uses = package
                .dependencies
                .iter()
                .any(|dependency| dependency.name == *external && !dependency.is_for_tests);
            assert!(!uses || users.contains(&name), "{name} may not use {external}");
        }
    }
}
