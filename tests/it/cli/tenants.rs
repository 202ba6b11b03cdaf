use mishap_testkit::{Client, TestApp, TestDatabase, TestDatabase as Database};
use serde_json::{Value, json};

use super::{mishap, mishap_of};

const BOOTSTRAP: [&str; 10] = [
    "--json",
    "bootstrap",
    "--email",
    "ops@example.com",
    "--org",
    "My Org",
    "--project",
    "My Shop",
    "--token",
    "a-token-of-ones-own",
];

#[tokio::test(flavor = "multi_thread")]
async fn bootstrap_says_exactly_what_an_installer_needs() {
    let database = TestDatabase::new().await;
    let made = mishap(&database).run(&BOOTSTRAP).expect(0).json();
    let id = made["project_id"].as_str().unwrap();
    let dsn = made["dsn"].as_str().unwrap();
    let key = dsn.strip_prefix("https://").unwrap().split('@').next().unwrap();
    assert_eq!(key.len(), 32);
    assert_eq!(
        made,
        json!({
            "url": "https://errors.example.com/tracker",
            "email": "ops@example.com",
            "token": "a-token-of-ones-own",
            "organization": "my-org",
            "project": "my-shop",
            "project_id": id,
            "dsn": format!("https://{key}@errors.example.com/tracker/{id}"),
        })
    );
}

/// Everything that a bootstrap makes.
async fn tenancy(database: &Database) -> Vec<Value> {
    let query = "SELECT 'u' AS t, to_jsonb(u) AS row FROM users u
        UNION ALL SELECT 'o', to_jsonb(o) FROM organizations o
        UNION ALL SELECT 'm', to_jsonb(m) FROM members m
        UNION ALL SELECT 'p', to_jsonb(p) FROM projects p
        UNION ALL SELECT 'k', to_jsonb(k) FROM project_keys k
        UNION ALL SELECT 't', to_jsonb(t) FROM api_tokens t ORDER BY 1";
    database.rows(query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bootstrap_a_second_time_changes_nothing() {
    let database = TestDatabase::new().await;
    let first = mishap(&database).run(&BOOTSTRAP).expect(0);
    let before = tenancy(&database).await;
    assert_eq!(before.len(), 6);
    let second = mishap(&database).run(&BOOTSTRAP).expect(0);
    assert_eq!(second.out, first.out);
    assert_eq!(tenancy(&database).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_bootstrap_made_up_opens_the_api() {
    let app = TestApp::start().await;
    let words =
        ["bootstrap", "--email", "a@example.com", "--org", "New", "--project", "P", "--json"];
    let made = mishap_of(&app).run(&words).expect(0).json();
    let client = Client::at(app.url.as_str(), made["token"].as_str());
    let organizations = client.get("/api/0/organizations/").await.expect(200).json();
    assert_eq!(organizations[0]["slug"], made["organization"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_an_organization_a_project_and_a_token_are_made_one_by_one() {
    let app = TestApp::start().await;
    let mishap = mishap_of(&app);
    let user = mishap
        .run(&[
            "user",
            "create",
            "Eve@example.com",
            "--name",
            "Eve",
            "--password",
            "s3cret",
            "--json",
        ])
        .expect(0)
        .json();
    assert_eq!(user["email"], "Eve@example.com");
    let org = mishap
        .run(&["org", "create", "Söme Örg", "--owner", "eve@example.com", "--json"])
        .expect(0)
        .json();
    let slug = org["slug"].as_str().unwrap();
    let project = mishap
        .run(&["project", "create", slug, "The App", "--platform", "rust", "--json"])
        .expect(0)
        .json();
    assert_eq!(project["slug"], "the-app");
    let dsn = mishap.run(&["dsn", slug, "the-app", "--json"]).expect(0).json();
    assert_eq!(dsn["dsn"], project["dsn"]);
    assert!(dsn["security"].as_str().unwrap().contains("/security/?"), "{dsn}");
    assert_eq!(mishap.run(&["dsn", slug, "the-app"]).expect(0).out.trim(), dsn["dsn"]);

    let token = ["token", "create", "--user", "eve@example.com", "--scopes", "event:read,org:read"];
    let said = mishap.run(&[&token[..], &["--json"]].concat()).expect(0).json();
    assert_eq!(said["scopes"], json!(["event:read", "org:read"]));
    let client = Client::at(app.url.as_str(), said["token"].as_str());
    let seen = client.get("/api/0/organizations/").await.expect(200).json();
    assert_eq!(seen[0]["name"], "Söme Örg");
    client.get(&format!("/api/0/projects/{slug}/the-app/")).await.expect(403);

    let hash = app.database.rows("SELECT password_hash FROM users WHERE name = 'Eve'").await;
    let hash = hash[0]["password_hash"].as_str().unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_there_already_is_said() {
    let database = TestDatabase::new().await;
    database.tenant("shop").await;
    let mishap = mishap(&database);
    for (words, says) in [
        (&["user", "create", "owner@shop.example.com"][..], "already"),
        (&["user", "create", "nobody"], "no e-mail address"),
        (&["token", "create", "--user", "x@example.com"], "no account"),
        (&["token", "create", "--user", "owner@shop.example.com", "--scopes", "all"], "no scope"),
        (&["org", "create", "New", "--owner", "x@example.com"], "no account"),
        (&["project", "create", "nowhere", "P"], "no organization nowhere"),
        (&["dsn", "shop-org", "nothing"], "no project nothing"),
        (&["issues", "nowhere"], "no organization nowhere"),
        (&["issues", "shop-org", "--project", "nothing"], "no project nothing"),
    ] {
        let said = mishap.run(words).expect(1);
        assert!(said.err.contains(says), "{words:?}: {}", said.err);
        assert_eq!(said.out, "", "{words:?}");
    }
    assert_eq!(database.number("SELECT count(*) FROM organizations").await, 1);
}
