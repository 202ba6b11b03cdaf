//! `mishap load --profile`: a load test in phases, its report, and its verdict.
//!
//! Everything is looked at from outside: answers, metrics ports, and what PostgreSQL and Redis say of
//! themselves. Nobody else may send to the project meanwhile, or the accounts do not close.

mod accounting;
mod components;
mod criteria;
mod exposition;
mod machine;
mod markdown;
mod phases;
mod report;
mod servers;
mod watch;

use std::time::Duration;

use clap::ValueEnum as _;
use mishap_boot::build_info;
use mishap_core::clock::{Clock as _, SystemClock};
use mishap_core::id::ProjectId;
use mishap_core::random::SystemRandom;
use mishap_storage::measures::activity::{Fates, fates};
use mishap_storage::tallies;
use tokio::time::Instant;

use self::accounting::Accounting;
use self::components::{Components, Readings};
use self::criteria::{Facts, Memory};
use self::machine::Machine;
use self::phases::Phase;
use self::report::{Backlog, ComponentReport, Configuration, PhaseReport, ProfileReport};
use self::servers::{Counted, Extent};
use self::watch::{Seen, watch};
use super::mix::Mix;
use super::sending::Sending;
use super::tally::{Tallied, as_f64, rounded};
use super::{POLL, sample_events, until_digested, write_ids};
use crate::command::{Component, LoadOptions, LoadProfile};
use crate::operator::Operator;
use crate::output::{Output, time};

/// How long statistics may take until they have counted what was digested.
const FOLDING: Duration = Duration::from_secs(30);

pub(super) async fn run(
    profile: LoadProfile,
    options: &LoadOptions,
    output: Output,
) -> anyhow::Result<()> {
    let mix = Mix::uneven(sample_events(options), options.issues, options.seed, &SystemRandom);
    let test = Test {
        options,
        operator: Operator::new()?,
        components: Components::new(&options.components)?,
        sending: Sending::new(options, mix)?,
        phases: phases::of(profile, options.rate, options.seconds),
    };
    let date = time(SystemClock.now());
    let before = test.look().await?;
    let mut seen = Seen::default();
    let began = Instant::now();
    let driven = {
        let watching = watch(&test.operator, &test.components, began, &mut seen);
        tokio::select! {
            driven = test.drive() => driven?,
            never = watching => match never {},
        }
    };
    let after = test.look().await?;
    if let Some(path) = &options.acknowledged {
        let ids = driven.phases.iter().flat_map(|driven| &driven.tallied.acknowledged);
        write_ids(path, &ids.copied().collect::<Vec<_>>())?;
    }
    let mut report = test.report(profile, &driven, &seen, (&before, &after)).await?;
    report.date = date;
    if let Some(path) = &options.report {
        report.write(path)?;
    }
    output.show(&report)?;
    let failed = criteria::failed(&report.criteria);
    anyhow::ensure!(failed.is_empty(), "not passed: {}", failed.join("; "));
    Ok(())
}

/// A load test and what it needs.
struct Test<'o> {
    options: &'o LoadOptions,
    operator: Operator,
    components: Components<'o>,
    sending: Sending,
    phases: [Phase; 4],
}

/// How everything stood at a moment.
struct Standing {
    servers: Counted,
    fates: Fates,
}

/// What was done.
struct Driven {
    phases: Vec<DrivenPhase>,
    /// What components said before the first phase.
    before: Readings,
    /// From the first request until everything was digested, or until patience ended.
    took: Duration,
    /// From the last request until everything was digested, if it was.
    drained: Option<Duration>,
}

/// A phase that is over.
struct DrivenPhase {
    phase: Phase,
    /// When it ended, since the run began.
    ended: Duration,
    took: Duration,
    tallied: Tallied,
    /// What components said afterwards; after the last phase, when everything was digested.
    after: Readings,
}

