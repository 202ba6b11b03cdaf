//! The way to a provider and back.

use mishap_core::audit::Action;
use mishap_core::causes::Causes;
use mishap_identity::provider::{self, Callback, FlowState};
use mishap_storage::accounts::users::User;
use mishap_storage::{Conn, transaction};
use serde::{Deserialize, Serialize};
use url::Url;

use super::guest::{self, Outcome};
use super::{FAILED, find, problem, roles};
use crate::AppState;
use crate::account::sign_in::{self, Progress};
use crate::account::{Refusal, Visit};
use crate::error::ApiError;
use crate::session::{Guest, SessionData};

/// What is kept while a browser is away at a provider.
#[derive(Serialize, Deserialize)]
struct Away {
    slug: String,
    flow: FlowState,
    /// Where to go afterwards.
    next: Option<String>,
    /// Whether the account of whoever is signed in is to be linked.
    connects: bool,
}

/// Sends a browser to a provider.
pub(crate) async fn begin(
    state: &AppState,
    visit: &mut Visit,
    slug: &str,
    next: Option<&str>,
    connects: bool,
) -> Result<Url, Refusal> {
    if connects {
        visit.signed_in()?;
    } else if visit.account.is_some() {
        return Err(Refusal::Conflict);
    }
    let provider = find(state, slug).await?;
    let metadata = state.providers.metadata(state, &provider.config).await?;
    let callback = Url::parse(&provider.callback(&state.config));
    let callback = callback.map_err(|error| ApiError::Internal(error.into()))?;
    let begun = provider::begin(&provider.config, &metadata.1, &callback, state.random.as_ref());
    let (url, flow) = begun.map_err(|error| failed(slug, &error))?;
    let next = next.map(str::to_owned);
    let away = Away { slug: slug.to_owned(), flow, next, connects };
    let kept = serde_json::to_value(&away).map_err(|error| ApiError::Internal(error.into()))?;
    visit.data.flow = Some(kept);
    visit.remember(&mut *state.pool.get().await?, state).await?;
    Ok(url)
}

/// How far somebody came who is back from a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Signed in.
    Done,
    /// A second factor is waited for.
    NeedsSecondFactor,
    /// An address is waited for, of a new account.
    NeedsAddress,
    /// The account that was signed in all along is linked.
    Linked,
}

/// Takes a browser back from a provider; says how far the person came, and where to go.
pub(crate) async fn finish(
    state: &AppState,
    visit: &mut Visit,
    slug: &str,
    callback: Result<Callback<'_>, &'static str>,
) -> Result<(Arrival, Option<String>), Refusal> {
    let kept = visit.data.flow.take();
    if kept.is_some() {
        // It counts once, whatever comes of it.
        visit.remember(&mut *state.pool.get().await?, state).await?;
    }
    let callback = callback.map_err(problem)?;
    let away: Option<Away> = kept.and_then(|kept| serde_json::from_value(kept).ok());
    let away = away.filter(|away| away.slug == slug).ok_or_else(|| problem("unknown_state"))?;
    let provider = find(state, slug).await?;
    let metadata = state.providers.metadata(state, &provider.config).await?;
    let (clock, http) = (state.clock.as_ref(), state.providers.http.as_ref());
    let flow = away.flow;
    let known = provider::finish(&provider.config, &metadata.1, flow, callback, clock, http).await;
    let known = known.map_err(|error| failed(slug, &error))?;
    let guest = guest::of(state, &provider, known);
    let arrival = match away.connects {
        true => connect(state, visit, &guest).await?,
        false => enter(state, visit, guest).await?,
    };
    Ok((arrival, away.next))
}

/// Links whoever is signed in with who they are at a provider.
async fn connect(state: &AppState, visit: &Visit, guest: &Guest) -> Result<Arrival, Refusal> {
    let user = visit.signed_in()?;
    let mut conn = state.pool.get().await?;
    let is_linked = transaction(&mut conn, async |conn: &mut Conn| {
        let Some(identity) = guest::link(conn, user, guest).await? else {
            return Ok(false);
        };
        visit.record(conn, user, Action::IdentityChange).await?;
        roles::apply(conn, identity, user, &guest.roles, &visit.actor(user)).await?;
        Ok(true)
    });
    if is_linked.await? { Ok(Arrival::Linked) } else { Err(problem("identity_taken")) }
}

/// Signs somebody in, or begins to wait for what is missing.
async fn enter(state: &AppState, visit: &mut Visit, guest: Guest) -> Result<Arrival, Refusal> {
    if visit.account.is_some() {
        return Err(Refusal::Conflict);
    }
    let mut conn = state.pool.get().await?;
    let shared = &*visit;
    let outcome = transaction(&mut conn, async |conn: &mut Conn| {
        guest::settle(conn, state, shared, &guest).await
    });
    match outcome.await.map_err(guest::taken)? {
        Outcome::Owner(user) => proceed(&mut conn, state, visit, &user, &guest).await,
        Outcome::NeedsAddress => {
            let data = SessionData { guest: Some(guest), ..SessionData::default() };
            visit.begin(&mut conn, state, data).await?;
            Ok(Arrival::NeedsAddress)
        }
        Outcome::Refused(code) => Err(problem(code)),
    }
}

async fn proceed(
    conn: &mut Conn,
    state: &AppState,
    visit: &mut Visit,
    user: &User,
    guest: &Guest,
) -> Result<Arrival, Refusal> {
    let methods = vec![guest::method(state, guest)];
    Ok(match sign_in::proceed(conn, state, visit, user, methods).await? {
        Progress::Done => Arrival::Done,
        Progress::NeedsSecondFactor => Arrival::NeedsSecondFactor,
    })
}

fn failed(slug: &str, error: &provider::ProviderError) -> Refusal {
    let error = Causes(error);
    tracing::warn!(provider = slug, %error, "a sign-in through a provider failed");
    problem(FAILED)
}
