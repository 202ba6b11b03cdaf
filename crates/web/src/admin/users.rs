//! Everybody's accounts.

mod account;
mod actions;
mod authority;
mod create;
mod tokens;

use actix_web::HttpResponse;
use mishap_storage::oversight::users::{self, ListedUser, UserFilter};
use mishap_templates::admin::{ListPage, Search};
use mishap_templates::parts::{ButtonKind, Cell, EmptyState, Field, FieldKind, Level, Row};

pub(super) use self::account::show;
pub(super) use self::actions::{
    flag, make_reset_link, reset_second_factors, sign_out, verify_address,
};
pub(super) use self::create::{create, show_create};
pub(super) use self::tokens::{
    create as create_token, delete as delete_token, show_create as show_create_token,
};
use super::Administrator;
use super::parts::{ROWS, address, badge, button, choices, count, pager, row, table};
use crate::account::Refusal;

/// Where the accounts are.
pub(super) const PATH: &str = "/admin/users/";

/// Where an account is.
pub(super) fn path_of(user: impl std::fmt::Display) -> String {
    format!("{PATH}{user}/")
}

/// `GET /admin/users/` — `search`, `state`, `staff`.
pub(super) async fn list(admin: Administrator) -> HttpResponse {
    let page = found(&admin).await;
    admin.answer(page)
}

async fn found(admin: &Administrator) -> Result<ListPage, Refusal> {
    let asked = |name| admin.asked(name).unwrap_or_default();
    let (search, state, staff) = (asked("search"), asked("state"), asked("staff"));
    let filter = UserFilter {
        search: admin.asked("search").map(str::to_owned),
        is_active: truth(state, "active", "inactive"),
        is_staff: truth(staff, "yes", "no"),
    };
    let mut conn = admin.conn().await?;
    let page = users::list(&mut conn, &filter, admin.cursor(), ROWS).await?;
    let parameters = [("search", search), ("state", state), ("staff", staff)];
    let select = |name: &str, label: &str, of: [(&str, &str); 3], chosen: &str| {
        Field::new(name, label, FieldKind::Select(choices(of, chosen)))
    };
    let states = [("", "Any"), ("active", "Active"), ("inactive", "Inactive")];
    let staffs = [("", "Anybody"), ("yes", "Yes"), ("no", "No")];
    let columns = [
        "E-mail address",
        "Name",
        "State",
        "Rights",
        "Second factor",
        "Organizations",
        "Last sign-in",
    ];
    let is_filtered = parameters.iter().any(|(_, value)| !value.is_empty());
    Ok(ListPage {
        title: "Users".to_owned(),
        lead: Some("Everybody who has an account, the newest first.".to_owned()),
        parents: Vec::new(),
        forms: Vec::new(),
        actions: vec![button("New user", format!("{PATH}new/"), ButtonKind::Primary)],
        search: Some(Search {
            path: PATH.to_owned(),
            query: Some(
                Field::new("search", "E-mail address or name", FieldKind::Text).value(search),
            ),
            filters: vec![
                select("state", "State", states, state),
                select("staff", "Administrator", staffs, staff),
            ],
        }),
        pager: pager(&page, PATH, &parameters, ("user", "users")),
        table: table("Users", &columns, page.items.iter().map(shown).collect(), empty(is_filtered)),
    })
}

fn truth(asked: &str, yes: &str, no: &str) -> Option<bool> {
    (asked == yes || asked == no).then_some(asked == yes)
}

fn shown(user: &ListedUser) -> Row {
    row(
        path_of(user.id),
        vec![
            Cell::text(&user.email),
            Cell::text(&user.name),
            state(user.is_active),
            rank(user.is_staff, user.is_superuser),
            Cell::Flag(user.has_second_factor),
            count(user.organizations),
            user.last_login_at.map_or(Cell::Missing, Cell::Ago),
        ],
    )
}

/// Whether an account may be used.
fn state(is_active: bool) -> Cell {
    if is_active { badge(Level::Ok, "Active") } else { badge(Level::Neutral, "Inactive") }
}

/// What an account may do in these pages.
fn rank(is_staff: bool, is_superuser: bool) -> Cell {
    match (is_staff, is_superuser) {
        (true, true) => badge(Level::Info, "Superuser"),
        (true, false) => badge(Level::Info, "Administrator"),
        (false, true) => badge(Level::Neutral, "Superuser, not here"),
        (false, false) => Cell::Missing,
    }
}

fn empty(is_filtered: bool) -> EmptyState {
    let next = match is_filtered {
        true => "Look for a part of an address or a name, or take a filter away.",
        false => "An account is made by whoever signs up, is invited, or by you.",
    };
    EmptyState {
        title: "Nobody matches".to_owned(),
        next: next.to_owned(),
        action: is_filtered
            .then(|| button("Show all users", address(PATH, &[]), ButtonKind::Plain)),
    }
}
