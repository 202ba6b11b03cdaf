//! The database's clock, which all processes share.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl as _;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// Now, by the database's clock.
pub async fn now(conn: &mut Conn) -> Result<DateTime<Utc>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Timestamptz)]
        now: DateTime<Utc>,
    }
    Ok(statement("SELECT clock_timestamp() AS now").get_result::<Row>(conn).await?.now)
}
