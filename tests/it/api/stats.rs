use chrono::{DateTime, Utc};
use mishap_core::access::Scope;
use mishap_core::id::ProjectId;
use mishap_core::outcome::Reason;
use mishap_core::tally::Tally;
use mishap_protocol::envelope::DataCategory;
use mishap_storage::tallies;
use mishap_testkit::TestApp;
use mishap_testkit::builders::message_event;
use reqwest::Method;
use serde_json::{Value, json};

use super::doors::{Door, try_all};

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-{text}Z").parse().unwrap()
}

/// Counts what ended so, all of a project, and folds it.
async fn count(app: &TestApp, project: ProjectId, ended: &[(&str, DataCategory, Reason, u64)]) {
    let mut tally = Tally::default();
    for (time, category, reason, quantity) in ended {
        tally.count(project, at(time), *category, *reason, *quantity);
    }
    tallies::write(&mut *app.database.conn().await, &tally).await.unwrap();
    app.fold().await;
}

/// The address of what was stored between two moments.
fn path(start: &str, end: &str, rest: &str) -> String {
    let (start, end) = (at(start).timestamp(), at(end).to_rfc3339().replace('+', "%2B"));
    format!(
        "/api/0/organizations/shop-org/stats_v2/?category=error&field=sum(quantity)&start={start}\
         &end={end}{rest}"
    )
}

