//! The API, as a client of GlitchTip uses it.

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, Utc};
use reqwest::header::LINK;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::send::client;

/// What is shown of an answer that was not expected, in characters.
const SHOWN: usize = 300;

/// A server, and who asks it.
pub(super) struct Api {
    client: reqwest::Client,
    base: String,
    token: String,
}

/// An organization of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Organization {
    pub(super) name: String,
    pub(super) slug: String,
    #[serde(rename = "dateCreated")]
    pub(super) date_created: DateTime<Utc>,
}

impl Api {
    pub(super) fn new(url: &Url, token: String) -> anyhow::Result<Self> {
        Ok(Self { client: client()?, base: url.as_str().trim_end_matches('/').to_owned(), token })
    }

    /// Reads something below `/api/0/`.
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.json(self.request(Method::GET, path)).await
    }

    /// Makes something.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    /// Changes something.
    pub(super) async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.json(self.request(Method::PUT, path).json(body)).await
    }

    /// Deletes something.
    pub(super) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        answered(self.request(Method::DELETE, path)).await.map(drop)
    }

    /// Reads something that may not be there yet.
    pub(super) async fn find(&self, path: &str) -> anyhow::Result<Option<Value>> {
        let response = self.request(Method::GET, path).send().await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        expect_success(response).await?.json().await.map(Some).context("the answer is no JSON")
    }

    /// Fails if something is there.
    pub(super) async fn expect_missing(&self, path: &str) -> anyhow::Result<()> {
        ensure!(self.find(path).await?.is_none(), "{path} is there");
        Ok(())
    }

    /// All of a list, page after page.
    pub(super) async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut next = Some(self.request(Method::GET, path));
        while let Some(request) = next {
            let response = answered(request).await?;
            let link = response.headers().get(LINK).and_then(|link| link.to_str().ok());
            let following = link.and_then(next_page).map(str::to_owned);
            all.extend(response.json::<Vec<Value>>().await?);
            next = following.map(|url| self.client.get(url).bearer_auth(&self.token));
        }
        Ok(all)
    }

    /// The organizations that the caller is in.
    pub(super) async fn organizations(&self) -> anyhow::Result<Vec<Organization>> {
        let listed = self.list("organizations/").await?;
        let read = listed.into_iter().map(serde_json::from_value);
        read.collect::<Result<_, _>>().context("organizations cannot be read")
    }

    /// The text of something that nobody needs a token for, by its path on the server.
    pub(super) async fn text(&self, path: &str) -> anyhow::Result<String> {
        Ok(answered(self.client.get(format!("{}{path}", self.base))).await?.text().await?)
    }

    /// The text of something below `/api/0/`.
    pub(super) async fn text_of(&self, path: &str) -> anyhow::Result<String> {
        Ok(answered(self.request(Method::GET, path)).await?.text().await?)
    }

    /// What status a request without a token is answered with.
    pub(super) async fn status_for_strangers(&self, path: &str) -> anyhow::Result<StatusCode> {
        Ok(self.client.get(format!("{}/api/0/{path}", self.base)).send().await?.status())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/0/{path}", self.base);
        self.client.request(method, url).bearer_auth(&self.token)
    }

    async fn json(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        answered(request).await?.json().await.context("the answer is no JSON")
    }
}

async fn answered(request: RequestBuilder) -> anyhow::Result<Response> {
    expect_success(request.send().await.context("the server cannot be reached")?).await
}

async fn expect_success(response: Response) -> anyhow::Result<Response> {
    if response.status().is_success() {
        return Ok(response);
    }
    let (status, url) = (response.status(), response.url().path().to_owned());
    let text: String = response.text().await.unwrap_or_default().chars().take(SHOWN).collect();
    bail!("{url} was answered with {status}: {text}")
}

/// Where a list goes on (RFC 8288, with Sentry's `results`).
fn next_page(link: &str) -> Option<&str> {
    let next = link
        .split(", <")
        .find(|it| it.contains("rel=\"next\"") && it.contains("results=\"true\""))?;
    next.trim_start_matches('<').split_once('>').map(|(url, _)| url)
}

/// Fails if something is not what it should be.
pub(super) fn expect(what: &str, found: &Value, expected: &Value) -> anyhow::Result<()> {
    ensure!(found == expected, "{what} is {found}, and should be {expected}");
    Ok(())
}

/// Something that must be a text.
pub(super) fn text(value: &Value, what: &str) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{what} is {value}, no text"))
}

/// One member of each, sorted.
pub(super) fn column(rows: &[Value], member: &str) -> Vec<String> {
    let value = |row: &Value| row.get(member).and_then(Value::as_str).map(str::to_owned);
    let mut values: Vec<_> = rows.iter().filter_map(value).collect();
    values.sort();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_if_there_is_one() {
        let page = |results: &str| {
            format!(
                "<https://e/?cursor=a>; rel=\"previous\"; results=\"true\"; cursor=\"a\", \
                 <https://e/?cursor=b>; rel=\"next\"; results=\"{results}\"; cursor=\"b\""
            )
        };
        assert_eq!(next_page(&page("true")), Some("https://e/?cursor=b"));
        assert_eq!(next_page(&page("false")), None);
        assert_eq!(next_page(""), None);
    }
}
