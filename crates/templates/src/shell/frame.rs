//! What a page gives its shell.

use maud::{Markup, html};

use crate::link::Link;
use crate::shell::Site;

/// How a page is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One task in the middle.
    Narrow,
    /// The product: a bar, and sections at the side.
    Wide,
}

/// A page, in parts.
pub(crate) struct Document<'d> {
    /// What it is called, in the tab and as its heading.
    pub(crate) title: &'d str,
    /// Whether something is wrong with what the person sent; the tab says so first.
    pub(crate) has_problem: bool,
    /// How it is laid out.
    pub(crate) layout: Layout,
    /// What is above it.
    pub(crate) parents: &'d [Crumb],
    /// What stands beside the heading.
    pub(crate) beside: Option<Markup>,
    /// A sentence under the heading.
    pub(crate) lead: Option<Markup>,
    /// What can be done with the whole.
    pub(crate) actions: Option<Markup>,
    /// What stands under a narrow page.
    pub(crate) more: Option<Markup>,
    /// The rest.
    pub(crate) content: Markup,
}

/// A page above a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// Its name.
    pub label: String,
    /// Where it is.
    pub link: Link,
}

impl<'d> Document<'d> {
    /// A page with nothing but a title and its content.
    pub(crate) fn new(title: &'d str, layout: Layout, content: Markup) -> Self {
        Self {
            title,
            has_problem: false,
            layout,
            parents: &[],
            beside: None,
            lead: None,
            actions: None,
            more: None,
            content,
        }
    }

    pub(crate) fn title_with_problem(&self) -> String {
        if self.has_problem { format!("Problem: {}", self.title) } else { self.title.to_owned() }
    }

    pub(crate) fn heading(&self) -> Markup {
        html! { bdi { (self.title) } }
    }

    pub(crate) fn lead(&self) -> Markup {
        html! { @if let Some(lead) = &self.lead { p { (lead) } } }
    }

    pub(crate) fn head(&self, site: &Site) -> Markup {
        html! {
            div.head {
                @if !self.parents.is_empty() {
                    nav.crumbs aria-label="Above this page" {
                        ol {
                            @for crumb in self.parents {
                                li { a href=(crumb.link.href(site)) { bdi { (crumb.label) } } }
                            }
                        }
                    }
                }
                div {
                    h1 { (self.heading()) }
                    @if let Some(beside) = &self.beside { (beside) }
                    @if let Some(actions) = &self.actions { div.buttons.actions { (actions) } }
                }
                (self.lead())
            }
        }
    }
}
