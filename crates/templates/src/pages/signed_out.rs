//! The session is over.

use maud::html;

use super::narrow;
use crate::gallery::{Page, Sample};
use crate::paths;
use crate::shell::Shell;

/// The session is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignedOut;

impl Page for SignedOut {
    fn render(&self, shell: &Shell) -> String {
        let content = html! {
            a.button.primary href=(shell.site.url(paths::SIGN_IN)) { "Sign in again" }
        };
        let lead = "Nobody can go on in your name in this browser.";
        shell.document(&narrow("You are signed out", Some(lead), content))
    }

    fn samples() -> Vec<Sample<Self>> {
        vec![Sample { name: "typical", page: Self }, Sample { name: "hostile", page: Self }]
    }
}
