//! Sign-in providers, and accounts that are linked with them.

use actix_web::web::Data;
use mishap_identity::provider::ProviderKind;
use serde_json::{Value, json};

use super::envelope::{Envelope, answer, session};
use crate::AppState;
use crate::account::provider::{self, Linked, Provider};
use crate::account::{Refusal, Visit};
use crate::body::Object;
use crate::session::Guest;

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
        (config.kind, config.discovery_url(), shown.as_object_mut())
    {
        members.insert("openid_configuration_url".to_owned(), json!(url.as_str()));
    }
    shown
}

/// A provider by its name, which may be gone by now.
fn shown_or_gone(provider: Option<&Provider>, slug: &str) -> Value {
    let gone = || json!({ "id": slug, "name": slug, "flows": [] });
    provider.map_or_else(gone, shown)
}

/// `GET account/providers` — who the person is elsewhere.
pub(super) async fn list(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = linked(&state, &visit).await;
    answer(&state, visit, done).await
}

async fn linked(state: &AppState, visit: &Visit) -> Result<Envelope, Refusal> {
    let shown = |Linked { identity, provider }: &Linked| {
        json!({
            "uid": identity.uid,
            "provider": shown_or_gone(provider.as_ref(), &identity.provider),
            "display": identity.email.as_ref().or(identity.username.as_ref()),
        })
    };
    let found = provider::linked(state, visit).await?;
    Ok(Envelope::data(found.iter().map(shown).collect::<Value>()))
}

/// `DELETE account/providers` — unlinks an account, if there is another way to sign in.
pub(super) async fn unlink(state: Data<AppState>, visit: Visit, body: Object) -> Envelope {
    let done = async {
        visit.signed_in()?;
        let (slug, uid) = (body.text("provider")?, body.text("account")?);
        provider::unlink(&state, &visit, slug, uid).await?;
        linked(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// `POST auth/provider/token` — tokens that a client got by itself are not taken.
pub(super) async fn token(state: Data<AppState>, visit: Visit) -> Envelope {
    answer(&state, visit, Err(Refusal::Forbidden)).await
}

/// `GET auth/provider/signup` — who came from a provider and needs an address.
pub(super) async fn show_signup(state: Data<AppState>, visit: Visit) -> Envelope {
    let done = async {
        let guest = provider::guest(&state, &visit)?;
        let known = provider::list(&state).await?;
        Ok(Envelope::data(shown_guest(guest, &known)))
    };
    let done = done.await;
    answer(&state, visit, done).await
}

fn shown_guest(guest: &Guest, known: &[Provider]) -> Value {
    let Guest { provider, uid, email, is_email_verified, name, username, .. } = guest;
    let found = known.iter().find(|one| one.config.slug == *provider);
    let display = email.as_ref().or(username.as_ref());
    let told =
        |email: &String| json!({ "email": email, "verified": is_email_verified, "primary": true });
    json!({
        "email": email.iter().map(told).collect::<Value>(),
        "account": {
            "uid": uid,
            "provider": shown_or_gone(found, provider),
            "display": display,
        },
        "user": {
            "display": name.as_ref().or(display).unwrap_or(uid),
            "has_usable_password": false,
        },
    })
}

/// `POST auth/provider/signup` — makes an account with a typed address for whoever came from a
/// provider.
pub(super) async fn signup(state: Data<AppState>, mut visit: Visit, body: Object) -> Envelope {
    let done = async {
        provider::sign_up(&state, &mut visit, body.typed("email")).await?;
        session(&state, &visit).await
    };
    let done = done.await;
    answer(&state, visit, done).await
}

/// The flow that waits for an address, if one does.
pub(super) fn pending(state: &AppState, visit: &Visit, known: &[Provider]) -> Option<Value> {
    let guest = provider::guest(state, visit).ok()?;
    let found = known.iter().find(|one| one.config.slug == guest.provider);
    Some(shown_or_gone(found, &guest.provider))
}
