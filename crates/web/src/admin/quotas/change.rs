//! Sets and removes limits.

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_core::quota::{Categories, Quota, QuotaKey};
use mishap_protocol::envelope::DataCategory;
use mishap_storage::audit::{self, Target};
use mishap_storage::{Conn, quotas, transaction};
use mishap_templates::admin::FormPage;
use mishap_templates::link::Link;
use mishap_templates::parts::{Choice, Field, FieldKind, Form as FormPart, Problems};
use serde_json::json;

use super::{PATH, Subject, WINDOWS, counted, subject, window};
use crate::account::Refusal;
use crate::admin::Administrator;
use crate::admin::administrator::missing;
use crate::admin::answers::Answers;
use crate::admin::done::{Done, What};
use crate::admin::parts::above;
use crate::pages::Form;

/// Most items that a limit can be.
const MAX_LIMIT: u64 = 1_000_000_000_000;

/// How the audit log tells of a limit.
fn target(subject: &Subject, key: &QuotaKey) -> Target {
    let QuotaKey { scope, scope_id, categories, window_seconds } = key;
    Target {
        kind: "quota",
        id: format!("{scope}:{scope_id}:{}:{window_seconds}", categories.bits()),
        label: format!("{} of {}, in {}", counted(key), subject.name, window(*window_seconds)),
        organization: subject.organization,
    }
}

/// What was typed.
#[derive(Debug, Default)]
struct Typed {
    categories: Vec<DataCategory>,
    limit: String,
    window: String,
}

/// `GET /admin/quotas/new/` — `scope`, `of`: for what.
pub(in crate::admin) async fn show_set(admin: Administrator) -> HttpResponse {
    let page = async {
        let scope = admin.asked("scope").unwrap_or("instance");
        let of = admin.asked("of").unwrap_or("0");
        let found = subject(&mut *admin.conn().await?, scope, of).await?.ok_or_else(missing)?;
        let typed = Typed { window: "3600".to_owned(), ..Typed::default() };
        Ok(page(&found, &typed, &Problems::none()))
    };
    let page = page.await;
    admin.answer(page)
}

fn page(subject: &Subject, typed: &Typed, problems: &Problems) -> FormPage {
    let category = |category: DataCategory| {
        Choice::new(category.name(), category.name()).chosen(typed.categories.contains(&category))
    };
    let length = |(seconds, name): &(u32, &str)| {
        let seconds = seconds.to_string();
        Choice::new(&seconds, *name).chosen(seconds == typed.window)
    };
    FormPage {
        title: "Set a limit".to_owned(),
        lead: Some(format!("For {}. One of the same kind is replaced.", subject.name)),
        parents: vec![above("Limits", PATH), above(&subject.name, &subject.path)],
        form: FormPart {
            id: "quota",
            path: format!("{PATH}new/"),
            problem: None,
            hidden: vec![
                ("scope".to_owned(), subject.scope.name().to_owned()),
                ("of".to_owned(), subject.id.to_string()),
            ],
            fields: vec![
                Field::new(
                    "category",
                    "Counts",
                    FieldKind::Checkboxes(DataCategory::ALL.map(category).to_vec()),
                )
                .help("Choose none to count everything together.")
                .optional(),
                Field::new("limit", "Items", FieldKind::Number)
                    .value(&typed.limit)
                    .help("0 lets nothing in.")
                    .problem(problems.of("limit")),
                Field::new("window", "In", FieldKind::Select(WINDOWS.iter().map(length).collect()))
                    .problem(problems.of("window")),
            ],
            submit: "Set limit".to_owned(),
            cancel: Some(Link::within(&subject.path)),
        },
    }
}

/// `POST /admin/quotas/new/` — `scope`, `of`, `category` (several), `limit`, `window`.
pub(in crate::admin) async fn set(admin: Administrator, form: Form) -> HttpResponse {
    let found = async {
        let mut conn = admin.conn().await?;
        subject(&mut conn, form.text("scope"), form.text("of")).await?.ok_or_else(missing)
    };
    let subject = match found.await {
        Ok(subject) => subject,
        Err(refusal) => return admin.refuse(refusal),
    };
    let asked: Vec<&str> = form.all("category").collect();
    let categories = DataCategory::ALL.into_iter().filter(|found| asked.contains(&found.name()));
    let typed = Typed {
        categories: categories.collect(),
        limit: form.text("limit").to_owned(),
        window: form.text("window").to_owned(),
    };
    let mut answers = Answers::of(&form);
    let limit = answers.number("limit", 0..=MAX_LIMIT);
    let lengths: Vec<_> =
        WINDOWS.iter().map(|(seconds, _)| (seconds.to_string(), *seconds)).collect();
    let lengths: Vec<_> = lengths.iter().map(|(text, length)| (text.as_str(), *length)).collect();
    let window_seconds = answers.choice("window", &lengths);
    match answers.finish(window_seconds) {
        Ok(window_seconds) => {
            let categories = Categories::of(&typed.categories);
            let (scope, scope_id) = (subject.scope, subject.id);
            let key = QuotaKey { scope, scope_id, categories, window_seconds };
            let done = put(&admin, &subject, Quota { key, limit }).await;
            admin.follow(done)
        }
        Err(problems) => {
            let here = subject.path.clone();
            admin.at(here).show_again(&page(&subject, &typed, &problems))
        }
    }
}

async fn put(
    admin: &Administrator,
    subject: &Subject,
    quota: Quota,
) -> Result<(String, Done), Refusal> {
    let (actor, target) = (admin.actor(), target(subject, &quota.key));
    let mut conn = admin.conn().await?;
    transaction(&mut conn, async |conn: &mut Conn| {
        let all = quotas::list_of(conn, quota.key.scope, quota.key.scope_id).await?;
        let was = all.iter().find(|found| found.key == quota.key).map(|found| found.limit);
        quotas::put(conn, &quota).await?;
        let details = json!({ "limit": [was, quota.limit] });
        audit::record(conn, &actor, Action::QuotaChange, &target, &details).await
    })
    .await?;
    Ok((subject.path.clone(), What::QuotaSet.into()))
}

/// `POST /admin/quotas/remove/` — `scope`, `of`, `categories` (their bits), `window`.
pub(in crate::admin) async fn remove(admin: Administrator, form: Form) -> HttpResponse {
    let done = take_away(&admin, &form).await;
    admin.follow(done)
}

async fn take_away(admin: &Administrator, form: &Form) -> Result<(String, Done), Refusal> {
    let mut conn = admin.conn().await?;
    let subject = subject(&mut conn, form.text("scope"), form.text("of")).await?;
    let subject = subject.ok_or_else(missing)?;
    let bits = form.text("categories").parse().map_err(|_invalid| missing())?;
    let window_seconds = form.text("window").parse().map_err(|_invalid| missing())?;
    let key = QuotaKey {
        scope: subject.scope,
        scope_id: subject.id,
        categories: Categories::from_bits(bits),
        window_seconds,
    };
    let (actor, target) = (admin.actor(), target(&subject, &key));
    transaction(&mut conn, async |conn: &mut Conn| {
        let all = quotas::list_of(conn, key.scope, key.scope_id).await?;
        let was = all.iter().find(|found| found.key == key).map(|found| found.limit);
        if quotas::remove(conn, &key).await? {
            let details = json!({ "limit": [was, null] });
            audit::record(conn, &actor, Action::QuotaChange, &target, &details).await?;
        }
        Ok(())
    })
    .await?;
    Ok((subject.path, What::QuotaRemoved.into()))
}
