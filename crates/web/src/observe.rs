//! Counts and times every request, and gives it an id.
//!
//! The names are GlitchTip's (django-prometheus), which dashboards and autoscalers ask for, and ours
//! beside them. Routes are labelled by their names, never by raw paths.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use actix_web::Error;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::{HeaderName, HeaderValue, USER_AGENT};
use actix_web::middleware::Next;
use actix_web::web::Data;
use metrics::{counter, gauge, histogram};
use mishap_boot::metrics::Description;
use mishap_core::random::Random;
use mishap_process::reports;

use crate::{AppState, client};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What django-prometheus calls what no view answers.
const UNNAMED: &str = "<unnamed view>";

/// What the web process measures.
pub const METRICS: &[Description] = &[
    Description::Counter("http_server_requests_total", "Requests, by route and status."),
    Description::Seconds("http_server_request_duration_seconds", "Time until the answer began."),
    Description::Gauge("http_server_in_flight", "Requests being served."),
    Description::Counter(
        "django_http_requests_total_by_view_transport_method_total",
        "Requests, by view.",
    ),
    Description::Counter("django_http_requests_total_by_method_total", "Requests, by method."),
    Description::Counter(
        "django_http_requests_total_by_transport_total",
        "Requests, by transport.",
    ),
    Description::Seconds(
        "django_http_requests_latency_seconds_by_view_method",
        "Time until the answer began, by view.",
    ),
    Description::Seconds(
        "django_http_requests_latency_including_middlewares_seconds",
        "Time until the answer began.",
    ),
    Description::Counter("django_http_responses_total_by_status_total", "Answers, by status."),
    Description::Counter(
        "django_http_responses_total_by_status_view_method_total",
        "Answers, by status and view.",
    ),
    Description::Bytes("django_http_responses_body_total_bytes", "Sizes of answers."),
    Description::Counter(
        "glitchtip_ingest_items_total",
        "Items that reached us, by what became of them.",
    ),
    Description::Counter("glitchtip_ingest_bytes_total", "Bytes of bodies, as they arrived."),
    Description::Seconds(
        "glitchtip_ingest_commit_seconds",
        "Time to make a batch of envelopes durable.",
    ),
    Description::Counter(
        "glitchtip_ingest_overflow_total",
        "Envelopes kept in Redis while PostgreSQL was away.",
    ),
    Description::Counter(
        "glitchtip_ingest_hints_lost_total",
        "Hints that could not be passed to the workers.",
    ),
    Description::Counter("glitchtip_throttled_total", "Items refused by a limit."),
    Description::Gauge("glitchtip_db_pool_connections", "Connections to PostgreSQL, by state."),
];

/// What observing needs, and what is to be known of all requests.
pub(crate) struct Observer {
    random: Arc<dyn Random>,
    begun: AtomicUsize,
    in_flight: AtomicUsize,
    is_closing: AtomicBool,
}

impl Observer {
    pub(crate) fn new(random: Arc<dyn Random>) -> Self {
        let (begun, in_flight) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { random, begun, in_flight, is_closing: AtomicBool::new(false) }
    }

    /// Requests that ever began, to be compared with an earlier number.
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::Acquire)
    }

    /// Requests being served.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// From now on, every answer is the last one on its connection.
    pub(crate) fn close_connections(&self) {
        self.is_closing.store(true, Ordering::Release);
    }

    fn begin(&self) -> InFlight<'_> {
        self.begun.fetch_add(1, Ordering::AcqRel);
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        gauge!("http_server_in_flight").increment(1.0);
        InFlight(self)
    }
}

/// Counts a request until it is answered, or its client has gone.
struct InFlight<'o>(&'o Observer);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
        gauge!("http_server_in_flight").decrement(1.0);
    }
}

/// Observes one request.
pub(crate) async fn observe<B: MessageBody>(
    observer: Data<Observer>,
    state: Data<AppState>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let began = Instant::now();
    let view = request.resource_map().match_name(request.path()).unwrap_or(UNNAMED);
    let view = view.to_owned();
    let method = method_name(request.method().as_str());
    let is_secure = client::is_secure(request.request(), &state.config.trusted_proxies);
    let transport = if is_secure { "https" } else { "http" };
    let id = request_id(&request, observer.random.as_ref());
    let in_flight = observer.begin();
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let is_report = reports::is_own(agent);
    let result = reports::silently_if(is_report, next.call(request)).await;
    drop(in_flight);
    let took = began.elapsed();

    let status = match &result {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let status = status.as_str().to_owned();
    let class = class_of(&view);
    counter!("http_server_requests_total", "route" => view.clone(), "route_class" => class,
        "method" => method, "code" => status.clone())
    .increment(1);
    histogram!("http_server_request_duration_seconds", "route" => view.clone(),
        "route_class" => class)
    .record(took);
    counter!("django_http_requests_total_by_view_transport_method_total", "view" => view.clone(),
        "transport" => transport, "method" => method)
    .increment(1);
    counter!("django_http_requests_total_by_method_total", "method" => method).increment(1);
    counter!("django_http_requests_total_by_transport_total", "transport" => transport)
        .increment(1);
    histogram!("django_http_requests_latency_seconds_by_view_method", "view" => view.clone(),
        "method" => method)
    .record(took);
    histogram!("django_http_requests_latency_including_middlewares_seconds").record(took);
    counter!("django_http_responses_total_by_status_total", "status" => status.clone())
        .increment(1);
    counter!("django_http_responses_total_by_status_view_method_total",
        "status" => status.clone(), "view" => view.clone(), "method" => method)
    .increment(1);

    let mut response = result?;
    if observer.is_closing.load(Ordering::Acquire) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    if let BodySize::Sized(bytes) = response.response().body().size() {
        #[expect(clippy::cast_precision_loss, reason = "for a histogram")]
        histogram!("django_http_responses_body_total_bytes").record(bytes as f64);
    }
    if let Some(id) = id {
        tracing::debug!(
            request.id = id.to_str().unwrap_or_default(),
            http.route = view,
            http.method = method,
            http.status = status,
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "served a request"
        );
        response.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(response)
}

/// The id that the client or a proxy gave the request, or a new one.
fn request_id(request: &ServiceRequest, random: &dyn Random) -> Option<HeaderValue> {
    let is_sane = |value: &&HeaderValue| {
        value.len() <= 64
            && value.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    if let Some(given) = request.headers().get(REQUEST_ID).filter(is_sane) {
        return Some(given.clone());
    }
    HeaderValue::from_str(&random.uuid().simple().to_string()).ok()
}

/// Methods are few, whatever clients invent.
fn method_name(method: &str) -> &'static str {
    match method {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// What kind of request a view answers: objectives are set by it.
fn class_of(view: &str) -> &'static str {
    match view {
        "health" | "internal_health" | "prometheus-django-metrics" | "static" | UNNAMED => "other",
        _ if view.starts_with("api:event_") => "ingest",
        _ if view.starts_with("api:") || view.starts_with("headless:") => "api",
        _ if view.starts_with("admin:") => "admin",
        _ => "ui",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_of_few_classes() {
        for (view, class) in [
            ("api:event_envelope", "ingest"),
            ("api:event_store", "ingest"),
            ("api:list_organizations", "api"),
            ("headless:account:login", "api"),
            ("admin:status", "admin"),
            ("sign_in", "ui"),
            ("health", "other"),
            (UNNAMED, "other"),
        ] {
            assert_eq!(class_of(view), class, "{view}");
        }
    }
}
