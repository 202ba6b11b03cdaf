//! Redis.

use super::settings;
use crate::settings::kind::Kind::{Secret, SecretUrl, Text};
use crate::settings::kind::{any_count, port};

/// What a URL of Redis begins with.
const REDIS: &[&str] = &["redis", "rediss", "valkey", "valkeys", "unix", "redis+unix"];

settings! {
    Redis, REDIS_SETTINGS;
    read {
        REDIS_URL = ["VALKEY_URL", "REDIS_URL"], SecretUrl(REDIS), "redis://redis:6379/0",
            "Where Redis is; empty for none, then everything works on PostgreSQL alone.";
        REDIS_HOST = ["VALKEY_HOST", "REDIS_HOST"], Text, "",
            "The host of Redis; if set, it and the other parts replace REDIS_URL.";
        REDIS_PORT = ["VALKEY_PORT", "REDIS_PORT"], port(), "6379",
            "The port of Redis, beside REDIS_HOST.";
        REDIS_DATABASE = ["VALKEY_DATABASE", "REDIS_DATABASE"], any_count(), "0",
            "The number of the Redis database, beside REDIS_HOST.";
        REDIS_PASSWORD = ["VALKEY_PASSWORD", "REDIS_PASSWORD"], Secret, "",
            "The password of Redis, beside REDIS_HOST.";
        REDIS_PREFIX = ["MISHAP_REDIS_PREFIX"], Text, "mishap:",
            "What the names of keys in Redis begin with.";
    }
    later {
        ["VALKEY_SSL_{OPTION}"], Text, "", "How connections to Redis are encrypted.",
            "certificates of one's own for Redis";
    }
    ignored {
        ["VALKEY_RETRY", "VALKEY_MAX_CONNECTIONS", "REDIS_MAX_CONNECTIONS"], Text,
            "A few connections are shared, and Redis may be away.";
        ["CACHE_URL", "CACHE_SENTINEL_URL", "CACHE_SENTINEL_PASSWORD"], Secret,
            "Nothing is cached outside the processes; sessions are in PostgreSQL.";
        ["CELERY_BROKER_URL", "CELERY_BROKER_SENTINEL_KWARGS_PASSWORD"], Secret,
            "There is no Celery; VALKEY_URL says where Redis is.";
        ["CELERY_BROKER_MASTER_NAME", "CELERY_BROKER_SOCKET_TIMEOUT"], Text,
            "There is no Celery, and Redis is spoken to without Sentinel.";
    }
}
