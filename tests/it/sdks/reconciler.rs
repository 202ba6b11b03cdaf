//! AppSRE's reconciler, which makes organizations, teams, projects and members of what is written in
//! files: its client, and its integration as it runs.

use chrono::TimeDelta;
use mishap_core::access::Scopes;
use mishap_core::random::SystemRandom;
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::users::NewUser;
use mishap_storage::accounts::{tokens, users};
use mishap_storage::{members, organizations};
use mishap_testkit::builders::{envelope, error_event};
use mishap_testkit::{Options, TestApp};
use mishap_web::config::AccountRules;
use serde_json::{Map, Value, json};
use tokio::process::Command;

use super::install::{reconciler, scripts};
use super::script;

/// The account that the reconciler works with.
const AUTOMATION: &str = "sd-app-sre-glitchtip@example.com";

/// The product with an automation account, which is a superuser and a member of nothing; its token.
async fn start(accounts: AccountRules) -> (TestApp, String) {
    let app = TestApp::start_with(Options { accounts, ..Options::default() }).await;
    let mut conn = app.database.conn().await;
    let new = NewUser {
        email: AUTOMATION,
        name: "",
        password_hash: None,
        is_superuser: true,
        is_staff: true,
    };
    let user = users::insert(&mut conn, &new).await.unwrap().id;
    let token = ApiToken::generate(&SystemRandom);
    tokens::upsert(&mut conn, user, &token, "", Scopes::ALL).await.unwrap();
    drop(conn);
    (app, token.reveal().to_owned())
}

/// What AppSRE's operators choose: nobody signs up, and who is invited is a member.
fn members_at_once() -> AccountRules {
    AccountRules { attaches_invited: true, is_open: false, ..AccountRules::default() }
}

/// Runs one of the scripts; says what it printed.
async fn run(app: &TestApp, token: &str, name: &str, arguments: &[&str]) -> String {
    let packages = tokio::task::spawn_blocking(reconciler).await.unwrap();
    let mut command = Command::new("python3");
    command
        .arg("-S")
        .arg(scripts("reconciler").join(name))
        .args([app.public_url.as_str().trim_end_matches('/'), token])
        .args(arguments)
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // Links to further pages name the public address; this is the way to it.
        .env("http_proxy", app.url.as_str())
        .env_remove("no_proxy")
        .env_remove("NO_PROXY");
    script::printed(command).await
}

/// Applies a state of `graph.py`; says which requests were no mere questions, in alphabetical order.
async fn apply(app: &TestApp, token: &str, state: &str) -> Vec<String> {
    let said = run(app, token, "apply.py", &[AUTOMATION, state]).await;
    let (questions, mut changes): (Vec<_>, Vec<_>) =
        said.lines().map(str::to_owned).partition(|line| line.starts_with("GET "));
    assert!(!questions.is_empty(), "{said}");
    changes.sort_unstable();
    changes
}

/// What stands in an organization, as the API tells it, by names.
async fn graph(app: &TestApp, token: &str, organization: &str) -> Value {
    let client = app.client(token);
    let list = async |path: String| {
        let listed = client.get(&format!("/api/0/{path}/")).await.expect(200).json();
        listed.as_array().unwrap().clone()
    };
    let mut members = Map::new();
    for member in list(format!("organizations/{organization}/members")).await {
        let pending = if member["pending"] == true { " (pending)" } else { "" };
        let role = format!("{}{pending}", member["role"].as_str().unwrap());
        members.insert(member["email"].as_str().unwrap().to_owned(), role.into());
    }
    let mut teams = Map::new();
    for team in list(format!("organizations/{organization}/teams")).await {
        let slug = team["slug"].as_str().unwrap();
        let members = list(format!("teams/{organization}/{slug}/members")).await;
        teams.insert(slug.to_owned(), sorted(&members, "email"));
    }
    let mut projects = Map::new();
    for project in list(format!("organizations/{organization}/projects")).await {
        let about = json!({
            "name": project["name"],
            "platform": project["platform"],
            "eventThrottleRate": project["eventThrottleRate"],
            "teams": sorted(project["teams"].as_array().unwrap(), "slug"),
        });
        projects.insert(project["slug"].as_str().unwrap().to_owned(), about);
    }
    json!({ "members": members, "teams": teams, "projects": projects })
}

