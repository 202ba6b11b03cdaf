//! How Redis itself is doing, as an operator asks it.

use std::collections::HashMap;

use crate::redis::{Error, Redis};

/// What Redis says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vitals {
    /// Its version.
    pub version: String,
    /// `master`, or `slave`, which takes no writes.
    pub role: String,
    /// Seconds since it started.
    pub uptime_seconds: u64,
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes that may be in use; 0 for no limit.
    pub max_bytes: u64,
    /// What goes when there is no room, such as `noeviction`.
    pub policy: String,
    /// Keys that went for want of room since it started.
    pub evicted: u64,
    /// Whether it is one node of a cluster.
    pub is_cluster: bool,
    /// Connections that are open.
    pub clients: u64,
}

impl Vitals {
    /// Reads the answer to `INFO`: lines of `name:value`.
    fn read(info: &str) -> Self {
        let lines = info.lines().filter_map(|line| line.trim_end().split_once(':'));
        let fields: HashMap<&str, &str> = lines.collect();
        let text = |name: &str| fields.get(name).copied().unwrap_or_default().to_owned();
        let number = |name: &str| text(name).parse().unwrap_or_default();
        Self {
            version: text("redis_version"),
            role: text("role"),
            uptime_seconds: number("uptime_in_seconds"),
            used_bytes: number("used_memory"),
            max_bytes: number("maxmemory"),
            policy: text("maxmemory_policy"),
            evicted: number("evicted_keys"),
            is_cluster: text("cluster_enabled") == "1",
            clients: number("connected_clients"),
        }
    }

    /// Whether it may throw away the overflow for want of room. What has no end, like all of our keys
    /// that matter, stays under the other policies.
    pub fn may_evict_overflow(&self) -> bool {
        self.max_bytes > 0 && self.policy.starts_with("allkeys-")
    }
}

impl Redis {
    /// Asks Redis how it is.
    pub async fn vitals(&self) -> Result<Vitals, Error> {
        let mut conn = self.get().await?;
        let info: String = redis::cmd("INFO").query_async(&mut conn).await?;
        Ok(Vitals::read(&info))
    }

    /// Writes something that nobody reads and that is gone after a second: a replica, or one that is
    /// full, refuses it.
    pub async fn try_writing(&self) -> Result<(), Error> {
        let mut conn = self.get().await?;
        let mut set = redis::cmd("SET");
        set.arg(self.keys.probe()).arg("1").arg("EX").arg(1);
        Ok(set.query_async::<()>(&mut conn).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_says_is_read_field_by_field() {
        let info = "# Server\r\nredis_version:7.0.15\r\nuptime_in_seconds:12\r\n\r\n# Memory\r\n\
            used_memory:100\r\nmaxmemory:200\r\nmaxmemory_policy:allkeys-lru\r\n\
            # Stats\r\nevicted_keys:3\r\nrole:slave\r\ncluster_enabled:0\r\nconnected_clients:4\r\n";
        let vitals = Vitals::read(info);
        assert_eq!((vitals.version.as_str(), vitals.role.as_str()), ("7.0.15", "slave"));
        assert_eq!((vitals.used_bytes, vitals.max_bytes, vitals.evicted), (100, 200, 3));
        assert_eq!((vitals.uptime_seconds, vitals.clients, vitals.is_cluster), (12, 4, false));
        assert!(vitals.may_evict_overflow());
    }

    #[test]
    fn only_a_limit_with_a_policy_for_all_keys_endangers_the_overflow() {
        let read = |text| Vitals::read(text).may_evict_overflow();
        assert!(read("maxmemory:1\nmaxmemory_policy:allkeys-lfu"));
        assert!(!read("maxmemory:0\nmaxmemory_policy:allkeys-lru"));
        assert!(!read("maxmemory:1\nmaxmemory_policy:volatile-lru"));
        assert!(!read("maxmemory:1\nmaxmemory_policy:noeviction"));
    }
}
