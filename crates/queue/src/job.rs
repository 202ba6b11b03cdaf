//! What workers are asked to do besides digesting.

/// Declares the jobs with their stored names.
macro_rules! jobs {
    ($($(#[$doc:meta])* $job:ident = $name:literal;)+) => {
        /// A job. Each may run twice without harm.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Job { $($(#[$doc])* $job,)+ }

        impl Job {
            /// Every job.
            pub const ALL: &[Self] = &[$(Self::$job,)+];

            /// The stored name, never given to another job.
            pub fn name(self) -> &'static str {
                match self { $(Self::$job => $name,)+ }
            }

            /// The job that a stored name stands for; nothing for one of another version.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$job),)+ _ => None }
            }
        }
    };
}

jobs! {
    /// Makes the partitions of the days ahead.
    MakePartitions = "make_partitions";
    /// Drops what is older than the retention, issues without events, and old entries of the audit
    /// log.
    ApplyRetention = "apply_retention";
    /// Trains dictionaries for projects that would gain by one.
    TrainDictionaries = "train_dictionaries";
    /// Forgets windows of quotas that ended, entries of the overflow that were moved, sessions that
    /// ended, old attempts, and what no wizard fetched.
    ForgetExpired = "forget_expired";
    /// Takes away what belongs to deleted projects and organizations.
    PurgeDeleted = "purge_deleted";
    /// Removes workers that died from the readers of hints.
    CleanHints = "clean_hints";
    /// Sends a mail, which is the job's payload. It is pushed when there is something to be told.
    SendMail = "send_mail";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_found_by_its_name() {
        for job in Job::ALL {
            assert_eq!(Job::from_name(job.name()), Some(*job));
        }
        assert_eq!(Job::from_name("no_such_job"), None);
    }
}
