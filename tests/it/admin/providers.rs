//! Sign-in providers.

use std::sync::Arc;

use mishap_identity::provider::{Http, HttpFuture, HttpRequest, HttpResponse};
use mishap_testkit::{Options, TestApp};
use mishap_web::outside::ProviderHttp;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{account, anonymous, assert_audited, audited, change, staff, superuser, text_of};
use crate::allauth::IdentityProvider;

const SECRET: &str = "a-secret-of-the-provider";

/// A form with nothing wrong in it.
const FORM: [(&str, &str); 9] = [
    ("kind", "openid_connect"),
    ("name", "Example SSO"),
    ("slug", "corp"),
    ("client_id", "mishap"),
    ("client_secret", SECRET),
    ("server_url", "https://idp.example.com/"),
    ("scopes", "openid, email groups"),
    ("roles", "developers = shop-org:member\r\ncn=leads = shop-org:Manager\r\n"),
    ("enabled", "on"),
];

/// The form, with some fields as a test wants them.
fn form<'f>(other: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let of = |name| other.iter().find(|(other, _)| *other == name);
    let usual = FORM.iter().map(|(name, value)| *of(*name).unwrap_or(&(*name, *value)));
    let more = other.iter().filter(|(name, _)| FORM.iter().all(|(known, _)| known != name));
    usual.chain(more.copied()).collect()
}

async fn stored(app: &TestApp) -> Vec<Value> {
    let query = "SELECT slug, kind, name, client_id, client_secret, settings, is_enabled
        FROM sign_in_providers ORDER BY id";
    app.database.rows(query).await
}