impl Test<'_> {
    /// Goes through the phases, and waits until everything is digested and counted.
    async fn drive(&self) -> anyhow::Result<Driven> {
        let before = self.components.read_all().await?;
        let began = Instant::now();
        let mut phases = Vec::with_capacity(self.phases.len());
        for phase in self.phases {
            let phase_began = Instant::now();
            let tallied = self.sending.send(phase.stretch()).await?;
            tokio::time::sleep_until(phase_began + phase.length).await;
            let (ended, took) = (began.elapsed(), phase_began.elapsed());
            let after = self.components.read().await;
            phases.push(DrivenPhase { phase, ended, took, tallied, after });
        }
        let patience = Duration::from_secs(self.options.patience);
        let draining = Instant::now();
        let is_drained = until_digested(&self.operator, patience).await?;
        let drained = is_drained.then(|| draining.elapsed());
        let took = began.elapsed();
        if is_drained {
            self.until_folded().await?;
        }
        if let Some(last) = phases.last_mut() {
            last.after = self.components.read().await;
        }
        Ok(Driven { phases, before, took, drained })
    }

    /// Waits until statistics have counted what was digested.
    async fn until_folded(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < FOLDING {
            let mut conn = self.operator.conn().await?;
            if tallies::is_empty(&mut conn).await? {
                break;
            }
            drop(conn);
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    async fn look(&self) -> anyhow::Result<Standing> {
        let servers = Counted::now(&self.operator).await?;
        let mut conn = self.operator.conn().await?;
        let mut fates = fates(&mut conn, ProjectId(self.options.dsn.project_id())).await?;
        fates.waiting += servers.in_overflow();
        Ok(Standing { servers, fates })
    }

    async fn report(
        &self,
        profile: LoadProfile,
        driven: &Driven,
        seen: &Seen,
        (before, after): (&Standing, &Standing),
    ) -> anyhow::Result<ProfileReport> {
        let tallies = driven.phases.iter().map(|driven| &driven.tallied);
        let accounting = Accounting::of(tallies, before.fates, after.fates);
        let extent = Extent { events: accounting.stored, seconds: driven.took.as_secs_f64() };
        let postgresql =
            servers::postgres(&self.operator, &before.servers, &after.servers, seen, extent);
        let mut report = ProfileReport {
            form: report::FORM,
            profile: profile
                .to_possible_value()
                .map_or_else(String::new, |it| it.get_name().into()),
            passed: false,
            date: String::new(),
            seconds: rounded(driven.took.as_secs_f64()),
            version: build_info::VERSION,
            revision: build_info::revision(),
            machine: self.options.dsn.base().host_str().and_then(Machine::of),
            configuration: self.configuration(driven),
            criteria: Vec::new(),
            phases: driven.reports(),
            digested_per_second: rounded(extent.events_per_second()),
            backlog: driven.backlog(seen),
            accounting,
            components: driven.components(self.components.all, seen, accounting.stored),
            postgresql: postgresql.await?,
            redis: servers::redis_work(&before.servers, &after.servers, extent),
        };
        report.criteria = criteria::judge(&self.facts(driven, &report));
        report.passed = criteria::failed(&report.criteria).is_empty();
        Ok(report)
    }

    fn configuration(&self, driven: &Driven) -> Configuration {
        let sum = |of: fn(&Tallied) -> u64| -> u64 {
            driven.phases.iter().map(|driven| of(&driven.tallied)).sum()
        };
        let (bytes, answered) = (sum(|tallied| tallied.bytes), sum(Tallied::answered));
        Configuration {
            server: self.options.dsn.base().to_string(),
            connections: self.options.connections,
            issues: self.options.issues,
            coding: format!("{:?}", self.options.coding).to_lowercase(),
            seed: self.options.seed,
            bytes_per_event: rounded(as_f64(bytes) / as_f64(answered.max(1))),
        }
    }

    /// What the server is judged by.
    fn facts(&self, driven: &Driven, report: &ProfileReport) -> Facts {
        let steady = report.phases.iter().find(|phase| phase.name == phases::STEADY);
        let of_steady = |of: fn(&PhaseReport) -> u64| steady.map(of).unwrap_or_default();
        let latency = |of: fn(&PhaseReport) -> f64| steady.map_or(f64::INFINITY, of);
        let limit = |component: &ComponentReport| {
            let mut limits = self.options.memory_limits.iter();
            limits.find(|limit| limit.name == component.name).map(|limit| limit.mebibytes)
        };
        let memory = |component: &ComponentReport| Memory {
            name: component.name.clone(),
            mebibytes: component.memory_mebibytes_most,
            limit: limit(component),
        };
        let components = &report.components;
        let restarted = components.iter().filter(|component| component.began_anew).count() as u64;
        Facts {
            p90_ms: latency(|phase| phase.latency_ms.p90),
            p99_ms: latency(|phase| phase.latency_ms.p99),
            failures: of_steady(PhaseReport::failures),
            not_taken: of_steady(PhaseReport::not_taken),
            malformed_taken: report.phases.iter().map(PhaseReport::malformed_taken).sum(),
            digest_seconds: driven.digest_p99(phases::STEADY, phases::STEADY),
            late_digest_seconds: driven.digest_p99(phases::SPIKE, phases::RECOVERY),
            caught_up_seconds: report.backlog.caught_up_after_seconds,
            is_drained: driven.drained.is_some(),
            accounting: report.accounting,
            restarted: (!components.is_empty()).then_some(restarted),
            memory: components.iter().map(memory).collect(),
        }
    }
}

impl Driven {
    /// What components said before a phase.
    fn before(&self, place: usize) -> &Readings {
        let previous = place.checked_sub(1).and_then(|previous| self.phases.get(previous));
        previous.map_or(&self.before, |driven| &driven.after)
    }

    fn reports(&self) -> Vec<PhaseReport> {
        let report = |(place, driven): (usize, &DrivenPhase)| {
            let digesting = driven.after.digesting_since(self.before(place));
            let seconds = driven.took.as_secs_f64();
            PhaseReport::new(driven.phase, seconds, &driven.tallied, digesting.as_ref())
        };
        self.phases.iter().enumerate().map(report).collect()
    }

    /// What 99 of 100 events did not exceed that were stored in these phases.
    fn digest_p99(&self, first: &str, last: &str) -> Option<f64> {
        let place = |name| self.phases.iter().position(|driven| driven.phase.name == name);
        let (first, last) = (place(first)?, self.phases.get(place(last)?)?);
        last.after.digesting_since(self.before(first))?.seconds.at_most(0.99)
    }

    fn backlog(&self, seen: &Seen) -> Backlog {
        let phase = |name| self.phases.iter().find(|driven| driven.phase.name == name);
        let caught_up = || {
            let (steady, spike) = (phase(phases::STEADY)?, phase(phases::SPIKE)?);
            seen.caught_up_after(spike.ended.as_secs_f64(), steady.phase.rate)
        };
        let samples = &seen.samples;
        Backlog {
            waiting_most: samples.iter().map(|it| it.waiting).max().unwrap_or_default(),
            oldest_seconds_most: samples
                .iter()
                .map(|it| it.oldest_seconds)
                .max()
                .unwrap_or_default(),
            caught_up_after_seconds: caught_up(),
            drained_after_seconds: self.drained.map(|drained| rounded(drained.as_secs_f64())),
            timeline: samples.clone(),
        }
    }

    fn components(&self, all: &[Component], seen: &Seen, events: i64) -> Vec<ComponentReport> {
        let report = |(place, component): (usize, &Component)| {
            let before = self.before.of(place);
            let after = self.phases.last().and_then(|driven| driven.after.of(place));
            let memory = seen.memory_bytes.get(place).copied().unwrap_or_default();
            ComponentReport::new(component, before, after, memory, events)
        };
        all.iter().enumerate().map(report).collect()
    }
}
