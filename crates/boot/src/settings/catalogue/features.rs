//! What is switched on.

use super::settings;
use crate::settings::kind::Kind::{Boolean, Secret, Text};
use crate::settings::kind::{any_count, seconds};

settings! {
    Features, FEATURES_SETTINGS;
    read {
        ENABLE_ADMIN = ["ENABLE_ADMIN"], Boolean, "True",
            "Serve the administrator's pages at /admin/.";
        ENABLE_OPENAPI = ["ENABLE_OPENAPI"], Boolean, "True",
            "Serve the description of the API.";
        ENABLE_LOGS = ["GLITCHTIP_ENABLE_LOGS"], Boolean, "True",
            "Clients are told that logs are on.";
        ENABLE_UPTIME = ["GLITCHTIP_ENABLE_UPTIME"], Boolean, "True",
            "Clients are told that uptime checks are on.";
        ENABLE_MCP = ["GLITCHTIP_ENABLE_MCP"], Boolean, "False",
            "Clients are told that the Model Context Protocol is on.";
    }
    later {
        ["MAX_ISSUES_PER_ALERT"], any_count(), "3", "Issues in one message to a webhook at most.",
            "alerts";
        ["ALERT_NOTIFICATION_INTERVAL"], seconds(1), "60", "How often alerts are looked at.",
            "alerts";
        ["GLITCHTIP_ALLOW_PRIVATE_IPS", "GLITCHTIP_UPTIME_ALLOW_PRIVATE_IPS"], Boolean, "False",
            "Webhooks and uptime checks may go to private addresses.",
            "alerts and uptime checks";
        ["GLITCHTIP_CHUNK_UPLOAD_USE_RELATIVE_URL"], Boolean, "False",
            "Tell clients the address for uploads without its host.", "uploaded files";
    }
    ignored {
        ["GLITCHTIP_ENABLE_DUCKDB", "GLITCHTIP_EVENT_HOT_DAYS", "GLITCHTIP_LOG_HOT_DAYS",
            "GLITCHTIP_COLD_STORAGE_BUCKET", "GLITCHTIP_COLD_STORAGE_DIR",
            "GLITCHTIP_COLD_STORAGE_CLEANUP_ENABLED", "DUCKDB_{OPTION}"], Text,
            "All that is kept is in PostgreSQL; there is no colder place.";
        ["GLITCHTIP_LICENSE_KEY"], Secret, "There is no licence to buy.";
        ["STRIPE_PUBLIC_KEY", "STRIPE_REGION", "STRIPE_REGION_DOMAINS"], Text,
            "There is no billing.";
        ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET_SUBSCRIPTION"],
            Secret, "There is no billing.";
    }
}
