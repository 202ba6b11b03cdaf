//! GitHub speaks OAuth2 only; who somebody is, its API says.

use openidconnect::core::CoreJsonWebKeySet;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::flow::{is_email, printable};
use super::requests::{Http, get};
use super::{Claims, Endpoint, ExternalIdentity, Metadata, ProviderConfig, ProviderError};

/// What would be in a discovery document.
pub(super) fn metadata(config: &ProviderConfig) -> Result<Metadata, ProviderError> {
    let base = match &config.server_url {
        None => "https://github.com".to_owned(),
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
    };
    Ok(Metadata {
        authorization_endpoint: url(&format!("{base}/login/oauth/authorize"))?,
        token_endpoint: url(&format!("{base}/login/oauth/access_token"))?,
        userinfo_endpoint: None,
        jwks_uri: None,
        keys: CoreJsonWebKeySet::new(Vec::new()),
        wants_secret_in_body: true,
        issuer: base,
    })
}

/// A place of the API, which Enterprise servers have beside their pages.
pub(super) fn api(config: &ProviderConfig, path: &str) -> Result<Url, ProviderError> {
    match &config.server_url {
        None => url(&format!("https://api.github.com{path}")),
        Some(server) => url(&format!("{}/api/v3{path}", server.as_str().trim_end_matches('/'))),
    }
}

fn url(text: &str) -> Result<Url, ProviderError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or(ProviderError::Misconfigured("the server's URL cannot be used"))
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

/// Whose access token it is.
pub(super) async fn identity(
    config: &ProviderConfig,
    access_token: &str,
    http: &dyn Http,
) -> Result<ExternalIdentity, ProviderError> {
    let token = Some(access_token);
    let claims: Claims = get(http, Endpoint::UserInfo, &api(config, "/user")?, token).await?;
    let addresses: Vec<Address> =
        get(http, Endpoint::Emails, &api(config, "/user/emails")?, token).await?;
    // The one in the profile may be any text.
    let address = addresses.into_iter().find(|address| address.primary && is_email(&address.email));
    let id = claims.get("id").and_then(Value::as_u64).ok_or(ProviderError::WrongSubject)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(printable);
    Ok(ExternalIdentity {
        uid: id.to_string(),
        is_email_verified: address.as_ref().is_some_and(|address| address.verified),
        email: address.map(|address| address.email),
        name: text("name"),
        username: text("login"),
        claims,
    })
}
