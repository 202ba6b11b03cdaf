//! What browsers are told to refuse.

use actix_web::http::header::{
    CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY, HeaderMap,
    HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use mishap_boot::settings::{ContentSecurityPolicy, Hsts};
use mishap_core::random::Random;

/// What every answer says (GlitchTip).
const CONSTANT: [(HeaderName, HeaderValue); 4] = [
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// The headers that the operator has a say in.
#[derive(Debug)]
pub(super) struct SecurityHeaders {
    policy: Option<Policy>,
    hsts: Option<HeaderValue>,
}

/// What pages may load.
#[derive(Debug)]
struct Policy {
    header: HeaderName,
    /// The policy that asks for no reports.
    quiet: HeaderValue,
    /// The policy that asks for reports, and how many of a hundred answers get it.
    reporting: Option<(HeaderValue, f64)>,
}

impl SecurityHeaders {
    pub(super) fn new(csp: &ContentSecurityPolicy, hsts: Hsts) -> Self {
        Self { policy: Policy::new(csp), hsts: strict_transport(hsts) }
    }

    /// Adds what an answer does not say already; whether it goes out over https.
    pub(super) fn add(&self, headers: &mut HeaderMap, is_secure: bool, random: &dyn Random) {
        if let Some(policy) = &self.policy {
            add_missing(headers, &policy.header, || policy.draw(random));
        }
        if is_secure && let Some(hsts) = &self.hsts {
            add_missing(headers, &STRICT_TRANSPORT_SECURITY, || hsts.clone());
        }
        add_missing(headers, &CONTENT_LANGUAGE, || HeaderValue::from_static("en"));
    }
}

/// Adds what never differs.
pub(super) fn add_constant(headers: &mut HeaderMap) {
    for (name, value) in CONSTANT {
        add_missing(headers, &name, || value);
    }
}

fn add_missing(headers: &mut HeaderMap, name: &HeaderName, value: impl FnOnce() -> HeaderValue) {
    if !headers.contains_key(name) {
        headers.insert(name.clone(), value());
    }
}

impl Policy {
    /// Nothing if no directive is set.
    fn new(csp: &ContentSecurityPolicy) -> Option<Self> {
        let directives = csp.directives.iter();
        let said = directives.map(|(name, sources)| format!("{name} {}", sources.join(" ")));
        let policy = said.collect::<Vec<_>>().join("; ");
        if policy.is_empty() {
            return None;
        }
        let reporting = csp.report_uri.as_ref().and_then(|uri| {
            let policy = HeaderValue::from_str(&format!("{policy}; report-uri {uri}")).ok()?;
            Some((policy, csp.report_percentage))
        });
        let header = match csp.report_only {
            true => CONTENT_SECURITY_POLICY_REPORT_ONLY,
            false => CONTENT_SECURITY_POLICY,
        };
        Some(Self { header, quiet: HeaderValue::from_str(&policy).ok()?, reporting })
    }

    fn draw(&self, random: &dyn Random) -> HeaderValue {
        let Some((reporting, percentage)) = &self.reporting else {
            return self.quiet.clone();
        };
        let mut draw = [0; 4];
        random.fill(&mut draw);
        let drawn = f64::from(u32::from_le_bytes(draw)) / (f64::from(u32::MAX) + 1.0) * 100.0;
        if drawn < *percentage { reporting.clone() } else { self.quiet.clone() }
    }
}

/// Nothing if browsers need not insist on https.
fn strict_transport(hsts: Hsts) -> Option<HeaderValue> {
    let Hsts { seconds, preload, include_subdomains } = hsts;
    let mut text = format!("max-age={seconds}");
    if include_subdomains {
        text.push_str("; includeSubDomains");
    }
    if preload {
        text.push_str("; preload");
    }
    (seconds > 0).then(|| HeaderValue::from_str(&text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use mishap_core::random::SeededRandom;

    use super::*;

    #[test]
    fn as_many_answers_ask_for_reports_as_the_operator_wants() {
        let reports_of_a_thousand = |report_percentage| {
            let policy = Policy::new(&ContentSecurityPolicy {
                directives: vec![("default-src", vec!["'self'".to_owned()])],
                report_uri: Some("/report".to_owned()),
                report_percentage,
                report_only: false,
            });
            let (policy, random) = (policy.unwrap(), SeededRandom::new(1));
            let drawn = (0..1000).map(|_| policy.draw(&random));
            drawn.filter(|drawn| drawn == "default-src 'self'; report-uri /report").count()
        };
        assert_eq!(reports_of_a_thousand(0.0), 0);
        assert_eq!(reports_of_a_thousand(100.0), 1000);
        let tenth = reports_of_a_thousand(10.0);
        assert!((70..130).contains(&tenth), "{tenth}");
    }
}
