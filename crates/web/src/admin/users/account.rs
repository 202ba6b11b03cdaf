//! One account.

use actix_web::HttpResponse;
use mishap_core::id::UserId;
use mishap_storage::Conn;
use mishap_storage::accounts::authenticators::{self, Authenticator, Kind};
use mishap_storage::accounts::emails::{self, UserEmail};
use mishap_storage::accounts::identities::{self, Identity};
use mishap_storage::accounts::sessions::{self, Session};
use mishap_storage::accounts::tokens::{self, Token};
use mishap_storage::accounts::users::{self, User};
use mishap_storage::oversight::users::{OwnMembership, memberships};
use mishap_templates::admin::{DetailPage, Section, SectionBody};
use mishap_templates::parts::{
    ActionForm, Badge, ButtonKind, Cell, Danger, DangerZone, Level, LinkButton, Pager,
};

use super::authority::may_change;
use super::{PATH, path_of};
use crate::account::Refusal;
use crate::admin::administrator::missing;
use crate::admin::parts::{
    above, address, badge, button, explained, facts, nothing, plain_row, row, section, sending,
    table,
};
use crate::admin::{Administrator, organizations, tokens as all_tokens};

/// Rows of each kind that are shown at most.
const SHOWN: i64 = 100;

/// `GET /admin/users/{user}/`
pub(in crate::admin) async fn show(admin: Administrator) -> HttpResponse {
    let page = page(&admin).await;
    admin.answer(page)
}

/// What belongs to an account.
struct Belongings {
    addresses: Vec<UserEmail>,
    memberships: Vec<OwnMembership>,
    tokens: Vec<Token>,
    sessions: Vec<Session>,
    factors: Vec<Authenticator>,
    identities: Vec<Identity>,
}

async fn belongings(
    conn: &mut Conn,
    admin: &Administrator,
    user: UserId,
) -> Result<Belongings, Refusal> {
    let now = admin.state().clock.now();
    Ok(Belongings {
        addresses: emails::list(conn, user).await?,
        memberships: memberships(conn, user, SHOWN).await?,
        tokens: tokens::list(conn, user, None, SHOWN).await?.items,
        sessions: sessions::list(conn, user, now).await?,
        factors: authenticators::list(conn, user).await?,
        identities: identities::list_of_users(conn, &[user])
            .await?
            .remove(&user)
            .unwrap_or_default(),
    })
}

async fn page(admin: &Administrator) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let user = UserId(admin.number("user")?);
    let user = users::find(&mut conn, user).await?.ok_or_else(missing)?;
    let belongings = belongings(&mut conn, admin, user.id).await?;
    let may = may_change(admin.account(), &user);
    let Belongings { addresses, memberships, tokens, sessions, factors, identities } = belongings;
    let mut sections = vec![
        overview(&user),
        rights(admin.account(), &user),
        of_addresses(&user, &addresses, may),
        of_memberships(&memberships),
        of_tokens(&user, &tokens, may),
        of_sessions(&user, &sessions, may),
        of_factors(&factors),
    ];
    if !identities.is_empty() {
        sections.push(of_identities(&identities));
    }
    Ok(DetailPage {
        title: user.email.clone(),
        lead: Some(user.name.clone()).filter(|name| !name.is_empty()),
        badges: badges(&user),
        parents: vec![above("Users", PATH)],
        links: links(&user),
        actions: actions(&user, may),
        tabs: Vec::new(),
        sections,
        pager: Pager::default(),
        dangers: dangers(&user, !factors.is_empty() && may),
    })
}

fn badges(user: &User) -> Vec<Badge> {
    let cells = [super::state(user.is_active), super::rank(user.is_staff, user.is_superuser)];
    let badge = |cell| match cell {
        Cell::Badge(badge) => Some(badge),
        _ => None,
    };
    cells.into_iter().filter_map(badge).collect()
}

fn links(user: &User) -> Vec<LinkButton> {
    let log = address("/admin/audit/", &[("actor", &user.email)]);
    vec![button("What they did", log, ButtonKind::Plain)]
}

