//! A copy of the log, streamed: however long it is, a page of it at a time is in memory.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::web::Bytes;
use chrono::SecondsFormat;
use futures_util::stream::{self, Stream};
use mishap_core::audit::Action;
use mishap_core::page::Cursor;
use mishap_storage::audit::{self, AuditFilter, Entry, Target};
use mishap_storage::{Conn, Pool, transaction};
use serde_json::json;

use super::Asked;
use crate::account::Refusal;
use crate::admin::Administrator;
use crate::admin::administrator::impossible;
use crate::pages::Form;

/// Entries that are read at a time.
const CHUNK: i64 = 500;

/// What a copy is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Comma-separated values (RFC 4180).
    Csv,
    /// An object on each line.
    NdJson,
}

impl Format {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "ndjson" => Some(Self::NdJson),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::NdJson => "ndjson",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::NdJson => "application/x-ndjson",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::Csv => {
                "at,actor,actor_id,client_ip,action,target_kind,target_id,target,\
                 organization_id,details\r\n"
            }
            Self::NdJson => "",
        }
    }

    fn line(self, entry: &Entry) -> String {
        let Entry {
            id,
            at,
            actor_id,
            actor,
            action,
            target_kind,
            target_id,
            target,
            organization_id,
            client_ip,
            details,
        } = entry;
        let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
        match self {
            Self::NdJson => {
                let line = json!({
                    "id": id,
                    "at": at,
                    "actor": actor,
                    "actor_id": actor_id,
                    "client_ip": client_ip,
                    "action": action,
                    "target_kind": target_kind,
                    "target_id": target_id,
                    "target": target,
                    "organization_id": organization_id,
                    "details": details,
                });
                format!("{line}\n")
            }
            Self::Csv => {
                let number = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
                let fields = [
                    &at,
                    actor,
                    &number(actor_id.map(|id| id.0)),
                    client_ip.as_ref().unwrap_or(&String::new()),
                    action,
                    target_kind,
                    target_id,
                    target,
                    &number(organization_id.map(|id| id.0)),
                    &details.to_string(),
                ]
                .map(|field| quoted(field));
                format!("{}\r\n", fields.join(","))
            }
        }
    }
}

/// A field of CSV. One that a spreadsheet would take for a formula gets an apostrophe before it, for
/// names in it are strangers'.
fn quoted(field: &str) -> String {
    let guard = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", field.replace('"', "\"\""))
}

/// `POST /admin/audit/export/` — `format` (`csv` or `ndjson`), and what the list is asked with.
pub(in crate::admin) async fn export(admin: Administrator, form: Form) -> HttpResponse {
    match begin(&admin, &form).await {
        Ok((format, filter)) => {
            let pool = admin.state().pool.clone();
            let day = admin.state().clock.now().format("%Y-%m-%d");
            let name = format!("attachment; filename=\"audit-{day}.{}\"", format.name());
            HttpResponse::Ok()
                .content_type(format.content_type())
                .insert_header((CONTENT_DISPOSITION, name))
                .insert_header((CACHE_CONTROL, "no-store"))
                .streaming(lines(pool, format, filter))
        }
        Err(refusal) => admin.refuse(refusal),
    }
}

/// Notes that somebody takes a copy, and of what.
async fn begin(
    admin: &Administrator,
    form: &Form,
) -> Result<(Format, Option<AuditFilter>), Refusal> {
    let format = Format::parse(form.text("format"));
    let format = format.ok_or_else(|| impossible("A copy is CSV or JSON lines."))?;
    let asked = Asked::of(|name| form.optional(name));
    let mut conn = admin.conn().await?;
    let filter = asked.filter(&mut conn).await?;
    let mut details: serde_json::Map<_, _> = asked
        .parameters()
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    details.insert("format".to_owned(), json!(format.name()));
    let details = details.into();
    let target =
        Target { kind: "audit_log", id: String::new(), label: String::new(), organization: None };
    let actor = admin.actor();
    transaction(&mut conn, async |conn: &mut Conn| {
        audit::record(conn, &actor, Action::AuditExport, &target, &details).await
    })
    .await?;
    Ok((format, filter))
}

/// What is written next.
enum Next {
    Head,
    Entries(Option<Cursor>),
}

/// The copy, the newest entry first. No connection is held while a client reads slowly.
fn lines(
    pool: Pool,
    format: Format,
    filter: Option<AuditFilter>,
) -> impl Stream<Item = Result<Bytes, mishap_storage::Error>> {
    stream::try_unfold(Some(Next::Head), move |next| {
        let (pool, filter) = (pool.clone(), filter.clone());
        async move {
            let cursor = match next {
                Some(Next::Head) => {
                    let head = Bytes::from_static(format.head().as_bytes());
                    return Ok(Some((head, Some(Next::Entries(None)))));
                }
                Some(Next::Entries(cursor)) => cursor,
                None => return Ok(None),
            };
            let Some(filter) = filter else {
                return Ok(None);
            };
            let page = audit::list(&mut *pool.get().await?, &filter, cursor, CHUNK).await?;
            let text: String = page.items.iter().map(|entry| format.line(entry)).collect();
            let rest = page.next.map(|next| Next::Entries(Some(next)));
            Ok(Some((Bytes::from(text), rest)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_no_formulas() {
        for (field, text) in [
            ("ada", "\"ada\""),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("@x", "\"'@x\""),
            ("", "\"\""),
        ] {
            assert_eq!(quoted(field), text);
        }
    }
}
