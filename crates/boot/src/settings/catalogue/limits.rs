//! How long things are kept, and how much.

use super::settings;
use crate::settings::kind::Kind::Text;
use crate::settings::kind::{any_count, days};

settings! {
    Limits, LIMITS_SETTINGS;
    read {
        RETENTION_DAYS = ["GLITCHTIP_RETENTION_DAYS", "GLITCHTIP_MAX_EVENT_LIFE_DAYS"], days(), "30",
            "Days that things are kept of which nothing else is said.";
        EVENT_RETENTION_DAYS = ["GLITCHTIP_EVENT_RETENTION_DAYS"], days(),
            "$GLITCHTIP_RETENTION_DAYS",
            "Days that events are kept.";
        AUDIT_DAYS = ["MISHAP_AUDIT_DAYS"], days(), "365",
            "Days that it is kept who changed what.";
    }
    later {
        ["GLITCHTIP_TRANSACTION_RETENTION_DAYS", "GLITCHTIP_MAX_TRANSACTION_EVENT_LIFE_DAYS"],
            days(), "$GLITCHTIP_RETENTION_DAYS",
            "Days that transactions are kept.", "performance";
        ["GLITCHTIP_UPTIME_RETENTION_DAYS", "GLITCHTIP_MAX_UPTIME_CHECK_LIFE_DAYS"],
            days(), "$GLITCHTIP_RETENTION_DAYS",
            "Days that the results of uptime checks are kept.", "uptime checks";
        ["GLITCHTIP_FILE_RETENTION_DAYS", "GLITCHTIP_MAX_FILE_LIFE_DAYS"],
            days(), "$GLITCHTIP_RETENTION_DAYS",
            "Days that uploaded files are kept.", "uploaded files";
        ["GLITCHTIP_LOG_RETENTION_DAYS"], days(), "$GLITCHTIP_RETENTION_DAYS",
            "Days that log lines of programs are kept.", "logs";
        ["GLITCHTIP_RELEASE_RETENTION_DAYS"], days(), "365",
            "Days that releases are kept.", "releases";
        ["DATA_UPLOAD_MAX_NUMBER_FIELDS"], any_count(), "1000",
            "Fields of a form at most.", "bulk actions of the administrator's pages";
    }
    ignored {
        ["GLITCHTIP_THROTTLE_CHECK_INTERVAL"], Text, "Quotas are looked at for every event.";
        ["GLITCHTIP_FREE_TIER_EVENTS"], Text, "There is no billing.";
        ["GLITCHTIP_ADVANCED_PARTITIONING", "PARTITION_HASH_BUCKETS"], Text,
            "Partitions are made and dropped without extensions.";
    }
}
