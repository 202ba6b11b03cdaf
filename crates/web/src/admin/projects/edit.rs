//! Changes a project.

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_core::grouping::GroupingMechanism;
use mishap_core::slug::MAX_PROJECT;
use mishap_storage::oversight::projects::{self, ProjectSettings, WholeProject};
use mishap_storage::{Conn, audit, transaction};
use mishap_templates::admin::FormPage;
use mishap_templates::link::Link;
use mishap_templates::parts::{Choice, Field, FieldKind, Form as FormPart, Problems};
use serde_json::{Map, Value, json};

use super::overview::parents;
use super::{named, path_of, target};
use crate::account::{Problem, Refusal};
use crate::admin::Administrator;
use crate::admin::answers::Answers;
use crate::admin::done::{Done, What};
use crate::admin::intake::{self, Intake};
use crate::pages::Form;
use crate::pages::screen::problems;

/// Longest name and platform, in characters (GlitchTip).
const MAX_NAME: usize = 64;

/// `GET /admin/projects/{project}/edit/`
pub(in crate::admin) async fn show_edit(admin: Administrator) -> HttpResponse {
    let page = async {
        let whole = named(&mut *admin.conn().await?, &admin).await?;
        let settings = settings(&whole);
        let intake = Intake::of(&admin, settings.event_throttle_rate, settings.retention_days);
        Ok(page(&whole, &settings, &intake, &Problems::none()))
    };
    let page = page.await;
    admin.answer(page)
}

/// What a project is now.
fn settings(whole: &WholeProject) -> ProjectSettings {
    let project = &whole.project;
    ProjectSettings {
        name: project.name.clone(),
        slug: project.slug.clone(),
        platform: project.platform.clone(),
        event_throttle_rate: project.event_throttle_rate,
        scrub_ip_addresses: project.scrub_ip_addresses,
        mechanism: whole.mechanism(),
        retention_days: whole.retention_days,
    }
}

fn page(
    whole: &WholeProject,
    typed: &ProjectSettings,
    intake: &Intake,
    problems: &Problems,
) -> FormPage {
    let path = path_of(whole.project.id);
    let text = |name: &str, label: &str, value: &str| {
        Field::new(name, label, FieldKind::Text)
            .value(value)
            .problem(problems.of(name))
            .autocomplete("off")
    };
    let mechanism = |mechanism: &GroupingMechanism| {
        Choice::new(mechanism.name(), mechanism.name())
            .help(meaning(*mechanism))
            .chosen(*mechanism == typed.mechanism)
    };
    let mechanisms = GroupingMechanism::ALL.iter().map(mechanism).collect();
    let scrub = FieldKind::Checkbox { is_checked: typed.scrub_ip_addresses };
    let [throttle, retention] = intake.fields(problems);
    FormPage {
        title: "Edit project".to_owned(),
        lead: None,
        parents: parents(whole),
        form: FormPart {
            id: "project",
            path: format!("{path}edit/"),
            problem: None,
            hidden: Vec::new(),
            fields: vec![
                text("name", "Name", &typed.name),
                text("slug", "Slug", &typed.slug).help(
                    "Its name in addresses. Links, and programs that use the API, know it by this.",
                ),
                text("platform", "Platform", typed.platform.as_deref().unwrap_or_default())
                    .help("The language or framework, such as python or javascript-react.")
                    .optional(),
                throttle,
                retention,
                Field::new("scrub", "Scrubs addresses", scrub)
                    .help("IP addresses are not stored.")
                    .optional(),
                Field::new("grouping", "Grouping", FieldKind::Radio(mechanisms))
                    .help("Which events are one issue. Issues that are there stay as they are.")
                    .problem(problems.of("grouping")),
            ],
            submit: "Save".to_owned(),
            cancel: Some(Link::within(path)),
        },
    }
}

fn meaning(mechanism: GroupingMechanism) -> &'static str {
    match mechanism {
        GroupingMechanism::GlitchTip => "As GlitchTip groups: by title, place and type.",
        GroupingMechanism::Stack1 => {
            "By the program's own frames; without any, by the message without what varies in it."
        }
    }
}

/// `POST /admin/projects/{project}/edit/`
pub(in crate::admin) async fn edit(admin: Administrator, form: Form) -> HttpResponse {
    let found = async { named(&mut *admin.conn().await?, &admin).await };
    let whole = match found.await {
        Ok(whole) => whole,
        Err(refusal) => return admin.refuse(refusal),
    };
    let mut answers = Answers::of(&form);
    let (event_throttle_rate, retention_days) = intake::read(&admin, &mut answers);
    let platform = answers.text("platform", 0..=MAX_NAME);
    let mechanism = GroupingMechanism::from_name(form.text("grouping"));
    if mechanism.is_none() {
        answers.problem("grouping", "Choose one of these.");
    }
    let typed = ProjectSettings {
        name: answers.text("name", 1..=MAX_NAME),
        slug: answers.slug("slug", MAX_PROJECT),
        platform: Some(platform).filter(|platform| !platform.is_empty()),
        event_throttle_rate,
        scrub_ip_addresses: answers.is_on("scrub"),
        mechanism: mechanism.unwrap_or(whole.mechanism()),
        retention_days,
    };
    let done = match answers.finish(Some(())) {
        Ok(()) => change(&admin, &whole, &typed).await.map_err(problems),
        Err(problems) => Err(Ok(problems)),
    };
    match done {
        Ok(done) => admin.follow(Ok(done)),
        Err(Ok(problems)) => {
            let page = page(&whole, &typed, &Intake::typed(&admin, &form), &problems);
            admin.show_again(&page)
        }
        Err(Err(refusal)) => admin.refuse(refusal),
    }
}

async fn change(
    admin: &Administrator,
    whole: &WholeProject,
    typed: &ProjectSettings,
) -> Result<(String, Done), Refusal> {
    let id = whole.project.id;
    let details = differences(&settings(whole), typed);
    let done = (path_of(id), What::ProjectChanged.into());
    if details.as_object().is_some_and(Map::is_empty) {
        return Ok(done);
    }
    let (actor, target) = (admin.actor(), target(&whole.project));
    let mut conn = admin.conn().await?;
    let is_changed = transaction(&mut conn, async |conn: &mut Conn| {
        let is_changed = projects::update(conn, id, typed).await?;
        if is_changed {
            audit::record(conn, &actor, Action::ProjectUpdate, &target, &details).await?;
        }
        Ok(is_changed)
    })
    .await?;
    let taken = || Problem {
        code: "taken",
        param: Some("slug"),
        message: "Another project of this organization has this slug.".to_owned(),
    };
    if is_changed { Ok(done) } else { Err(taken().into()) }
}

/// What is different, for the audit log.
fn differences(was: &ProjectSettings, is: &ProjectSettings) -> Value {
    let of = |settings: &ProjectSettings| {
        let ProjectSettings {
            name,
            slug,
            platform,
            event_throttle_rate,
            scrub_ip_addresses,
            mechanism,
            retention_days,
        } = settings;
        json!({
            "name": name,
            "slug": slug,
            "platform": platform,
            "throttle": event_throttle_rate,
            "scrub_addresses": scrub_ip_addresses,
            "grouping": mechanism.name(),
            "retention_days": retention_days,
        })
    };
    crate::admin::parts::differences(&of(was), &of(is))
}
