use std::thread;

use mishap_testkit::{Client, TestApp, TestDatabase, Typed};
use serde_json::{Value, json};
use tokio::task::block_in_place;
use url::Url;

/// What an init container of AppSRE's has in its environment: where the database is, and whom to make.
fn init_container(database: &TestDatabase, users: &[(&str, &str)]) -> Typed {
    let url = Url::parse(&database.url).unwrap();
    let port = url.port().unwrap().to_string();
    let environment = [
        ("DATABASE_HOST", url.host_str().unwrap()),
        ("DATABASE_PORT", &port),
        ("DATABASE_NAME", url.path().trim_start_matches('/')),
        ("DATABASE_USER", url.username()),
        ("DATABASE_PASSWORD", url.password().unwrap_or("none")),
        // Nobody needs these, so nobody looks at them.
        ("GLITCHTIP_DOMAIN", "nowhere"),
        ("REDIS_URL", "nowhere"),
        ("PORT", "eighty"),
    ];
    Typed::new("mishap", &[&environment[..], users].concat())
}

const USERS: [(&str, &str); 5] = [
    ("APPSRE_API_USER_1_EMAIL", "One@example.com"),
    ("APPSRE_API_USER_1_PASSWORD", "a password of one"),
    ("APPSRE_API_USER_1_TOKEN", "0123456789012345678901234567890123456789012345678901234567890one"),
    ("APPSRE_API_USER_2_EMAIL", ""),
    ("APPSRE_API_USER_12_EMAIL", "twelve@example.com"),
];

const ENSURE: [&str; 2] = ["ensure-api-users", "--json"];

/// Everything that the command writes, but for when it did.
async fn written(database: &TestDatabase) -> Vec<Value> {
    let query = "SELECT 'u' AS t, to_jsonb(u) AS row FROM users u
        UNION ALL SELECT 't', to_jsonb(t) FROM api_tokens t
        UNION ALL SELECT 'a', to_jsonb(a) FROM audit_log a
        UNION ALL SELECT 'e', to_jsonb(e) FROM user_emails e
        UNION ALL SELECT 'm', to_jsonb(m) FROM members m ORDER BY 1, 2";
    database.rows(query).await
}

