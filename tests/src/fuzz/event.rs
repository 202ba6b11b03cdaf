//! The way of an event's bytes through the digest, and back out of what is stored.

use chrono::{DateTime, TimeDelta, Utc};
use mishap_core::grouping::GroupingHashes;
use mishap_core::id::EventId;
use mishap_core::normalize::{Circumstances, normalize};
use mishap_core::scrub::{ScrubRules, scrub};
use mishap_core::sketch::person;
use mishap_core::title::{Headline, MAX_CULPRIT, MAX_TITLE, headline};
use mishap_protocol::event::{Event, MAX_TAGS};
use mishap_protocol::json::{Writer, repair_utf8};
use mishap_protocol::security::read_reports;

pub(super) fn check(bytes: &[u8]) {
    let text = repair_utf8(bytes);
    if let Ok(event) = Event::read(&text) {
        check_event(&event, text.len());
    }
    for event in read_reports(&text).unwrap_or_default() {
        check_event(&event, text.len());
    }
}

fn check_event(event: &Event<'_>, sent: usize) {
    check_stored_form(event, sent);
    for around in circumstances() {
        let mut normalized = event.clone();
        normalize(&mut normalized, &around);
        check_normalized(&normalized, &around, sent);
        for secrets in [false, true] {
            let mut scrubbed = normalized.clone();
            let rules = ScrubRules { secrets, ip_addresses: secrets };
            scrub(&mut scrubbed, rules);
            check_shown(&scrubbed, sent);
            let mut again = scrubbed.clone();
            scrub(&mut again, rules);
            assert_eq!(again, scrubbed, "scrubbing twice changes nothing more");
        }
    }
}

/// As a server's SDK sends it, and as a browser with a wrong clock does.
fn circumstances() -> [Circumstances; 2] {
    let received = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let at_once = Circumstances {
        event_id: EventId(uuid::Uuid::from_u128(0x5eed)),
        received,
        sent_at: None,
        client_ip: None,
        user_agent: None,
    };
    let late = Circumstances {
        sent_at: Some(received - TimeDelta::days(3)),
        client_ip: Some([203, 0, 113, 7].into()),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)".to_owned()),
        ..at_once.clone()
    };
    [at_once, late]
}

fn printed(event: &Event<'_>) -> String {
    let mut writer = Writer::new();
    event.write(&mut writer);
    writer.into_string()
}

/// What is stored is read as it was written.
fn check_stored_form(event: &Event<'_>, sent: usize) {
    let stored = printed(event);
    check_text(&stored, sent);
    match Event::read(&stored) {
        Ok(read) => assert_eq!(&read, event, "{stored}"),
        Err(error) => panic!("{error} in {stored}"),
    }
}

/// PostgreSQL takes it, and it is not much larger than what was sent.
fn check_text(stored: &str, sent: usize) {
    assert!(!stored.contains('\0'));
    assert!(stored.len() <= 4096 + sent * 16, "{} bytes of {sent}", stored.len());
}

fn check_normalized(event: &Event<'_>, around: &Circumstances, sent: usize) {
    let mut again = event.clone();
    normalize(&mut again, around);
    assert_eq!(&again, event, "normalizing twice changes nothing more");
    check_stored_form(event, sent);
    assert!(event.level.is_some() && event.platform.is_some() && event.timestamp.is_some());
    assert!(event.tags.iter().count() <= MAX_TAGS);
    for (key, value) in event.tags.iter() {
        assert!(!key.is_empty() && key.chars().count() <= 200, "{key:?}");
        assert!(!value.is_empty() && value.chars().count() <= 200, "{value:?}");
    }
    assert_eq!(GroupingHashes::of(&again), GroupingHashes::of(event));
}

/// What is shown of a stored event is what was decided when it was digested.
fn check_shown(event: &Event<'_>, sent: usize) {
    let stored = printed(event);
    check_text(&stored, sent);
    let read = match Event::read(&stored) {
        Ok(read) => read,
        Err(error) => panic!("{error} in {stored}"),
    };
    let Headline { issue_type, title, culprit, metadata } = headline(event);
    assert!(title.chars().count() <= MAX_TITLE, "{title:?}");
    assert!(culprit.chars().count() <= MAX_CULPRIT, "{culprit:?}");
    assert_eq!(headline(&read), Headline { issue_type, title, culprit, metadata });
    assert_eq!(GroupingHashes::of(&read), GroupingHashes::of(event), "{stored}");
    assert_eq!(person(&read), person(event));
}
