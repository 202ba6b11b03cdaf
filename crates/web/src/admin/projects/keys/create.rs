//! Makes a key.

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_protocol::dsn::PublicKey;
use mishap_storage::oversight::keys::{self, KeySettings};
use mishap_storage::oversight::projects::WholeProject;
use mishap_storage::projects::keys as project_keys;
use mishap_storage::{Conn, audit, transaction};
use mishap_templates::admin::FormPage;
use mishap_templates::link::Link;
use mishap_templates::parts::{Form as FormPart, Problems};
use serde_json::json;

use super::{Typed, fields, named, parents, path_of, path_of_key, read, target};
use crate::account::Refusal;
use crate::admin::Administrator;
use crate::admin::done::{Done, What};
use crate::pages::Form;

/// `GET /admin/projects/{project}/keys/new/`
pub(in crate::admin) async fn show_create(admin: Administrator) -> HttpResponse {
    let page = async {
        let whole = named(&mut *admin.conn().await?, &admin).await?;
        let new = KeySettings { label: String::new(), is_active: true, rate_limit: None };
        Ok(page(&whole, &new, &Typed::of(&new), &Problems::none()))
    };
    let page = page.await;
    admin.answer(page)
}

fn page(
    whole: &WholeProject,
    settings: &KeySettings,
    typed: &Typed,
    problems: &Problems,
) -> FormPage {
    let path = path_of(whole.project.id);
    FormPage {
        title: "New key".to_owned(),
        lead: None,
        parents: parents(whole),
        form: FormPart {
            id: "key",
            path: format!("{path}keys/new/"),
            problem: None,
            hidden: Vec::new(),
            fields: fields(settings, typed, problems),
            submit: "Create key".to_owned(),
            cancel: Some(Link::within(path)),
        },
    }
}

/// `POST /admin/projects/{project}/keys/new/` — `label`, `active`, `count`, `window`.
pub(in crate::admin) async fn create(admin: Administrator, form: Form) -> HttpResponse {
    let found = async { named(&mut *admin.conn().await?, &admin).await };
    let whole = match found.await {
        Ok(whole) => whole,
        Err(refusal) => return admin.refuse(refusal),
    };
    let (wanted, typed, read) = read(&form);
    match read {
        Ok(()) => {
            let done = make(&admin, &whole, &wanted).await;
            admin.follow(done)
        }
        Err(problems) => admin.show_again(&page(&whole, &wanted, &typed, &problems)),
    }
}

async fn make(
    admin: &Administrator,
    whole: &WholeProject,
    wanted: &KeySettings,
) -> Result<(String, Done), Refusal> {
    let public_key = PublicKey(admin.state().random.uuid());
    let (project, organization) = (whole.project.id, whole.project.organization_id);
    let actor = admin.actor();
    let KeySettings { label, is_active, rate_limit } = wanted;
    let details = json!({ "active": is_active, "rate_limit": rate_limit });
    let mut conn = admin.conn().await?;
    let made = transaction(&mut conn, async |conn: &mut Conn| {
        let made = project_keys::insert(conn, project, public_key, label).await?;
        keys::update(conn, made.id, wanted).await?;
        let target = target(&made, organization);
        audit::record(conn, &actor, Action::KeyCreate, &target, &details).await?;
        Ok(made)
    })
    .await?;
    Ok((path_of_key(&made), What::KeyCreated.into()))
}
