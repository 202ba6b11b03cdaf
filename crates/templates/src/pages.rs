//! Signing in, the safety of one's account, and what can be read of the API.

use maud::{Markup, html};

use crate::link::Link;
use crate::parts::{Field, FieldKind, Problems};
use crate::paths;
use crate::shell::{Document, Layout, PasskeyForm, Shell, Site};

mod address;
mod api_permissions;
mod api_reference;
mod api_tokens;
mod error;
mod first_run;
mod invitation;
mod password;
mod provider_sign_up;
mod second_factor;
mod security;
mod sign_in;
mod sign_up;
mod signed_out;

pub use self::address::ConfirmAddress;
pub use self::api_permissions::ApiPermissions;
pub use self::api_reference::{
    ApiAnswer, ApiReference, KindPart, Member, Operation, OperationGroup, Shape, ValueKind,
};
pub use self::api_tokens::ApiTokens;
pub use self::error::ErrorPage;
pub use self::first_run::FirstRun;
pub use self::invitation::{AcceptInvitation, Invitation};
pub use self::password::{PasswordForgotten, PasswordReset};
pub use self::provider_sign_up::{GuestAddress, ProviderSignUp};
pub use self::second_factor::SecondFactor;
pub use self::security::{
    Connection, Passkey, RecoveryCodes, RecoveryState, Security, Session, TotpSetup,
};
pub use self::sign_in::SignIn;
pub use self::sign_up::SignUp;
pub use self::signed_out::SignedOut;

/// Somebody else who can say who a person is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What the API calls it.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// What a password has to be (`docs` of the account API: at least 8, not common, not all digits).
const PASSWORD_HELP: &str = "At least 8 characters. A few words in a row are easy to remember.";

/// One task, in the middle of the page.
fn narrow<'d>(title: &'d str, lead: Option<&str>, content: Markup) -> Document<'d> {
    Document {
        lead: lead.map(|lead| html! { (lead) }),
        ..Document::new(title, Layout::Narrow, content)
    }
}

/// A form that fills the card.
fn card_form(shell: &Shell, path: &str, content: &Markup) -> Markup {
    shell.post(path, "form", content)
}

fn primary(label: &str) -> Markup {
    html! { div { button.button.primary type="submit" { (label) } } }
}

/// Where to go afterwards, if not home.
fn next_field(next: Option<&str>) -> Markup {
    html! { @if let Some(next) = next { input type="hidden" name="next" value=(next); } }
}

/// The path of a page that leads on to `next`.
fn with_next(path: &str, next: Option<&str>) -> String {
    match next {
        None => path.to_owned(),
        Some(next) => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            format!("{path}?{}", query.append_pair("next", next).finish())
        }
    }
}

fn text_link(site: &Site, path: &str, words: &str) -> Markup {
    html! { a href=(Link::within(path).href(site)) { (words) } }
}

/// A new password, twice.
fn new_password_fields(problems: &Problems) -> [Field; 2] {
    let field = |name, label| {
        Field::new(name, label, FieldKind::Password)
            .autocomplete("new-password")
            .problem(problems.of(name))
    };
    [
        field("password", "New password").help(PASSWORD_HELP),
        field("password_again", "New password again"),
    ]
}

/// Buttons for those who can say who a person is.
fn provider_forms(shell: &Shell, providers: &[Provider], next: Option<&str>) -> Markup {
    // What comes from an address may have the installation's own path already.
    let next = next.map_or_else(|| shell.site.url(paths::HOME), str::to_owned);
    html! {
        @for provider in providers {
            (shell.post(paths::PROVIDER_REDIRECT, "", &html! {
                input type="hidden" name="provider" value=(provider.id);
                input type="hidden" name="process" value="login";
                input type="hidden" name="callback_url" value=(next);
                button.button type="submit" {
                    span { "Continue with " bdi { (provider.name) } }
                }
            }))
        }
    }
}

/// Signs in, or goes on signing in, with a passkey.
fn passkey_form(shell: &Shell, path: &str, options: &str, next: Option<&str>) -> Markup {
    shell.passkey(&PasskeyForm {
        path,
        purpose: "get",
        options,
        label: "Use a passkey",
        fields: next_field(next),
    })
}
