//! What was done in a load test, phase by phase.

use std::time::Duration;

use super::components::Readings;
use super::criteria::ReadFacts;
use super::phases::{self, Phase};
use super::reads::{self, Views};
use super::report::{Backlog, ComponentReport, PhaseReport, ViewReport};
use super::watch::Seen;
use crate::command::Component;
use crate::load::tally::{Tallied, rounded};

/// What was done.
pub(super) struct Driven {
    pub(super) phases: Vec<DrivenPhase>,
    /// What components said before the first phase.
    pub(super) before: Readings,
    /// From the first request until everything was digested, or until patience ended.
    pub(super) took: Duration,
    /// From the last request until everything was digested, if it was.
    pub(super) drained: Option<Duration>,
    /// Whether statistics have counted everything.
    pub(super) is_folded: bool,
}

/// A phase that is over.
pub(super) struct DrivenPhase {
    pub(super) phase: Phase,
    /// When it ended, since the run began.
    pub(super) ended: Duration,
    pub(super) took: Duration,
    pub(super) tallied: Tallied,
    /// What was read meanwhile, if somebody read.
    pub(super) views: Option<Views>,
    /// What components said afterwards; after the last phase, when everything was digested.
    pub(super) after: Readings,
}

impl Driven {
    /// What components said before a phase.
    fn before(&self, place: usize) -> &Readings {
        let previous = place.checked_sub(1).and_then(|previous| self.phases.get(previous));
        previous.map_or(&self.before, |driven| &driven.after)
    }

    pub(super) fn reports(&self) -> Vec<PhaseReport> {
        let report = |(place, driven): (usize, &DrivenPhase)| {
            let digesting = driven.after.digesting_since(self.before(place));
            let seconds = driven.took.as_secs_f64();
            let reads = driven.views.iter().flat_map(ViewReport::all).collect();
            PhaseReport::new(driven.phase, seconds, &driven.tallied, reads, digesting.as_ref())
        };
        self.phases.iter().enumerate().map(report).collect()
    }

    /// Everything that was sent.
    pub(super) fn sent(&self) -> Tallied {
        let mut sent = Tallied::default();
        self.phases.iter().for_each(|driven| sent.add(&driven.tallied));
        sent
    }

    /// Everything that was read.
    pub(super) fn views(&self) -> Views {
        reads::sum(self.phases.iter().filter_map(|driven| driven.views.as_ref()))
    }

    /// How reading was in a phase, if somebody read.
    pub(super) fn reading(&self, name: &str) -> Option<ReadFacts> {
        let driven = self.phases.iter().find(|driven| driven.phase.name == name)?;
        let all = reads::all(driven.views.as_ref()?);
        (all.answered() + all.unanswered > 0).then(|| ReadFacts {
            p99_ms: all.latencies.at_most_ms(0.99),
            not_shown: all.refused() + all.unanswered,
        })
    }

    /// What 99 of 100 events did not exceed that were stored in these phases.
    pub(super) fn digest_p99(&self, first: &str, last: &str) -> Option<f64> {
        let place = |name| self.phases.iter().position(|driven| driven.phase.name == name);
        let (first, last) = (place(first)?, self.phases.get(place(last)?)?);
        last.after.digesting_since(self.before(first))?.seconds.at_most(0.99)
    }

    pub(super) fn backlog(&self, seen: &Seen) -> Backlog {
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

    pub(super) fn components(
        &self,
        all: &[Component],
        seen: &Seen,
        events: i64,
    ) -> Vec<ComponentReport> {
        let report = |(place, component): (usize, &Component)| {
            let before = self.before.of(place);
            let after = self.phases.last().and_then(|driven| driven.after.of(place));
            let memory = seen.memory_bytes.get(place).copied().unwrap_or_default();
            ComponentReport::new(component, before, after, memory, events)
        };
        all.iter().enumerate().map(report).collect()
    }
}
