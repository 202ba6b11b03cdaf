//! What runs when.

use std::str::FromStr as _;

use chrono::{DateTime, TimeDelta, Utc};
use cron::Schedule;
use mishap_queue::job::Job;

/// Slots missed longer ago than this are not looked at: a later one takes their place.
const LOOK_BACK: TimeDelta = TimeDelta::days(2);

/// A job and its times, in UTC: second, minute, hour, day of month, month, day of week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What is to be done.
    pub job: Job,
    /// When, as the `cron` crate reads it.
    times: &'static str,
}

/// Everything that is scheduled.
pub const SCHEDULE: &[Entry] = &[
    Entry { job: Job::MakePartitions, times: "0 5 * * * *" },
    Entry { job: Job::ApplyRetention, times: "0 20 * * * *" },
    Entry { job: Job::TrainDictionaries, times: "30 */2 * * * *" },
    Entry { job: Job::ForgetExpired, times: "0 */10 * * * *" },
    Entry { job: Job::PurgeDeleted, times: "45 */10 * * * *" },
    Entry { job: Job::CleanHints, times: "15 */5 * * * *" },
];

/// A schedule's times cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the times of {job} cannot be read")]
pub struct UnreadableTimes {
    job: &'static str,
    source: cron::error::Error,
}

impl Entry {
    /// The latest slot that is due and was not pushed yet.
    ///
    /// Of several missed slots the latest stands for all: what is scheduled does everything there is
    /// to do. A job that never ran is due at once, for the slot before now, so that several beats
    /// which begin together mean the same one.
    pub fn due(
        &self,
        last_slot: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, UnreadableTimes> {
        let schedule = self.schedule()?;
        let from = last_slot.unwrap_or_default().max(now - LOOK_BACK);
        Ok(schedule.after(&from).take_while(|slot| *slot <= now).last())
    }

    /// The next slot.
    pub fn next(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, UnreadableTimes> {
        Ok(self.schedule()?.after(&now).next())
    }

    fn schedule(&self) -> Result<Schedule, UnreadableTimes> {
        let read = Schedule::from_str(self.times);
        read.map_err(|source| UnreadableTimes { job: self.job.name(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-03-01T{text}Z").parse().unwrap()
    }

    const HOURLY: Entry = Entry { job: Job::MakePartitions, times: "0 5 * * * *" };

    /// Jobs that are pushed when there is something to do.
    const PUSHED: &[Job] = &[Job::SendMail];

    #[test]
    fn every_job_is_pushed_or_scheduled_once_and_its_times_can_be_read() {
        for job in Job::ALL {
            if PUSHED.contains(job) {
                assert!(SCHEDULE.iter().all(|entry| entry.job != *job), "{}", job.name());
                continue;
            }
            let entries: Vec<_> = SCHEDULE.iter().filter(|entry| entry.job == *job).collect();
            let [entry] = entries.as_slice() else {
                panic!("{} is scheduled {} times", job.name(), entries.len());
            };
            entry.due(Some(at("00:00:00")), at("01:00:00")).unwrap();
        }
    }

    #[test]
    fn a_slot_is_due_from_its_time_until_it_was_pushed() {
        let due = |last, now| HOURLY.due(Some(at(last)), at(now)).unwrap();
        assert_eq!(due("10:05:00", "11:04:59"), None);
        assert_eq!(due("10:05:00", "11:05:00"), Some(at("11:05:00")));
        assert_eq!(due("10:05:00", "11:59:00"), Some(at("11:05:00")));
        assert_eq!(due("11:05:00", "11:59:00"), None);
    }

    #[test]
    fn missed_slots_are_caught_up_by_the_latest() {
        let due = HOURLY.due(Some(at("02:05:00")), at("09:30:00")).unwrap();
        assert_eq!(due, Some(at("09:05:00")));
        let long_ago = at("00:00:00") - TimeDelta::days(400);
        assert_eq!(HOURLY.due(Some(long_ago), at("09:30:00")).unwrap(), Some(at("09:05:00")));
    }

    #[test]
    fn what_never_ran_is_due_at_once() {
        assert_eq!(HOURLY.due(None, at("09:30:00")).unwrap(), Some(at("09:05:00")));
        for entry in SCHEDULE {
            assert!(entry.due(None, at("09:30:00")).unwrap().is_some(), "{}", entry.job.name());
        }
    }

    #[test]
    fn the_next_slot_is_after_now() {
        assert_eq!(HOURLY.next(at("09:04:59")).unwrap(), Some(at("09:05:00")));
        assert_eq!(HOURLY.next(at("09:05:00")).unwrap(), Some(at("10:05:00")));
    }

    #[test]
    fn a_clock_that_went_back_pushes_nothing() {
        assert_eq!(HOURLY.due(Some(at("09:05:00")), at("08:30:00")).unwrap(), None);
    }
}
