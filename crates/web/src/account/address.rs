//! Proving that an address is one's own.

use mishap_core::audit::Action;
use mishap_core::id::EmailId;
use mishap_core::signing::Purpose;
use mishap_storage::accounts::emails::{self, UserEmail};
use mishap_storage::accounts::users::{self, User};
use mishap_storage::{Conn, transaction};

use super::refusal::{Problem, Refusal, taken_meanwhile};
use super::visit::Visit;
use crate::throttle::Attempt;
use crate::{AppState, mail};

/// The address that a link is about, if it still holds.
pub(crate) async fn of_key(
    conn: &mut Conn,
    state: &AppState,
    key: &str,
) -> Result<UserEmail, Refusal> {
    let invalid = Problem::invalid_key;
    let (id, token) = key.split_once('-').ok_or_else(invalid)?;
    let id = i64::from_str_radix(id, 36).map_err(|_unreadable| invalid())?;
    let address = emails::find_by_id(conn, EmailId(id)).await?.ok_or_else(invalid)?;
    let (key, now) = (&state.config.signing_key, state.clock.now());
    let bound_to = [address.email.as_str()];
    let holds = key.verifies(token, Purpose::AddressConfirmation, id, &bound_to, now);
    if !holds {
        return Err(invalid().into());
    }
    if emails::is_taken(conn, &address.email, Some(address.user_id)).await? {
        return Err(taken().into());
    }
    Ok(address)
}

fn taken() -> Problem {
    Problem { param: Some("key"), ..Problem::email_taken() }
}

/// Sends another link for the first address of an account that is not proven yet; says whether one was
/// sent, which is not too soon after the last.
pub(crate) async fn send_again(state: &AppState, user: &User) -> Result<bool, Refusal> {
    let mut conn = state.pool.get().await?;
    if Attempt::AddressChange.is_too_often(&mut conn, state, &user.id.to_string()).await? {
        return Err(Refusal::TooOften);
    }
    let addresses = emails::list(&mut conn, user.id).await?;
    let Some(address) = addresses.iter().find(|address| !address.is_verified) else {
        return Ok(false);
    };
    let is_sent = transaction(&mut conn, async |conn: &mut Conn| {
        mail::confirm_address(conn, state, address).await
    });
    Ok(is_sent.await?)
}

/// Notes that the owner of a link proved the address.
pub(crate) async fn confirm(
    state: &AppState,
    visit: &Visit,
    key: &str,
) -> Result<UserEmail, Refusal> {
    let mut conn = state.pool.get().await?;
    let address = of_key(&mut conn, state, key).await?;
    if address.is_verified {
        return Ok(address);
    }
    let user = users::find(&mut conn, address.user_id).await?.ok_or_else(Problem::invalid_key)?;
    let id = address.id;
    let verified = transaction(&mut conn, async |conn: &mut Conn| {
        emails::verify(conn, id).await?;
        visit.record(conn, &user, Action::AddressChange).await
    });
    verified.await.map_err(|error| taken_meanwhile(error, taken()))?;
    Ok(address)
}