/// Intervals with their sums, without those that have none.
async fn sums(app: &TestApp, path: &str) -> Vec<(String, i64)> {
    let shown = app.owner().get(path).await.expect(200).json();
    let sums = shown["groups"][0]["series"]["sum(quantity)"].as_array().unwrap().clone();
    let intervals = shown["intervals"].as_array().unwrap();
    assert_eq!(intervals.len(), sums.len());
    let both = intervals.iter().zip(sums);
    let told = |(begin, sum): (&Value, Value)| Some((begin.as_str()?.to_owned(), sum.as_i64()?));
    both.filter_map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_hour_has_its_sum_or_null() {
    let app = TestApp::start().await;
    let stored = [
        ("01-02T03:10:00", DataCategory::Error, Reason::Ok, 2),
        ("01-02T03:59:59", DataCategory::Security, Reason::Ok, 3),
        ("01-02T06:00:00", DataCategory::Error, Reason::Ok, 7),
        ("01-02T07:00:00", DataCategory::Error, Reason::Ok, 100),
        ("01-02T02:59:00", DataCategory::Error, Reason::Ok, 100),
        ("01-02T04:00:00", DataCategory::Error, Reason::QuotaKey, 100),
        ("01-02T04:00:00", DataCategory::Attachment, Reason::Ok, 100),
    ];
    count(&app, app.tenant.project, &stored).await;
    let path = path("01-02T03:30:00", "01-02T05:01:00", "");
    let shown = app.owner().get(&path).await.expect(200).json();
    let expected = json!({
        "intervals": [
            "2026-01-02T03:00:00+00:00",
            "2026-01-02T04:00:00+00:00",
            "2026-01-02T05:00:00+00:00",
            "2026-01-02T06:00:00+00:00",
        ],
        "groups": [{ "series": { "sum(quantity)": [5, null, null, 7] } }],
    });
    assert_eq!(shown, expected);
    let seen = app.owner().get(&path.replace("quantity", "times_seen")).await.expect(200).json();
    let sums = json!({ "sum(times_seen)": [5, null, null, 7] });
    assert_eq!(seen["groups"], json!([{ "series": sums }]));
    let transactions = app.owner().get(&path.replace("=error", "=transaction")).await.expect(200);
    let sums = json!({ "sum(quantity)": [null, null, null, null] });
    assert_eq!(transactions.json()["groups"], json!([{ "series": sums }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn days_and_minutes_have_the_sums_of_their_hours() {
    let app = TestApp::start().await;
    let stored = [
        ("01-02T05:00:00", DataCategory::Error, Reason::Ok, 1),
        ("01-02T23:00:00", DataCategory::Error, Reason::Ok, 2),
        ("01-03T04:00:00", DataCategory::Error, Reason::Ok, 4),
        ("01-03T05:00:00", DataCategory::Error, Reason::Ok, 8),
        ("02-01T00:00:00", DataCategory::Error, Reason::Ok, 16),
    ];
    count(&app, app.tenant.project, &stored).await;
    let days = sums(&app, &path("01-02T05:30:00", "02-01T00:00:00", "&interval=1d")).await;
    let begins = |text: &str| format!("2026-{text}:00+00:00");
    let expected = [("01-02T05:00", 7), ("01-03T05:00", 8), ("01-31T05:00", 16)]
        .map(|(at, n)| (begins(at), n));
    assert_eq!(days, expected);
    let minutes = path("01-02T22:30:00", "01-03T04:30:00", "&interval=1m");
    let expected = [("01-02T23:00", 2), ("01-03T04:00", 4), ("01-03T05:00", 8)];
    assert_eq!(sums(&app, &minutes).await, expected.map(|(at, n)| (begins(at), n)));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_organization_s_projects_count() {
    let app = TestApp::start().await;
    let till = app.database.project(app.tenant.organization, "till").await.id;
    let other = app.database.tenant("other").await.project;
    let shop = app.tenant.project;
    for (project, quantity) in [(shop, 1), (till, 2), (other, 4)] {
        let stored = [("01-02T03:00:00", DataCategory::Error, Reason::Ok, quantity)];
        count(&app, project, &stored).await;
    }
    let path = |rest: &str| path("01-02T03:00:00", "01-02T03:00:00", rest);
    for (rest, sum) in [
        (String::new(), 3),
        (format!("&project={shop}"), 1),
        (format!("&project={shop}&project={till}"), 3),
        (format!("&project={till}&project={other}&project=-1"), 2),
    ] {
        let found = sums(&app, &path(&rest)).await;
        assert_eq!(found, [("2026-01-02T03:00:00+00:00".to_owned(), sum)], "{rest}");
    }
    for rest in [format!("&project={other}"), "&project=-1".to_owned(), "&project=999".to_owned()] {
        app.owner().get(&path(&rest)).await.expect(404);
    }
    app.database.sql("UPDATE projects SET deleted_at = now() WHERE slug = 'till'").await;
    assert_eq!(sums(&app, &path("")).await[0].1, 1);
    app.owner().get(&path(&format!("&project={till}"))).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_counted_is_refused() {
    let app = TestApp::start().await;
    let whole = path("01-02T03:00:00", "01-02T04:00:00", "&interval=1h&project=1");
    app.owner().get(&whole).await.expect(200);
    for (from, to, place, kind) in [
        ("category=error", "", "category", "missing"),
        ("category=error", "category=default", "category", "literal_error"),
        ("sum(quantity)", "sum(everything)", "field", "literal_error"),
        ("interval=1h", "interval=1w", "interval", "literal_error"),
        ("project=1", "project=shop", "project", "int_parsing"),
        ("project=1", "project=-2", "project", "greater_than_equal"),
        ("start=", "start=yesterday", "start", "datetime_from_date_parsing"),
        ("start=", "begin=", "start", "missing"),
        ("end=", "end=%2B262000-01-01T00:00:00&x=", "end", "datetime_from_date_parsing"),
    ] {
        let path = whole.replace(from, to);
        let problem = app.owner().get(&path).await.expect(422).json()["detail"][0].clone();
        assert_eq!((&problem["type"], &problem["loc"]), (&json!(kind), &json!(["query", place])));
    }
    // A day too many for each length.
    for (end, interval) in [("02-13T03:00:00", "1h"), ("01-03T03:00:00", "1m")] {
        let path = path("01-02T03:00:00", end, &format!("&interval={interval}"));
        let answer = app.owner().get(&path).await.expect(422).json();
        assert_eq!(answer, json!({ "detail": [{ "end": "Too many intervals" }] }), "{interval}");
    }
    let long = path("01-02T03:00:00", "12-02T03:00:00", "&interval=1d");
    app.owner().get(&long).await.expect(200);
    let far = long.replace("start=", "start=-100&x=").replace("2026-12", "9999-12");
    app.owner().get(&far).await.expect(422);
    // Whoever asks backwards is told of nothing.
    let backwards = path("01-02T03:00:00", "01-01T03:00:00", "");
    let shown = app.owner().get(&backwards).await.expect(200).json();
    assert_eq!(shown["intervals"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_digested_is_counted() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        super::send(&app, &message_event("hello")).await;
    }
    let now = app.now().timestamp();
    let path = format!(
        "/api/0/organizations/shop-org/stats_v2/?category=error&field=sum(quantity)&start={now}\
         &end={now}"
    );
    let sums = sums(&app, &path).await;
    assert_eq!(sums.iter().map(|(_, sum)| sum).sum::<i64>(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoint_of_statistics_lets_through_whom_it_should() {
    use Scope::{OrgAdmin, OrgRead, OrgWrite};
    let app = TestApp::start().await;
    let query = path("01-02T03:00:00", "01-02T04:00:00", "");
    let scopes: &[Scope] = &[OrgRead, OrgWrite, OrgAdmin];
    let path = query.strip_prefix("/api/0/").unwrap();
    try_all(&app, &[Door::new(Method::GET, path, scopes)]).await;
}
