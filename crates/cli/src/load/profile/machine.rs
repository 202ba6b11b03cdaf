//! The machine, if everything runs on this one.

use std::fs;
use std::net::IpAddr;

use serde::Serialize;

/// The machine, if everything runs on this one.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    pub(super) processor: String,
    pub(super) processors: usize,
    pub(super) memory_mebibytes: u64,
}

impl Machine {
    /// This machine, if the server with this name is on it.
    pub(super) fn of(host: &str) -> Option<Self> {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        is_here.then(Self::this)
    }

    fn this() -> Self {
        let value = |path: &str, name: &str| {
            let text = fs::read_to_string(path).ok()?;
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let kibibytes = value("/proc/meminfo", "MemTotal");
        let kibibytes = kibibytes.and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok());
        Self {
            processor: value("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mebibytes: kibibytes.unwrap_or_default() / 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_told_of_servers_that_are_on_it() {
        for here in ["localhost", "127.0.0.1", "[::1]"] {
            let machine = Machine::of(here).unwrap();
            assert!(machine.processors > 0 && machine.memory_mebibytes > 0, "{machine:?}");
        }
        for elsewhere in ["errors.example.com", "192.0.2.1"] {
            assert!(Machine::of(elsewhere).is_none());
        }
    }
}
