//! What the database says of itself: the time, which all processes share, and whether it takes
//! writes.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Timestamptz};
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

/// Whether the database takes writes now.
pub(crate) async fn takes_writes(conn: &mut Conn) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        takes_writes: bool,
    }
    let asked =
        statement("SELECT current_setting('transaction_read_only') = 'off' AS takes_writes");
    Ok(asked.get_result::<Row>(conn).await?.takes_writes)
}
