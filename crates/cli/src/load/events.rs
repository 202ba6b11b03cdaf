//! Events as a web shop's backend would send them: 10 to 30 KB, 30 frames with their context,
//! breadcrumbs, contexts, headers, modules.

use mishap_core::random::{Random, SeededRandom};
use serde_json::{Value, json};

/// Frames that are the same for all requests of a kind.
const OUTER_FRAMES: u64 = 20;

/// Frames of a stack that differ from issue to issue.
const INNER_FRAMES: u64 = 10;

/// Ways into the program: kinds of requests and tasks, each with a framework around it.
const ENTRIES: u64 = 5;

/// Lines around that of a frame, on each side, and breadcrumbs: some programs tell little, some a lot.
const SIZES: [(u64, u64); 3] = [(1, 6), (3, 12), (5, 14)];

const NOUNS: [&str; 24] = [
    "order",
    "cart",
    "invoice",
    "payment",
    "session",
    "customer",
    "product",
    "shipment",
    "voucher",
    "address",
    "stock",
    "price",
    "refund",
    "review",
    "search",
    "catalogue",
    "report",
    "basket",
    "account",
    "ticket",
    "message",
    "upload",
    "profile",
    "webhook",
];
const VERBS: [&str; 16] = [
    "load",
    "save",
    "check",
    "parse",
    "render",
    "fetch",
    "merge",
    "apply",
    "cancel",
    "resolve",
    "validate",
    "compute",
    "publish",
    "dispatch",
    "serialize",
    "reserve",
];
const ERRORS: [&str; 12] = [
    "ValueError",
    "KeyError",
    "TypeError",
    "TimeoutError",
    "ConnectionError",
    "IntegrityError",
    "PermissionError",
    "RuntimeError",
    "LookupError",
    "AssertionError",
    "OSError",
    "DecodeError",
];
const LIBRARIES: [&str; 10] = [
    "django",
    "requests",
    "sqlalchemy",
    "celery",
    "urllib3",
    "jinja2",
    "redis",
    "pydantic",
    "boto3",
    "gunicorn",
];

/// Draws numbers, the same ones for the same seed.
pub(super) struct Draw(SeededRandom);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }

    pub(super) fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % bound.max(1)
    }

    fn from<'w>(&self, words: &[&'w str]) -> &'w str {
        let place = usize::try_from(self.below(words.len() as u64)).unwrap_or_default();
        words.get(place).copied().unwrap_or_default()
    }

    pub(super) fn hex(&self, digits: usize) -> String {
        let mut text = String::with_capacity(digits);
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.below(u64::MAX)));
        }
        text.truncate(digits);
        text
    }
}

/// How much an event tells.
struct Shape {
    outer_frames: u64,
    /// Lines around that of a frame, on each side.
    lines: u64,
    breadcrumbs: u64,
}

/// An event of the issue with this number; `variant` tells the issue's events apart.
pub fn sample_event(issue: u64, variant: u64) -> Value {
    let (lines, breadcrumbs) = size_of(issue);
    event(issue, variant, &Shape { outer_frames: OUTER_FRAMES, lines, breadcrumbs })
}

/// A small event of the issue with this number, without what led to it.
pub(super) fn lean_event(issue: u64, variant: u64) -> Value {
    let mut event = event(issue, variant, &Shape { outer_frames: 0, lines: 0, breadcrumbs: 0 });
    if let Some(fields) = event.as_object_mut() {
        fields.remove("breadcrumbs");
    }
    event
}

