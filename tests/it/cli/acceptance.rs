//! The acceptance suite, against a whole installation.

use mishap_testkit::{Installation, Typed};
use serde_json::Value;
use tokio::task::block_in_place;

fn acceptance(installation: &Installation) -> Typed {
    let url = installation.url.as_str();
    let token = installation.tenant.token.as_str();
    Typed::new("mishap", &[("GLITCHTIP_URL", url), ("GLITCHTIP_API_USER_TOKEN", token)])
}

async fn make_superuser(installation: &Installation) {
    installation.database.sql("UPDATE users SET is_superuser = true, is_staff = true").await;
}

/// Organizations that are not the one from the beginning.
async fn left_behind(installation: &Installation) -> i64 {
    let others = "SELECT count(*) FROM organizations
        WHERE deleted_at IS NULL AND slug <> 'shop-org'";
    installation.database.number(others).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_server_is_accepted_and_nothing_is_left_behind() {
    let installation = Installation::start().await;
    make_superuser(&installation).await;
    let said = acceptance(&installation).run(&["acceptance", "--json"]).expect(0).json();
    assert_eq!(said["passed"], true, "{said}");
    let areas: Vec<_> = said["areas"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(
        areas,
        [
            "server",
            "left behind",
            "organizations",
            "teams",
            "projects",
            "people",
            "ingest",
            "pages",
            "metrics",
            "clean-up"
        ]
    );
    assert!(said["areas"].as_array().unwrap().iter().all(|area| area["skipped"].is_null()));
    assert_eq!(left_behind(&installation).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_digests_nothing_is_not_accepted() {
    let mut installation = Installation::start().await;
    make_superuser(&installation).await;
    block_in_place(|| installation.worker.kill());
    let said = acceptance(&installation).run(&["acceptance", "--timeout=1"]).expect(1);
    assert!(said.out.contains("FAILED   ingest: waited 1 s in vain"), "{}", said.out);
    assert!(!said.out.contains("pages"), "it goes no further: {}", said.out);
    assert!(said.err.contains("not accepted: ingest"), "{}", said.err);
    assert_eq!(left_behind(&installation).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_of_runs_that_were_killed_are_taken_away_later() {
    let installation = Installation::start().await;
    make_superuser(&installation).await;
    let old = "INSERT INTO organizations (slug, name, created_at) VALUES
        ('old', 'Mishap acceptance 0', now() - interval '2 hours'),
        ('new', 'Mishap acceptance 1', now()),
        ('other', 'Other', now() - interval '2 hours')";
    installation.database.sql(old).await;
    let owner = "INSERT INTO members (organization_id, user_id, role)
        SELECT o.id, m.user_id, m.role FROM organizations o, members m
        WHERE o.slug IN ('old', 'new', 'other')";
    installation.database.sql(owner).await;
    acceptance(&installation).run(&["acceptance"]).expect(0);
    let left = "SELECT slug FROM organizations WHERE deleted_at IS NULL ORDER BY slug";
    let left: Vec<Value> = installation.database.rows(left).await;
    let left: Vec<_> = left.iter().map(|row| row["slug"].as_str().unwrap()).collect();
    assert_eq!(left, ["new", "other", "shop-org"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_read_metrics_it_says_that_they_were_skipped() {
    let installation = Installation::start().await;
    installation.database.sql("UPDATE users SET is_superuser = false, is_staff = false").await;
    let mut environment = acceptance(&installation);
    let said = environment.run(&["acceptance", "--json"]);
    // Who is no superuser may not make organizations here.
    let said = said.expect(1);
    assert!(said.out.contains("organizations"), "{}", said.out);
    environment = Typed::new("mishap", &[("GLITCHTIP_URL", installation.url.as_str())]);
    let said = environment.run(&["acceptance"]).expect(1);
    assert!(said.err.contains("GLITCHTIP_API_USER_TOKEN"), "{}", said.err);
}
