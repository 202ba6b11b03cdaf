use mishap_core::access::{Role, Scope};
use mishap_testkit::{Answer, Client, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::doors::{Door, try_all};
use super::{assert_members, audit_lines, in_role, take_time};

const TEAMS: &str = "/api/0/organizations/shop-org/teams/";

/// Makes a team; the caller is in it.
async fn make(client: &Client, slug: &str) -> Answer {
    client.json(Method::POST, TEAMS, &json!({ "slug": slug })).await.expect(201)
}

async fn post(client: &Client, path: &str) -> Answer {
    Answer::of(client.post(path)).await
}

fn slugs(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap()).collect()
}

/// The path of a member's place in a team.
fn place(member: &Value, team: &str) -> String {
    let member = member.as_str().unwrap();
    format!("/api/0/organizations/shop-org/members/{member}/teams/{team}/")
}

/// The number of the member with this address.
async fn member(app: &TestApp, email: &str) -> Value {
    let members = app.owner().get("/api/0/organizations/shop-org/members/").await.json();
    let found = members.as_array().unwrap().iter().find(|member| member["email"] == email);
    found.unwrap()["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_has_glitchtip_s_shape_and_whoever_makes_it_is_in_it() {
    let app = TestApp::start().await;
    let answer = make(&app.owner(), "Back-end_1").await;
    assert_members(&answer, &["id", "slug", "dateCreated", "isMember", "memberCount", "projects"]);
    let mut made = answer.json();
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(app.owner().get("/api/0/teams/shop-org/Back-end_1/").await.json(), made);
    assert_eq!(app.owner().get(TEAMS).await.expect(200).json(), json!([made]));
    take_time(&mut made, "dateCreated");
    let expected = json!({
        "id": id,
        "slug": "Back-end_1",
        "dateCreated": null,
        "isMember": true,
        "memberCount": 1,
        "projects": [],
    });
    assert_eq!(made, expected);
    assert_eq!(audit_lines(&app).await, ["team.create Back-end_1 {}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_shows_its_projects_as_the_caller_sees_them() {
    let app = TestApp::start().await;
    make(&app.owner(), "backend").await;
    app.database.project(app.tenant.organization, "api").await;
    for project in ["shop", "api"] {
        let path = format!("/api/0/projects/shop-org/{project}/teams/backend/");
        post(&app.owner(), &path).await.expect(201);
    }
    let path = "/api/0/teams/shop-org/backend/";
    let shown = app.owner().get(path).await.expect(200).json();
    let mut alone = app.owner().get("/api/0/projects/shop-org/shop/").await.json();
    alone.as_object_mut().unwrap().remove("organization");
    assert_eq!(slugs(&shown["projects"]), ["api", "shop"]);
    assert_eq!((&shown["projects"][1], &alone["isMember"]), (&alone, &json!(true)));
    let other = in_role(&app, Role::Viewer).await.get(path).await.expect(200).json();
    assert_eq!(other["isMember"], json!(false));
    assert_eq!(other["projects"][1]["isMember"], json!(false));
    app.database.sql("UPDATE projects SET deleted_at = now() WHERE slug = 'api'").await;
    assert_eq!(slugs(&app.owner().get(path).await.json()["projects"]), ["shop"]);
    assert_eq!(slugs(&app.owner().get(TEAMS).await.json()[0]["projects"]), ["shop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slug_is_taken_once_in_an_organization() {
    let app = TestApp::start().await;
    let other = app.database.tenant("other").await;
    make(&app.owner(), "backend").await;
    make(&app.owner(), "frontend").await;
    let body = json!({ "slug": "backend" });
    let theirs = "/api/0/organizations/other-org/teams/";
    app.client(&other.token).json(Method::POST, theirs, &body).await.expect(201);
    let taken = json!({ "detail": "There is a team backend already" });
    let again = app.owner().json(Method::POST, TEAMS, &body).await.expect(409);
    assert_eq!(again.json(), taken);
    let renamed = app.owner().json(Method::PUT, "/api/0/teams/shop-org/frontend/", &body).await;
    assert_eq!(renamed.expect(409).json(), taken);
    // A team may be given the slug that it has.
    let same = app.owner().json(Method::PUT, "/api/0/teams/shop-org/backend/", &body).await;
    assert_eq!(same.expect(200).json()["slug"], "backend");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slug_that_is_none_is_refused() {
    let app = TestApp::start().await;
    make(&app.owner(), "backend").await;
    for (body, kind) in [
        (json!({}), "missing"),
        (json!({ "slug": 7 }), "string_type"),
        (json!({ "slug": "two words" }), "string_pattern_mismatch"),
        (json!({ "slug": "ä" }), "string_pattern_mismatch"),
        (json!({ "slug": "" }), "string_too_short"),
        (json!({ "slug": "a".repeat(51) }), "string_too_long"),
    ] {
        for (method, path) in
            [(Method::POST, TEAMS), (Method::PUT, "/api/0/teams/shop-org/backend/")]
        {
            let answer = app.owner().json(method, path, &body).await.expect(422).json();
            assert_eq!(answer["detail"][0]["type"], kind, "{body}");
            assert_eq!(answer["detail"][0]["loc"], json!(["body", "payload", "slug"]));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_renamed_and_deleted_and_its_projects_stay() {
    let app = TestApp::start().await;
    make(&app.owner(), "backend").await;
    post(&app.owner(), "/api/0/projects/shop-org/shop/teams/backend/").await.expect(201);
    let body = json!({ "slug": "server" });
    let path = "/api/0/teams/shop-org/backend/";
    let renamed = app.owner().json(Method::PUT, path, &body).await.expect(200).json();
    assert_eq!(renamed["slug"], "server");
    assert_eq!(slugs(&renamed["projects"]), ["shop"]);
    app.owner().get(path).await.expect(404);
    let path = "/api/0/teams/shop-org/server/";
    assert_eq!(app.owner().get(path).await.expect(200).json(), renamed);
    assert_eq!(app.owner().delete(path).await.expect(204).body, "");
    app.owner().delete(path).await.expect(404);
    app.owner().get("/api/0/projects/shop-org/shop/").await.expect(200);
    let entries = [
        "team.create backend {}",
        r#"project.team_add shop {"team":"backend"}"#,
        r#"team.update server {"slug":["backend","server"]}"#,
        "team.delete server {}",
    ];
    assert_eq!(audit_lines(&app).await, entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_into_teams_and_leave_them_as_often_as_they_want() {
    let app = TestApp::start().await;
    make(&app.owner(), "backend").await;
    let client = in_role(&app, Role::Member).await;
    let me = place(&json!("me"), "backend");
    for _ in 0..2 {
        let joined = post(&client, &me).await.expect(201).json();
        assert_eq!((&joined["isMember"], &joined["memberCount"]), (&json!(true), &json!(2)));
        assert_eq!(joined["projects"], json!([]));
    }
    for _ in 0..2 {
        let left = client.delete(&me).await.expect(200).json();
        assert_eq!((&left["isMember"], &left["memberCount"]), (&json!(false), &json!(1)));
    }
    let number = member(&app, "member@example.com").await;
    let added = post(&app.owner(), &place(&number, "backend")).await.expect(201).json();
    assert_eq!(added["memberCount"], 2);
    let change = r#"backend {"member":"member@example.com"}"#;
    let entries = [
        "team.create backend {}",
        &format!("team.member_add {change}"),
        &format!("team.member_remove {change}"),
        &format!("team.member_add {change}"),
    ];
    assert_eq!(audit_lines(&app).await, entries);
}

/// Puts a member into the team `backend` by hand, or takes it out.
async fn set_inside(app: &TestApp, member: &Value, is_inside: bool) {
    let change = match is_inside {
        true => {
            "INSERT INTO team_members (team_id, member_id) SELECT t.id, m.id FROM members m, teams t"
        }
        false => "DELETE FROM team_members USING members m, teams t",
    };
    let member = member.as_str().unwrap();
    let of = format!("WHERE m.id = {member} AND t.slug = 'backend'");
    let end = if is_inside { "ON CONFLICT DO NOTHING" } else { "AND member_id = m.id" };
    app.database.sql(&format!("{change} {of} {end}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_change_a_team_s_members_depends_on_membership_and_role() {
    let app = TestApp::start().await;
    make(&app.owner(), "backend").await;
    let someone = app.database.member(app.tenant.organization, "x@example.com", Role::Member).await;
    let someone = member(&app, &someone.email).await;
    for role in [Role::Member, Role::Admin, Role::Manager, Role::Owner] {
        let client = in_role(&app, role).await;
        let own = member(&app, &format!("{role}@example.com")).await;
        for (is_open, is_inside, method) in [
            (true, false, Method::POST),
            (true, true, Method::DELETE),
            (true, true, Method::POST),
            (false, false, Method::POST),
            (false, true, Method::DELETE),
            (false, true, Method::POST),
        ] {
            let set = format!("UPDATE organizations SET open_membership = {is_open}");
            app.database.sql(&set).await;
            let may_others = role >= if is_inside { Role::Admin } else { Role::Manager };
            for (whom, may) in [
                (&json!("me"), is_open || may_others),
                (&own, is_open || may_others),
                (&someone, may_others),
            ] {
                set_inside(&app, &own, is_inside).await;
                let answer = client.json(method.clone(), &place(whom, "backend"), &json!({})).await;
                let status = match (may, method == Method::POST) {
                    (true, true) => 201,
                    (true, false) => 200,
                    (false, _) => 403,
                };
                let what = format!("{method} {whom} as {role}, inside {is_inside}, open {is_open}");
                assert_eq!(answer.status, status, "{what}");
                let refusal = json!({ "detail": "Must be admin to modify teams" });
                assert!(may || answer.json() == refusal, "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_or_what_an_organization_does_not_have_cannot_be_brought_together() {
    let app = TestApp::start().await;
    make(&app.owner(), "backend").await;
    let other = app.database.tenant("other").await;
    let stranger = "SELECT id FROM members WHERE user_id <> 1 AND organization_id = ";
    let stranger = app.database.number(&format!("{stranger}{}", other.organization)).await;
    for path in [
        place(&json!("me"), "nothing"),
        place(&json!("99999"), "backend"),
        place(&json!("99999999999999999999999999"), "backend"),
        place(&json!(stranger.to_string()), "backend"),
        place(&json!("somebody"), "backend"),
        "/api/0/projects/shop-org/shop/teams/nothing/".to_owned(),
        "/api/0/projects/shop-org/nothing/teams/backend/".to_owned(),
        "/api/0/projects/shop-org/other/teams/backend/".to_owned(),
    ] {
        let not_found = json!({ "detail": "Not Found" });
        for method in [Method::POST, Method::DELETE] {
            let answer = app.owner().json(method, &path, &json!({})).await.expect(404);
            assert_eq!(answer.json(), not_found, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_s_members_are_shown_as_the_organization_s_are() {
    let app = TestApp::start().await;
    make(&app.owner(), "backend").await;
    let client = in_role(&app, Role::Member).await;
    let path = "/api/0/teams/shop-org/backend/members/";
    let all = app.owner().get("/api/0/organizations/shop-org/members/").await.json();
    let listed = app.owner().get(path).await.expect(200);
    assert_eq!((listed.json(), listed.header("x-hits")), (json!([all[1]]), "1"));
    post(&client, &place(&json!("me"), "backend")).await.expect(201);
    assert_eq!(app.owner().get(path).await.json(), all);
    let nothing = app.owner().get("/api/0/teams/shop-org/nothing/members/").await.expect(200);
    assert_eq!(nothing.json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_given_to_teams_in_an_order_and_taken_from_them() {
    let app = TestApp::start().await;
    for slug in ["zebra", "apple"] {
        make(&app.owner(), slug).await;
    }
    let path = |team: &str| format!("/api/0/projects/shop-org/shop/teams/{team}/");
    let first = post(&app.owner(), &path("zebra")).await.expect(201);
    assert_members(&first, &["name", "eventThrottleRate", "teams"]);
    let second = post(&app.owner(), &path("apple")).await.expect(201).json();
    assert_eq!(slugs(&second["teams"]), ["zebra", "apple"]);
    assert_eq!(second["isMember"], json!(true));
    let again = post(&app.owner(), &path("zebra")).await.expect(201).json();
    assert_eq!(again, second);
    // The newest team first, whenever it was given the project.
    let list = "/api/0/projects/shop-org/shop/teams/";
    let listed = app.owner().get(list).await.expect(200);
    assert_members(&listed, &["id", "slug", "dateCreated", "isMember", "memberCount"]);
    assert_eq!(slugs(&listed.json()), ["apple", "zebra"]);
    assert_eq!(listed.json()[0].as_object().unwrap().len(), 5);

    let left = app.owner().delete(&path("zebra")).await.expect(200).json();
    assert_eq!(slugs(&left["teams"]), ["apple"]);
    app.owner().delete(&path("zebra")).await.expect(404);
    assert_eq!(slugs(&app.owner().get(list).await.json()), ["apple"]);
    let nothing = app.owner().get("/api/0/projects/shop-org/nothing/teams/").await.expect(200);
    assert_eq!(nothing.json(), json!([]));
    let changes = [
        r#"project.team_add shop {"team":"zebra"}"#,
        r#"project.team_add shop {"team":"apple"}"#,
        r#"project.team_remove shop {"team":"zebra"}"#,
    ];
    assert_eq!(audit_lines(&app).await[2..], changes);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_of_teams_lets_through_whom_it_should() {
    use Scope::{
        MemberAdmin, MemberRead, MemberWrite, OrgAdmin, OrgRead, OrgWrite, ProjectAdmin,
        ProjectWrite, TeamAdmin, TeamRead, TeamWrite,
    };
    let app = TestApp::start().await;
    make(&app.owner(), "backend").await;
    let teams = "organizations/shop-org/teams/";
    let backend = "teams/shop-org/backend/";
    let own = "organizations/shop-org/members/me/teams/backend/";
    let given = "projects/shop-org/shop/teams/backend/";
    let list: &[Scope] = &[TeamRead, TeamWrite, TeamAdmin, OrgRead, OrgWrite, OrgAdmin];
    let create: &[Scope] = &[TeamWrite, TeamAdmin, OrgWrite, OrgAdmin];
    let read: &[Scope] = &[TeamRead, TeamWrite, TeamAdmin];
    let write: &[Scope] = &[TeamWrite, TeamAdmin];
    let members: &[Scope] = &[MemberRead, MemberWrite, MemberAdmin];
    let project: &[Scope] = &[ProjectWrite, ProjectAdmin];
    let named = |slug: &str| json!({ "slug": slug });
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let doors = [
        Door::new(get.clone(), teams, list).lists(),
        Door::new(post.clone(), teams, create)
            .hides_below(Role::Admin)
            .with(named("frontend"))
            .answers(201),
        Door::new(get.clone(), backend, read),
        Door::new(Method::PUT, backend, write).takes(Role::Member).with(named("backend")),
        Door::new(get.clone(), "teams/shop-org/backend/members/", members).lists(),
        Door::new(post.clone(), own, write).takes(Role::Member).answers(201),
        Door::new(delete.clone(), own, write).takes(Role::Member),
        Door::new(get, "projects/shop-org/shop/teams/", list).lists(),
        Door::new(post, given, project).hides_below(Role::Manager).answers(201),
        Door::new(delete.clone(), given, project).hides_below(Role::Manager),
    ];
    try_all(&app, &doors).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_deleted_by_an_admin_at_least() {
    let app = TestApp::start().await;
    make(&app.owner(), "backend").await;
    let path = "/api/0/teams/shop-org/backend/";
    let refused = in_role(&app, Role::Member).await.delete(path).await.expect(404);
    assert_eq!(refused.json(), json!({ "detail": "Not Found" }));
    in_role(&app, Role::Admin).await.delete(path).await.expect(204);
}
