//! What survives when programs, servers, networks, disks and clocks fail.
//!
//! The programs are the real ones, on servers of their own, under load. Afterwards
//! [`oracle::check`] compares what clients were told with what is stored and counted: everything that
//! was acknowledged is there, once, and every counter agrees with the rows.
//!
//! | what fails | where it is tried |
//! |---|---|
//! | Redis restarts, empty | [`kills`], and [`outages`]: `a_redis_that_forgets_everything_loses_nothing` |
//! | Redis fails over | [`failovers`]: `a_redis_that_became_a_replica_is_left_for_its_successor` |
//! | Redis says nothing | [`outages`] (it stands still), [`network`] (a black hole) |
//! | Redis is full | [`full`]: `a_full_redis_is_seen_and_loses_nothing` |
//! | Redis trims and evicts | [`outages`]: `a_redis_that_drops_what_nobody_has_read_loses_nothing` |
//! | PostgreSQL restarts, again and again | [`kills`], [`outages`] |
//! | PostgreSQL fails over | [`failovers`]; with an asynchronous standby, what it has not received is lost |
//! | PostgreSQL takes no writes | [`standstill`]: `a_postgres_that_only_reads_is_read_and_brings_down_nobody` |
//! | PostgreSQL is slow, locked, or its pool exhausted | [`standstill`], [`network`] |
//! | a worker dies | [`kills`], `digest::exactly_once` |
//! | web dies | [`kills`] |
//! | SIGTERM, rolling restarts | [`stops`] |
//! | upgrades and rollbacks | [`upgrades`]; `make upgrade` with the release before |
//! | several beats, one asleep | [`beats`] |
//! | clocks go wrong | [`clocks`] |
//! | poison | `digest::poison` |
//! | the disk of PostgreSQL is full | [`full`]: `a_full_disk_brings_down_nobody_and_loses_nothing` |
//! | the disk of a program is full | none of them writes to one |
//! | workers stand still | [`pressure`]: `while_workers_stand_still_clients_are_told_to_wait_and_web_does_not_grow` |
//! | everybody comes back at once | [`pressure`]: `a_herd_that_comes_back_at_once_takes_no_more_connections_than_there_are` |
//! | bombs, floods, slow clients | `hostile` |
//! | hostile addresses | the tests of `mishap-outbound` |
//! | memory is short | [`pressure`]: `no_program_takes_more_memory_than_its_container_has` |
//! | S3 is away | it is not used; attachments are in PostgreSQL |
//! | the mail server is away | `sdks::mail` |
//! | a partition is missing | [`beats`]: `days_that_beat_made_no_partitions_for_take_events_all_the_same` |
//! | the schema is older or newer | [`startup`] |
//! | all of it | [`soak`] |
//!
//! Outages last as long as it takes until they have had their effect, which is seconds. With
//! `MISHAP_LONG_FAULTS` set in the environment PostgreSQL is away for a minute.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod beats;
mod clocks;
mod dice;
mod failovers;
mod full;
mod kills;
mod load;
mod network;
mod oracle;
mod outages;
mod pressure;
mod redis;
mod soak;
mod standstill;
mod startup;
mod stops;
mod upgrades;
