//! `mishap user`, `token`, `org`, `project`, `dsn`, `issues`

use std::fmt;

use anyhow::{Context as _, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use mishap_core::access::{Role, Scope, Scopes};
use mishap_core::issue::{IssueStatus, short_name};
use mishap_core::secret::ApiToken;
use mishap_core::slug;
use mishap_identity::password::{self, PasswordHash};
use mishap_protocol::dsn::{Dsn, PublicKey};
use mishap_protocol::event::Level;
use mishap_storage::accounts::users::{NewUser, User};
use mishap_storage::accounts::{tokens, users};
use mishap_storage::issues::IssueFilter;
use mishap_storage::organizations::Organization;
use mishap_storage::projects::{NewProject, Project, keys};
use mishap_storage::{Conn, issues, members, organizations, projects};
use serde::Serialize;

use crate::command::{
    DsnOptions, IssuesOptions, OrgCommand, ProjectCommand, TokenCommand, UserCommand,
};
use crate::operator::Operator;
use crate::output::{Output, table};

#[derive(Debug, Serialize)]
struct Account {
    id: i64,
    email: String,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Made the account {} (number {}).", self.email, self.id)
    }
}

/// An account to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewAccount<'a> {
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
    pub(crate) password: Option<&'a str>,
}

pub(crate) async fn user(command: UserCommand, output: Output) -> anyhow::Result<()> {
    let UserCommand::Create { email, name, password, superuser } = command;
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    if users::find_by_email(&mut conn, &email).await?.is_some() {
        bail!("there is an account with the address {email} already");
    }
    let new = NewAccount { email: &email, name: &name, password: password.as_deref() };
    let user = create_user(&mut conn, &operator, new, superuser).await?;
    output.show(&Account { id: user.id.0, email: user.email })
}

/// Makes an account.
pub(crate) async fn create_user(
    conn: &mut Conn,
    operator: &Operator,
    new: NewAccount<'_>,
    superuser: bool,
) -> anyhow::Result<User> {
    let has_at = new.email.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !new.email.contains(char::is_whitespace)
    });
    if !has_at {
        bail!("{:?} is no e-mail address", new.email);
    }
    let hash = |password| password::hash(password, operator.random.as_ref());
    let password_hash = new.password.map(hash).transpose()?;
    let new = NewUser {
        email: new.email,
        name: new.name,
        password_hash: password_hash.as_ref().map(PasswordHash::as_str),
        is_superuser: superuser,
        is_staff: superuser,
    };
    Ok(users::insert(conn, &new).await?)
}

#[derive(Debug, Serialize)]
struct Token {
    token: String,
    scopes: Vec<&'static str>,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.token)
    }
}

pub(crate) async fn token(command: TokenCommand, output: Output) -> anyhow::Result<()> {
    let TokenCommand::Create { user, label, scopes } = command;
    let scopes = parse_scopes(&scopes)?;
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    let user = find_user(&mut conn, &user).await?;
    let token = ApiToken::generate(operator.random.as_ref());
    tokens::upsert(&mut conn, user.id, &token, &label, scopes).await?;
    let scopes = scopes.iter().map(Scope::name).collect();
    output.show(&Token { token: token.reveal().to_owned(), scopes })
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

async fn find_user(conn: &mut Conn, email: &str) -> anyhow::Result<User> {
    let user = users::find_by_email(conn, email).await?;
    user.with_context(|| format!("there is no account with the address {email}"))
}

async fn find_organization(conn: &mut Conn, slug: &str) -> anyhow::Result<Organization> {
    let organization = organizations::find_by_slug(conn, slug).await?;
    organization.with_context(|| format!("there is no organization {slug}"))
}

/// A project by the names of its organization and its own.
pub(crate) async fn find_project(
    conn: &mut Conn,
    organization: &str,
    project: &str,
) -> anyhow::Result<Project> {
    let organization = find_organization(conn, organization).await?;
    let found = projects::find(conn, organization.id, project).await?;
    found.with_context(|| format!("{} has no project {project}", organization.slug))
}

#[derive(Debug, Serialize)]
struct Made {
    id: String,
    slug: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dsn: Option<String>,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Made {} (number {}).", self.slug, self.id)?;
        self.dsn.iter().try_for_each(|dsn| write!(f, "\nDSN: {dsn}"))
    }
}

