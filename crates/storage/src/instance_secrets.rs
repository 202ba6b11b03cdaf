//! Secrets of the whole installation, made once and kept.

use diesel::QueryableByName;
use diesel::prelude::OptionalExtension as _;
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
    // A database that only reads tells what is known.
    let known = statement("SELECT secret FROM instance_secrets WHERE name = $1");
    let known = known.bind::<Text, _>(name).get_result::<Row>(conn).await.optional()?;
    if let Some(row) = known {
        return Ok(row.secret);
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
