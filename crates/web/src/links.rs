//! Links that people follow from a mail, or that an operator hands them, and what signs them.

use chrono::{DateTime, Utc};
use mishap_boot::settings::SecuritySettings;
use mishap_core::id::MemberId;
use mishap_core::random::Random;
use mishap_core::signing::{Purpose, SigningKey, base36};
use mishap_storage::accounts::users::{self, User};
use mishap_storage::{Conn, Result, instance_secrets};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::AppConfig;

/// What links are signed with: the operator's key, or one that is made once and kept in the database.
/// What the operator's former keys signed counts, too.
pub async fn signing_key(
    conn: &mut Conn,
    settings: &SecuritySettings,
    random: &dyn Random,
) -> Result<SigningKey> {
    let key = match &settings.secret_key {
        Some(secret) => SigningKey::new(bytes(secret)),
        None => SigningKey::new(&instance_secrets::get_or_make(conn, "signing", random).await?),
    };
    Ok(key.with_former(settings.secret_key_fallbacks.iter().map(bytes)))
}

fn bytes(secret: &SecretString) -> &[u8] {
    secret.expose_secret().as_bytes()
}

/// The address where an account chooses a new password. It holds for three days, once.
pub async fn password_reset(
    conn: &mut Conn,
    config: &AppConfig,
    user: &User,
    now: DateTime<Utc>,
) -> Result<String> {
    let hash = users::password_hash(conn, user.id).await?;
    let [hash, last_login] = password_reset_is_bound_to(hash.as_deref(), user);
    let bound_to = [hash.as_str(), last_login.as_str()];
    let token = config.signing_key.sign(Purpose::PasswordReset, user.id.0, &bound_to, now);
    let user = base36(user.id.0);
    Ok(config.address(&format!("/reset-password/set-new-password/{user}-{token}")))
}

/// What the link for a new password is bound to: it dies with the password, and with the next
/// sign-in.
pub(crate) fn password_reset_is_bound_to(hash: Option<&str>, user: &User) -> [String; 2] {
    let last_login = user.last_login_at.map_or_else(String::new, |at| at.to_rfc3339());
    [hash.unwrap_or_default().to_owned(), last_login]
}

/// The address that accepts an invitation. It holds for 15 days, and for this invitation only.
pub fn invitation(
    config: &AppConfig,
    member: MemberId,
    invited: &str,
    now: DateTime<Utc>,
) -> String {
    let token = config.signing_key.sign(Purpose::Invitation, member.0, &[invited], now);
    config.address(&format!("/accept/{member}/{token}/"))
}
