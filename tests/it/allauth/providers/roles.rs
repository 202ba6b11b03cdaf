//! Groups at the provider make people members of organizations.

use mishap_core::access::Role;
use mishap_storage::members;

use super::*;
use crate::allauth::jane;

async fn app_with_groups() -> (TestApp, IdentityProvider) {
    let (app, provider) = (app().await, IdentityProvider::start().await);
    app.database.tenant("office").await;
    let role = |group: &str, organization: &str, role: &str| json!({ "group": group, "organization": organization, "role": role });
    let settings = json!({
        "server_url": provider.url,
        "groups_claim": "realm_access.roles",
        "roles": [
            role("developers", "shop-org", "member"),
            role("leads", "shop-org", "manager"),
            role("auditors", "office-org", "viewer"),
            role("developers", "no-such-org", "owner"),
        ],
    });
    set_up(&app, "corp", "openid_connect", settings).await;
    (app, provider)
}

/// Signs Jane in, whom the provider says to be in these groups.
async fn sign_in(app: &TestApp, provider: &IdentityProvider, groups: Value) -> Browser {
    let told = json!({
        "email": JANE, "email_verified": true, "realm_access": { "roles": groups },
    });
    provider.knows("jane", &told).await;
    let mut browser = visitor(app).await;
    come_from(&mut browser, provider, "jane").await.expect(303);
    browser
}

/// What Jane is in organizations.
async fn roles(app: &TestApp) -> Vec<String> {
    let query = format!(
        "SELECT o.slug, m.role FROM members m JOIN users u ON u.id = m.user_id
         JOIN organizations o ON o.id = m.organization_id WHERE u.email = '{JANE}' ORDER BY o.id"
    );
    let rows = app.database.rows(&query).await;
    let shown = |row: &Value| format!("{} {}", row["slug"].as_str().unwrap(), row["role"]);
    rows.iter().map(shown).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_give_roles_and_take_them_back() {
    let (app, provider) = app_with_groups().await;
    for (groups, expected) in [
        (json!(["developers"]), vec!["shop-org 0"]),
        (json!(["developers", "leads"]), vec!["shop-org 2"]),
        (json!(["developers", "auditors"]), vec!["shop-org 0", "office-org -1"]),
        (json!(["auditors", "strangers"]), vec!["office-org -1"]),
        (json!([]), vec![]),
        (json!("leads"), vec!["shop-org 2"]),
        (Value::Null, vec![]),
    ] {
        let mut browser = sign_in(&app, &provider, groups.clone()).await;
        assert_eq!(roles(&app).await, expected, "{groups}");
        let organizations = browser.get("/api/0/organizations/").await.expect(200).json();
        assert_eq!(organizations.as_array().unwrap().len(), expected.len(), "{groups}");
    }
    let query = "SELECT action, details FROM audit_log WHERE action LIKE 'member%' ORDER BY id";
    let told = app.database.rows(query).await;
    let by = "sign-in provider";
    let entry = |action: &str, was: Value, is: Value| json!({ "action": action, "details": { "role": [was, is], "by": by } });
    let none = Value::Null;
    assert_eq!(
        told[..2],
        [
            entry("member.join", none.clone(), json!("member")),
            entry("member.update", json!("member"), json!("manager")),
        ]
    );
    assert_eq!(told.last(), Some(&entry("member.remove", json!("manager"), none)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_arranged_by_hand_stays() {
    let (app, provider) = app_with_groups().await;
    let jane_id = person(&app, JANE).await;
    let (shop, mut conn) = (app.tenant.organization, app.database.conn().await);
    members::put(&mut conn, shop, jane_id, Role::Admin).await.unwrap();
    // No group says anything of the organization.
    sign_in(&app, &provider, json!(["auditors"])).await;
    assert_eq!(roles(&app).await, ["shop-org 1", "office-org -1"]);
    // One gives another role, for as long as it holds.
    sign_in(&app, &provider, json!(["leads"])).await;
    assert_eq!(roles(&app).await, ["shop-org 2"]);
    sign_in(&app, &provider, json!(["developers"])).await;
    assert_eq!(roles(&app).await, ["shop-org 0"]);
    sign_in(&app, &provider, json!([])).await;
    assert_eq!(roles(&app).await, ["shop-org 1"], "the role from before is back");
    // An owner stays an owner, whatever the provider says.
    members::put(&mut conn, shop, jane_id, Role::Owner).await.unwrap();
    for groups in [json!(["developers"]), json!([])] {
        sign_in(&app, &provider, groups).await;
        assert_eq!(roles(&app).await, ["shop-org 3"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_gave_goes_with_the_link() {
    let (app, provider) = app_with_groups().await;
    let mut browser = jane(&app).await;
    let told = json!({ "realm_access": { "roles": ["leads"] } });
    provider.knows("jane", &told).await;
    let page = depart(&mut browser, "corp", "connect").await;
    let back = provider.authorize(&page, "jane").await;
    browser.get(&back).await.expect(303);
    assert_eq!(roles(&app).await, ["shop-org 2"], "connecting is enough");
    let body = json!({ "provider": "corp", "account": "jane" });
    delete(&mut browser, "account/providers", body).await.expect(200);
    assert_eq!(roles(&app).await, [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_for_an_address_gets_roles_afterwards() {
    let (app, provider) = app_with_groups().await;
    provider.knows("jane", &json!({ "realm_access": { "roles": ["leads"] } })).await;
    let mut browser = visitor(&app).await;
    come_from(&mut browser, &provider, "jane").await.expect(303);
    post(&mut browser, "auth/provider/signup", json!({ "email": JANE })).await.expect(200);
    assert_eq!(roles(&app).await, ["shop-org 2"]);
}
