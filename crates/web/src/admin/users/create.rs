//! Makes an account, and a link with which its owner chooses a password: no mail is needed.

use actix_web::HttpResponse;
use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_storage::accounts::emails;
use mishap_storage::accounts::users::{self, NewUser, User};
use mishap_storage::{Conn, audit, transaction};
use mishap_templates::admin::{DetailPage, FormPage};
use mishap_templates::link::Link;
use mishap_templates::parts::{Field, FieldKind, Form as FormPart, Problems};
use serde_json::json;

use super::PATH;
use super::actions::link_page;
use crate::account::{Problem, Refusal, own};
use crate::admin::Administrator;
use crate::admin::answers::Answers;
use crate::admin::parts::above;
use crate::links;
use crate::pages::Form;
use crate::pages::screen::problems;

/// Longest name, in characters.
const MAX_NAME: usize = 255;

/// `GET /admin/users/new/`
pub(in crate::admin) async fn show_create(admin: Administrator) -> HttpResponse {
    let page = page(&admin, &Typed { is_verified: true, ..Typed::default() }, &Problems::none());
    admin.show(&page)
}

/// What was typed.
#[derive(Debug, Default)]
struct Typed {
    email: String,
    name: String,
    is_verified: bool,
    is_staff: bool,
}

fn page(admin: &Administrator, typed: &Typed, problems: &Problems) -> FormPage {
    let Typed { email, name, is_verified, is_staff } = typed;
    let mut fields = vec![
        Field::new("email", "E-mail address", FieldKind::Email)
            .value(email)
            .problem(problems.of("email"))
            .autocomplete("off")
            .focused(),
        Field::new("name", "Name", FieldKind::Text)
            .value(name)
            .problem(problems.of("name"))
            .autocomplete("off")
            .optional(),
        Field::new(
            "verified",
            "The address is known to be theirs",
            FieldKind::Checkbox { is_checked: *is_verified },
        )
        .help("Sign-in providers that prove this address then lead to this account.")
        .optional(),
    ];
    if admin.account().is_superuser {
        let kind = FieldKind::Checkbox { is_checked: *is_staff };
        let help = "The account may open these pages.";
        fields.push(Field::new("staff", "Administrator", kind).help(help).optional());
    }
    FormPage {
        title: "New user".to_owned(),
        lead: Some(
            "The next page shows a link with which the person chooses a password.".to_owned(),
        ),
        parents: vec![above("Users", PATH)],
        form: FormPart {
            id: "user",
            path: format!("{PATH}new/"),
            problem: None,
            hidden: Vec::new(),
            fields,
            submit: "Create user".to_owned(),
            cancel: Some(Link::within(PATH)),
        },
    }
}

/// `POST /admin/users/new/` — `email`, `name`, `verified`, `staff`.
pub(in crate::admin) async fn create(admin: Administrator, form: Form) -> HttpResponse {
    let mut answers = Answers::of(&form);
    let email = answers.email("email");
    let typed = Typed {
        email: form.text("email").trim().to_owned(),
        name: answers.text("name", 0..=MAX_NAME),
        is_verified: answers.is_on("verified"),
        is_staff: answers.is_on("staff") && admin.account().is_superuser,
    };
    let made = match answers.finish(email) {
        Ok(email) => make(&admin, &email, &typed).await.map_err(problems),
        Err(problems) => Err(Ok(problems)),
    };
    match made {
        Ok(page) => admin.reveal(&page),
        Err(Ok(problems)) => {
            let page = page(&admin, &typed, &problems);
            admin.show_again(&page)
        }
        Err(Err(refusal)) => admin.refuse(refusal),
    }
}

async fn make(
    admin: &Administrator,
    email: &EmailAddress,
    typed: &Typed,
) -> Result<DetailPage, Refusal> {
    let Typed { name, is_verified, is_staff, .. } = typed;
    let email = email.as_str();
    let actor = admin.actor();
    let new =
        NewUser { email, name, password_hash: None, is_superuser: false, is_staff: *is_staff };
    let details = json!({ "verified": is_verified, "staff": is_staff });
    let mut conn = admin.conn().await?;
    let made: Option<User> = transaction(&mut conn, async |conn: &mut Conn| {
        if emails::is_taken(conn, email, None).await? {
            return Ok(None);
        }
        let user = users::insert(conn, &new).await?;
        emails::insert(conn, user.id, email, *is_verified, true).await?;
        audit::record(conn, &actor, Action::AccountCreate, &own(&user), &details).await?;
        audit::record(conn, &actor, Action::PasswordResetLink, &own(&user), &json!({})).await?;
        Ok(Some(user))
    })
    .await?;
    let user = made.ok_or_else(Problem::email_taken)?;
    let state = admin.state();
    let now = state.clock.now();
    let link = links::password_reset(&mut conn, &state.config, &user, now).await?;
    Ok(link_page(&user, "The account is made", &link))
}