/// What the administrator may do with the account at once.
fn actions(user: &User, may: bool) -> Vec<ActionForm> {
    let path = format!("{}reset-link/", path_of(user.id));
    let link = ActionForm::new("Link for a new password", path);
    (may && user.is_active).then_some(link).into_iter().collect()
}

/// What the account may do, and what the administrator may say about that.
fn rights(acting: &User, user: &User) -> Section {
    let is_other = acting.id != user.id;
    let may = is_other && may_change(acting, user);
    let path = format!("{}flag/", path_of(user.id));
    let shown = |right: &str, name: &str, is: bool, may: bool, [on, off]: [&str; 2]| {
        let (label, value) = if is { (off, "off") } else { (on, "on") };
        let action = ActionForm {
            object: Some(right.to_owned()),
            ..sending(label, &path, &[("flag", name), ("value", value)])
        };
        let action = if may { Cell::Action(action) } else { Cell::Missing };
        plain_row(vec![Cell::text(right), Cell::Flag(is), action])
    };
    let may_grant = may && acting.is_superuser;
    let rows = vec![
        shown(
            "Signs in, and uses the API",
            "active",
            user.is_active,
            may,
            ["Activate", "Deactivate"],
        ),
        shown("Opens these pages", "staff", user.is_staff, may_grant, ["Allow", "Take away"]),
        shown(
            "Superuser: changes other administrators",
            "superuser",
            user.is_superuser,
            may_grant,
            ["Allow", "Take away"],
        ),
    ];
    let columns = ["Right", "Has it", "Action"];
    let empty = nothing("No rights", "");
    section("Rights", SectionBody::Table(table("Rights", &columns, rows, empty)))
}

fn overview(user: &User) -> Section {
    section(
        "Account",
        facts([
            ("Number", Cell::Code(user.id.to_string())),
            ("Name", Cell::text(&user.name)),
            ("Password", Cell::text(if user.has_password { "set" } else { "not set" })),
            ("Made", Cell::Moment(user.created_at)),
            ("Last sign-in", user.last_login_at.map_or(Cell::Missing, Cell::Ago)),
        ]),
    )
}

fn of_addresses(user: &User, addresses: &[UserEmail], may: bool) -> Section {
    let shown = |found: &UserEmail| {
        let verify = format!("{}addresses/{}/verify/", path_of(user.id), found.id);
        plain_row(vec![
            Cell::text(&found.email),
            if found.is_primary { badge(Level::Info, "Primary") } else { Cell::Missing },
            if found.is_verified {
                badge(Level::Ok, "Verified")
            } else {
                badge(Level::Warning, "Not verified")
            },
            if may && !found.is_verified {
                let object = Some(found.email.clone());
                Cell::Action(ActionForm { object, ..ActionForm::new("Mark verified", verify) })
            } else {
                Cell::Missing
            },
        ])
    };
    let empty = nothing("No address is kept", "The account signs in with the address above.");
    let rows = addresses.iter().map(shown).collect();
    let columns = ["Address", "Use", "Proof", "Action"];
    section("Addresses", SectionBody::Table(table("Addresses", &columns, rows, empty)))
}

fn of_memberships(memberships: &[OwnMembership]) -> Section {
    let shown = |membership: &OwnMembership| {
        let path = organizations::path_of(membership.organization);
        let member = format!("{path}members/{}/", membership.member);
        row(
            member,
            vec![
                Cell::text(&membership.name),
                Cell::text(membership.role.label()),
                if membership.is_primary_owner {
                    badge(Level::Info, "Primary owner")
                } else {
                    Cell::Missing
                },
                Cell::Ago(membership.since),
            ],
        )
    };
    let empty = nothing(
        "In no organization",
        "Invite the account from an organization's page, where its link is shown.",
    );
    let rows = memberships.iter().map(shown).collect();
    let columns = ["Organization", "Role", "Ownership", "Since"];
    section("Organizations", SectionBody::Table(table("Organizations", &columns, rows, empty)))
}

