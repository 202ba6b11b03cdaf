//! Jobs that were given up: mails that could not be sent, for instance.

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_core::id::JobId;
use mishap_storage::audit::{self, Target};
use mishap_storage::jobs::{self, FailedJob};
use mishap_storage::{Conn, transaction};
use mishap_templates::admin::{DetailPage, ListPage, SectionBody};
use mishap_templates::parts::{ActionForm, Cell, Danger, DangerZone, Pager, Row};
use serde_json::json;

use super::Administrator;
use super::administrator::missing;
use super::done::{Done, What};
use super::parts::{ROWS, above, explained, facts, nothing, pager, row, section, table};
use crate::account::Refusal;
use crate::pages::Form;

/// Where the jobs are.
pub(super) const PATH: &str = "/admin/jobs/";

/// Characters of an error that are shown in a list.
const MAX_ERROR: usize = 120;

fn path_of(job: JobId) -> String {
    format!("{PATH}{job}/")
}

/// How the audit log tells of a job, or of all.
fn target(job: Option<&FailedJob>) -> Target {
    let id = job.map(|job| job.id.to_string()).unwrap_or_default();
    let label = job.map_or("failed jobs".to_owned(), |job| format!("{} {}", job.name, job.id));
    Target { kind: "job", id, label, organization: None }
}

fn attempts(job: &FailedJob) -> Cell {
    Cell::Number(u64::try_from(job.attempts).unwrap_or_default())
}

/// `GET /admin/jobs/`
pub(super) async fn list(admin: Administrator) -> HttpResponse {
    let page = found(&admin).await;
    admin.answer(page)
}

async fn found(admin: &Administrator) -> Result<ListPage, Refusal> {
    let mut conn = admin.conn().await?;
    let page = jobs::list_failed(&mut conn, admin.cursor(), ROWS).await?;
    let rows: Vec<Row> = page.items.iter().map(shown).collect();
    let has_some = !rows.is_empty();
    let retry = ActionForm::new("Run all again", format!("{PATH}retry/"));
    let empty = nothing("No failed jobs", "Whatever had to be done was done, or still waits.");
    let columns = ["Number", "Job", "For", "Why", "Attempts", "Made", "Given up"];
    Ok(ListPage {
        title: "Failed jobs".to_owned(),
        lead: Some("Given up after several attempts. Mails that cannot be sent end here.".into()),
        parents: Vec::new(),
        forms: has_some.then_some(retry).into_iter().collect(),
        actions: Vec::new(),
        search: None,
        pager: pager(&page, PATH, &[], ("job", "jobs")),
        table: table("Failed jobs", &columns, rows, empty),
    })
}

fn shown(job: &FailedJob) -> Row {
    let error = job.last_error.as_deref().unwrap_or_default();
    let error = mishap_core::text::first_line(error);
    row(
        path_of(job.id),
        vec![
            Cell::text(job.id.to_string()),
            Cell::Code(job.name.clone()),
            Cell::text(job.recipient.clone().unwrap_or_default()),
            Cell::text(mishap_core::text::ellipsized(error, MAX_ERROR)),
            attempts(job),
            Cell::Ago(job.created_at),
            Cell::Ago(job.run_at),
        ],
    )
}

/// `GET /admin/jobs/{job}/`
pub(super) async fn show(admin: Administrator) -> HttpResponse {
    let page = async {
        let job = named(&mut *admin.conn().await?, &admin).await?;
        Ok(page(&job))
    };
    let page = page.await;
    admin.answer(page)
}

/// The job that the path names.
async fn named(conn: &mut Conn, admin: &Administrator) -> Result<FailedJob, Refusal> {
    let job = JobId(admin.number("job")?);
    jobs::find_failed(conn, job).await?.ok_or_else(missing)
}

fn page(job: &FailedJob) -> DetailPage {
    let facts = facts([
        ("Job", Cell::Code(job.name.clone())),
        ("For", Cell::text(job.recipient.clone().unwrap_or_default())),
        ("Attempts", attempts(job)),
        ("Made", Cell::Moment(job.created_at)),
        ("Given up", Cell::Moment(job.run_at)),
    ]);
    let error = job.last_error.clone().unwrap_or_else(|| "Nothing was noted.".to_owned());
    let why = SectionBody::Copy("error", error);
    DetailPage {
        title: format!("Failed job {}", job.id),
        lead: None,
        badges: Vec::new(),
        parents: vec![above("Failed jobs", PATH)],
        links: Vec::new(),
        actions: vec![ActionForm::new("Run again", format!("{}retry/", path_of(job.id)))],
        tabs: Vec::new(),
        sections: vec![section("Job", facts), explained("Why", "The last attempt.", why)],
        pager: Pager::default(),
        dangers: DangerZone {
            actions: vec![Danger {
                id: "delete",
                title: "Delete this job".to_owned(),
                explanation: "It is never done. A mail is never sent.".to_owned(),
                submit: "Delete".to_owned(),
                path: format!("{}delete/", path_of(job.id)),
                phrase: None,
                problem: None,
            }],
        },
    }
}

/// `POST /admin/jobs/{job}/retry/` — lets it begin again.
pub(super) async fn retry_one(admin: Administrator, _form: Form) -> HttpResponse {
    let done = async {
        let job = named(&mut *admin.conn().await?, &admin).await?;
        retry(&admin, Some(&job)).await
    };
    let done = done.await;
    admin.follow(done)
}

/// `POST /admin/jobs/retry/` — lets all begin again.
pub(super) async fn retry_all(admin: Administrator, _form: Form) -> HttpResponse {
    let done = retry(&admin, None).await;
    admin.follow(done)
}

async fn retry(admin: &Administrator, job: Option<&FailedJob>) -> Result<(String, Done), Refusal> {
    let (actor, target) = (admin.actor(), target(job));
    let id = job.map(|job| job.id);
    let mut conn = admin.conn().await?;
    let retried = transaction(&mut conn, async |conn: &mut Conn| {
        let retried = jobs::retry(conn, id).await?;
        if retried > 0 {
            let details = json!({ "jobs": retried });
            audit::record(conn, &actor, Action::JobRetry, &target, &details).await?;
        }
        Ok(retried)
    })
    .await?;
    Ok((PATH.to_owned(), Done::to(What::JobsRetried, retried)))
}

/// `POST /admin/jobs/{job}/delete/`
pub(super) async fn delete(admin: Administrator, _form: Form) -> HttpResponse {
    let done = remove(&admin).await;
    admin.follow(done)
}

async fn remove(admin: &Administrator) -> Result<(String, Done), Refusal> {
    let mut conn = admin.conn().await?;
    let job = named(&mut conn, admin).await?;
    let (actor, target) = (admin.actor(), target(Some(&job)));
    let details = json!({ "recipient": job.recipient });
    let id = job.id;
    transaction(&mut conn, async |conn: &mut Conn| {
        if jobs::delete_failed(conn, id).await? {
            audit::record(conn, &actor, Action::JobDelete, &target, &details).await?;
        }
        Ok(())
    })
    .await?;
    Ok((PATH.to_owned(), What::JobDeleted.into()))
}
