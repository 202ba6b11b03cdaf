//! The account that reads during a load test: made for it, and deleted after it.

use std::time::Duration;

use anyhow::Context as _;
use chrono::TimeDelta;
use mishap_core::access::{Role, Scope, Scopes};
use mishap_core::id::ProjectId;
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::tokens::NewToken;
use mishap_storage::accounts::users::User;
use mishap_storage::{Conn, members, organizations, oversight};

use crate::accounts::{self, NewAccount};
use crate::operator::Operator;
use crate::{deletion, tokens};

/// What it may do.
const SCOPES: &[Scope] = &[Scope::EventRead, Scope::ProjectRead, Scope::OrgRead];

/// How much longer than the test its token counts.
const SPARE: Duration = Duration::from_secs(3600);

/// An account that reads.
pub(super) struct Reader {
    user: User,
    pub(super) token: ApiToken,
    /// The name in URLs of the organization in which it reads.
    pub(super) organization: String,
}

impl Reader {
    /// Makes a member of a project's organization. It cannot sign in, and its token soon stops to
    /// count, should nobody come to delete it.
    pub(super) async fn hire(
        operator: &Operator,
        project: ProjectId,
        length: Duration,
    ) -> anyhow::Result<Self> {
        let mut conn = operator.conn().await?;
        let conn: &mut Conn = &mut conn;
        let found = oversight::projects::find(conn, project).await?;
        let organization = found.context("the DSN's project is not in this database")?;
        let organization = organization.project.organization_id;
        let found = organizations::list_by_ids(conn, &[organization]).await?.pop();
        let slug = found.context("the project's organization was deleted")?.slug;
        let name = operator.random.uuid().simple().to_string();
        let email = format!("load-test-{name}@example.invalid");
        let new = NewAccount { email: &email, name: "Load test", password: None };
        let user = accounts::create(conn, operator, new, false).await?;
        members::put(conn, organization, user.id, Role::Member).await?;
        let token = ApiToken::generate(operator.random.as_ref());
        let ends = mishap_storage::now(conn).await? + TimeDelta::from_std(length + SPARE)?;
        let new = NewToken {
            user: user.id,
            token: &token,
            label: "load test",
            scopes: Scopes::of(SCOPES),
            expires_at: Some(ends),
        };
        tokens::insert(conn, &user, &new).await?;
        Ok(Self { user, token, organization: slug })
    }

    /// Deletes it.
    pub(super) async fn dismiss(self, operator: &Operator) -> anyhow::Result<()> {
        let mut conn = operator.conn().await?;
        deletion::account(&mut conn, &self.user).await?;
        Ok(())
    }
}
