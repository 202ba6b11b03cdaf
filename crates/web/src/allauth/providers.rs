//! Sign-in providers, and accounts that are linked with them.

use actix_web::web::Data;
use mishap_core::audit::Action;
use mishap_identity::provider::ProviderKind;
use mishap_storage::accounts::identities::{self, Identity};
use mishap_storage::accounts::{emails, users};
use serde_json::{Value, json};

use super::auth::conn;
use super::envelope::{Envelope, answer};
use crate::AppState;
use crate::account::provider::{self, Provider};
use crate::account::{Problem, Refusal, Visit};
use crate::body::Object;

/// A provider, as clients see it.
pub(super) fn shown(provider: &Provider) -> Value {
    let config = &provider.config;
    let mut shown = json!({
        "id": config.slug,
        "name": config.name,
        "flows": ["provider_redirect"],
        "client_id": config.client_id,
    });
    if let (ProviderKind::OpenIdConnect, Some(url), Some(members)) =
        (config.kind, &config.server_url, shown.as_object_mut())
    {
        members.insert("openid_configuration_url".to_owned(), json!(url));
    }
    shown
}

/// `GET account/providers` — who the person is elsewhere.
pub(super) async fn list(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = linked(&state, &visit).await;
    answer(&state, visit, done).await
}

async fn linked(state: &AppState, visit: &Visit) -> Result<Envelope, Refusal> {
    let user = visit.signed_in()?;
    let known = provider::list(state).await?;
    let found = identities::list(&mut *conn(state).await?, user.id).await?;
    let shown = |identity: &Identity| {
        let provider = known.iter().find(|one| one.config.slug == identity.provider);
        json!({
            "uid": identity.uid,
            "provider": provider.map_or_else(
                || json!({ "id": identity.provider, "name": identity.provider, "flows": [] }),
                shown,
            ),
            "display": identity.email.as_ref().or(identity.username.as_ref()),
        })
    };
    Ok(Envelope::data(found.iter().map(shown).collect::<Value>()))
}

/// `DELETE account/providers` — unlinks an account, if there is another way to sign in.
pub(super) async fn unlink(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        let user = visit.signed_in()?;
        let (provider, uid) = (body.text("provider")?, body.text("account")?);
        let mut conn = conn(&state).await?;
        let found = identities::list(&mut conn, user.id).await?;
        let is_it = |identity: &&Identity| identity.provider == provider && identity.uid == uid;
        if !found.iter().any(|identity| is_it(&identity)) {
            return Err(problem("account_not_found", "You are not linked with that.").into());
        }
        if found.len() == 1 {
            let has_password = users::password_hash(&mut conn, user.id).await?.is_some();
            if !has_password {
                let text = "Set a password first, or you could not sign in any more.";
                return Err(problem("no_password", text).into());
            }
            let own = emails::list(&mut conn, user.id).await?;
            if !own.iter().any(|address| address.is_verified) {
                let text = "Confirm your e-mail address first, or you might not get in any more.";
                return Err(problem("no_verified_email", text).into());
            }
        }
        identities::unlink(&mut conn, user.id, provider, uid).await?;
        visit.note(&mut conn, user, Action::IdentityChange).await?;
        drop(conn);
        linked(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `POST auth/provider/token` — tokens that a client got by itself are not taken.
pub(super) async fn token(state: Data<AppState>, visit: Visit) -> Envelope {
    answer(&state, visit, Err(Refusal::Forbidden)).await
}

/// `GET`, `POST auth/provider/signup` — no provider's sign-in waits for an address.
pub(super) async fn signup(state: Data<AppState>, visit: Visit) -> Envelope {
    answer(&state, visit, Err(Refusal::Conflict)).await
}

fn problem(code: &'static str, message: &str) -> Problem {
    Problem { code, param: Some("account"), message: message.to_owned() }
}
