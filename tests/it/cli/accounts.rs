use mishap_identity::password::{self, PasswordHash, Verified};
use mishap_testkit::{Client, TestApp, TestDatabase};
use serde_json::{Value, json};

use super::{mishap, mishap_of};

const EVE: &str = "eve@example.com";

/// What was noted, the oldest first.
async fn noted(database: &TestDatabase) -> Vec<Value> {
    let entries = "SELECT actor, action, target, details FROM audit_log ORDER BY id";
    database.rows(entries).await
}

/// Whom a test is about: an account with two sessions and all second factors.
async fn eve() -> TestDatabase {
    let database = TestDatabase::new().await;
    mishap(&database).run(&["user", "create", EVE, "--name", "Eve"]).expect(0);
    database
        .sql(
            "INSERT INTO sessions (key_hash, user_id, expires_at)
             SELECT int4send(n), id, now() + interval '1 day' FROM users, generate_series(1, 2) n;
             INSERT INTO authenticators (user_id, kind, data, credential_id)
             SELECT id, n, '{}', CASE n WHEN 3 THEN 'key'::bytea END
             FROM users, generate_series(1, 3) n;
             DELETE FROM jobs",
        )
        .await;
    database
}

async fn sessions(database: &TestDatabase) -> i64 {
    database.number("SELECT count(*) FROM sessions").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_s_account_has_an_address_that_counts_as_proven() {
    let database = TestDatabase::new().await;
    let mishap = mishap(&database);
    let words = ["user", "create", "Eve@example.com", "--password-stdin", "--superuser", "--json"];
    let made = mishap.run_with_input(&words, b"s3cret of eve\n").expect(0).json();
    assert_eq!(made["email"], "Eve@example.com");
    let stored = database.rows(
        "SELECT e.email, is_verified, is_primary, is_superuser, is_staff, password_hash
         FROM user_emails e JOIN users u ON u.id = user_id",
    );
    let stored = &stored.await[0];
    for flag in ["is_verified", "is_primary", "is_superuser", "is_staff"] {
        assert_eq!(stored[flag], true, "{stored}");
    }
    assert_eq!(stored["email"], "Eve@example.com");
    let hash = PasswordHash::from_stored(stored["password_hash"].as_str().unwrap());
    assert_ne!(password::verify("s3cret of eve", Some(&hash)), Verified::No);
    assert_eq!(
        noted(&database).await,
        [json!({ "actor": "operator", "action": "account.create", "target": "Eve@example.com",
            "details": { "is_superuser": true } })]
    );
    // An address that somebody else proved is taken, too.
    database.sql("UPDATE user_emails SET email = 'other@example.com'").await;
    for email in ["EVE@example.com", "Other@example.com"] {
        let said = mishap.run(&["user", "create", email]).expect(1);
        assert!(said.err.contains("already"), "{}", said.err);
    }
    let both = ["user", "create", "a@example.com", "--password", "x", "--password-stdin"];
    mishap.run(&both).expect(2);
    let said = mishap.run_with_input(&["user", "create", "a@b.c", "--password-stdin"], b"\n");
    assert!(said.expect(1).err.contains("no password"));
    assert_eq!(database.number("SELECT count(*) FROM users").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_listed_and_shown() {
    let database = eve().await;
    database.tenant("shop").await;
    database
        .sql(
            "INSERT INTO members (organization_id, user_id, role)
             SELECT o.id, u.id, 2 FROM organizations o, users u WHERE u.email = 'eve@example.com';
             INSERT INTO user_emails (user_id, email)
             SELECT id, 'other@example.com' FROM users WHERE email = 'eve@example.com';
             UPDATE users SET is_superuser = true, name = E'Eve\\x1b[2J' WHERE name = 'Eve'",
        )
        .await;
    let mishap = mishap(&database);
    let list = mishap.run(&["user", "list", "--json"]).expect(0).json();
    let emails: Vec<_> = list.as_array().unwrap().iter().map(|user| &user["email"]).collect();
    assert_eq!(emails, ["owner@shop.example.com", EVE]);
    assert_eq!(mishap.run(&["user", "list", "--limit", "1"]).expect(0).out.lines().count(), 2);
    let mut shown = mishap.run(&["user", "show", "Eve@Example.com", "--json"]).expect(0).json();
    for unknown in ["id", "created"] {
        assert!(!shown[unknown].take().is_null(), "{unknown}");
    }
    assert_eq!(
        shown,
        json!({
            "id": null,
            "email": EVE,
            "name": "Eve\u{1b}[2J",
            "is_active": true,
            "is_staff": false,
            "is_superuser": true,
            "has_password": false,
            "created": null,
            "last_login": null,
            "addresses": [
                { "email": EVE, "is_verified": true, "is_primary": true },
                { "email": "other@example.com", "is_verified": false, "is_primary": false },
            ],
            "second_factors": ["app", "recovery codes", "passkey"],
            "sign_in_providers": [],
            "organizations": [{ "organization": "shop-org", "role": "manager" }],
            "sessions": 2,
            "tokens": 0,
        })
    );
    let said = mishap.run(&["user", "show", EVE]).expect(0).out;
    for text in ["superuser, no password", "other@example.com (not proven)", "shop-org (manager)"] {
        assert!(said.contains(text), "{text}: {said}");
    }
    // What people call themselves does nothing to an operator's terminal.
    assert!(!said.contains('\u{1b}'), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_given_and_taken_and_noted_once() {
    let database = eve().await;
    let mishap = mishap(&database);
    let rights = async || {
        let rights = "SELECT is_active, is_staff, is_superuser FROM users";
        let row = database.rows(rights).await.remove(0);
        ["is_active", "is_staff", "is_superuser"].map(|name| row[name].as_bool().unwrap())
    };
    for (words, has, details) in [
        (&["staff", EVE, "on"][..], [true, true, false], json!({ "is_staff": [false, true] })),
        (&["staff", EVE, "off"], [true, false, false], json!({ "is_staff": [true, false] })),
        (
            &["superuser", EVE, "on"],
            [true, true, true],
            json!({ "is_staff": [false, true], "is_superuser": [false, true] }),
        ),
        (&["superuser", EVE, "off"], [true, true, false], json!({ "is_superuser": [true, false] })),
        (&["deactivate", EVE], [false, true, false], json!({ "is_active": [true, false] })),
        (&["activate", EVE], [true, true, false], json!({ "is_active": [false, true] })),
    ] {
        let words = [&["user", "--json"][..], words].concat();
        let before = noted(&database).await.len();
        assert_eq!(
            mishap.run(&words).expect(0).json(),
            json!({ "email": EVE, "is_changed": true })
        );
        assert_eq!(rights().await, has, "{words:?}");
        assert_eq!(mishap.run(&words).expect(0).json()["is_changed"], false, "{words:?}");
        let noted = noted(&database).await;
        assert_eq!(noted.len(), before + 1, "{words:?}");
        let expected = json!({ "actor": "operator", "action": "account.update", "target": EVE,
            "details": details });
        assert_eq!(noted[before], expected);
        // Sessions end with the right to use the account, and do not come back.
        let ended = words.contains(&"deactivate") || words.contains(&"activate");
        assert_eq!(sessions(&database).await, if ended { 0 } else { 2 }, "{words:?}");
    }
    mishap.run(&["user", "staff", EVE, "maybe"]).expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_lost_everything_is_helped() {
    let database = eve().await;
    let mishap = mishap(&database);
    for (words, action, left) in [
        (["user", "reset-second-factors", EVE], "account.second_factor_remove", "authenticators"),
        (["user", "sign-out", EVE], "account.sign_out", "sessions"),
    ] {
        assert!(database.number(&format!("SELECT count(*) FROM {left}")).await > 0);
        assert_eq!(
            mishap.run(&[&words[..], &["--json"]].concat()).expect(0).json()["is_changed"],
            true
        );
        assert_eq!(database.number(&format!("SELECT count(*) FROM {left}")).await, 0);
        assert_eq!(noted(&database).await.last().unwrap()["action"], action);
        let before = noted(&database).await;
        mishap.run(&words).expect(0);
        assert_eq!(noted(&database).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_read_from_standard_input_and_ends_sessions() {
    let database = eve().await;
    let mishap = mishap(&database);
    let words = ["user", "password", EVE, "--password-stdin"];
    let said = mishap.run_with_input(&words, "  pass wörd \r\n".as_bytes()).expect(0);
    assert!(!said.out.contains("pass w"), "{}", said.out);
    let hash = database.rows("SELECT password_hash AS hash FROM users").await;
    let hash = PasswordHash::from_stored(hash[0]["hash"].as_str().unwrap());
    assert_ne!(password::verify("  pass wörd ", Some(&hash)), Verified::No);
    assert_eq!(sessions(&database).await, 0);
    assert_eq!(noted(&database).await.last().unwrap()["action"], "account.password_change");
    mishap.run_with_input(&words, b"").expect(1);
    mishap.run_with_input(&words, &[b'x'; 5000]).expect(1);
    let unchanged = database.rows("SELECT password_hash AS hash FROM users").await;
    assert_eq!(unchanged[0]["hash"], hash.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_by_that_address_is_said_by_every_command() {
    let database = eve().await;
    let mishap = mishap(&database);
    let nobody = "nobody@example.com";
    for words in [
        &["user", "show", nobody][..],
        &["user", "password", nobody],
        &["user", "reset-link", nobody],
        &["user", "deactivate", nobody],
        &["user", "activate", nobody],
        &["user", "staff", nobody, "on"],
        &["user", "superuser", nobody, "on"],
        &["user", "reset-second-factors", nobody],
        &["user", "sign-out", nobody],
        &["token", "list", "--user", nobody],
        &["token", "delete", "--user", nobody, "1"],
    ] {
        let said = mishap.run(words).expect(1);
        assert!(said.err.contains("no account with the address nobody@"), "{words:?} {}", said.err);
        assert_eq!(said.out, "");
    }
    assert_eq!(noted(&database).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_when_they_are_to_and_are_listed_and_deleted() {
    let app = TestApp::start().await;
    let mishap = mishap_of(&app);
    let user = "owner@shop.example.com";
    let create = ["token", "create", "--user", user, "--json", "--label", "ci", "--expires"];
    let said = mishap.run(&[&create[..], &["2099-12-31"]].concat()).expect(0).json();
    assert_eq!(said["expires"], "2099-12-31T00:00:00Z");
    let client = Client::at(app.url.as_str(), said["token"].as_str());
    client.get("/api/0/organizations/").await.expect(200);
    let past = mishap.run(&[&create[..], &["2020-01-01T00:00:00Z"]].concat()).expect(1);
    assert!(past.err.contains("past"), "{}", past.err);
    mishap.run(&[&create[..], &["soon"]].concat()).expect(2);

    let list = ["token", "list", "--user", user];
    let listed = mishap.run(&[&list[..], &["--json"]].concat()).expect(0);
    let token = listed.json()[0].clone();
    assert_eq!((&token["label"], &token["expires"]), (&json!("ci"), &said["expires"]));
    assert_eq!(listed.json().as_array().unwrap().len(), 2);
    let (secret, hint) = (said["token"].as_str().unwrap(), token["hint"].as_str().unwrap());
    assert!(secret.ends_with(hint) && hint.len() == 8);
    let shown = mishap.run(&list).expect(0).out;
    for text in [&listed.out, &shown] {
        assert!(!text.contains(secret) && text.contains(hint), "{text}");
    }

    // Somebody else's token is none of theirs.
    mishap.run(&["user", "create", EVE]).expect(0);
    let id = token["id"].to_string();
    let said = mishap.run(&["token", "delete", "--user", EVE, &id]).expect(1);
    assert!(said.err.contains("has no token"), "{}", said.err);
    mishap.run(&["token", "delete", "--user", user, &id]).expect(0);
    client.get("/api/0/organizations/").await.expect(401);
    mishap.run(&["token", "delete", "--user", user, &id]).expect(1);
    let noted = noted(&app.database).await;
    let actions: Vec<_> = noted.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["token.create", "account.create", "token.delete"]);
    assert_eq!(noted[0]["target"], json!(format!("ci ({user})")));
    assert_eq!(noted[0]["details"]["expires"], "2099-12-31T00:00:00Z");
    assert!(!json!(noted).to_string().contains(secret));
}
