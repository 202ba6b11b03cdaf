//! Whatever is sent, the server does not fail.

use mishap_testkit::{Answer, Browser, Options, TestApp};
use reqwest::Method;
use serde_json::json;
use url::Url;

use super::{JANE, PASSWORD, at, jane, wait};

/// Members that any endpoint reads.
const MEMBERS: [&str; 11] = [
    "email",
    "password",
    "key",
    "code",
    "credential",
    "current_password",
    "new_password",
    "primary",
    "id",
    "name",
    "authenticators",
];

/// Bodies that make no sense, or too much.
fn bodies() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"{".to_vec(),
        b"\xff\xfe".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"\"\\ud800\"".to_vec(),
        b"{\"email\":\"\\ud800\"}".to_vec(),
        b"{\"email\":1e999}".to_vec(),
        b"email=jane%40example.com&password=x".to_vec(),
        [b"[".repeat(100_000), b"]".repeat(100_000)].concat(),
        [b"{\"email\":".repeat(50_000), b"}".repeat(50_000)].concat(),
        format!("{{\"password\":\"{}\"}}", "x".repeat(1_000_000)).into_bytes(),
    ];
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    for value in [
        json!(null),
        json!(true),
        json!(-1),
        json!(i64::MAX),
        json!(0.5),
        json!(""),
        json!("\0"),
        json!("a\0b@example.com"),
        json!("x".repeat(10_000)),
        json!("\u{202e}\u{0}\u{fdd0}\u{10ffff}"),
        json!("1-1-1"),
        json!("-9223372036854775808-1-1"),
        json!([]),
        json!([null, [], {}, "x", 1.5, -1]),
        json!({}),
        json!({ "id": "\0", "rawId": "AA", "type": "public-key", "response": {} }),
        deep,
    ] {
        let all: serde_json::Map<_, _> =
            MEMBERS.iter().map(|member| ((*member).to_owned(), value.clone())).collect();
        bodies.push(json!(all).to_string().into_bytes());
        // Good enough to come further.
        let mut good = json!(all);
        (good["email"], good["password"]) = (json!(JANE), json!(PASSWORD));
        bodies.push(good.to_string().into_bytes());
    }
    bodies
}

#[track_caller]
fn assert_answered(answer: &Answer, what: &str) {
    let status = answer.status.as_u16();
    assert!(status < 500, "{what}: {status} {}", answer.body);
    if let Ok(said) = serde_json::from_str::<serde_json::Value>(&answer.body) {
        assert!(said["status"] == status || said["detail"].is_string(), "{what}: {said}");
    }
}

async fn start() -> TestApp {
    let public_url = Url::parse("https://localhost").unwrap();
    TestApp::start_with(Options { public_url, ..Options::default() }).await
}

/// Sends every body to every endpoint that takes one.
async fn attack(app: &TestApp, browser: &Browser) {
    let client = browser.client();
    for endpoint in mishap_web::allauth::endpoints() {
        let method = Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap();
        // Whoever signs out hears nothing more.
        if endpoint.path == "/auth/session" {
            continue;
        }
        let path = at(endpoint.path.trim_start_matches('/'));
        for body in bodies() {
            let what =
                format!("{method} {path} {}", String::from_utf8_lossy(&body[..body.len().min(80)]));
            let request = client.request(method.clone(), &path).body(body);
            assert_answered(&Answer::of(request).await, &what);
            // So that it is not only throttled.
            wait(app, 20);
        }
        wait(app, 300);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_cannot_make_it_fail() {
    let app = start().await;
    attack(&app, &super::visitor(&app).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_cannot_make_it_fail() {
    let app = start().await;
    let browser = jane(&app).await;
    attack(&app, &browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused() {
    let app = start().await;
    let client = super::visitor(&app).await.client();
    let body = format!("{{\"email\":\"{}\"}}", "x".repeat(1024 * 1024)).into_bytes();
    let answer = client.send(&at("auth/login"), &[], body).await.expect(413);
    assert_eq!(answer.json(), json!({ "detail": "Request body is too large" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_addresses_cannot_make_it_fail() {
    let app = start().await;
    let client = app.anonymous();
    let long = "x".repeat(7000);
    for text in ["", "-", "1-1-1", "1y2p0ij32e8e8-1-1", "\u{fc}", "a b", "%00", "'--", &long] {
        for name in [
            "x-password-reset-key",
            "x-email-verification-key",
            "cookie",
            "x-forwarded-for",
            "user-agent",
            "origin",
            "referer",
        ] {
            for endpoint in ["auth/password/reset", "auth/email/verify", "auth/session"] {
                let request = client.request(Method::GET, &at(endpoint));
                let request = request.header(name, text.as_bytes());
                assert_answered(&Answer::of(request).await, &format!("{endpoint} {name} {text}"));
            }
        }
        let cookie = format!("sessionid={text}; csrftoken={text}");
        let request = client.request(Method::DELETE, &at("auth/session"));
        let request = request.header("cookie", cookie.as_bytes());
        let request = request.header("x-csrftoken", text.as_bytes());
        assert_answered(&Answer::of(request).await, text);
    }
    for path in ["?passwordless=%ff", "?%00", "?=&=&="] {
        let path = at(&format!("account/authenticators/webauthn{path}"));
        assert_answered(&client.get(&path).await, &path);
    }
}
