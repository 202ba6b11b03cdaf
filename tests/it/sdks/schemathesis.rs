//! Schemathesis reads `/api/openapi.json`, asks for everything that is described there in ways that
//! nobody thought of, and compares every answer with the description.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mishap_core::access::Role;
use mishap_storage::accounts::users::{self, NewUser};
use mishap_storage::{members, teams};
use mishap_testkit::builders::{envelope, error_event};
use mishap_testkit::{Options, TestApp};
use mishap_web::config::AccountRules;
use tokio::process::Command;
use tokio::time::timeout;

use super::install::schemathesis;

/// How long it may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(400);

/// What is wrong if an answer does not keep to it.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method,\
                      allow_header_conformance,ignored_auth";

/// What is said to prove that changes come from a page of ours.
const CSRF: &str = "0123456789abcdefghijABCDEFGHIJ01";

/// The product with one of everything, and the configuration by which Schemathesis finds it.
async fn app_with_everything() -> (TestApp, String) {
    let accounts = AccountRules {
        makes_organizations: true,
        max_invitations: 1000,
        ..AccountRules::default()
    };
    let app = TestApp::start_with(Options { accounts, ..Options::default() }).await;
    let (event, body) = envelope(&error_event("KeyError", "no such key"));
    app.send_envelope(body).await.expect(200);
    app.digest().await;
    let issue = app.shown_event(&event).await["groupID"].as_str().unwrap().to_owned();
    let mut conn = app.database.conn().await;
    let new = NewUser {
        email: "second@example.com",
        name: "Second",
        password_hash: None,
        is_superuser: false,
        is_staff: false,
    };
    let second = users::insert(&mut conn, &new).await.unwrap();
    members::put(&mut conn, app.tenant.organization, second.id, Role::Member).await.unwrap();
    teams::insert(&mut conn, app.tenant.organization, "shop-team").await.unwrap().unwrap();
    let listed = app.owner().get("/api/0/organizations/shop-org/members/").await.expect(200).json();
    let member = listed.as_array().unwrap().iter().find(|member| member["email"] == new.email);
    let member = member.unwrap()["id"].as_str().unwrap();
    let config = format!(
        "headers = {{ Authorization = \"Bearer {}\", Cookie = \"csrftoken={CSRF}\", X-CSRFToken = \
         \"{CSRF}\" }}\n\
         [parameters]\n\
         organization = \"shop-org\"\n\
         project = \"shop\"\n\
         issue = \"{issue}\"\n\
         event = \"{event}\"\n\
         member = {member}\n\
         team = \"shop-team\"\n\
         user = \"me\"\n\
         key = \"{}\"\n",
        app.tenant.token, app.tenant.public_key.0,
    );
    (app, config)
}

/// Runs it in a folder with a configuration, on the operations that the arguments choose.
async fn run(app: &TestApp, folder: &Path, arguments: &[&str]) {
    let packages = tokio::task::spawn_blocking(schemathesis).await.unwrap();
    let child = Command::new("python3")
        .args(["-S", "-m", "schemathesis.cli", "run", "--no-color", "--seed", "1"])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "5", "--continue-on-failure"])
        .args(["--generation-deterministic", "--suppress-health-check", "all"])
        .args(arguments)
        .arg("--url")
        .arg(app.url.as_str())
        .arg(app.url.join("/api/openapi.json").unwrap().as_str())
        .current_dir(folder)
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let output = timeout(PATIENCE, child.wait_with_output()).await.expect("it ends").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(" generated, "), "nothing was asked for: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_api_is_as_described() {
    let (app, config) = app_with_everything().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("schemathesis.toml"), config).unwrap();
    // What is deleted could not be looked at any more.
    run(&app, folder.path(), &["--exclude-method", "DELETE"]).await;
    run(&app, folder.path(), &["--include-method", "DELETE"]).await;
}
