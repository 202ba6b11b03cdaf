//! What must not be tried too often.

use futures_util::future::join_all;
use mishap_testkit::{Answer, Browser, Options, TestApp};
use serde_json::{Value, json};

use super::{
    JANE, OTHER_PASSWORD, PASSWORD, assert_bare, assert_problem, audited, delete, get, jane,
    person, post, visitor, wait,
};

/// Where tests connect from is a proxy, so that they can say where they come from.
async fn behind_a_proxy() -> TestApp {
    let trusted_proxies = vec!["127.0.0.0/8".to_owned()];
    TestApp::start_with(Options { trusted_proxies, ..Options::default() }).await
}

/// A browser at an address.
async fn from(app: &TestApp, address: &str) -> Browser {
    let mut browser = visitor(app).await;
    browser.says = vec![("x-forwarded-for", address.to_owned())];
    browser
}

async fn sign_in(browser: &mut Browser, email: &str, password: &str) -> Answer {
    post(browser, "auth/login", json!({ "email": email, "password": password })).await
}

#[track_caller]
fn assert_guessed(answer: Answer) {
    assert_problem(answer, "email_password_mismatch", Some("password"));
}

#[track_caller]
fn assert_stopped(answer: Answer) {
    assert_problem(answer, "too_many_login_attempts", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_s_password_is_guessed_five_times_in_five_minutes() {
    let app = behind_a_proxy().await;
    person(&app, JANE).await;
    for email in [JANE, "nobody@example.com"] {
        for address in 1..=5 {
            let mut browser = from(&app, &format!("203.0.113.{address}")).await;
            assert_guessed(sign_in(&mut browser, email, "wrong").await);
        }
        // Now the right one does not help either, wherever it is typed.
        let mut browser = from(&app, "203.0.113.9").await;
        assert_stopped(sign_in(&mut browser, email, PASSWORD).await);
        assert_stopped(sign_in(&mut browser, &email.to_uppercase(), PASSWORD).await);
    }
    assert_eq!(audited(&app).await, ["account.sign_in_throttled"]);
    assert_eq!(app.database.number("SELECT count(*) FROM audit_log").await, 1);
    wait(&app, 300);
    sign_in(&mut from(&app, "203.0.113.9").await, JANE, PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_addresses_of_an_account_count_together() {
    let app = TestApp::start().await;
    let user = person(&app, JANE).await;
    let mut conn = app.database.conn().await;
    let second = "second@example.com";
    mishap_storage::accounts::emails::insert(&mut conn, user, second, true, false).await.unwrap();
    let mut browser = visitor(&app).await;
    for email in [JANE, second, JANE, second, JANE] {
        assert_guessed(sign_in(&mut browser, email, "wrong").await);
    }
    assert_stopped(sign_in(&mut browser, second, "wrong").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_that_come_at_the_same_time_are_counted_too() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    let mut browsers = Vec::new();
    for _ in 0..9 {
        browsers.push(visitor(&app).await);
    }
    let guesses = browsers.iter_mut().map(|browser| sign_in(browser, JANE, "wrong"));
    let answers = join_all(guesses).await;
    let is_compared =
        |answer: &&Answer| answer.json()["errors"][0]["code"] == "email_password_mismatch";
    assert_eq!(answers.iter().filter(is_compared).count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_password_makes_up_for_wrong_ones() {
    let app = TestApp::start().await;
    person(&app, JANE).await;
    for _ in 0..2 {
        for _ in 0..4 {
            assert_guessed(app.stranger().give_password(JANE, "wrong").await);
        }
        app.stranger().give_password(JANE, PASSWORD).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_wrong_passwords_a_minute_come_from_one_place() {
    let app = behind_a_proxy().await;
    person(&app, JANE).await;
    let mut browser = from(&app, "203.0.113.1").await;
    // Right ones do not count.
    for _ in 0..12 {
        sign_in(&mut browser, JANE, PASSWORD).await.expect(200);
        delete(&mut browser, "auth/session", json!({})).await.expect(401);
    }
    wait(&app, 60);
    for place in 0..9 {
        let email = format!("person{place}@example.com");
        assert_guessed(sign_in(&mut browser, &email, PASSWORD).await);
    }
    assert_guessed(sign_in(&mut browser, JANE, "wrong").await);
    assert!(audited(&app).await.contains(&"account.sign_in_throttled".to_owned()));
    assert_stopped(sign_in(&mut browser, JANE, PASSWORD).await);
    sign_in(&mut from(&app, "203.0.113.2").await, JANE, PASSWORD).await.expect(200);
    wait(&app, 60);
    sign_in(&mut browser, JANE, PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_ipv6_is_one_place() {
    let app = behind_a_proxy().await;
    for place in 0..10 {
        let mut browser = from(&app, &format!("2001:db8:0:1:{place}::1")).await;
        let email = format!("person{place}@example.com");
        assert_guessed(sign_in(&mut browser, &email, PASSWORD).await);
    }
    let mut browser = from(&app, "2001:db8:0:1:ffff::7").await;
    assert_stopped(sign_in(&mut browser, JANE, PASSWORD).await);
    let mut browser = from(&app, "2001:db8:0:2::1").await;
    assert_guessed(sign_in(&mut browser, JANE, PASSWORD).await);
    // An address of IPv4 is one place, however it is written.
    for _ in 0..9 {
        let mut browser = from(&app, "::ffff:203.0.113.1").await;
        assert_guessed(sign_in(&mut browser, "a@example.com", "wrong").await);
        wait(&app, 300);
    }
    let mut browser = from(&app, "::ffff:203.0.113.2").await;
    assert_guessed(sign_in(&mut browser, "b@example.com", "wrong").await);
}

/// Asks so often as is let through, then once too often, and again a while later.
async fn assert_limit(
    app: &TestApp,
    browser: &mut Browser,
    endpoint: &str,
    body: Value,
    (count, seconds): (usize, i64),
) {
    for time in 0..count {
        let answer = post(browser, endpoint, body.clone()).await;
        assert_ne!(answer.status.as_u16(), 429, "{endpoint} for the {time}th time");
    }
    assert_bare(post(browser, endpoint, body.clone()).await, 429);
    wait(app, seconds);
    let answer = post(browser, endpoint, body).await;
    assert_ne!(answer.status.as_u16(), 429, "{endpoint} later");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_asks_so_often_and_not_more_often() {
    let app = behind_a_proxy().await;
    let mut browser = from(&app, "203.0.113.1").await;
    let nothing = || json!({});
    for (endpoint, limit) in [
        ("auth/login", (30, 60)),
        ("auth/signup", (20, 60)),
        ("auth/password/request", (20, 60)),
        ("auth/password/reset", (20, 60)),
    ] {
        assert_limit(&app, &mut browser, endpoint, nothing(), limit).await;
    }
    // Others are not stopped by it.
    for _ in 0..21 {
        post(&mut browser, "auth/signup", nothing()).await;
    }
    let mut other = from(&app, "203.0.113.2").await;
    post(&mut other, "auth/signup", nothing()).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_sent_five_links_a_minute() {
    let app = behind_a_proxy().await;
    person(&app, JANE).await;
    for email in [JANE, "nobody@example.com"] {
        let mut browser = from(&app, "203.0.113.1").await;
        let request = json!({ "email": email });
        assert_limit(&app, &mut browser, "auth/password/request", request, (5, 60)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_in_tries_so_often_and_not_more_often() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    let change = json!({ "current_password": "wrong", "new_password": OTHER_PASSWORD });
    assert_limit(&app, &mut browser, "account/password/change", change, (5, 60)).await;
    let wrong = json!({ "password": "wrong" });
    assert_limit(&app, &mut browser, "auth/reauthenticate", wrong, (10, 60)).await;
    assert_limit(&app, &mut browser, "account/email", json!({}), (10, 60)).await;
    for _ in 0..10 {
        get(&mut browser, "account/email").await;
    }
    assert_bare(get(&mut browser, "account/email").await, 429);
}
