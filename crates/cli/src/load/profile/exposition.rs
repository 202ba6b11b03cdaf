//! Reads what a metrics port says, in the text format of Prometheus.

/// Series and their values.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    series: Vec<Series>,
}

#[derive(Debug)]
struct Series {
    name: String,
    /// Everything between the braces.
    labels: String,
    value: f64,
}

impl Exposition {
    /// Reads the text; lines that are no series are passed over.
    pub(super) fn read(text: &str) -> Self {
        Self { series: text.lines().filter_map(series).collect() }
    }

    /// The sum of all series of a name; nothing if there is none.
    pub(super) fn sum(&self, name: &str) -> Option<f64> {
        self.sum_where(name, "", "")
    }

    /// The sum of the series of a name with this label.
    pub(super) fn sum_where(&self, name: &str, label: &str, value: &str) -> Option<f64> {
        let is_wanted = |series: &&Series| {
            let has_label = || label_of(&series.labels, label) == Some(value);
            series.name == name && (label.is_empty() || has_label())
        };
        self.series.iter().filter(is_wanted).map(|series| series.value).reduce(|sum, it| sum + it)
    }

    /// What a label of the first series of a name says.
    pub(super) fn label(&self, name: &str, label: &str) -> Option<&str> {
        let series = self.series.iter().find(|series| series.name == name)?;
        label_of(&series.labels, label)
    }

    /// A histogram without its labels.
    pub(super) fn histogram(&self, name: &str) -> Buckets {
        let name = format!("{name}_bucket");
        let mut buckets = Buckets::default();
        for series in self.series.iter().filter(|series| series.name == name) {
            if let Some(bound) = label_of(&series.labels, "le").and_then(|le| le.parse().ok()) {
                buckets.add(bound, series.value);
            }
        }
        buckets
    }
}

fn series(line: &str) -> Option<Series> {
    if line.starts_with('#') {
        return None;
    }
    // Values of labels may hold spaces, the value of a series may not.
    let (series, value) = line.trim_end().rsplit_once(' ')?;
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let labels = labels.trim_end_matches('}').to_owned();
    Some(Series { name: name.to_owned(), labels, value: value.parse().ok()? })
}

fn label_of<'s>(labels: &'s str, wanted: &str) -> Option<&'s str> {
    let mut rest = labels;
    while let Some((name, behind)) = rest.split_once("=\"") {
        let (value, behind) = behind.split_once('"')?;
        if name == wanted {
            return Some(value);
        }
        rest = behind.trim_start_matches(',');
    }
    None
}

/// A cumulative histogram: how many were at most so large.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Buckets(Vec<(f64, f64)>);

impl Buckets {
    fn add(&mut self, bound: f64, count: f64) {
        match self.0.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
            Some((_, counted)) => *counted += count,
            None => {
                self.0.push((bound, count));
                self.0.sort_by(|a, b| a.0.total_cmp(&b.0));
            }
        }
    }

    /// Both together.
    pub(super) fn and(mut self, other: &Self) -> Self {
        for (bound, count) in &other.0 {
            self.add(*bound, *count);
        }
        self
    }

    /// What was added since then. A program that began anew counts from nothing.
    pub(super) fn since(&self, before: &Self) -> Self {
        let counts = |buckets: &Self, wanted: f64| {
            let found = buckets.0.iter().find(|(bound, _)| bound.total_cmp(&wanted).is_eq());
            found.map(|(_, count)| *count).unwrap_or_default()
        };
        let added =
            |(bound, count): &(f64, f64)| (*bound, (count - counts(before, *bound)).max(0.0));
        Self(self.0.iter().map(added).collect())
    }

    /// The bound that this share did not exceed; infinite if it is beyond all bounds, and nothing if
    /// nothing was counted.
    pub(super) fn at_most(&self, quantile: f64) -> Option<f64> {
        let (_, all) = self.0.last().filter(|(_, all)| *all > 0.0)?;
        self.0.iter().find(|(_, count)| *count >= quantile * all).map(|(bound, _)| *bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP seconds How long it took.
# TYPE seconds histogram
seconds_bucket{kind=\"a b\",le=\"0.1\"} 10
seconds_bucket{kind=\"a b\",le=\"1\"} 18
seconds_bucket{kind=\"a b\",le=\"+Inf\"} 20
seconds_sum{kind=\"a b\"} 3.5
built{version=\"1.2, or so\",role=\"web\"} 1
done_total{result=\"stored\"} 5
done_total{result=\"duplicate\"} 2
cpu 0.25
";

    #[test]
    fn series_are_summed_and_told_apart_by_their_labels() {
        let metrics = Exposition::read(TEXT);
        assert_eq!(metrics.sum("cpu"), Some(0.25));
        assert_eq!(metrics.sum("done_total"), Some(7.0));
        assert_eq!(metrics.sum_where("done_total", "result", "stored"), Some(5.0));
        assert_eq!(metrics.sum("done"), None);
        assert_eq!(metrics.label("built", "version"), Some("1.2, or so"));
        assert_eq!(metrics.label("built", "role"), Some("web"));
    }

    #[test]
    fn a_histogram_tells_which_bound_a_share_did_not_exceed() {
        let buckets = Exposition::read(TEXT).histogram("seconds");
        let at = [0.5, 0.51, 0.9, 0.91].map(|quantile| buckets.at_most(quantile).unwrap());
        assert_eq!(at, [0.1, 1.0, 1.0, f64::INFINITY]);
        assert_eq!(Buckets::default().at_most(0.5), None);
    }

    #[test]
    fn of_a_histogram_only_what_was_added_counts() {
        let before = Exposition::read(TEXT).histogram("seconds");
        assert_eq!(before.since(&before).at_most(0.5), None);
        let later = TEXT.replace("+Inf\"} 20", "+Inf\"} 23").replace("\"1\"} 18", "\"1\"} 21");
        let added = Exposition::read(&later).histogram("seconds").since(&before);
        assert_eq!(added.at_most(0.99), Some(1.0));
        let twice = added.clone().and(&added);
        assert_eq!(twice.since(&added), added);
    }
}
