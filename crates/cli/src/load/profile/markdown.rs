//! The report for people, in Markdown.

use std::collections::BTreeMap;
use std::fmt;

use super::criteria::{Criterion, Verdict};
use super::items::Items;
use super::report::{AnswerReport, ComponentReport, DigestTimes, PhaseReport, ProfileReport};
use super::servers::Work;
use crate::load::latencies::Latency;
use crate::output::bytes;

impl fmt::Display for ProfileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "passed" } else { "NOT PASSED" };
        writeln!(f, "# Load test `{}`: {verdict}\n", self.profile)?;
        self.circumstances(f)?;
        self.criteria(f)?;
        self.phases(f)?;
        self.envelopes(f)?;
        self.reads(f)?;
        self.digest(f)?;
        self.components(f)?;
        self.servers(f)?;
        self.accounting(f)
    }
}

impl ProfileReport {
    fn circumstances(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let configuration = &self.configuration;
        writeln!(
            f,
            "{}, for {} s, against {}. Load generator: {} ({}).\n",
            self.date, self.seconds, configuration.server, self.version, self.revision
        )?;
        match &self.machine {
            Some(machine) => writeln!(
                f,
                "- Everything on one machine: {} x {}, {} MiB",
                machine.processors, machine.processor, machine.memory_mebibytes
            )?,
            None => writeln!(f, "- The server is on another machine.")?,
        }
        writeln!(
            f,
            "- {} connections, {} known issues, seed {}, coding {}; {} for an envelope, {} for an \
             event without attachments, as sent",
            configuration.connections,
            configuration.issues,
            configuration.seed,
            configuration.coding,
            size(configuration.bytes_per_envelope),
            size(configuration.bytes_per_event)
        )?;
        writeln!(f, "- {} reads a second", configuration.reads_per_second)?;
        let settings = self.postgresql.settings.iter();
        let settings: Vec<_> = settings.map(|(name, value)| format!("{name} = {value}")).collect();
        write!(f, "- PostgreSQL {} ({})", self.postgresql.version, settings.join(", "))?;
        match &self.redis {
            Some(redis) => writeln!(f, "\n- Redis {}", redis.version),
            None => writeln!(f, "\n- no Redis"),
        }
    }

