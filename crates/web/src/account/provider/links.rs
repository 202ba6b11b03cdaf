//! Who people are elsewhere, and how they say that they are not any more.

use std::collections::BTreeMap;

use mishap_core::audit::Action;
use mishap_storage::accounts::identities::{self, Identity};
use mishap_storage::accounts::{emails, users};
use mishap_storage::{Conn, transaction};

use super::{Provider, list, roles};
use crate::AppState;
use crate::account::{Problem, Refusal, Visit};

/// Who somebody is at a provider.
pub(crate) struct Linked {
    /// Who it is there.
    pub(crate) identity: Identity,
    /// The provider, if people may still come from there.
    pub(crate) provider: Option<Provider>,
}

/// Who whoever is signed in is elsewhere, the oldest link first.
pub(crate) async fn linked(state: &AppState, visit: &Visit) -> Result<Vec<Linked>, Refusal> {
    let user = visit.signed_in()?;
    let known = list(state).await?;
    let found = identities::list(&mut *state.pool.get().await?, user.id).await?;
    let with_provider = |identity: Identity| {
        let provider = known.iter().find(|one| one.config.slug == identity.provider).cloned();
        Linked { identity, provider }
    };
    Ok(found.into_iter().map(with_provider).collect())
}

/// Unlinks the account that is signed in, if there is another way to sign in; what the provider made
/// it in organizations goes with the link.
pub(crate) async fn unlink(
    state: &AppState,
    visit: &Visit,
    provider: &str,
    uid: &str,
) -> Result<(), Refusal> {
    let user = visit.signed_in()?;
    let known = list(state).await?;
    let is_open = |identity: &Identity| {
        known.iter().any(|provider| provider.config.slug == identity.provider)
    };
    let mut conn = state.pool.get().await?;
    let refusal = transaction(&mut conn, async |conn: &mut Conn| {
        // Two at once must not leave nothing.
        users::lock_by_email(conn, &user.email).await?;
        let found = identities::list(conn, user.id).await?;
        let (it, others): (Vec<_>, Vec<_>) =
            found.iter().partition(|found| found.provider == provider && found.uid == uid);
        let Some(it) = it.first() else {
            let text = "You are not linked with that.";
            return Ok(Some(refused("account_not_found", text)));
        };
        if !others.into_iter().any(is_open) {
            if users::password_hash(conn, user.id).await?.is_none() {
                let text = "Set a password first, or you could not sign in any more.";
                return Ok(Some(refused("no_password", text)));
            }
            let own = emails::list(conn, user.id).await?;
            if !own.iter().any(|address| address.is_verified) {
                let text = "Confirm your e-mail address first, or you might not get in any more.";
                return Ok(Some(refused("no_verified_email", text)));
            }
        }
        roles::apply(conn, it.id, user, &BTreeMap::new(), &visit.actor(user)).await?;
        identities::unlink(conn, it.id).await?;
        visit.record(conn, user, Action::IdentityChange).await?;
        Ok(None)
    });
    match refusal.await? {
        Some(problem) => Err(problem.into()),
        None => Ok(()),
    }
}

fn refused(code: &'static str, message: &str) -> Problem {
    Problem { code, param: Some("account"), message: message.to_owned() }
}
