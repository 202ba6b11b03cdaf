//! `mishap load --profile`: a load test in phases, its report, and its verdict.
//!
//! Everything is looked at from outside: answers, metrics ports, and what PostgreSQL and Redis say of
//! themselves. Nobody else may send to the project meanwhile, or the accounts do not close.

mod accounting;
mod components;
mod criteria;
mod driven;
mod exposition;
mod items;
mod machine;
mod markdown;
mod phases;
mod reader;
mod reads;
mod report;
mod servers;
mod watch;

use std::time::Duration;

use clap::ValueEnum as _;
use mishap_boot::{build_info, shutdown};
use mishap_core::clock::{Clock as _, SystemClock};
use mishap_core::id::ProjectId;
use mishap_core::random::SystemRandom;
use mishap_storage::measures::activity::{Fates, fates};
use mishap_storage::outcomes::{self, OutcomeTotal};
use mishap_storage::tallies;
use tokio::time::Instant;

use self::accounting::{Accounting, AttachmentAccount};
use self::components::Components;
use self::criteria::{Facts, Memory};
use self::driven::{Driven, DrivenPhase};
use self::items::Items;
use self::machine::Machine;
use self::phases::Phase;
use self::reader::Reader;
use self::reads::Reads;
use self::report::{
    ComponentReport, Configuration, KindReport, PhaseReport, ProfileReport, ViewReport,
};
use self::servers::{Counted, Extent};
use self::watch::{Seen, watch};
use super::kind::Kind;
use super::mix::Mix;
use super::sending::Sending;
use super::tally::{Answers, Tallied, as_f64, rounded};
use super::{POLL, until_digested, write_ids};
use crate::command::{LoadOptions, LoadProfile};
use crate::operator::Operator;
use crate::output::{Output, time};

/// How long statistics may take until they have counted what was digested.
const FOLDING: Duration = Duration::from_secs(30);

