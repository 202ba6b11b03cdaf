//! The tags an event is found by.

use std::borrow::Cow;

use mishap_protocol::event::{Event, MAX_TAGS, Tags, Text};
use mishap_protocol::json::Json;

use crate::text::truncated;

/// Longest key and value, in characters (Relay).
const MAX_LENGTH: usize = 200;

/// Tidies the tags that the client set and adds those that the event itself implies.
///
/// A derived tag replaces the client's one of the same name (GlitchTip); an `environment` tag
/// becomes the event's environment if it has none. Where that makes too many tags, the client's
/// last ones go.
pub(super) fn derive(event: &mut Event<'_>) {
    for (key, value) in event.tags.iter_mut() {
        tidy(key, true);
        tidy(value, false);
    }
    event.tags.drop_empty();
    let environment = event.tags.remove("environment");
    if event.environment.is_none() {
        event.environment = environment;
    }
    let derived = derived(event);
    let room = MAX_TAGS.saturating_sub(derived.len());
    let mut tags = Tags::default();
    for (key, value) in event.tags.iter_mut() {
        let is_derived = derived.iter().any(|(name, _)| name == key);
        if !is_derived && tags.get(key).is_none() && tags.iter().count() < room {
            tags.set(std::mem::take(key), std::mem::take(value));
        }
    }
    for (key, value) in derived {
        tags.set(key, value);
    }
    event.tags = tags;
}

fn derived<'a>(event: &Event<'a>) -> Vec<(&'static str, Text<'a>)> {
    let mut tags = Vec::new();
    let mut add = |key, value: Option<Text<'a>>| {
        let value = value.map(|mut value| {
            tidy(&mut value, false);
            value
        });
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            tags.push((key, value));
        }
    };
    add("environment", event.environment.clone());
    add("release", event.release.clone());
    add("dist", event.dist.clone());
    add("server_name", event.server_name.clone());
    add("site", event.site.clone());
    add("logger", event.logger.clone());
    add("transaction", event.transaction.clone());
    if let Some(exception) = event.main_exception() {
        let handled = exception.is_handled().map(|handled| if handled { "yes" } else { "no" });
        add("handled", handled.map(Text::Borrowed));
        add("mechanism", exception.mechanism_type().map(|name| name.to_owned().into()));
    }
    for (context, both, name) in [
        ("browser", "browser", Some("browser.name")),
        ("os", "os", Some("os.name")),
        ("runtime", "runtime", Some("runtime.name")),
    ] {
        let said = |key| context_text(event, context, key);
        if let (Some(name), Some(known)) = (name, said("name")) {
            add(name, Some(known));
        }
        add(
            both,
            match (said("name"), said("version")) {
                (Some(name), Some(version)) => Some(format!("{name} {version}").into()),
                (name, _) => name,
            },
        );
    }
    add("device", context_text(event, "device", "model"));
    if let Some(user) = &event.user {
        add("user.id", user.id.clone());
        add("user.email", user.email.clone());
        add("user.username", user.username.clone());
    }
    tags
}

fn context_text<'a>(event: &Event<'a>, context: &str, key: &str) -> Option<Text<'a>> {
    event.context(context)?.get(key).cloned().and_then(Json::into_text)
}

/// One line of at most [`MAX_LENGTH`] characters without blanks around it; a key has no blanks
/// inside either.
fn tidy(text: &mut Text<'_>, is_key: bool) {
    let is_bad = |letter: char| letter.is_control() || (is_key && letter.is_whitespace());
    let trimmed = text.trim();
    let needs_work =
        trimmed.len() != text.len() || text.len() > MAX_LENGTH || text.contains(is_bad);
    if !needs_work {
        return;
    }
    let replaced = trimmed.replace(is_bad, if is_key { "-" } else { " " });
    *text = Cow::Owned(truncated(replaced.trim(), MAX_LENGTH).trim_end().to_owned());
}

#[cfg(test)]
mod tests;
