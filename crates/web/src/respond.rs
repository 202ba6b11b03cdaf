//! How lists are answered: a bare array, with the way to its neighbours in headers (GlitchTip).

use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse};
use mishap_core::page::Cursor;
use serde::{Deserialize, Serialize};
use url::Url;
use url::form_urlencoded;

use crate::error::ApiError;

/// Matching items are counted up to this number.
const MAX_HITS: i64 = 1000;

/// Which page of a list is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PageParams {
    limit: Option<String>,
    cursor: Option<String>,
}

impl PageParams {
    /// Items on the page.
    pub fn limit(&self) -> Result<i64, ApiError> {
        let Some(text) = self.limit.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(mishap_core::page::limit(None));
        };
        let limit = text.trim().parse().map_err(|_not_a_number| {
            ApiError::query("limit", "int_parsing", "Input should be a valid integer")
        })?;
        Ok(mishap_core::page::limit(Some(limit)))
    }

    /// Where the page begins; an empty cursor is the first page.
    pub fn cursor(&self) -> Result<Option<Cursor>, ApiError> {
        let text = self.cursor.as_deref().filter(|text| !text.is_empty());
        Ok(text.map(Cursor::decode).transpose()?)
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

impl<T: Serialize> Listed<T> {
    /// The answer. Links are absolute, under the server's public address, whatever proxy the request
    /// came through.
    pub fn respond(self, request: &HttpRequest, public_url: &Url) -> HttpResponse {
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
        let response = listed.respond(&request, &public);
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
