//! Which page is where, without the path that the installation lives under.
//!
//! Those that have an equal in GlitchTip have its address, so that links in old mails and in other
//! people's documents go on working.

/// What files are below; see [`crate::assets::asset`].
pub const STATIC: &str = "/static/";

/// Home.
pub const HOME: &str = "/";

/// Signing in: the page, and where its form goes.
pub const SIGN_IN: &str = "/login";

/// Where a passkey goes that replaces address and password.
pub const SIGN_IN_PASSKEY: &str = "/login/passkey";

/// The second factor, after the password: the page, and where its code goes.
pub const SECOND_FACTOR: &str = "/login/second-factor";

/// Where a passkey goes that is the second factor.
pub const SECOND_FACTOR_PASSKEY: &str = "/login/second-factor/passkey";

/// Asks whoever came from a sign-in provider for an address.
pub const PROVIDER_SIGN_UP: &str = "/login/provider";

/// Ends the session (POST).
pub const SIGN_OUT: &str = "/logout";

/// A new account.
pub const SIGN_UP: &str = "/register";

/// The first account of an installation.
pub const FIRST_RUN: &str = "/register/first";

/// Asks for a mail with a link to [`password_reset`].
pub const PASSWORD_FORGOTTEN: &str = "/reset-password";

/// Chooses a new password; the key is from the mail.
pub fn password_reset(key: &str) -> String {
    format!("/reset-password/set-new-password/{key}")
}

/// Confirms an address; the key is from the mail.
pub fn confirm_address(key: &str) -> String {
    format!("/profile/confirm-email/{key}/")
}

/// Accepts an invitation; number and token are from the mail.
pub fn accept_invitation(membership: i64, token: &str) -> String {
    format!("/accept/{membership}/{token}/")
}

/// Light or dark (POST `theme`, `next`).
pub const THEME: &str = "/profile/theme";

/// Password, second factors and sessions of one's account.
pub const SECURITY: &str = "/profile/security";

/// Sends another mail that confirms an address (POST).
pub const SECURITY_CONFIRM: &str = "/profile/security/confirm-email";

/// A new password (POST).
pub const SECURITY_PASSWORD: &str = "/profile/security/password";

/// Sets an authenticator app up (GET shows the secret, POST takes the first code).
pub const SECURITY_TOTP: &str = "/profile/security/totp";

/// Does without the authenticator app (POST).
pub const SECURITY_TOTP_REMOVE: &str = "/profile/security/totp/remove";

/// Makes new recovery codes and shows them (POST).
pub const SECURITY_RECOVERY: &str = "/profile/security/recovery-codes";

/// A new passkey (POST `name`, `credential`).
pub const SECURITY_PASSKEYS: &str = "/profile/security/passkeys";

/// Forgets a passkey (POST `id`).
pub const SECURITY_PASSKEYS_REMOVE: &str = "/profile/security/passkeys/remove";

/// Disconnects an account elsewhere (POST `provider`, `account`).
pub const SECURITY_PROVIDERS_REMOVE: &str = "/profile/security/providers/remove";

/// Ends all other sessions (POST).
pub const SECURITY_SESSIONS_END: &str = "/profile/security/sessions/end";

/// API tokens of one's account: the list and the form for another.
pub const API_TOKENS: &str = "/profile/auth-tokens";

/// Deletes a token (POST `token`).
pub const API_TOKENS_DELETE: &str = "/profile/auth-tokens/delete";

/// What the API takes and gives, for people.
pub const API_REFERENCE: &str = "/api/docs";

/// Who may call what.
pub const API_PERMISSIONS: &str = "/api/docs/permissions";

/// What the API takes and gives, for programs.
pub const OPENAPI: &str = "/api/openapi.json";

/// The administrator's pages.
pub const ADMIN: &str = "/admin/";

/// Where the script gets the challenge for [`SIGN_IN_PASSKEY`]; GlitchTip's API.
pub const PASSKEY_SIGN_IN_OPTIONS: &str = "/_allauth/browser/v1/auth/webauthn/login";

/// Where the script gets the challenge for [`SECOND_FACTOR_PASSKEY`]; GlitchTip's API.
pub const PASSKEY_SECOND_FACTOR_OPTIONS: &str = "/_allauth/browser/v1/auth/webauthn/authenticate";

/// Where the script gets the challenge for [`SECURITY_PASSKEYS`]: of a passkey that may replace the
/// password, since the sign-in page asks for one; GlitchTip's API.
pub const PASSKEY_NEW_OPTIONS: &str =
    "/_allauth/browser/v1/account/authenticators/webauthn?passwordless";

/// Sends the browser to somebody else to sign in (POST `provider`, `callback_url`, `process`);
/// GlitchTip's API.
pub const PROVIDER_REDIRECT: &str = "/_allauth/browser/v1/auth/provider/redirect";
