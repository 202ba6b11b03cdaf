//! Browsers' security reports: what a page's policy blocked.
//!
//! Two generations of Content-Security-Policy reports (`report-uri` and the Reporting API's
//! arrays), Expect-CT, Expect-Staple and key pinning are read into events. Members are accepted as
//! `kebab-case`, `camelCase` and `snake_case`, numbers also as text, and what old browsers leave
//! out is filled in.

use crate::event::{Event, Level, LogEntry, Request, Text};
use crate::json::{Json, Malformed, Object, Reader, member};

/// The media type of a `raw_security` item that holds an event made of a report, not the report.
pub const EVENT_CONTENT_TYPE: &str = "application/vnd.mishap.security-event+json";

/// The body is no security report that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAReport {
    /// The body is not JSON.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The body is JSON of another shape.
    #[error("the body is no security report")]
    Unknown,
}

/// Reads a report, or an array of them, into events.
///
/// Elements of an array that are no Content-Security-Policy reports are left out (Reporting API).
pub fn read_reports<'a>(document: &'a str) -> Result<Vec<Event<'a>>, NotAReport> {
    let mut reader = Reader::new(document);
    let body = reader.value()?;
    reader.end()?;
    match body {
        Json::Array(reports) => Ok(reports.into_iter().filter_map(reporting_api).collect()),
        Json::Object(members) => Ok(vec![report_uri(members)?]),
        _ => Err(NotAReport::Unknown),
    }
}

/// `{"csp-report": {…}}` and its siblings.
fn report_uri(members: Object<'_>) -> Result<Event<'_>, NotAReport> {
    // Key pinning has no wrapper.
    if member(&members, "known-pins").is_some() {
        return Ok(certificate_event("Public key pinning", "hpkp", members));
    }
    for (key, value) in members {
        let Json::Object(report) = value else {
            continue;
        };
        match key.as_ref() {
            "csp-report" => return csp_event(report).ok_or(NotAReport::Unknown),
            "expect-ct-report" => {
                return Ok(certificate_event("Expect-CT", "expect-ct", report));
            }
            "expect-staple-report" => {
                return Ok(certificate_event("Expect-Staple", "expect-staple", report));
            }
            _ => {}
        }
    }
    Err(NotAReport::Unknown)
}

/// `{"type": "csp-violation", "body": {…}}`
fn reporting_api(report: Json<'_>) -> Option<Event<'_>> {
    let Json::Object(members) = report else {
        return None;
    };
    let mut kind = None;
    let mut body = None;
    let mut user_agent = None;
    for (key, value) in members {
        match key.as_ref() {
            "type" => kind = value.into_text(),
            "body" => body = Some(value),
            "user_agent" => user_agent = value.into_text(),
            _ => {}
        }
    }
    let Some(Json::Object(body)) = body.filter(|_| kind.as_deref() == Some("csp-violation")) else {
        return None;
    };
    let mut event = csp_event(body)?;
    if let Some(user_agent) = user_agent {
        let request = event.request.get_or_insert_default();
        request.headers.push(("User-Agent".into(), user_agent));
    }
    Some(event)
}

/// A member by its kebab-case name, whatever case the browser uses.
fn kebab(name: Text<'_>) -> Text<'_> {
    // The Reporting API capitalises whole words inside its names.
    let name: Text<'_> = match name.as_ref() {
        "documentURL" | "documentUri" => "document-uri".into(),
        "blockedURL" | "blockedUri" => "blocked-uri".into(),
        "sample" => "script-sample".into(),
        _ => name,
    };
    if !name.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        return name;
    }
    let mut kebab = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        match letter {
            '_' => kebab.push('-'),
            upper if upper.is_ascii_uppercase() => {
                kebab.push('-');
                kebab.push(upper.to_ascii_lowercase());
            }
            other => kebab.push(other),
        }
    }
    kebab.into()
}

