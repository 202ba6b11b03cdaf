//! Makes an organization.

use actix_web::HttpResponse;
use mishap_core::access::Role;
use mishap_core::audit::Action;
use mishap_core::slug;
use mishap_storage::accounts::users;
use mishap_storage::{Conn, audit, members, organizations, transaction};
use mishap_templates::admin::FormPage;
use mishap_templates::link::Link;
use mishap_templates::parts::{Field, FieldKind, Form as FormPart, Problems};
use serde_json::json;

use super::{PATH, path_of, target};
use crate::account::{Problem, Refusal};
use crate::admin::Administrator;
use crate::admin::answers::Answers;
use crate::admin::done::{Done, What};
use crate::admin::parts::above;
use crate::pages::Form;
use crate::pages::screen::problems;

/// `GET /admin/organizations/new/`
pub(in crate::admin) async fn show_create(admin: Administrator) -> HttpResponse {
    let owner = admin.account().email.clone();
    admin.show(&page("", &owner, &Problems::none()))
}

fn page(name: &str, owner: &str, problems: &Problems) -> FormPage {
    FormPage {
        title: "New organization".to_owned(),
        lead: None,
        parents: vec![above("Organizations", PATH)],
        form: FormPart {
            id: "organization",
            path: format!("{PATH}new/"),
            problem: None,
            hidden: Vec::new(),
            fields: vec![
                Field::new("name", "Name", FieldKind::Text)
                    .value(name)
                    .help("Its name in addresses is made from it, and can be changed later.")
                    .problem(problems.of("name"))
                    .autocomplete("off")
                    .focused(),
                Field::new("owner", "Owner", FieldKind::Email)
                    .value(owner)
                    .help("The address of an account. Leave it empty to invite the first member yourself.")
                    .problem(problems.of("owner"))
                    .autocomplete("off")
                    .optional(),
            ],
            submit: "Create organization".to_owned(),
            cancel: Some(Link::within(PATH)),
        },
    }
}

/// `POST /admin/organizations/new/` — `name`, `owner` (an address, or nothing).
pub(in crate::admin) async fn create(admin: Administrator, form: Form) -> HttpResponse {
    let mut answers = Answers::of(&form);
    let name = answers.text("name", 1..=200);
    let owner = answers.text("owner", 0..=254);
    let made = match answers.finish(Some(())) {
        Ok(()) => make(&admin, &name, &owner).await.map_err(problems),
        Err(problems) => Err(Ok(problems)),
    };
    match made {
        Ok(done) => admin.follow(Ok(done)),
        Err(Ok(problems)) => admin.show_again(&page(&name, &owner, &problems)),
        Err(Err(refusal)) => admin.refuse(refusal),
    }
}

async fn make(admin: &Administrator, name: &str, owner: &str) -> Result<(String, Done), Refusal> {
    let mut conn = admin.conn().await?;
    let account = match owner {
        "" => None,
        email => {
            let unknown = || Problem {
                code: "unknown",
                param: Some("owner"),
                message: "No account has this address.".to_owned(),
            };
            Some(users::find_by_email(&mut conn, email).await?.ok_or_else(unknown)?)
        }
    };
    let owner = account.map(|account| (account.id, account.email));
    let slugs = slug::of_organization(name, admin.state().random.as_ref());
    let actor = admin.actor();
    let details = json!({ "owner": owner.as_ref().map(|(_, email)| email) });
    let made = transaction(&mut conn, async |conn: &mut Conn| {
        let made = organizations::insert(conn, name, &slugs).await?;
        if let Some((owner, _)) = &owner {
            members::put(conn, made.id, *owner, Role::Owner).await?;
        }
        let action = Action::OrganizationCreate;
        audit::record(conn, &actor, action, &target(&made), &details).await?;
        Ok(made)
    })
    .await?;
    Ok((path_of(made.id), What::OrganizationCreated.into()))
}
