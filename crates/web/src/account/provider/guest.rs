//! Whose account it is that somebody comes for who is back from a provider.

use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_core::id::IdentityId;
use mishap_identity::provider::{ExternalIdentity, memberships};
use mishap_storage::accounts::users::{self, NewUser, User};
use mishap_storage::accounts::{emails, identities};
use mishap_storage::{Conn, Error, Result as Stored, transaction};

use super::{Provider, roles};
use crate::account::refusal::{Problem, Refusal, taken_meanwhile};
use crate::account::second_factor::PATIENCE;
use crate::account::typed;
use crate::account::visit::{Visit, seconds};
use crate::session::{Guest, Method};
use crate::throttle::Attempt;
use crate::{AppState, mail};

/// What becomes of somebody who is back from a provider.
pub(super) enum Outcome {
    /// It is the owner of this account.
    Owner(User),
    /// A new account needs an address that nobody else has.
    NeedsAddress,
    /// It is nobody who may come in, for the reason with this code.
    Refused(&'static str),
}

/// Somebody whom a provider knows, with what its rules make them in organizations.
pub(super) fn of(state: &AppState, provider: &Provider, known: ExternalIdentity) -> Guest {
    let roles = memberships(&known.claims, &provider.rules);
    let roles = roles.into_iter().map(|(slug, role)| (slug.to_owned(), role.name().to_owned()));
    Guest {
        provider: provider.config.slug.clone(),
        roles: roles.collect(),
        uid: known.uid,
        email: known.email,
        is_email_verified: known.is_email_verified,
        name: known.name,
        username: known.username,
        at: seconds(state),
    }
}

/// How the session tells that somebody came from a provider.
pub(super) fn method(state: &AppState, guest: &Guest) -> Method {
    let (provider, uid) = (Some(guest.provider.clone()), Some(guest.uid.clone()));
    Method { provider, uid, ..Visit::method(state, "socialaccount") }
}

/// Links an account with who somebody is at a provider; nothing if that is another account's identity.
pub(super) async fn link(
    conn: &mut Conn,
    user: &User,
    guest: &Guest,
) -> Stored<Option<IdentityId>> {
    let Guest { provider, uid, email, username, .. } = guest;
    identities::link(conn, user.id, provider, uid, email.as_deref(), username.as_deref()).await
}

/// Finds or makes the account, links it, and gives it its roles. To be called in a transaction.
pub(super) async fn settle(
    conn: &mut Conn,
    state: &AppState,
    visit: &Visit,
    guest: &Guest,
) -> Stored<Outcome> {
    let found = match identities::find_user(conn, &guest.provider, &guest.uid).await? {
        Some(user) => Outcome::Owner(user),
        None => by_address(conn, state, visit, guest).await?,
    };
    match found {
        Outcome::Owner(user) if !user.is_active => Ok(Outcome::Refused("inactive")),
        Outcome::Owner(user) => attach(conn, visit, user, guest).await,
        other => Ok(other),
    }
}

async fn attach(conn: &mut Conn, visit: &Visit, user: User, guest: &Guest) -> Stored<Outcome> {
    let Some(identity) = link(conn, &user, guest).await? else {
        return Ok(Outcome::Refused("identity_taken"));
    };
    roles::apply(conn, identity, &user, &guest.roles, &visit.actor(&user)).await?;
    Ok(Outcome::Owner(user))
}

/// The account with the address that a provider told, or a new one.
async fn by_address(
    conn: &mut Conn,
    state: &AppState,
    visit: &Visit,
    guest: &Guest,
) -> Stored<Outcome> {
    let is_open = is_open(conn, state).await?;
    let Some(email) = address(guest) else {
        return Ok(if is_open { Outcome::NeedsAddress } else { Outcome::Refused("signup_closed") });
    };
    if let Some(user) = users::find_for_sign_in(conn, email.as_str()).await? {
        // Both sides must have proven the address: else one who typed a stranger's address here
        // before, or there, would get into the account of the other.
        let own = emails::find(conn, user.id, email.as_str()).await?;
        let is_proven_here = own.is_some_and(|address| address.is_verified);
        if is_proven_here && guest.is_email_verified {
            visit.record(conn, &user, Action::IdentityChange).await?;
            return Ok(Outcome::Owner(user));
        }
        return Ok(if is_open { Outcome::NeedsAddress } else { Outcome::Refused("email_taken") });
    }
    if !is_open {
        return Ok(Outcome::Refused("signup_closed"));
    }
    let user = newcomer(conn, state, visit, guest, &email).await?;
    Ok(Outcome::Owner(user))
}

/// The address that a provider told, if it is one.
fn address(guest: &Guest) -> Option<EmailAddress> {
    guest.email.as_deref().and_then(|email| EmailAddress::parse(email).ok())
}

/// Whether people from providers may make accounts; the first account may always be made.
async fn is_open(conn: &mut Conn, state: &AppState) -> Stored<bool> {
    Ok(state.config.accounts.is_open_for_providers || !users::exist(conn).await?)
}

/// Makes an account. An address that the provider does not vouch for gets a link to prove it.
async fn newcomer(
    conn: &mut Conn,
    state: &AppState,
    visit: &Visit,
    guest: &Guest,
    email: &EmailAddress,
) -> Stored<User> {
    let new = NewUser {
        email: email.as_str(),
        name: guest.name.as_deref().unwrap_or_default(),
        password_hash: None,
        is_superuser: false,
        is_staff: false,
    };
    let is_vouched_for = guest.is_email_verified && address(guest).as_ref() == Some(email);
    let user = users::insert(conn, &new).await?;
    let made = emails::insert(conn, user.id, new.email, is_vouched_for, true).await?;
    if let Some(address) = made.filter(|address| !address.is_verified) {
        mail::confirm_address(conn, state, &address).await?;
    }
    visit.record(conn, &user, Action::AccountCreate).await?;
    Ok(user)
}

/// What is wrong when somebody else was faster to take an address.
pub(super) fn taken(error: Error) -> Refusal {
    taken_meanwhile(error, Problem::email_taken())
}

/// Whoever came from a provider and needs an address, if they are still waited for.
pub(crate) fn guest<'v>(state: &AppState, visit: &'v Visit) -> Result<&'v Guest, Refusal> {
    let guest = visit.data.guest.as_ref();
    let guest = guest.filter(|guest| seconds(state) < guest.at + PATIENCE);
    guest.filter(|_| visit.account.is_none()).ok_or(Refusal::Conflict)
}

