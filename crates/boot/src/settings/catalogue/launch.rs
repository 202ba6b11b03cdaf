//! How processes are started.

use super::settings;
use crate::settings::kind::Kind::{self, Address, Choice, Listen, Path, Secret, Text};
use crate::settings::kind::{Unit, count, port};

/// What GlitchTip's start script can be told to be.
const ROLES: &[&str] = &["web", "worker", "beat", "worker_with_beat", "all_in_one", "all-in-one"];

/// Supervisors kill what does not end.
const DRAIN: Kind = Kind::Number { unit: Unit::Seconds, min: 0, max: 30 };

settings! {
    Launch, LAUNCH_SETTINGS;
    read {
        SERVER_ROLE = ["SERVER_ROLE"], Choice(ROLES), "",
            "What the container is meant to be; a program that is something else says so when it starts.";
        LISTEN = ["MISHAP_LISTEN"], Address, "0.0.0.0",
            "The IP address that every listener is bound to.";
        WEB_HOST = ["GRANIAN_HOST", "UVICORN_HOST"], Address, "$MISHAP_LISTEN",
            "The IP address that the port of the web process is bound to.";
        PORT = ["PORT", "GRANIAN_PORT", "UVICORN_PORT"], Listen, "8000",
            "The port of the web process; with an IP address before it, that one is bound to.";
        WEB_METRICS_HOST = ["GRANIAN_METRICS_ADDRESS"], Address, "$MISHAP_LISTEN",
            "The IP address that the web process's metrics and probes are bound to.";
        WEB_METRICS_PORT = ["MISHAP_WEB_METRICS_PORT", "GRANIAN_METRICS_PORT"], port(), "9090",
            "The port of the web process's metrics and probes.";
        WORKER_METRICS_PORT = ["MISHAP_WORKER_METRICS_PORT", "VTASKS_METRICS_PORT"], port(), "9091",
            "The port of the worker's metrics and probes.";
        BEAT_METRICS_PORT = ["MISHAP_BEAT_METRICS_PORT"], port(), "9092",
            "The port of beat's metrics and probes.";
        WEB_THREADS = ["MISHAP_WEB_THREADS", "WEB_CONCURRENCY"], count(1, 1024), "2",
            "Threads of the web process that serve requests.";
        WEB_DRAIN = ["MISHAP_DRAIN_SECONDS"], DRAIN, "0",
            "How long the web process goes on taking new connections after it was told to stop; those who send clients here learn late that it is not ready.";
        HEALTH_FILE = ["VTASKS_HEALTH_CHECK_FILE"], Path, "",
            "A file that worker and beat touch every second while they live, for probes that look at its age.";
        ACCEPTANCE_TOKEN = ["GLITCHTIP_API_USER_TOKEN"], Secret, "",
            "The token with which `mishap acceptance` asks.";
        WORKER_CONCURRENCY = ["MISHAP_WORKER_CONCURRENCY", "CELERY_WORKER_CONCURRENCY"],
            count(1, 1024), "2",
            "Batches that a worker digests at the same time.";
    }
    later {}
    ignored {
        ["USE_GRANIAN", "USE_ASYNC_SERVER", "GRANIAN_STATIC_PATH_MOUNT"], Text,
            "There is one server, which is built in.";
        ["UWSGI_LISTEN", "UWSGI_CHEAPER_OVERLOAD", "UWSGI_MAX_REQUESTS",
            "UWSGI_WORKER_RELOAD_MERCY", "UWSGI_WORKERS"], Text, "There is no uwsgi.";
        ["CELERY_WORKER_POOL", "CELERY_WORKER_PREFETCH_MULTIPLIER",
            "CELERY_WORKER_MAX_TASKS_PER_CHILD", "CELERY_SKIP_CHECKS", "CELERY_TASK_ALWAYS_EAGER",
            "IS_CELERY"], Text, "There is no Celery.";
        ["IS_WORKER", "VTASKS_WORKER_ID"], Text, "Each program knows what it is.";
        ["GLITCHTIP_EMBED_WORKER"], Text, "`mishap serve` is everything in one process.";
        ["DYNO"], Text, "A process is what its command says.";
    }
}
