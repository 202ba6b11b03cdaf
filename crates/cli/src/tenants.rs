//! `mishap org`, `project`, `dsn`, `issues`

use std::fmt;

use anyhow::{Context as _, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use mishap_core::access::Role;
use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_core::issue::{IssueStatus, short_name};
use mishap_core::slug;
use mishap_protocol::dsn::{Dsn, PublicKey};
use mishap_protocol::event::Level;
use mishap_storage::accounts::users;
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::issues::IssueFilter;
use mishap_storage::organizations::Organization;
use mishap_storage::projects::{NewProject, Project, keys};
use mishap_storage::{Conn, issues, members, organizations, projects, transaction};
use mishap_web::links;
use serde::Serialize;
use serde_json::json;

use crate::accounts;
use crate::command::{DsnOptions, IssuesOptions, OrgCommand, ProjectCommand};
use crate::deletion;
use crate::operator::Operator;
use crate::output::{Output, table};

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
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    match command {
        OrgCommand::Create { name, owner } => {
            let owner = match owner {
                Some(email) => Some(accounts::find(&mut conn, &email).await?),
                None => None,
            };
            let slugs = slug::of_organization(&name, operator.random.as_ref());
            let made = transaction(&mut conn, async |conn: &mut Conn| {
                let made = organizations::insert(conn, &name, &slugs).await?;
                if let Some(owner) = &owner {
                    members::put(conn, made.id, owner.id, Role::Owner).await?;
                }
                let target = Target {
                    kind: "organization",
                    id: made.id.to_string(),
                    label: made.slug.clone(),
                    organization: Some(made.id),
                };
                let (actor, action) = (Actor::operator(), Action::OrganizationCreate);
                audit::record(conn, &actor, action, &target, &json!({})).await?;
                Ok(made)
            })
            .await?;
            let id = made.id.to_string();
            output.show(&Made { id, slug: made.slug, name: made.name, dsn: None })
        }
        OrgCommand::Delete { org, consent: _ } => {
            let organization = find_organization(&mut conn, &org).await?;
            output.show(&deletion::organization(&mut conn, &organization).await?)
        }
        OrgCommand::Invite { org, email, role } => {
            let organization = find_organization(&mut conn, &org).await?;
            let link = invite(&mut conn, &operator, &organization, &email, role.into()).await?;
            output.show(&Invited { organization: organization.slug, email, link })
        }
    }
}

#[derive(Debug, Serialize)]
struct Invited {
    organization: String,
    email: String,
    link: String,
}

impl fmt::Display for Invited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.link)
    }
}

/// Invites somebody, or gives an open invitation another role; returns the link that accepts it.
async fn invite(
    conn: &mut Conn,
    operator: &Operator,
    organization: &Organization,
    email: &str,
    role: Role,
) -> anyhow::Result<String> {
    let Ok(email) = EmailAddress::parse(email) else {
        bail!("{email:?} is no e-mail address");
    };
    let rules = &operator.settings.accounts;
    let may_come = rules.user_registration || rules.social_registration;
    if !may_come && users::find_for_sign_in(conn, email.as_str()).await?.is_none() {
        bail!("{email} has no account and may not make one; see mishap user create");
    }
    let config = operator.web_config(conn).await?;
    let now = mishap_storage::now(conn).await?;
    let (id, slug) = (organization.id, &organization.slug);
    let invited = transaction(conn, async |conn: &mut Conn| {
        let member = match members::find_by_email(conn, id, email.as_str()).await? {
            Some(member) if member.user.is_some() => return Ok(None),
            Some(member) => {
                members::set_role(conn, member.id, role).await?;
                member
            }
            None => members::invite(conn, id, email.as_str(), role, None).await?,
        };
        let target = Target {
            kind: "member",
            id: member.id.to_string(),
            label: member.address().to_owned(),
            organization: Some(id),
        };
        let (actor, details) = (Actor::operator(), json!({ "role": role.name() }));
        audit::record(conn, &actor, Action::MemberInvite, &target, &details).await?;
        Ok(Some(member))
    })
    .await?;
    let member = invited.with_context(|| format!("{email} is a member of {slug} already"))?;
    Ok(links::invitation(&config, member.id, member.address(), now))
}

pub(crate) async fn project(command: ProjectCommand, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    let (org, name, platform) = match command {
        ProjectCommand::Create { org, name, platform } => (org, name, platform),
        ProjectCommand::Delete { org, project, consent: _ } => {
            let project = find_project(&mut conn, &org, &project).await?;
            return output.show(&deletion::project(&mut conn, &project).await?);
        }
    };
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
