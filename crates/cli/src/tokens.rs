//! `mishap token`: API tokens.

use std::fmt;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use mishap_core::access::{Scope, Scopes};
use mishap_core::audit::Action;
use mishap_core::id::TokenId;
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::tokens::{self, NewToken};
use mishap_storage::accounts::users::User;
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::{Conn, transaction};
use serde::Serialize;
use serde_json::json;

use crate::accounts;
use crate::command::TokenCommand;
use crate::operator::Operator;
use crate::output::{Output, table, time};

/// Tokens listed at most.
const MAX_LISTED: i64 = 1000;

#[derive(Debug, Serialize)]
struct Made {
    token: String,
    scopes: Vec<&'static str>,
    expires: Option<DateTime<Utc>>,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.token)
    }
}

#[derive(Debug, Serialize)]
struct Deleted {
    id: i64,
    label: String,
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deleted the token {} ({}).", self.id, self.label)
    }
}

#[derive(Debug, Serialize)]
struct Listed {
    id: i64,
    label: String,
    hint: String,
    scopes: Vec<&'static str>,
    created: DateTime<Utc>,
    expires: Option<DateTime<Utc>>,
    last_used: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct List(Vec<Listed>);

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("There are no tokens.");
        }
        let heading = ["id", "label", "ends with", "created", "expires", "last used", "scopes"];
        let row = |token: &Listed| {
            let scopes = match token.scopes.len() == Scope::ALL.len() {
                true => "all".to_owned(),
                false => token.scopes.join(","),
            };
            vec![
                token.id.to_string(),
                token.label.clone(),
                token.hint.clone(),
                time(token.created),
                token.expires.map_or_else(|| "never".to_owned(), time),
                token.last_used.map_or_else(|| "never".to_owned(), time),
                scopes,
            ]
        };
        let rows: Vec<_> = std::iter::once(heading.map(str::to_owned).to_vec())
            .chain(self.0.iter().map(row))
            .collect();
        f.write_str(&table(&rows))
    }
}

pub(crate) async fn run(command: TokenCommand, output: Output) -> anyhow::Result<()> {
    match command {
        TokenCommand::Create { user, label, scopes, expires } => {
            let scopes = parse_scopes(&scopes)?;
            let operator = Operator::new()?;
            let mut conn = operator.conn().await?;
            let user = accounts::find(&mut conn, &user).await?;
            let token = ApiToken::generate(operator.random.as_ref());
            let now = mishap_storage::now(&mut conn).await?;
            if expires.is_some_and(|expires| expires <= now) {
                bail!("the token would never count: --expires is in the past");
            }
            let new = NewToken {
                user: user.id,
                token: &token,
                label: &label,
                scopes,
                expires_at: expires,
            };
            insert(&mut conn, &user, &new).await?;
            let token = token.reveal().to_owned();
            output.show(&Made { token, scopes: names(scopes), expires })
        }
        TokenCommand::List { user } => {
            let mut conn = Operator::new()?.conn().await?;
            let user = accounts::find(&mut conn, &user).await?;
            let tokens = tokens::list(&mut conn, user.id, None, MAX_LISTED).await?;
            output.show(&List(tokens.items.into_iter().map(Listed::from).collect()))
        }
        TokenCommand::Delete { user, id } => {
            let mut conn = Operator::new()?.conn().await?;
            let user = accounts::find(&mut conn, &user).await?;
            let gone = delete(&mut conn, &user, TokenId(id)).await?;
            let gone = gone.with_context(|| format!("{} has no token {id}", user.email))?;
            output.show(&Deleted { id: gone.id.0, label: gone.label })
        }
    }
}

/// Makes a token.
pub(crate) async fn insert(conn: &mut Conn, user: &User, new: &NewToken<'_>) -> anyhow::Result<()> {
    let details = json!({ "scopes": names(new.scopes), "expires": new.expires_at });
    transaction(conn, async |conn: &mut Conn| {
        let made = tokens::insert(conn, new).await?;
        let target = Target::token(user, &made);
        audit::record(conn, &Actor::operator(), Action::TokenCreate, &target, &details).await
    })
    .await?;
    Ok(())
}

async fn delete(
    conn: &mut Conn,
    user: &User,
    token: TokenId,
) -> anyhow::Result<Option<tokens::Token>> {
    let gone = transaction(conn, async |conn: &mut Conn| {
        let gone = tokens::delete(conn, user.id, token).await?;
        if let Some(token) = &gone {
            let (actor, target) = (Actor::operator(), Target::token(user, token));
            audit::record(conn, &actor, Action::TokenDelete, &target, &json!({})).await?;
        }
        Ok(gone)
    });
    Ok(gone.await?)
}

impl From<tokens::Token> for Listed {
    fn from(token: tokens::Token) -> Self {
        Self {
            id: token.id.0,
            scopes: names(token.scopes()),
            label: token.label,
            hint: token.hint,
            created: token.created_at,
            expires: token.expires_at,
            last_used: token.last_used_at,
        }
    }
}

fn names(scopes: Scopes) -> Vec<&'static str> {
    scopes.iter().map(Scope::name).collect()
}

fn parse_scopes(names: &[String]) -> anyhow::Result<Scopes> {
    if names.is_empty() {
        return Ok(Scopes::ALL);
    }
    let scope = |name: &String| {
        let scope = Scope::ALL.iter().find(|scope| scope.name() == name);
        scope.copied().with_context(|| format!("there is no scope {name:?}"))
    };
    Ok(Scopes::of(&names.iter().map(scope).collect::<anyhow::Result<Vec<_>>>()?))
}
