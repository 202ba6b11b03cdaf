//! What sentry-wizard fetches a few minutes after a person agreed. Whoever knows a wizard's hash may
//! have it, so it is as good as a password.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::UserId;
use mishap_core::secret::ApiToken;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// A wizard that waits, or may fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wizard {
    /// The token that a person made for it, once somebody agreed.
    pub token: Option<ApiToken>,
}

/// Lets a wizard wait.
pub async fn insert(conn: &mut Conn, hash: &str, expires_at: DateTime<Utc>) -> Result<()> {
    statement("INSERT INTO wizards (hash, expires_at) VALUES ($1, $2)")
        .bind::<Text, _>(hash)
        .bind::<Timestamptz, _>(expires_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// The wizard with this hash, until it expires.
pub async fn find(conn: &mut Conn, hash: &str, now: DateTime<Utc>) -> Result<Option<Wizard>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Text>)]
        token: Option<String>,
    }
    let query = statement("SELECT token FROM wizards WHERE hash = $1 AND expires_at > $2");
    let rows: Vec<Row> = query.bind::<Text, _>(hash).bind::<Timestamptz, _>(now).load(conn).await?;
    Ok(rows.into_iter().next().map(|row| Wizard { token: row.token.map(ApiToken::new) }))
}

/// Gives a wizard that waits a token, or another one of the same account; says whether there is one.
pub async fn set_token(
    conn: &mut Conn,
    hash: &str,
    user: UserId,
    token: &ApiToken,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool> {
    let given = statement(
        "UPDATE wizards SET user_id = $1, token = $2, expires_at = $3
         WHERE hash = $4 AND expires_at > $5 AND (user_id IS NULL OR user_id = $6)",
    )
    .bind::<BigInt, _>(user)
    .bind::<Text, _>(token.reveal())
    .bind::<Timestamptz, _>(expires_at)
    .bind::<Text, _>(hash)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(user)
    .execute(conn)
    .await?;
    Ok(given > 0)
}

/// Forgets a wizard, and the token's text with it.
pub async fn delete(conn: &mut Conn, hash: &str) -> Result<()> {
    statement("DELETE FROM wizards WHERE hash = $1").bind::<Text, _>(hash).execute(conn).await?;
    Ok(())
}

/// Forgets wizards that expired; says how many. Uses `wizards_expires_idx`.
pub async fn forget(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    let delete = statement("DELETE FROM wizards WHERE expires_at <= $1");
    Ok(delete.bind::<Timestamptz, _>(now).execute(conn).await?)
}