fn csp_event(report: Object<'_>) -> Option<Event<'_>> {
    let mut csp: Object<'_> =
        report.into_iter().map(|(name, value)| (kebab(name), value)).collect();
    csp.retain(|(_, value)| !value.is_null());
    let text = |csp: &Object<'_>, name: &str| {
        member(csp, name).and_then(|value| value.clone().into_text()).map(Text::into_owned)
    };
    // Older Firefox and Safari name the directive only together with its sources.
    let directive = text(&csp, "effective-directive")
        .filter(|directive| !directive.is_empty())
        .or_else(|| {
            let violated = text(&csp, "violated-directive")?;
            violated.split_whitespace().next().map(str::to_owned)
        })
        .filter(|directive| is_directive(directive))?;
    crate::json::set_member(&mut csp, "effective-directive", directive.clone().into());
    let blocked = text(&csp, "blocked-uri").filter(|uri| !uri.is_empty());
    let blocked = blocked.unwrap_or_else(|| "self".to_owned());
    crate::json::set_member(&mut csp, "blocked-uri", blocked.clone().into());

    let document = text(&csp, "document-uri").unwrap_or_default();
    let mut event = Event {
        event_type: Some("csp".into()),
        level: Some(Level::Error),
        logger: Some("csp".into()),
        platform: Some("javascript".into()),
        logentry: Some(LogEntry {
            formatted: Some(csp_message(&directive, &blocked, &document).into()),
            ..LogEntry::default()
        }),
        ..Event::default()
    };
    event.tags.set("effective-directive", directive);
    let source = without_query(&blocked);
    if !source.is_empty() {
        event.tags.set("blocked-uri", source.to_owned());
    }
    let mut request = if document.is_empty() { Request::default() } else { Request::to(document) };
    if let Some(referrer) = text(&csp, "referrer").filter(|referrer| !referrer.is_empty()) {
        request.headers.push(("Referer".into(), referrer.into()));
    }
    event.request = Some(request).filter(|request| *request != Request::default());
    event.csp = Some(Json::Object(csp));
    Some(event)
}

fn certificate_event<'a>(title: &str, logger: &'static str, report: Object<'a>) -> Event<'a> {
    let text = |name: &str| member(&report, name).and_then(|value| value.clone().into_text());
    let host = text("hostname").unwrap_or_else(|| "unknown host".into());
    let message = format!("{title} failed for '{host}'");
    let mut event = Event {
        event_type: Some("default".into()),
        level: Some(Level::Error),
        logger: Some(logger.into()),
        logentry: Some(LogEntry { formatted: Some(message.into()), ..LogEntry::default() }),
        ..Event::default()
    };
    event.tags.set("hostname", host.into_owned());
    event.contexts.push((logger.into(), Json::Object(report)));
    event
}

/// Directive names are lower-case words with dashes.
fn is_directive(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

/// What was blocked, as a sentence: the kind of resource and the host it came from.
fn csp_message(directive: &str, blocked: &str, document: &str) -> String {
    let what = directive.strip_suffix("-src").unwrap_or(directive);
    match blocked {
        "inline" | "unsafe-inline" => format!("Blocked inline '{what}'"),
        "eval" | "unsafe-eval" => format!("Blocked unsafe eval() '{what}'"),
        "self" => format!("Blocked '{what}' from 'self'"),
        uri => {
            let source = blocked_source(uri);
            if !source.is_empty() && source == blocked_source(document) {
                return format!("Blocked '{what}' from 'self'");
            }
            format!("Blocked '{what}' from '{source}'")
        }
    }
}

/// The host and port of a URL, or the scheme of one without a host, such as `data:`.
pub fn blocked_source(uri: &str) -> String {
    match url::Url::parse(uri) {
        Ok(url) => match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => format!("{}:", url.scheme()),
        },
        // A host without a scheme, or a keyword.
        Err(_not_absolute) => uri.split(['/', '?', '#']).next().unwrap_or_default().to_owned(),
    }
}

