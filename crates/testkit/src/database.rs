//! A database of one's own, with the schema in place.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mishap_core::access::{Role, Scopes};
use mishap_core::id::{OrganizationId, ProjectId, UserId};
use mishap_core::random::{Random as _, SystemRandom};
use mishap_core::secret::ApiToken;
use mishap_protocol::dsn::{Dsn, PublicKey};
use mishap_storage::accounts::users::NewUser;
use mishap_storage::accounts::{tokens, users};
use mishap_storage::projects::{NewProject, Project};
use mishap_storage::{
    Conn, DatabaseConfig, Pool, PooledConn, members, migrations, organizations, projects,
};
use tokio::sync::OnceCell;
use url::Url;

use crate::servers::shared;
use crate::sql;

/// The database with the schema, from which the others are copied.
const TEMPLATE: &str = "migrated";

/// Connections of one test.
const CONNECTIONS: usize = 12;

/// A database of one test's own.
pub struct TestDatabase {
    /// Connections to it.
    pub pool: Pool,
    /// Where it is.
    pub url: String,
}

/// An organization with a project, and someone who owns it.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The organization.
    pub organization: OrganizationId,
    /// The organization's name in URLs.
    pub organization_slug: String,
    /// The project.
    pub project: ProjectId,
    /// The project's name in URLs.
    pub project_slug: String,
    /// The project's key.
    pub public_key: PublicKey,
    /// The owner.
    pub user: UserId,
    /// The owner's token, which may do everything.
    pub token: String,
}

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its number.
    pub user: UserId,
    /// The address it signs in with.
    pub email: String,
    /// A token of its own, which may do everything.
    pub token: String,
}

impl Tenant {
    /// The project's DSN on a server.
    pub fn dsn(&self, base: &Url) -> Dsn {
        Dsn::new(base, self.public_key, self.project.0)
    }
}

/// How a database is reached by its URL.
pub fn config(url: &str, connections: usize) -> DatabaseConfig {
    DatabaseConfig {
        url: url.to_owned().into(),
        ssl_mode: None,
        ssl_root_cert: None,
        application_name: "test".to_owned(),
        max_connections: connections,
        wait: Duration::from_secs(10),
        statement_timeout: Duration::from_secs(30),
        keep_idle: Duration::from_secs(60),
    }
}

fn with_name(url: &str, name: &str) -> String {
    let mut url = Url::parse(url).unwrap();
    url.set_path(name);
    url.into()
}

impl TestDatabase {
    /// A copy of the migrated database.
    pub async fn new() -> Self {
        static MIGRATED: OnceCell<()> = OnceCell::const_new();
        static NEXT: AtomicU32 = AtomicU32::new(1);
        MIGRATED.get_or_init(make_template).await;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        run_sql(&shared().postgres_url, &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
            .await;
        Self::at(with_name(&shared().postgres_url, &name))
    }

    /// An empty database, without the schema.
    pub async fn empty() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("empty_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        run_sql(&shared().postgres_url, &format!("CREATE DATABASE {name} TEMPLATE template0"))
            .await;
        Self::at(with_name(&shared().postgres_url, &name))
    }

    /// A database that is there already.
    pub fn at(url: String) -> Self {
        let runtime = tokio::runtime::Handle::current();
        let pool = Pool::new(&config(&url, CONNECTIONS), &runtime).unwrap();
        Self { pool, url }
    }

    /// A connection of the pool.
    pub async fn conn(&self) -> PooledConn {
        self.pool.get().await.unwrap()
    }

    /// A connection outside the pool.
    pub async fn connect(&self) -> Conn {
        mishap_storage::connect(&config(&self.url, 1)).await.unwrap()
    }

    /// Runs statements.
    pub async fn sql(&self, text: &str) {
        run_sql(&self.url, text).await;
    }

    /// The rows of a query, one JSON object each.
    pub async fn rows(&self, query: &str) -> Vec<serde_json::Value> {
        let mut conn = self.conn().await;
        let text = format!("SELECT row_to_json(r)::text AS json FROM ({query}) AS r");
        let rows = sql::texts(&mut conn, text).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
    }

    /// The one number that a query gives.
    pub async fn number(&self, query: &str) -> i64 {
        let rows = self.rows(&format!("SELECT ({query})::bigint AS n")).await;
        rows[0]["n"].as_i64().unwrap()
    }

    /// A project of this name.
    pub async fn project(&self, organization: OrganizationId, name: &str) -> Project {
        let slugs = [name.to_owned()];
        let platform = Some("python");
        let new = NewProject { name, slugs: &slugs, platform, event_throttle_rate: 0 };
        projects::insert(&mut *self.conn().await, organization, &new).await.unwrap()
    }

    /// An account with this address.
    pub async fn account(&self, email: &str) -> Account {
        let mut conn = self.conn().await;
        let new = NewUser {
            email,
            name: "Owner",
            password_hash: None,
            is_superuser: false,
            is_staff: false,
        };
        let user = users::insert(&mut conn, &new).await.unwrap().id;
        let token = ApiToken::generate(&SystemRandom);
        tokens::upsert(&mut conn, user, &token, "test", Scopes::ALL).await.unwrap();
        Account { user, email: email.to_owned(), token: token.reveal().to_owned() }
    }

    /// An account with this address that is a member of an organization.
    pub async fn member(&self, organization: OrganizationId, email: &str, role: Role) -> Account {
        let account = self.account(email).await;
        members::put(&mut *self.conn().await, organization, account.user, role).await.unwrap();
        account
    }

    /// An organization with a project of this name, and its owner.
    pub async fn tenant(&self, name: &str) -> Tenant {
        let owner = self.account(&format!("owner@{name}.example.com")).await;
        let mut conn = self.conn().await;
        let organization_name = format!("{name} org");
        let organization =
            organizations::insert(&mut conn, &organization_name, &[format!("{name}-org")])
                .await
                .unwrap();
        members::put(&mut conn, organization.id, owner.user, Role::Owner).await.unwrap();
        let project = self.project(organization.id, name).await;
        let public_key = PublicKey(SystemRandom.uuid());
        projects::keys::insert(&mut conn, project.id, public_key, "Default").await.unwrap();
        Tenant {
            organization: organization.id,
            organization_slug: organization.slug,
            project: project.id,
            project_slug: project.slug,
            public_key,
            user: owner.user,
            token: owner.token,
        }
    }
}

async fn make_template() {
    let url = &shared().postgres_url;
    run_sql(url, &format!("CREATE DATABASE {TEMPLATE} TEMPLATE template0")).await;
    let conn = mishap_storage::connect(&config(&with_name(url, TEMPLATE), 1)).await.unwrap();
    migrations::run(conn).await.unwrap();
}

async fn run_sql(url: &str, text: &str) {
    let mut conn = mishap_storage::connect(&config(url, 1)).await.unwrap();
    sql::execute(&mut conn, text).await.unwrap();
}