fn event(issue: u64, variant: u64, shape: &Shape) -> Value {
    let of_issue = Draw::new(issue.wrapping_mul(7919) + 1);
    let of_event = Draw::new((issue << 24) ^ variant.wrapping_mul(104_729) ^ 0x5eed);
    let frames = frames(issue, shape, &of_issue);
    let error = of_issue.from(&ERRORS);
    let noun = of_issue.from(&NOUNS);
    let user = of_event.below(5000);
    json!({
        "timestamp": 1_767_225_600.0_f64,
        "platform": "python",
        "level": "error",
        "server_name": format!("web-{}", of_event.below(12)),
        "release": format!("shop@2.{}.{}", issue % 3, of_event.below(4)),
        "environment": if of_event.below(4) == 0 { "staging" } else { "production" },
        "transaction": format!("/api/{noun}/{{id}}/"),
        "logger": "shop.errors",
        "exception": { "values": [{
            "type": error,
            "module": "builtins",
            "value": format!("cannot {} {noun} {}: code {}", of_issue.from(&VERBS),
                of_event.below(1_000_000), of_event.hex(8)),
            "mechanism": { "type": "django", "handled": false },
            "stacktrace": { "frames": frames },
        }]},
        "breadcrumbs": { "values": breadcrumbs(shape.breadcrumbs, &of_event) },
        "request": {
            "url": format!("https://shop.example.com/api/{noun}/{}/", of_event.below(100_000)),
            "method": "POST",
            "query_string": format!("page={}&sort=newest", of_event.below(40)),
            "headers": {
                "Accept": "application/json", "Accept-Encoding": "gzip, deflate, br",
                "Accept-Language": "en-GB,en;q=0.9", "Content-Type": "application/json",
                "Host": "shop.example.com", "X-Request-Id": of_event.hex(32),
                "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Cookie": "[Filtered]", "X-Forwarded-Proto": "https",
            },
            "data": { "quantity": of_event.below(9), "currency": "EUR", "note": of_event.hex(40) },
            "env": { "SERVER_NAME": "shop.example.com", "SERVER_PORT": "443" },
        },
        "user": {
            "id": user.to_string(), "email": format!("customer{user}@example.com"),
            "ip_address": format!("203.0.113.{}", user % 250),
        },
        "contexts": {
            "runtime": { "name": "CPython", "version": "3.12.4", "build": "3.12.4 (main, Jun  8 2024)" },
            "os": { "name": "Linux", "version": "6.1.0", "kernel_version": "6.1.0-21-amd64" },
            "trace": { "trace_id": of_event.hex(32), "span_id": of_event.hex(16), "op": "http.server" },
            "culture": { "locale": "en_GB", "timezone": "Europe/Berlin" },
        },
        "tags": {
            "region": of_event.from(&["eu-west", "eu-central", "us-east"]),
            "plan": of_event.from(&["free", "team", "enterprise"]),
            "worker": of_event.below(16).to_string(),
        },
        "extra": {
            "sys.argv": ["/srv/shop/manage.py", "runserver"],
            "attempt": of_event.below(5), "queue": "default", "elapsed_ms": of_event.below(4000),
        },
        "modules": modules(),
        "sdk": {
            "name": "sentry.python.django", "version": "2.20.0",
            "integrations": ["django", "celery", "redis", "logging", "stdlib", "threading"],
            "packages": [{ "name": "pypi:sentry-sdk", "version": "2.20.0" }],
        },
    })
}

/// Lines around that of each frame, and breadcrumbs, of an issue's events.
fn size_of(issue: u64) -> (u64, u64) {
    SIZES.into_iter().cycle().nth((issue % 3) as usize).unwrap_or_default()
}

/// Frames as a program has them: the outer ones are the framework's, the same for all requests of a
/// kind, and the inner ones lead to what went wrong.
fn frames(issue: u64, shape: &Shape, of_issue: &Draw) -> Vec<Value> {
    let lines = shape.lines;
    let entry = Draw::new(of_issue.below(ENTRIES));
    let outer = (0..shape.outer_frames).map(|_| frame(None, lines, &entry));
    let inner = (0..INNER_FRAMES).map(|place| {
        let in_app = place % 2 == 1;
        frame(in_app.then_some(issue), lines, of_issue)
    });
    outer.chain(inner).collect()
}

/// A frame in one of the functions that there are, in the app if it belongs to an issue; its lines are those of the source.
fn frame(issue: Option<u64>, lines: u64, draw: &Draw) -> Value {
    let in_app = issue.is_some();
    let (noun, verb) = (draw.from(&NOUNS), draw.from(&VERBS));
    let library = draw.from(&LIBRARIES);
    let (module, path) = if in_app {
        (format!("shop.{noun}.service"), format!("shop/{noun}/service.py"))
    } else {
        (format!("{library}.{noun}"), format!("{library}/{noun}.py"))
    };
    let root = if in_app { "/srv/shop" } else { "/usr/lib/python3.12/site-packages" };
    let name = format!("{module}.{verb}");
    let source = Draw::new(name.bytes().fold(7, |sum, byte| sum * 31 % 65_521 + u64::from(byte)));
    let lineno = 20 + source.below(400);
    let line = |_place| {
        let (result, step, argument) =
            (source.from(&NOUNS), source.from(&VERBS), source.from(&NOUNS));
        match source.below(4) {
            0 => format!("        if not {result}.can_{step}({argument}):"),
            1 => format!(
                "            raise {}(\"{result} without {argument}\")",
                source.from(&ERRORS)
            ),
            2 => format!("        {result} = self.{step}_{argument}({argument})"),
            _ => format!("        log.debug(\"{step} %s\", {result})"),
        }
    };
    let source: Vec<String> = (0..10).map(line).collect();
    let (before, after) = source.split_at(5);
    let count = usize::try_from(lines).unwrap_or_default().min(5);
    let (before, after) = (before.get(5 - count..), after.get(..count));
    let function = match issue {
        Some(issue) => format!("{verb}_{noun}_{issue}"),
        None => format!("{verb}_{noun}"),
    };
    json!({
        "function": function,
        "module": module,
        "filename": path,
        "abs_path": format!("{root}/{path}"),
        "lineno": lineno,
        "in_app": in_app,
        "pre_context": before,
        "context_line": format!("        return self.{verb}_{noun}(request)"),
        "post_context": after,
        "vars": if in_app {
            json!({ "request": "<WSGIRequest: POST '/api/'>", "self": format!("<{noun} service>"),
                "strict": "True", "limit": draw.below(100).to_string() })
        } else {
            Value::Null
        },
    })
}

