//! Keeps secrets and, where the project wants it, addresses out of what is stored.
//!
//! Values are replaced by [`FILTERED`] where their key sounds like a secret, and wherever they look
//! like one: payment card numbers (with a valid check digit) and private keys. Names of modules,
//! debug images and the SDK itself are left alone.

mod keys;
mod values;

use std::borrow::Cow;
use std::net::IpAddr;

use mishap_protocol::event::{Event, Text, percent_decoded_pairs};
use mishap_protocol::json::{Json, Object};

pub use self::keys::is_secret_key;
use self::values::scrub_text;

/// What stands in place of a secret.
pub const FILTERED: &str = "[Filtered]";

/// What a project wants scrubbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScrubRules {
    /// Secrets by key and by look.
    pub secrets: bool,
    /// The users' addresses: the last part goes.
    pub ip_addresses: bool,
}

/// Scrubs an event in place.
pub fn scrub(event: &mut Event<'_>, rules: ScrubRules) {
    if rules.ip_addresses {
        scrub_addresses(event);
    }
    if rules.secrets {
        scrub_secrets(event);
    }
}

/// An address without the part that tells one person from another: IPv4 keeps three bytes, IPv6
/// six. Nothing for an address that is not routed in the internet (GlitchTip).
pub fn anonymized(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let is_local = v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast();
            (!is_local).then(|| IpAddr::from([a, b, c, 0]))
        }
        IpAddr::V6(v6) => {
            if let Some(v4) = v6.to_ipv4_mapped() {
                return anonymized(v4.into());
            }
            let [a, b, c, ..] = v6.segments();
            let is_local = v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local();
            (!is_local).then(|| IpAddr::from([a, b, c, 0, 0, 0, 0, 0]))
        }
    }
}

fn scrub_addresses(event: &mut Event<'_>) {
    if let Some(user) = &mut event.user {
        let address = user.ip_address.take().and_then(|text| text.parse().ok());
        user.ip_address = address.and_then(anonymized).map(|ip| ip.to_string().into());
        user.other.retain(|(key, _)| key != "geo");
    }
    if let Some(request) = &mut event.request {
        request.env.retain(|(key, _)| !is_address_variable(key));
        request.headers.retain(|(name, _)| !is_address_header(name));
    }
    event.user = event.user.take().filter(|user| !user.is_empty());
}

fn is_address_variable(name: &str) -> bool {
    matches!(name, "REMOTE_ADDR" | "HTTP_X_FORWARDED_FOR" | "HTTP_X_REAL_IP" | "HTTP_FORWARDED")
}

fn is_address_header(name: &str) -> bool {
    [
        "X-Forwarded-For",
        "X-Real-Ip",
        "Forwarded",
        "X-Client-Ip",
        "X-Cluster-Client-Ip",
        "Cf-Connecting-Ip",
        "True-Client-Ip",
        "Fastly-Client-Ip",
    ]
    .iter()
    .any(|header| name.eq_ignore_ascii_case(header))
}

fn scrub_secrets(event: &mut Event<'_>) {
    let Event {
        logentry,
        exceptions,
        stacktrace,
        threads,
        breadcrumbs,
        request,
        user,
        contexts,
        tags,
        extra,
        transaction,
        template,
        csp,
        other,
        errors,
        // Names and versions of programs, chosen by programmers.
        event_id: _,
        event_type: _,
        timestamp: _,
        level: _,
        platform: _,
        logger: _,
        modules: _,
        sdk: _,
        release: _,
        dist: _,
        environment: _,
        server_name: _,
        site: _,
        transaction_info: _,
        fingerprint: _,
        debug_meta: _,
        meta: _,
    } = event;
    if let Some(entry) = logentry {
        scrub_field(&mut entry.formatted);
        if let Some(params) = &mut entry.params {
            scrub_json(params);
        }
    }
    for exception in exceptions.iter_mut() {
        scrub_field(&mut exception.value);
        scrub_members(&mut exception.mechanism);
    }
    let traces = exceptions
        .iter_mut()
        .flat_map(|exception| [exception.stacktrace.as_mut(), exception.raw_stacktrace.as_mut()])
        .chain(std::iter::once(stacktrace.as_mut()))
        .chain(threads.iter_mut().map(|thread| thread.stacktrace.as_mut()))
        .flatten();
    for trace in traces {
        for frame in &mut trace.frames {
            scrub_members(&mut frame.vars);
        }
    }
    for crumb in breadcrumbs {
        scrub_field(&mut crumb.message);
        scrub_members(&mut crumb.data);
    }
    if let Some(request) = request {
        scrub_field(&mut request.url);
        scrub_url(&mut request.url);
        for pairs in [&mut request.query, &mut request.headers] {
            for (key, value) in pairs {
                if is_secret_key(key) {
                    *value = FILTERED.into();
                } else {
                    scrub_text(value);
                }
            }
        }
        for (_, value) in &mut request.cookies {
            *value = FILTERED.into();
        }
        if let Some(data) = &mut request.data {
            scrub_body(data);
        }
        scrub_members(&mut request.env);
        scrub_members(&mut request.other);
    }
    if let Some(user) = user {
        scrub_members(&mut user.other);
    }
    for (_, context) in contexts {
        // The name of a context is no key: a context called `session` holds no secret by itself.
        scrub_json(context);
    }
    for (key, value) in tags.iter_mut() {
        if is_secret_key(key) {
            *value = FILTERED.into();
        } else {
            scrub_text(value);
        }
    }
    scrub_members(extra);
    scrub_members(other);
    scrub_url(transaction);
    for value in [template, csp].into_iter().flatten() {
        scrub_json(value);
    }
    for error in errors {
        if let Some(value) = &mut error.value {
            let is_secret = error.name.as_deref().is_some_and(is_secret_path);
            if is_secret {
                *value = FILTERED.into();
            } else {
                scrub_json(value);
            }
        }
    }
}

