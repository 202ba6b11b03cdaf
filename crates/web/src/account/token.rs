//! API tokens of an account.

use mishap_core::access::Scope;
use mishap_core::audit::Action;
use mishap_core::id::{TokenId, UserId};
use mishap_storage::accounts::tokens::{self, NewToken, Token};
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::{Conn, Result, transaction};
use serde_json::{Value, json};

/// Longest label, in characters (GlitchTip).
pub(crate) const MAX_LABEL: usize = 255;

/// Makes a token for whoever asks.
pub(crate) async fn make(conn: &mut Conn, actor: &Actor, new: &NewToken<'_>) -> Result<Token> {
    transaction(conn, async |conn: &mut Conn| {
        let made = tokens::insert(conn, new).await?;
        audit::record(conn, actor, Action::TokenCreate, &target(&made), &details(&made)).await?;
        Ok(made)
    })
    .await
}

/// Deletes a token of an account's own; nothing if there is no such token.
pub(crate) async fn delete(
    conn: &mut Conn,
    actor: &Actor,
    user: UserId,
    token: TokenId,
) -> Result<Option<Token>> {
    transaction(conn, async |conn: &mut Conn| {
        let gone = tokens::delete(conn, user, token).await?;
        if let Some(token) = &gone {
            let (target, details) = (target(token), details(token));
            audit::record(conn, actor, Action::TokenDelete, &target, &details).await?;
        }
        Ok(gone)
    })
    .await
}

/// How the audit log tells of a token: by its label, or else its last characters.
pub(crate) fn target(token: &Token) -> Target {
    let label = match token.label.as_str() {
        "" => format!("…{}", token.hint),
        label => label.to_owned(),
    };
    Target { kind: "token", id: token.id.to_string(), label, organization: None }
}

/// What the audit log tells of a token.
pub(crate) fn details(token: &Token) -> Value {
    let scopes: Vec<_> = token.scopes().iter().map(Scope::name).collect();
    json!({ "scopes": scopes, "expires": token.expires_at })
}
