//! How often each issue is met.

/// How often each issue is met: the second half as often as the first, the third a third as often,
/// and so on (Zipf's law).
pub(super) struct Popularity {
    /// Weights, each with all before it.
    sums: Vec<f64>,
}

impl Popularity {
    pub(super) fn of(issues: usize) -> Self {
        let mut sum = 0.0;
        #[expect(clippy::cast_precision_loss, reason = "there are few issues")]
        let weight = |rank: usize| 1.0 / (rank + 1) as f64;
        let sums = (0..issues.max(1)).map(|rank| {
            sum += weight(rank);
            sum
        });
        Self { sums: sums.collect() }
    }

    /// The issue at a place between 0 and 1.
    pub(super) fn choose(&self, place: f64) -> usize {
        let all = self.sums.last().copied().unwrap_or_default();
        let issue = self.sums.partition_point(|sum| *sum <= place * all);
        issue.min(self.sums.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_met_as_often_as_its_rank_says() {
        let issues = Popularity::of(4);
        // 1 + 1/2 + 1/3 + 1/4 = 25/12: the shares are 48, 24, 16 and 12 %.
        let at = [0.0, 0.47, 0.49, 0.71, 0.73, 0.87, 0.89, 0.999];
        assert_eq!(at.map(|place| issues.choose(place)), [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(Popularity::of(0).choose(0.9), 0);
    }
}
