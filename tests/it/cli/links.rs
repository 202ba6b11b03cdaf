use mishap_testkit::{Client, Program, TestApp, TestDatabase, Typed, built_program, free_port};
use serde_json::json;
use tokio::task::block_in_place;
use url::Url;

use super::mishap;

const EVE: &str = "eve@example.com";
const RESET: [&str; 3] = ["user", "reset-link", EVE];

/// `mishap` with the key of a server, for its database.
fn with_key(database: &TestDatabase, url: &str, key: &str) -> Typed {
    let environment = [
        ("DATABASE_URL", database.url.as_str()),
        ("REDIS_URL", ""),
        ("GLITCHTIP_URL", url),
        ("SECRET_KEY", key),
    ];
    Typed::new("mishap", &environment)
}

/// The path of a link that a command said.
fn path(said: &str) -> String {
    Url::parse(said.trim()).unwrap().path().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_choose_a_password_is_the_one_that_web_makes() {
    let app = TestApp::start().await;
    let mishap = with_key(&app.database, "https://errors.example.com/tracker", "test");
    mishap.run(&["user", "create", EVE]).expect(0);
    let said = mishap.run(&[&RESET[..], &["--json"]].concat()).expect(0).json();
    assert_eq!(said["email"], EVE);
    let link = said["link"].as_str().unwrap();
    let key = link
        .strip_prefix("https://errors.example.com/tracker/reset-password/set-new-password/")
        .unwrap();
    let open = async |link: &str| {
        let key = link.trim().rsplit('/').next().unwrap().to_owned();
        let request = app
            .anonymous()
            .request(reqwest::Method::GET, "/_allauth/browser/v1/auth/password/reset");
        let answer = request.header("x-password-reset-key", key).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(open(key).await, 200);
    // The other word for it says the same kind of link.
    let other = mishap.run(&["user", "password", "Eve@example.com"]).expect(0).out;
    assert_eq!(open(&other).await, 200);
    let forged = with_key(&app.database, "http://localhost", "guessed").run(&RESET).expect(0).out;
    assert_eq!(open(&forged).await, 400);
    // It dies with the password.
    let set = ["user", "password", EVE, "--password-stdin"];
    mishap.run_with_input(&set, b"another one").expect(0);
    assert_eq!(open(key).await, 400);

    mishap.run(&["user", "deactivate", EVE]).expect(0);
    assert!(mishap.run(&RESET).expect(1).err.contains("user activate"));
    let noted = "SELECT count(*) FROM audit_log WHERE action = 'account.password_reset_link'";
    assert_eq!(app.database.number(noted).await, 3);
    let told = app.database.rows("SELECT details FROM audit_log").await;
    assert!(!json!(told).to_string().contains(key));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_without_mail_is_accepted_by_its_link() {
    let app = TestApp::start().await;
    let mishap = with_key(&app.database, app.url.as_str(), "test");
    let invite = ["org", "invite", "shop-org", EVE, "--role"];
    let said = mishap.run(&[&invite[..], &["admin", "--json"]].concat()).expect(0).json();
    assert_eq!((&said["organization"], &said["email"]), (&json!("shop-org"), &json!(EVE)));
    let link = path(said["link"].as_str().unwrap());
    app.anonymous().get(&link).await.expect(200);
    app.anonymous().get(&link.replace("/accept/", "/accept/9")).await.expect(404);
    // Once more is the same invitation, in another role.
    let again = mishap.run(&[&invite[..], &["viewer"]].concat()).expect(0).out;
    app.anonymous().get(&path(&again)).await.expect(200);
    let members = "SELECT email, role, invited_by FROM members WHERE user_id IS NULL";
    assert_eq!(
        app.database.rows(members).await,
        [json!({ "email": EVE, "role": -1, "invited_by": null })]
    );
    let noted = "SELECT actor, target, details FROM audit_log WHERE action = 'member.invite'";
    assert_eq!(
        app.database.rows(noted).await,
        ["admin", "viewer"]
            .map(|role| json!({ "actor": "operator", "target": EVE, "details": { "role": role } }))
    );
    assert_eq!(app.database.number("SELECT count(*) FROM jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_invited_is_not() {
    let database = TestDatabase::new().await;
    database.tenant("shop").await;
    let owner = "Owner@shop.example.com";
    for (words, says) in [
        (["org", "invite", "nowhere", EVE, "--role", "member"], "no organization nowhere"),
        (["org", "invite", "shop-org", "eve", "--role", "member"], "no e-mail address"),
        (["org", "invite", "shop-org", owner, "--role", "member"], "is a member of shop-org"),
    ] {
        let said = mishap(&database).run(&words).expect(1);
        assert!(said.err.contains(says), "{words:?}: {}", said.err);
    }
    let unknown = ["org", "invite", "shop-org", EVE, "--role", "god"];
    assert!(mishap(&database).run(&unknown).expect(2).err.contains("viewer"));
    // Where nobody can make an account, an invitation would lead nowhere.
    let closed = [
        ("DATABASE_URL", database.url.as_str()),
        ("REDIS_URL", ""),
        ("ENABLE_USER_REGISTRATION", "False"),
    ];
    let closed = Typed::new("mishap", &closed);
    let words = ["org", "invite", "shop-org", EVE, "--role", "member"];
    assert!(closed.run(&words).expect(1).err.contains("user create"));
    assert_eq!(database.number("SELECT count(*) FROM audit_log").await, 0);
    closed.run(&["user", "create", EVE]).expect(0);
    closed.run(&words).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_hold_on_a_server_with_the_same_key_or_one_that_replaced_it() {
    let database = TestDatabase::new().await;
    mishap(&database).run(&["user", "create", EVE]).expect(0);
    let link =
        |key: &str| path(&with_key(&database, "http://localhost", key).run(&RESET).expect(0).out);
    // Without a key, one is made and kept in the database, by whoever comes first.
    let (made, old, older, other) = (link(""), link("old"), link("older"), link("other"));
    for (key, fallbacks, holding) in [
        ("", "", [true, false, false, false]),
        ("old", "", [false, true, false, false]),
        ("new", "old, older", [false, true, true, false]),
        ("", "old", [true, true, false, false]),
    ] {
        let port = free_port().to_string();
        let environment = [
            ("DATABASE_URL", database.url.as_str()),
            ("REDIS_URL", ""),
            ("PORT", port.as_str()),
            ("LOG_LEVEL", "error"),
            ("SECRET_KEY", key),
            ("SECRET_KEY_FALLBACKS", fallbacks),
        ];
        let mut web = Program::prepare(&built_program("mishap-web"), &environment);
        block_in_place(|| {
            web.spawn();
            web.wait_until_ready();
        });
        let client = Client::at(&format!("http://127.0.0.1:{port}"), None);
        let mut holds = Vec::new();
        for link in [&made, &old, &older, &other] {
            holds.push(client.get(link).await.status == 200);
        }
        assert_eq!(holds, holding, "{key:?} {fallbacks:?}");
    }
}
