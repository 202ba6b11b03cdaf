//! The attachments of a batch: kept if their event is.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use mishap_core::id::{EventId, ProjectId};
use mishap_core::outcome::Reason;
use mishap_core::tally::Tally;
use mishap_protocol::envelope::DataCategory;
use uuid::Uuid;

use super::{DEDUPE_HORIZON, NewAttachment, Place};
use crate::error::Result;
use crate::pool::Conn;
use crate::sql::statement;

/// Inserts attachments of events that were stored before or now, which is in `stored` with the
/// times of their arrival.
///
/// Those that came together with an event that was known already are duplicates like the event.
pub(super) async fn insert_attachments(
    conn: &mut Conn,
    attachments: Vec<NewAttachment>,
    stored: &HashMap<Place, DateTime<Utc>>,
    tally: &mut Tally,
) -> Result<()> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        project_id: ProjectId,
        #[diesel(sql_type = SqlUuid)]
        event_id: Uuid,
    }
    if attachments.is_empty() {
        return Ok(());
    }
    let place = |attachment: &NewAttachment| (attachment.project, attachment.event_id);
    let others: BTreeSet<Place> = attachments
        .iter()
        .filter(|attachment| !attachment.came_with_event)
        .map(place)
        .filter(|place| !stored.contains_key(place))
        .collect();
    let earliest = attachments.iter().map(|attachment| attachment.received).min();
    let known: HashSet<Place> = if others.is_empty() {
        HashSet::new()
    } else {
        let rows: Vec<Row> = statement(
            "SELECT DISTINCT e.project_id, e.event_id
             FROM unnest($1::bigint[], $2::uuid[]) AS wanted (project_id, event_id)
             JOIN events e USING (project_id, event_id) WHERE e.received >= $3",
        )
        .array::<BigInt, _>(others.iter().map(|(project, _)| *project).collect())
        .array::<SqlUuid, _>(others.iter().map(|(_, event)| event.0).collect())
        .bind::<Nullable<Timestamptz>, _>(earliest.map(|time| time - DEDUPE_HORIZON))
        .load(conn)
        .await?;
        rows.into_iter().map(|row| (row.project_id, EventId(row.event_id))).collect()
    };
    let mut kept = Vec::with_capacity(attachments.len());
    for attachment in attachments {
        let place = place(&attachment);
        let arrival = stored.get(&place);
        let reason = match attachment.came_with_event {
            true if arrival == Some(&attachment.received) => Reason::Ok,
            true => Reason::Duplicate,
            false if arrival.is_some() || known.contains(&place) => Reason::Ok,
            false => Reason::Orphaned,
        };
        let category = DataCategory::Attachment;
        tally.count(attachment.project, attachment.received, category, reason, 1);
        if reason == Reason::Ok {
            kept.push(attachment);
        }
    }
    statement(
        "INSERT INTO attachments (project_id, event_id, received, place, filename, content_type,
             attachment_type, size, body)
         SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::smallint[],
             $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bytea[])
         ON CONFLICT DO NOTHING",
    )
    .array::<BigInt, _>(kept.iter().map(|row| row.project).collect())
    .array::<SqlUuid, _>(kept.iter().map(|row| row.event_id.0).collect())
    .array::<Timestamptz, _>(kept.iter().map(|row| row.received).collect())
    .array::<SmallInt, _>(kept.iter().map(|row| row.place).collect())
    .array::<Text, _>(kept.iter().map(|row| row.filename.as_str()).collect())
    .nullable_array::<Text, _>(kept.iter().map(|row| row.content_type.as_deref()).collect())
    .nullable_array::<Text, _>(kept.iter().map(|row| row.attachment_type.as_deref()).collect())
    .array::<BigInt, _>(kept.iter().map(|row| row.size).collect())
    .array::<Binary, _>(kept.iter().map(|row| row.body.as_slice()).collect())
    .execute(conn)
    .await?;
    Ok(())
}
