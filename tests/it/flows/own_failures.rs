//! The installation reports its own failures, here to itself.

use std::time::Duration;

use mishap_testkit::{Client, Installation, Program, until};
use serde_json::Value;
use tokio::task::block_in_place;

/// A `mishap-web` and a `mishap-worker` that report to the first project, in place of those that do
/// not.
async fn reporting(installation: &mut Installation) -> (Program, Program) {
    block_in_place(|| {
        installation.web.kill();
        installation.worker.kill();
    });
    let dsn = installation.dsn().to_string();
    let own = [("SENTRY_DSN", dsn.as_str()), ("ENVIRONMENT", "testing")];
    let start = |name| {
        let mut program = installation.another(name, &own);
        program.spawn();
        program
    };
    let (mut web, mut worker) = (start("mishap-web"), start("mishap-worker"));
    block_in_place(|| {
        web.wait_until_ready();
        worker.wait_until_ready();
    });
    (web, worker)
}

/// Makes web fail where it must not.
async fn fail_once(installation: &Installation) {
    installation.database.sql("ALTER TABLE teams RENAME TO away").await;
    let client = Client::at(installation.url.as_str(), Some(&installation.tenant.token));
    client.get("/api/0/organizations/shop-org/teams/").await.expect(500);
    installation.database.sql("ALTER TABLE away RENAME TO teams").await;
}

async fn issues(installation: &Installation) -> Vec<Value> {
    installation.database.rows("SELECT title, events FROM issues ORDER BY id").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_ours_becomes_an_issue_of_ours() {
    let mut installation = Installation::start().await;
    let (_web, _worker) = reporting(&mut installation).await;
    fail_once(&installation).await;
    until("the failure is an issue", async || !issues(&installation).await.is_empty()).await;
    let issues = issues(&installation).await;
    let [issue] = issues.as_slice() else { panic!("{issues:?}") };
    assert!(issue["title"].as_str().unwrap().contains("a request failed"), "{issue}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_cannot_be_digested_are_not_reported_again() {
    let mut installation = Installation::start().await;
    let (_web, mut worker) = reporting(&mut installation).await;
    let poison = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()";
    installation.database.sql(poison).await;
    fail_once(&installation).await;
    let buried = "SELECT count(*) FROM dead_letters";
    until("the report is buried", async || installation.database.number(buried).await == 1).await;
    // Whatever the worker wanted to report of that is sent before it ends.
    let (_, ended_well) = block_in_place(|| worker.stop());
    assert!(ended_well);
    let received = "SELECT (SELECT count(*) FROM dead_letters) + (SELECT count(*) FROM inbox)";
    assert_eq!(installation.database.number(received).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_answers_nothing_holds_nobody_up() {
    let installation = Installation::start().await;
    let nobody = format!("http://{}@127.0.0.1:1/1", installation.tenant.public_key);
    let mut web = installation.another("mishap-web", &[("SENTRY_DSN", &nobody), ("PORT", "0")]);
    web.spawn();
    block_in_place(|| web.wait_until_ready());
    let (took, ended_well) = block_in_place(|| web.stop());
    assert!(ended_well && took < Duration::from_secs(25), "{took:?}");
}
