//! Changes an organization.

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_core::slug::MAX_ORGANIZATION;
use mishap_storage::oversight::organizations::{self, OrganizationSettings, WholeOrganization};
use mishap_storage::{Conn, audit, transaction};
use mishap_templates::admin::FormPage;
use mishap_templates::link::Link;
use mishap_templates::parts::{Field, FieldKind, Form as FormPart, Problems};
use serde_json::{Map, Value, json};

use super::{PATH, named, path_of, target};
use crate::account::{Problem, Refusal};
use crate::admin::Administrator;
use crate::admin::answers::Answers;
use crate::admin::done::{Done, What};
use crate::admin::intake::{self, Intake};
use crate::admin::parts::above;
use crate::pages::Form;
use crate::pages::screen::problems;

/// `GET /admin/organizations/{organization}/edit/`
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

/// What an organization is now.
fn settings(whole: &WholeOrganization) -> OrganizationSettings {
    let organization = &whole.organization;
    OrganizationSettings {
        name: organization.name.clone(),
        slug: organization.slug.clone(),
        is_accepting_events: organization.is_accepting_events,
        event_throttle_rate: organization.event_throttle_rate,
        scrub_ip_addresses: whole.scrub_ip_addresses,
        open_membership: organization.open_membership,
        require_second_factor: organization.require_second_factor,
        retention_days: whole.retention_days,
    }
}

fn page(
    whole: &WholeOrganization,
    typed: &OrganizationSettings,
    intake: &Intake,
    problems: &Problems,
) -> FormPage {
    let path = path_of(whole.organization.id);
    let checkbox = |name: &str, label: &str, help: &str, is_checked| {
        Field::new(name, label, FieldKind::Checkbox { is_checked }).help(help).optional()
    };
    let text = |name: &str, label: &str, value: &str| {
        Field::new(name, label, FieldKind::Text)
            .value(value)
            .problem(problems.of(name))
            .autocomplete("off")
    };
    let [throttle, retention] = intake.fields(problems);
    FormPage {
        title: "Edit organization".to_owned(),
        lead: None,
        parents: vec![above("Organizations", PATH), above(&whole.organization.name, &path)],
        form: FormPart {
            id: "organization",
            path: format!("{path}edit/"),
            problem: None,
            hidden: Vec::new(),
            fields: vec![
                text("name", "Name", &typed.name),
                text("slug", "Slug", &typed.slug).help(
                    "Its name in addresses. Links, and programs that use the API, know it by this.",
                ),
                checkbox(
                    "accepting",
                    "Takes events",
                    "Otherwise whatever its SDKs send is refused.",
                    typed.is_accepting_events,
                ),
                throttle,
                retention,
                checkbox(
                    "scrub",
                    "Scrubs addresses in all projects",
                    "IP addresses are not stored, whatever a project says.",
                    typed.scrub_ip_addresses,
                ),
                checkbox(
                    "open",
                    "Members may join teams",
                    "Otherwise an administrator of the organization puts them there.",
                    typed.open_membership,
                ),
                checkbox(
                    "second_factor",
                    "Requires a second factor",
                    "Members who signed in without one do not see the organization.",
                    typed.require_second_factor,
                ),
            ],
            submit: "Save".to_owned(),
            cancel: Some(Link::within(path)),
        },
    }
}

/// `POST /admin/organizations/{organization}/edit/`
pub(in crate::admin) async fn edit(admin: Administrator, form: Form) -> HttpResponse {
    let found = async { named(&mut *admin.conn().await?, &admin).await };
    let whole = match found.await {
        Ok(whole) => whole,
        Err(refusal) => return admin.refuse(refusal),
    };
    let mut answers = Answers::of(&form);
    let (event_throttle_rate, retention_days) = intake::read(&admin, &mut answers);
    let typed = OrganizationSettings {
        name: answers.text("name", 1..=200),
        slug: answers.slug("slug", MAX_ORGANIZATION),
        is_accepting_events: answers.is_on("accepting"),
        event_throttle_rate,
        scrub_ip_addresses: answers.is_on("scrub"),
        open_membership: answers.is_on("open"),
        require_second_factor: answers.is_on("second_factor"),
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
    whole: &WholeOrganization,
    typed: &OrganizationSettings,
) -> Result<(String, Done), Refusal> {
    let id = whole.organization.id;
    let details = differences(&settings(whole), typed);
    let done = (path_of(id), What::OrganizationChanged.into());
    if details.as_object().is_some_and(Map::is_empty) {
        return Ok(done);
    }
    let (actor, target) = (admin.actor(), target(&whole.organization));
    let mut conn = admin.conn().await?;
    let is_changed = transaction(&mut conn, async |conn: &mut Conn| {
        let is_changed = organizations::update(conn, id, typed).await?;
        if is_changed {
            audit::record(conn, &actor, Action::OrganizationUpdate, &target, &details).await?;
        }
        Ok(is_changed)
    })
    .await?;
    let taken = || Problem {
        code: "taken",
        param: Some("slug"),
        message: "Another organization has this slug.".to_owned(),
    };
    if is_changed { Ok(done) } else { Err(taken().into()) }
}

/// What is different, for the audit log.
fn differences(was: &OrganizationSettings, is: &OrganizationSettings) -> Value {
    let of = |settings: &OrganizationSettings| {
        let OrganizationSettings {
            name,
            slug,
            is_accepting_events,
            event_throttle_rate,
            scrub_ip_addresses,
            open_membership,
            require_second_factor,
            retention_days,
        } = settings;
        json!({
            "name": name,
            "slug": slug,
            "accepting_events": is_accepting_events,
            "throttle": event_throttle_rate,
            "scrub_addresses": scrub_ip_addresses,
            "open_membership": open_membership,
            "require_second_factor": require_second_factor,
            "retention_days": retention_days,
        })
    };
    crate::admin::parts::differences(&of(was), &of(is))
}
