//! Forms, and buttons that are forms.

use maud::{Markup, html};

use super::{Field, FieldKind, Glyph, Level, notice};
use crate::link::Link;
use crate::shell::{Shell, Site};

/// What is wrong with what a person sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    general: Option<String>,
    fields: Vec<(&'static str, String)>,
}

impl Problems {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// The whole is wrong.
    pub fn general(text: impl Into<String>) -> Self {
        Self { general: Some(text.into()), fields: Vec::new() }
    }

    /// The same, and one more field is wrong.
    pub fn with(mut self, field: &'static str, text: impl Into<String>) -> Self {
        self.fields.push((field, text.into()));
        self
    }

    /// The same, and the whole is wrong.
    pub fn and_general(self, text: impl Into<String>) -> Self {
        Self { general: Some(text.into()), ..self }
    }

    /// The same, with what is wrong with one field told of another: forms and APIs may name it apart.
    pub fn renamed(mut self, from: &str, to: &'static str) -> Self {
        for (name, _) in &mut self.fields {
            if *name == from {
                *name = to;
            }
        }
        self
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.general.is_none() && self.fields.is_empty()
    }

    /// What is wrong with a field: the first thing.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_str())
    }

    /// What is wrong with the whole.
    pub(crate) fn show(&self) -> Markup {
        html! {
            @if let Some(text) = &self.general { (notice(Level::Error, &html! { (text) })) }
        }
    }
}

/// What is wrong, in a sentence that a field can point to.
pub(crate) fn problem(id: &str, text: &str) -> Markup {
    html! { p.problem id=(id) { (Glyph::Error.show()) bdi { (text) } } }
}

/// How a button looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ButtonKind {
    /// What most people came for; one on a page.
    Primary,
    /// Anything else.
    Plain,
    /// What takes something away.
    Danger,
}

impl ButtonKind {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Primary => "button primary",
            Self::Plain => "button",
            Self::Danger => "button danger",
        }
    }
}

/// A link that looks like a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkButton {
    /// Its words.
    pub label: String,
    /// Where it leads.
    pub link: Link,
    /// How it looks.
    pub kind: ButtonKind,
}

impl LinkButton {
    pub(crate) fn show(&self, site: &Site) -> Markup {
        html! { a class=(self.kind.class()) href=(self.link.href(site)) { (self.label) } }
    }

    pub(crate) fn show_small(&self, site: &Site) -> Markup {
        let class = format!("{} small", self.kind.class());
        html! { a class=(class) href=(self.link.href(site)) { (self.label) } }
    }
}

/// One button that does one thing (POST).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionForm {
    /// Its words.
    pub label: String,
    /// What tells it from others with the same words; only screen readers say it.
    pub object: Option<String>,
    /// Where it goes.
    pub path: String,
    /// What it sends besides.
    pub hidden: Vec<(String, String)>,
    /// How it looks.
    pub kind: ButtonKind,
}

impl ActionForm {
    /// A button that sends nothing but that it was pressed.
    pub fn new(label: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            object: None,
            path: path.into(),
            hidden: Vec::new(),
            kind: ButtonKind::Plain,
        }
    }

    pub(crate) fn show(&self, shell: &Shell, class: &str) -> Markup {
        let content = html! {
            (hidden(&self.hidden))
            button class={ (self.kind.class()) " " (class) } type="submit" {
                (self.label)
                @if let Some(object) = &self.object { span.unseen { " " bdi { (object) } } }
            }
        };
        shell.post(&self.path, "", &content)
    }
}

fn hidden(fields: &[(String, String)]) -> Markup {
    html! { @for (name, value) in fields { input type="hidden" name=(name) value=(value); } }
}

/// A form that changes something (POST).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// What tells its fields from those of other forms on the page.
    pub id: &'static str,
    /// Where it goes.
    pub path: String,
    /// What is wrong with the whole.
    pub problem: Option<String>,
    /// What it sends unseen.
    pub hidden: Vec<(String, String)>,
    /// The questions.
    pub fields: Vec<Field>,
    /// The button's words.
    pub submit: String,
    /// The way out.
    pub cancel: Option<Link>,
}

impl Form {
    pub(crate) fn has_problem(&self) -> bool {
        self.problem.is_some() || self.fields.iter().any(|field| field.problem.is_some())
    }

    pub(crate) fn show(&self, shell: &Shell) -> Markup {
        let content = html! {
            (hidden(&self.hidden))
            @if let Some(text) = &self.problem { (notice(Level::Error, &html! { (text) })) }
            @for field in &self.fields { (field.show(self.id)) }
            div.buttons {
                button.button.primary type="submit" { (self.submit) }
                @if let Some(cancel) = &self.cancel {
                    a.button.quiet href=(cancel.href(&shell.site)) { "Cancel" }
                }
            }
        };
        shell.post(&self.path, "form", &content)
    }
}

/// A form that looks for something (GET): a search box and filters.
pub(crate) fn search_form(
    site: &Site,
    path: &str,
    search: Option<&Field>,
    filters: &[Field],
) -> Markup {
    html! {
        form.filters method="get" action=(site.url(path)) role="search" {
            @if let Some(field) = search {
                @let id = format!("search-{}", field.name);
                div.field.search {
                    label for=(id) { (field.label) }
                    input id=(id) name=(field.name) type="search" value=(field.value) dir="auto"
                        autocomplete="off";
                }
            }
            @for filter in filters {
                @let id = format!("filter-{}", filter.name);
                div.field {
                    label for=(id) { (filter.label) }
                    (Field { kind: without_duty(&filter.kind), ..filter.clone() }
                        .optional().control(&id))
                }
            }
            button.button type="submit" { "Apply" }
        }
    }
}

/// Nothing that is asked for in a search must be answered; other kinds than selects make no filter.
fn without_duty(kind: &FieldKind) -> FieldKind {
    match kind {
        FieldKind::Select(choices) => FieldKind::Select(choices.clone()),
        _ => FieldKind::Text,
    }
}