async fn actions(database: &TestDatabase) -> Vec<String> {
    let rows =
        database.rows("SELECT concat_ws(' ', actor, action) AS a FROM audit_log ORDER BY id");
    rows.await.iter().map(|row| row["a"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn superusers_are_made_with_nothing_but_the_database_and_again_changes_nothing() {
    let database = TestDatabase::new().await;
    let mishap = init_container(&database, &USERS);
    let said = mishap.run(&ENSURE).expect(0);
    assert_eq!(
        said.json(),
        json!([
            { "email": "One@example.com", "account": "made", "password": "made", "token": "made" },
            { "email": "twelve@example.com", "account": "made", "password": "none", "token": "none" },
        ])
    );
    let users = database.rows(
        "SELECT email, is_superuser AND is_staff AND is_active AS may, name,
             password_hash LIKE '$argon2id$%' AS hashed FROM users ORDER BY id",
    );
    assert_eq!(
        users.await,
        [
            json!({ "email": "One@example.com", "may": true, "name": "", "hashed": true }),
            json!({ "email": "twelve@example.com", "may": true, "name": "", "hashed": null }),
        ]
    );
    let tokens = "SELECT scopes, label, encode(token_hash, 'hex') AS hash, hint FROM api_tokens";
    let token = database.rows(tokens).await;
    assert_eq!((token.len(), &token[0]["scopes"]), (1, &json!(65535)));
    assert_eq!(token[0]["label"], "ensure-api-users");
    assert_eq!(database.number("SELECT count(*) FROM user_emails").await, 0);
    assert_eq!(
        actions(&database).await,
        ["operator account.create", "operator token.create", "operator account.create"]
    );

    let before = written(&database).await;
    let again = mishap.run(&["ensure-api-users"]).expect(0);
    assert_eq!(again.out.matches("unchanged").count(), 4, "{}", again.out);
    assert_eq!(written(&database).await, before);
    for said in [&said.out, &said.err, &again.out, &again.err] {
        let is_told = [USERS[1].1, USERS[2].1, "890one"].iter().any(|secret| said.contains(secret));
        assert!(!is_told, "{said}");
    }
    let told = database.rows("SELECT details, target FROM audit_log").await;
    assert!(!json!(told).to_string().contains("890one"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_set_right_and_the_rest_is_left_alone() {
    let app = TestApp::start().await;
    let database = &app.database;
    init_container(database, &USERS).run(&ENSURE).expect(0);
    let theirs = "INSERT INTO api_tokens (user_id, token_hash, label, scopes)
        SELECT id, 'theirs', 'their own', 1 FROM users WHERE email = 'One@example.com'";
    database.sql(theirs).await;
    database
        .sql(
            "UPDATE users SET is_active = false, is_staff = false, is_superuser = false,
                 name = 'Somebody' WHERE email LIKE '%@example.com';
             INSERT INTO sessions (key_hash, user_id, expires_at)
             SELECT int8send(id), id, now() + interval '1 day' FROM users",
        )
        .await;
    let old = Client::at(app.url.as_str(), Some(USERS[2].1));
    let token = "another token";
    let users = [
        ("APPSRE_API_USER_1_EMAIL", "oNE@EXAMPLE.com"),
        ("APPSRE_API_USER_1_PASSWORD", "another password"),
        ("APPSRE_API_USER_1_TOKEN", token),
        ("APPSRE_API_USER_12_EMAIL", "twelve@example.com"),
    ];
    let mishap = init_container(database, &users);
    assert_eq!(
        mishap.run(&ENSURE).expect(0).json(),
        json!([
            { "email": "One@example.com", "account": "changed", "password": "changed",
                "token": "changed" },
            { "email": "twelve@example.com", "account": "changed", "password": "none",
                "token": "none" },
        ])
    );
    let right = "SELECT count(*) FROM users
        WHERE email LIKE '%@example.com' AND is_superuser AND is_staff AND is_active
            AND name = 'Somebody'";
    assert_eq!(database.number(right).await, 2);
    old.get("/api/0/organizations/").await.expect(401);
    Client::at(app.url.as_str(), Some(token)).get("/api/0/organizations/").await.expect(200);
    assert_eq!(
        database.number("SELECT count(*) FROM api_tokens WHERE label = 'their own'").await,
        1
    );
    // A new password ends the sessions of that account and of no other.
    let signed_in = "SELECT u.email FROM sessions s JOIN users u ON u.id = user_id ORDER BY u.id";
    let signed_in = database.rows(signed_in).await;
    assert_eq!(signed_in.len(), 2, "{signed_in:?}");
    assert!(signed_in.iter().all(|row| row["email"] != "One@example.com"), "{signed_in:?}");
    let actions = actions(database).await;
    let new = [
        "operator account.update",
        "operator account.password_change",
        "operator token.delete",
        "operator token.create",
        "operator account.update",
    ];
    assert_eq!(actions[3..], new);
    // Without a password, none can be used.
    let users = [("APPSRE_API_USER_1_EMAIL", "one@example.com")];
    let said = init_container(database, &users).run(&ENSURE).expect(0).json();
    assert_eq!(said[0]["password"], "changed", "{said}");
    let open = "SELECT count(*) FROM users WHERE password_hash IS NOT NULL";
    assert_eq!(database.number(open).await, 0);
    // The token of the run before stays until there is another.
    Client::at(app.url.as_str(), Some(token)).get("/api/0/organizations/").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_account_has_already_is_taken_over() {
    let database = TestDatabase::new().await;
    let tenant = database.tenant("shop").await;
    let email = "owner@shop.example.com";
    let narrow = "UPDATE api_tokens SET scopes = 1, expires_at = now()";
    database.sql(narrow).await;
    let users = [("APPSRE_API_USER_1_EMAIL", email), ("APPSRE_API_USER_1_TOKEN", &tenant.token)];
    let mishap = init_container(&database, &users);
    assert_eq!(mishap.run(&ENSURE).expect(0).json()[0]["token"], "changed");
    let right = "SELECT count(*) FROM api_tokens
        WHERE label = 'ensure-api-users' AND scopes = 65535 AND expires_at IS NULL";
    assert_eq!(database.number(right).await, 1);
    assert_eq!(mishap.run(&ENSURE).expect(0).json()[0]["token"], "unchanged");

    // But not from another account.
    let users =
        [("APPSRE_API_USER_7_EMAIL", "x@example.com"), ("APPSRE_API_USER_7_TOKEN", &tenant.token)];
    let before = written(&database).await;
    let said = init_container(&database, &users).run(&ENSURE).expect(1);
    assert!(said.err.contains("APPSRE_API_USER_7_TOKEN is the token of another"), "{}", said.err);
    assert!(!said.err.contains(&tenant.token), "{}", said.err);
    assert_eq!(written(&database).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_refused_before_anything_is_written() {
    let database = TestDatabase::new().await;
    let long = "x".repeat(65);
    let endless = "x".repeat(4097);
    for (name, value, says) in [
        ("APPSRE_API_USER_2_TOKEN", long.as_str(), "at most 64 characters"),
        ("APPSRE_API_USER_2_PASSWORD", &endless, "cannot be used"),
        ("APPSRE_API_USER_2_EMAIL", "nobody", "must be an address"),
        ("APPSRE_API_USER_2_EMAIL", "\"a\"@example.com", "cannot be used"),
    ] {
        let mut users = USERS.to_vec();
        users[3] = ("APPSRE_API_USER_2_EMAIL", "two@example.com");
        users.push((name, value));
        let said = init_container(&database, &users).run(&ENSURE).expect(1);
        assert!(said.err.contains(name) && said.err.contains(says), "{}", said.err);
        assert!(!said.err.contains("xxx"), "{}", said.err);
    }
    assert_eq!(written(&database).await, [json!(null); 0]);
    let said = init_container(&database, &[]).run(&["ensure-api-users"]).expect(0);
    assert!(said.out.contains("No APPSRE_API_USER_n_EMAIL"), "{}", said.out);
    let empty = TestDatabase::empty().await;
    let said = init_container(&empty, &USERS).run(&ENSURE).expect(1);
    assert!(said.err.contains("mishap migrate"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_containers_at_once_do_it_once() {
    let database = TestDatabase::new().await;
    let mishap = init_container(&database, &USERS);
    let at_once = || {
        let said = block_in_place(|| {
            let runs: Vec<_> = (0..3)
                .map(|_| {
                    let mishap = mishap.clone();
                    thread::spawn(move || mishap.run_with_input(&ENSURE, &[]).expect(0).json())
                })
                .collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect::<Vec<_>>()
        });
        said.iter().filter(|said| **said != said_nothing_new()).count()
    };
    let made = at_once();
    assert!((1..=2).contains(&made), "{made} containers made something of two accounts");
    assert_eq!(actions(&database).await.len(), 3);
    assert_eq!(database.number("SELECT count(*) FROM users").await, 2);
    assert_eq!(database.number("SELECT count(*) FROM api_tokens").await, 1);
    let before = written(&database).await;
    assert_eq!(at_once(), 0);
    assert_eq!(written(&database).await, before);
}

fn said_nothing_new() -> Value {
    json!([
        { "email": "One@example.com", "account": "unchanged", "password": "unchanged",
            "token": "unchanged" },
        { "email": "twelve@example.com", "account": "unchanged", "password": "none",
            "token": "none" },
    ])
}
