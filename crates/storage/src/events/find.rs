//! Finds events again.
//!
//! An event of an issue is found through `events_issue_idx`, one of a project through the unique
//! index that each partition has on (project, id).

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use mishap_core::grouping::GroupingHash;
use mishap_core::id::{DictionaryId, EventId, IssueId, ProjectId};
use uuid::Uuid;

use crate::error::Result;
use crate::pool::Conn;
use crate::sql::{Statement, statement};

/// A stored event; its body is opened by [`crate::bodies`].
#[derive(Debug, Clone, QueryableByName)]
pub struct EventRow {
    /// Its project.
    #[diesel(sql_type = BigInt)]
    pub project_id: ProjectId,
    /// Its issue.
    #[diesel(sql_type = BigInt)]
    pub issue_id: IssueId,
    /// When it reached us.
    #[diesel(sql_type = Timestamptz)]
    pub received: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    /// The dictionary that the body is compressed with.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub dictionary_id: Option<DictionaryId>,
    /// How bad it is, as a code.
    #[diesel(sql_type = SmallInt)]
    pub level: i16,
    /// The event as JSON, compressed.
    #[diesel(sql_type = Binary)]
    pub body: Vec<u8>,
}

impl EventRow {
    /// Its id.
    pub fn event_id(&self) -> EventId {
        EventId(self.event_id)
    }
}

/// The events before and after one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The newest that was received earlier.
    pub previous: Option<EventId>,
    /// The oldest that was received later.
    pub next: Option<EventId>,
}

/// The newest event of an issue.
pub async fn latest(conn: &mut Conn, issue: IssueId) -> Result<Option<EventRow>> {
    let query = statement(
        "SELECT project_id, issue_id, received, event_id, dictionary_id, level, body
         FROM events WHERE issue_id = $1 ORDER BY received DESC LIMIT 1",
    );
    first(conn, query.bind::<BigInt, _>(issue)).await
}

/// The oldest event of an issue that is still kept.
pub async fn oldest(conn: &mut Conn, issue: IssueId) -> Result<Option<EventRow>> {
    let query = statement(
        "SELECT project_id, issue_id, received, event_id, dictionary_id, level, body
         FROM events WHERE issue_id = $1 ORDER BY received LIMIT 1",
    );
    first(conn, query.bind::<BigInt, _>(issue)).await
}

/// An event of an issue; `project` is the issue's.
pub async fn by_id_in_issue(
    conn: &mut Conn,
    project: ProjectId,
    issue: IssueId,
    event_id: EventId,
) -> Result<Option<EventRow>> {
    let query = statement(
        "SELECT project_id, issue_id, received, event_id, dictionary_id, level, body
         FROM events WHERE project_id = $1 AND event_id = $2 AND issue_id = $3
         ORDER BY received DESC LIMIT 1",
    );
    let query =
        query.bind::<BigInt, _>(project).bind::<SqlUuid, _>(event_id.0).bind::<BigInt, _>(issue);
    first(conn, query).await
}

/// An event of a project.
pub async fn by_id_in_project(
    conn: &mut Conn,
    project: ProjectId,
    event_id: EventId,
) -> Result<Option<EventRow>> {
    let query = statement(
        "SELECT project_id, issue_id, received, event_id, dictionary_id, level, body
         FROM events WHERE project_id = $1 AND event_id = $2 ORDER BY received DESC LIMIT 1",
    );
    first(conn, query.bind::<BigInt, _>(project).bind::<SqlUuid, _>(event_id.0)).await
}

async fn first(conn: &mut Conn, query: Statement<'_>) -> Result<Option<EventRow>> {
    Ok(query.load(conn).await?.pop())
}

/// The neighbours of an event among those of its issue.
pub async fn neighbours(conn: &mut Conn, event: &EventRow) -> Result<Neighbours> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<SqlUuid>)]
        previous: Option<Uuid>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        next: Option<Uuid>,
    }
    let row: Row = statement(
        "SELECT
             (SELECT event_id FROM events WHERE issue_id = $1 AND received < $2
              ORDER BY received DESC LIMIT 1) AS previous,
             (SELECT event_id FROM events WHERE issue_id = $3 AND received > $4
              ORDER BY received LIMIT 1) AS next",
    )
    .bind::<BigInt, _>(event.issue_id)
    .bind::<Timestamptz, _>(event.received)
    .bind::<BigInt, _>(event.issue_id)
    .bind::<Timestamptz, _>(event.received)
    .get_result(conn)
    .await?;
    Ok(Neighbours { previous: row.previous.map(EventId), next: row.next.map(EventId) })
}

/// The hashes of an issue.
pub async fn hashes(conn: &mut Conn, issue: IssueId) -> Result<Vec<GroupingHash>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        hash: Uuid,
    }
    let rows: Vec<Row> =
        statement("SELECT hash FROM issue_hashes WHERE issue_id = $1 ORDER BY hash LIMIT 100")
            .bind::<BigInt, _>(issue)
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|row| GroupingHash(row.hash.into_bytes())).collect())
}
