//! Members of organizations, and invitations.

use mishap_core::access::Role;
use mishap_core::id::MemberId;
use mishap_storage::members;
use mishap_testkit::TestApp;
use serde_json::{Value, json};

use super::{account, anonymous, assert_audited, audited, change, staff, text_of};

/// Makes an account a member of the first organization.
async fn member(app: &TestApp, email: &str, role: Role) -> MemberId {
    let user = account(app, email, false, false).await;
    let mut conn = app.database.conn().await;
    members::put(&mut conn, app.tenant.organization, user, role).await.unwrap();
    let found = members::find_by_user(&mut conn, app.tenant.organization, user).await.unwrap();
    found.unwrap().id
}

async fn owner(app: &TestApp) -> MemberId {
    let mut conn = app.database.conn().await;
    let found = members::find_by_user(&mut conn, app.tenant.organization, app.tenant.user).await;
    found.unwrap().unwrap().id
}

fn path(app: &TestApp, member: MemberId) -> String {
    format!("/admin/organizations/{}/members/{member}/", app.tenant.organization)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_gets_another_role() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let ada = member(&app, "ada@example.com", Role::Member).await;
    let form = format!("{}role/", path(&app, ada));
    let page = change(&mut browser, &form, &[("role", "admin")]).await;
    assert!(text_of(&page).contains("Role Admin"));
    let details = json!({ "role": ["member", "admin"] });
    assert_audited(&app, &browser, "member.update", "ada@example.com", details).await;
    let before = audited(&app).await;
    browser.post_form(&form, &[("role", "king")]).await.expect(400);
    assert_eq!(audited(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays_one() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let owner = owner(&app).await;
    let refused =
        browser.post_form(&format!("{}role/", path(&app, owner)), &[("role", "member")]).await;
    assert!(text_of(&refused.expect(400)).contains("This is the last owner."));
    let refused = browser.post_form(&format!("{}remove/", path(&app, owner)), &[]).await;
    assert!(text_of(&refused.expect(400)).contains("somebody else became the primary owner"));
    assert_eq!(audited(&app).await, [] as [Value; 0]);
    assert_eq!(app.database.number("SELECT role FROM members").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn ownership_is_handed_on_and_the_former_owner_can_go() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let (old, new) = (owner(&app).await, member(&app, "ada@example.com", Role::Manager).await);
    browser.post_form(&format!("{}owner/", path(&app, new)), &[]).await.expect(400);
    change(&mut browser, &format!("{}role/", path(&app, new)), &[("role", "owner")]).await;
    change(&mut browser, &format!("{}owner/", path(&app, new)), &[]).await;
    assert_audited(&app, &browser, "member.ownership_transfer", "ada@example.com", json!({})).await;
    let page = change(&mut browser, &format!("{}remove/", path(&app, old)), &[]).await;
    assert!(text_of(&page).contains("The member is removed."));
    assert_audited(&app, &browser, "member.remove", "owner@shop.example.com", json!({})).await;
    app.owner().get("/api/0/organizations/shop-org/").await.expect(404);
    let left = app.database.rows("SELECT id, is_primary_owner FROM members").await;
    assert_eq!(left, [json!({ "id": new.0, "is_primary_owner": true })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_invited_by_mail_with_a_link_that_is_shown() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let form = format!("/admin/organizations/{}/invite/", app.tenant.organization);
    let page =
        change(&mut browser, &form, &[("email", "ada@example.com"), ("role", "manager")]).await;
    assert_eq!(page.header("cache-control"), "no-store");
    assert_audited(
        &app,
        &browser,
        "member.invite",
        "ada@example.com",
        json!({ "role": "manager" }),
    )
    .await;
    let (_, rest) = page.body.split_once("http://mishap.test/accept/").unwrap();
    let (link, _) = rest.split_once('<').unwrap();
    let mails = "SELECT payload->>'to' AS who, payload->'mail'->>'link' AS link FROM jobs
        WHERE name = 'send_mail'";
    let sent =
        json!({ "who": "ada@example.com", "link": format!("http://mishap.test/accept/{link}") });
    assert_eq!(app.database.rows(mails).await, [sent]);
    let link = format!("/accept/{link}");
    let shown = anonymous(&app).await.get(&link).await.expect(200);
    assert!(shown.body.contains("shop org"));
    let ada = account(&app, "ada@example.com", false, false).await;
    let accepted = app.browser(ada).await.post_form(&link, &[]).await;
    assert!(accepted.status.is_success() || accepted.status.is_redirection(), "{}", accepted.body);
    let mut conn = app.database.conn().await;
    let member = members::find_by_user(&mut conn, app.tenant.organization, ada).await.unwrap();
    assert_eq!(member.unwrap().role, Role::Manager);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_invitation_is_said() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let form = format!("/admin/organizations/{}/invite/", app.tenant.organization);
    change(&mut browser, &form, &[("email", "ada@example.com"), ("role", "member")]).await;
    let before = audited(&app).await;
    for (email, role, problem) in [
        ("", "member", "This field is required."),
        ("nonsense", "member", "Enter an e-mail address."),
        ("grace@example.com", "king", "Choose one of these."),
        ("ADA@example.com", "member", "is a member, or invited, already."),
        ("owner@shop.example.com", "member", "is a member, or invited, already."),
    ] {
        let again = browser.post_form(&form, &[("email", email), ("role", role)]).await.expect(422);
        assert!(text_of(&again).contains(problem), "{email} {role}");
    }
    assert_eq!(audited(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_withdrawn_and_its_link_opens_nothing() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let form = format!("/admin/organizations/{}/invite/", app.tenant.organization);
    let page =
        change(&mut browser, &form, &[("email", "ada@example.com"), ("role", "member")]).await;
    let (_, rest) = page.body.split_once("http://mishap.test/accept/").unwrap();
    let link = format!("/accept/{}", rest.split_once('<').unwrap().0);
    let invited = app.database.number("SELECT id FROM members WHERE user_id IS NULL").await;
    let page =
        change(&mut browser, &format!("{}remove/", path(&app, MemberId(invited))), &[]).await;
    assert!(text_of(&page).contains("The invitation is withdrawn."));
    let answer = anonymous(&app).await.get(&link).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
}
