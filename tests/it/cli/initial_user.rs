use std::thread;

use mishap_core::secret::ApiToken;
use mishap_testkit::{Program, TestDatabase, Typed, built_program, until};
use serde_json::json;
use tokio::task::block_in_place;

const TOKEN: &str = "a-token-for-the-first-org";

fn environment(database: &TestDatabase) -> [(&str, &str); 4] {
    [
        ("DATABASE_URL", database.url.as_str()),
        ("INITIAL_USER_EMAIL", "First@example.com"),
        ("INITIAL_USER_PASSWORD", "a password of the first"),
        ("INITIAL_USER_AUTH_TOKEN", TOKEN),
    ]
}

async fn expect_first_user(database: &TestDatabase) {
    let users = database.rows(
        "SELECT u.email, is_superuser, is_staff, is_verified, is_primary,
             password_hash LIKE '$argon2id$%' AS hashed, scopes, token_hash
         FROM users u JOIN user_emails e ON e.user_id = u.id AND e.email = u.email
         JOIN api_tokens t ON t.user_id = u.id",
    );
    let hash: String = ApiToken::new(TOKEN).hash().0.iter().map(|b| format!("{b:02x}")).collect();
    let expected = json!({
        "email": "First@example.com", "is_superuser": true, "is_staff": true, "is_verified": true,
        "is_primary": true, "hashed": true, "scopes": 4096, "token_hash": format!("\\x{hash}"),
    });
    assert_eq!(users.await, [expected]);
    let noted = "SELECT actor, action FROM audit_log ORDER BY id";
    assert_eq!(
        database.rows(noted).await,
        ["account.create", "token.create"]
            .map(|action| json!({ "actor": "operator", "action": action }))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_who_migrate_a_fresh_database_make_the_first_user_once() {
    let database = TestDatabase::empty().await;
    block_in_place(|| {
        let runs: Vec<_> = ["mishap-beat", "mishap", "mishap-beat"]
            .into_iter()
            .map(|program| {
                let program = Typed::new(program, &environment(&database));
                thread::spawn(move || program.run_with_input(&["migrate"], &[]).expect(0))
            })
            .collect();
        for run in runs {
            let said = run.join().unwrap();
            let text = format!("{}{}", said.out, said.err);
            assert!(!text.contains(TOKEN) && !text.contains("a password"), "{text}");
        }
    });
    expect_first_user(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beat_makes_the_first_user_when_it_starts() {
    let database = TestDatabase::empty().await;
    let environment =
        [&environment(&database)[..], &[("REDIS_URL", ""), ("LOG_LEVEL", "warn")]].concat();
    let mut beat = Program::prepare(&built_program("mishap-beat"), &environment);
    block_in_place(|| {
        beat.spawn();
        beat.wait_until_ready();
    });
    until("beat leads", async || database.number("SELECT count(*) FROM schedule").await > 0).await;
    expect_first_user(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_an_account_nobody_else_is_made() {
    let database = TestDatabase::new().await;
    database.tenant("shop").await;
    Typed::new("mishap-beat", &environment(&database)).run(&["migrate"]).expect(0);
    assert_eq!(database.number("SELECT count(*) FROM users").await, 1);
    assert_eq!(database.number("SELECT count(*) FROM audit_log").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_looks_at_no_other_settings_and_warns_of_half_a_user() {
    let database = TestDatabase::empty().await;
    let environment = [
        ("DATABASE_URL", database.url.as_str()),
        ("INITIAL_USER_EMAIL", "first@example.com"),
        ("GLITCHTIP_DOMAIN", "nowhere"),
        ("REDIS_URL", "nowhere"),
        ("LOG_LEVEL", "WARNING"),
    ];
    let said = Typed::new("mishap-beat", &environment).run(&["migrate"]).expect(0);
    assert!(said.err.contains("makes nobody without INITIAL_USER_PASSWORD"), "{}", said.err);
    Typed::new("mishap", &environment).run(&["migrate"]).expect(0);
    assert_eq!(database.number("SELECT count(*) FROM users").await, 0);
}
