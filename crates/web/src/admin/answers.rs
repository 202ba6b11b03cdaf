//! What a person typed into a form, read field by field.

use std::ops::RangeInclusive;
use std::str::FromStr;

use mishap_core::email::EmailAddress;
use mishap_core::slug::is_slug;
use mishap_templates::parts::Problems;

use crate::pages::Form;

/// Reads a form; all that is wrong is told at once.
pub(super) struct Answers<'f> {
    form: &'f Form,
    problems: Problems,
}

impl<'f> Answers<'f> {
    /// Begins to read.
    pub(super) fn of(form: &'f Form) -> Self {
        Self { form, problems: Problems::none() }
    }

    /// Notes what is wrong with a field.
    pub(super) fn problem(&mut self, name: &'static str, text: impl Into<String>) {
        self.problems = std::mem::take(&mut self.problems).with(name, text);
    }

    /// A text of so many characters, without blanks around it.
    pub(super) fn text(&mut self, name: &'static str, length: RangeInclusive<usize>) -> String {
        let text = self.form.text(name).trim();
        match text.chars().count() {
            0 if *length.start() > 0 => self.problem(name, "This field is required."),
            count if count > *length.end() => {
                self.problem(name, format!("At most {} characters.", length.end()));
            }
            _ => {}
        }
        text.to_owned()
    }

    /// A name as it stands in URLs.
    pub(super) fn slug(&mut self, name: &'static str, longest: usize) -> String {
        let text = self.text(name, 1..=longest);
        if !text.is_empty() && !is_slug(&text) {
            self.problem(name, "Letters, digits, dashes and underscores only.");
        }
        text
    }

    /// An e-mail address.
    pub(super) fn email(&mut self, name: &'static str) -> Option<EmailAddress> {
        let text = self.text(name, 1..=254);
        let parsed = EmailAddress::parse(&text).ok();
        if parsed.is_none() && !text.is_empty() {
            self.problem(name, "Enter an e-mail address.");
        }
        parsed
    }

    /// A whole number within a range, or nothing.
    pub(super) fn optional_number<T>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<T>,
    ) -> Option<T>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let text = self.form.text(name).trim();
        if text.is_empty() {
            return None;
        }
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let text = format!("A whole number from {} to {}.", range.start(), range.end());
            self.problem(name, text);
        }
        number
    }

    /// A whole number within a range; its beginning if there is none.
    pub(super) fn number<T>(&mut self, name: &'static str, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + std::fmt::Display + Copy,
    {
        if self.form.text(name).trim().is_empty() {
            self.problem(name, "This field is required.");
        }
        let first = *range.start();
        self.optional_number(name, range).unwrap_or(first)
    }

    /// One of several; the first if it is none of them.
    pub(super) fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let chosen = self.form.text(name);
        let found = choices.iter().find(|(value, _)| *value == chosen).map(|(_, choice)| *choice);
        if found.is_none() {
            self.problem(name, "Choose one of these.");
        }
        found
    }

    /// Whether a box is ticked.
    pub(super) fn is_on(&self, name: &str) -> bool {
        !self.form.text(name).is_empty()
    }

    /// What was read, if nothing is wrong with it.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            Some(_) | None => Err(self.problems),
        }
    }
}
