//! Who may call what, as a page shows it.

use mishap_core::access::Role;
use mishap_templates::pages::ApiPermissions;
use mishap_templates::parts::{Cell, Column, EmptyState, Row, Table as Rows};

use crate::access::{Otherwise, Permission, Who};
use crate::openapi::{Table, permissions as words, template};

const COLUMNS: [&str; 6] =
    ["Endpoint", "Who", "Any of these scopes", "Least role", "Members below", "Strangers"];

/// The page that the tables make.
pub(super) fn page(tables: &[Table]) -> ApiPermissions {
    let titled = |table: &Table| (format!("Below {}", table.prefix), rows(table));
    ApiPermissions { tables: tables.iter().map(titled).collect() }
}

fn rows(table: &Table) -> Rows {
    let rows = table.endpoints.iter().map(|endpoint| {
        let permission = &endpoint.permission;
        let (path, _parameters) = template(endpoint.path);
        let name = format!("{} {}{path}", endpoint.method, table.prefix);
        Row {
            link: None,
            cells: vec![
                Cell::Code(name),
                Cell::text(who(permission)),
                Cell::text(words::scopes(permission)),
                Cell::text(permission.role.map(Role::label).unwrap_or_default()),
                Cell::text(too_little(permission)),
                Cell::text(stranger(permission)),
            ],
        }
    });
    Rows {
        caption: format!("Who may call what below {}", table.prefix),
        columns: Column::of(&COLUMNS),
        rows: rows.collect(),
        empty: EmptyState {
            title: "Nothing is here".to_owned(),
            next: "No endpoint is served.".to_owned(),
            action: None,
        },
    }
}

fn who(permission: &Permission) -> &'static str {
    match (permission.who, permission.staff) {
        (Who::Everybody | Who::Anybody, _) => "Anybody",
        (Who::Caller, false) => "Token or session",
        (Who::Person, false) => "Session",
        (Who::Caller, true) => "Staff: token or session",
        (Who::Person, true) => "Staff: session",
    }
}

/// What a member hears whose role is too small.
fn too_little(permission: &Permission) -> &'static str {
    match (permission.role, permission.otherwise) {
        (None | Some(Role::Viewer), _) => "",
        (Some(_), Otherwise::Hidden) => "404",
        (Some(_), Otherwise::Refused | Otherwise::EmptyList) => "403",
    }
}

fn stranger(permission: &Permission) -> &'static str {
    match (permission.role, permission.otherwise) {
        (None, _) => "",
        (Some(_), Otherwise::EmptyList) => "Empty list",
        (Some(_), Otherwise::Refused | Otherwise::Hidden) => "404",
    }
}
