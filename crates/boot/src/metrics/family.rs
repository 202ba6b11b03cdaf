//! Numbers that are known when they are asked for, in Prometheus' text format.

use std::fmt::Write as _;

use super::Description;

/// All samples of one metric.
#[derive(Debug, Clone)]
pub struct Family {
    /// What the metric is: a counter or a gauge.
    pub description: Description,
    /// Its values.
    pub samples: Vec<Sample>,
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What tells it from the others.
    pub labels: Vec<(&'static str, String)>,
    /// How much it is.
    pub value: f64,
}

impl Family {
    /// A metric that has one value.
    pub fn single(description: Description, value: f64) -> Self {
        Self { description, samples: vec![Sample { labels: Vec::new(), value }] }
    }

    /// A metric with no value yet.
    pub fn new(description: Description) -> Self {
        Self { description, samples: Vec::new() }
    }

    /// Adds a value.
    pub fn add(&mut self, labels: &[(&'static str, &str)], value: f64) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.samples.push(Sample { labels, value });
    }
}

/// Appends families that have a value.
pub(super) fn write<'f>(families: impl Iterator<Item = &'f Family>, text: &mut String) {
    for Family { description, samples } in families.filter(|it| !it.samples.is_empty()) {
        let (name, meaning) = (description.name(), description.meaning());
        let kind = match description {
            Description::Counter(..) => "counter",
            _ => "gauge",
        };
        let _infallible = writeln!(text, "# HELP {name} {meaning}\n# TYPE {name} {kind}");
        for Sample { labels, value } in samples {
            text.push_str(name);
            for (place, (label, value)) in labels.iter().enumerate() {
                text.push_str(if place == 0 { "{" } else { "," });
                let _infallible = write!(text, "{label}=\"{}\"", escaped(value));
            }
            text.push_str(if labels.is_empty() { "" } else { "}" });
            let _infallible = writeln!(text, " {value}");
        }
        text.push('\n');
    }
}

/// A label's value, as the text format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_written_as_prometheus_reads_them() {
        let mut events = Family::new(Description::Gauge("glitchtip_events", "Events."));
        events.add(&[("organization", "acme"), ("project", "a \"b\" \\ \n")], 12.0);
        let cpu = Family::single(Description::Counter("process_cpu_seconds_total", "CPU."), 0.25);
        let empty = Family::new(Description::Gauge("glitchtip_projects", "Projects."));
        let mut text = String::new();
        write([events, cpu, empty].iter(), &mut text);
        assert_eq!(
            text,
            r#"# HELP glitchtip_events Events.
# TYPE glitchtip_events gauge
glitchtip_events{organization="acme",project="a \"b\" \\ \n"} 12

# HELP process_cpu_seconds_total CPU.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 0.25

"#
        );
    }
}
