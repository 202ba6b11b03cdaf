//! What people do with their accounts: sign in and out, choose passwords, set up second factors.
//!
//! The headless API ([`crate::allauth`]) and the pages say the same things in two languages; what
//! they have in common is here. A [`Visit`] is what is known of a browser.

pub(crate) mod address;
pub(crate) mod first_run;
mod guess;
pub(crate) mod invitation;
pub(crate) mod passkey;
pub(crate) mod password;
pub(crate) mod provider;
mod refusal;
pub(crate) mod second_factor;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
pub(crate) mod token;
mod typed;
mod visit;

pub use self::password::Passwords;
pub(crate) use self::refusal::{Problem, Refusal, taken_meanwhile};
pub(crate) use self::visit::{Visit, own};
