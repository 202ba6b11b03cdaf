//! Password, second factors and sessions of one's account.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::{Provider, new_password_fields};
use crate::gallery::{Page, Sample};
use crate::link::Link;
use crate::parts::{
    ActionForm, Badge, ButtonKind, Field, FieldKind, Form, Level, Problems, relative,
};
use crate::paths;
use crate::shell::{Document, Layout, PasskeyForm, Shell};

mod samples;
mod setup;

pub use self::setup::{RecoveryCodes, TotpSetup};

/// Password, second factors and sessions of one's account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Security {
    /// Whether there is a password; otherwise somebody else says who the person is.
    pub has_password: bool,
    /// What was wrong with a new password.
    pub password_problems: Problems,
    /// Since when an authenticator app is set up.
    pub app_since: Option<DateTime<Utc>>,
    /// Why no second factor can be added now (an address that is not confirmed).
    pub blocked: Option<String>,
    /// The recovery codes, if there are any.
    pub recovery: Option<RecoveryState>,
    /// The passkeys, oldest first.
    pub passkeys: Vec<Passkey>,
    /// What was wrong with a new passkey.
    pub passkey_problems: Problems,
    /// Who the person is elsewhere, the oldest first.
    pub connections: Vec<Connection>,
    /// Who else could say who the person is.
    pub providers: Vec<Provider>,
    /// Where the person is signed in, this browser first.
    pub sessions: Vec<Session>,
}

/// Who the person is at a sign-in provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The provider, as the API calls it.
    pub provider: String,
    /// What people call it; nothing if nobody can sign in through it any more.
    pub name: Option<String>,
    /// What it calls the person, for good.
    pub uid: String,
    /// The account there, as the person knows it.
    pub account: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the person last came from there.
    pub used: DateTime<Utc>,
}

/// How many recovery codes are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryState {
    /// Not used yet.
    pub left: u64,
    /// Made.
    pub made: u64,
}

/// A passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its number.
    pub id: i64,
    /// What the person calls it.
    pub name: String,
    /// Since when.
    pub created: DateTime<Utc>,
    /// When it was used last.
    pub used: Option<DateTime<Utc>>,
    /// Whether it replaces the password too.
    pub is_passwordless: bool,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The browser and the system, in words.
    pub client: String,
    /// Where it spoke from last.
    pub address: Option<String>,
    /// When it signed in.
    pub since: DateTime<Utc>,
    /// When it spoke last.
    pub seen: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// A part of the page.
fn section(title: &str, explanation: &str, content: &Markup) -> Markup {
    html! {
        section.section {
            header { h2 { (title) } p { (explanation) } }
            (content)
        }
    }
}

impl Security {
    fn password(&self, shell: &Shell) -> Markup {
        let current = Field::new("current_password", "Current password", FieldKind::Password)
            .autocomplete("current-password")
            .problem(self.password_problems.of("current_password"));
        let fields = new_password_fields(&self.password_problems);
        let explanation = if self.has_password {
            "Changing it signs you out everywhere else."
        } else {
            "You sign in through somebody else. A password of your own lets you in without them."
        };
        let form = html! {
            (self.password_problems.show())
            input type="text" name="username" autocomplete="username" hidden
                value=[shell.person.as_ref().map(|person| &person.email)];
            @if self.has_password { (current.show("password")) }
            @for field in &fields { (field.show("password")) }
            div.buttons {
                button.button type="submit" {
                    @if self.has_password { "Change password" } @else { "Set password" }
                }
            }
        };
        let content = html! {
            div.panel { div.pad { (shell.post(paths::SECURITY_PASSWORD, "form", &form)) } }
        };
        section("Password", explanation, &content)
    }

