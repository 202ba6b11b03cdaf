//! The authorization code flow, from the first redirect to somebody's identity.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mishap_core::clock::Clock;
use mishap_core::random::Random;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreTokenResponse,
};
use openidconnect::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, StandardErrorResponse, TokenResponse as _, TokenUrl,
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::requests::{Http, HttpError, Sender, get, unreachable};
use super::{
    Claims, Endpoint, ExternalIdentity, Metadata, ProviderConfig, ProviderError, ProviderKind,
    github, id_token, shortened,
};

/// The longest code that is handed on, in bytes; Microsoft's have some two thousand.
const MAX_CODE_BYTES: usize = 8 * 1024;

/// GlitchTip's column.
const MAX_UID_BYTES: usize = 191;

/// Longest name that is kept, in characters: as GlitchTip's column.
const MAX_NAME_CHARS: usize = 255;

/// No address is longer.
const MAX_EMAIL_BYTES: usize = 254;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointNotSet,
>;

/// What the caller keeps, in the session of the browser that signs in, while that is away at the
/// provider. It is good for one answer, and for some minutes. It is not printed by `{:?}`.
#[derive(Clone, Serialize, Deserialize)]
pub struct FlowState {
    slug: String,
    state: String,
    nonce: String,
    pkce_verifier: String,
    redirect_uri: Url,
}

impl fmt::Debug for FlowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowState").field("slug", &self.slug).finish_non_exhaustive()
    }
}

/// What the browser brings back from the provider, as query parameters.
#[derive(Clone, Copy)]
pub struct Callback<'a> {
    /// `code`: proves to the provider that we may know who it is.
    pub code: &'a str,
    /// `state`: proves to us that this browser began the sign-in.
    pub state: &'a str,
}

/// Begins a sign-in: where the browser goes, and what the caller keeps until it is back. The
/// redirect URI is ours, and registered with the provider.
pub fn begin(
    config: &ProviderConfig,
    metadata: &Metadata,
    redirect_uri: &Url,
    random: &dyn Random,
) -> Result<(Url, FlowState), ProviderError> {
    let kept = FlowState {
        slug: config.slug.clone(),
        state: secret(random),
        nonce: secret(random),
        pkce_verifier: secret(random),
        redirect_uri: redirect_uri.clone(),
    };
    let client = client(config, metadata, redirect_uri)?;
    let (state, nonce) = (CsrfToken::new(kept.state.clone()), Nonce::new(kept.nonce.clone()));
    let verifier = PkceCodeVerifier::new(kept.pkce_verifier.clone());
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    // The library adds this one by itself.
    let asked = scopes(config).into_iter().filter(|scope| *scope != "openid");
    let asked = asked.map(|scope| Scope::new(scope.to_owned()));
    let (url, ..) = client
        .authorize_url(flow, || state, || nonce)
        .add_scopes(asked)
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .url();
    Ok((url, kept))
}

/// Ends a sign-in: who it is.
///
/// The caller has taken the state out of the browser's session, so that it is not used again, and
/// has found no `error` among the query parameters.
pub async fn finish(
    config: &ProviderConfig,
    metadata: &Metadata,
    kept: FlowState,
    callback: Callback<'_>,
    clock: &dyn Clock,
    http: &dyn Http,
) -> Result<ExternalIdentity, ProviderError> {
    let is_ours = kept.slug == config.slug
        && bool::from(kept.state.as_bytes().ct_eq(callback.state.as_bytes()));
    if !is_ours {
        return Err(ProviderError::WrongState);
    }
    if callback.code.is_empty() || callback.code.len() > MAX_CODE_BYTES {
        return Err(ProviderError::CodeRefused("no code has that length".to_owned()));
    }
    let client = client(config, metadata, &kept.redirect_uri)?;
    let code = AuthorizationCode::new(callback.code.to_owned());
    let verifier = PkceCodeVerifier::new(kept.pkce_verifier);
    let sender = Sender(http);
    let token = client.exchange_code(code).set_pkce_verifier(verifier).request_async(&sender);
    let token: CoreTokenResponse = token.await.map_err(token_refused)?;
    let access_token = token.access_token().secret();
    if config.kind == ProviderKind::GitHub {
        return github::identity(config, access_token, http).await;
    }
    let id_token = token.id_token().ok_or(ProviderError::NoIdToken)?;
    let nonce = Nonce::new(kept.nonce);
    let mut claims =
        id_token::verified_claims(config, metadata, id_token, &nonce, clock, http).await?;
    if let Some(url) = &metadata.userinfo_endpoint {
        let told = get(http, Endpoint::UserInfo, url, Some(access_token)).await?;
        add(&mut claims, told)?;
    }
    identity(config.kind, claims)
}

