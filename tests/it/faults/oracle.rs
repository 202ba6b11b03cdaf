//! Compares what clients were told with what is stored and counted.

use std::collections::{BTreeMap, BTreeSet};

use mishap_core::id::{EventId, ProjectId};
use mishap_core::outcome::Reason;
use mishap_core::sketch;
use mishap_core::tally::OTHER_VALUES;
use mishap_protocol::event::Event;
use mishap_protocol::json::repair_utf8;
use mishap_storage::bodies::{self, Dictionary};
use mishap_storage::events;
use mishap_testkit::TestDatabase;
use serde_json::Value;
use uuid::Uuid;

use super::load::Sent;

/// How precisely what was received is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accounts {
    /// Every request was answered, and nobody died who had counted it: each counts exactly once.
    Exact,
    /// A server that died may have stored what it could not answer any more, and a program that died
    /// takes the count of what it refused with it. What was acknowledged counts at least once.
    AtLeast,
}

/// A tag of an issue.
type Tag = (i64, String, String);

/// What is stored, counted event by event.
#[derive(Default)]
struct Counted {
    events: BTreeMap<i64, i64>,
    hours: BTreeMap<(i64, String), i64>,
    tags: BTreeMap<Tag, i64>,
    people: BTreeMap<i64, BTreeSet<u64>>,
    received: BTreeMap<(i64, String), i64>,
}

/// Checks everything, once nothing waits any more:
///
/// - every acknowledged event is stored exactly once; as they can all be digested, none may have
///   become a dead letter,
/// - nothing is stored that nobody sent, and nothing twice,
/// - every counter says how many rows there are: of issues, of their hours, tags and people,
/// - everything received has ended in exactly one way.
pub(crate) async fn check(database: &TestDatabase, sent: &Sent, accounts: Accounts) {
    assert!(!sent.acknowledged.is_empty(), "nothing was acknowledged: {:?}", sent.answers);
    let stored = ids(database, "SELECT event_id AS id FROM events").await;
    let buried = database.rows("SELECT event_id, error FROM dead_letters").await;
    assert!(buried.is_empty(), "{} dead letters: {:?}", buried.len(), buried.first());
    let mut known = BTreeSet::new();
    for id in &stored {
        assert!(known.insert(*id), "{id} is there twice");
        let was_sent = sent.acknowledged.contains(id) || sent.abandoned.contains(id);
        assert!(was_sent, "{id} is there, and nobody sent it");
    }
    let lost: Vec<_> = sent.acknowledged.difference(&known).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), sent.acknowledged.len());

    let counted = count(database).await;
    let issues = "SELECT id AS issue, '' AS a, '' AS b, events AS n FROM issues";
    let expected = counted.events.iter().map(|(issue, n)| ((*issue, "", ""), *n));
    assert_same("issues", &rows(database, issues).await, expected);
    let hours = "SELECT issue_id AS issue, hour::text AS a, '' AS b, events AS n FROM issue_hours";
    let expected = counted.hours.iter().map(|((issue, hour), n)| ((*issue, hour.as_str(), ""), *n));
    assert_same("issue_hours", &rows(database, hours).await, expected);
    check_tags(database, &counted.tags).await;
    check_people(database, &counted.people).await;
    check_outcomes(database, sent, accounts, &counted).await;
}

async fn ids(database: &TestDatabase, query: &str) -> Vec<Uuid> {
    let rows = database.rows(query).await;
    rows.iter().map(|row| row["id"].as_str().unwrap().parse().unwrap()).collect()
}

/// Opens every event, and counts what it says.
async fn count(database: &TestDatabase) -> Counted {
    let mut counted = Counted::default();
    let mut dictionaries: BTreeMap<i64, Dictionary> = BTreeMap::new();
    let query = "SELECT project_id, event_id, date_trunc('hour', received)::text AS hour
        FROM events ORDER BY received";
    let events = database.rows(query).await;
    let mut conn = database.conn().await;
    for row in events {
        let project = row["project_id"].as_i64().unwrap();
        let id: Uuid = row["event_id"].as_str().unwrap().parse().unwrap();
        let hour = row["hour"].as_str().unwrap().to_owned();
        let event = events::by_id_in_project(&mut conn, ProjectId(project), EventId(id)).await;
        let event = event.unwrap().unwrap();
        if let Some(id) = event.dictionary_id
            && let std::collections::btree_map::Entry::Vacant(place) = dictionaries.entry(id.0)
        {
            place.insert(bodies::dictionary(&mut conn, id).await.unwrap().unwrap());
        }
        let dictionary = event.dictionary_id.map(|id| &dictionaries[&id.0]);
        let body = bodies::unpack(&event.body, dictionary).unwrap();
        let body = repair_utf8(&body);
        let content = Event::read(&body).unwrap();
        let issue = event.issue_id.0;
        *counted.events.entry(issue).or_default() += 1;
        *counted.hours.entry((issue, hour.clone())).or_default() += 1;
        for (key, value) in content.tags.iter() {
            *counted.tags.entry((issue, key.to_owned(), value.to_owned())).or_default() += 1;
        }
        counted.people.entry(issue).or_default().extend(sketch::person(&content));
        *counted.received.entry((project, hour)).or_default() += 1;
    }
    counted
}

