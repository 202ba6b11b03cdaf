//! `mishap probe`: asks a program on this machine how it is, as a kubelet would.
//!
//! The image has no shell and no curl; this is what stands in for them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context as _, bail};
use mishap_boot::settings::Settings;
use serde::Serialize;
use url::Url;

use crate::command::{ProbeOptions, Probed};
use crate::operator;
use crate::output::{Output, say};
use crate::send::client;

#[derive(Debug, Serialize)]
struct Health {
    url: String,
    is_alive: bool,
    is_ready: bool,
    /// What it says of why it is not alive, or not ready.
    trouble: Option<String>,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_not = |good: bool| if good { "" } else { "not " };
        let (alive, ready) = (or_not(self.is_alive), or_not(self.is_ready));
        write!(f, "{} is {alive}alive and {ready}ready", self.url)?;
        match &self.trouble {
            Some(trouble) => write!(f, ": {trouble}."),
            None => f.write_str("."),
        }
    }
}

#[derive(Debug, Serialize)]
struct Metrics {
    metrics: String,
}

pub(crate) async fn run(options: &ProbeOptions, output: Output) -> anyhow::Result<()> {
    let base = match &options.url {
        Some(url) => url.clone(),
        None => here(options.program)?,
    };
    if options.metrics {
        let (is_good, text) = ask(&base, "metrics").await?;
        if !is_good {
            bail!("there are no metrics at {base}");
        }
        let text = selected(&text, options.name.as_deref());
        match output {
            Output::Human => say(&text),
            Output::Json => say(&serde_json::to_string(&Metrics { metrics: text })?),
        }
        return Ok(());
    }
    let (is_alive, life) = ask(&base, "livez").await?;
    let (is_ready, readiness) = ask(&base, "readyz").await?;
    let trouble = [(is_alive, life), (is_ready, readiness)].into_iter().find(|(good, _)| !good);
    let trouble = trouble.map(|(_, text)| text.trim_end().to_owned());
    output.show(&Health { url: base.to_string(), is_alive, is_ready, trouble })?;
    if !(is_alive && is_ready) {
        bail!("it is not well");
    }
    Ok(())
}

/// Where the probes of a program are on this machine.
fn here(program: Probed) -> anyhow::Result<Url> {
    let settings = operator::settings(Settings::read)?;
    let mut address: SocketAddr = match program {
        Probed::Web => settings.web.metrics,
        Probed::Worker => settings.worker.metrics,
        Probed::Beat => settings.beat.metrics,
    };
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(Url::parse(&format!("http://{address}/"))?)
}

/// Asks one path; says whether the answer is good, and what it is.
async fn ask(base: &Url, path: &str) -> anyhow::Result<(bool, String)> {
    let response = client()?.get(base.join(path)?).send().await;
    let response = response.with_context(|| format!("nobody answers at {base}"))?;
    Ok((response.status().is_success(), response.text().await?))
}

/// The metrics whose names begin with something, with their explanations.
fn selected(text: &str, name: Option<&str>) -> String {
    let Some(name) = name else {
        return text.to_owned();
    };
    let is_meant = |line: &&str| {
        let line = line.strip_prefix("# HELP ").or(line.strip_prefix("# TYPE ")).unwrap_or(line);
        line.starts_with(name)
    };
    text.lines().filter(is_meant).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_selected_by_how_their_names_begin() {
        let text = "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"b\"} 1\n\nb 2\n";
        assert_eq!(selected(text, Some("a_")), text.split("\n\n").next().unwrap());
        assert_eq!(selected(text, Some("b")), "b 2");
        assert_eq!(selected(text, None), text);
    }
}
