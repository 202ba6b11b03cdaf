//! How much was stored, by time.

use std::collections::{BTreeMap, HashMap};

use actix_web::web::{Data, Json};
use chrono::{DateTime, Datelike as _, Utc};
use mishap_core::id::ProjectId;
use mishap_protocol::envelope::DataCategory;
use mishap_storage::outcomes::{self, Hours};
use mishap_storage::projects;
use schemars::JsonSchema;

use super::model::stats::{StatsGroupResponse, StatsResponse};
use crate::AppState;
use crate::access::OrgAccess;
use crate::body::Params;
use crate::error::ApiError;
use crate::fields::{Fields, Payload};

/// Projects that may be asked for by number.
const MAX_PROJECTS: usize = 1000;

/// Intervals of the whole days that are asked for, at most (GlitchTip).
const MAX_INTERVALS: i64 = 1000;

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// What becomes an issue.
const ERRORS: &[DataCategory] = &[DataCategory::Error, DataCategory::Security];

/// What was asked.
#[derive(Debug, JsonSchema)]
pub(super) struct StatsParams {
    /// `error` or `transaction`.
    #[schemars(with = "String")]
    category: &'static [DataCategory],
    /// `sum(quantity)` or `sum(times_seen)`, which are the same.
    field: &'static str,
    /// From the beginning of the hour of this moment.
    start: DateTime<Utc>,
    /// To the end of the hour after this moment.
    end: DateTime<Utc>,
    /// `1h`, `1d` or `1m`; an hour if it is missing.
    #[schemars(with = "Option<String>")]
    interval: i64,
    /// Numbers of projects; all of them if it is missing.
    #[schemars(with = "Option<Vec<i64>>")]
    project: Vec<i64>,
}

impl Payload for StatsParams {
    fn read(fields: &mut Fields<'_>) -> Self {
        const TRANSACTIONS: &[DataCategory] = &[DataCategory::Transaction];
        let fields_known = ["sum(quantity)", "sum(times_seen)"].map(|name| (name, name));
        let intervals = [("1h", HOUR), ("1d", DAY), ("1m", 60)];
        let category =
            fields.choice("category", &[("error", ERRORS), ("transaction", TRANSACTIONS)]);
        Self {
            category: category.unwrap_or_default(),
            field: fields.choice("field", &fields_known).unwrap_or_default(),
            start: moment(fields, "start"),
            end: moment(fields, "end"),
            interval: fields.optional_choice("interval", &intervals).unwrap_or(HOUR),
            project: fields.integers("project", MAX_PROJECTS, -1..=i64::MAX),
        }
    }
}

/// A moment of our calendar.
fn moment(fields: &mut Fields<'_>, name: &'static str) -> DateTime<Utc> {
    let moment = fields.time(name).unwrap_or_default();
    if !(1..=9999).contains(&moment.year()) {
        let msg = "Input should be a datetime of the years 1 to 9999";
        fields.problem(name, "datetime_from_date_parsing", msg, None);
    }
    moment
}

/// `GET /api/0/organizations/{organization}/stats_v2/` — what was stored in each interval.
///
/// Numbers are kept by the hour: the sum of an hour stands in its first minute.
pub(super) async fn show(
    state: Data<AppState>,
    access: OrgAccess,
    params: Params<StatsParams>,
) -> Result<Json<StatsResponse>, ApiError> {
    let StatsParams { category, field, start, end, interval, ref project } = *params;
    if (end - start).num_days().saturating_mul(DAY / interval) > MAX_INTERVALS {
        return Err(ApiError::Rejected("end", "Too many intervals".into()));
    }
    let floor = |time: DateTime<Utc>| time.timestamp().div_euclid(HOUR) * HOUR;
    let (first, last) = (floor(start), floor(end) + HOUR);
    let step = usize::try_from(interval).unwrap_or(usize::MAX);
    let begins = (first..=last).step_by(step).filter_map(|at| DateTime::from_timestamp(at, 0));
    let begins: Vec<DateTime<Utc>> = begins.collect();

    let mut conn = state.pool.get().await?;
    let wanted: Vec<_> = project.iter().copied().map(ProjectId).collect();
    let wanted = Some(wanted.as_slice()).filter(|wanted| !wanted.is_empty());
    let projects = projects::ids(&mut conn, access.org(), wanted).await?;
    if projects.is_empty() {
        return Err(ApiError::NotFound);
    }
    let hours = Hours {
        first: DateTime::from_timestamp(first, 0).unwrap_or(start),
        last: DateTime::from_timestamp(last, 0).unwrap_or(end),
        interval: u32::try_from(interval).unwrap_or(u32::MAX),
    };
    let stored = outcomes::stored(&mut conn, &projects, category, hours).await?;
    let stored: HashMap<DateTime<Utc>, i64> = stored.into_iter().collect();
    let sums = begins.iter().map(|begin| stored.get(begin).copied()).collect();
    Ok(Json(StatsResponse {
        intervals: begins.iter().map(DateTime::to_rfc3339).collect(),
        groups: [StatsGroupResponse { series: BTreeMap::from([(field, sums)]) }],
    }))
}
