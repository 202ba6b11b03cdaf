//! The phases of a load test.

use std::time::Duration;

use crate::command::LoadProfile;
use crate::load::sending::Stretch;

/// What a load test is made of: a fifth of the rate to warm up and afterwards to recover, the rate
/// itself, and a spike of five times the rate. Each phase has its share of the steady one's length.
const PHASES: [(&str, f64, f64); 4] =
    [("warm-up", 0.2, 0.1), (STEADY, 1.0, 1.0), (SPIKE, 5.0, 0.1), (RECOVERY, 0.2, 0.5)];

/// The phase by which a server is judged.
pub(super) const STEADY: &str = "steady";

/// The phase after which a server has to catch up.
pub(super) const SPIKE: &str = "spike";

/// The phase in which it does; the last one.
pub(super) const RECOVERY: &str = "recovery";

/// What is sent in a phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Phase {
    pub(super) name: &'static str,
    /// Requests a second.
    pub(super) rate: f64,
    pub(super) length: Duration,
}

impl Phase {
    pub(super) fn stretch(self) -> Stretch {
        Stretch { rate: Some(self.rate), length: self.length, max_events: u64::MAX }
    }
}

/// The phases of a profile, whose steady one may be given another rate and length.
pub(super) fn of(profile: LoadProfile, rate: Option<u32>, seconds: Option<u64>) -> [Phase; 4] {
    // AppSRE's service has at most 15 workers of 500 events a minute, which is 125 a second. Staging
    // goes a little beyond, production is twice as much.
    let (usual_rate, usual_seconds) = match profile {
        LoadProfile::Ci => (50, 30),
        LoadProfile::Staging => (150, 600),
        LoadProfile::Production => (250, 600),
    };
    let rate = f64::from(rate.unwrap_or(usual_rate));
    let length = Duration::from_secs(seconds.unwrap_or(usual_seconds));
    PHASES.map(|(name, of_rate, of_length)| Phase {
        name,
        rate: rate * of_rate,
        length: length.mul_f64(of_length),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(phases: [Phase; 4]) -> [(&'static str, f64, f64); 4] {
        phases.map(|Phase { name, rate, length }| (name, rate, length.as_secs_f64()))
    }

    #[test]
    fn staging_is_steady_for_ten_minutes_and_has_a_spike_of_one() {
        assert_eq!(
            shown(of(LoadProfile::Staging, None, None)),
            [
                ("warm-up", 30.0, 60.0),
                ("steady", 150.0, 600.0),
                ("spike", 750.0, 60.0),
                ("recovery", 30.0, 300.0)
            ]
        );
    }

    #[test]
    fn all_phases_follow_the_rate_and_the_length_of_the_steady_one() {
        assert_eq!(
            shown(of(LoadProfile::Ci, Some(10), Some(20))),
            [
                ("warm-up", 2.0, 2.0),
                ("steady", 10.0, 20.0),
                ("spike", 50.0, 2.0),
                ("recovery", 2.0, 10.0)
            ]
        );
    }
}