pub(crate) async fn org(command: OrgCommand, output: Output) -> anyhow::Result<()> {
    let OrgCommand::Create { name, owner } = command;
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    let owner = match owner {
        Some(email) => Some(find_user(&mut conn, &email).await?),
        None => None,
    };
    let slugs = slug::of_organization(&name, operator.random.as_ref());
    let made = organizations::insert(&mut conn, &name, &slugs).await?;
    if let Some(owner) = owner {
        members::put(&mut conn, made.id, owner.id, Role::Owner).await?;
    }
    output.show(&Made { id: made.id.to_string(), slug: made.slug, name: made.name, dsn: None })
}

pub(crate) async fn project(command: ProjectCommand, output: Output) -> anyhow::Result<()> {
    let ProjectCommand::Create { org, name, platform } = command;
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    let organization = find_organization(&mut conn, &org).await?;
    let slugs = slug::of_project(&name);
    let new = NewProject {
        name: &name,
        slugs: &slugs,
        platform: platform.as_deref(),
        event_throttle_rate: 0,
    };
    let project = projects::insert(&mut conn, organization.id, &new).await?;
    let public_key = PublicKey(operator.random.uuid());
    keys::insert(&mut conn, project.id, public_key, "Default").await?;
    let dsn = Dsn::new(&operator.settings.public_url, public_key, project.id.0);
    output.show(&Made {
        id: project.id.to_string(),
        slug: project.slug,
        name: project.name,
        dsn: Some(dsn.to_string()),
    })
}

#[derive(Debug, Serialize)]
struct ShownDsn {
    dsn: String,
    security: String,
}

impl fmt::Display for ShownDsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dsn)
    }
}

pub(crate) async fn dsn(options: &DsnOptions, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    let project = find_project(&mut conn, &options.org, &options.project).await?;
    let keys = keys::list(&mut conn, project.id, None, 100).await?;
    let key = keys.items.into_iter().rfind(|key| key.is_active && key.expires_at.is_none());
    let key = key.with_context(|| format!("{} has no key that is on", project.slug))?;
    let dsn = Dsn::new(&operator.settings.public_url, key.public_key(), project.id.0);
    output.show(&ShownDsn { dsn: dsn.to_string(), security: dsn.security_url() })
}

#[derive(Debug, Serialize)]
struct ShownIssue {
    id: String,
    short_id: String,
    level: &'static str,
    status: &'static str,
    title: String,
    culprit: String,
    events: i64,
    people: i64,
    last_seen: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct ShownIssues(Vec<ShownIssue>);

impl fmt::Display for ShownIssues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("There are no issues.");
        }
        let heading = ["issue", "level", "status", "events", "people", "last seen", "title"];
        let row = |issue: &ShownIssue| {
            vec![
                issue.short_id.clone(),
                issue.level.to_owned(),
                issue.status.to_owned(),
                issue.events.to_string(),
                issue.people.to_string(),
                issue.last_seen.to_rfc3339_opts(SecondsFormat::Secs, true),
                issue.title.clone(),
            ]
        };
        let rows: Vec<_> = std::iter::once(heading.map(str::to_owned).to_vec())
            .chain(self.0.iter().map(row))
            .collect();
        f.write_str(&table(&rows))
    }
}

pub(crate) async fn issues(options: &IssuesOptions, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    let organization = match &options.org {
        Some(slug) => find_organization(&mut conn, slug).await?,
        None => organizations::find_only(&mut conn)
            .await?
            .context("there is not exactly one organization: say which")?,
    };
    let project = match &options.project {
        Some(slug) => Some(find_project(&mut conn, &organization.slug, slug).await?.id),
        None => None,
    };
    let filter = IssueFilter { project, status: None };
    let limit = options.limit.clamp(1, 1000);
    let list = issues::list(&mut conn, organization.id, &filter, None, limit).await?;
    let shown = |issue: issues::IssueRow| ShownIssue {
        id: issue.id.to_string(),
        short_id: short_name(&issue.project_slug, issue.number),
        level: level_name(issue.level),
        status: IssueStatus::from_code(issue.status).unwrap_or(IssueStatus::Unresolved).name(),
        title: issue.title,
        culprit: issue.culprit,
        events: issue.events,
        people: issue.people,
        last_seen: issue.last_seen,
    };
    output.show(&ShownIssues(list.page.items.into_iter().map(shown).collect()))
}

fn level_name(code: i16) -> &'static str {
    let level = Level::ALL.into_iter().find(|level| *level as i16 == code);
    level.unwrap_or(Level::Error).name()
}
