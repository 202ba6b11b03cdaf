//! Signing in through somebody else who can say who a person is.

mod github;
mod guests;
mod hostile;
mod identity_provider;
mod links;
mod roles;

use std::sync::Arc;

use mishap_identity::provider::Http;
use mishap_storage::accounts::providers::{ProviderChanges, insert};
use mishap_testkit::{Answer, Browser, Options, TestApp};
use mishap_web::config::AccountRules;
use mishap_web::outside::ProviderHttp;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

pub(crate) use self::identity_provider::IdentityProvider;
use super::{JANE, assert_bare, audited, delete, get, mails, person, post, seconds, visitor, wait};

/// Where a form sends the browser to a provider.
const REDIRECT: &str = "/_allauth/browser/v1/auth/provider/redirect";

/// Where browsers come back to.
const CALLBACK: &str = "/accounts/oidc/corp/login/callback/";

/// The product, with a client that reaches real providers.
async fn app() -> TestApp {
    app_with(AccountRules::default()).await
}

async fn app_with(accounts: AccountRules) -> TestApp {
    mishap_testkit::install_encryption();
    let providers: Arc<dyn Http> = Arc::new(ProviderHttp::new().unwrap());
    TestApp::start_with(Options { providers, accounts, ..Options::default() }).await
}

/// Sets a provider up, as an administrator does.
async fn set_up(app: &TestApp, slug: &str, kind: &str, settings: Value) {
    let new = ProviderChanges {
        slug,
        kind,
        name: "Example SSO",
        client_id: "mishap",
        client_secret: "the-client-secret",
        settings: &settings,
        is_enabled: true,
    };
    insert(&mut *app.database.conn().await, &new).await.unwrap().unwrap();
}

/// The product and a real provider, which it calls `corp`.
async fn app_and_provider() -> (TestApp, IdentityProvider) {
    let (app, provider) = (app().await, IdentityProvider::start().await);
    set_up(&app, "corp", "openid_connect", json!({ "server_url": provider.url })).await;
    (app, provider)
}

/// Presses the button of a provider; says where the browser is sent.
async fn depart(browser: &mut Browser, slug: &str, process: &str) -> Url {
    let fields = [
        ("provider", slug),
        ("process", process),
        ("callback_url", "http://mishap.test/profile/security?from=sign-in"),
    ];
    let answer = browser.post_form(REDIRECT, &fields).await.expect(302);
    Url::parse(answer.header("location")).unwrap()
}

/// Signs in through `corp` on the provider's page; the answer is that to the way back.
pub(crate) async fn come_from(
    browser: &mut Browser,
    provider: &IdentityProvider,
    sub: &str,
) -> Answer {
    let page = depart(browser, "corp", "login").await;
    let back = provider.authorize(&page, sub).await;
    browser.get(&back).await
}

/// Checks that the browser is led to the sign-in page, which says this, and nobody is signed in.
async fn assert_refused(browser: &mut Browser, answer: Answer, code: &str, says: &str) {
    let address = answer.expect(302).header("location").to_owned();
    assert_eq!(address, format!("/login?socialLoginError=true&error={code}"));
    let page = browser.get(&address).await.expect(200);
    assert!(page.body.contains(says), "{code}: {}", page.body);
    get(browser, "auth/session").await.expect(401);
}

