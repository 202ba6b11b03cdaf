//! Guesses at passwords and codes, of which there may only be a few.
//!
//! A guess is counted before anything is compared, and the count is taken back when it was right: of
//! guesses that come at the same time no more get through than of those that come one by one.

use mishap_core::audit::Action;
use mishap_storage::Conn;
use mishap_storage::accounts::users::User;

use super::refusal::{Problem, Refusal};
use super::visit::Visit;
use crate::AppState;
use crate::error::ApiError;
use crate::throttle::{Allowance, Attempt};

/// A guess that counts as wrong.
pub(crate) struct Guess {
    whose: Option<String>,
    from: String,
    is_last: bool,
}

impl Guess {
    /// Counts a guess at somebody's secret, and refuses it if there were too many. Without `whose`,
    /// only those from the same place are counted.
    pub(crate) async fn begin(
        conn: &mut Conn,
        state: &AppState,
        visit: &Visit,
        whose: Option<String>,
    ) -> Result<Self, Refusal> {
        let from = visit.from();
        let mut is_last = false;
        let mut is_refused = false;
        let of = whose.iter().map(|whose| (Attempt::FailureOf, whose));
        for (attempt, subject) in of.chain([(Attempt::FailureFrom, &from)]) {
            match attempt.spend(conn, state, subject).await? {
                Allowance::Left => {}
                Allowance::Last => is_last = true,
                Allowance::Exceeded => is_refused = true,
            }
        }
        if is_refused {
            return Err(Problem::too_many_attempts().into());
        }
        Ok(Self { whose, from, is_last })
    }

    /// It was right: it counts no more, and neither do wrong ones before.
    pub(crate) async fn was_right(self, conn: &mut Conn, state: &AppState) -> Result<(), ApiError> {
        Attempt::FailureFrom.take_back(conn, state, &self.from).await?;
        if let Some(whose) = &self.whose {
            Attempt::FailureOf.forget(conn, whose).await?;
        }
        Ok(())
    }

    /// It was wrong. The audit log is told if it was the last that may be.
    pub(crate) async fn was_wrong(
        self,
        conn: &mut Conn,
        visit: &Visit,
        user: Option<&User>,
    ) -> Result<(), Refusal> {
        if let Some(user) = user.filter(|_| self.is_last) {
            visit.note(conn, user, Action::SignInThrottled).await?;
        }
        Ok(())
    }
}

/// Whose password is guessed at, as it is counted: those at all addresses of an account together.
pub(crate) fn at_password(user: Option<&User>, email: &str) -> String {
    user.map_or_else(|| email.to_owned(), |user| user.id.to_string())
}

/// Whose second factor is guessed at. It is counted by itself: whoever knows the password and gives it
/// again gets no more guesses by that.
pub(crate) fn at_second_factor(user: &User) -> String {
    format!("second factor of {}", user.id)
}
