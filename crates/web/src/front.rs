//! What every request meets before its handler is found, and what every answer says.
//!
//! A request for a host that is not ours is refused, a browser's preflight is answered, a compressed
//! body is inflated, and `HEAD` is answered as `GET` without its body. Then answers get the headers
//! that browsers go by. Ingest has rules of its own for browsers and bodies, and gets only what costs
//! nothing.

mod cors;
mod headers;
mod hosts;
mod inflate;
mod mount;

use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, VARY};
use actix_web::middleware::Next;
use actix_web::web::{Data, PathConfig};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _};
use ipnet::IpNet;
use mishap_core::random::Random;

use self::cors::CorsRules;
use self::headers::SecurityHeaders;
use self::hosts::AllowedHosts;
pub(crate) use self::mount::unmount;
use crate::config::AppConfig;
use crate::error::ApiError;
use crate::pages::screen::PageError;
use crate::session::SessionRead;
use crate::{allauth, client, ingest};

/// JSON as the API answers it (GlitchTip).
const API_JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// The rules for all requests and answers, ready to be used.
pub(crate) struct Front {
    hosts: AllowedHosts,
    cors: CorsRules,
    headers: SecurityHeaders,
    trusted_proxies: Vec<IpNet>,
    max_inflated_bytes: u64,
    random: Arc<dyn Random>,
}

impl Front {
    pub(crate) fn new(config: &AppConfig, random: Arc<dyn Random>) -> Self {
        let rules = &config.front;
        Self {
            hosts: AllowedHosts::new(&rules.allowed_hosts),
            cors: CorsRules::new(&rules.cors),
            headers: SecurityHeaders::new(&rules.csp, rules.hsts),
            trusted_proxies: config.trusted_proxies.clone(),
            max_inflated_bytes: rules.max_inflated_bytes,
            random,
        }
    }

    /// What is answered without asking any handler, if anything.
    fn answer(&self, request: &mut ServiceRequest, is_ingest: bool) -> Option<HttpResponse> {
        if !self.hosts.allow(client::host(request.request(), &self.trusted_proxies)) {
            let refused = ApiError::BadRequest("This host is not served here".into());
            return Some(refusal(request.request(), refused));
        }
        if is_ingest {
            return None;
        }
        if cors::is_preflight(request.request()) {
            return Some(self.cors.preflight(request.request()));
        }
        let inflated = inflate::inflate(request, self.max_inflated_bytes);
        inflated.err().map(|error| refusal(request.request(), error))
    }
}

/// Lets a request in, and gives its answer the headers that all answers have.
pub(crate) async fn front<B: MessageBody>(
    front: Data<Front>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let is_ingest = ingest::is_path(request.path());
    let mut response = match front.answer(&mut request, is_ingest) {
        Some(answer) => request.into_response(answer).map_into_right_body(),
        None => {
            // The body of the answer is left out where it is written.
            if request.method() == Method::HEAD && !is_ingest {
                request.head_mut().method = Method::GET;
            }
            next.call(request).await?.map_into_left_body()
        }
    };
    headers::add_constant(response.headers_mut());
    if is_ingest {
        return Ok(response);
    }
    let request = response.request().clone();
    let headers = response.headers_mut();
    let is_secure = client::is_secure(&request, &front.trusted_proxies);
    front.headers.add(headers, is_secure, front.random.as_ref());
    front.cors.mark(&request, headers);
    let mut vary = "Accept-Language, origin".to_owned();
    if request.extensions().contains::<SessionRead>() {
        vary.push_str(", Cookie");
    }
    if let Some(own) = headers.get(VARY).and_then(|own| own.to_str().ok()) {
        vary.push_str(", ");
        vary.push_str(own);
    }
    if let Ok(vary) = HeaderValue::from_str(&vary) {
        headers.insert(VARY, vary);
    }
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if is_json && request.path().starts_with("/api/") {
        headers.insert(CONTENT_TYPE, API_JSON);
    }
    Ok(response)
}

/// A refusal in the form that fits the path: JSON for programs, a page for people.
pub(crate) fn refusal(request: &HttpRequest, error: ApiError) -> HttpResponse {
    let is_for_programs = ["/api/", allauth::PREFIX];
    if is_for_programs.iter().any(|prefix| request.path().starts_with(prefix)) {
        error.error_response()
    } else {
        PageError::of(request, error).error_response()
    }
}

/// A part of a path that no handler can read, such as a number that is too large, is one that nothing
/// is at.
pub(crate) fn unreadable_paths() -> PathConfig {
    PathConfig::default().error_handler(|error, request| {
        InternalError::from_response(error, refusal(request, ApiError::NotFound)).into()
    })
}

/// The answer to a path that nothing is at.
pub(crate) async fn not_found(request: HttpRequest) -> HttpResponse {
    refusal(&request, ApiError::NotFound)
}