/// 32 random bytes in base64url: as long as PKCE demands at least (RFC 7636).
fn secret(random: &dyn Random) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What the provider is asked for.
pub(super) fn scopes(config: &ProviderConfig) -> Vec<&str> {
    let usual: &[&str] = match config.kind {
        ProviderKind::GitHub => &["read:user", "user:email"],
        ProviderKind::OpenIdConnect
        | ProviderKind::GitLab
        | ProviderKind::Google
        | ProviderKind::Microsoft => &["openid", "profile", "email"],
    };
    if config.scopes.is_empty() {
        usual.to_vec()
    } else {
        config.scopes.iter().map(String::as_str).collect()
    }
}

fn client(
    config: &ProviderConfig,
    metadata: &Metadata,
    redirect_uri: &Url,
) -> Result<Client, ProviderError> {
    let issuer = IssuerUrl::new(metadata.issuer.clone())
        .map_err(|_unusable| ProviderError::Misconfigured("the issuer is no URL"))?;
    let client_id = ClientId::new(config.client_id.clone());
    let mut client = CoreClient::new(client_id, issuer, metadata.keys.clone())
        .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
        .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
        .set_redirect_uri(RedirectUrl::from_url(redirect_uri.clone()));
    let secret = config.client_secret.expose_secret();
    if !secret.is_empty() {
        client = client.set_client_secret(ClientSecret::new(secret.to_owned()));
    }
    if metadata.wants_secret_in_body {
        client = client.set_auth_type(AuthType::RequestBody);
    }
    if config.kind == ProviderKind::GitHub {
        client = client.disable_openid_scope();
    }
    Ok(client)
}

/// Why there is no token. The answer itself may hold one, and is not told.
fn token_refused(
    error: RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>,
) -> ProviderError {
    /// GitHub tells errors with the status of success.
    #[derive(Deserialize)]
    struct OAuthError {
        error: String,
    }

    let unreadable = ProviderError::Unreadable {
        endpoint: Endpoint::Token,
        detail: "it is not the expected JSON".to_owned(),
    };
    match error {
        RequestTokenError::ServerResponse(error) => {
            ProviderError::CodeRefused(shortened(error.error().as_ref()))
        }
        RequestTokenError::Request(error) => unreachable(Endpoint::Token, error),
        RequestTokenError::Parse(_, body) => match serde_json::from_slice::<OAuthError>(&body) {
            Ok(OAuthError { error }) => ProviderError::CodeRefused(shortened(&error)),
            Err(_other) => unreadable,
        },
        RequestTokenError::Other(_) => unreadable,
    }
}

/// Adds what the user info endpoint told to the claims of the ID token, which is about the same
/// person. An address and whether it is verified come from the same place.
fn add(claims: &mut Claims, told: Claims) -> Result<(), ProviderError> {
    if told.get("sub") != claims.get("sub") {
        return Err(ProviderError::WrongSubject);
    }
    if told.contains_key("email") {
        claims.remove("email_verified");
    }
    claims.extend(told);
    Ok(())
}

/// Who the claims are about.
pub(super) fn identity(
    kind: ProviderKind,
    claims: Claims,
) -> Result<ExternalIdentity, ProviderError> {
    let text = |name: &str| {
        claims.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    };
    let is_true = |name: &str| match claims.get(name) {
        Some(Value::Bool(is_true)) => *is_true,
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    // Microsoft's `sub` is another one for each application. GlitchTip knows people by the other.
    let uid = match kind {
        ProviderKind::Microsoft => text("oid").or_else(|| text("sub")),
        ProviderKind::OpenIdConnect
        | ProviderKind::GitHub
        | ProviderKind::GitLab
        | ProviderKind::Google => text("sub"),
    };
    let is_fit = |uid: &&str| uid.len() <= MAX_UID_BYTES && !uid.contains(char::is_control);
    let uid = uid.filter(is_fit).ok_or(ProviderError::WrongSubject)?;
    let email = text("email").filter(|email| is_email(email));
    let is_email_verified =
        email.is_some() && kind != ProviderKind::Microsoft && is_true("email_verified");
    let full_name = || {
        let parts = [text("given_name"), text("family_name")];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        Some(parts.join(" ")).filter(|name| !name.is_empty())
    };
    Ok(ExternalIdentity {
        uid: uid.to_owned(),
        email: email.map(str::to_owned),
        is_email_verified,
        name: text("name").map(str::to_owned).or_else(full_name).map(|name| printable(&name)),
        username: text("preferred_username").or_else(|| text("nickname")).map(printable),
        claims,
    })
}

/// A name as it can be shown and stored.
pub(super) fn printable(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(MAX_NAME_CHARS).collect()
}

/// Whether a text might be an e-mail address.
pub(super) fn is_email(text: &str) -> bool {
    text.len() <= MAX_EMAIL_BYTES
        && text.contains('@')
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}
