//! Passkeys and security keys (WebAuthn), as a second factor or instead of a password.
//!
//! Each ceremony has two halves. The first makes the options for the browser's
//! `navigator.credentials`, and a state; the second takes the browser's answer. The caller keeps the
//! state where the browser cannot change it, for some minutes at most, and takes it away when the
//! answer comes: a state that is used twice lets an answer be replayed.
//!
//! What browsers are asked for follows GlitchTip (its API, rules and parameters). Challenges are
//! drawn by the library, from the system's generator.

use std::iter::successors;

use mishap_core::id::UserId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, Credential, CredentialID, DiscoverableAuthentication,
    PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, SecurityKey,
    SecurityKeyAuthentication, SecurityKeyRegistration, Webauthn, WebauthnBuilder, WebauthnError,
};
use webauthn_rs_proto::{ExtnState, ResidentKeyRequirement, UserVerificationPolicy};

/// How many passkeys an account is ever asked for, or told not to make again.
pub const MAX_PASSKEYS: usize = 100;

/// The site that passkeys are made for. They are bound to its host: under another one, none of them
/// is good any more.
#[derive(Debug, Clone)]
pub struct Site(Webauthn);

/// The public URL cannot have passkeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitUrl {
    /// It has no host name: browsers make no passkeys for addresses.
    #[error("passkeys need a host name in the public URL")]
    NoHostName,
    /// It is neither `https` nor local.
    #[error("passkeys need https in the public URL")]
    NotSecure,
}

/// A ceremony did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// The answer is not what browsers send.
    #[error("the browser's answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// The answer does not prove what it should, or the account's details are unfit.
    #[error("the passkey is refused")]
    Refused(#[from] WebauthnError),
    /// The answer comes from a passkey that is none of those handed in.
    #[error("the passkey is not one of the account")]
    Unknown,
}

/// Whose passkey it will be. Authenticators show the address and the name.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// The number of the user.
    pub id: UserId,
    /// The e-mail address.
    pub email: &'a str,
    /// The name, or nothing.
    pub name: &'a str,
}

/// What a passkey is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be shown after a password: it has to be there, and that is all.
    SecondFactor,
    /// To be shown instead of a password: it knows whose it is, and makes sure that its owner uses
    /// it, by a PIN, a finger or a face.
    Passwordless,
}

/// A registered passkey, as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Passkey {
    credential: Credential,
    is_passwordless: bool,
}

impl Passkey {
    /// What the authenticator calls it. No two accounts may have the same.
    pub fn id(&self) -> &[u8] {
        self.credential.cred_id.as_slice()
    }

    /// Whether it can be used for [`Site::begin_login`].
    pub fn is_passwordless(&self) -> bool {
        self.is_passwordless
    }

    /// Takes over the counter and what else the answer told of the passkey.
    fn update(&mut self, result: &AuthenticationResult) {
        let mut key = SecurityKey::from(self.credential.clone());
        key.update_credential(result);
        self.credential = key.into();
    }
}

/// What is kept between the two halves of a registration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegistrationState(Registration);

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Registration {
    SecondFactor(SecurityKeyRegistration),
    Passwordless(PasskeyRegistration),
}

/// What is kept between the two halves of an authentication of somebody known.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuthenticationState(SecurityKeyAuthentication);

/// What is kept between the two halves of a login of somebody unknown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginState(DiscoverableAuthentication);

impl Site {
    /// The site under a public URL.
    pub fn new(public_url: &Url) -> Result<Self, UnfitUrl> {
        let host = public_url.domain().ok_or(UnfitUrl::NoHostName)?;
        let is_local = host == "localhost" || host.ends_with(".localhost");
        if public_url.scheme() != "https" && !is_local {
            return Err(UnfitUrl::NotSecure);
        }
        let builder = WebauthnBuilder::new(host, public_url).map(|builder| {
            // A second factor comes after a password, so it need not ask for a PIN.
            builder.rp_name(host).danger_set_user_presence_only_security_keys(true)
        });
        let webauthn = builder.and_then(WebauthnBuilder::build);
        webauthn.map(Self).map_err(|_no_domain| UnfitUrl::NoHostName)
    }

    /// Begins the registration of a passkey: `{"publicKey": …}` for `navigator.credentials.create`,
    /// and the state. `existing` are the passkeys that the account has, which are not made again.
    pub fn begin_registration(
        &self,
        account: Account<'_>,
        purpose: Purpose,
        existing: &[Passkey],
    ) -> Result<(Value, RegistrationState), PasskeyError> {
        let Account { id, email, name } = account;
        let name = if name.is_empty() { email } else { name };
        let existing: Vec<CredentialID> =
            existing.iter().take(MAX_PASSKEYS).map(|key| key.credential.cred_id.clone()).collect();
        // Replaced below.
        let handle = Uuid::nil();
        let (mut options, state) = match purpose {
            Purpose::SecondFactor => {
                let begun = self.0.start_securitykey_registration(
                    handle,
                    email,
                    name,
                    Some(existing),
                    None,
                    None,
                );
                begun.map(|(options, state)| (options, Registration::SecondFactor(state)))?
            }
            Purpose::Passwordless => {
                let begun = self.0.start_passkey_registration(handle, email, name, Some(existing));
                begun.map(|(options, state)| (options, Registration::Passwordless(state)))?
            }
        };
        options.public_key.user.id = user_handle(id);
        // The library hints at keys on a cord; a phone or the machine itself will do.
        options.public_key.hints = None;
        if let (Purpose::Passwordless, Some(selection)) =
            (purpose, &mut options.public_key.authenticator_selection)
        {
            selection.resident_key = Some(ResidentKeyRequirement::Required);
            selection.require_resident_key = true;
        }
        Ok((to_value(&options)?, RegistrationState(state)))
    }

