//! PostgreSQL.

use super::settings;
use crate::settings::kind::Kind::{Choice, Path, Secret, SecretUrl, Text};
use crate::settings::kind::{count, port};

/// What a URL of PostgreSQL begins with, for libpq and for Django.
const POSTGRES: &[&str] = &["postgres", "postgresql", "psql", "pgsql", "postgis"];

/// Whether and how a connection is encrypted.
const SSL_MODES: &[&str] = &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

settings! {
    Database, DATABASE_SETTINGS;
    read {
        DATABASE_URL = ["DATABASE_URL"], SecretUrl(POSTGRES),
            "postgres://postgres:postgres@postgres:5432/postgres",
            "Where PostgreSQL is, with libpq's options such as `?sslmode=require`.";
        DATABASE_HOST = ["DATABASE_HOST"], Text, "",
            "The host of PostgreSQL; if set, it and the other parts replace DATABASE_URL.";
        DATABASE_PORT = ["DATABASE_PORT"], port(), "5432",
            "The port of PostgreSQL, beside DATABASE_HOST.";
        DATABASE_NAME = ["DATABASE_NAME"], Text, "postgres",
            "The name of the database, beside DATABASE_HOST.";
        DATABASE_USER = ["DATABASE_USER"], Text, "postgres",
            "The user of the database, beside DATABASE_HOST.";
        DATABASE_PASSWORD = ["DATABASE_PASSWORD"], Secret, "",
            "The password of the database, beside DATABASE_HOST; any characters, unescaped.";
        DATABASE_SSLMODE = ["DATABASE_SSLMODE"], Choice(SSL_MODES), "",
            "libpq's sslmode; without one, the URL's or prefer.";
        DATABASE_SSLROOTCERT = ["DATABASE_SSLROOTCERT"], Path, "",
            "A file of root certificates for PostgreSQL.";
        DATABASE_POOL_MAX_SIZE = ["DATABASE_POOL_MAX_SIZE"], count(1, 10_000), "10",
            "Connections to PostgreSQL of one web process at most.";
    }
    later {}
    ignored {
        ["DATABASE_POOL", "DATABASE_POOL_MIN_SIZE", "DATABASE_CONN_MAX_AGE",
            "DATABASE_CONN_HEALTH_CHECKS"], Text,
            "Connections are always pooled, opened as needed, and looked at before use.";
        ["DATABASE_POOL_TIMEOUT"], Text, "Whoever waits for a connection waits five seconds.";
        ["READ_ONLY_DATABASE_URL", "MAINTENANCE_DATABASE_URL"], SecretUrl(POSTGRES),
            "Everything goes to one server, which is the truth.";
    }
}