/// Makes an account with a typed address for whoever came from a provider, and signs its owner in.
pub(crate) async fn sign_up(
    state: &AppState,
    visit: &mut Visit,
    email: &str,
) -> Result<(), Refusal> {
    let guest = guest(state, visit)?.clone();
    let mut conn = state.pool.get().await?;
    if Attempt::SignUp.is_too_often(&mut conn, state, &visit.from()).await? {
        return Err(Refusal::TooOften);
    }
    let email = typed::email(email).map_err(Refusal::Problems)?;
    if !is_open(&mut conn, state).await? {
        return Err(Refusal::Forbidden);
    }
    let shared = &*visit;
    let made = transaction(&mut conn, async |conn: &mut Conn| {
        if emails::is_taken(conn, email.as_str(), None).await? {
            return Ok(None);
        }
        let user = newcomer(conn, state, shared, &guest, &email).await?;
        attach(conn, shared, user, &guest).await.map(Some)
    });
    match made.await.map_err(taken)? {
        None => Err(Problem::email_taken().into()),
        Some(Outcome::Owner(user)) => {
            visit.sign_in(&mut conn, state, &user, vec![method(state, &guest)]).await
        }
        // Another window of theirs was faster.
        Some(Outcome::NeedsAddress | Outcome::Refused(_)) => Err(Refusal::Conflict),
    }
}
