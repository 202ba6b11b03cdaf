//! Everybody tries every endpoint, and hears what its row of the table says.

use std::collections::BTreeSet;

use mishap_core::access::{Role, Scope, Scopes};
use mishap_testkit::builders::error_event;
use mishap_testkit::{Answer, Client, TestApp};
use mishap_web::access::{Otherwise, Permission, Who};
use mishap_web::api;
use mishap_web::endpoint::Endpoint;
use reqwest::Method;
use serde_json::{Value, json};

use super::{in_role, send};

/// Somebody who tries.
struct Asker {
    name: String,
    client: Client,
    /// How well it is known.
    known: Known,
    scopes: Scopes,
    /// What it is in the organization whose things are asked for.
    role: Option<Role>,
    is_staff: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Not at all.
    Not,
    /// By a token.
    Token,
    /// By a session.
    Session,
    /// By a session, from a page of somebody else.
    Forged,
}

/// What a row says to somebody.
#[derive(Debug, PartialEq)]
enum Verdict {
    Granted,
    Empty,
    Refused(u16, &'static str),
}

/// What is said before a handler is asked.
const REFUSALS: [&str; 6] = [
    "Unauthorized",
    "CSRF check Failed",
    "Permission denied",
    "is_staff required",
    "forbidden",
    "Not Found",
];

/// Endpoints where what is asked for is not there: another's token, a wizard that did not begin.
const ABSENT: [&str; 2] = ["api:delete_api_token", "api:setup_wizard_hash"];

fn verdict(row: &Permission, is_safe: bool, asker: &Asker) -> Verdict {
    let unknown = match is_safe {
        true => Verdict::Refused(401, "Unauthorized"),
        false => Verdict::Refused(403, "CSRF check Failed"),
    };
    let is_known = match asker.known {
        Known::Not => false,
        Known::Token => row.who != Who::Person,
        Known::Session => true,
        Known::Forged => is_safe,
    };
    match row.who {
        Who::Everybody | Who::Anybody => return Verdict::Granted,
        Who::Caller | Who::Person if !is_known => return unknown,
        Who::Caller | Who::Person => {}
    }
    if asker.known == Known::Token && !row.scopes.is_empty() && !asker.scopes.has_any(row.scopes) {
        return Verdict::Refused(403, "Permission denied");
    }
    if row.staff && !asker.is_staff {
        return Verdict::Refused(403, "is_staff required");
    }
    match (row.role, asker.role, row.otherwise) {
        (Some(_), None, Otherwise::EmptyList) => Verdict::Empty,
        (Some(_), None, _) => Verdict::Refused(404, "Not Found"),
        (Some(least), Some(role), Otherwise::Hidden) if role < least => {
            Verdict::Refused(404, "Not Found")
        }
        (Some(least), Some(role), _) if role < least => Verdict::Refused(403, "forbidden"),
        _ => Verdict::Granted,
    }
}

/// Everybody who tries: those who get nowhere first.
async fn askers(app: &TestApp) -> Vec<Asker> {
    let everything = Scopes::ALL;
    let nobody = Asker {
        name: "nobody".to_owned(),
        client: app.anonymous(),
        known: Known::Not,
        scopes: everything,
        role: None,
        is_staff: false,
    };
    let organization = app.tenant.organization;
    let gone = app.database.member(organization, "gone@example.com", Role::Owner).await;
    let stranger = app.database.tenant("stranger").await;
    let root = app.database.tenant("root").await;
    app.database
        .sql(&format!(
            "UPDATE users SET is_active = false WHERE id = {};
             UPDATE users SET is_superuser = true, is_staff = true WHERE id = {}",
            gone.user, root.user
        ))
        .await;
    let asker = |name: &str, client, known| Asker {
        name: name.to_owned(),
        client,
        known,
        ..Asker { client: app.anonymous(), name: String::new(), ..nobody }
    };
    let mut askers = vec![
        asker("nobody", app.anonymous(), Known::Not),
        asker("an account that is off", app.client(&gone.token), Known::Not),
        asker("a session that is off", app.browser(gone.user).await.client(), Known::Not),
        asker("another owner", app.client(&stranger.token), Known::Token),
        asker("another owner's session", app.browser(stranger.user).await.client(), Known::Session),
        Asker { is_staff: true, ..asker("a superuser", app.client(&root.token), Known::Token) },
    ];
    for scope in Scope::ALL {
        let client = app.with_scopes(&[*scope]).await;
        let name = format!("an owner's token for {scope:?}");
        let (scopes, role) = (Scopes::of(&[*scope]), Some(Role::Owner));
        askers.push(Asker { scopes, role, ..asker(&name, client, Known::Token) });
    }
    let mut forger = app.browser(app.tenant.user).await;
    forger.origin = Some("https://evil.example.com".to_owned());
    let forged = asker("an owner's browser elsewhere", forger.client(), Known::Forged);
    askers.push(Asker { role: Some(Role::Owner), ..forged });
    for role in Role::ALL {
        let client = in_role(app, *role).await;
        askers.push(Asker { role: Some(*role), ..asker(role.name(), client, Known::Token) });
        let email = format!("{role}-in-person@example.com");
        let user = app.database.member(organization, &email, *role).await.user;
        let client = app.browser(user).await.client();
        let name = format!("{role} in person");
        askers.push(Asker { role: Some(*role), ..asker(&name, client, Known::Session) });
    }
    askers
}

/// What endpoints change, so that it can be put back.
const CHANGED: [&str; 13] = [
    "users",
    "user_emails",
    "api_tokens",
    "sessions",
    "organizations",
    "members",
    "teams",
    "team_members",
    "projects",
    "project_teams",
    "project_keys",
    "environments",
    "environment_projects",
];

async fn keep(app: &TestApp) {
    let copies = CHANGED.map(|table| format!("CREATE TABLE kept.{table} AS TABLE public.{table};"));
    app.database.sql(&format!("CREATE SCHEMA kept; {}", copies.concat())).await;
}

async fn put_back(app: &TestApp) {
    let tables = CHANGED.map(|table| {
        format!(
            "DELETE FROM {table};
             INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept.{table};"
        )
    });
    let text =
        format!("BEGIN; SET LOCAL session_replication_role = replica; {} COMMIT", tables.concat());
    app.database.sql(&text).await;
}

/// One of everything; says what stands in for each placeholder of a path.
async fn furnish(app: &TestApp) -> impl Fn(&str) -> String + use<> {
    let mut event = error_event("KeyError", "no such key");
    event["environment"] = json!("prod");
    let event = send(app, &event).await;
    let issue = app.shown_event(&event).await["groupID"].as_str().unwrap().to_owned();
    let organization = app.tenant.organization;
    let spare = app.database.member(organization, "spare@example.com", Role::Member).await;
    app.database
        .sql(&format!(
            "INSERT INTO teams (organization_id, slug) VALUES ({organization}, 'shop-team');
             INSERT INTO project_teams (project_id, team_id)
                 SELECT {}, id FROM teams WHERE organization_id = {organization};
             INSERT INTO team_members (member_id, team_id)
                 SELECT m.id, t.id FROM members m JOIN teams t USING (organization_id)
                 WHERE user_id = {}",
            app.tenant.project, spare.user
        ))
        .await;
    let member = format!("SELECT id FROM members WHERE user_id = {}", spare.user);
    let member = app.database.number(&member).await.to_string();
    let key = app.tenant.public_key.0.to_string();
    move |name| match name {
        "organization" => "shop-org".to_owned(),
        "project" => "shop".to_owned(),
        "team" => "shop-team".to_owned(),
        "environment" => "prod".to_owned(),
        "user" => "me".to_owned(),
        "member" => member.clone(),
        "key" => key.clone(),
        "issue" => issue.clone(),
        "event" => event.clone(),
        "token" => "1".to_owned(),
        "hash" => "a".repeat(64),
        other => panic!("what stands for {{{other}}} in a path?"),
    }
}

fn filled(path: &str, value: &impl Fn(&str) -> String) -> String {
    let fill = |segment: &str| match segment.strip_prefix('{') {
        None => segment.to_owned(),
        Some(rest) => value(rest.split([':', '}']).next().unwrap()),
    };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

/// Compares what somebody heard with what the row says; tells whether the handler found nothing where the
/// row lets through.
fn check(row: &Endpoint, verdict: &Verdict, asker: &Asker, answer: &Answer) -> bool {
    let who = format!("{} {} as {}: {}", row.method, row.path, asker.name, answer.body);
    let status = answer.status.as_u16();
    let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    match verdict {
        Verdict::Refused(expected, detail) => {
            assert_eq!((status, said), (*expected, json!({ "detail": detail })), "{who}");
        }
        Verdict::Empty => {
            assert_eq!((status, said), (200, json!([])), "{who}");
            assert_eq!(answer.header("x-hits"), "0", "{who}");
        }
        Verdict::Granted => {
            assert!(status < 500, "{who}");
            let is_refused = said["detail"].as_str().is_some_and(|it| REFUSALS.contains(&it));
            // What belongs to nobody's organization in the path is looked for in the caller's own.
            let is_foreign = row.permission.role.is_none()
                && row.path.contains("{issue}")
                && asker.role.is_none();
            if is_foreign {
                assert_eq!(status, 404, "{who}");
                return false;
            }
            assert!(!is_refused || ABSENT.contains(&row.view), "{who}");
            return is_refused;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_hears_what_the_table_says() {
    let app = TestApp::start().await;
    let value = furnish(&app).await;
    let askers = askers(&app).await;
    keep(&app).await;
    let (mut outcomes, mut absent) = (BTreeSet::new(), BTreeSet::new());
    let versioned = api::endpoints().into_iter().map(|row| (api::PREFIX, row));
    let others = api::unversioned_endpoints().into_iter().map(|row| (api::UNVERSIONED, row));
    for (prefix, row) in versioned.chain(others) {
        let path = format!("{prefix}{}", filled(row.path, &value));
        let method = Method::from_bytes(row.method.as_str().as_bytes()).unwrap();
        for asker in &askers {
            let verdict = verdict(&row.permission, row.method.is_safe(), asker);
            let answer = match row.method.is_safe() {
                true => asker.client.get(&path).await,
                false => asker.client.json(method.clone(), &path, &json!({})).await,
            };
            if check(&row, &verdict, asker, &answer) {
                absent.insert(row.view);
            }
            outcomes.insert(format!("{verdict:?}"));
            if !row.method.is_safe() && answer.status.is_success() {
                put_back(&app).await;
            }
        }
    }
    assert_eq!(absent, BTreeSet::from(ABSENT));
    // Every kind of row was tried.
    assert_eq!(outcomes.len(), 8, "{outcomes:?}");
}