fn breadcrumbs(count: u64, draw: &Draw) -> Vec<Value> {
    let crumb = |place: u64| {
        let noun = draw.from(&NOUNS);
        match place % 3 {
            0 => json!({
                "timestamp": 1_767_225_500.0_f64, "type": "http", "category": "httplib", "level": "info",
                "data": { "url": format!("http://{noun}.internal/v1/{}", draw.below(10_000)),
                    "method": "GET", "status_code": 200, "reason": "OK" },
            }),
            1 => json!({
                "timestamp": 1_767_225_550.0_f64, "category": "query", "level": "info",
                "message": format!("SELECT * FROM shop_{noun} WHERE id = %s AND state = %s LIMIT {}",
                    draw.below(50)),
            }),
            _ => json!({
                "timestamp": 1_767_225_580.0_f64, "category": "shop.log", "level": "warning",
                "message": format!("{noun} {} took {} ms", draw.below(100_000), draw.below(900)),
            }),
        }
    };
    (0..count).map(crumb).collect()
}

/// A statement of SQL of about so many bytes.
pub(super) fn statement(draw: &Draw, bytes: usize) -> String {
    let mut text = format!("SELECT * FROM shop_{} WHERE id = %s", draw.from(&NOUNS));
    while text.len() < bytes {
        let (left, right) = (draw.from(&NOUNS), draw.from(&VERBS));
        text.push_str(&format!(" AND {left}_{right} <> {}", draw.below(1_000_000)));
    }
    text
}

/// A line of a log.
pub(super) fn log_line(draw: &Draw) -> String {
    let (module, noun, verb) = (draw.from(&LIBRARIES), draw.from(&NOUNS), draw.from(&VERBS));
    let (time, number) = (draw.below(86_400_000), draw.below(1_000_000_000));
    format!("{time:08} INFO {module}.{noun}: {verb} {noun} {number:x} in {} ms\n", number % 977)
}

fn modules() -> Value {
    let module = |(place, name): (usize, &&str)| {
        ((*name).to_owned(), json!(format!("{}.4.{place}", place + 1)))
    };
    Value::Object(LIBRARIES.iter().chain(&NOUNS).enumerate().map(module).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_10_to_30_kilobytes() {
        let sizes: Vec<_> = (0..30).map(|issue| sample_event(issue, 0).to_string().len()).collect();
        assert!(sizes.iter().all(|size| (10_000..30_000).contains(size)), "{sizes:?}");
        let average = sizes.iter().sum::<usize>() / sizes.len();
        assert!((19_000..22_000).contains(&average), "{average}");
    }

    #[test]
    fn a_lean_event_tells_what_went_wrong_and_not_what_led_to_it() {
        let event = lean_event(3, 4);
        assert!(event.to_string().len() < 8000, "{}", event.to_string().len());
        assert_eq!(
            event["exception"]["values"][0]["type"],
            sample_event(3, 4)["exception"]["values"][0]["type"]
        );
        assert!(event.get("breadcrumbs").is_none());
    }

    #[test]
    fn events_of_an_issue_differ_and_are_the_same_each_time() {
        assert_eq!(sample_event(3, 4), sample_event(3, 4));
        assert_ne!(sample_event(3, 4), sample_event(3, 5));
        assert_ne!(sample_event(3, 4), sample_event(4, 4));
    }
}
