//! Who did what to whom, when, from where.

mod export;

use actix_web::HttpResponse;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use mishap_core::audit::Action;
use mishap_core::id::{OrganizationId, ProjectId, UserId};
use mishap_storage::audit::{self, AuditFilter, Entry};
use mishap_storage::oversight::{self, Known};
use mishap_storage::{Conn, organizations};
use mishap_templates::admin::{AuditEntry, AuditPage, Change, Search};
use mishap_templates::link::Link;
use mishap_templates::parts::{ActionForm, Choice, Field, FieldKind};
use serde_json::Value;

pub(super) use self::export::export;
use super::parts::{ROWS, pager, sending};
use super::{Administrator, organizations as organization_pages, projects, users};
use crate::account::Refusal;

/// Where the log is.
pub(super) const PATH: &str = "/admin/audit/";

/// What may be asked for, as parameters of the address and fields of the form.
const PARAMETERS: [&str; 6] = ["actor", "target", "action", "organization", "from", "until"];

/// What is asked for, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Asked([String; 6]);

impl Asked {
    fn of<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Self {
        Self(PARAMETERS.map(|name| value(name).unwrap_or_default().trim().to_owned()))
    }

    fn parameters(&self) -> [(&'static str, &str); 6] {
        let Self([actor, target, action, organization, from, until]) = self;
        let values = [actor, target, action, organization, from, until];
        let mut parameters = [("", ""); 6];
        for (slot, (name, value)) in parameters.iter_mut().zip(PARAMETERS.into_iter().zip(values)) {
            *slot = (name, value.as_str());
        }
        parameters
    }

    /// What the database is asked; nothing if no entry can be meant.
    async fn filter(&self, conn: &mut Conn) -> Result<Option<AuditFilter>, Refusal> {
        let Self([actor, target, action, organization, from, until]) = self;
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let organization = match organization.as_str() {
            "" => None,
            slug => match organizations::find_by_slug(conn, slug).await? {
                Some(found) => Some(found.id),
                None => return Ok(None),
            },
        };
        Ok(Some(AuditFilter {
            organization,
            action: text(action),
            actor: text(actor),
            target: text(target),
            from: day(from).map(start),
            until: day(until).and_then(|day| day.succ_opt()).map(start),
        }))
    }
}

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

fn start(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// `GET /admin/audit/` — `actor`, `target`, `action`, `organization`, `from`, `until`.
pub(super) async fn list(admin: Administrator) -> HttpResponse {
    let page = found(&admin).await;
    admin.answer(page)
}

async fn found(admin: &Administrator) -> Result<AuditPage, Refusal> {
    let asked = Asked::of(|name| admin.asked(name));
    let mut conn = admin.conn().await?;
    let page = match asked.filter(&mut conn).await? {
        Some(filter) => audit::list(&mut conn, &filter, admin.cursor(), ROWS).await?,
        None => mishap_core::page::Page { items: Vec::new(), previous: None, next: None },
    };
    let known = known(&mut conn, &page.items).await?;
    Ok(AuditPage {
        search: Some(search(&asked)),
        exports: ["csv", "ndjson"].map(|format| export_form(&asked, format)).to_vec(),
        entries: page.items.iter().map(|entry| shown(entry, &known)).collect(),
        pager: pager(&page, PATH, &asked.parameters(), ("entry", "entries")),
    })
}

fn search(asked: &Asked) -> Search {
    let Asked([actor, target, action, organization, from, until]) = asked;
    let text = |name: &str, label: &str, value: &str| {
        Field::new(name, label, FieldKind::Text).value(value).autocomplete("off")
    };
    Search {
        path: PATH.to_owned(),
        query: Some(text("actor", "Who (begins with)", actor)),
        filters: vec![
            text("target", "To (begins with)", target),
            Field::new("action", "Did", FieldKind::Select(actions(action))),
            text("organization", "Organization (slug)", organization),
            text("from", "From (2026-12-31)", from),
            text("until", "Until (2026-12-31)", until),
        ],
    }
}

/// Everything that may have been done: whole areas, and each by itself.
fn actions(chosen: &str) -> Vec<Choice> {
    let mut choices = vec![Choice::new("", "Anything").chosen(chosen.is_empty())];
    let mut last = "";
    for action in Action::ALL {
        let name = action.name();
        let area = name.split('.').next().unwrap_or_default();
        if area != last {
            let prefix = format!("{area}.");
            let is_chosen = prefix == chosen;
            choices.push(Choice::new(prefix, format!("{area}: all")).chosen(is_chosen));
            last = area;
        }
        choices.push(Choice::new(name, name).chosen(name == chosen));
    }
    choices
}

fn export_form(asked: &Asked, format: &str) -> ActionForm {
    let mut fields: Vec<_> =
        asked.parameters().into_iter().filter(|(_, value)| !value.is_empty()).collect();
    fields.push(("format", format));
    let label = match format {
        "csv" => "Export as CSV",
        _ => "Export as JSON lines",
    };
    sending(label, &format!("{PATH}export/"), &fields)
}

/// Which of the things that entries tell of are still there.
async fn known(conn: &mut Conn, entries: &[Entry]) -> Result<Known, Refusal> {
    let ids = |kind: &str| {
        let of_kind = entries.iter().filter(|entry| entry.target_kind == kind);
        of_kind.filter_map(|entry| entry.target_id.parse::<i64>().ok()).collect::<Vec<_>>()
    };
    let users: Vec<_> = ids("account").into_iter().map(UserId).collect();
    let organizations: Vec<_> = ids("organization").into_iter().map(OrganizationId).collect();
    let projects: Vec<_> = ids("project").into_iter().map(ProjectId).collect();
    Ok(oversight::known(conn, &users, &organizations, &projects).await?)
}

fn shown(entry: &Entry, known: &Known) -> AuditEntry {
    AuditEntry {
        at: entry.at,
        actor: entry.actor.clone(),
        address: entry.client_ip.clone(),
        action: entry.action.clone(),
        object: format!("{} {}", entry.target_kind.replace('_', " "), entry.target),
        link: link(entry, known),
        changes: changes(&entry.details),
    }
}

fn link(entry: &Entry, known: &Known) -> Option<Link> {
    let id: i64 = entry.target_id.parse().ok()?;
    let path = match entry.target_kind.as_str() {
        "account" => known.users.contains(&UserId(id)).then(|| users::path_of(id)),
        "organization" => {
            let is_known = known.organizations.contains(&OrganizationId(id));
            is_known.then(|| organization_pages::path_of(id))
        }
        "project" => known.projects.contains(&ProjectId(id)).then(|| projects::path_of(id)),
        _ => None,
    };
    path.map(Link::within)
}

/// What changed: how it was and how it is, or just how it is.
fn changes(details: &Value) -> Vec<Change> {
    let Some(details) = details.as_object() else {
        return Vec::new();
    };
    let change = |(field, value): (&String, &Value)| {
        let (before, after) = match value.as_array().map(Vec::as_slice) {
            Some([before, after]) => (text(before), text(after)),
            _ => (None, text(value)),
        };
        Change { field: field.replace('_', " "), before, after }
    };
    details.iter().map(change).collect()
}

/// A value as people read it; nothing for none.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(true) => Some("yes".to_owned()),
        Value::Bool(false) => Some("no".to_owned()),
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(values) => {
            let texts: Vec<_> = values.iter().filter_map(text).collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        Value::Number(_) | Value::Object(_) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_are_told_in_words() {
        let details = json!({
            "active": [true, false],
            "scopes": ["event:read", "org:read", "team:read"],
            "rate_limit": [null, [5, 60]],
            "role": "member",
        });
        let told: Vec<_> = changes(&details)
            .into_iter()
            .map(|change| {
                let part = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
                format!("{}: {} {}", change.field, part(change.before), part(change.after))
            })
            .collect();
        let expected = [
            "active: yes no",
            "rate limit: - 5, 60",
            "role: - member",
            "scopes: - event:read, org:read, team:read",
        ];
        assert_eq!(told, expected);
        assert_eq!(changes(&json!(null)), []);
    }

    #[test]
    fn every_area_and_every_action_can_be_chosen() {
        let choices = actions("member.");
        let chosen: Vec<_> = choices.iter().filter(|choice| choice.is_chosen).collect();
        assert_eq!(chosen.len(), 1);
        let values: std::collections::HashSet<_> =
            choices.iter().map(|choice| choice.value.as_str()).collect();
        assert_eq!(values.len(), choices.len(), "no area comes twice");
        assert!(values.contains("account.") && values.contains("audit.export"));
    }

    #[test]
    fn days_are_read_and_nonsense_is_no_day() {
        assert_eq!(start(day("2026-12-31").unwrap()).to_rfc3339(), "2026-12-31T00:00:00+00:00");
        for text in ["", "31.12.2026", "2026-13-01", "today"] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
