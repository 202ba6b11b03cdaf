//! How the API answers: bare JSON, with the way to a list's neighbours in headers (GlitchTip).

use actix_web::body::BoxBody;
use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, Responder};
use mishap_boot::metrics::MEDIA_TYPE;
use mishap_core::page::{Cursor, Page};
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;
use url::form_urlencoded;

use crate::access::state;
use crate::error::ApiError;
use crate::fields::{Fields, Payload};

/// Matching items are counted up to this number.
const MAX_HITS: i64 = 1000;

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, JsonSchema)]
pub struct PageParams {
    /// Items on the page: 50 if it is missing or zero, and 100 at most.
    #[schemars(with = "Option<i64>")]
    pub limit: i64,
    /// Where the page begins, as a `Link` said; empty for the first page.
    #[schemars(with = "Option<String>")]
    pub cursor: Option<Cursor>,
}

impl Payload for PageParams {
    fn read(fields: &mut Fields<'_>) -> Self {
        let asked = fields.any("limit");
        let is_empty = asked.as_ref().and_then(|value| value.as_str()) == Some("");
        let limit = match is_empty {
            true => None,
            false => fields.optional_integer("limit", i64::MIN..=i64::MAX),
        };
        let cursor = fields.optional_text("cursor", 200).filter(|text| !text.is_empty());
        let cursor = cursor.and_then(|text| match Cursor::decode(&text) {
            Ok(cursor) => Some(cursor),
            Err(invalid) => {
                fields.problem("cursor", "value_error", invalid.to_string(), None);
                None
            }
        });
        Self { limit: mishap_core::page::limit(limit), cursor }
    }
}

/// The answer to something that was made: 201.
#[derive(Debug)]
pub struct Created<T>(pub T);

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::Created().json(self.0)
    }
}

/// The answer to something that leaves nothing to be told: 204.
#[derive(Debug)]
pub struct NoContent;

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

/// The answer to something that is done later: 202.
#[derive(Debug)]
pub struct Accepted;

impl Responder for Accepted {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::Accepted().finish()
    }
}

/// Metrics in Prometheus' text format.
#[derive(Debug)]
pub struct MetricsText(pub String);

impl Responder for MetricsText {
    type Body = BoxBody;

    fn respond_to(self, _request: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().content_type(MEDIA_TYPE).body(self.0)
    }
}

/// A page of a list, ready to be shown.
#[derive(Debug)]
pub struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the page before begins.
    pub previous: Option<Cursor>,
    /// Where the page after begins.
    pub next: Option<Cursor>,
    /// How many items there are on all pages, as far as they were counted.
    pub hits: i64,
}

impl<T> Listed<T> {
    /// A list of nothing.
    pub fn empty() -> Self {
        Self { items: Vec::new(), previous: None, next: None, hits: 0 }
    }

    /// A page whose items are shown as `items`.
    pub fn new<S>(page: &Page<S>, items: Vec<T>, hits: i64) -> Self {
        Self { items, previous: page.previous, next: page.next, hits }
    }
}

impl<T: Serialize> Listed<T> {
    /// The answer. Links are absolute, under the server's public address, whatever proxy the request
    /// came through.
    pub(crate) fn respond(self, request: &HttpRequest) -> Result<HttpResponse, ApiError> {
        Ok(self.linked(request, &state(request)?.config.public_url))
    }

    fn linked(self, request: &HttpRequest, public_url: &Url) -> HttpResponse {
        let link = |cursor: Option<Cursor>, rel: &str| {
            let text = cursor.map(|cursor| cursor.encode());
            let url = page_url(request, public_url, text.as_deref());
            match text {
                Some(text) => {
                    format!("<{url}>; rel=\"{rel}\"; results=\"true\"; cursor=\"{text}\"")
                }
                None => format!("<{url}>; rel=\"{rel}\"; results=\"false\""),
            }
        };
        let links = format!("{}, {}", link(self.previous, "previous"), link(self.next, "next"));
        HttpResponse::Ok()
            .insert_header((LINK, links))
            .insert_header(("X-Hits", self.hits.min(MAX_HITS).to_string()))
            .insert_header(("X-Max-Hits", MAX_HITS.to_string()))
            .json(self.items)
    }
}

impl<T: Serialize> Responder for Listed<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        self.respond(request).unwrap_or_else(HttpResponse::from_error)
    }
}

/// The request's address with another cursor; its parameters sorted, as GlitchTip does it.
fn page_url(request: &HttpRequest, public_url: &Url, cursor: Option<&str>) -> String {
    let query = request.query_string();
    let mut parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name != "cursor" || cursor.is_none())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    parameters.extend(cursor.map(|cursor| ("cursor".to_owned(), cursor.to_owned())));
    parameters.sort();
    let base = public_url.as_str().trim_end_matches('/');
    let mut url = format!("{base}{}", request.path());
    if !parameters.is_empty() {
        let query =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        url.push('?');
        url.push_str(&query);
    }
    url
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn links_lead_to_the_neighbours_under_the_public_address() {
        let request =
            TestRequest::with_uri("/api/0/organizations/?limit=2&cursor=old").to_http_request();
        let public = Url::parse("https://errors.example.com/mishap").unwrap();
        let next = Cursor { position: 1, id: 2, is_backward: false };
        let listed = Listed { items: vec![1, 2], previous: None, next: Some(next), hits: 7 };
        let response = listed.linked(&request, &public);
        let header =
            |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
        let text = next.encode();
        assert_eq!(
            header("link"),
            format!(
                "<https://errors.example.com/mishap/api/0/organizations/?cursor=old&limit=2>; \
                 rel=\"previous\"; results=\"false\", \
                 <https://errors.example.com/mishap/api/0/organizations/?cursor={text}&limit=2>; \
                 rel=\"next\"; results=\"true\"; cursor=\"{text}\""
            )
        );
        assert_eq!(header("x-hits"), "7");
        assert_eq!(header("x-max-hits"), "1000");
    }
}
