//! `mishap bootstrap`: an account, an organization, a project and a token, as far as missing.

use std::fmt;

use anyhow::Context as _;
use mishap_core::access::{Role, Scopes};
use mishap_core::secret::ApiToken;
use mishap_core::slug::{self, slugify};
use mishap_protocol::dsn::{Dsn, PublicKey};
use mishap_storage::accounts::{tokens, users};
use mishap_storage::projects::{NewProject, keys};
use mishap_storage::{Conn, members, organizations, projects};
use serde::Serialize;

use crate::accounts;
use crate::command::BootstrapOptions;
use crate::operator::Operator;
use crate::output::Output;

/// What is there after a bootstrap.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Bootstrapped {
    pub(crate) url: String,
    pub(crate) email: String,
    pub(crate) token: String,
    pub(crate) organization: String,
    pub(crate) project: String,
    pub(crate) project_id: String,
    pub(crate) dsn: String,
}

impl fmt::Display for Bootstrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "URL:           {}", self.url)?;
        writeln!(f, "Account:       {}", self.email)?;
        writeln!(f, "Token:         {}", self.token)?;
        writeln!(f, "Organization:  {}", self.organization)?;
        writeln!(f, "Project:       {} (number {})", self.project, self.project_id)?;
        write!(f, "DSN:           {}", self.dsn)
    }
}

pub(crate) async fn run(options: &BootstrapOptions, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    output.show(&bootstrap(&operator, options).await?)
}

/// Makes what is missing. Doing it again changes nothing, except that a token that is not given is
/// made up anew.
pub(crate) async fn bootstrap(
    operator: &Operator,
    options: &BootstrapOptions,
) -> anyhow::Result<Bootstrapped> {
    let token = match &options.token {
        Some(token) => ApiToken::new(token.as_str()),
        None => ApiToken::generate(operator.random.as_ref()),
    };
    let mut conn = operator.conn().await?;
    let user = match users::find_by_email(&mut conn, &options.email).await? {
        Some(user) => user,
        None => {
            let password = options.password.as_deref();
            let new = accounts::NewAccount { email: &options.email, name: "", password };
            accounts::create(&mut conn, operator, new, true).await?
        }
    };
    tokens::upsert(&mut conn, user.id, &token, "bootstrap", Scopes::ALL).await?;
    let slug = slugify(&options.org);
    let organization = match organizations::find_by_slug(&mut conn, &slug).await? {
        Some(organization) => organization,
        None => {
            let slugs = slug::of_organization(&options.org, operator.random.as_ref());
            organizations::insert(&mut conn, &options.org, &slugs).await?
        }
    };
    members::put(&mut conn, organization.id, user.id, Role::Owner).await?;
    let slug = slugify(&options.project);
    let project = match projects::find(&mut conn, organization.id, &slug).await? {
        Some(project) => project,
        None => {
            let slugs = slug::of_project(&options.project);
            let new = NewProject {
                name: &options.project,
                slugs: &slugs,
                platform: None,
                event_throttle_rate: 0,
            };
            projects::insert(&mut conn, organization.id, &new).await?
        }
    };
    let key = first_key(&mut conn, operator, &project).await?;
    let dsn = Dsn::new(&operator.settings.public_url, key, project.id.0);
    Ok(Bootstrapped {
        url: operator.settings.public_url.as_str().trim_end_matches('/').to_owned(),
        email: user.email,
        token: token.reveal().to_owned(),
        organization: organization.slug,
        project: project.slug,
        project_id: project.id.to_string(),
        dsn: dsn.to_string(),
    })
}

/// The oldest key of a project; made if there is none.
async fn first_key(
    conn: &mut Conn,
    operator: &Operator,
    project: &projects::Project,
) -> anyhow::Result<PublicKey> {
    let keys = keys::list(conn, project.id, None, 100).await?;
    let key = match keys.items.into_iter().rfind(|key| key.is_active) {
        Some(key) => key,
        None => {
            let public_key = PublicKey(operator.random.uuid());
            keys::insert(conn, project.id, public_key, "Default")
                .await
                .context("cannot make a key")?
        }
    };
    Ok(key.public_key())
}
