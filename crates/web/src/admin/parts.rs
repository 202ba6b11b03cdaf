//! What several of the administrator's pages are made of.

use mishap_core::page::{Cursor, Page};
use mishap_templates::admin::{Section, SectionBody};
use mishap_templates::link::Link;
use mishap_templates::parts::{
    ActionForm, Badge, ButtonKind, Cell, Choice, Column, EmptyState, Fact, Form, Level, LinkButton,
    Pager, Row, Table, number,
};
use mishap_templates::shell::Crumb;
use serde_json::{Value, json};
use url::form_urlencoded;

/// Rows of a page.
pub(super) const ROWS: i64 = 50;

/// A page above.
pub(super) fn above(label: impl Into<String>, path: impl Into<String>) -> Crumb {
    Crumb { label: label.into(), link: Link::within(path) }
}

/// A button that leads somewhere.
pub(super) fn button(label: &str, path: impl Into<String>, kind: ButtonKind) -> LinkButton {
    LinkButton { label: label.to_owned(), link: Link::within(path), kind }
}

/// A button that sends a value.
pub(super) fn sending(label: &str, path: &str, fields: &[(&str, &str)]) -> ActionForm {
    let hidden = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    ActionForm { hidden: hidden.collect(), ..ActionForm::new(label, path) }
}

/// A part of a page.
pub(super) fn section(title: &str, body: SectionBody) -> Section {
    let (actions, links) = (Vec::new(), Vec::new());
    Section { title: title.to_owned(), explanation: None, actions, links, body }
}

/// A part of a page with a sentence about it.
pub(super) fn explained(title: &str, explanation: impl Into<String>, body: SectionBody) -> Section {
    Section { explanation: Some(explanation.into()), ..section(title, body) }
}

/// A part of a page that is a form.
pub(super) fn form_section(title: &str, explanation: &str, form: Form) -> Section {
    explained(title, explanation, SectionBody::Form(form))
}

/// Values with their names.
pub(super) fn facts<const N: usize>(facts: [(&str, Cell); N]) -> SectionBody {
    SectionBody::Facts(facts.into_iter().map(|(label, value)| Fact::new(label, value)).collect())
}

/// A table.
pub(super) fn table(caption: &str, columns: &[&str], rows: Vec<Row>, empty: EmptyState) -> Table {
    Table { caption: caption.to_owned(), columns: Column::of(columns), rows, empty }
}

/// What stands where nothing is.
pub(super) fn nothing(title: &str, next: &str) -> EmptyState {
    EmptyState { title: title.to_owned(), next: next.to_owned(), action: None }
}

/// A row that leads somewhere.
pub(super) fn row(path: impl Into<String>, cells: Vec<Cell>) -> Row {
    Row { link: Some(Link::within(path)), cells }
}

/// A row that leads nowhere.
pub(super) fn plain_row(cells: Vec<Cell>) -> Row {
    Row { link: None, cells }
}

/// A word with a level, in a table.
pub(super) fn badge(level: Level, text: &str) -> Cell {
    Cell::Badge(Badge::new(level, text))
}

/// How many there are.
pub(super) fn count(number: i64) -> Cell {
    Cell::Number(u64::try_from(number).unwrap_or_default())
}

/// A number of things in words.
pub(super) fn count_of(quantity: usize, one: &str, many: &str) -> String {
    let name = if quantity == 1 { one } else { many };
    format!("{} {name}", number(u64::try_from(quantity).unwrap_or(u64::MAX)))
}

/// Whether and how much is refused.
pub(super) fn throttle(percent: i16) -> Cell {
    match percent {
        ..=0 => Cell::Missing,
        percent => badge(Level::Warning, &format!("{percent} % refused")),
    }
}

/// The choices of a field, of which one is chosen.
pub(super) fn choices<'c>(
    choices: impl IntoIterator<Item = (&'c str, &'c str)>,
    chosen: &str,
) -> Vec<Choice> {
    let choice = |(value, label)| Choice::new(value, label).chosen(value == chosen);
    choices.into_iter().map(choice).collect()
}

/// The address of a list with these parameters; empty ones are left out.
pub(super) fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    let text = text.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty())).finish();
    if text.is_empty() { path.to_owned() } else { format!("{path}?{text}") }
}

/// The way through a list whose parameters stay.
pub(super) fn pager<T>(
    page: &Page<T>,
    path: &str,
    parameters: &[(&str, &str)],
    (one, many): (&str, &str),
) -> Pager {
    let link = |cursor: Option<Cursor>| {
        let cursor = cursor?.encode();
        let mut parameters = parameters.to_vec();
        parameters.push(("cursor", &cursor));
        Some(Link::within(address(path, &parameters)))
    };
    let summary = match page.whole() {
        Some(0) => String::new(),
        Some(_) => count_of(page.items.len(), one, many),
        None => format!("{} on this page", count_of(page.items.len(), one, many)),
    };
    Pager { summary, previous: link(page.previous), next: link(page.next) }
}

/// The members of two objects that differ, each with how it was and how it is: how the audit log tells
/// of a change.
pub(super) fn differences(was: &Value, is: &Value) -> Value {
    let (Some(was), Some(is)) = (was.as_object(), is.as_object()) else {
        return Value::Null;
    };
    let changed = is.iter().filter_map(|(name, is)| {
        let was = was.get(name).unwrap_or(&Value::Null);
        (was != is).then(|| (name.clone(), json!([was, is])))
    });
    Value::Object(changed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_different_is_told_with_how_it_was() {
        let was = json!({ "name": "a", "throttle": 5, "slug": "x" });
        let is = json!({ "name": "b", "throttle": 5, "slug": null });
        let expected = json!({ "name": ["a", "b"], "slug": ["x", null] });
        assert_eq!(differences(&was, &is), expected);
        assert_eq!(differences(&is, &is), json!({}));
    }

    #[test]
    fn parameters_stay_on_the_way_through_a_list() {
        let next = Cursor { position: 7, id: 0, is_backward: false };
        let page = Page { items: vec![1, 2], previous: None, next: Some(next) };
        let parameters = [("search", "a&b"), ("state", "")];
        let pager = pager(&page, "/admin/users/", &parameters, ("user", "users"));
        let expected = format!("/admin/users/?search=a%26b&cursor={}", next.encode());
        assert_eq!(pager.next, Some(Link::within(expected)));
        assert_eq!((pager.previous, pager.summary.as_str()), (None, "2 users on this page"));
    }
}
