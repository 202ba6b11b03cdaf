//! Invites somebody, by mail; the link is shown, too, for where there is none.

use actix_web::HttpResponse;
use mishap_core::access::Role;
use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_storage::members::{self, Member};
use mishap_storage::oversight::organizations::WholeOrganization;
use mishap_storage::{Conn, audit, transaction};
use mishap_templates::admin::FormPage;
use mishap_templates::link::Link;
use mishap_templates::parts::{Field, FieldKind, Form as FormPart, Problems};
use serde_json::json;

use super::{PATH, named, path_of, path_of_member, role_field, role_of, target};
use crate::account::{Problem, Refusal, invitation};
use crate::admin::Administrator;
use crate::admin::answers::Answers;
use crate::admin::done::{Done, What};
use crate::admin::parts::above;
use crate::mail;
use crate::pages::Form;
use crate::pages::screen::problems;

/// `GET /admin/organizations/{organization}/invite/`
pub(in crate::admin) async fn show_invite(admin: Administrator) -> HttpResponse {
    let page = async {
        let whole = named(&mut *admin.conn().await?, &admin).await?;
        Ok(page(&whole, "", Role::Member, &Problems::none()))
    };
    let page = page.await;
    admin.answer(page)
}

fn page(whole: &WholeOrganization, email: &str, role: Role, problems: &Problems) -> FormPage {
    let path = path_of(whole.organization.id);
    FormPage {
        title: "Invite somebody".to_owned(),
        lead: Some("A mail is sent. The next page shows its link, in case no mail arrives.".into()),
        parents: vec![
            above("Organizations", PATH),
            above(&whole.organization.name, &path),
            above("Members", format!("{path}members/")),
        ],
        form: FormPart {
            id: "invite",
            path: format!("{path}invite/"),
            problem: None,
            hidden: Vec::new(),
            fields: vec![
                Field::new("email", "E-mail address", FieldKind::Email)
                    .value(email)
                    .problem(problems.of("email"))
                    .autocomplete("off")
                    .focused(),
                role_field(role).problem(problems.of("role")),
            ],
            submit: "Invite".to_owned(),
            cancel: Some(Link::within(format!("{path}members/"))),
        },
    }
}

/// `POST /admin/organizations/{organization}/invite/` — `email`, `role`.
pub(in crate::admin) async fn invite(admin: Administrator, form: Form) -> HttpResponse {
    let found = async { named(&mut *admin.conn().await?, &admin).await };
    let whole = match found.await {
        Ok(whole) => whole,
        Err(refusal) => return admin.refuse(refusal),
    };
    let mut answers = Answers::of(&form);
    let email = answers.email("email");
    let role = role_of(form.text("role"));
    if role.is_none() {
        answers.problem("role", "Choose one of these.");
    }
    let made = match answers.finish(email.zip(role)) {
        Ok((email, role)) => write(&admin, &whole, &email, role).await.map_err(problems),
        Err(problems) => Err(Ok(problems)),
    };
    match made {
        Ok(done) => admin.follow(Ok(done)),
        Err(Ok(problems)) => {
            let role = role.unwrap_or(Role::Member);
            admin.show_again(&page(&whole, form.text("email"), role, &problems))
        }
        Err(Err(refusal)) => admin.refuse(refusal),
    }
}

async fn write(
    admin: &Administrator,
    whole: &WholeOrganization,
    email: &EmailAddress,
    role: Role,
) -> Result<(String, Done), Refusal> {
    let (organization, inviter) = (whole.organization.id, admin.account().id);
    let email = email.as_str();
    let actor = admin.actor();
    let details = json!({ "role": role.name() });
    let mut conn = admin.conn().await?;
    let invited: Option<Member> = transaction(&mut conn, async |conn: &mut Conn| {
        if members::find_by_email(conn, organization, email).await?.is_some() {
            return Ok(None);
        }
        let member = members::invite(conn, organization, email, role, inviter).await?;
        let invitation = mail::Invitation {
            organization: &whole.organization.name,
            inviter: &actor.label,
            role,
            link: &invitation::link(admin.state(), &member),
        };
        mail::invitation(conn, email, invitation).await?;
        audit::record(conn, &actor, Action::MemberInvite, &target(&member), &details).await?;
        Ok(Some(member))
    })
    .await?;
    let taken = || Problem {
        code: "taken",
        param: Some("email"),
        message: "Somebody with this address is a member, or invited, already.".to_owned(),
    };
    let member = invited.ok_or_else(taken)?;
    Ok((path_of_member(&member), What::Invited.into()))
}
