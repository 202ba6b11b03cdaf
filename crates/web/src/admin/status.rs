//! How the installation is.

use actix_web::HttpResponse;
use chrono::TimeDelta;
use mishap_boot::build_info;
use mishap_core::admission::Backlog;
use mishap_storage::jobs::{Leader, NamedJobs};
use mishap_storage::measures::{Rates, Server, TableParts};
use mishap_storage::partitions::{self, PartitionSize, Partitioned, bounds};
use mishap_storage::{dead_letters, inbox, jobs, measures, migrations};
use mishap_templates::admin::{
    Backlog as ShownBacklog, DeliveryChannel, Health, JobQueue, PartitionedTable, StatusPage,
    TableSize,
};
use mishap_templates::link::Link;
use mishap_templates::parts::{Level, bytes, number};

use super::Administrator;
use super::dead_letters::PATH as DEAD_LETTERS;
use super::parts::count_of;
use crate::account::Refusal;
use crate::config::Administration;

/// Tables that are shown.
const TABLES: i64 = 12;

/// The lease of the beat that leads.
const LEASE: &str = "beat";

/// Ways of telling people, and the job that does it.
const CHANNELS: &[(&str, &str)] = &[("Mail", "send_mail")];

/// Seconds after which it is odd that an envelope waits.
const LONG_WAIT: u64 = 60;

/// `GET /admin/`
pub(super) async fn show(admin: Administrator) -> HttpResponse {
    let page = page(&admin).await;
    admin.answer(page)
}

/// What was looked at.
struct Looked {
    backlog: Backlog,
    rates: Rates,
    dead_letters: i64,
    jobs: Vec<NamedJobs>,
    leader: Option<Leader>,
    server: Server,
    pending: Vec<String>,
    tables: Vec<TableParts>,
    partitions: Vec<PartitionSize>,
    redis: RedisState,
}

/// How Redis is.
enum RedisState {
    Unused,
    Away,
    Up { workers: usize, hints: usize, overflow: usize },
}

async fn page(admin: &Administrator) -> Result<StatusPage, Refusal> {
    let looked = look(admin).await?;
    let health = health(&looked, &admin.state().config.administration);
    let Looked { backlog, rates, dead_letters, jobs, leader, server, tables, partitions, .. } =
        looked;
    let positive = |number: i64| u64::try_from(number).unwrap_or_default();
    let oldest = i64::try_from(backlog.oldest_seconds).unwrap_or(i64::MAX);
    let is_waiting = backlog.rows > 0;
    let deliveries = CHANNELS.iter().map(|(name, job)| {
        let found = jobs.iter().find(|jobs| jobs.name == *job);
        DeliveryChannel {
            name: (*name).to_owned(),
            waiting: found.map_or(0, |jobs| positive(jobs.waiting)),
            failing: found.map_or(0, |jobs| positive(jobs.failing)),
            failed: found.map_or(0, |jobs| positive(jobs.dead)),
            last_problem: found.and_then(|jobs| jobs.last_error.clone()),
        }
    });
    Ok(StatusPage {
        health,
        backlog: ShownBacklog {
            waiting: backlog.rows,
            oldest: is_waiting.then(|| TimeDelta::try_seconds(oldest).unwrap_or(TimeDelta::MAX)),
            accepted_per_minute: positive(rates.accepted),
            refused_per_minute: positive(rates.refused),
        },
        dead_letters: positive(dead_letters),
        dead_letters_link: Link::within(DEAD_LETTERS),
        deliveries: deliveries.collect(),
        queues: jobs
            .iter()
            .map(|jobs| JobQueue {
                name: jobs.name.clone(),
                waiting: positive(jobs.waiting),
                running: positive(jobs.running),
                failed: positive(jobs.dead),
                last_due: jobs.last_slot,
            })
            .collect(),
        tables: tables
            .into_iter()
            .map(|table| TableSize {
                name: table.name,
                rows: positive(table.rows),
                bytes: positive(table.bytes),
                index_bytes: positive(table.index_bytes),
            })
            .collect(),
        partitions: partitions::ALL
            .iter()
            .filter_map(|table| partitioned(table, &partitions))
            .collect(),
        versions: versions(&server, leader.as_ref()),
    })
}