fn is_secret_path(path: &str) -> bool {
    path.split('.').any(is_secret_key)
}

fn scrub_field(field: &mut Option<Text<'_>>) {
    if let Some(text) = field {
        scrub_text(text);
    }
}

fn scrub_members(members: &mut Object<'_>) {
    for (key, value) in members {
        if is_secret_key(key) {
            if !value.is_null() {
                *value = FILTERED.into();
            }
        } else {
            scrub_json(value);
        }
    }
}

fn scrub_json(value: &mut Json<'_>) {
    match value {
        Json::Null | Json::Bool(_) | Json::Decimal(_) => {}
        Json::Integer(number) => {
            let mut digits = Cow::Owned(number.to_string());
            if scrub_text(&mut digits) {
                *value = FILTERED.into();
            }
        }
        Json::String(text) => {
            scrub_text(text);
        }
        Json::Array(items) => {
            // Headers and the like travel as pairs.
            if let [Json::String(key), second] = items.as_mut_slice()
                && is_secret_key(key)
                && !matches!(second, Json::Null)
            {
                *second = FILTERED.into();
                return;
            }
            for item in items {
                scrub_json(item);
            }
        }
        Json::Object(members) => scrub_members(members),
    }
}

/// A request's body may be a form or JSON inside a text.
fn scrub_body(data: &mut Json<'_>) {
    let Json::String(text) = data else {
        scrub_json(data);
        return;
    };
    if text.starts_with(['{', '[']) {
        let mut reader = mishap_protocol::json::Reader::new(text);
        if let Ok(mut inner) = reader.value()
            && reader.end().is_ok()
        {
            scrub_json(&mut inner);
            *data = Json::String(inner.to_string().into());
            return;
        }
    }
    if let Some(scrubbed) = scrubbed_query(text) {
        *text = scrubbed.into();
    }
    scrub_text(text);
}

/// Filters secret parameters in a URL's query, and a password in front of its host.
fn scrub_url(field: &mut Option<Text<'_>>) {
    let Some(url) = field else {
        return;
    };
    if let Some((scheme, rest)) = url.split_once("://")
        && let Some((credentials, host)) = rest.split_once('@')
        && credentials.contains(':')
        && !credentials.contains(['/', '?', '#'])
    {
        let user = credentials.split(':').next().unwrap_or_default();
        *url = format!("{scheme}://{user}:{FILTERED}@{host}").into();
    }
    if let Some((path, query)) = url.split_once('?') {
        let (query, fragment) = match query.split_once('#') {
            Some((query, fragment)) => (query, Some(fragment)),
            None => (query, None),
        };
        if let Some(query) = scrubbed_query(query) {
            let fragment = fragment.map(|text| format!("#{text}")).unwrap_or_default();
            *url = format!("{path}?{query}{fragment}").into();
        }
    }
}

/// The query with its secret parameters filtered; nothing if it has none.
fn scrubbed_query(query: &str) -> Option<String> {
    if !query.contains('=')
        || !percent_decoded_pairs(query).iter().any(|(key, _)| is_secret_key(key))
    {
        return None;
    }
    let parameters = query.split('&').map(|parameter| {
        let name = parameter.split('=').next().unwrap_or_default();
        let is_secret = percent_decoded_pairs(name).iter().any(|(key, _)| is_secret_key(key));
        if is_secret { format!("{name}={FILTERED}") } else { parameter.to_owned() }
    });
    Some(parameters.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests;
