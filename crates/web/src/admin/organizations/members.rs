//! Members of an organization, and invitations that are still open.

mod actions;
mod invite;

use actix_web::HttpResponse;
use mishap_core::access::Role;
use mishap_core::id::MemberId;
use mishap_storage::Conn;
use mishap_storage::audit::Target;
use mishap_storage::members::{self, Member};
use mishap_storage::oversight::organizations::WholeOrganization;
use mishap_templates::admin::{DetailPage, SectionBody};
use mishap_templates::link::Link;
use mishap_templates::parts::{
    ActionForm, Badge, ButtonKind, Cell, Danger, DangerZone, Field, FieldKind, Form as FormPart,
    Level, Pager, Row,
};

pub(in crate::admin) use self::actions::{change_role, make_primary_owner, remove};
pub(in crate::admin) use self::invite::{invite, show_invite};
use super::parts::listing;
use super::{PATH, named, path_of};
use crate::account::{Refusal, invitation};
use crate::admin::administrator::missing;
use crate::admin::parts::{
    ROWS, above, button, choices, explained, facts, form_section, nothing, pager, row, section,
    table,
};
use crate::admin::{Administrator, users};

/// Roles by their names, the mightiest first.
const ROLES: [Role; 5] = [Role::Owner, Role::Manager, Role::Admin, Role::Member, Role::Viewer];

/// A field in which a role is chosen.
fn role_field(chosen: Role) -> Field {
    let roles = choices(ROLES.map(|role| (role.name(), role.label())), chosen.name());
    Field::new("role", "Role", FieldKind::Select(roles)).help(
        "Viewers look. Members work on issues. Admins manage projects and teams, managers also \
         members. Owners may do everything.",
    )
}

/// The role that a form names.
fn role_of(name: &str) -> Option<Role> {
    ROLES.into_iter().find(|role| role.name() == name)
}

/// How the audit log tells of a member.
fn target(member: &Member) -> Target {
    Target {
        kind: "member",
        id: member.id.to_string(),
        label: member.address().to_owned(),
        organization: Some(member.organization),
    }
}

/// The organization and the member that the path names.
async fn named_member(
    conn: &mut Conn,
    admin: &Administrator,
) -> Result<(WholeOrganization, Member), Refusal> {
    let whole = named(conn, admin).await?;
    let member = MemberId(admin.number("member")?);
    let member = members::find(conn, whole.organization.id, member).await?;
    Ok((whole, member.ok_or_else(missing)?))
}

/// Where a member is.
fn path_of_member(member: &Member) -> String {
    format!("{}members/{}/", path_of(member.organization), member.id)
}

/// `GET /admin/organizations/{organization}/members/`
pub(in crate::admin) async fn list(admin: Administrator) -> HttpResponse {
    let page = found(&admin).await;
    admin.answer(page)
}

async fn found(admin: &Administrator) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let whole = named(&mut conn, admin).await?;
    let id = whole.organization.id;
    let found = members::list(&mut conn, id, admin.cursor(), ROWS).await?;
    let rows = found.items.iter().map(shown).collect();
    let empty = nothing("No members", "Nobody sees this organization. Invite somebody to own it.");
    let columns = ["E-mail address", "Name", "Role", "State", "Since"];
    let path = format!("{}members/", path_of(id));
    let pager = pager(&found, &path, &[], ("member", "members"));
    let body = SectionBody::Table(table("Members", &columns, rows, empty));
    let invite = button("Invite somebody", format!("{}invite/", path_of(id)), ButtonKind::Primary);
    Ok(DetailPage { links: vec![invite], ..listing(&whole, "members/", body, "Members", pager) })
}

fn shown(member: &Member) -> Row {
    let name = member.user.as_ref().map(|user| user.name.clone()).unwrap_or_default();
    row(
        path_of_member(member),
        vec![
            Cell::text(member.address()),
            Cell::text(name),
            Cell::text(member.role.label()),
            Cell::Badge(state(member)),
            Cell::Ago(member.created_at),
        ],
    )
}

