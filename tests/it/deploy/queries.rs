//! What queries of Prometheus name.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, VectorSelector, parse};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::measured::Series;

/// What a query names.
#[derive(Default)]
pub(super) struct Query {
    /// The series, each with what it must match.
    pub(super) selectors: Vec<(String, Vec<Matcher>)>,
    /// What is asked for without a name: everything there is. Only a person who looks around may.
    pub(super) nameless: Vec<String>,
    /// The labels by which series are brought together.
    labels: BTreeSet<String>,
}

impl Query {
    /// Reads a query; what Grafana puts into it is put in.
    pub(super) fn read(text: &str) -> Self {
        let durations = [("$__rate_interval", "2m"), ("$__interval", "1m"), ("$__range", "1h")];
        let whole = durations
            .iter()
            .fold(text.to_owned(), |text, (name, duration)| text.replace(name, duration));
        let parsed = parse(&whole).unwrap_or_else(|error| panic!("{text}\n{error}"));
        let mut query = Self::default();
        let Ok(_) = walk_expr(&mut query, &parsed);
        query
    }

    /// What the query names and nobody has: series, and labels.
    pub(super) fn unknown(&self, series: &Series) -> Vec<String> {
        let mut unknown = self.nameless.clone();
        // Every series has a name.
        let mut all = BTreeSet::from(["__name__".to_owned()]);
        for (name, matchers) in &self.selectors {
            let Some(labels) = series.labels(name) else {
                unknown.push(name.clone());
                continue;
            };
            all.extend(labels.iter().cloned());
            let missing = matchers.iter().filter(|matcher| !labels.contains(&matcher.name));
            unknown.extend(missing.map(|matcher| format!("{name}{{{}}}", matcher.name)));
            // The scraped Service, not what a metric of ours means by the word.
            let services = matchers.iter().filter(|matcher| matcher.name == "job");
            let strange = services.filter(|matcher| !matcher.value.starts_with("glitchtip-"));
            unknown.extend(strange.map(|matcher| format!("{name}{{{matcher}}}")));
        }
        unknown.extend(self.labels.iter().filter(|label| !all.contains(*label)).cloned());
        unknown
    }

    /// Every label of every series that the query names.
    pub(super) fn labels_of_all(&self, series: &Series) -> BTreeSet<String> {
        let named = self.selectors.iter().filter_map(|(name, _)| series.labels(name));
        named.flatten().cloned().collect()
    }

    /// The bounds of buckets that the query names, which are not among the histogram's.
    pub(super) fn unknown_bounds(
        &self,
        bounds: &BTreeMap<String, BTreeSet<String>>,
    ) -> Vec<String> {
        let mut unknown = Vec::new();
        for (name, matchers) in &self.selectors {
            let named = matchers.iter().filter(|matcher| matcher.name == "le");
            for Matcher { op, value, .. } in named {
                assert!(matches!(op, MatchOp::Equal), "{name}: one bucket at a time");
                if !bounds.get(name).is_some_and(|bounds| bounds.contains(value)) {
                    unknown.push(format!("{name}{{le=\"{value}\"}}"));
                }
            }
        }
        unknown
    }

    fn select(&mut self, selector: &VectorSelector) {
        assert!(selector.matchers.or_matchers.is_empty(), "{selector}: Prometheus has no such or");
        match &selector.name {
            Some(name) => self.selectors.push((name.clone(), selector.matchers.matchers.clone())),
            None => self.nameless.push(selector.to_string()),
        }
    }
}

impl ExprVisitor for Query {
    type Error = Infallible;

    fn pre_visit(&mut self, part: &Expr) -> Result<bool, Infallible> {
        match part {
            Expr::VectorSelector(selector) => self.select(selector),
            Expr::MatrixSelector(selector) => self.select(&selector.vs),
            Expr::Aggregate(aggregate) => {
                let labels = aggregate.modifier.iter().flat_map(|by| &by.labels().labels);
                self.labels.extend(labels.cloned());
            }
            Expr::Binary(binary) => {
                let modifier = binary.modifier.iter();
                let matching = modifier.flat_map(|modifier| &modifier.matching);
                let labels = matching.flat_map(|on| &on.labels().labels);
                self.labels.extend(labels.cloned());
            }
            _ => {}
        }
        Ok(true)
    }
}

#[test]
fn what_nobody_measures_is_found() {
    let mut series = Series::default();
    series.add("known_total", ["class".to_owned()]);
    let unknown = |query: &str| Query::read(query).unknown(&series);
    assert_eq!(unknown("sum by (class, namespace) (rate(known_total{class=\"a\"}[5m]))"), [""; 0]);
    assert_eq!(unknown("max_over_time((known_total - unknown_total)[1h:5m])"), ["unknown_total"]);
    assert_eq!(unknown("known_total{colour=\"a\"}"), ["known_total{colour}"]);
    assert_eq!(unknown("sum by (colour) (known_total)"), ["colour"]);
    assert_eq!(unknown("known_total * on (colour) known_total"), ["colour"]);
    assert_eq!(unknown("count by (__name__) ({class=\"a\"})"), ["{class=\"a\"}"]);
    assert_eq!(unknown("known_total{job=\"send_mail\"}"), ["known_total{job=\"send_mail\"}"]);
}

#[test]
fn bounds_that_no_bucket_has_are_found() {
    let bounds = BTreeMap::from([("a_bucket".to_owned(), BTreeSet::from(["0.5".to_owned()]))]);
    let unknown = |query: &str| Query::read(query).unknown_bounds(&bounds);
    assert_eq!(unknown("a_bucket{le=\"0.5\"}"), [""; 0]);
    assert_eq!(unknown("a_bucket{le=\"0.50\"}"), ["a_bucket{le=\"0.50\"}"]);
    assert_eq!(unknown("b_bucket{le=\"0.5\"}"), ["b_bucket{le=\"0.5\"}"]);
}
