//! The report for people, in Markdown.

use std::collections::BTreeMap;
use std::fmt;

use super::criteria::{Criterion, Verdict};
use super::report::{ComponentReport, DigestTimes, Latency, PhaseReport, ProfileReport};
use super::servers::Work;

impl fmt::Display for ProfileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "passed" } else { "NOT PASSED" };
        writeln!(f, "# Load test `{}`: {verdict}\n", self.profile)?;
        self.circumstances(f)?;
        self.criteria(f)?;
        self.phases(f)?;
        self.digest(f)?;
        self.components(f)?;
        self.servers(f)?;
        self.accounting(f)
    }
}

impl ProfileReport {
    fn circumstances(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let configuration = &self.configuration;
        writeln!(f, "{}, {} s, of {}.", self.date, self.seconds, configuration.server)?;
        writeln!(f, "Load generator: {} ({}).", self.version, self.revision)?;
        match &self.machine {
            Some(machine) => writeln!(
                f,
                "Everything on one machine: {} x {}, {} MiB.",
                machine.processors, machine.processor, machine.memory_mebibytes
            )?,
            None => writeln!(f, "The server is on another machine.")?,
        }
        writeln!(
            f,
            "{} connections, {} issues, {} bytes for an event, coding {}, seed {}.",
            configuration.connections,
            configuration.issues,
            configuration.bytes_per_event,
            configuration.coding,
            configuration.seed
        )?;
        let settings = self.postgresql.settings.iter();
        let settings: Vec<_> = settings.map(|(name, value)| format!("{name} = {value}")).collect();
        write!(f, "PostgreSQL {} ({})", self.postgresql.version, settings.join(", "))?;
        match &self.redis {
            Some(redis) => writeln!(f, ", Redis {}.", redis.version),
            None => writeln!(f, ", no Redis."),
        }
    }

    fn criteria(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Verdict\n\n| what | wanted | measured | verdict |\n|---|---|---|---|")?;
        for Criterion { what, wanted, measured, verdict } in &self.criteria {
            let verdict = match verdict {
                Verdict::Passed => "passed",
                Verdict::Failed => "**FAILED**",
                Verdict::NotMeasured => "not measured",
            };
            writeln!(f, "| {what} | {wanted} | {measured} | {verdict} |")?;
        }
        Ok(())
    }

    fn phases(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n## Phases\n\n\
             | phase | s | offered/s | sent/s | answers | malformed | p50 | p90 | p99 | p99.9 | max |\n\
             |---|---|---|---|---|---|---|---|---|---|---|"
        )?;
        for phase in &self.phases {
            let PhaseReport { name, seconds, offered_per_second, achieved_per_second, .. } = phase;
            let Latency { p50, p90, p99, p999, max } = phase.latency_ms;
            let mut answers = counts(&phase.statuses);
            if phase.unanswered > 0 {
                answers.push_str(&format!(", none: {}", phase.unanswered));
            }
            writeln!(
                f,
                "| {name} | {seconds} | {offered_per_second} | {achieved_per_second} | {answers} \
                 | {} | {p50} ms | {p90} ms | {p99} ms | {p999} ms | {max} ms |",
                counts(&phase.malformed)
            )?;
        }
        Ok(())
    }

    fn digest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Digest\n")?;
        writeln!(
            f,
            "{} events a second, until everything was digested.\n",
            self.digested_per_second
        )?;
        writeln!(f, "| phase | stored/s | p50 | p90 | p99 |\n|---|---|---|---|---|")?;
        for phase in &self.phases {
            let times = phase.digest_seconds_at_most.as_ref();
            let at = |quantile: fn(&DigestTimes) -> Option<f64>| {
                times.and_then(quantile).map_or_else(unknown, |bound| format!("<= {bound} s"))
            };
            let (p50, p90, p99) = (at(|it| it.p50), at(|it| it.p90), at(|it| it.p99));
            let rate = phase.digested_per_second.map_or_else(unknown, |rate| rate.to_string());
            writeln!(f, "| {} | {rate} | {p50} | {p90} | {p99} |", phase.name)?;
        }
        let backlog = &self.backlog;
        let seconds = |seconds: Option<f64>| {
            seconds.map_or_else(|| "never".to_owned(), |seconds| format!("after {seconds} s"))
        };
        writeln!(
            f,
            "\nMost that waited: {} envelopes; the oldest was {} s old. Caught up with the spike: {}. \
             Drained after the last request: {}.",
            backlog.waiting_most,
            backlog.oldest_seconds_most,
            seconds(backlog.caught_up_after_seconds),
            seconds(backlog.drained_after_seconds)
        )
    }

    fn components(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.components.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\n## Components\n\n\
             | component | version | CPU | CPU per 1,000 events | memory at most |\n\
             |---|---|---|---|---|"
        )?;
        for component in &self.components {
            let ComponentReport { name, version, revision, memory_mebibytes_most, .. } = component;
            let seconds =
                |cpu: Option<f64>| cpu.map_or_else(unknown, |seconds| format!("{seconds} s"));
            let (all, each) = (component.cpu_seconds, component.cpu_seconds_per_1000_events);
            writeln!(
                f,
                "| {name} | {version} ({revision}) | {} | {} | {memory_mebibytes_most} MiB |",
                seconds(all),
                seconds(each)
            )?;
        }
        Ok(())
    }

    fn servers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number =
            |number: Option<f64>| number.map_or_else(unknown, |number| format!("{:.1}", number));
        let postgresql = &self.postgresql;
        writeln!(f, "\n## Servers\n\n| what | measured |\n|---|---|")?;
        writeln!(
            f,
            "| PostgreSQL: connections at most | {} of {} |",
            postgresql.connections_most, postgresql.connections_allowed
        )?;
        let disk = number(postgresql.disk_bytes_per_event);
        writeln!(f, "| PostgreSQL: bytes on disk per event | {disk} |")?;
        if let Some(Work {
            transactions,
            transactions_per_second,
            wal_bytes_per_event,
            cache_hit_percent,
        }) = &postgresql.work
        {
            writeln!(
                f,
                "| PostgreSQL: transactions | {transactions}, {transactions_per_second}/s |"
            )?;
            writeln!(f, "| PostgreSQL: WAL bytes per event | {} |", number(*wal_bytes_per_event))?;
            writeln!(
                f,
                "| PostgreSQL: blocks found in memory | {} % |",
                number(*cache_hit_percent)
            )?;
        }
        if let Some(why) = &postgresql.not_measured {
            writeln!(f, "| PostgreSQL: the rest | not measured: {why} |")?;
        }
        if let Some(redis) = &self.redis {
            let each = number(redis.commands_per_event);
            writeln!(f, "| Redis: commands | {}, {each} per event |", redis.commands)?;
            writeln!(f, "| Redis: memory | {} bytes |", redis.memory_bytes)?;
        }
        Ok(())
    }

    fn accounting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.accounting;
        writeln!(f, "\n## Accounting\n")?;
        writeln!(
            f,
            "{} sent = {} acknowledged + {} refused + {} not answered.",
            it.sent, it.acknowledged, it.refused, it.unanswered
        )?;
        writeln!(
            f,
            "{} acknowledged = {} stored + {} duplicates + {} dead + {} waiting; gap {}.",
            it.acknowledged, it.stored, it.duplicates, it.dead, it.waiting, it.gap
        )
    }
}

fn unknown() -> String {
    "?".to_owned()
}

fn counts(statuses: &BTreeMap<u16, u64>) -> String {
    let counts: Vec<_> =
        statuses.iter().map(|(status, count)| format!("{status}: {count}")).collect();
    counts.join(", ")
}
