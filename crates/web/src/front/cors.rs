//! Whose pages may read answers, other than ingest's (django-cors-headers' rules).

use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN,
};
use actix_web::{HttpRequest, HttpResponse};
use mishap_boot::settings::Cors;

const METHODS: HeaderValue = HeaderValue::from_static("DELETE, GET, OPTIONS, PATCH, POST, PUT");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with, \
     x-sentry-auth, baggage, sentry-trace",
);
/// For how long a browser may remember, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");

/// Whose pages may read answers.
#[derive(Debug)]
pub(super) struct CorsRules(Cors);

/// Whether a browser asks what it may send.
pub(super) fn is_preflight(request: &HttpRequest) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

impl CorsRules {
    pub(super) fn new(cors: &Cors) -> Self {
        Self(cors.clone())
    }

    /// The answer to a preflight, before anybody is asked who they are.
    pub(super) fn preflight(&self, request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        if self.allowed(request).is_some() {
            response
                .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
                .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
                .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE));
        }
        response.finish()
    }

    /// Tells the browser that its page may read the answer. Sessions are never lent: browsers keep
    /// answers with cookies from pages of elsewhere.
    pub(super) fn mark(&self, request: &HttpRequest, headers: &mut HeaderMap) {
        if let Some(origin) = self.allowed(request) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
    }

    /// What a request's origin is told, if its pages may read the answer.
    fn allowed(&self, request: &HttpRequest) -> Option<HeaderValue> {
        let origin = request.headers().get(ORIGIN)?;
        if self.0.allow_all {
            return Some(HeaderValue::from_static("*"));
        }
        let text = origin.to_str().ok()?;
        let is_listed = self.0.origins.iter().any(|listed| listed.eq_ignore_ascii_case(text));
        is_listed.then(|| origin.clone())
    }
}
