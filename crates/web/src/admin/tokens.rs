//! Everybody's API tokens.

use actix_web::HttpResponse;
use mishap_core::access::{Scope, Scopes};
use mishap_storage::oversight::tokens::{self, OwnedToken};
use mishap_templates::admin::{ListPage, Search};
use mishap_templates::link::Link;
use mishap_templates::parts::{ActionForm, ButtonKind, Cell, Field, FieldKind, Row};

use super::parts::{ROWS, nothing, pager, plain_row, sending, table};
use super::{Administrator, users};
use crate::account::Refusal;

/// Where the tokens are.
pub(super) const PATH: &str = "/admin/tokens/";

/// `GET /admin/tokens/` — `search`.
pub(super) async fn list(admin: Administrator) -> HttpResponse {
    let page = found(&admin).await;
    admin.answer(page)
}

async fn found(admin: &Administrator) -> Result<ListPage, Refusal> {
    let search = admin.asked("search");
    let mut conn = admin.conn().await?;
    let page = tokens::list(&mut conn, search, admin.cursor(), ROWS).await?;
    let search = search.unwrap_or_default();
    let empty =
        nothing("No tokens", "Tokens are for programs that use the API in place of a person.");
    let columns = ["Label", "Owner", "Ends in", "Scopes", "Used", "Ends", "Action"];
    let rows = page.items.iter().map(|token| shown(admin, token));
    Ok(ListPage {
        title: "API tokens".to_owned(),
        lead: Some(
            "Everybody's, the newest first. New ones are made on their owner's page.".into(),
        ),
        parents: Vec::new(),
        forms: Vec::new(),
        actions: Vec::new(),
        search: Some(Search {
            path: PATH.to_owned(),
            query: Some(Field::new("search", "Label or owner", FieldKind::Text).value(search)),
            filters: Vec::new(),
        }),
        pager: pager(&page, PATH, &[("search", search)], ("token", "tokens")),
        table: table("API tokens", &columns, rows.collect(), empty),
    })
}

fn shown(admin: &Administrator, token: &OwnedToken) -> Row {
    let may = admin.account().is_superuser || !token.is_superuser_s;
    let owner = users::path_of(token.user_id);
    let delete = format!("{owner}tokens/{}/delete/", token.id);
    plain_row(vec![
        Cell::text(&token.label),
        Cell::Link(token.email.clone(), Link::within(owner)),
        hint(&token.hint),
        scopes(token.scopes()),
        token.last_used_at.map_or(Cell::Missing, Cell::Ago),
        token.expires_at.map_or(Cell::text("never"), Cell::Ago),
        if may {
            Cell::Action(ActionForm {
                object: Some(format!("{} {}", token.label, token.hint)),
                kind: ButtonKind::Danger,
                ..sending("Delete", &delete, &[("next", "tokens")])
            })
        } else {
            Cell::Missing
        },
    ])
}

/// The last characters of a token.
pub(super) fn hint(hint: &str) -> Cell {
    if hint.is_empty() { Cell::Missing } else { Cell::Code(hint.to_owned()) }
}

/// What a token may do.
pub(super) fn scopes(scopes: Scopes) -> Cell {
    if scopes == Scopes::ALL {
        return Cell::text("everything");
    }
    let names: Vec<_> = scopes.iter().map(Scope::name).collect();
    Cell::text(names.join(", "))
}