    fn criteria(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |wanted| self.criteria.iter().filter(|it| it.verdict == wanted).count();
        let (failed, passed) = (count(Verdict::Failed), count(Verdict::Passed));
        writeln!(
            f,
            "\n## Verdict\n\n{failed} failed, {passed} passed, {} not measured.",
            count(Verdict::NotMeasured)
        )?;
        writeln!(f, "\n| what | wanted | measured | verdict |\n|---|---|---|---|")?;
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
            let answers_of_malformed = answers(&phase.malformed, 0);
            let answers = answers(&phase.statuses, phase.unanswered);
            writeln!(
                f,
                "| {name} | {seconds} | {offered_per_second} | {achieved_per_second} | {answers} \
                 | {} | {} | {} | {} | {} | {} |",
                answers_of_malformed,
                ms(p50),
                ms(p90),
                ms(p99),
                ms(p999),
                ms(max)
            )?;
        }
        Ok(())
    }

    fn envelopes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## What was sent\n\nAll phases together.\n")?;
        writeln!(
            f,
            "| envelope | sent | of all | answers | size | p50 | p90 | p99 | max |\n\
             |---|---|---|---|---|---|---|---|---|"
        )?;
        let all: u64 = self.envelopes.iter().map(|it| it.answers.requests).sum();
        for it in &self.envelopes {
            let share = percent(it.answers.requests, all);
            let (name, requests) = (it.kind.name(), it.answers.requests);
            writeln!(f, "| {name} | {requests} | {share} | {}", answered(&it.answers))?;
        }
        Ok(())
    }

    fn reads(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reads.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\n## What was read meanwhile\n\nAll phases together; behind them, p99 of each.\n"
        )?;
        let p99_of = |phase: &PhaseReport| format!("p99 {}", phase.name);
        let names: Vec<_> = self.phases.iter().map(p99_of).collect();
        writeln!(
            f,
            "| view | requests | answers | size | p50 | p90 | p99 | max | {} |\n\
             |---|---|---|---|---|---|---|---|{}",
            names.join(" | "),
            "---|".repeat(names.len())
        )?;
        for it in &self.reads {
            let of_phase = |phase: &PhaseReport| {
                let found = phase.reads.iter().find(|read| read.view == it.view);
                found.map_or_else(unknown, |read| ms(read.answers.latency_ms.p99))
            };
            let phases: Vec<_> = self.phases.iter().map(of_phase).collect();
            let (name, requests) = (it.view.name(), it.answers.requests);
            let answered = answered(&it.answers);
            writeln!(f, "| {name} | {requests} | {answered} {} |", phases.join(" | "))?;
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
             | component | version | CPU | on average | per 1,000 events | memory at most |\n\
             |---|---|---|---|---|---|"
        )?;
        for component in &self.components {
            let ComponentReport { name, version, revision, memory_mebibytes_most, .. } = component;
            let seconds =
                |cpu: Option<f64>| cpu.map_or_else(unknown, |seconds| format!("{seconds} s"));
            let (all, each) = (component.cpu_seconds, component.cpu_seconds_per_1000_events);
            writeln!(
                f,
                "| {name} | {version} ({revision}) | {} | {} | {} | {memory_mebibytes_most} MiB |",
                seconds(all),
                all.map_or_else(unknown, |all| format!("{:.3} CPU", all / self.seconds)),
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
        let each = |bytes: Option<f64>| bytes.map_or_else(unknown, size);
        let disk = each(postgresql.disk_bytes_per_event);
        writeln!(f, "| PostgreSQL: disk for an event, attachments included | {disk} |")?;
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
            let wal = each(*wal_bytes_per_event);
            writeln!(f, "| PostgreSQL: WAL for an event, attachments included | {wal} |")?;
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
            let memory = bytes(redis.memory_bytes.try_into().unwrap_or(i64::MAX));
            writeln!(f, "| Redis: memory | {memory} |")?;
        }
        Ok(())
    }

    fn accounting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = &self.accounting;
        writeln!(f, "\n## Accounting\n")?;
        writeln!(
            f,
            "Events: {} sent = {} acknowledged + {} refused + {} not answered.",
            it.sent, it.acknowledged, it.refused, it.unanswered
        )?;
        writeln!(
            f,
            "{} acknowledged = {} stored + {} duplicates + {} dead + {} waiting; gap {}.\n",
            it.acknowledged, it.stored, it.duplicates, it.dead, it.waiting, it.gap
        )?;
        let it = &self.attachments;
        writeln!(
            f,
            "Attachments: {} acknowledged = {} stored + {} not kept; gap {}.\n",
            it.acknowledged, it.stored, it.ended_otherwise, it.gap
        )?;
        writeln!(
            f,
            "Items, each of which has one outcome. Transactions, sessions and client reports are counted \
             and not kept; an envelope that cannot be read is an item of the category `default`.\n\n\
             | category | received | outcomes | gap | refused or not answered |\n|---|---|---|---|---|"
        )?;
        for Items { category, received, refused, outcomes, gap } in &self.items {
            let outcomes = outcomes.iter().map(|(reason, count)| format!("{reason}: {count}"));
            let outcomes = outcomes.collect::<Vec<_>>().join(", ");
            writeln!(f, "| {category} | {received} | {outcomes} | {gap} | {refused} |")?;
        }
        Ok(())
    }
}

fn unknown() -> String {
    "?".to_owned()
}

fn answers(statuses: &BTreeMap<u16, u64>, unanswered: u64) -> String {
    if statuses.is_empty() && unanswered == 0 {
        return "-".to_owned();
    }
    let counts = statuses.iter().map(|(status, count)| format!("{status}: {count}"));
    let none = (unanswered > 0).then(|| format!("none: {unanswered}"));
    counts.chain(none).collect::<Vec<_>>().join(", ")
}

/// Cells of a table.
fn answered(answers_of: &AnswerReport) -> String {
    let AnswerReport { statuses, unanswered, bytes_each, .. } = answers_of;
    let Latency { p50, p90, p99, max, .. } = answers_of.latency_ms;
    let times = [p50, p90, p99, max].map(ms).join(" | ");
    format!("{} | {} | {times} |", answers(statuses, *unanswered), size(*bytes_each))
}

fn size(count: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "it is far below")]
    bytes(count as i64)
}

/// As exact as anybody wants to know it.
fn ms(milliseconds: f64) -> String {
    match milliseconds {
        small if small < 10.0 => format!("{small:.1} ms"),
        _ => format!("{milliseconds:.0} ms"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn percent(count: u64, of: u64) -> String {
    format!("{:.1} %", count as f64 * 100.0 / of.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_exact_as_anybody_wants_to_know_them() {
        assert_eq!([0.94, 9.96, 12.4, 2304.2].map(ms), ["0.9 ms", "10.0 ms", "12 ms", "2304 ms"]);
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(0, 0), "0.0 %");
        assert_eq!(answers(&BTreeMap::new(), 0), "-");
        assert_eq!(answers(&[(200, 5), (503, 1)].into(), 2), "200: 5, 503: 1, none: 2");
    }
}
