//! What an ID token proves (OpenID Connect Core 1.0, ID token validation).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mishap_core::clock::Clock;
use openidconnect::core::{
    CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    ClaimsVerificationError, ClientId, IssuerUrl, Nonce, SignatureVerificationError,
};

use super::metadata::{is_tenant, keys};
use super::requests::Http;
use super::{Claims, Metadata, ProviderConfig, ProviderError, ProviderKind, chain};

/// How ID tokens may be signed: by somebody who has a private key. Not with our password, which is
/// known to two, and not at all with nothing.
pub(super) const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The claims of an ID token, if it was made by this provider, for us, for this sign-in, and is
/// still good.
pub(super) async fn verified_claims(
    config: &ProviderConfig,
    metadata: &Metadata,
    token: &CoreIdToken,
    nonce: &Nonce,
    clock: &dyn Clock,
    http: &dyn Http,
) -> Result<Claims, ProviderError> {
    let claims = read(token)?;
    let issuer = match config.kind {
        ProviderKind::Microsoft => {
            let tenant = claims.get("tid").and_then(|tid| tid.as_str());
            let tenant = tenant.filter(|tenant| is_tenant(tenant));
            let missing = || ProviderError::BadIdToken("it names no tenant".to_owned());
            metadata.issuer_for(tenant.ok_or_else(missing)?)
        }
        ProviderKind::OpenIdConnect
        | ProviderKind::GitHub
        | ProviderKind::GitLab
        | ProviderKind::Google => metadata.issuer.clone(),
    };
    let issuer = IssuerUrl::new(issuer)
        .map_err(|_unusable| ProviderError::Misconfigured("the issuer is no URL"))?;
    let verify = |keys: &CoreJsonWebKeySet| {
        let client_id = ClientId::new(config.client_id.clone());
        // "Public" means that our password is no key. Other audiences than us are refused.
        let verifier =
            CoreIdTokenVerifier::new_public_client(client_id, issuer.clone(), keys.clone())
                .set_allowed_algs(ALGORITHMS)
                .set_time_fn(|| clock.now());
        token.claims(&verifier, nonce).map(|_verified| ())
    };
    let refused = |error: ClaimsVerificationError| ProviderError::BadIdToken(chain(&error));
    match (verify(&metadata.keys), &metadata.jwks_uri) {
        // The provider may have a new key since it was asked.
        (
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )),
            Some(url),
        ) => verify(&keys(http, url).await?).map_err(refused)?,
        (verified, _) => verified.map_err(refused)?,
    }
    Ok(claims)
}

/// All claims of a token, unverified. The library reads those that it knows only.
fn read(token: &CoreIdToken) -> Result<Claims, ProviderError> {
    let unreadable = || ProviderError::BadIdToken("it is no JSON object".to_owned());
    let text = token.to_string();
    let payload = text.split('.').nth(1).ok_or_else(unreadable)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_garbled| unreadable())?;
    serde_json::from_slice(&payload).map_err(|_garbled| unreadable())
}