/// How a member is.
fn state(member: &Member) -> Badge {
    match &member.user {
        None => Badge::new(Level::Info, "Invited"),
        Some(user) if !user.is_active => Badge::new(Level::Neutral, "Inactive"),
        Some(_) if member.is_primary_owner => Badge::new(Level::Ok, "Primary owner"),
        Some(_) => Badge::new(Level::Ok, "Member"),
    }
}

/// `GET /admin/organizations/{organization}/members/{member}/`
pub(in crate::admin) async fn show(admin: Administrator) -> HttpResponse {
    let page = page(&admin).await;
    match page {
        // The link of an invitation is on it.
        Ok(page) => admin.reveal(&page),
        Err(refusal) => admin.refuse(refusal),
    }
}

async fn page(admin: &Administrator) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let (whole, member) = named_member(&mut conn, admin).await?;
    let teams = members::teams_of(&mut conn, &[member.id]).await?.remove(&member.id);
    let account = member.user.as_ref().map_or(Cell::Missing, |user| {
        Cell::Link(user.email.clone(), Link::within(users::path_of(user.id)))
    });
    let mut sections = vec![section(
        "Member",
        facts([
            ("E-mail address", Cell::text(member.address())),
            ("Account", account),
            ("Role", Cell::text(member.role.label())),
            ("Teams", Cell::text(teams.unwrap_or_default().join(", "))),
            ("Since", Cell::Moment(member.created_at)),
        ]),
    )];
    if member.user.is_none() {
        let explanation = "It holds for 15 days from now, for the invited address alone. Hand it \
                           over yourself if no mail arrives.";
        let link = invitation::link(admin.state(), &member);
        sections.push(explained("Link to accept", explanation, SectionBody::Copy("link", link)));
    }
    sections.push(form_section("Role", "", role_form(&member)));
    let organization = &whole.organization;
    let path = path_of(organization.id);
    Ok(DetailPage {
        title: member.address().to_owned(),
        lead: None,
        badges: vec![state(&member)],
        parents: vec![
            above("Organizations", PATH),
            above(&organization.name, &path),
            above("Members", format!("{path}members/")),
        ],
        links: Vec::new(),
        actions: actions(&member),
        tabs: Vec::new(),
        sections,
        pager: Pager::default(),
        dangers: DangerZone { actions: removal(&member).into_iter().collect() },
    })
}

fn role_form(member: &Member) -> FormPart {
    FormPart {
        id: "role",
        path: format!("{}role/", path_of_member(member)),
        problem: None,
        hidden: Vec::new(),
        fields: vec![role_field(member.role)],
        submit: "Change role".to_owned(),
        cancel: None,
    }
}

fn actions(member: &Member) -> Vec<ActionForm> {
    let may_own = member.user.is_some() && member.role == Role::Owner && !member.is_primary_owner;
    let path = format!("{}owner/", path_of_member(member));
    may_own.then(|| ActionForm::new("Make primary owner", path)).into_iter().collect()
}

fn removal(member: &Member) -> Option<Danger> {
    let path = format!("{}remove/", path_of_member(member));
    let danger = |title: &str, explanation: &str, submit: &str| Danger {
        id: "remove",
        title: title.to_owned(),
        explanation: explanation.to_owned(),
        submit: submit.to_owned(),
        path,
        phrase: None,
        problem: None,
    };
    match &member.user {
        _ if member.is_primary_owner => None,
        None => Some(danger(
            "Withdraw the invitation",
            "Its link opens nothing any more. The address can be invited again.",
            "Withdraw",
        )),
        Some(_) => Some(danger(
            "Remove from the organization",
            "The person does not see it any more. The account stays, and so does what it did.",
            "Remove",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_can_be_chosen() {
        for role in Role::ALL {
            assert_eq!(role_of(role.name()), Some(*role));
        }
        assert_eq!(role_of("king"), None);
    }
}
