//! Envelopes that could not be digested.

mod actions;

use actix_web::HttpResponse;
use mishap_core::id::{DeadLetterId, ProjectId};
use mishap_protocol::compression::{Codings, inflate};
use mishap_protocol::envelope::Envelope;
use mishap_storage::dead_letters::{self, DeadLetter, OpenedLetter};
use mishap_storage::oversight::projects::{self, ProjectName};
use mishap_templates::admin::{DetailPage, ListPage, Section, SectionBody};
use mishap_templates::link::Link;
use mishap_templates::parts::{ActionForm, ButtonKind, Cell, Danger, DangerZone, Pager, Row};

pub(super) use self::actions::{drop_all, drop_one, retry_all, retry_one, show_drop_all};
use super::administrator::missing;
use super::parts::{
    ROWS, above, button, explained, facts, nothing, pager, plain_row, row, section, table,
};
use super::{Administrator, projects as project_pages};
use crate::account::Refusal;

/// Where the dead letters are.
pub(super) const PATH: &str = "/admin/dead-letters/";

/// Bytes of an envelope that are looked at, at most.
const MAX_OPENED: usize = 4 << 20;

/// Items of an envelope that are shown at most.
const MAX_ITEMS: usize = 100;

/// Characters of an error that are shown in a list.
const MAX_ERROR: usize = 120;

fn path_of(letter: DeadLetterId) -> String {
    format!("{PATH}{letter}/")
}

/// The project that a letter was sent to.
fn project_cell(project: ProjectId, name: Option<&ProjectName>) -> Cell {
    match name {
        Some(ProjectName { organization, project: slug }) => {
            let link = Link::within(project_pages::path_of(project));
            Cell::Link(format!("{organization}/{slug}"), link)
        }
        None => Cell::text(format!("number {project}, which is gone")),
    }
}

/// `GET /admin/dead-letters/`
pub(super) async fn list(admin: Administrator) -> HttpResponse {
    let page = found(&admin).await;
    admin.answer(page)
}

async fn found(admin: &Administrator) -> Result<ListPage, Refusal> {
    let mut conn = admin.conn().await?;
    let page = dead_letters::page(&mut conn, admin.cursor(), ROWS).await?;
    let ids: Vec<_> = page.items.iter().map(|letter| letter.project_id).collect();
    let names = projects::names(&mut conn, &ids).await?;
    let shown = |letter: &DeadLetter| shown(letter, names.get(&letter.project_id));
    let rows: Vec<Row> = page.items.iter().map(shown).collect();
    let has_some = !rows.is_empty();
    let retry = ActionForm::new("Retry all", format!("{PATH}retry/"));
    let drop = button("Drop all…", format!("{PATH}drop/"), ButtonKind::Danger);
    let empty = nothing("No dead letters", "Everything that was received could be digested.");
    let columns = ["Number", "Project", "Why", "Size", "Received", "Given up"];
    let lead = "Envelopes that were acknowledged and could not be digested. They are kept as they \
                came until somebody decides.";
    Ok(ListPage {
        title: "Dead letters".to_owned(),
        lead: Some(lead.to_owned()),
        parents: Vec::new(),
        forms: has_some.then_some(retry).into_iter().collect(),
        actions: has_some.then_some(drop).into_iter().collect(),
        search: None,
        pager: pager(&page, PATH, &[], ("dead letter", "dead letters")),
        table: table("Dead letters", &columns, rows, empty),
    })
}

fn shown(letter: &DeadLetter, name: Option<&ProjectName>) -> Row {
    let error = mishap_core::text::first_line(&letter.error);
    row(
        path_of(letter.id),
        vec![
            Cell::text(letter.id.to_string()),
            project_cell(letter.project_id, name),
            Cell::text(mishap_core::text::ellipsized(error, MAX_ERROR)),
            Cell::Bytes(u64::try_from(letter.size).unwrap_or_default()),
            Cell::Ago(letter.received),
            Cell::Ago(letter.failed_at),
        ],
    )
}

/// `GET /admin/dead-letters/{letter}/`
pub(super) async fn show(admin: Administrator) -> HttpResponse {
    let page = page(&admin).await;
    admin.answer(page)
}

async fn page(admin: &Administrator) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let id = DeadLetterId(admin.number("letter")?);
    let opened = dead_letters::find(&mut conn, id).await?.ok_or_else(missing)?;
    let project = opened.letter.project_id;
    let names = projects::names(&mut conn, &[project]).await?;
    drop(conn);
    let letter = &opened.letter;
    let event = letter.event_id().map_or(Cell::Missing, |id| Cell::Code(id.to_string()));
    let facts = facts([
        ("Project", project_cell(project, names.get(&project))),
        ("Event", event),
        ("Received", Cell::Moment(letter.received)),
        ("Given up", Cell::Moment(letter.failed_at)),
        ("Size", Cell::Bytes(u64::try_from(letter.size).unwrap_or_default())),
        ("Kept", Cell::Bytes(u64::try_from(opened.payload.len()).unwrap_or_default())),
        ("From", opened.client_ip.clone().map_or(Cell::Missing, Cell::Code)),
        ("User agent", Cell::text(opened.user_agent.clone().unwrap_or_default())),
    ]);
    let error = SectionBody::Copy("error", letter.error.clone());
    let retry = ActionForm::new("Retry", format!("{}retry/", path_of(id)));
    Ok(DetailPage {
        title: format!("Dead letter {id}"),
        lead: None,
        badges: Vec::new(),
        parents: vec![above("Dead letters", PATH)],
        links: Vec::new(),
        actions: vec![retry],
        tabs: Vec::new(),
        sections: vec![
            section("Envelope", facts),
            explained("Why", "What the digest said when it gave up.", error),
            items(&opened),
        ],
        pager: Pager::default(),
        dangers: DangerZone {
            actions: vec![Danger {
                id: "drop",
                title: "Drop this dead letter".to_owned(),
                explanation: "What is in it is counted as lost, and gone for good.".to_owned(),
                submit: "Drop".to_owned(),
                path: format!("{}drop/", path_of(id)),
                phrase: None,
                problem: None,
            }],
        },
    })
}

/// What is in an envelope, as far as it can be read.
fn items(opened: &OpenedLetter) -> Section {
    let codings = opened.coding().codings();
    let known = codings.is_some();
    let codings: Codings = codings.unwrap_or_default();
    let (plain, broken_off) = inflate(&codings, &opened.payload, MAX_OPENED);
    let envelope = Envelope::read_beginning(&plain).unwrap_or_default();
    let shown = envelope.items.iter().take(MAX_ITEMS).map(|item| {
        let bytes = u64::try_from(item.payload.len()).unwrap_or_default();
        plain_row(vec![
            Cell::Code(item.header.item_type.name().to_owned()),
            Cell::text(item.header.filename.clone().unwrap_or_default()),
            Cell::Bytes(bytes),
            Cell::Flag(item.is_whole),
        ])
    });
    let empty = nothing(
        "Nothing can be read",
        "It is no envelope, or compressed in a way that this version does not know.",
    );
    let explanation = match (known, broken_off) {
        (true, None) => "As far as it can be read. Contents are not shown: they may be personal.",
        _ => "Only its beginning can be read.",
    };
    let columns = ["Item", "File", "Size", "Whole"];
    let body = SectionBody::Table(table("Items", &columns, shown.collect(), empty));
    explained("Items", explanation, body)
}
