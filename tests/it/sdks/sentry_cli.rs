//! sentry-cli, by which people and build servers ask and tell.

use std::path::Path;

use mishap_core::access::{Scope, Scopes};
use mishap_core::random::SystemRandom;
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::tokens;
use mishap_testkit::TestApp;
use tokio::process::Command;

use super::api::Shown;
use super::install::sentry_cli;
use super::script;

/// A command of somebody who has a token and no configuration.
async fn command(app: &TestApp, home: &Path, token: &str, arguments: &[&str]) -> Command {
    let program = tokio::task::spawn_blocking(sentry_cli).await.unwrap();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("SENTRY_URL", app.url.as_str())
        .env("SENTRY_AUTH_TOKEN", token)
        .env("SENTRY_DSN", app.dsn().to_string())
        .env("HOME", home)
        .current_dir(home);
    command
}

/// What a command says that the owner gives.
async fn said(app: &TestApp, arguments: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    script::printed(command(app, home.path(), &app.tenant.token, arguments).await).await
}

/// The cells of a printed table, row by row, without its head.
fn rows(table: &str) -> Vec<Vec<&str>> {
    let lines = table.lines().filter(|line| line.starts_with('|'));
    let rows = lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect());
    rows.skip(1).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sentry_cli_says_whose_token_it_has_and_what_that_may() {
    let app = TestApp::start().await;
    let all = said(&app, &["info", "--no-defaults"]).await;
    assert!(all.contains("\n  User: owner@shop.example.com\n"), "{all}");
    assert_eq!(all.lines().filter(|line| line.starts_with("    - ")).count(), 16, "{all}");
    let token = ApiToken::generate(&SystemRandom);
    let scopes = Scopes::of(&[Scope::OrgRead, Scope::ProjectReleases]);
    let mut conn = app.database.conn().await;
    tokens::upsert(&mut conn, app.tenant.user, &token, "", scopes).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let some = command(&app, home.path(), token.reveal(), &["info", "--no-defaults"]).await;
    let some = script::printed(some).await;
    let scopes: Vec<_> = some.lines().filter_map(|line| line.strip_prefix("    - ")).collect();
    assert_eq!(scopes, ["project:releases", "org:read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sentry_cli_is_told_that_a_token_is_wrong() {
    let app = TestApp::start().await;
    let home = tempfile::tempdir().unwrap();
    let wrong = "0".repeat(64);
    let info = command(&app, home.path(), &wrong, &["info", "--no-defaults"]).await;
    let info = script::printed(info).await;
    assert!(info.contains("Authentication Info:") && !info.contains("User:"), "{info}");
    let mut list = command(&app, home.path(), &wrong, &["organizations", "list"]).await;
    let output = list.kill_on_drop(true).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Unauthorized (http status: 401)"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sentry_cli_lists_the_organizations_of_whoever_asks() {
    let app = TestApp::start().await;
    app.database.tenant("office").await;
    let listed = said(&app, &["organizations", "list"]).await;
    let rows = rows(&listed);
    assert_eq!(rows.len(), 1, "{listed}");
    let id = app.tenant.organization.to_string();
    assert_eq!(rows[0][..3], [id.as_str(), "shop org", "shop-org"]);
    assert_eq!(rows[0][4..], ["false", "false"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sentry_cli_lists_projects_from_page_to_page() {
    let app = TestApp::start().await;
    let mut names = vec!["shop".to_owned()];
    for number in 100..220 {
        let name = format!("till-{number}");
        app.database.project(app.tenant.organization, &name).await;
        names.push(name);
    }
    let listed = said(&app, &["projects", "list", "--org", "shop-org"]).await;
    let rows = rows(&listed);
    let slugs: Vec<_> = rows.iter().map(|row| row[1]).collect();
    assert_eq!(slugs, names);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_sentry_cli_s_becomes_an_issue_that_it_lists() {
    let app = TestApp::start().await;
    let sent = said(
        &app,
        &[
            "send-event",
            "--no-environ",
            "--message",
            "the till is %s",
            "--message-arg",
            "stuck",
            "--tag",
            "till:left",
            "--release",
            "shop@1.2.3",
            "--env",
            "staging",
            "--level",
            "warning",
        ],
    )
    .await;
    assert!(sent.starts_with("Event dispatched.\n"), "{sent}");
    assert_eq!(app.digest().await, 1);
    let shown = Shown::only_issue(&app).await;
    assert_eq!(shown.issue["title"], "the till is stuck");
    for (tag, value) in [("till", "left"), ("release", "shop@1.2.3"), ("environment", "staging")] {
        assert_eq!(shown.tag(tag), Some(value), "{tag}");
    }
    let listed = said(&app, &["issues", "list", "--org", "shop-org", "--project", "shop"]).await;
    let rows = rows(&listed);
    assert_eq!(rows.len(), 1, "{listed}");
    assert_eq!(rows[0][0], shown.issue["id"].as_str().unwrap());
    assert_eq!(rows[0][1..3], ["SHOP-1", "the till is stuck"]);
    assert_eq!(rows[0][4..], ["unresolved", "warning"]);
}
