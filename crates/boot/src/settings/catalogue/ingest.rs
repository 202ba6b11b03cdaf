//! What is taken in.

use super::settings;
use crate::settings::kind::Kind::{Boolean, Text};
use crate::settings::kind::{any_count, bytes, seconds};

settings! {
    Ingest, INGEST_SETTINGS;
    read {
        MAINTENANCE_EVENT_FREEZE = ["MAINTENANCE_EVENT_FREEZE"], Boolean, "False",
            "Stop ingest: events are answered with 503.";
        MAX_EVENT_BYTES = ["MISHAP_MAX_EVENT_BYTES"], bytes(), "1048576",
            "The largest event that is taken.";
        MAX_ATTACHMENT_BYTES = ["MISHAP_MAX_ATTACHMENT_BYTES"], bytes(), "10485760",
            "The largest attachment that is kept; one envelope may hold twice as much.";
        MAX_BODY_BYTES = ["MISHAP_MAX_BODY_BYTES"], bytes(), "209715200",
            "The largest body that is read, as it arrives.";
        MAX_INFLATED_BYTES = ["MISHAP_MAX_INFLATED_BYTES", "GLITCHTIP_MAX_UNZIPPED_PAYLOAD_SIZE"],
            bytes(), "209715200",
            "The largest body that is read, inflated.";
        MAX_BACKLOG_ROWS = ["MISHAP_MAX_BACKLOG_ROWS"], any_count(), "200000",
            "Envelopes waiting to be digested beyond which clients are told to wait.";
        MAX_BACKLOG_SECONDS = ["MISHAP_MAX_BACKLOG_SECONDS"], seconds(0), "900",
            "Age of the oldest envelope beyond which clients are told to wait.";
    }
    later {}
    ignored {
        ["TASK_DEBOUNCE_DELAY"], Text, "An issue is brought up to date with its events.";
    }
}