pub(super) async fn run(
    profile: LoadProfile,
    options: &LoadOptions,
    output: Output,
) -> anyhow::Result<()> {
    let mix = Mix::uneven(options.issues, options.seed, options.coding, &SystemRandom);
    let test = Test {
        options,
        operator: Operator::new()?,
        components: Components::new(&options.components)?,
        sending: Sending::new(options, mix)?,
        phases: phases::of(profile, options.rate, options.seconds),
    };
    let date = time(SystemClock.now());
    // Whoever cannot be asked is told of before anything is waited for.
    test.components.read_all().await?;
    test.until_tallied().await?;
    let before = test.look().await?;
    let mut seen = Seen::default();
    let driven = test.drive_and_read(&before, &mut seen).await?;
    let after = test.look().await?;
    let sent = driven.sent();
    if let Some(path) = &options.acknowledged {
        write_ids(path, &sent.acknowledged)?;
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
    outcomes: Vec<OutcomeTotal>,
}

impl Test<'_> {
    fn project(&self) -> ProjectId {
        ProjectId(self.options.dsn.project_id())
    }

    /// Goes through the phases while somebody reads, if anybody is to.
    async fn drive_and_read(&self, before: &Standing, seen: &mut Seen) -> anyhow::Result<Driven> {
        let rate = self.options.reads;
        if rate == 0 {
            return self.drive_and_watch(before, None, seen).await;
        }
        let length = self.phases.iter().map(|phase| phase.length).sum();
        // Whoever stops it shall not leave the reader behind.
        let stop = shutdown::on_signal()?;
        let reader = Reader::hire(&self.operator, self.project(), length).await?;
        let driven = match Reads::new(self.options.dsn.base(), &reader, rate) {
            Ok(reads) => tokio::select! {
                driven = self.drive_and_watch(before, Some(&reads), seen) => driven,
                () = stop.cancelled() => Err(anyhow::anyhow!("stopped before its end")),
            },
            Err(error) => Err(error),
        };
        reader.dismiss(&self.operator).await?;
        driven
    }

    async fn drive_and_watch(
        &self,
        before: &Standing,
        reads: Option<&Reads>,
        seen: &mut Seen,
    ) -> anyhow::Result<Driven> {
        let reading = async {
            match reads {
                Some(reads) => reads.keep_reading().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            driven = self.drive(before, reads) => driven,
            never = watch(&self.operator, &self.components, Instant::now(), seen) => match never {},
            never = reading => match never {},
        }
    }

    /// Goes through the phases, and waits until everything is digested and counted.
    async fn drive(&self, standing: &Standing, reads: Option<&Reads>) -> anyhow::Result<Driven> {
        let before = self.components.read_all().await?;
        let began = Instant::now();
        let mut phases = Vec::with_capacity(self.phases.len());
        for phase in self.phases {
            let phase_began = Instant::now();
            let tallied = self.sending.send(phase.stretch()).await?;
            tokio::time::sleep_until(phase_began + phase.length).await;
            let (ended, took) = (began.elapsed(), phase_began.elapsed());
            let views = reads.map(Reads::take);
            let after = self.components.read().await;
            phases.push(DrivenPhase { phase, ended, took, tallied, views, after });
        }
        let patience = Duration::from_secs(self.options.patience);
        let draining = Instant::now();
        let is_drained = until_digested(&self.operator, patience).await?;
        let drained = is_drained.then(|| draining.elapsed());
        let took = began.elapsed();
        let mut driven = Driven { phases, before, took, drained, is_folded: false };
        if is_drained {
            driven.is_folded = self.until_folded(standing, &driven.sent()).await?;
        }
        if let Some(last) = driven.phases.last_mut() {
            last.after = self.components.read().await;
        }
        Ok(driven)
    }

    /// Waits until statistics have counted everything that was sent; says whether they have.
    async fn until_folded(&self, before: &Standing, sent: &Tallied) -> anyhow::Result<bool> {
        let began = Instant::now();
        let mut is_folded = false;
        while began.elapsed() < FOLDING {
            is_folded = self.until_tallied().await?;
            let mut conn = self.operator.conn().await?;
            let after = outcomes::totals(&mut conn, Some(self.project())).await?;
            drop(conn);
            // Web keeps what it refused to itself for a second.
            if is_folded && items::off(&Items::of(sent, &before.outcomes, &after), 0) == 0 {
                break;
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(is_folded)
    }

    /// Waits until statistics have counted what was written down for them; says whether they have.
    async fn until_tallied(&self) -> anyhow::Result<bool> {
        let began = Instant::now();
        while began.elapsed() < FOLDING {
            let mut conn = self.operator.conn().await?;
            if tallies::is_empty(&mut conn).await? {
                return Ok(true);
            }
            drop(conn);
            tokio::time::sleep(POLL).await;
        }
        Ok(false)
    }

    async fn look(&self) -> anyhow::Result<Standing> {
        let servers = Counted::now(&self.operator).await?;
        let mut conn = self.operator.conn().await?;
        let mut fates = fates(&mut conn, self.project()).await?;
        fates.waiting += servers.in_overflow();
        let outcomes = outcomes::totals(&mut conn, Some(self.project())).await?;
        Ok(Standing { servers, fates, outcomes })
    }

    async fn report(
        &self,
        profile: LoadProfile,
        driven: &Driven,
        seen: &Seen,
        (before, after): (&Standing, &Standing),
    ) -> anyhow::Result<ProfileReport> {
        let sent = driven.sent();
        let accounting = Accounting::of(&sent, before.fates, after.fates);
        let items = Items::of(&sent, &before.outcomes, &after.outcomes);
        let attachments = AttachmentAccount::of(
            &sent,
            &items,
            after.fates.attachments - before.fates.attachments,
        );
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
            configuration: self.configuration(&sent),
            criteria: Vec::new(),
            phases: driven.reports(),
            envelopes: KindReport::all(&sent),
            reads: ViewReport::all(&driven.views()),
            digested_per_second: rounded(extent.events_per_second()),
            backlog: driven.backlog(seen),
            accounting,
            attachments,
            items,
            components: driven.components(self.components.all, seen, accounting.stored),
            postgresql: postgresql.await?,
            redis: servers::redis_work(&before.servers, &after.servers, extent),
        };
        report.criteria = criteria::judge(&self.facts(driven, &report));
        report.passed = criteria::failed(&report.criteria).is_empty();
        Ok(report)
    }

    fn configuration(&self, sent: &Tallied) -> Configuration {
        let (all, events) = (sent.readable(), sent.of(|kind| kind == Kind::Event));
        let each =
            |answers: &Answers| rounded(as_f64(answers.bytes) / as_f64(answers.answered().max(1)));
        Configuration {
            server: self.options.dsn.base().to_string(),
            connections: self.options.connections,
            issues: self.options.issues,
            coding: format!("{:?}", self.options.coding).to_lowercase(),
            seed: self.options.seed,
            reads_per_second: self.options.reads,
            bytes_per_envelope: each(&all),
            bytes_per_event: each(&events),
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
            reading: driven.reading(phases::STEADY),
            attachments: report.attachments,
            items_off: driven
                .is_folded
                .then(|| items::off(&report.items, report.accounting.pending())),
            restarted: (!components.is_empty()).then_some(restarted),
            memory: components.iter().map(memory).collect(),
        }
    }
}