    /// Ends a registration. The caller sees to it that no account has a passkey with the same
    /// [`Passkey::id`], and stores this one.
    pub fn finish_registration(
        &self,
        state: RegistrationState,
        answer: Value,
    ) -> Result<Passkey, PasskeyError> {
        let answer: RegisterPublicKeyCredential = read(answer)?;
        let (credential, was_asked): (Credential, bool) = match state.0 {
            Registration::SecondFactor(state) => {
                (self.0.finish_securitykey_registration(&answer, &state)?.into(), false)
            }
            Registration::Passwordless(state) => {
                (self.0.finish_passkey_registration(&answer, &state)?.into(), true)
            }
        };
        // Browsers say whether the passkey knows whose it is; those that say nothing did as asked.
        let told = match &credential.extensions.cred_props {
            ExtnState::Set(props) | ExtnState::Unsigned(props) => props.rk,
            ExtnState::NotRequested | ExtnState::Ignored | ExtnState::Unsolicited(_) => None,
        };
        Ok(Passkey { credential, is_passwordless: told.unwrap_or(was_asked) })
    }

    /// Begins the authentication of somebody known, with any of the account's passkeys:
    /// `{"publicKey": …}` for `navigator.credentials.get`, and the state.
    pub fn begin_authentication(
        &self,
        passkeys: &[Passkey],
    ) -> Result<(Value, AuthenticationState), PasskeyError> {
        let keys: Vec<SecurityKey> = passkeys
            .iter()
            .take(MAX_PASSKEYS)
            .map(|key| SecurityKey::from(key.credential.clone()))
            .collect();
        if keys.is_empty() {
            return Err(PasskeyError::Unknown);
        }
        let (mut options, state) = self.0.start_securitykey_authentication(&keys)?;
        // Passkeys that were made to replace a password verify their owner always.
        options.public_key.user_verification = UserVerificationPolicy::Preferred;
        options.public_key.hints = None;
        Ok((to_value(&options)?, AuthenticationState(state)))
    }

    /// Ends the authentication of somebody known: which of the account's passkeys answered. That one
    /// is changed, and to be stored.
    pub fn finish_authentication(
        &self,
        state: &AuthenticationState,
        answer: Value,
        passkeys: &mut [Passkey],
    ) -> Result<usize, PasskeyError> {
        let answer: PublicKeyCredential = read(answer)?;
        let result = self.0.finish_securitykey_authentication(&answer, &state.0)?;
        let (place, passkey) = find(passkeys, result.cred_id().as_slice())?;
        passkey.update(&result);
        Ok(place)
    }

    /// Begins the login of somebody unknown: `{"publicKey": …}` for `navigator.credentials.get`,
    /// and the state. The authenticator's owner chooses the passkey.
    pub fn begin_login(&self) -> Result<(Value, LoginState), PasskeyError> {
        let (mut options, state) = self.0.start_discoverable_authentication()?;
        // The login begins with a button, not in a form that completes itself.
        options.mediation = None;
        Ok((to_value(&options)?, LoginState(state)))
    }

    /// Ends the login of somebody unknown: which of the passkeys answered. That one is changed, and
    /// to be stored. The passkeys are those of [`claimed_user`], and prove that the claim is true.
    pub fn finish_login(
        &self,
        state: LoginState,
        answer: Value,
        passkeys: &mut [Passkey],
    ) -> Result<usize, PasskeyError> {
        let answer: PublicKeyCredential = read(answer)?;
        let (place, passkey) = find(passkeys, answer.get_credential_id())?;
        let result =
            self.0.finish_discoverable_authentication_v2(&answer, state.0, &passkey.credential)?;
        passkey.update(&result);
        Ok(place)
    }
}

/// Who says to log in with a passkey. That is a claim; [`Site::finish_login`] proves it.
pub fn claimed_user(answer: &Value) -> Option<UserId> {
    let answer: PublicKeyCredential = PublicKeyCredential::deserialize(answer).ok()?;
    let handle = std::str::from_utf8(answer.get_user_unique_id()?).ok()?;
    i64::from_str_radix(handle, 36).ok().filter(|id| *id > 0).map(UserId)
}

/// What an authenticator knows a user by: the number to the base of 36, as GlitchTip writes it.
fn user_handle(id: UserId) -> Vec<u8> {
    let parts = successors(Some(id.0.unsigned_abs()), |n| Some(n / 36).filter(|n| *n > 0));
    let digits = parts.filter_map(|n| char::from_digit(u32::try_from(n % 36).ok()?, 36));
    let digits: Vec<char> = digits.collect();
    digits.iter().rev().collect::<String>().into_bytes()
}

fn find<'p>(
    passkeys: &'p mut [Passkey],
    id: &[u8],
) -> Result<(usize, &'p mut Passkey), PasskeyError> {
    let mut numbered = passkeys.iter_mut().enumerate();
    numbered.find(|(_, passkey)| passkey.id() == id).ok_or(PasskeyError::Unknown)
}

fn read<T: for<'de> Deserialize<'de>>(answer: Value) -> Result<T, PasskeyError> {
    serde_json::from_value(answer).map_err(PasskeyError::Unreadable)
}

fn to_value(options: &impl Serialize) -> Result<Value, PasskeyError> {
    serde_json::to_value(options).map_err(PasskeyError::Unreadable)
}

#[cfg(test)]
mod tests;
