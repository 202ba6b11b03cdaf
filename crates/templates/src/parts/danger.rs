//! What cannot be undone.

use maud::{Markup, html};

use super::Field;
use super::FieldKind;
use crate::shell::Shell;

/// Things that cannot be undone, set apart from the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DangerZone {
    /// The things.
    pub actions: Vec<Danger>,
}

/// A thing that cannot be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// What tells its fields from others on the page.
    pub id: &'static str,
    /// What it is.
    pub title: String,
    /// What will be gone.
    pub explanation: String,
    /// The button's words.
    pub submit: String,
    /// Where it goes.
    pub path: String,
    /// What has to be typed first, as `confirmation`; whoever answers compares it.
    pub phrase: Option<String>,
    /// What was wrong with what was typed.
    pub problem: Option<String>,
}

impl Danger {
    fn show(&self, shell: &Shell) -> Markup {
        let content = html! {
            @if let Some(phrase) = &self.phrase {
                (Field::new("confirmation", type_to_confirm(phrase), FieldKind::Text)
                    .problem(self.problem.as_deref())
                    .autocomplete("off")
                    .show(self.id))
            }
            button.button.danger type="submit" { (self.submit) }
        };
        html! {
            div {
                div { h3 { (self.title) } p.help { (self.explanation) } }
                (shell.post(&self.path, "", &content))
            }
        }
    }
}

/// The label, with the phrase isolated so that its direction stays its own.
fn type_to_confirm(phrase: &str) -> String {
    format!("Type “\u{2068}{phrase}\u{2069}” to confirm")
}

impl DangerZone {
    pub(crate) fn show(&self, shell: &Shell) -> Markup {
        html! {
            @if !self.actions.is_empty() {
                section.section {
                    header { h2 { "Danger" } }
                    div.panel.danger-zone { @for action in &self.actions { (action.show(shell)) } }
                }
            }
        }
    }
}