async fn rows(database: &TestDatabase, query: &str) -> Vec<(Tag, i64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let row = |row: &Value| {
        let place = (row["issue"].as_i64().unwrap(), text(&row["a"]), text(&row["b"]));
        (place, row["n"].as_i64().unwrap())
    };
    database.rows(query).await.iter().map(row).collect()
}

/// Compares a table's counts with what the events say.
fn assert_same<'e>(
    table: &str,
    found: &[(Tag, i64)],
    expected: impl Iterator<Item = ((i64, &'e str, &'e str), i64)>,
) {
    let owned =
        |((issue, a, b), n): ((i64, &str, &str), i64)| ((issue, a.to_owned(), b.to_owned()), n);
    let expected: BTreeMap<Tag, i64> = expected.map(owned).collect();
    let found: BTreeMap<Tag, i64> = found.iter().cloned().collect();
    for (place, n) in &expected {
        assert_eq!(found.get(place), Some(n), "{table}: {place:?}");
    }
    assert_eq!(found.len(), expected.len(), "{table} counts what is not there");
}

/// A key with too many values counts some of them together: then only the sum is known.
async fn check_tags(database: &TestDatabase, expected: &BTreeMap<Tag, i64>) {
    let query = "SELECT issue_id AS issue, key AS a, value AS b, events AS n FROM issue_tags";
    let found = rows(database, query).await;
    let is_capped = |issue: i64, key: &str| {
        found.iter().any(|((i, k, value), _)| {
            (*i, k.as_str(), value.as_str()) == (issue, key, OTHER_VALUES)
        })
    };
    let capped: BTreeSet<(i64, String)> = found
        .iter()
        .filter(|((issue, key, _), _)| is_capped(*issue, key))
        .map(|((issue, key, _), _)| (*issue, key.clone()))
        .collect();
    let folded = |tags: Vec<(Tag, i64)>| {
        let mut sums: BTreeMap<Tag, i64> = BTreeMap::new();
        for ((issue, key, value), n) in tags {
            let is_capped = capped.contains(&(issue, key.clone()));
            let value = if is_capped { String::new() } else { value };
            *sums.entry((issue, key, value)).or_default() += n;
        }
        sums
    };
    let expected = expected.iter().map(|(tag, n)| (tag.clone(), *n)).collect();
    assert_eq!(folded(found.clone()), folded(expected), "issue_tags");
}

/// Up to a number people are counted exactly, beyond it they are estimated.
async fn check_people(database: &TestDatabase, expected: &BTreeMap<i64, BTreeSet<u64>>) {
    let query = "SELECT issue_id AS issue, '' AS a, '' AS b, people AS n FROM issue_people";
    let mut found = rows(database, query).await;
    let is_exact = |issue: i64| expected.get(&issue).is_none_or(|all| all.len() <= sketch::EXACT);
    found.retain(|((issue, _, _), _)| is_exact(*issue));
    let expected = expected.iter().filter(|(issue, _)| is_exact(**issue)).map(|(issue, all)| {
        let n = i64::try_from(all.len()).unwrap();
        ((*issue, "", ""), n)
    });
    assert_same("issue_people", &found, expected);
}

async fn check_outcomes(
    database: &TestDatabase,
    sent: &Sent,
    accounts: Accounts,
    counted: &Counted,
) {
    let ok = format!(
        "SELECT project_id AS issue, hour::text AS a, '' AS b, sum(quantity)::bigint AS n
         FROM outcomes WHERE reason = {} GROUP BY 1, 2",
        Reason::Ok.code()
    );
    let expected =
        counted.received.iter().map(|((project, hour), n)| ((*project, hour.as_str(), ""), *n));
    assert_same("outcomes", &rows(database, &ok).await, expected);
    let ended = database.number("SELECT coalesce(sum(quantity), 0) FROM outcomes").await;
    let ended = u64::try_from(ended).unwrap();
    match accounts {
        Accounts::Exact => {
            assert_eq!(sent.unanswered, 0, "requests that were not answered");
            assert_eq!(ended, sent.answers.values().sum::<u64>(), "{:?}", sent.answers);
        }
        Accounts::AtLeast => assert!(ended >= sent.acknowledged.len() as u64, "{ended}"),
    }
}
