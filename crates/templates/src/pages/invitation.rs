//! Accepts an invitation into an organization.

use maud::{Markup, html};

use super::{narrow, primary, text_link, with_next};
use crate::gallery::{Page, Sample};
use crate::parts::Secret;
use crate::shell::Shell;
use crate::{paths, sample};

/// What a person was invited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The membership's number.
    pub membership: i64,
    /// The token of the link.
    pub token: Secret,
    /// The organization's name.
    pub organization: String,
    /// What the person will be in it.
    pub role: String,
    /// The address that was invited.
    pub email: String,
}

/// Accepts an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptInvitation {
    /// Nobody is signed in.
    SignedOut {
        /// What to.
        invitation: Invitation,
        /// Whether a new account may be made.
        can_sign_up: bool,
    },
    /// Somebody is.
    SignedIn {
        /// What to.
        invitation: Invitation,
        /// As whom they are signed in.
        email: String,
    },
    /// Whoever is signed in has not the invited address.
    WrongAccount {
        /// What to.
        invitation: Invitation,
        /// As whom they are signed in.
        email: String,
    },
    /// Whoever is signed in belongs to the organization already.
    Member {
        /// What to.
        invitation: Invitation,
        /// As whom they are signed in.
        email: String,
    },
    /// It is done.
    Joined {
        /// What to.
        invitation: Invitation,
    },
    /// The link is too old, or never was one.
    Invalid,
}

impl Invitation {
    fn path(&self) -> String {
        paths::accept_invitation(self.membership, self.token.reveal())
    }

    fn sign_out(&self, shell: &Shell, class: &str) -> Markup {
        shell.post(
            paths::SIGN_OUT,
            "",
            &html! {
                input type="hidden" name="next" value=(self.path());
                button class=(class) type="submit" { "Sign out and accept as somebody else" }
            },
        )
    }

    fn show(&self) -> Markup {
        let initial: String = self.organization.chars().take(1).collect();
        html! {
            div.who {
                span.initial aria-hidden="true" { bdi { (initial.to_uppercase()) } }
                div {
                    strong { bdi { (self.organization) } }
                    p.help { "Role: " (self.role) }
                }
            }
        }
    }
}

impl Page for AcceptInvitation {
    fn render(&self, shell: &Shell) -> String {
        let site = &shell.site;
        shell.document(&match self {
            Self::SignedOut { invitation, can_sign_up } => {
                let path = invitation.path();
                let sign_in = site.url(&with_next(paths::SIGN_IN, Some(&path)));
                let sign_up = site.url(&with_next(paths::SIGN_UP, Some(&path)));
                let content = html! {
                    (invitation.show())
                    p { "The invitation went to " strong { bdi { (invitation.email) } } "." }
                    div.stack {
                        @if *can_sign_up {
                            a.button.primary href=(sign_up) { "Create an account" }
                            a.button href=(sign_in) { "I have an account: sign in" }
                        } @else {
                            a.button.primary href=(sign_in) { "Sign in to accept" }
                        }
                    }
                };
                narrow("You are invited", None, content)
            }
            Self::SignedIn { invitation, email } => {
                let content = html! {
                    (invitation.show())
                    p { "You are signed in as " strong { bdi { (email) } } "." }
                    div.stack {
                        (shell.post(&invitation.path(), "", &primary("Join the organization")))
                        p.help { (text_link(site, paths::HOME, "Not now")) }
                    }
                };
                narrow("You are invited", None, content)
            }
            Self::WrongAccount { invitation, email } => {
                let content = html! {
                    (invitation.show())
                    p {
                        "This invitation is for " strong { bdi { (invitation.email) } } ", and you "
                        "are signed in as " strong { bdi { (email) } } ". Sign in with the invited "
                        "address, or add it to your account first."
                    }
                    div.stack {
                        (invitation.sign_out(shell, "button primary"))
                        p.help { (text_link(site, paths::HOME, "Not now")) }
                    }
                };
                narrow("This invitation is for somebody else", None, content)
            }
            Self::Joined { invitation } => {
                let content = html! {
                    (invitation.show())
                    a.button.primary href=(site.url(paths::HOME)) { "Continue" }
                };
                narrow("You have joined", None, content)
            }
            Self::Member { invitation, email } => {
                let content = html! {
                    (invitation.show())
                    p {
                        "You are signed in as " strong { bdi { (email) } }
                        " and belong to this organization. If the invitation is for another "
                        "account of yours, sign out first."
                    }
                    div.stack {
                        a.button.primary href=(site.url(paths::HOME)) { "Continue" }
                        (invitation.sign_out(shell, "button"))
                    }
                };
                narrow("You are a member already", None, content)
            }
            Self::Invalid => {
                let content = html! {
                    p {
                        "Invitations work for 15 days and can be taken back. Ask whoever invited "
                        "you for a new one."
                    }
                    a.button href=(site.url(paths::HOME)) { "Go to the start" }
                };
                narrow("This invitation does not work any more", None, content)
            }
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let invitation = |organization: &str, email: &str| Invitation {
            membership: 12,
            token: Secret::new("c9x2k1-0123456789abcdef0123456789abcdef"),
            organization: organization.to_owned(),
            role: "Member".to_owned(),
            email: email.to_owned(),
        };
        let usual = invitation("Example Shop", "ada@example.com");
        let email = "ada@example.com".to_owned();
        vec![
            Sample {
                name: "signed-out",
                page: Self::SignedOut { invitation: usual.clone(), can_sign_up: true },
            },
            Sample {
                name: "signed-out-closed",
                page: Self::SignedOut { invitation: usual.clone(), can_sign_up: false },
            },
            Sample {
                name: "signed-in",
                page: Self::SignedIn { invitation: usual.clone(), email: email.clone() },
            },
            Sample {
                name: "wrong-account",
                page: Self::WrongAccount {
                    invitation: usual.clone(),
                    email: "grace@example.com".to_owned(),
                },
            },
            Sample { name: "member", page: Self::Member { invitation: usual.clone(), email } },
            Sample { name: "joined", page: Self::Joined { invitation: usual } },
            Sample { name: "invalid", page: Self::Invalid },
            Sample {
                name: "hostile",
                page: Self::SignedIn {
                    invitation: invitation(sample::MARKUP, sample::MARKUP),
                    email: sample::RIGHT_TO_LEFT.to_owned(),
                },
            },
            Sample {
                name: "long",
                page: Self::SignedOut {
                    invitation: invitation(sample::LONG, sample::LONG_ADDRESS),
                    can_sign_up: true,
                },
            },
        ]
    }
}
