//! `mishap redis`: how Redis is doing, and whether it takes writes.

use std::fmt;
use std::time::Instant;

use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::operator::{Operator, root_of};
use crate::output::{Output, bytes};

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Shown {
    Unused { redis: &'static str },
    Used(Box<Redis>),
}

#[derive(Debug, Serialize)]
struct Redis {
    version: String,
    role: String,
    uptime_seconds: u64,
    latency_ms: f64,
    takes_writes: bool,
    refusal: Option<String>,
    used_bytes: u64,
    max_bytes: u64,
    policy: String,
    evicted: u64,
    clients: u64,
    hints: usize,
    job_hints: usize,
    workers: usize,
    overflow: usize,
    warnings: Vec<&'static str>,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unused { .. } => f.write_str("Redis is not used; everything goes by PostgreSQL."),
            Self::Used(redis) => redis.fmt(f),
        }
    }
}

impl fmt::Display for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |size: u64| bytes(i64::try_from(size).unwrap_or(i64::MAX));
        writeln!(f, "Redis:         {}, {}", self.version, self.role)?;
        writeln!(f, "Up for:        {} s", self.uptime_seconds)?;
        writeln!(f, "Latency:       {:.1} ms", self.latency_ms)?;
        match &self.refusal {
            None => writeln!(f, "Writes:        yes")?,
            Some(refusal) => writeln!(f, "Writes:        no: {refusal}")?,
        }
        let limit = match self.max_bytes {
            0 => "no limit".to_owned(),
            max => format!("of {}", size(max)),
        };
        writeln!(f, "Memory:        {}, {limit}", size(self.used_bytes))?;
        writeln!(f, "When full:     {}; {} keys evicted so far", self.policy, self.evicted)?;
        writeln!(f, "Connections:   {}", self.clients)?;
        writeln!(f, "Hints:         {} of envelopes, {} of jobs", self.hints, self.job_hints)?;
        writeln!(f, "Workers:       {} that listen", self.workers)?;
        write!(f, "Overflow:      {} envelopes", self.overflow)?;
        self.warnings.iter().try_for_each(|warning| write!(f, "\nWarning: {warning}"))
    }
}

pub(crate) async fn run(output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let Some(settings) = &operator.settings.redis else {
        return output.show(&Shown::Unused { redis: "not used" });
    };
    let redis = mishap_process::redis(settings)?;
    let away = format!("Redis cannot be asked at {}", settings.whereabouts());
    redis.ping().await.map_err(root_of).context(away.clone())?;
    let began = Instant::now();
    redis.ping().await.context(away.clone())?;
    let latency = began.elapsed();
    let vitals = redis.vitals().await.context(away.clone())?;
    let written = redis.try_writing().await;
    let refusal = written.err().map(|error| format!("{:#}", anyhow::Error::from(error)));
    let hints = redis.count_hints().await.context(away.clone())?;
    let mut warnings = Vec::new();
    if vitals.may_evict_overflow() {
        warnings.push(
            "with this policy Redis may throw the overflow away, which is nowhere else while \
             PostgreSQL is away; set noeviction, or one for volatile keys",
        );
    }
    if vitals.is_cluster {
        warnings.push("this is a node of a cluster, which is not spoken to as one");
    }
    let shown = Redis {
        latency_ms: latency.as_secs_f64() * 1000.0,
        takes_writes: refusal.is_none(),
        refusal,
        hints: hints.entries,
        job_hints: redis.count_job_hints().await.context(away.clone())?,
        workers: hints.consumers,
        overflow: redis.count_overflow().await.context(away.clone())?,
        warnings,
        version: vitals.version,
        role: vitals.role,
        uptime_seconds: vitals.uptime_seconds,
        used_bytes: vitals.used_bytes,
        max_bytes: vitals.max_bytes,
        policy: vitals.policy,
        evicted: vitals.evicted,
        clients: vitals.clients,
    };
    let takes_writes = shown.takes_writes;
    output.show(&Shown::Used(Box::new(shown)))?;
    if !takes_writes {
        bail!("Redis takes no writes");
    }
    Ok(())
}
