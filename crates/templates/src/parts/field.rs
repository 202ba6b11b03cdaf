//! A question of a form, with its label, its help and what is wrong with the answer.

use maud::{Markup, html};

use super::problem;

/// What kind of answer is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// A line of text.
    Text,
    /// An e-mail address.
    Email,
    /// A password: not shown, and never filled in by us.
    Password,
    /// A web address.
    Url,
    /// A code of digits that is typed once, or a recovery code.
    OneTimeCode,
    /// A whole number.
    Number,
    /// A text of several lines.
    Lines(u8),
    /// One of several.
    Select(Vec<Choice>),
    /// One of several, each of which wants an explanation.
    Radio(Vec<Choice>),
    /// Any of several.
    Checkboxes(Vec<Choice>),
    /// Yes or no.
    Checkbox {
        /// Whether it is yes.
        is_checked: bool,
    },
    /// Shown, not asked.
    ReadOnly,
}

/// An answer that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What the person reads.
    pub label: String,
    /// What it means.
    pub help: Option<String>,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

impl Choice {
    /// An answer that is not chosen and needs no explanation.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), help: None, is_chosen: false }
    }

    /// The same, chosen or not.
    pub fn chosen(self, is_chosen: bool) -> Self {
        Self { is_chosen, ..self }
    }

    /// The same, explained.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// A question of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What the form calls it.
    pub name: String,
    /// What the person reads.
    pub label: String,
    /// What kind of answer is asked for.
    pub kind: FieldKind,
    /// The answer so far; passwords and choices have none.
    pub value: String,
    /// What the person needs to know.
    pub help: Option<String>,
    /// What is wrong with the answer.
    pub problem: Option<String>,
    /// What password managers and browsers are told (`username`, `new-password`).
    pub autocomplete: Option<&'static str>,
    /// Whether there must be an answer.
    pub is_required: bool,
    /// Whether the page is about this field: it has the focus when the page opens.
    pub has_focus: bool,
}

impl Field {
    /// A question that must be answered.
    pub fn new(name: impl Into<String>, label: impl Into<String>, kind: FieldKind) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind,
            value: String::new(),
            help: None,
            problem: None,
            autocomplete: None,
            is_required: true,
            has_focus: false,
        }
    }

    /// The same, answered.
    pub fn value(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    /// The same, explained.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same, with what is wrong with the answer.
    pub fn problem(self, problem: Option<&str>) -> Self {
        Self { problem: problem.map(str::to_owned), ..self }
    }

    /// The same, with a word to password managers.
    pub fn autocomplete(self, autocomplete: &'static str) -> Self {
        Self { autocomplete: Some(autocomplete), ..self }
    }

    /// The same, but it may stay empty.
    pub fn optional(self) -> Self {
        Self { is_required: false, ..self }
    }

    /// The same, with the focus when the page opens.
    pub fn focused(self) -> Self {
        Self { has_focus: true, ..self }
    }

    /// What tells the field from others on the page.
    fn id(&self, form: &str) -> String {
        format!("{form}-{}", self.name)
    }

    /// Which texts explain the field.
    fn described_by(&self, id: &str) -> Option<String> {
        let help = self.help.as_ref().map(|_| format!("{id}-help"));
        let problem = self.problem.as_ref().map(|_| format!("{id}-problem"));
        let ids: Vec<String> = help.into_iter().chain(problem).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    pub(crate) fn show(&self, form: &str) -> Markup {
        let id = self.id(form);
        match &self.kind {
            FieldKind::Radio(choices) => self.group(&id, "radio", choices),
            FieldKind::Checkboxes(choices) => self.group(&id, "checkbox", choices),
            FieldKind::Checkbox { is_checked } => self.checkbox(&id, *is_checked),
            _ => html! {
                div.field {
                    label for=(id) { (self.label) (self.mark_optional()) }
                    (self.texts(&id))
                    (self.control(&id))
                }
            },
        }
    }

    /// The label's words for a field that may stay empty.
    fn mark_optional(&self) -> Markup {
        let is_asked = !matches!(self.kind, FieldKind::ReadOnly);
        html! { @if is_asked && !self.is_required { span.optional { " (optional)" } } }
    }

    fn texts(&self, id: &str) -> Markup {
        html! {
            @if let Some(help) = &self.help { p.help id={ (id) "-help" } { bdi { (help) } } }
            @if let Some(text) = &self.problem { (problem(&format!("{id}-problem"), text)) }
        }
    }

    /// The control alone.
    pub(crate) fn control(&self, id: &str) -> Markup {
        let described_by = self.described_by(id);
        let invalid = self.problem.as_ref().map(|_| "true");
        match &self.kind {
            FieldKind::Lines(rows) => html! {
                textarea id=(id) name=(self.name) rows=(rows) dir="auto" spellcheck="false"
                    required[self.is_required] aria-invalid=[invalid]
                    aria-describedby=[described_by] autofocus[self.has_focus] {
                    // The first line end after the tag would be lost.
                    "\n" (self.value)
                }
            },
            FieldKind::Select(choices) => html! {
                select id=(id) name=(self.name) required[self.is_required] aria-invalid=[invalid]
                    aria-describedby=[described_by] {
                    @for choice in choices {
                        option value=(choice.value) selected[choice.is_chosen] { (choice.label) }
                    }
                }
            },
            _ => self.input(id, described_by, invalid),
        }
    }

    fn input(&self, id: &str, described_by: Option<String>, invalid: Option<&str>) -> Markup {
        let (input_type, mode) = match self.kind {
            FieldKind::Email => ("email", None),
            FieldKind::Password => ("password", None),
            FieldKind::Url => ("url", None),
            FieldKind::Number => ("text", Some("numeric")),
            _ => ("text", None),
        };
        let is_code = matches!(self.kind, FieldKind::OneTimeCode);
        let is_read_only = matches!(self.kind, FieldKind::ReadOnly);
        let is_secret = matches!(self.kind, FieldKind::Password);
        let value = (!is_secret && !self.value.is_empty()).then_some(&self.value);
        let plain = is_code || is_secret || matches!(self.kind, FieldKind::Email | FieldKind::Url);
        html! {
            input id=(id) name=(self.name) type=(input_type) value=[value] inputmode=[mode]
                class=[is_code.then_some("digits")]
                dir=[(!plain).then_some("auto")]
                autocomplete=[self.autocomplete]
                autocapitalize=[plain.then_some("none")] spellcheck=[plain.then_some("false")]
                readonly[is_read_only] required[self.is_required && !is_read_only]
                aria-invalid=[invalid] aria-describedby=[described_by] autofocus[self.has_focus];
        }
    }

    fn group(&self, id: &str, input_type: &str, choices: &[Choice]) -> Markup {
        html! {
            fieldset.field aria-describedby=[self.described_by(id)] {
                legend { (self.label) (self.mark_optional()) }
                (self.texts(id))
                div.choices[input_type == "checkbox"] {
                    @for choice in choices {
                        label.choice {
                            input type=(input_type) name=(self.name) value=(choice.value)
                                checked[choice.is_chosen];
                            span {
                                (choice.label)
                                @if let Some(help) = &choice.help { span.help { (help) } }
                            }
                        }
                    }
                }
            }
        }
    }

    fn checkbox(&self, id: &str, is_checked: bool) -> Markup {
        html! {
            div.field {
                label.choice {
                    input id=(id) type="checkbox" name=(self.name) value="on" checked[is_checked]
                        aria-describedby=[self.described_by(id)];
                    span { (self.label) }
                }
                (self.texts(id))
            }
        }
    }
}
