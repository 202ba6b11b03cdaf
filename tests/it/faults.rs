//! What survives when programs and servers die, sleep, lie about the time or are told to stop.
//!
//! The programs are the real ones, on servers of their own, under load. Afterwards
//! [`oracle::check`] compares what clients were told with what is stored and counted.
//!
//! Outages last as long as it takes until they have had their effect, which is seconds. With
//! `MISHAP_LONG_FAULTS` set in the environment PostgreSQL is away for a minute.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod beats;
mod clocks;
mod kills;
mod load;
mod oracle;
mod outages;
mod startup;
mod stops;
