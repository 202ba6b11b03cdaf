//! Whose code we ship, and under which terms.

use super::cargo::packages;

/// Licences whose terms a server under MIT can meet by naming them.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Exceptions that take nothing away.
const EXCEPTIONS: &[&str] = &["LLVM-exception"];

/// Crates under another licence, and why they stay.
const TOLERATED: &[(&str, &str, &str)] = &[
    ("webauthn-rs", "MPL-2.0", PASSKEYS),
    ("webauthn-rs-core", "MPL-2.0", PASSKEYS),
    ("webauthn-rs-proto", "MPL-2.0", PASSKEYS),
    ("webauthn-attestation-ca", "MPL-2.0", PASSKEYS),
    ("crypto-glue", "MPL-2.0", PASSKEYS),
];

/// The copyleft of the MPL ends at its own files, which we do not change.
const PASSKEYS: &str = "passkeys, unchanged; the copyleft is of single files";

/// Crates that must not come back, and what to use instead.
const BANNED: &[(&str, &str)] = &[
    ("openssl", "rustls"),
    ("openssl-sys", "rustls"),
    ("native-tls", "rustls"),
    ("aws-lc-rs", "ring: with two providers rustls knows none"),
    ("aws-lc-sys", "ring: with two providers rustls knows none"),
    ("pq-sys", "diesel-async, which needs no library in C"),
    ("libz-sys", "zlib-rs"),
    ("async-std", "tokio"),
    ("serde_yaml", "nothing: settings are environment variables"),
];

/// Direct dependencies that must not be, though others may need them.
const BANNED_HERE: &[(&str, &str)] = &[
    ("rand", "core::random::Random, which tests can foresee"),
    ("lazy_static", "std::sync::OnceLock or LazyLock"),
    ("once_cell", "std::sync::OnceLock or LazyLock"),
    ("time", "chrono"),
    ("log", "tracing"),
    ("regex", "a reader of what is meant; patterns of others are jobs' business"),
];

/// Whether the terms can be met: `OR` leaves a choice, `AND` does not, `WITH` is an exception.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let allowed = any(&mut rest);
    assert!(rest.is_empty(), "{expression} is no SPDX expression");
    allowed
}

fn any(words: &mut &[&str]) -> bool {
    let mut allowed = all(words);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        allowed |= all(words);
    }
    allowed
}

fn all(words: &mut &[&str]) -> bool {
    let mut allowed = one(words);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut &[&str]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let allowed = any(words);
            *words = words.strip_prefix(&[")"]).unwrap_or(&["unbalanced"]);
            allowed
        }
        [name, "WITH", exception, rest @ ..] => {
            *words = rest;
            ALLOWED.contains(name) && EXCEPTIONS.contains(exception)
        }
        [name, rest @ ..] => {
            *words = rest;
            ALLOWED.contains(name)
        }
        [] => false,
    }
}

#[test]
fn licence_expressions_are_understood() {
    for (expression, allowed) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0", false),
        ("MIT AND LGPL-2.1", false),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-2.0 WITH Classpath-exception-2.0", false),
        ("BUSL-1.1", false),
        ("FSL-1.1-MIT", false),
        ("AGPL-3.0-only", false),
        ("MPL-2.0", false),
    ] {
        assert_eq!(is_allowed(expression), allowed, "{expression}");
    }
}

#[test]
fn every_crate_has_a_licence_that_we_can_meet() {
    let mut refused = Vec::new();
    for package in packages() {
        let licence = package.licence.as_deref().unwrap_or("none");
        let is_tolerated =
            TOLERATED.iter().any(|(name, terms, _)| *name == package.name && *terms == licence);
        if !is_tolerated && (licence == "none" || !is_allowed(licence)) {
            refused.push(format!("{} {}: {licence}", package.name, package.version));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
    for (name, ..) in TOLERATED {
        assert!(packages().iter().any(|package| package.name == *name), "{name} is gone");
    }
}

#[test]
fn no_banned_crate_is_part_of_the_build() {
    for (name, instead) in BANNED {
        let is_there = packages().iter().any(|package| package.name == *name);
        assert!(!is_there, "{name} is banned: use {instead}");
    }
    for package in packages().iter().filter(|package| package.is_member) {
        for (name, instead) in BANNED_HERE {
            let uses = package.dependencies.iter().any(|dependency| dependency.name == *name);
            assert!(!uses, "{} may not use {name}: use {instead}", package.name);
        }
    }
}
