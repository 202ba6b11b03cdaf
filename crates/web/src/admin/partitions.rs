//! What is kept by the day or month.

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use mishap_storage::partitions::{self, PartitionSize, Partitioned, Span, bounds};
use mishap_templates::admin::{DetailPage, Section, SectionBody};
use mishap_templates::parts::{Cell, DangerZone, Level, Pager};

use super::Administrator;
use super::parts::{badge, count, explained, nothing, plain_row, table};
use crate::account::Refusal;

/// `GET /admin/partitions/`
pub(super) async fn show(admin: Administrator) -> HttpResponse {
    let page = page(&admin).await;
    admin.answer(page)
}

async fn page(admin: &Administrator) -> Result<DetailPage, Refusal> {
    let mut conn = admin.conn().await?;
    let sizes = partitions::sizes(&mut conn).await?;
    let now = admin.state().clock.now();
    let of = |table: &Partitioned| section_of(table, &sizes, now);
    let days = admin.state().config.administration.retention_days;
    let lead = format!(
        "Tables that grow are kept in parts, each for a time of its own. Parts are made ahead, and \
         those of events are dropped whole after {days} days."
    );
    Ok(DetailPage {
        title: "Partitions".to_owned(),
        lead: Some(lead),
        badges: Vec::new(),
        parents: Vec::new(),
        links: Vec::new(),
        actions: Vec::new(),
        tabs: Vec::new(),
        sections: partitions::ALL.iter().map(of).collect(),
        pager: Pager::default(),
        dangers: DangerZone { actions: Vec::new() },
    })
}

/// The partitions of a table, the newest first.
fn section_of(partitioned: &Partitioned, sizes: &[PartitionSize], now: DateTime<Utc>) -> Section {
    let own = sizes.iter().filter(|size| size.table == partitioned.table).rev();
    let rows = own.map(|size| {
        let time = bounds(partitioned, &size.name);
        let state = match time {
            Some((from, _)) if from > now => badge(Level::Neutral, "Ahead"),
            Some((_, to)) if to > now => badge(Level::Ok, "Now"),
            _ => Cell::Missing,
        };
        plain_row(vec![
            Cell::Code(size.name.clone()),
            state,
            time.map_or(Cell::Missing, |(from, _)| Cell::Moment(from)),
            count(size.rows),
            Cell::Bytes(u64::try_from(size.bytes).unwrap_or_default()),
        ])
    });
    let empty = nothing("No partitions yet", "A job makes them ahead of time, each hour.");
    let columns = ["Partition", "State", "From", "Rows, about", "Size"];
    let table = table(partitioned.table, &columns, rows.collect(), empty);
    let explanation = match partitioned.span {
        Span::Day => "One for each day.",
        Span::Month => "One for each month.",
    };
    explained(partitioned.table, explanation, SectionBody::Table(table))
}
