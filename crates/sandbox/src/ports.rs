//! Free ports of 127.0.0.1.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::{Ipv4Addr, TcpListener};

use crate::error::Error;

/// The ports to choose from. The system gives outgoing connections their ports from 32768 up, and
/// while a server is down, a client that keeps trying could be given its port, or even be connected
/// with itself. So these are lower, and the system is not asked for one.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A port that nobody listens on now. It may be taken a moment later.
pub fn free() -> Result<u16, Error> {
    let mut ports = (0..1000).map(|_| FIRST + random_below(COUNT));
    ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).ok_or(Error::NoPort)
}

fn random_below(limit: u16) -> u16 {
    let random = RandomState::new().build_hasher().finish() % u64::from(limit);
    u16::try_from(random).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_port_can_be_bound_and_is_not_given_again_meanwhile() {
        let bind = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, free().unwrap())).unwrap();
        let bound: Vec<_> = (0..50).map(bind).collect();
        let ports: HashSet<_> = bound.iter().map(|it| it.local_addr().unwrap().port()).collect();
        assert_eq!(ports.len(), 50);
        assert!(ports.iter().all(|port| (10_000..30_000).contains(port)), "{ports:?}");
    }
}