async fn path(app: &TestApp) -> String {
    let id = app.database.number("SELECT id FROM sign_in_providers").await;
    format!("/admin/providers/{id}/")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_set_up_and_its_secret_is_never_shown() {
    let app = TestApp::start().await;
    let mut browser = superuser(&app).await;
    let empty = browser.get("/admin/providers/").await.expect(200);
    assert!(text_of(&empty).contains("No providers yet"));
    browser.get("/admin/providers/new/").await.expect(200);
    let made = change(&mut browser, "/admin/providers/new/", &FORM).await;
    let settings = json!({
        "server_url": "https://idp.example.com/",
        "tenant": null,
        "scopes": ["openid", "email", "groups"],
        "groups_claim": "",
        "roles": [
            { "group": "developers", "organization": "shop-org", "role": "member" },
            { "group": "cn=leads", "organization": "shop-org", "role": "manager" },
        ],
    });
    let expected = json!({
        "slug": "corp", "kind": "openid_connect", "name": "Example SSO", "client_id": "mishap",
        "client_secret": SECRET, "settings": settings, "is_enabled": true,
    });
    assert_eq!(stored(&app).await, [expected]);
    let details = json!({
        "slug": "corp", "kind": "openid_connect", "name": "Example SSO", "client_id": "mishap",
        "enabled": true, "address": "https://idp.example.com/", "scopes": "openid email groups",
        "roles": "developers = shop-org:member; cn=leads = shop-org:manager",
    });
    assert_audited(&app, &browser, "provider.create", "corp", details).await;

    let told = text_of(&made);
    for text in [
        "OpenID Connect",
        "https://idp.example.com/",
        "openid email groups",
        "kept, never shown",
        "http://mishap.test/accounts/oidc/corp/login/callback/",
        "cn=leads",
        "Manager",
        "Nobody came from there so far",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
    let path = path(&app).await;
    for page in ["/admin/providers/", &path, &format!("{path}edit/"), "/admin/audit/"] {
        let page = browser.get(page).await.expect(200);
        assert!(page.body.contains("corp") && !page.body.contains(SECRET));
    }
    let page = browser.get(&format!("{path}edit/")).await.expect(200);
    assert!(page.body.contains("cn=leads = shop-org:manager"));
    let sign_in = anonymous(&app).await.get("/login").await.expect(200);
    assert!(text_of(&sign_in).contains("Continue with Example SSO"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_beside_the_field() {
    let settings = vec![
        ("MISHAP_SIGN_IN_FIXED_KIND", "google"),
        ("MISHAP_SIGN_IN_FIXED_CLIENT_ID", "x"),
        ("MISHAP_SIGN_IN_FIXED_CLIENT_SECRET", "x"),
    ];
    let app = TestApp::start_with(Options { settings, ..Options::default() }).await;
    let mut browser = superuser(&app).await;
    let long = "x".repeat(3000);
    let secret = "GitHub gives a secret together with the client id.";
    for (other, problem) in [
        (vec![("kind", "myspace")], "Choose one of these."),
        (vec![("name", " ")], "This field is required."),
        (vec![("name", &long)], "At most 100 characters."),
        (vec![("slug", "")], "This field is required."),
        (vec![("slug", "a b")], "Letters, digits, dashes and underscores only."),
        (vec![("slug", "fixed")], "Another provider has this slug."),
        (vec![("client_id", "")], "This field is required."),
        (vec![("client_secret", &long)], "At most 2000 characters."),
        (vec![("server_url", "")], "This field is required."),
        (vec![("server_url", "idp.example.com")], "A whole address that begins with https://."),
        (vec![("server_url", "ftp://idp.example.com")], "A whole address"),
        (vec![("server_url", "https://me@idp.example.com")], "A whole address"),
        (vec![("kind", "github"), ("server_url", ""), ("client_secret", "")], secret),
        (vec![("kind", "google")], "Leave this empty: it is known where Google is."),
        (vec![("tenant", "example.com")], "only Microsoft has tenants"),
        (vec![("roles", "developers")], "“developers” is not: group = organization:role"),
        (vec![("roles", "developers=shop-org:king")], "viewer, member, admin, manager, owner"),
        (vec![("roles", "developers=shop:admin")], "No organization has the slug “shop”."),
        (vec![("roles", "<b>=<b>:admin")], "No organization has the slug"),
    ] {
        let again = browser.post_form("/admin/providers/new/", &form(&other)).await.expect(422);
        assert!(again.body.contains("Problem: New sign-in provider"), "{problem}");
        let text = again.body.replace("&lt;", "<").replace("&gt;", ">");
        assert!(text.contains(problem), "{problem}: {}", text_of(&again));
        assert!(!again.body.contains(SECRET) && !again.body.contains("<b>"), "{problem}");
    }
    assert_eq!(stored(&app).await, [] as [Value; 0]);
    assert_eq!(audited(&app).await, [] as [Value; 0]);
    change(&mut browser, "/admin/providers/new/", &FORM).await;
    let again = browser.post_form("/admin/providers/new/", &FORM).await.expect(422);
    assert!(text_of(&again).contains("Another provider has this slug."));
    assert_eq!(stored(&app).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_changed_and_keeps_its_secret_and_its_slug() {
    let app = TestApp::start().await;
    let mut browser = superuser(&app).await;
    change(&mut browser, "/admin/providers/new/", &FORM).await;
    let edit = format!("{}edit/", path(&app).await);
    let before = stored(&app).await;
    let keep = [("client_secret", "")];
    change(&mut browser, &edit, &form(&keep)).await;
    assert_eq!(stored(&app).await, before);
    assert_eq!(audited(&app).await.len(), 1, "nothing changed");

    let other = [
        ("client_secret", ""),
        ("name", "Corp"),
        ("slug", "other"),
        ("scopes", ""),
        ("enabled", ""),
    ];
    change(&mut browser, &edit, &form(&other)).await;
    let is = &stored(&app).await[0];
    let found = [&is["slug"], &is["name"], &is["client_secret"], &is["is_enabled"]];
    assert_eq!(found, [&json!("corp"), &json!("Corp"), &json!(SECRET), &json!(false)]);
    let details = json!({
        "name": ["Example SSO", "Corp"],
        "enabled": [true, false],
        "scopes": ["openid email groups", null],
    });
    assert_audited(&app, &browser, "provider.update", "corp", details).await;
    let sign_in = anonymous(&app).await.get("/login").await.expect(200);
    assert!(!sign_in.body.contains("Corp"), "it is switched off");

    let other = [("client_secret", "another"), ("name", "Corp"), ("scopes", ""), ("enabled", "")];
    change(&mut browser, &edit, &form(&other)).await;
    assert_eq!(stored(&app).await[0]["client_secret"], "another");
    assert_audited(
        &app,
        &browser,
        "provider.update",
        "corp",
        json!({ "client_secret": "changed" }),
    )
    .await;
    let again =
        browser.post_form(&edit, &form(&[("server_url", "x"), ("slug", "<i>")])).await.expect(422);
    assert!(text_of(&again).contains("A whole address") && again.body.contains("value=\"corp\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_deleted_and_people_stay_linked() {
    let app = TestApp::start().await;
    let mut browser = superuser(&app).await;
    change(&mut browser, "/admin/providers/new/", &FORM).await;
    let linked = "INSERT INTO identities (user_id, provider, uid) SELECT id, 'corp', id FROM users";
    app.database.sql(linked).await;
    let delete = format!("{}delete/", path(&app).await);
    let again = browser.post_form(&delete, &[("confirmation", "wrong")]).await.expect(422);
    let told = text_of(&again);
    assert!(told.contains("That is not its slug.") && told.contains("2 people came from there"));
    let list = change(&mut browser, &delete, &[("confirmation", "corp")]).await;
    assert!(text_of(&list).contains("No providers yet"));
    assert_eq!(stored(&app).await, [] as [Value; 0]);
    assert_eq!(app.database.number("SELECT count(*) FROM identities").await, 2);
    let entry = audited(&app).await.pop().unwrap();
    assert_eq!((&entry["action"], &entry["target"]), (&json!("provider.delete"), &json!("corp")));
    assert!(!entry.to_string().contains(SECRET));
    browser.post_form(&delete, &[("confirmation", "corp")]).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_looks_and_superusers_change() {
    let app = TestApp::start().await;
    change(&mut superuser(&app).await, "/admin/providers/new/", &FORM).await;
    let mut browser = staff(&app).await;
    let path = path(&app).await;
    let list = browser.get("/admin/providers/").await.expect(200);
    assert!(!list.body.contains("/admin/providers/new/"));
    let page = browser.get(&path).await.expect(200);
    assert!(!page.body.contains("edit/\"") && !page.body.contains("delete/\""));
    assert!(page.body.contains("Test this provider"));
    let before = stored(&app).await;
    for path in ["/admin/providers/new/", &format!("{path}edit/")] {
        browser.get(path).await.expect(403);
        browser.post_form(path, &form(&[("name", "Other")])).await.expect(403);
    }
    browser.post_form(&format!("{path}delete/"), &[("confirmation", "corp")]).await.expect(403);
    assert_eq!(stored(&app).await, before);
    // A superuser who is no staff any more changes nothing.
    let user = account(&app, "former@example.com", false, true).await;
    let mut former = app.browser(user).await;
    former.post_form("/admin/providers/new/", &FORM).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_of_the_environment_are_shown_and_not_changed() {
    let settings = vec![
        ("MISHAP_SIGN_IN_CORP_KIND", "openid_connect"),
        ("MISHAP_SIGN_IN_CORP_NAME", "Of the environment"),
        ("MISHAP_SIGN_IN_CORP_CLIENT_ID", "mishap"),
        ("MISHAP_SIGN_IN_CORP_CLIENT_SECRET", SECRET),
        ("MISHAP_SIGN_IN_CORP_SERVER_URL", "https://idp.example.com"),
    ];
    let app = TestApp::start_with(Options { settings, ..Options::default() }).await;
    let mut browser = superuser(&app).await;
    app.database
        .sql(
            "INSERT INTO sign_in_providers (slug, kind, name, client_id, client_secret)
              VALUES ('corp', 'github', 'Hidden', 'x', 'x')",
        )
        .await;
    let list = browser.get("/admin/providers/").await.expect(200);
    let told = text_of(&list);
    assert!(told.contains("Set by the environment") && told.contains("Of the environment"));
    assert!(told.contains("Hidden by the environment"), "{told}");
    assert!(!list.body.contains(SECRET));
    // The test is that of the one that counts.
    let page =
        browser.post_form("/admin/providers/test/", &[("provider", "corp")]).await.expect(200);
    assert!(text_of(&page).contains("Test of Of the environment"));
}

/// Answers at some addresses, and nowhere else.
struct Fake(fn(&str) -> Option<Value>);

impl Http for Fake {
    fn send(&self, request: HttpRequest) -> HttpFuture<'_> {
        let answer = (self.0)(&request.uri().to_string());
        let text = answer.as_ref().map(Value::to_string).unwrap_or_default();
        let mut response = HttpResponse::new(text.into_bytes());
        *response.status_mut() =
            if answer.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
        Box::pin(std::future::ready(Ok(response)))
    }
}

/// A provider with almost everything wrong.
fn wrong(url: &str) -> Option<Value> {
    match url {
        "https://idp.example.com/.well-known/openid-configuration" => Some(json!({
            "issuer": "https://<b>.example.com",
            "authorization_endpoint": "http://idp.example.com/authorize",
            "token_endpoint": "https://idp.example.com/token",
            "jwks_uri": "https://idp.example.com/keys",
            "id_token_signing_alg_values_supported": ["HS256"],
            "response_types_supported": ["token"],
            "scopes_supported": ["openid"],
        })),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_provider_is_told_in_words() {
    let app =
        TestApp::start_with(Options { providers: Arc::new(Fake(wrong)), ..Options::default() })
            .await;
    let mut browser = superuser(&app).await;
    change(&mut browser, "/admin/providers/new/", &FORM).await;
    let page =
        browser.post_form("/admin/providers/test/", &[("provider", "corp")]).await.expect(200);
    let told = text_of(&page);
    for text in [
        "Test of Example SSO",
        "Does not work",
        "Nobody can sign in through it as it is.",
        "The provider answers, and can be understood.",
        "Set its address as it calls itself.",
        "Browsers would be sent there without encryption.",
        "The secret is sent there, encrypted.",
        "There is no key to verify with who signed in.",
        "Choose RS256 or ES256 at the provider.",
        "Allow the authorization code flow at the provider.",
        "It does not say that it binds codes",
        "It does not say that it knows all that it is asked for.",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
    assert!(!page.body.contains("<b>") && !page.body.contains(SECRET));
    // Nothing was changed by it.
    assert_eq!(audited(&app).await.len(), 1);
    browser.post_form("/admin/providers/test/", &[("provider", "nobody")]).await.expect(404);
    let unknown = "UPDATE sign_in_providers SET kind = 'myspace'";
    app.database.sql(unknown).await;
    browser.post_form("/admin/providers/test/", &[("provider", "corp")]).await.expect(400);
    for path in ["/admin/providers/".to_owned(), path(&app).await] {
        let page = browser.get(&path).await.expect(200);
        assert!(text_of(&page).contains("Cannot be read"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_provider_passes_the_test_and_people_come_in() {
    let provider = IdentityProvider::start().await;
    let providers: Arc<dyn Http> = Arc::new(ProviderHttp::new().unwrap());
    let app = TestApp::start_with(Options { providers, ..Options::default() }).await;
    let mut browser = superuser(&app).await;
    let own = [("server_url", provider.url.as_str()), ("scopes", ""), ("groups_claim", "groups")];
    change(&mut browser, "/admin/providers/new/", &form(&own)).await;
    let page =
        browser.post_form("/admin/providers/test/", &[("provider", "corp")]).await.expect(200);
    let told = text_of(&page);
    for text in [
        "Should work",
        "The secret is sent there without encryption",
        "1 of 1 can be used",
        "It gives codes, as it should.",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
    let claims = json!({
        "email": "jane@example.com", "email_verified": true, "groups": ["cn=leads"],
    });
    provider.knows("jane", &claims).await;
    let mut jane = app.stranger();
    jane.get("/login").await.expect(200);
    crate::allauth::come_from(&mut jane, &provider, "jane").await.expect(303);
    let organizations = jane.get("/api/0/organizations/").await.expect(200).json();
    assert_eq!(organizations[0]["slug"], "shop-org");
    let page = browser.get(&path(&app).await).await.expect(200);
    assert!(text_of(&page).contains("One person came from there"));
    // One that is not there says so.
    let nowhere = [("server_url", "http://127.0.0.1:1/"), ("slug", "nowhere")];
    change(&mut browser, "/admin/providers/new/", &form(&nowhere)).await;
    let page =
        browser.post_form("/admin/providers/test/", &[("provider", "nowhere")]).await.expect(200);
    let told = text_of(&page);
    assert!(told.contains("Does not work") && told.contains("can this server reach it?"), "{told}");
}
