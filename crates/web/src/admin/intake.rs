//! How much is taken and how long it is kept, as an organization or a project says it.

use mishap_templates::parts::{Cell, Field, FieldKind, Problems};

use super::Administrator;
use super::answers::Answers;
use crate::pages::Form;

/// The questions of a form, with the answers so far.
pub(super) struct Intake {
    throttle: String,
    retention: String,
    longest: i32,
}

impl Intake {
    /// What holds now.
    pub(super) fn of(admin: &Administrator, throttle: i16, retention: Option<i32>) -> Self {
        Self {
            throttle: throttle.to_string(),
            retention: retention.map(|days| days.to_string()).unwrap_or_default(),
            longest: longest(admin),
        }
    }

    /// What was typed.
    pub(super) fn typed(admin: &Administrator, form: &Form) -> Self {
        Self {
            throttle: form.text("throttle").to_owned(),
            retention: form.text("retention").to_owned(),
            longest: longest(admin),
        }
    }

    /// The questions, with what is wrong with the answers.
    pub(super) fn fields(&self, problems: &Problems) -> [Field; 2] {
        let help = format!(
            "What is older goes, and issues without any events go with it. Leave it empty to keep \
             them as long as what it belongs to; the installation keeps events for {} days.",
            self.longest
        );
        [
            Field::new("throttle", "Throttle, in per cent", FieldKind::Number)
                .value(&self.throttle)
                .help("So many of its events are refused, by chance. 0 refuses none, 100 all.")
                .problem(problems.of("throttle")),
            Field::new("retention", "Keeps events for, in days", FieldKind::Number)
                .value(&self.retention)
                .help(help)
                .problem(problems.of("retention"))
                .optional(),
        ]
    }
}

/// Reads how many of its events are refused, in per cent, and for how many days the others are kept.
pub(super) fn read(admin: &Administrator, answers: &mut Answers<'_>) -> (i16, Option<i32>) {
    let throttle = answers.number("throttle", 0..=100);
    (throttle, answers.optional_number("retention", 1..=longest(admin)))
}

/// The most days that events are kept, which the operator says.
fn longest(admin: &Administrator) -> i32 {
    let days = admin.state().config.administration.retention_days;
    i32::try_from(days).unwrap_or(i32::MAX)
}

/// How long events are kept, if that was said.
pub(super) fn days(days: Option<i32>) -> Cell {
    match days {
        None => Cell::text("not set here"),
        Some(1) => Cell::text("1 day"),
        Some(days) => Cell::text(format!("{days} days")),
    }
}