async fn look(admin: &Administrator) -> Result<Looked, Refusal> {
    let redis = match &admin.state().redis {
        None => RedisState::Unused,
        Some(redis) => match (redis.count_hints().await, redis.count_overflow().await) {
            (Ok(hints), Ok(overflow)) => {
                RedisState::Up { workers: hints.consumers, hints: hints.entries, overflow }
            }
            _ => RedisState::Away,
        },
    };
    let mut conn = admin.conn().await?;
    Ok(Looked {
        backlog: inbox::backlog(&mut conn).await?,
        rates: measures::rates(&mut conn).await?,
        dead_letters: dead_letters::count(&mut conn).await?,
        jobs: jobs::count_by_name(&mut conn).await?,
        leader: jobs::leader(&mut conn, LEASE).await?,
        server: measures::server(&mut conn).await?,
        pending: migrations::pending(&mut conn).await?,
        tables: measures::largest_tables(&mut conn, TABLES).await?,
        partitions: partitions::sizes(&mut conn).await?,
        redis,
    })
}

fn partitioned(table: &Partitioned, sizes: &[PartitionSize]) -> Option<PartitionedTable> {
    let own: Vec<_> = sizes.iter().filter(|size| size.table == table.table).collect();
    let (oldest, newest) = (own.first()?, own.last()?);
    let (_, until) = bounds(table, &newest.name)?;
    Some(PartitionedTable {
        name: table.table.to_owned(),
        partitions: u64::try_from(own.len()).unwrap_or_default(),
        oldest: oldest.name.clone(),
        newest: newest.name.clone(),
        until,
    })
}

fn versions(server: &Server, leader: Option<&Leader>) -> Vec<(String, String)> {
    let mut versions = vec![
        ("Mishap".to_owned(), build_info::VERSION.to_owned()),
        ("Revision".to_owned(), build_info::revision().to_owned()),
        ("Schema".to_owned(), migrations::newest()),
        ("PostgreSQL".to_owned(), server.version.clone()),
    ];
    if let Some(leader) = leader {
        versions.push(("Leading beat".to_owned(), leader.holder.to_string()));
    }
    versions
}

/// What was looked at, worst first.
fn health(looked: &Looked, administration: &Administration) -> Vec<Health> {
    let mut health = vec![
        of_backlog(&looked.backlog, &administration.max_backlog),
        of_dead_letters(looked.dead_letters),
        of_jobs(&looked.jobs),
        of_beat(looked.leader.as_ref()),
        of_server(&looked.server),
        of_redis(&looked.redis),
        of_schema(&looked.pending),
    ];
    health.sort_by_key(|one| severity(one.level));
    health
}

fn severity(level: Level) -> u8 {
    match level {
        Level::Fatal => 0,
        Level::Error => 1,
        Level::Warning => 2,
        Level::Info => 3,
        Level::Ok => 4,
        Level::Neutral => 5,
    }
}

fn one(name: &str, level: Level, text: impl Into<String>) -> Health {
    Health { name: name.to_owned(), level, text: text.into() }
}

fn of_backlog(backlog: &Backlog, limit: &Backlog) -> Health {
    let Backlog { rows, oldest_seconds } = *backlog;
    let waits =
        format!("{} envelopes wait, the oldest for {} s.", number(rows), number(oldest_seconds));
    match backlog {
        _ if rows == 0 => one("Backlog", Level::Ok, "Nothing waits to be digested."),
        backlog if backlog.exceeds(limit) => {
            let text = format!("{waits} That is too much: nothing more is taken.");
            one("Backlog", Level::Error, text)
        }
        _ if oldest_seconds > LONG_WAIT => {
            let text = format!("{waits} Workers are too few, or stopped.");
            one("Backlog", Level::Warning, text)
        }
        _ => one("Backlog", Level::Ok, waits),
    }
}

fn of_dead_letters(letters: i64) -> Health {
    let letters = usize::try_from(letters).unwrap_or_default();
    match letters {
        0 => one("Dead letters", Level::Ok, "Everything could be digested."),
        letters => {
            let text = count_of(letters, "envelope", "envelopes");
            one("Dead letters", Level::Warning, format!("{text} could not be digested."))
        }
    }
}

fn of_jobs(jobs: &[NamedJobs]) -> Health {
    let dead: i64 = jobs.iter().map(|jobs| jobs.dead).sum();
    match usize::try_from(dead).unwrap_or_default() {
        0 => one("Jobs", Level::Ok, "None was given up."),
        dead => {
            let text = format!("{} given up.", count_of(dead, "job was", "jobs were"));
            one("Jobs", Level::Warning, text)
        }
    }
}

