//! What stands where nothing is yet.

use maud::{Markup, html};

use super::LinkButton;
use crate::shell::Site;

/// Says why there is nothing, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmptyState {
    /// What is not there.
    pub title: String,
    /// Why, and what next.
    pub next: String,
    /// The way to it.
    pub action: Option<LinkButton>,
}

impl EmptyState {
    pub(crate) fn show(&self, site: &Site) -> Markup {
        html! {
            div.empty {
                p.title { (self.title) }
                p { (self.next) }
                @if let Some(action) = &self.action { div.buttons { (action.show(site)) } }
            }
        }
    }
}
