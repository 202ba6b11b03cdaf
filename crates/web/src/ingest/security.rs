//! `POST /api/{project}/security/` and `/csp-report/`: what browsers report.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use mishap_core::id::{EventId, ProjectId};
use mishap_protocol::envelope::ItemType;
use mishap_protocol::event::percent_decoded_pairs;
use mishap_protocol::json::{Writer, repair_utf8};
use mishap_protocol::security::read_reports;
use serde_json::json;

use super::body::{Chunks, codings};
use super::credentials::Sender;
use super::envelope::answer;
use super::refusal::Refusal;
use super::{Ingest, Taken};

/// Largest report, in bytes.
const MAX_REPORT: u64 = 256 * 1024;

/// Takes a report, or an array of them. Release and environment may stand in the query.
pub(super) async fn security(
    request: HttpRequest,
    project: Path<i64>,
    payload: Payload,
    ingest: Data<Ingest>,
) -> Result<HttpResponse, Refusal> {
    let project = ProjectId(project.into_inner());
    let taken = ingest.take_reports(&request, project, payload).await;
    answer(ingest.settle(project, taken)?, |event_id| match event_id {
        Some(event_id) => json!({ "id": event_id.to_string() }),
        None => json!({}),
    })
}

impl Ingest {
    async fn take_reports(
        &self,
        request: &HttpRequest,
        project: ProjectId,
        payload: Payload,
    ) -> Result<Taken, Refusal> {
        let key = Sender::of(request)?.key_or_dsn(None)?;
        let policy = self.admit(project, key).await?;
        check_content_type(request)?;
        let limit = MAX_REPORT.min(self.sizes.event);
        let body = Chunks::of(request, payload, self.patience, limit)?.collect().await?;
        let body = super::store::inflated(&codings(request)?, &body, limit)?;
        let text = repair_utf8(&body);
        let mut reports =
            read_reports(&text).map_err(|error| Refusal::Malformed(error.to_string()))?;
        let query = percent_decoded_pairs(request.query_string());
        let said = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let mut first = None;
        let mut payloads = Vec::with_capacity(reports.len());
        for report in &mut reports {
            let event_id = EventId(self.random.uuid());
            first.get_or_insert(event_id);
            report.event_id = Some(event_id.0);
            report.release = said("sentry_release").map(|release| release.as_str().into());
            report.environment = said("sentry_environment").map(|name| name.as_str().into());
            let mut writer = Writer::new();
            report.write(&mut writer);
            payloads.push(writer.into_string().into_bytes());
        }
        let first = first.unwrap_or_else(|| EventId(self.random.uuid()));
        let received = self.received_event(first, &payloads, &ItemType::RawSecurity)?;
        Ok(self.take(request, &policy, received).await)
    }
}

fn check_content_type(request: &HttpRequest) -> Result<(), Refusal> {
    let Some(value) = request.headers().get(CONTENT_TYPE) else {
        return Ok(());
    };
    let text = value.to_str().unwrap_or_default();
    let media = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media.as_str() {
        ""
        | "application/csp-report"
        | "application/json"
        | "application/reports+json"
        | "application/expect-ct-report"
        | "application/expect-ct-report+json"
        | "application/expect-staple-report" => Ok(()),
        _ => Err(Refusal::ContentType(media)),
    }
}
