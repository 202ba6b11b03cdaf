//! What must not be tried too often, and how often that is (django-allauth's limits).
//!
//! Attempts are counted in PostgreSQL, so that several web processes count together.

use std::cmp::Ordering;
use std::time::Duration;

use mishap_storage::{Conn, attempts};

use crate::AppState;
use crate::error::ApiError;

/// Something that must not be tried too often. The codes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub(crate) enum Attempt {
    /// Inviting people, by who invites; the operator says how often.
    Invitation = 1,
    /// Signing in, by where the request comes from.
    SignIn = 2,
    /// Signing in with a wrong password or code, by where the request comes from.
    FailureFrom = 3,
    /// Signing in with a wrong password or code, by whose account it is.
    FailureOf = 4,
    /// Making an account, by where the request comes from.
    SignUp = 5,
    /// Asking for a link to choose a new password, by where the request comes from.
    ResetLinkFrom = 6,
    /// Asking for a link to choose a new password, by whose account it is.
    ResetLinkOf = 7,
    /// Choosing a new password with a link, by where the request comes from.
    Reset = 8,
    /// Changing the password, by whose account it is.
    PasswordChange = 9,
    /// Changing addresses, by whose account it is.
    AddressChange = 10,
    /// Proving again who one is, by whose account it is.
    Reauthentication = 11,
    /// Letting a wizard wait, by where the request comes from.
    Wizard = 12,
}

/// What is left after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowance {
    /// There may be more.
    Left,
    /// It was the last that may be.
    Last,
    /// It was one too many.
    Exceeded,
}

impl Attempt {
    /// The stored code.
    pub(crate) fn code(self) -> i16 {
        self as i16
    }

    /// So often in so many seconds.
    fn limit(self) -> (i32, u64) {
        match self {
            Self::Invitation => (50, 300),
            Self::SignIn => (30, 60),
            Self::FailureFrom | Self::AddressChange | Self::Reauthentication => (10, 60),
            Self::FailureOf => (5, 300),
            Self::SignUp | Self::ResetLinkFrom | Self::Reset | Self::Wizard => (20, 60),
            Self::ResetLinkOf | Self::PasswordChange => (5, 60),
        }
    }

    /// Counts an attempt.
    pub(crate) async fn spend(
        self,
        conn: &mut Conn,
        state: &AppState,
        subject: &str,
    ) -> Result<Allowance, ApiError> {
        let (max, seconds) = self.limit();
        let (window, now) = (Duration::from_secs(seconds), state.clock.now());
        let count = attempts::count(conn, self.code(), &hash(subject), window, now).await?;
        Ok(match count.cmp(&max) {
            Ordering::Less => Allowance::Left,
            Ordering::Equal => Allowance::Last,
            Ordering::Greater => Allowance::Exceeded,
        })
    }

    /// Counts an attempt; says whether it was one too many.
    pub(crate) async fn is_too_often(
        self,
        conn: &mut Conn,
        state: &AppState,
        subject: &str,
    ) -> Result<bool, ApiError> {
        Ok(self.spend(conn, state, subject).await? == Allowance::Exceeded)
    }

    /// Counts an attempt no more.
    pub(crate) async fn take_back(
        self,
        conn: &mut Conn,
        state: &AppState,
        subject: &str,
    ) -> Result<(), ApiError> {
        let (_, seconds) = self.limit();
        let (window, now) = (Duration::from_secs(seconds), state.clock.now());
        Ok(attempts::uncount(conn, self.code(), &hash(subject), window, now).await?)
    }

    /// Forgets the attempts, after one succeeded.
    pub(crate) async fn forget(self, conn: &mut Conn, subject: &str) -> Result<(), ApiError> {
        Ok(attempts::forget(conn, self.code(), &hash(subject)).await?)
    }
}

/// Addresses and accounts are kept only as hashes here.
fn hash(subject: &str) -> Vec<u8> {
    mishap_core::secret::ApiToken::new(subject.to_lowercase()).hash().0.to_vec()
}
