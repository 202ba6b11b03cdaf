//! Keys of a project.

mod create;

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_core::id::{KeyId, OrganizationId};
use mishap_protocol::dsn::Dsn;
use mishap_storage::audit::Target;
use mishap_storage::oversight::keys::{self, KeySettings};
use mishap_storage::oversight::projects::WholeProject;
use mishap_storage::projects::keys::ProjectKey;
use mishap_storage::{Conn, audit, transaction};
use mishap_templates::admin::{DetailPage, SectionBody};
use mishap_templates::parts::{
    Badge, Cell, Danger, DangerZone, Field, FieldKind, Form as FormPart, Level, Pager, Problems,
    number,
};
use serde_json::{Map, Value, json};

pub(in crate::admin) use self::create::{create, show_create};
use super::overview::parents;
use super::{named, path_of};
use crate::account::Refusal;
use crate::admin::Administrator;
use crate::admin::administrator::missing;
use crate::admin::answers::Answers;
use crate::admin::done::{Done, What};
use crate::admin::parts::{differences, explained, facts, form_section, section};
use crate::admin::quotas::window as window_in_words;
use crate::pages::Form;

/// Longest label, in characters (GlitchTip).
const MAX_LABEL: usize = 64;

/// Longest window of a limit, in seconds: a year.
const MAX_WINDOW: i32 = 31_536_000;

/// How much a key takes.
pub(super) fn rate_limit(key: &ProjectKey) -> Cell {
    match limits(key) {
        Some((count, window)) => {
            let count = number(u64::try_from(count).unwrap_or_default());
            let window = window_in_words(u32::try_from(window).unwrap_or_default());
            Cell::text(format!("{count} in {window}"))
        }
        None => Cell::Missing,
    }
}

/// Items in a window of so many seconds, if there is a limit.
fn limits(key: &ProjectKey) -> Option<(i32, i32)> {
    let count = key.rate_limit_count.filter(|count| *count > 0)?;
    Some((count, key.rate_limit_window.filter(|window| *window > 0)?))
}

/// What a key is now.
fn settings(key: &ProjectKey) -> KeySettings {
    let (label, is_active) = (key.label.clone(), key.is_active);
    KeySettings { label, is_active, rate_limit: limits(key) }
}

/// How the audit log tells of a key.
fn target(key: &ProjectKey, organization: OrganizationId) -> Target {
    let label = match key.label.as_str() {
        "" => key.public_key().to_string(),
        label => label.to_owned(),
    };
    Target { kind: "key", id: key.id.to_string(), label, organization: Some(organization) }
}

/// The project and the key that the path names.
async fn named_key(
    conn: &mut Conn,
    admin: &Administrator,
) -> Result<(WholeProject, ProjectKey), Refusal> {
    let whole = named(conn, admin).await?;
    let key = keys::find(conn, whole.project.id, KeyId(admin.number("key")?)).await?;
    Ok((whole, key.ok_or_else(missing)?))
}

fn path_of_key(key: &ProjectKey) -> String {
    format!("{}keys/{}/", path_of(key.project_id), key.id)
}

/// What was typed of a limit.
struct Typed {
    count: String,
    window: String,
}

impl Typed {
    fn of(settings: &KeySettings) -> Self {
        let text = |number: Option<i32>| number.map(|number| number.to_string());
        let count = text(settings.rate_limit.map(|(count, _)| count)).unwrap_or_default();
        let window = text(settings.rate_limit.map(|(_, window)| window)).unwrap_or_default();
        Self { count, window }
    }
}

/// The questions about a key.
fn fields(settings: &KeySettings, typed: &Typed, problems: &Problems) -> Vec<Field> {
    let is_checked = settings.is_active;
    vec![
        Field::new("label", "Label", FieldKind::Text)
            .value(&settings.label)
            .problem(problems.of("label"))
            .autocomplete("off")
            .optional(),
        Field::new("active", "On", FieldKind::Checkbox { is_checked })
            .help("What is sent with a key that is off is refused.")
            .optional(),
        Field::new("count", "Limit: items", FieldKind::Number)
            .value(&typed.count)
            .help("Leave both empty for no limit.")
            .problem(problems.of("count"))
            .optional(),
        Field::new("window", "Limit: in so many seconds", FieldKind::Number)
            .value(&typed.window)
            .problem(problems.of("window"))
            .optional(),
    ]
}

/// Reads the answers.
fn read(form: &Form) -> (KeySettings, Typed, Result<(), Problems>) {
    let mut answers = Answers::of(form);
    let count = answers.optional_number("count", 1..=i32::MAX);
    let window = answers.optional_number("window", 1..=MAX_WINDOW);
    let typed = Typed { count: form.text("count").into(), window: form.text("window").into() };
    let settings = KeySettings {
        label: answers.text("label", 0..=MAX_LABEL),
        is_active: answers.is_on("active"),
        rate_limit: count.zip(window),
    };
    match (typed.count.trim().is_empty(), typed.window.trim().is_empty()) {
        (true, false) => answers.problem("count", "A limit needs both, or neither."),
        (false, true) => answers.problem("window", "A limit needs both, or neither."),
        (true, true) | (false, false) => {}
    }
    (settings, typed, answers.finish(Some(())))
}