fn of_beat(leader: Option<&Leader>) -> Health {
    match leader {
        Some(leader) if leader.holds => {
            let text = format!("One leads, for the {} time.", ordinal(leader.term));
            one("Beat", Level::Ok, text)
        }
        Some(_) => {
            let text = "None leads. What is scheduled is not done, such as making partitions.";
            one("Beat", Level::Error, text)
        }
        None => one("Beat", Level::Error, "None has ever led. Start mishap-beat."),
    }
}

fn ordinal(number: i64) -> String {
    let ending = match (number % 10, number % 100) {
        (1, hundred) if hundred != 11 => "st",
        (2, hundred) if hundred != 12 => "nd",
        (3, hundred) if hundred != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

fn of_server(server: &Server) -> Health {
    let Server { version: _, database_bytes, connections, max_connections } = server;
    let text = format!(
        "{connections} of {max_connections} connections are open. The database has {}.",
        bytes(u64::try_from(*database_bytes).unwrap_or_default())
    );
    let is_tight = connections.saturating_mul(10) >= max_connections.saturating_mul(9);
    one("PostgreSQL", if is_tight { Level::Warning } else { Level::Ok }, text)
}

fn of_redis(redis: &RedisState) -> Health {
    match redis {
        RedisState::Unused => {
            one("Redis", Level::Neutral, "Not used. Workers look for work by themselves.")
        }
        RedisState::Away => {
            let text = "Cannot be reached. Nothing is lost; work is found a little later.";
            one("Redis", Level::Warning, text)
        }
        RedisState::Up { workers: 0, .. } => {
            one("Redis", Level::Warning, "No worker reads hints. Start mishap-worker.")
        }
        RedisState::Up { workers, hints, overflow } => {
            let workers = count_of(*workers, "worker reads", "workers read");
            let hints = count_of(*hints, "hint waits", "hints wait");
            let text = match overflow {
                0 => format!("{workers} hints. {hints}."),
                overflow => {
                    let overflow = count_of(*overflow, "envelope waits", "envelopes wait");
                    format!("{workers} hints. {hints}. {overflow} in the overflow.")
                }
            };
            one("Redis", if *overflow > 0 { Level::Warning } else { Level::Ok }, text)
        }
    }
}

fn of_schema(pending: &[String]) -> Health {
    match pending {
        [] => one("Schema", Level::Ok, "It is what this version needs."),
        pending => {
            let text = format!("Waits for {}.", pending.join(", "));
            one("Schema", Level::Error, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_is_as_bad_as_it_is_old() {
        let limit = Backlog { rows: 100, oldest_seconds: 900 };
        for (rows, oldest_seconds, level) in [
            (0, 0, Level::Ok),
            (5, 1, Level::Ok),
            (5, 61, Level::Warning),
            (5, 901, Level::Error),
            (101, 1, Level::Error),
        ] {
            let backlog = Backlog { rows, oldest_seconds };
            assert_eq!(of_backlog(&backlog, &limit).level, level, "{backlog:?}");
        }
    }

    #[test]
    fn nobody_leads_until_somebody_does() {
        assert_eq!(of_beat(None).level, Level::Error);
        let expires_at = chrono::DateTime::UNIX_EPOCH;
        let leader = |holds| Leader { holder: uuid::Uuid::nil(), term: 22, expires_at, holds };
        assert_eq!(of_beat(Some(&leader(true))).text, "One leads, for the 22nd time.");
        assert_eq!(of_beat(Some(&leader(false))).level, Level::Error);
    }

    #[test]
    fn the_worst_comes_first() {
        let looked = Looked {
            backlog: Backlog::default(),
            rates: Rates::default(),
            dead_letters: 2,
            jobs: Vec::new(),
            leader: None,
            server: Server {
                version: "17".to_owned(),
                database_bytes: 1 << 20,
                connections: 5,
                max_connections: 100,
            },
            pending: Vec::new(),
            tables: Vec::new(),
            partitions: Vec::new(),
            redis: RedisState::Unused,
        };
        let administration = Administration {
            is_enabled: true,
            settings: Vec::new(),
            retention_days: 30,
            audit_days: 365,
            max_backlog: Backlog { rows: 200_000, oldest_seconds: 900 },
        };
        let names: Vec<_> =
            health(&looked, &administration).into_iter().map(|one| one.name).collect();
        assert_eq!(names.first().unwrap(), "Beat");
        assert_eq!(names.get(1).unwrap(), "Dead letters");
        assert_eq!(names.last().unwrap(), "Redis");
    }

    #[test]
    fn numbers_are_ordered_as_people_say_it() {
        let said: Vec<_> = [1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal).to_vec();
        assert_eq!(said, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]);
    }
}
