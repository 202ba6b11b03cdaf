//! Which hosts requests may be for (Django's ALLOWED_HOSTS).

/// Which hosts requests may be for.
#[derive(Debug)]
pub(super) struct AllowedHosts {
    /// Nothing if every host is allowed.
    patterns: Option<Vec<String>>,
}

impl AllowedHosts {
    /// Reads patterns: `*` is any host, `.example.com` that domain and those below it.
    pub(super) fn new(patterns: &[String]) -> Self {
        let is_open = patterns.iter().any(|pattern| pattern == "*");
        let lower = || patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
        Self { patterns: (!is_open).then(lower) }
    }

    /// Whether a request that names this host, with or without a port, may be served.
    pub(super) fn allow(&self, host: Option<&str>) -> bool {
        let Some(patterns) = &self.patterns else {
            return true;
        };
        let Some(host) = host.map(|host| name_of(host).to_ascii_lowercase()) else {
            return false;
        };
        patterns.iter().any(|pattern| match pattern.strip_prefix('.') {
            Some(domain) => host
                .strip_suffix(domain)
                .is_some_and(|below| below.is_empty() || below.ends_with('.')),
            None => *pattern == host,
        })
    }
}

/// A host without its port and its last dot; an IPv6 address keeps its brackets.
fn name_of(host: &str) -> &str {
    let name = match host.rfind(']') {
        Some(end) => host.get(..=end).unwrap_or(host),
        None => host.split_once(':').map_or(host, |(name, _port)| name),
    };
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_by_name_by_domain_or_not_at_all() {
        let hosts = |patterns: &[&str]| {
            AllowedHosts::new(&patterns.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
        };
        let some = hosts(&["Errors.example.com", ".internal", "10.1.2.3", "[::1]"]);
        for (host, allows) in [
            ("errors.example.com", true),
            ("ERRORS.example.com:8000", true),
            ("errors.example.com.", true),
            ("internal", true),
            ("web.internal:80", true),
            ("10.1.2.3:8000", true),
            ("[::1]:8000", true),
            ("example.com", false),
            ("more.errors.example.com", false),
            ("notinternal", false),
            ("internal.example.com", false),
            ("errors.example.com@evil.example", false),
            ("", false),
        ] {
            assert_eq!(some.allow(Some(host)), allows, "{host}");
        }
        assert!(!some.allow(None));
        assert!(!hosts(&[]).allow(Some("localhost")));
        assert!(hosts(&["a.com", "*"]).allow(None));
    }
}
