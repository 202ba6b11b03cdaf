//! GlitchTip's grouping, bit by bit.
//!
//! The hash is the MD5 of title, culprit and the type's number, without separators; parts of a
//! client's fingerprint stand in place of it, and exactly `{{ default }}` among them means it.

use std::borrow::Cow;

use md5::{Digest, Md5};
use mishap_protocol::event::Event;

use super::GroupingHash;
use crate::issue::IssueType;
use crate::title;

pub(super) fn hash(event: &Event<'_>) -> GroupingHash {
    let headline = title::headline(event);
    let title: Cow<'_, str> = match headline.issue_type {
        IssueType::Csp => title::glitchtip_csp_title(event).into(),
        IssueType::Default | IssueType::Error => headline.title.into(),
    };
    let fingerprint = event.fingerprint.iter().map(|part| part.as_deref());
    hash_of(&title, &headline.culprit, headline.issue_type, fingerprint)
}

/// The hash of the parts; an empty fingerprint is none.
pub(super) fn hash_of<'f>(
    title: &str,
    culprit: &str,
    issue_type: IssueType,
    fingerprint: impl ExactSizeIterator<Item = Option<&'f str>>,
) -> GroupingHash {
    let default = format!("{title}{culprit}{}", issue_type.code());
    let mut md5 = Md5::new();
    if fingerprint.len() == 0 {
        md5.update(&default);
    }
    for part in fingerprint {
        md5.update(match part {
            Some("{{ default }}") => default.as_str(),
            Some(text) => text,
            None => "",
        });
    }
    GroupingHash(md5.finalize().into())
}
