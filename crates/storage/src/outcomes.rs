//! How received items ended.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, SmallInt};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::ProjectId;
use mishap_core::outcome::Reason;
use mishap_core::tally::category_of;
use mishap_protocol::envelope::DataCategory;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// Items that ended alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeTotal {
    /// What they count as.
    pub category: DataCategory,
    /// Why they ended as they did.
    pub reason: Reason,
    /// How many.
    pub quantity: i64,
}

/// Sums over all hours kept, of one project or of all.
///
/// What has not been folded yet is missing; see [`crate::tallies`].
pub async fn totals(conn: &mut Conn, project: Option<ProjectId>) -> Result<Vec<OutcomeTotal>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SmallInt)]
        category: i16,
        #[diesel(sql_type = SmallInt)]
        reason: i16,
        #[diesel(sql_type = BigInt)]
        quantity: i64,
    }
    let rows: Vec<Row> = statement(
        "SELECT category, reason, sum(quantity)::bigint AS quantity FROM outcomes
         WHERE project_id = coalesce($1, project_id) GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind::<Nullable<BigInt>, _>(project)
    .load(conn)
    .await?;
    let total = |row: Row| {
        Some(OutcomeTotal {
            category: category_of(row.category)?,
            reason: Reason::from_code(row.reason)?,
            quantity: row.quantity,
        })
    };
    Ok(rows.into_iter().filter_map(total).collect())
}
