//! Any statement at all, on a connection that a test has.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use mishap_storage::{Conn, Result};

/// Runs statements.
pub async fn execute(conn: &mut Conn, text: &str) -> Result<()> {
    Ok(conn.batch_execute(text).await?)
}

/// The column `json` of a query.
pub async fn texts(conn: &mut Conn, query: String) -> Result<Vec<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        json: String,
    }
    let rows: Vec<Row> = diesel::sql_query(query).load(conn).await?;
    Ok(rows.into_iter().map(|row| row.json).collect())
}