    fn app(&self, shell: &Shell) -> Markup {
        let remove = ActionForm {
            kind: ButtonKind::Danger,
            object: Some("the authenticator app".to_owned()),
            ..ActionForm::new("Remove", paths::SECURITY_TOTP_REMOVE)
        };
        html! {
            li {
                div {
                    p.title { "Authenticator app" }
                    @if let Some(since) = self.app_since {
                        p { "Set up " (relative(shell.now, since)) }
                    } @else {
                        p { "A code of six digits from your phone, each time you sign in." }
                    }
                }
                (on_or_off(self.app_since.is_some()))
                @if self.app_since.is_some() {
                    (remove.show(shell, "small"))
                } @else if self.blocked.is_none() {
                    a.button.small href=(Link::within(paths::SECURITY_TOTP).href(&shell.site)) {
                        "Set up" span.unseen { " the authenticator app" }
                    }
                }
            }
        }
    }

    fn recovery(&self, shell: &Shell) -> Markup {
        let renew = ActionForm {
            object: Some("recovery codes".to_owned()),
            ..ActionForm::new("Make new", paths::SECURITY_RECOVERY)
        };
        html! {
            li {
                div {
                    p.title { "Recovery codes" }
                    @match self.recovery {
                        Some(RecoveryState { left, made }) => {
                            p { (left) " of " (made) " are left. Each works once." }
                        }
                        None => p { "You get them together with your first second factor." },
                    }
                }
                @match self.recovery {
                    Some(RecoveryState { left: 0..3, .. }) => {
                        (Badge::new(Level::Warning, "Running out").show())
                    }
                    state => (on_or_off(state.is_some())),
                }
                @if self.recovery.is_some() { (renew.show(shell, "small")) }
            }
        }
    }

    fn passkeys(&self, shell: &Shell) -> Markup {
        let name = Field::new("name", "Name of the new passkey", FieldKind::Text)
            .help("So that you know it again: “Laptop”, “Blue key”.")
            .autocomplete("off")
            .problem(self.passkey_problems.of("name"));
        let add = PasskeyForm {
            path: paths::SECURITY_PASSKEYS,
            purpose: "create",
            options: paths::PASSKEY_NEW_OPTIONS,
            label: "Add a passkey",
            fields: name.show("passkey"),
        };
        let content = html! {
            div.panel {
                ul.list {
                    @if self.passkeys.is_empty() {
                        li {
                            div {
                                p.title { "No passkeys yet" }
                                p {
                                    "A passkey lives in your device or on a key that you carry. It "
                                    "cannot be guessed, and no false page can ask you for it."
                                }
                            }
                        }
                    }
                    @for passkey in &self.passkeys { (passkey.show(shell)) }
                    @if self.blocked.is_none() {
                        li {
                            div.form {
                                (self.passkey_problems.show())
                                (shell.passkey(&add))
                                noscript { p { "Adding a passkey needs JavaScript." } }
                            }
                        }
                    }
                }
            }
        };
        section(
            "Passkeys",
            "Your fingerprint, face or key instead of a password or a code.",
            &content,
        )
    }

