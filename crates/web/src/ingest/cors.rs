//! Lets browsers of every origin send, and read what limits they are under.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderValue,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};

const METHODS: HeaderValue = HeaderValue::from_static("POST, OPTIONS");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, content-type, \
     authentication, authorization, content-encoding, transfer-encoding, sentry-trace, baggage, \
     x-csrftoken",
);
/// Without this, `fetch` hides the headers from the SDK.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-sentry-error, x-sentry-rate-limits, retry-after");
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// Answers preflight requests, and marks every other answer, refusals included.
pub(super) async fn allow_every_origin<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let mut response = if request.method() == Method::OPTIONS {
        let preflight = HttpResponse::NoContent()
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
            .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE))
            .finish();
        request.into_response(preflight).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    Ok(response)
}
