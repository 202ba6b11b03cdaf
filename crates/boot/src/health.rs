//! Probes and metrics, on a port and a thread of their own.
//!
//! A busy program must not fail its probes: they are served by a thread that does nothing else, and
//! ask only what the program last said of itself.
//!
//! | path | says |
//! |---|---|
//! | `/livez` | whether the main runtime still turns |
//! | `/readyz`, `/startupz` | whether the program wants work, and if not, why |
//! | `/metrics` | Prometheus' text format |
//!
//! Who cannot ask by HTTP may look at how old a file is.

mod file;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::metrics::Metrics;
use crate::tasks::Tasks;

/// The main runtime counts as stuck when it has not turned for this long.
const STUCK_AFTER: Duration = Duration::from_secs(30);

/// How often the main runtime says that it turns.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// What the program last said of itself.
#[derive(Debug, Clone)]
pub struct Health(Arc<State>);

/// Whether one part of the program wants work.
#[derive(Debug, Clone)]
pub struct Readiness {
    name: &'static str,
    /// Why it does not.
    why_not: Arc<Mutex<Option<&'static str>>>,
}

impl Readiness {
    /// The part wants work.
    pub fn ready(&self) {
        *self.lock() = None;
    }

    /// The part wants none; `why` goes on after its name, such as "waits for PostgreSQL".
    pub fn not_ready(&self, why: &'static str) {
        *self.lock() = Some(why);
    }

    fn lock(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.why_not.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct State {
    started: Instant,
    /// Milliseconds since the start at the last heartbeat.
    heartbeat: AtomicU64,
    parts: Mutex<Vec<Readiness>>,
    touches: Once,
}

impl Default for Health {
    fn default() -> Self {
        Self(Arc::new(State {
            started: Instant::now(),
            heartbeat: AtomicU64::new(0),
            parts: Mutex::default(),
            touches: Once::new(),
        }))
    }
}

impl Health {
    /// A part of the program; it does not want work until it says so.
    pub fn part(&self, name: &'static str) -> Readiness {
        let why_not = Arc::new(Mutex::new(Some("is starting")));
        let part = Readiness { name, why_not };
        self.parts().push(part.clone());
        part
    }

    /// Whether every part of the program wants work.
    pub fn is_ready(&self) -> bool {
        self.why_not_ready().is_none()
    }

    /// What keeps the program from wanting work, if anything does: a phrase for each part.
    fn why_not_ready(&self) -> Option<String> {
        let parts = self.parts();
        if parts.is_empty() {
            return Some("the program is starting".to_owned());
        }
        let why_not = |part: &Readiness| part.lock().map(|why| format!("{} {why}", part.name));
        let phrases: Vec<String> = parts.iter().filter_map(why_not).collect();
        (!phrases.is_empty()).then(|| phrases.join(", "))
    }

    /// Touches a file at each heartbeat, from now on until the program is to stop; one file at most,
    /// whichever part of the program asks.
    pub fn touch(&self, file: &Path, tasks: &Tasks) {
        self.0.touches.call_once(|| file::keep_touching(file, tasks));
    }

    fn parts(&self) -> MutexGuard<'_, Vec<Readiness>> {
        self.0.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn beat(&self) {
        let now = self.0.started.elapsed().as_millis();
        self.0.heartbeat.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn is_alive(&self) -> bool {
        let last = Duration::from_millis(self.0.heartbeat.load(Ordering::Relaxed));
        self.0.started.elapsed().saturating_sub(last) < STUCK_AFTER
    }
}

/// Serves probes and metrics until the process ends; returns where, for port 0 picks one.
pub async fn serve(
    address: SocketAddr,
    health: Health,
    metrics: Metrics,
    tasks: &Tasks,
) -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    let beating = health.clone();
    tasks.every("heartbeat", HEARTBEAT, move || {
        beating.beat();
        std::future::ready(())
    });
    let upkeep = metrics.clone();
    tasks.every("metrics upkeep", crate::metrics::UPKEEP, move || {
        upkeep.keep_up();
        std::future::ready(())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name("health".to_owned())
        .spawn(move || runtime.block_on(accept(listener, health, metrics)))?;
    Ok(bound)
}

async fn accept(listener: std::net::TcpListener, health: Health, metrics: Metrics) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let mut connections = tokio::task::JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (health, metrics) = (health.clone(), metrics.clone());
        connections.spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer(&request, &health, &metrics);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(5))
                .serve_connection(TokioIo::new(stream), service);
            // A prober that goes away in the middle is nobody's concern.
            let _gone = connection.await;
        });
    }
}

fn answer(
    request: &Request<Incoming>,
    health: &Health,
    metrics: &Metrics,
) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/livez") => {
            verdict((!health.is_alive()).then(|| "its runtime does not turn".to_owned()))
        }
        (&Method::GET | &Method::HEAD, "/readyz" | "/startupz") => verdict(health.why_not_ready()),
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, metrics.render()),
        _ => (StatusCode::NOT_FOUND, "not found\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let media = hyper::header::HeaderValue::from_static(crate::metrics::MEDIA_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}

fn verdict(trouble: Option<String>) -> (StatusCode, String) {
    match trouble {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")),
    }
}