    fn connections(&self, shell: &Shell) -> Markup {
        let connect = |provider: &Provider| ActionForm {
            object: Some(provider.name.clone()),
            hidden: [
                ("provider", provider.id.clone()),
                ("process", "connect".to_owned()),
                ("callback_url", shell.site.url(paths::SECURITY)),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec(),
            ..ActionForm::new("Connect", paths::PROVIDER_REDIRECT)
        };
        let content = html! {
            div.panel {
                ul.list {
                    @for connection in &self.connections { (connection.show(shell)) }
                    @for provider in &self.providers {
                        li {
                            div {
                                p.title { bdi { (provider.name) } }
                                p { "Not connected" }
                            }
                            (connect(provider).show(shell, "small"))
                        }
                    }
                }
            }
        };
        let explanation = "Sign in here with an account that you have elsewhere.";
        section("Connected accounts", explanation, &content)
    }

    fn sessions(&self, shell: &Shell) -> Markup {
        let end = ActionForm::new("Sign out everywhere else", paths::SECURITY_SESSIONS_END);
        html! {
            section.section {
                header {
                    div {
                        h2 { "Where you are signed in" }
                        @if self.sessions.iter().any(|session| !session.is_current) {
                            div.buttons { (end.show(shell, "small")) }
                        }
                    }
                    p { "If you do not know one of these, sign out everywhere and change your password." }
                }
                div.panel {
                    ul.list { @for session in &self.sessions { (session.show(shell)) } }
                }
            }
        }
    }
}

fn on_or_off(is_on: bool) -> Markup {
    let badge = if is_on { Badge::new(Level::Ok, "On") } else { Badge::new(Level::Neutral, "Off") };
    badge.show()
}

impl Connection {
    fn show(&self, shell: &Shell) -> Markup {
        let name = self.name.as_ref().unwrap_or(&self.provider);
        let remove = ActionForm {
            object: Some(format!("{name}, {}", self.account)),
            hidden: vec![
                ("provider".to_owned(), self.provider.clone()),
                ("account".to_owned(), self.uid.clone()),
            ],
            kind: ButtonKind::Danger,
            ..ActionForm::new("Disconnect", paths::SECURITY_PROVIDERS_REMOVE)
        };
        html! {
            li {
                div {
                    p.title { bdi { (name) } }
                    p {
                        bdi { (self.account) } " · connected " (relative(shell.now, self.since))
                        ", used " (relative(shell.now, self.used))
                    }
                }
                @if self.name.is_none() {
                    (Badge::new(Level::Neutral, "Not offered any more").show())
                }
                (remove.show(shell, "small"))
            }
        }
    }
}

impl Passkey {
    fn show(&self, shell: &Shell) -> Markup {
        let remove = ActionForm {
            object: Some(format!("the passkey {}", self.name)),
            hidden: vec![("id".to_owned(), self.id.to_string())],
            kind: ButtonKind::Danger,
            ..ActionForm::new("Remove", paths::SECURITY_PASSKEYS_REMOVE)
        };
        html! {
            li {
                div {
                    p.title { bdi { (self.name) } }
                    p {
                        "Added " (relative(shell.now, self.created)) ", "
                        @if let Some(used) = self.used {
                            "used " (relative(shell.now, used))
                        } @else {
                            "not used yet"
                        }
                    }
                }
                @if self.is_passwordless {
                    (Badge::new(Level::Info, "Replaces the password").show())
                }
                (remove.show(shell, "small"))
            }
        }
    }
}

impl Session {
    fn show(&self, shell: &Shell) -> Markup {
        html! {
            li {
                div {
                    p.title { bdi { (self.client) } }
                    p {
                        @if let Some(address) = &self.address { bdi { (address) } " · " }
                        "signed in " (relative(shell.now, self.since))
                        @if !self.is_current { ", seen " (relative(shell.now, self.seen)) }
                    }
                }
                @if self.is_current { (Badge::new(Level::Ok, "This browser").show()) }
            }
        }
    }
}

impl Page for Security {
    fn render(&self, shell: &Shell) -> String {
        let factors = html! {
            @if let Some(blocked) = &self.blocked {
                (crate::parts::notice(Level::Info, &html! { (blocked) }))
                div.buttons {
                    (ActionForm::new("Send the mail again", paths::SECURITY_CONFIRM)
                        .show(shell, "small"))
                }
            }
            div.panel { ul.list { (self.app(shell)) (self.recovery(shell)) } }
        };
        let content = html! {
            (self.password(shell))
            (section(
                "Second factor",
                "Whoever learns your password still cannot sign in.",
                &factors,
            ))
            (self.passkeys(shell))
            @if !(self.connections.is_empty() && self.providers.is_empty()) {
                (self.connections(shell))
            }
            (self.sessions(shell))
        };
        shell.document(&Document {
            has_problem: !(self.password_problems.is_empty() && self.passkey_problems.is_empty()),
            ..Document::new("Account security", Layout::Wide, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        samples::security()
    }
}

/// A form that wants the code of a new second factor.
fn code_form(problems: &Problems) -> Form {
    let code = Field::new("code", "Code", FieldKind::OneTimeCode)
        .help("The six digits that the app shows now.")
        .autocomplete("one-time-code")
        .problem(problems.of("code"));
    Form {
        id: "totp",
        path: paths::SECURITY_TOTP.to_owned(),
        problem: None,
        hidden: Vec::new(),
        fields: vec![code],
        submit: "Turn on".to_owned(),
        cancel: Some(Link::within(paths::SECURITY)),
    }
}
