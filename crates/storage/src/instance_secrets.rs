//! Secrets of the whole installation, made once and kept.

use diesel::QueryableByName;
use diesel::sql_types::{Binary, Text};
use diesel_async::RunQueryDsl as _;
use mishap_core::random::Random;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// The secret of this name; 32 random bytes if nobody made it before.
pub async fn get_or_make(conn: &mut Conn, name: &str, random: &dyn Random) -> Result<Vec<u8>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        secret: Vec<u8>,
    }
    let mut fresh = vec![0; 32];
    random.fill(&mut fresh);
    let row: Row = statement(
        "INSERT INTO instance_secrets (name, secret) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING secret",
    )
    .bind::<Text, _>(name)
    .bind::<Binary, _>(fresh)
    .get_result(conn)
    .await?;
    Ok(row.secret)
}
