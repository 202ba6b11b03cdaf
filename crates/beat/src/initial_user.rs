//! The superuser that is made with a new database, for installations that nobody attends.

use anyhow::Context as _;
use mishap_boot::settings::InitialUser;
use mishap_core::access::{Scope, Scopes};
use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_core::random::Random;
use mishap_core::secret::ApiToken;
use mishap_identity::password;
use mishap_storage::accounts::emails;
use mishap_storage::accounts::tokens::{self, NewToken};
use mishap_storage::accounts::users::{self, NewUser};
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::{Conn, transaction};
use secrecy::ExposeSecret as _;
use serde_json::json;

/// What the token is called.
const LABEL: &str = "INITIAL_USER_AUTH_TOKEN";

/// Makes the superuser if there is no account yet; says whether it did. Several may try at once: the
/// address is unique, and whoever is second finds that there is an account.
pub(crate) async fn make(
    conn: &mut Conn,
    wanted: &InitialUser,
    random: &dyn Random,
) -> anyhow::Result<bool> {
    if users::exist(conn).await? {
        return Ok(false);
    }
    let InitialUser { email, password, token } = wanted;
    let email = EmailAddress::parse(email).context("INITIAL_USER_EMAIL cannot be used")?;
    let hash = password::hash(password.expose_secret(), random)
        .context("INITIAL_USER_PASSWORD cannot be used")?;
    let token = token.as_ref().map(|token| ApiToken::new(token.expose_secret()));
    let new = NewUser {
        email: email.as_str(),
        name: "",
        password_hash: Some(hash.as_str()),
        is_superuser: true,
        is_staff: true,
    };
    let operator = Actor::operator();
    let made = transaction(conn, async |conn: &mut Conn| {
        if users::exist(conn).await? {
            return Ok(false);
        }
        let user = users::insert(conn, &new).await?;
        emails::insert(conn, user.id, new.email, true, true).await?;
        let target = Target::account(&user);
        audit::record(conn, &operator, Action::AccountCreate, &target, &json!({})).await?;
        if let Some(token) = &token {
            let scopes = Scopes::of(&[Scope::OrgAdmin]);
            let new = NewToken { user: user.id, token, label: LABEL, scopes, expires_at: None };
            let made = tokens::insert(conn, &new).await?;
            let target = Target::token(&user, &made);
            let details = json!({ "scopes": [Scope::OrgAdmin.name()] });
            audit::record(conn, &operator, Action::TokenCreate, &target, &details).await?;
        }
        Ok(true)
    });
    Ok(made.await?)
}