/// `GET /admin/projects/{project}/keys/{key}/`
pub(in crate::admin) async fn show(admin: Administrator) -> HttpResponse {
    let page = async {
        let (whole, key) = named_key(&mut *admin.conn().await?, &admin).await?;
        let settings = settings(&key);
        Ok(page(&admin, &whole, &key, &settings, &Typed::of(&settings), &Problems::none()))
    };
    let page = page.await;
    admin.answer(page)
}

fn page(
    admin: &Administrator,
    whole: &WholeProject,
    key: &ProjectKey,
    settings: &KeySettings,
    typed: &Typed,
    problems: &Problems,
) -> DetailPage {
    let path = path_of_key(key);
    let state = match key.is_active {
        true => Badge::new(Level::Ok, "On"),
        false => Badge::new(Level::Neutral, "Off"),
    };
    let dsn = Dsn::new(&admin.state().config.public_url, key.public_key(), key.project_id.0);
    let form = FormPart {
        id: "key",
        path: path.clone(),
        problem: None,
        hidden: Vec::new(),
        fields: fields(settings, typed, problems),
        submit: "Save".to_owned(),
        cancel: None,
    };
    let made = Cell::Moment(key.created_at);
    let public = Cell::Code(key.public_key().to_string());
    DetailPage {
        title: if key.label.is_empty() { "Key".to_owned() } else { key.label.clone() },
        lead: None,
        badges: vec![state],
        parents: parents(whole),
        links: Vec::new(),
        actions: Vec::new(),
        tabs: Vec::new(),
        sections: vec![
            section(
                "Key",
                facts([("Public key", public), ("Limit", rate_limit(key)), ("Made", made)]),
            ),
            explained("DSN", "What an SDK is told.", SectionBody::Copy("dsn", dsn.to_string())),
            form_section("Settings", "They count within a few seconds.", form),
        ],
        pager: Pager::default(),
        dangers: DangerZone {
            actions: vec![Danger {
                id: "delete",
                title: "Delete this key".to_owned(),
                explanation: "Whatever still sends with it is refused. Switch it off first if you \
                              are not sure."
                    .to_owned(),
                submit: "Delete".to_owned(),
                path: format!("{path}delete/"),
                phrase: None,
                problem: None,
            }],
        },
    }
}

/// `POST /admin/projects/{project}/keys/{key}/` — `label`, `active`, `count`, `window`.
pub(in crate::admin) async fn edit(admin: Administrator, form: Form) -> HttpResponse {
    let found = async { named_key(&mut *admin.conn().await?, &admin).await };
    let (whole, key) = match found.await {
        Ok(found) => found,
        Err(refusal) => return admin.refuse(refusal),
    };
    let (wanted, typed, read) = read(&form);
    match read {
        Ok(()) => {
            let done = change(&admin, &whole, &key, &wanted).await;
            admin.follow(done)
        }
        Err(problems) => {
            let page = page(&admin, &whole, &key, &wanted, &typed, &problems);
            admin.show_again(&page)
        }
    }
}

async fn change(
    admin: &Administrator,
    whole: &WholeProject,
    key: &ProjectKey,
    wanted: &KeySettings,
) -> Result<(String, Done), Refusal> {
    let of = |settings: &KeySettings| {
        let KeySettings { label, is_active, rate_limit } = settings;
        json!({ "label": label, "active": is_active, "rate_limit": rate_limit })
    };
    let details = differences(&of(&settings(key)), &of(wanted));
    let done = (path_of(whole.project.id), What::KeyChanged.into());
    if details.as_object().is_some_and(Map::is_empty) {
        return Ok(done);
    }
    let (actor, target) = (admin.actor(), target(key, whole.project.organization_id));
    let id = key.id;
    let mut conn = admin.conn().await?;
    transaction(&mut conn, async |conn: &mut Conn| {
        if keys::update(conn, id, wanted).await? {
            audit::record(conn, &actor, Action::KeyUpdate, &target, &details).await?;
        }
        Ok(())
    })
    .await?;
    Ok(done)
}

/// `POST /admin/projects/{project}/keys/{key}/delete/`
pub(in crate::admin) async fn delete(admin: Administrator, _form: Form) -> HttpResponse {
    let done = remove(&admin).await;
    admin.follow(done)
}

async fn remove(admin: &Administrator) -> Result<(String, Done), Refusal> {
    let mut conn = admin.conn().await?;
    let (whole, key) = named_key(&mut conn, admin).await?;
    let (actor, target) = (admin.actor(), target(&key, whole.project.organization_id));
    let details: Value = json!({ "public_key": key.public_key().to_string() });
    let id = key.id;
    transaction(&mut conn, async |conn: &mut Conn| {
        if keys::delete(conn, id).await? {
            audit::record(conn, &actor, Action::KeyDelete, &target, &details).await?;
        }
        Ok(())
    })
    .await?;
    Ok((path_of(whole.project.id), What::KeyDeleted.into()))
}
