//! What people are told when something cannot be done. Codes are allauth's; the words are ours.

use mishap_identity::password::strength::{Attribute, MIN_PASSWORD_CHARS, Weakness};
use mishap_storage::ErrorClass;

use crate::error::ApiError;

/// Something that a person can mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What clients know it by.
    pub(crate) code: &'static str,
    /// The field that is wrong.
    pub(crate) param: Option<&'static str>,
    /// What a person reads.
    pub(crate) message: String,
}

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A person can mend it.
    Problems(Vec<Problem>),
    /// Nobody is signed in who could do it.
    SignedOut,
    /// It makes no sense now, such as signing in twice.
    Conflict,
    /// It is not open to people, or not yet again.
    Forbidden,
    /// Too often.
    TooOften,
    /// Something failed on our side.
    Failed(ApiError),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<mishap_storage::Error> for Refusal {
    fn from(error: mishap_storage::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Vec<Problem>> for Refusal {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Problems(problems)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problems(vec![problem])
    }
}

/// What is wrong when somebody else was faster to take what only one may have.
pub(crate) fn taken_meanwhile(error: mishap_storage::Error, problem: Problem) -> Refusal {
    match error.class() {
        ErrorClass::Conflict => problem.into(),
        ErrorClass::Unavailable | ErrorClass::Fault => error.into(),
    }
}

/// Declares problems with their codes, fields and words.
macro_rules! problems {
    ($($name:ident = $code:literal, $param:expr, $message:literal;)+) => {
        impl Problem {
            $(
                pub(crate) fn $name() -> Self {
                    Self { code: $code, param: $param, message: $message.to_owned() }
                }
            )+
        }
    };
}

problems! {
    wrong_password = "email_password_mismatch", Some("password"),
        "The e-mail address and the password do not belong together.";
    too_many_attempts = "too_many_login_attempts", None,
        "That was tried too often. Wait a few minutes and try again.";
    invalid_email = "invalid", Some("email"), "Enter an e-mail address.";
    email_taken = "email_taken", Some("email"), "Somebody signs in with this address already.";
    invalid_reset_link = "invalid_password_reset", Some("key"),
        "This link was used already, or it is too old. Ask for a new one.";
    invalid_key = "invalid_or_expired_key", Some("key"), "This link is too old, or it is incomplete.";
    incorrect_password = "incorrect_password", Some("password"), "That is not your password.";
    incorrect_current_password = "enter_current_password", Some("current_password"),
        "That is not your current password.";
    incorrect_code = "incorrect_code", Some("code"), "That code is wrong or was used already.";
    incorrect_passkey = "incorrect_code", Some("credential"),
        "That passkey could not be verified.";
    unverified_email = "unverified_email", Some("code"),
        "Confirm your e-mail address before you add a second factor.";
    second_factor_in_use = "add_email_blocked", Some("email"),
        "Remove your second factors before you add an address.";
    no_authenticator = "cannot_generate_recovery_codes", None,
        "Recovery codes come with another second factor. Add one first.";
}

impl Problem {
    /// A field that must be there is missing.
    pub(crate) fn required(param: &'static str) -> Self {
        let message = "This field is required.".to_owned();
        Self { code: "required", param: Some(param), message }
    }

    /// A text is longer than we keep.
    pub(crate) fn too_long(param: &'static str, max: usize) -> Self {
        let message = format!("This is too long: at most {max} characters.");
        Self { code: "too_long", param: Some(param), message }
    }

    /// A field names something that there is not.
    pub(crate) fn unknown_choice(param: &'static str) -> Self {
        let message = "There is no such thing in your account.".to_owned();
        Self { code: "invalid_choice", param: Some(param), message }
    }

    /// A password is not good enough.
    pub(crate) fn weak(weakness: Weakness, param: &'static str) -> Self {
        let message = match weakness {
            Weakness::TooSimilar(Attribute::Email) => {
                "The password is too much like the e-mail address.".to_owned()
            }
            Weakness::TooSimilar(Attribute::Name) => {
                "The password is too much like the name.".to_owned()
            }
            Weakness::TooShort => {
                format!(
                    "The password is too short: it needs at least {MIN_PASSWORD_CHARS} characters."
                )
            }
            Weakness::TooCommon => "This password is among the first that are guessed.".to_owned(),
            Weakness::EntirelyNumeric => "The password must not be a number.".to_owned(),
            Weakness::TooLong => "The password is too long.".to_owned(),
        };
        Self { code: weakness.code(), param: Some(param), message }
    }
}
