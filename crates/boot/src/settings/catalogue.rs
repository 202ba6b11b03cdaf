//! Every variable that is read.

/// One variable.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its names; the first that is set counts.
    pub names: &'static [&'static str],
    /// What counts if none is set.
    pub default: &'static str,
    /// Whether its value must never be shown.
    pub is_secret: bool,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

/// Declares the variables, and the list of them.
macro_rules! catalogue {
    ($($(#[$kind:ident])? $name:ident = [$($env:literal),+], $default:literal, $meaning:literal;)+) => {
        $(
            #[doc = $meaning]
            pub const $name: Setting = Setting {
                names: &[$($env),+],
                default: $default,
                is_secret: catalogue!(@secret $($kind)?),
                meaning: $meaning,
            };
        )+

        /// Every variable.
        pub const ALL: &[&Setting] = &[$(&$name,)+];
    };
    (@secret secret) => { true };
    (@secret) => { false };
}

catalogue! {
    PUBLIC_URL = ["GLITCHTIP_URL", "APP_URL", "GLITCHTIP_DOMAIN"], "http://localhost:8000",
        "The address that clients and people use; it stands in DSNs and links.";
    LISTEN = ["MISHAP_LISTEN"], "0.0.0.0",
        "The IP address that every listener is bound to.";
    PORT = ["PORT"], "8000",
        "The port of the web process.";
    WEB_METRICS_PORT = ["MISHAP_WEB_METRICS_PORT", "GRANIAN_METRICS_PORT"], "9090",
        "The port of the web process's metrics and probes.";
    WORKER_METRICS_PORT = ["MISHAP_WORKER_METRICS_PORT", "VTASKS_METRICS_PORT"], "9091",
        "The port of the worker's metrics and probes.";
    BEAT_METRICS_PORT = ["MISHAP_BEAT_METRICS_PORT"], "9092",
        "The port of beat's metrics and probes.";
    WEB_THREADS = ["MISHAP_WEB_THREADS"], "2",
        "Threads of the web process that serve requests.";
    WORKER_CONCURRENCY = ["MISHAP_WORKER_CONCURRENCY"], "2",
        "Batches that a worker digests at the same time.";
    TRUSTED_PROXIES = ["TRUSTED_PROXIES"], "",
        "Networks, separated by commas, whose X-Forwarded-For header is believed.";

    #[secret]
    DATABASE_URL = ["DATABASE_URL"], "postgres://postgres:postgres@postgres:5432/postgres",
        "Where PostgreSQL is.";
    DATABASE_HOST = ["DATABASE_HOST"], "",
        "The host of PostgreSQL; if set, it and the other parts replace DATABASE_URL.";
    DATABASE_PORT = ["DATABASE_PORT"], "5432",
        "The port of PostgreSQL, beside DATABASE_HOST.";
    DATABASE_NAME = ["DATABASE_NAME"], "postgres",
        "The name of the database, beside DATABASE_HOST.";
    DATABASE_USER = ["DATABASE_USER"], "postgres",
        "The user of the database, beside DATABASE_HOST.";
    #[secret]
    DATABASE_PASSWORD = ["DATABASE_PASSWORD"], "",
        "The password of the database, beside DATABASE_HOST; any characters, unescaped.";
    DATABASE_SSLMODE = ["DATABASE_SSLMODE"], "",
        "libpq's sslmode: disable, prefer, require, verify-ca or verify-full.";
    DATABASE_SSLROOTCERT = ["DATABASE_SSLROOTCERT"], "",
        "A file of root certificates for PostgreSQL.";
    DATABASE_POOL_MAX_SIZE = ["DATABASE_POOL_MAX_SIZE"], "10",
        "Connections to PostgreSQL of one process at most.";

    #[secret]
    REDIS_URL = ["VALKEY_URL", "REDIS_URL"], "redis://redis:6379/0",
        "Where Redis is; empty for none, then everything works on PostgreSQL alone.";
    REDIS_HOST = ["VALKEY_HOST", "REDIS_HOST"], "",
        "The host of Redis; if set, it and the other parts replace REDIS_URL.";
    REDIS_PORT = ["VALKEY_PORT", "REDIS_PORT"], "6379",
        "The port of Redis, beside REDIS_HOST.";
    REDIS_DATABASE = ["VALKEY_DATABASE", "REDIS_DATABASE"], "0",
        "The number of the Redis database, beside REDIS_HOST.";
    #[secret]
    REDIS_PASSWORD = ["VALKEY_PASSWORD", "REDIS_PASSWORD"], "",
        "The password of Redis, beside REDIS_HOST.";
    REDIS_PREFIX = ["MISHAP_REDIS_PREFIX"], "mishap:",
        "What the names of keys in Redis begin with.";

    RETENTION_DAYS = ["GLITCHTIP_RETENTION_DAYS", "GLITCHTIP_MAX_EVENT_LIFE_DAYS"], "30",
        "Days that events are kept.";
    MAINTENANCE_EVENT_FREEZE = ["MAINTENANCE_EVENT_FREEZE"], "False",
        "Stop ingest: events are answered with 503.";
    MAX_EVENT_BYTES = ["MISHAP_MAX_EVENT_BYTES"], "1048576",
        "The largest event that is taken.";
    MAX_ATTACHMENT_BYTES = ["MISHAP_MAX_ATTACHMENT_BYTES"], "10485760",
        "The largest attachment that is kept; one envelope may hold twice as much.";
    MAX_BODY_BYTES = ["MISHAP_MAX_BODY_BYTES"], "209715200",
        "The largest body that is read, as it arrives.";
    MAX_INFLATED_BYTES = ["MISHAP_MAX_INFLATED_BYTES"], "209715200",
        "The largest body that is read, inflated.";
    MAX_BACKLOG_ROWS = ["MISHAP_MAX_BACKLOG_ROWS"], "200000",
        "Envelopes waiting to be digested beyond which clients are told to wait.";
    MAX_BACKLOG_SECONDS = ["MISHAP_MAX_BACKLOG_SECONDS"], "900",
        "Age of the oldest envelope beyond which clients are told to wait.";

    LOG_LEVEL = ["LOG_LEVEL", "RUST_LOG"], "info",
        "The least level that is logged, or directives such as info,mishap_web=debug.";
    LOG_FORMAT = ["LOG_FORMAT"], "auto",
        "How log lines look: json, text, or auto, which is text on a terminal.";
}
