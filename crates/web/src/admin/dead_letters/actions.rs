//! What becomes of dead letters.

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_core::id::DeadLetterId;
use mishap_storage::audit::{self, Target};
use mishap_storage::dead_letters::{self, DroppedLetter, Selection};
use mishap_storage::{Conn, transaction};
use mishap_templates::admin::FormPage;
use mishap_templates::link::Link;
use mishap_templates::parts::{Field, FieldKind, Form as FormPart};
use serde_json::json;

use super::PATH;
use crate::account::Refusal;
use crate::admin::Administrator;
use crate::admin::administrator::missing;
use crate::admin::done::{Done, What};
use crate::admin::parts::above;
use crate::pages::Form;

/// Dead letters that are dropped in one transaction: each is read whole, to be counted.
const BATCH: i64 = 20;

/// Transactions of one request at most.
const BATCHES: usize = 50;

/// What is typed before all are dropped.
const PHRASE: &str = "drop";

/// How the audit log tells of one dead letter, or of several.
fn target(letter: Option<DeadLetterId>) -> Target {
    let id = letter.map(|letter| letter.to_string()).unwrap_or_default();
    let label = match letter {
        Some(letter) => format!("dead letter {letter}"),
        None => "dead letters".to_owned(),
    };
    Target { kind: "dead_letter", id, label, organization: None }
}

/// `POST /admin/dead-letters/{letter}/retry/` — has it digested again.
pub(in crate::admin) async fn retry_one(admin: Administrator, _form: Form) -> HttpResponse {
    let done = match admin.number("letter").map(DeadLetterId) {
        Ok(letter) => retry(&admin, Some(letter)).await,
        Err(refusal) => Err(refusal),
    };
    admin.follow(done)
}

/// `POST /admin/dead-letters/retry/` — has all digested again.
pub(in crate::admin) async fn retry_all(admin: Administrator, _form: Form) -> HttpResponse {
    let done = retry(&admin, None).await;
    admin.follow(done)
}

fn selection(letter: Option<DeadLetterId>) -> Selection {
    letter.map_or(Selection::All, |letter| Selection::Only(vec![letter]))
}

async fn retry(
    admin: &Administrator,
    letter: Option<DeadLetterId>,
) -> Result<(String, Done), Refusal> {
    let (actor, target, selection) = (admin.actor(), target(letter), selection(letter));
    let mut conn = admin.conn().await?;
    let retried = transaction(&mut conn, async |conn: &mut Conn| {
        let retried = dead_letters::retry(conn, &selection).await?;
        if retried > 0 {
            let details = json!({ "letters": retried });
            audit::record(conn, &actor, Action::DeadLetterRetry, &target, &details).await?;
        }
        Ok(retried)
    })
    .await?;
    if letter.is_some() && retried == 0 {
        return Err(missing());
    }
    Ok((PATH.to_owned(), Done::to(What::LettersRetried, retried)))
}

/// `POST /admin/dead-letters/{letter}/drop/` — drops it for good.
pub(in crate::admin) async fn drop_one(admin: Administrator, _form: Form) -> HttpResponse {
    let done = drop_named(&admin).await;
    admin.follow(done)
}

async fn drop_named(admin: &Administrator) -> Result<(String, Done), Refusal> {
    let letter = DeadLetterId(admin.number("letter")?);
    let mut conn = admin.conn().await?;
    let dropped = drop(&mut conn, admin, Some(letter), vec![letter]).await?;
    if dropped == 0 {
        return Err(missing());
    }
    Ok((PATH.to_owned(), Done::to(What::LettersDropped, dropped)))
}

async fn drop(
    conn: &mut Conn,
    admin: &Administrator,
    named: Option<DeadLetterId>,
    letters: Vec<DeadLetterId>,
) -> Result<usize, Refusal> {
    let (actor, target) = (admin.actor(), target(named));
    let selection = Selection::Only(letters);
    let dropped = transaction(conn, async |conn: &mut Conn| {
        let dropped = dead_letters::drop(conn, &selection, DroppedLetter::count).await?;
        if dropped > 0 {
            let details = json!({ "letters": dropped });
            audit::record(conn, &actor, Action::DeadLetterDrop, &target, &details).await?;
        }
        Ok(dropped)
    });
    Ok(dropped.await?)
}

/// `GET /admin/dead-letters/drop/` — asks whether all are to be dropped.
pub(in crate::admin) async fn show_drop_all(admin: Administrator) -> HttpResponse {
    admin.show(&confirmation(None))
}

fn confirmation(problem: Option<&str>) -> FormPage {
    FormPage {
        title: "Drop all dead letters".to_owned(),
        lead: Some("What is in them is counted as lost, and gone for good.".to_owned()),
        parents: vec![above("Dead letters", PATH)],
        form: FormPart {
            id: "drop",
            path: format!("{PATH}drop/"),
            problem: None,
            hidden: Vec::new(),
            fields: vec![
                Field::new("confirmation", format!("Type “{PHRASE}” to confirm"), FieldKind::Text)
                    .problem(problem)
                    .autocomplete("off")
                    .focused(),
            ],
            submit: "Drop all".to_owned(),
            cancel: Some(Link::within(PATH)),
        },
    }
}

/// `POST /admin/dead-letters/drop/` — `confirmation`. Drops them, the newest first, a thousand at most.
pub(in crate::admin) async fn drop_all(admin: Administrator, form: Form) -> HttpResponse {
    if form.text("confirmation").trim() != PHRASE {
        return admin.show_again(&confirmation(Some("Nothing was dropped.")));
    }
    let done = drop_many(&admin).await;
    admin.follow(done)
}

async fn drop_many(admin: &Administrator) -> Result<(String, Done), Refusal> {
    let mut conn = admin.conn().await?;
    let mut dropped = 0;
    for _ in 0..BATCHES {
        let letters = dead_letters::list(&mut conn, BATCH).await?;
        if letters.is_empty() {
            break;
        }
        let letters = letters.iter().map(|letter| letter.id).collect();
        dropped += drop(&mut conn, admin, None, letters).await?;
    }
    Ok((PATH.to_owned(), Done::to(What::LettersDropped, dropped)))
}
