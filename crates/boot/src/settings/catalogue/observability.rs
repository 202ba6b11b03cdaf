//! What is seen of the installation.

use super::settings;
use crate::settings::kind::Kind::{Boolean, Choice, Fraction, Level, Secret, Text, Url};
use crate::settings::kind::WEB;

settings! {
    Observability, OBSERVABILITY_SETTINGS;
    read {
        LOG_LEVEL = ["LOG_LEVEL", "RUST_LOG"], Level, "info",
            "The least level that is logged, in the words of Rust or Python, or directives such as info,mishap_web=debug.";
        LOG_FORMAT = ["LOG_FORMAT"], Choice(&["json", "text", "auto"]), "auto",
            "How log lines look: json, text, or auto, which is text on a terminal.";
        ENABLE_OBSERVABILITY_API = ["ENABLE_OBSERVABILITY_API"], Boolean, "False",
            "Serve the metrics at /metrics of the public port, too, to whoever asks.";
        SENTRY_DSN = ["SENTRY_DSN"], Url(WEB), "",
            "Where failures of the installation itself are reported; it may be a project of its own.";
        SENTRY_SAMPLE_RATE = ["SENTRY_SAMPLE_RATE"], Fraction, "1.0",
            "The part of these failures that is reported.";
        SENTRY_SERVICE_NAME = ["SENTRY_SERVICE_NAME"], Text, "",
            "What reports call the process.";
        SENTRY_FRONTEND_DSN = ["SENTRY_FRONTEND_DSN"], Url(WEB), "$SENTRY_DSN",
            "Where a frontend reports its own; clients are told.";
        SENTRY_TRACES_SAMPLE_RATE = ["SENTRY_TRACES_SAMPLE_RATE"], Fraction, "0.01",
            "The part of a frontend's transactions that it reports; clients are told.";
        PLAUSIBLE_URL = ["PLAUSIBLE_URL"], Url(WEB), "",
            "A server of Plausible Analytics; clients are told.";
        PLAUSIBLE_DOMAIN = ["PLAUSIBLE_DOMAIN"], Text, "",
            "What Plausible calls this installation; clients are told.";
        CHATWOOT_WEBSITE_TOKEN = ["CHATWOOT_WEBSITE_TOKEN"], Text, "",
            "What Chatwoot calls this installation; clients are told.";
        CHATWOOT_IDENTITY_TOKEN = ["CHATWOOT_IDENTITY_TOKEN"], Secret, "",
            "What proves to Chatwoot who somebody is.";
    }
    later {
        ["SENTRY_ENABLE_LOGS"], Boolean, "False", "Report log lines, too.",
            "logs";
        ["GRANIAN_LOG_ACCESS_ENABLED"], Boolean, "False", "Log each request.", "an access log";
    }
    ignored {
        ["SENTRY_SELF_REFERENCING"], Text,
            "What goes wrong with a report of our own is never reported.";
        ["DJANGO_LOGGING_HANDLER_CLASS"], Text, "There is one handler of log lines.";
        ["GRANIAN_LOG_LEVEL", "UVICORN_LOG_LEVEL"], Text,
            "LOG_LEVEL is for all lines.";
        ["GRANIAN_METRICS_ENABLED"], Text, "Metrics are always served.";
        ["METRICS_START_PORT", "PROMETHEUS_MULTIPROC_DIR"], Text,
            "A program is one process, whose metrics are on one port.";
    }
}