async fn users(app: &TestApp) -> i64 {
    app.database.number("SELECT count(*) FROM users").await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_for_the_first_time_gets_an_account_and_finds_it_again() {
    let (app, provider) = app_and_provider().await;
    let told = json!({ "email": JANE, "email_verified": true, "name": "Jane Doe" });
    provider.knows("jane-4711", &told).await;
    let mut browser = visitor(&app).await;
    let page = depart(&mut browser, "corp", "login").await;
    let query: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "mishap"),
        ("scope", "openid profile email"),
        ("redirect_uri", "http://mishap.test/accounts/oidc/corp/login/callback/"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(query[name], value);
    }
    let back = provider.authorize(&page, "jane-4711").await;
    let answer = browser.get(&back).await.expect(303);
    assert_eq!(answer.header("location"), "/profile/security?from=sign-in");
    let session = get(&mut browser, "auth/session").await.expect(200).json();
    assert_eq!(session["data"]["user"]["email"], JANE);
    assert_eq!(session["data"]["user"]["has_usable_password"], false);
    let method = json!({
        "method": "socialaccount", "at": seconds(&app), "provider": "corp", "uid": "jane-4711",
    });
    assert_eq!(session["data"]["methods"], json!([method]));
    let made =
        app.database.rows("SELECT name, is_staff, is_superuser FROM users ORDER BY id").await;
    let expected = json!({ "name": "Jane Doe", "is_staff": false, "is_superuser": false });
    assert_eq!(made.last(), Some(&expected));
    let address = app.database.rows("SELECT email, is_verified, is_primary FROM user_emails").await;
    assert_eq!(address, [json!({ "email": JANE, "is_verified": true, "is_primary": true })]);
    assert!(mails(&app).await.is_empty(), "the provider vouches for the address");
    assert_eq!(audited(&app).await, ["account.create", "account.sign_in"]);

    delete(&mut browser, "auth/session", json!({})).await.expect(401);
    // The account is known by who the person is there, whatever the address is by now.
    provider.knows("jane-4711", &json!({ "email": "doe@example.com" })).await;
    come_from(&mut browser, &provider, "jane-4711").await.expect(303);
    assert_eq!(users(&app).await, 2);
    let me = browser.get("/api/0/users/me/").await.expect(200).json();
    assert_eq!(me["email"], JANE);
    let identity = &me["identities"][0];
    assert_eq!(
        (&identity["provider"], &identity["uid"], &identity["email"]),
        (&json!("corp"), &json!("jane-4711"), &json!("doe@example.com"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_counts_once_and_in_the_browser_that_asked() {
    let (app, provider) = app_and_provider().await;
    set_up(&app, "other", "openid_connect", json!({ "server_url": provider.url })).await;
    provider.knows("jane", &json!({ "email": JANE, "email_verified": true })).await;
    let (code, says) = ("unknown_state", "Try again");
    // In another browser, which may have begun a sign-in of its own.
    let mut browser = visitor(&app).await;
    let page = depart(&mut browser, "corp", "login").await;
    let back = provider.authorize(&page, "jane").await;
    let mut victim = visitor(&app).await;
    let answer = victim.get(&back).await;
    assert_refused(&mut victim, answer, code, says).await;
    depart(&mut victim, "corp", "login").await;
    let answer = victim.get(&back).await;
    assert_refused(&mut victim, answer, "provider_failed", "did not say who you are").await;
    // At the address of another provider.
    let elsewhere = back.replace("/corp/", "/other/");
    let answer = browser.get(&elsewhere).await;
    assert_refused(&mut browser, answer, code, says).await;
    // Once more: the first answer has used the sign-in up.
    let answer = browser.get(&back).await;
    assert_refused(&mut browser, answer, code, says).await;
    let page = depart(&mut browser, "corp", "login").await;
    let back = provider.authorize(&page, "jane").await;
    browser.get(&back).await.expect(303);
    delete(&mut browser, "auth/session", json!({})).await.expect(401);
    let answer = browser.get(&back).await;
    assert_refused(&mut browser, answer, code, says).await;
    // With a state that was made up.
    let page = depart(&mut browser, "corp", "login").await;
    let back = provider.authorize(&page, "jane").await;
    let (start, _) = back.split_once("&state=").unwrap();
    let answer = browser.get(&format!("{start}&state=made-up")).await;
    assert_refused(&mut browser, answer, "provider_failed", "did not say who you are").await;
    // Without anything.
    let answer = browser.get(CALLBACK).await;
    assert_refused(&mut browser, answer, "denied", "said no").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_no_is_led_back() {
    let (app, provider) = app_and_provider().await;
    let mut browser = visitor(&app).await;
    let page = depart(&mut browser, "corp", "login").await;
    let back = provider.deny(&page).await;
    assert!(back.starts_with(CALLBACK) && back.contains("error=access_denied"), "{back}");
    let answer = browser.get(&format!("{back}&error_description=%3Cscript%3E")).await;
    assert_refused(&mut browser, answer, "denied", "said no").await;
    let page = browser.get("/login?error=%3Cscript%3Ealert(1)").await.expect(200);
    assert!(!page.body.contains("<script>alert") && !page.body.contains("did not say"));
    assert_eq!(users(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_led_away_from_here() {
    let (app, provider) = app_and_provider().await;
    provider.knows("jane", &json!({ "email": JANE, "email_verified": true })).await;
    let mut browser = visitor(&app).await;
    for url in [
        "https://evil.example.com/",
        "//evil.example.com/",
        "http://mishap.test.evil.example.com/",
        "http://mishap.test@evil.example.com/",
        "https://mishap.test/",
        "javascript:alert(1)",
        "nonsense",
    ] {
        let fields = [("provider", "corp"), ("process", "login"), ("callback_url", url)];
        let answer = browser.post_form(REDIRECT, &fields).await;
        assert_refused(&mut browser, answer, "invalid_url", "none of this installation").await;
    }
    let fields = [("provider", "nobody"), ("process", "login"), ("callback_url", "/")];
    let answer = browser.post_form(REDIRECT, &fields).await;
    assert_refused(&mut browser, answer, "unknown_provider", "does not exist").await;
    // Without the browser's token nothing begins.
    let bare = Browser { csrf_header: None, ..browser.clone() };
    let answer =
        bare.client().post(REDIRECT).header("content-type", "application/x-www-form-urlencoded");
    Answer::of(answer.body("provider=corp&process=login")).await.expect(403);
    // Without an address the way leads home.
    let fields = [("provider", "corp"), ("process", "login")];
    let answer = browser.post_form(REDIRECT, &fields).await.expect(302);
    let page = Url::parse(answer.header("location")).unwrap();
    let back = provider.authorize(&page, "jane").await;
    assert_eq!(browser.get(&back).await.expect(303).header("location"), "/");
    // Whoever is signed in needs not sign in.
    let answer = browser.post_form(REDIRECT, &fields).await.expect(303);
    assert_eq!(answer.header("location"), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_of_providers() {
    let (app, provider) = app_and_provider().await;
    let settings = json!({ "scopes": ["read:user"] });
    set_up(&app, "github", "github", settings).await;
    let nowhere = json!({ "server_url": "http://127.0.0.1:1/" });
    set_up(&app, "nowhere", "openid_connect", nowhere).await;
    app.database
        .sql("INSERT INTO sign_in_providers (slug, kind, name, client_id, client_secret, is_enabled)
              VALUES ('off', 'google', 'Off', 'x', 'x', false), ('new', 'myspace', 'New', 'x', 'x', true);
              UPDATE sign_in_providers SET name = slug")
        .await;
    let shown = app.anonymous().get("/api/settings/").await.expect(200);
    let social_app = |provider: &str, url: Value, scopes: Value| {
        json!({
            "scopes": scopes,
            "authorize_url": url,
            "name": provider,
            "client_id": "mishap",
            "provider": provider,
        })
    };
    let usual = json!(["openid", "profile", "email"]);
    let at_provider = json!(format!("{}/oauth2/authorize", provider.url));
    let at_github = json!("https://github.com/login/oauth/authorize");
    let expected = json!([
        social_app("corp", at_provider, usual.clone()),
        social_app("github", at_github, json!(["read:user"])),
        social_app("nowhere", Value::Null, usual),
    ]);
    assert_eq!(shown.json()["socialApps"], expected);
    assert!(!shown.body.contains("secret"));

    let config = app.anonymous().get("/_allauth/browser/v1/config").await.expect(200);
    let document = format!("{}/.well-known/openid-configuration", provider.url);
    let shown = |id: &str, url: Option<&str>| {
        let mut shown = json!({
            "id": id, "name": id, "flows": ["provider_redirect"], "client_id": "mishap",
        });
        if let Some(url) = url {
            shown["openid_configuration_url"] = json!(url);
        }
        shown
    };
    let expected = json!([
        shown("corp", Some(&document)),
        shown("github", None),
        shown("nowhere", Some("http://127.0.0.1:1/.well-known/openid-configuration")),
    ]);
    assert_eq!(config.json()["data"]["socialaccount"]["providers"], expected);
    assert!(!config.body.contains("secret"));
    let flows = get(&mut app.stranger(), "auth/session").await.expect(401).json();
    let flow = json!({ "id": "provider_redirect", "providers": ["corp", "github", "nowhere"] });
    assert!(flows["data"]["flows"].as_array().unwrap().contains(&flow), "{flows}");
    for path in ["/login", "/register"] {
        let page = app.anonymous().get(path).await.expect(200);
        for id in ["corp", "github", "nowhere"] {
            assert!(page.body.contains(&format!("<bdi>{id}</bdi>")), "{path}: {id}");
        }
        assert!(!page.body.contains("Off") && !page.body.contains("myspace"), "{path}");
    }
    let page = visitor(&app).await.post_form("/register", &[("email", "x")]).await.expect(422);
    assert!(page.body.contains("<bdi>corp</bdi>"), "the buttons stay when something is wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_the_environment_hides_one_of_the_same_name() {
    let provider = IdentityProvider::start().await;
    mishap_testkit::install_encryption();
    let options = Options {
        providers: Arc::new(ProviderHttp::new().unwrap()),
        settings: vec![
            ("MISHAP_SIGN_IN_CORP_KIND", "openid_connect"),
            ("MISHAP_SIGN_IN_CORP_NAME", "Of the environment"),
            ("MISHAP_SIGN_IN_CORP_CLIENT_ID", "mishap"),
            ("MISHAP_SIGN_IN_CORP_CLIENT_SECRET", "the-client-secret"),
            ("MISHAP_SIGN_IN_CORP_SERVER_URL", provider.url.clone().leak()),
        ],
        ..Options::default()
    };
    let app = TestApp::start_with(options).await;
    set_up(&app, "corp", "github", json!({})).await;
    let page = app.anonymous().get("/login").await.expect(200);
    assert!(page.body.contains("Of the environment") && !page.body.contains("Example SSO"));
    provider.knows("jane", &json!({ "email": JANE, "email_verified": true })).await;
    let mut browser = visitor(&app).await;
    come_from(&mut browser, &provider, "jane").await.expect(303);
    get(&mut browser, "auth/session").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for_all_the_same() {
    let (app, provider) = app_and_provider().await;
    let user = person(&app, JANE).await;
    app.database
        .sql(&format!(
            "INSERT INTO authenticators (user_id, kind, data) VALUES ({user}, 1, '{{}}')"
        ))
        .await;
    provider.knows("jane", &json!({ "email": JANE, "email_verified": true })).await;
    let mut browser = visitor(&app).await;
    let answer = come_from(&mut browser, &provider, "jane").await.expect(303);
    let next = "/login/second-factor?next=%2Fprofile%2Fsecurity%3Ffrom%3Dsign-in";
    assert_eq!(answer.header("location"), next);
    browser.get(next).await.expect(200);
    let session = get(&mut browser, "auth/session").await.expect(401).json();
    let flows = session["data"]["flows"].as_array().unwrap();
    assert!(
        flows.iter().any(|flow| flow["id"] == "mfa_authenticate" && flow["is_pending"] == true)
    );
    assert_eq!(audited(&app).await, ["account.identity_change"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_switched_off_stays_out() {
    let (app, provider) = app_and_provider().await;
    person(&app, JANE).await;
    provider.knows("jane", &json!({ "email": JANE, "email_verified": true })).await;
    app.database.sql(&format!("UPDATE users SET is_active = false WHERE email = '{JANE}'")).await;
    let mut browser = visitor(&app).await;
    let answer = come_from(&mut browser, &provider, "jane").await;
    assert_refused(&mut browser, answer, "inactive", "switched off").await;
    assert_eq!(app.database.number("SELECT count(*) FROM identities").await, 0);
}