fn of_tokens(user: &User, tokens: &[Token], may: bool) -> Section {
    let path = path_of(user.id);
    let rows = tokens.iter().map(|token| {
        let delete = format!("{path}tokens/{}/delete/", token.id);
        plain_row(vec![
            Cell::text(&token.label),
            all_tokens::hint(&token.hint),
            all_tokens::scopes(token.scopes()),
            token.last_used_at.map_or(Cell::Missing, Cell::Ago),
            token.expires_at.map_or(Cell::text("never"), Cell::Ago),
            Cell::Ago(token.created_at),
            if may {
                let object = Some(format!("{} {}", token.label, token.hint));
                let kind = ButtonKind::Danger;
                Cell::Action(ActionForm { object, kind, ..ActionForm::new("Delete", delete) })
            } else {
                Cell::Missing
            },
        ])
    });
    let empty =
        nothing("No tokens", "Tokens are for programs that use the API in place of a person.");
    let columns = ["Label", "Ends in", "Scopes", "Used", "Ends", "Made", "Action"];
    let body = SectionBody::Table(table("API tokens", &columns, rows.collect(), empty));
    let mut tokens = section("API tokens", body);
    if may {
        tokens.links.push(button("New token", format!("{path}tokens/new/"), ButtonKind::Plain));
    }
    tokens
}

fn of_sessions(user: &User, sessions: &[Session], may: bool) -> Section {
    let shown = |session: &Session| {
        plain_row(vec![
            Cell::text(crate::browser::name(session.user_agent.as_deref().unwrap_or_default())),
            session.client_ip.clone().map_or(Cell::Missing, Cell::Code),
            Cell::Ago(session.created_at),
            Cell::Ago(session.last_seen_at),
        ])
    };
    let empty = nothing("Signed in nowhere", "Each browser that signs in is shown here.");
    let limit = usize::try_from(SHOWN).unwrap_or(usize::MAX);
    let rows: Vec<_> = sessions.iter().take(limit).map(shown).collect();
    let has_some = !rows.is_empty();
    let columns = ["Browser", "Address", "Since", "Seen"];
    let mut section =
        section("Sessions", SectionBody::Table(table("Sessions", &columns, rows, empty)));
    if may && has_some {
        let path = format!("{}sign-out/", path_of(user.id));
        section.actions.push(ActionForm::new("Sign out everywhere", path));
    }
    section
}

fn of_factors(factors: &[Authenticator]) -> Section {
    let shown = |factor: &Authenticator| {
        let kind = match factor.kind() {
            Some(Kind::Totp) => "Authenticator app",
            Some(Kind::RecoveryCodes) => "Recovery codes",
            Some(Kind::Passkey) => "Passkey",
            None => "Of another version",
        };
        plain_row(vec![
            Cell::text(kind),
            Cell::text(&factor.name),
            Cell::Ago(factor.created_at),
            factor.last_used_at.map_or(Cell::Missing, Cell::Ago),
        ])
    };
    let empty = nothing("None is set up", "The password alone lets this account in.");
    let rows = factors.iter().map(shown).collect();
    let columns = ["Kind", "Name", "Added", "Used"];
    section("Second factors", SectionBody::Table(table("Second factors", &columns, rows, empty)))
}

fn of_identities(identities: &[Identity]) -> Section {
    let shown = |identity: &Identity| {
        plain_row(vec![
            Cell::text(&identity.provider),
            Cell::text(identity.email.clone().unwrap_or_default()),
            Cell::Code(identity.uid.clone()),
            Cell::Ago(identity.last_login_at),
        ])
    };
    let empty = nothing("Linked with nobody", "Sign-in providers that know the person.");
    let rows = identities.iter().map(shown).collect();
    let columns = ["Provider", "Address there", "Number there", "Last sign-in"];
    explained(
        "Sign-in providers",
        "Who the person is elsewhere.",
        SectionBody::Table(table("Sign-in providers", &columns, rows, empty)),
    )
}

fn dangers(user: &User, can_reset_factors: bool) -> DangerZone {
    let reset = Danger {
        id: "factors",
        title: "Reset the second factors".to_owned(),
        explanation: "App, recovery codes and passkeys are forgotten. The next sign-in asks for \
                      the password only. Make sure that it is really the person who asks for it."
            .to_owned(),
        submit: "Reset".to_owned(),
        path: format!("{}second-factors/reset/", path_of(user.id)),
        phrase: None,
        problem: None,
    };
    DangerZone { actions: can_reset_factors.then_some(reset).into_iter().collect() }
}