fn without_query(uri: &str) -> &str {
    uri.split(['?', '#']).next().unwrap_or(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, expected: &[(&str, &str)]) {
        let events = read_reports(document).unwrap();
        let said: Vec<_> = events
            .iter()
            .map(|event| {
                let message = event.logentry.as_ref().and_then(|entry| entry.formatted.as_deref());
                let blocked = event.tags.get("blocked-uri").map(|uri| uri.as_ref());
                (message.unwrap_or_default(), blocked.unwrap_or_default())
            })
            .collect();
        assert_eq!(said, expected, "{document}");
    }

    #[test]
    fn both_generations_of_reports_are_read() {
        check(
            r#"{"csp-report": {"document-uri": "https://example.com/page", "referrer": "",
                "violated-directive": "style-src cdn.example.com",
                "effective-directive": "style-src", "original-policy": "default-src 'none'",
                "disposition": "report", "blocked-uri": "https://evil.example/style.css?t=1",
                "status-code": 200}}"#,
            &[("Blocked 'style' from 'evil.example'", "https://evil.example/style.css")],
        );
        check(
            r#"[{"type": "csp-violation", "age": 10, "url": "https://example.com/",
                 "user_agent": "Mozilla/5.0", "body": {"documentURL": "https://example.com/",
                 "blockedURL": "inline", "effectiveDirective": "script-src-elem",
                 "disposition": "enforce", "statusCode": 200}},
                {"type": "deprecation", "body": {"id": "x"}},
                {"type": "csp-violation", "body": {"documentURL": "https://example.com/",
                 "blockedURL": "https://example.com:8443/a.js",
                 "effectiveDirective": "script-src"}}]"#,
            &[
                ("Blocked inline 'script-src-elem'", "inline"),
                ("Blocked 'script' from 'example.com:8443'", "https://example.com:8443/a.js"),
            ],
        );
    }

    #[test]
    fn what_old_browsers_leave_out_is_filled_in() {
        check(
            r#"{"csp-report": {"violated_directive": "img-src https: http:",
                "documentUri": "http://a.example/"}}"#,
            &[("Blocked 'img' from 'self'", "self")],
        );
        check(
            r#"{"csp-report": {"effective-directive": "font-src", "blocked-uri": "data",
                "document-uri": "http://a.example/"}}"#,
            &[("Blocked 'font' from 'data'", "data")],
        );
        check(
            r#"{"csp-report": {"effective-directive": "img-src",
                "blocked-uri": "http://a.example/x.png",
                "document-uri": "http://a.example/"}}"#,
            &[("Blocked 'img' from 'self'", "http://a.example/x.png")],
        );
    }

    #[test]
    fn a_report_is_the_same_event_when_it_is_read_again() {
        let report = r#"{"csp-report": {"effective-directive": "img-src", "blocked-uri": "?x",
            "document-uri": "http://a.example/?page=1"}}"#;
        let event = read_reports(report).unwrap().remove(0);
        let query = &event.request.as_ref().unwrap().query;
        assert_eq!(*query, [("page".into(), "1".into())]);
        let mut writer = crate::json::Writer::new();
        event.write(&mut writer);
        assert_eq!(Event::read(&writer.into_string()).as_ref(), Ok(&event));
    }

    #[test]
    fn certificate_reports_are_events_too() {
        let events = read_reports(
            r#"{"expect-ct-report": {"hostname": "a.example", "port": 443, "failure-mode": "x"}}"#,
        );
        let events = events.unwrap();
        let [event] = events.as_slice() else { panic!("one event") };
        let entry = event.logentry.as_ref().unwrap();
        assert_eq!(entry.formatted.as_deref(), Some("Expect-CT failed for 'a.example'"));
        assert!(event.context("expect-ct").is_some());
    }

    #[test]
    fn what_is_no_report_is_refused() {
        assert_eq!(read_reports("{}").unwrap_err(), NotAReport::Unknown);
        assert_eq!(read_reports("7").unwrap_err(), NotAReport::Unknown);
        assert_eq!(read_reports(r#"{"csp-report": {}}"#).unwrap_err(), NotAReport::Unknown);
        assert_eq!(
            read_reports(r#"{"csp-report": {"effective-directive": "<b>"}}"#).unwrap_err(),
            NotAReport::Unknown
        );
        assert!(matches!(read_reports("{"), Err(NotAReport::Malformed(_))));
        assert_eq!(read_reports("[]").unwrap(), vec![]);
    }
}