/// What each of them says here, in alphabetical order.
fn sorted(items: &[Value], name: &str) -> Value {
    let mut texts: Vec<_> = items.iter().map(|item| item[name].as_str().unwrap()).collect();
    texts.sort_unstable();
    texts.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_of_the_client_does_what_it_says_of_people_who_are_invited() {
    let (app, token) = start(AccountRules::default()).await;
    let said = run(&app, &token, "life.py", &[AUTOMATION, "pending"]).await;
    assert_eq!(said, "20 methods were called\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_of_the_client_does_what_it_says_of_people_who_are_members_at_once() {
    let (app, token) = start(members_at_once()).await;
    let said = run(&app, &token, "life.py", &[AUTOMATION, "members"]).await;
    assert_eq!(said, "20 methods were called\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_counts_the_events_of_every_project_that_is_listed() {
    let app = TestApp::start().await;
    app.database.project(app.tenant.organization, "quiet").await;
    for _ in 0..3 {
        let (_, body) = envelope(&error_event("KeyError", "no such key"));
        app.send_envelope(body).await.expect(200);
    }
    app.digest().await;
    let hour = TimeDelta::hours(1);
    let [start, end] = [app.now() - hour, app.now() + hour].map(|time| time.to_rfc3339());
    let said = run(&app, &app.tenant.token, "counts.py", &[&start, &end]).await;
    assert_eq!(said, "shop-org quiet 0\nshop-org shop 3\n");
}

/// Accepts an invitation, with an account that is made for it.
async fn accept(app: &TestApp, organization: &str, email: &str) {
    let account = app.database.account(email).await;
    let mut conn = app.database.conn().await;
    let organization = organizations::find_by_slug(&mut conn, organization).await.unwrap().unwrap();
    let member = members::find_by_email(&mut conn, organization.id, email).await.unwrap().unwrap();
    assert!(members::attach(&mut conn, member.id, account.user).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_is_there_and_applied_again_changes_nothing() {
    let (app, token) = start(AccountRules::default()).await;
    let made = apply(&app, &token, "flight").await;
    assert!(
        made.iter().all(|change| change.starts_with("POST ") && change.ends_with(" 201")),
        "{made:#?}"
    );
    accept(&app, "nasa", "neil-armstrong@example.com").await;
    // The reconciler knows neither that whoever makes a team is in it, nor how to make a project with
    // a throttle, nor that a change of a project is not answered with its teams. With GlitchTip, too,
    // it does this in its second run.
    assert_eq!(
        apply(&app, &token, "flight").await,
        [
            "DELETE /api/0/organizations/esa/members/7/teams/esa-flight-control/ 200",
            "DELETE /api/0/organizations/esa/members/7/teams/esa-pilots/ 200",
            "DELETE /api/0/organizations/nasa/members/2/teams/nasa-flight-control/ 200",
            "DELETE /api/0/organizations/nasa/members/2/teams/nasa-pilots/ 200",
            "POST /api/0/projects/nasa/apollo-11-spacecraft/teams/nasa-pilots/ 201",
            "PUT /api/0/projects/nasa/apollo-11-spacecraft/ 200",
        ]
    );
    assert_eq!(graph(&app, &token, "nasa").await, nasa_in_flight());
    assert_eq!(graph(&app, &token, "esa").await, esa_in_flight());
    assert_eq!(apply(&app, &token, "flight").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_can_be_changed_and_torn_down() {
    let (app, token) = start(AccountRules::default()).await;
    settle(&app, &token, "flight").await;
    settle(&app, &token, "return").await;
    assert_eq!(graph(&app, &token, "esa").await, esa_in_flight());
    assert_eq!(
        graph(&app, &token, "nasa").await,
        json!({
            "members": {
                "michael-collins@example.com": "member (pending)",
                "neil-armstrong@example.com": "manager (pending)",
                "sd-app-sre-glitchtip@example.com": "owner",
            },
            "teams": {
                "nasa-pilots": ["neil-armstrong@example.com"],
                "nasa-recovery": ["michael-collins@example.com"],
            },
            "projects": {
                "apollo-11-flight-control": {
                    "name": "apollo-11-flight-control",
                    "platform": "python",
                    "eventThrottleRate": 0,
                    "teams": ["nasa-pilots"],
                },
                "apollo-11-spacecraft": {
                    "name": "Columbia and Eagle",
                    "platform": "python",
                    "eventThrottleRate": 0,
                    "teams": ["nasa-pilots", "nasa-recovery"],
                },
            },
        })
    );
    settle(&app, &token, "nothing").await;
    for gone in ["nasa", "esa"] {
        app.client(&token).get(&format!("/api/0/organizations/{gone}/")).await.expect(404);
    }
    // Others' organizations are not shown to a superuser, or they would be deleted, too.
    app.owner().get("/api/0/organizations/shop-org/").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_wanted_in_two_organizations_has_one_account_in_both() {
    let (app, token) = start(members_at_once()).await;
    settle(&app, &token, "flight").await;
    for organization in ["nasa", "esa"] {
        let found = graph(&app, &token, organization).await;
        assert_eq!(found["members"]["global-flight-director@example.com"], "owner");
        let roles: Vec<_> = found["members"].as_object().unwrap().values().collect();
        assert_eq!(roles.len(), 5);
        assert!(!roles.iter().any(|role| role.as_str().unwrap().ends_with("(pending)")));
    }
    // Seven people, the automation account, and the owner of the shop.
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 9);
}

/// Applies a state until nothing changes any more: one run to make it, one or two to finish what the
/// reconciler does not do at once, and one in which nothing is left to do.
async fn settle(app: &TestApp, token: &str, state: &str) {
    let mut runs = Vec::new();
    loop {
        let changes = apply(app, token, state).await;
        if changes.is_empty() {
            break;
        }
        runs.push(changes);
        assert!(runs.len() <= 3, "there is always something to do: {runs:#?}");
    }
    assert!(!runs.is_empty(), "nothing was done");
}

fn nasa_in_flight() -> Value {
    json!({
        "members": {
            "buzz-aldrin@example.com": "member (pending)",
            "global-flight-director@example.com": "owner (pending)",
            "michael-collins@example.com": "member (pending)",
            "neil-armstrong@example.com": "member",
            "sd-app-sre-glitchtip@example.com": "owner",
        },
        "teams": {
            "nasa-flight-control": [
                "global-flight-director@example.com",
                "michael-collins@example.com",
            ],
            "nasa-pilots": ["buzz-aldrin@example.com", "neil-armstrong@example.com"],
        },
        "projects": {
            "apollo-11-flight-control": {
                "name": "apollo-11-flight-control",
                "platform": "python",
                "eventThrottleRate": 0,
                "teams": ["nasa-flight-control", "nasa-pilots"],
            },
            "apollo-11-spacecraft": {
                "name": "apollo-11-spacecraft",
                "platform": "python",
                "eventThrottleRate": 10,
                "teams": ["nasa-pilots"],
            },
        },
    })
}

fn esa_in_flight() -> Value {
    json!({
        "members": {
            "global-flight-director@example.com": "owner (pending)",
            "matthias-maurer@example.com": "member (pending)",
            "samantha-cristoforetti@example.com": "admin (pending)",
            "sd-app-sre-glitchtip@example.com": "owner",
            "tim-peake@example.com": "member (pending)",
        },
        "teams": {
            "esa-flight-control": [
                "global-flight-director@example.com",
                "matthias-maurer@example.com",
                "tim-peake@example.com",
            ],
            "esa-pilots": ["samantha-cristoforetti@example.com"],
        },
        "projects": {
            "rosetta-flight-control": {
                "name": "Rosetta flight control",
                "platform": "python",
                "eventThrottleRate": 0,
                "teams": ["esa-flight-control", "esa-pilots"],
            },
            "rosetta-spacecraft": {
                "name": "rosetta-spacecraft",
                "platform": "go",
                "eventThrottleRate": 0,
                "teams": ["esa-pilots"],
            },
        },
    })
}
