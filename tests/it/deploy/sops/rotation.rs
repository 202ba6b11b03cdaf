//! Secrets are replaced as their page says, and what it promises meanwhile holds.

use mishap_testkit::until;
use reqwest::Method;
use url::Url;

use super::drills::client;
use super::page::Page;
use super::site::Site;

/// Whether a link for a new password counts, by its address.
async fn counts(site: &Site, link: &str) -> bool {
    let key = link.trim().rsplit('/').next().unwrap();
    let path = "/_allauth/browser/v1/auth/password/reset";
    let request = client(site).request(Method::GET, path);
    let answer = request.header("x-password-reset-key", key).send().await.unwrap();
    answer.status() == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_signs_and_the_former_one_counts_as_long_as_it_is_a_fallback() {
    let (mut site, page) = (Site::start().await, Page::read("secret-rotation"));
    let settings: [&[(&str, &str)]; 3] = [
        &[("SECRET_KEY", "the first")],
        &[("SECRET_KEY", "the second"), ("SECRET_KEY_FALLBACKS", "the first")],
        &[("SECRET_KEY", "the second")],
    ];
    let owner = ["user", "reset-link", "owner@shop.example.com"];
    let mut links = Vec::new();
    for (place, settings) in settings.into_iter().enumerate() {
        site.installation.web = site.installation.another("mishap-web", settings);
        site.mend(&page, 1);
        links.push(site.installation.web.beside("mishap").run(&owner).expect(0).out);
        assert_eq!(counts(&site, &links[0]).await, place < 2, "{place}");
        assert!(counts(&site, links.last().unwrap()).await, "{place}");
        for number in [2, 3] {
            site.holds(&page, "Checks", number);
        }
    }
    site.holds(&page, "Verification", 1);
}

/// The URL of a database, for another user.
fn of_user(url: &str, user: &str) -> String {
    let mut url = Url::parse(url).unwrap();
    url.set_username(user).unwrap();
    url.into()
}

/// Moves an installation to a database of its own, whose tables an ordinary user owns as production's
/// does. Returns that user's URL.
async fn move_to_a_database_of(site: &mut Site, owner: &str) -> String {
    let database = &site.installation.database;
    database.sql(&format!("CREATE ROLE {owner} LOGIN")).await;
    database.sql(&format!("CREATE DATABASE owned OWNER {owner} TEMPLATE template0")).await;
    let mut admin = Url::parse(&database.url).unwrap();
    admin.set_path("owned");
    let url = of_user(admin.as_str(), owner);
    site.point_at(&url);
    for program in ["beat", "worker", "web"] {
        site.start_program(&format!("deploy/glitchtip-{program}"));
    }
    site.installation.look_at_database(admin.into());
    // The schedule begins with a run of everything, which is not to be disturbed.
    let done = "SELECT count(*) FROM schedule WHERE NOT EXISTS (SELECT 1 FROM jobs)";
    until("that is over", async || site.installation.database.number(done).await > 5).await;
    let tenant = site.installation.database.tenant("moved").await;
    site.set("DSN", &tenant.dsn(&site.installation.url).to_string());
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_user_of_postgresql_does_all_that_the_first_did() {
    let (mut site, page) = (Site::start().await, Page::read("secret-rotation"));
    let former = move_to_a_database_of(&mut site, "former").await;
    for (name, value) in [("OWNER", "former"), ("NEW_USER", "latter"), ("NEW", "n3w")] {
        site.set(name, value);
    }
    site.holds(&page, "Mitigation", 2);
    site.point_at(&of_user(&former, "latter"));
    site.mend(&page, 3);
    // Which only an owner can make again.
    let drop_newest = "DO $$ BEGIN EXECUTE (
        SELECT 'DROP TABLE ' || max(inhrelid::regclass::text) FROM pg_inherits
        WHERE inhparent = 'events'::regclass); END $$";
    site.installation.database.sql(drop_newest).await;
    for number in [1, 2] {
        site.holds(&page, "Verification", number);
    }
    site.holds(&page, "Mitigation", 4);
    for number in [1, 2] {
        site.holds(&page, "Verification", number);
    }
    let refused = site.installation.another("mishap-worker", &[("DATABASE_URL", &former)]);
    let refused = refused.beside("mishap").run(&["database"]);
    assert_ne!(refused.code, Some(0), "{}", refused.out);
    let owners = "SELECT count(DISTINCT relowner) FROM pg_class
        WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace";
    assert_eq!(site.installation.database.number(owners).await, 1);
}

/// Whether the API takes a token.
async fn is_taken(site: &Site, token: &str) -> bool {
    let answer = client(site).request(Method::GET, "/api/0/organizations/").bearer_auth(token);
    answer.send().await.unwrap().status() == 200
}

/// What the init container of a new web pod does.
fn make_the_robot(site: &Site, token: &str) {
    let own =
        [("APPSRE_API_USER_1_EMAIL", "robot@example.com"), ("APPSRE_API_USER_1_TOKEN", token)];
    let web = site.installation.another("mishap-web", &own);
    web.beside("mishap").run(&["ensure-api-users"]).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_between_counts_while_that_of_an_automation_account_is_replaced() {
    let (mut site, page) = (Site::start().await, Page::read("secret-rotation"));
    make_the_robot(&site, "the-former-one");
    assert!(is_taken(&site, "the-former-one").await);
    site.set("EMAIL", "robot@example.com");
    let create = &page.step("Mitigation", 6).blocks[0].lines[0];
    let between = site.run(create).unwrap().expect(0).out.trim().to_owned();
    let tokens = ["token", "list", "--user", "robot@example.com", "--json"];
    let tokens = site.mishap(&tokens).expect(0).json();
    let number = tokens.as_array().unwrap().iter().find(|it| it["label"] == "rotation").unwrap();
    site.set("ID", &number["id"].to_string());
    make_the_robot(&site, "the-new-one");
    assert!(!is_taken(&site, "the-former-one").await, "both count");
    for token in [between.as_str(), "the-new-one"] {
        assert!(is_taken(&site, token).await, "{token}");
    }
    site.holds(&page, "Mitigation", 6);
    assert!(!is_taken(&site, &between).await);
    assert!(is_taken(&site, "the-new-one").await);
}
