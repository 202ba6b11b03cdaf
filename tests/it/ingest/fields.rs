//! Checklist: "each alias in 2.2; each field failure isolated; errors kept and exposed by the event
//! API; level aliases; headers list forms; values three forms; logentry four forms".

use mishap_testkit::TestApp;
use mishap_testkit::builders::{EnvelopeBuilder, event_id};
use serde_json::{Value, json};

/// What is sent, and what is stored then, by JSON pointer; null for what is not there.
pub(super) type Row = (Value, Vec<(&'static str, Value)>);

/// Sends events and checks what is stored of each.
pub(super) async fn check(app: &TestApp, rows: impl IntoIterator<Item = Row>) {
    let mut sent = Vec::new();
    for (event, expected) in rows {
        let id = event_id();
        let body = EnvelopeBuilder::of(&id).event(&event).build();
        app.send_envelope(body).await.expect(200);
        sent.push((id, event, expected));
    }
    app.digest().await;
    for (id, event, expected) in sent {
        let stored = app.stored_event(&id).await;
        for (pointer, value) in expected {
            let found = stored.pointer(pointer).unwrap_or(&Value::Null);
            assert_eq!(*found, value, "{pointer} of {event} in {stored}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_level_is_one_of_six() {
    let app = TestApp::start().await;
    let rows = [
        (json!("fatal"), "fatal"),
        (json!("error"), "error"),
        (json!("warning"), "warning"),
        (json!("info"), "info"),
        (json!("debug"), "debug"),
        (json!("sample"), "sample"),
        (json!("WARN"), "warning"),
        (json!("Warning"), "warning"),
        (json!("ERROR"), "error"),
        (json!("err"), "error"),
        (json!("log"), "info"),
        (json!("notice"), "info"),
        (json!("trace"), "debug"),
        (json!("critical"), "fatal"),
        (json!("crit"), "fatal"),
        (json!("alert"), "fatal"),
        (json!("emergency"), "fatal"),
        (json!(10), "debug"),
        (json!(20), "info"),
        (json!(30), "warning"),
        (json!(40), "error"),
        (json!(50), "fatal"),
        (json!("40"), "error"),
        (json!(null), "error"),
        (json!("loud"), "error"),
        (json!(7), "error"),
        (json!([]), "error"),
    ];
    let row = |(said, level): (Value, &str)| {
        (json!({ "level": said, "message": "m" }), vec![("/level", json!(level))])
    };
    check(&app, rows.map(row)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_understood_in_each_of_its_forms() {
    let app = TestApp::start().await;
    let formatted = "/logentry/formatted";
    check(
        &app,
        [
            (json!({ "message": "text" }), vec![(formatted, json!("text"))]),
            (json!({ "logentry": "text" }), vec![(formatted, json!("text"))]),
            (json!({ "logentry": { "formatted": "text" } }), vec![(formatted, json!("text"))]),
            (
                json!({ "sentry.interfaces.Message": { "message": "text" } }),
                vec![(formatted, json!("text")), ("/title", json!("text"))],
            ),
            (
                json!({ "logentry": { "message": "user %s has %d items", "params": ["bob", 3] } }),
                vec![
                    (formatted, json!("user bob has 3 items")),
                    ("/logentry/message", json!("user %s has %d items")),
                    ("/logentry/params", json!(["bob", 3])),
                ],
            ),
            (
                json!({ "logentry": { "message": "user %(name)s", "params": { "name": "bob" } } }),
                vec![(formatted, json!("user bob"))],
            ),
            (
                json!({ "logentry": { "message": "user {name}", "params": { "name": "bob" } } }),
                vec![(formatted, json!("user bob"))],
            ),
            (
                json!({ "logentry": { "message": "100%! {x}", "params": ["a"] } }),
                vec![(formatted, json!("100%! {x}"))],
            ),
            (json!({ "message": false }), vec![("/logentry", Value::Null)]),
            (json!({ "message": { "a": [1] } }), vec![("/logentry", Value::Null)]),
            (json!({ "message": 5 }), vec![(formatted, json!("5"))]),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_a_list_in_a_wrapper_a_bare_list_or_a_single_one() {
    let app = TestApp::start().await;
    let first = |name: &'static str, pointer: &'static str, entry: Value, value: &'static str| {
        let found = vec![(pointer, json!(value))];
        [
            (json!({ name: { "values": [entry] } }), found.clone()),
            (json!({ name: [entry] }), found.clone()),
            (json!({ name: [null, entry] }), found.clone()),
            (json!({ name: entry }), found),
        ]
    };
    let exception = json!({ "type": "E", "value": "v" });
    check(&app, first("exception", "/exception/values/0/type", exception.clone(), "E")).await;
    let old = "sentry.interfaces.Exception";
    check(&app, first(old, "/exception/values/0/type", exception, "E")).await;
    let crumb = json!({ "message": "m" });
    check(&app, first("breadcrumbs", "/breadcrumbs/values/0/message", crumb.clone(), "m")).await;
    let old = "sentry.interfaces.Breadcrumbs";
    check(&app, first(old, "/breadcrumbs/values/0/message", crumb, "m")).await;
    let thread = json!({ "id": "7", "name": "main" });
    check(&app, first("threads", "/threads/values/0/name", thread, "main")).await;
    check(
        &app,
        [
            (json!({ "exception": { "values": [] } }), vec![("/exception", Value::Null)]),
            (json!({ "exception": {} }), vec![("/exception", Value::Null)]),
            (json!({ "exception": null }), vec![("/exception", Value::Null)]),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_names_of_attributes_still_count() {
    let app = TestApp::start().await;
    check(
        &app,
        [
            (json!({ "culprit": "/cart" }), vec![("/transaction", json!("/cart"))]),
            (
                json!({ "culprit": "/old", "transaction": "/cart" }),
                vec![("/transaction", json!("/cart"))],
            ),
            (json!({ "sentry.interfaces.User": { "id": 7 } }), vec![("/user/id", json!("7"))]),
            (
                json!({ "sentry.interfaces.Http": { "url": "http://example.com/" } }),
                vec![("/request/url", json!("http://example.com/"))],
            ),
            (
                json!({ "sentry.interfaces.Contexts": { "os": { "name": "Linux" } } }),
                vec![("/contexts/os/name", json!("Linux")), ("/contexts/os/type", json!("os"))],
            ),
            (
                json!({ "sentry.interfaces.Stacktrace": { "frames": [{ "function": "f" }] } }),
                vec![("/stacktrace/frames/0/function", json!("f"))],
            ),
            (
                json!({ "sentry.interfaces.Threads": { "values": [{ "id": 1 }] } }),
                vec![("/threads/values/0/id", json!(1))],
            ),
            (
                json!({ "sdk_info": { "name": "a", "version": "1" } }),
                vec![("/sdk/name", json!("a"))],
            ),
            (
                json!({ "breadcrumbs": [{ "ty": "http", "message": "m" }] }),
                vec![("/breadcrumbs/values/0/type", json!("http"))],
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attribute_comes_back() {
    let app = TestApp::start().await;
    let mut event = json!({
        "platform": "python", "logger": "shop.cart", "release": "shop@1.2", "dist": "7",
        "environment": "prod", "server_name": "web-1", "site": "eu", "transaction": "/cart",
        "transaction_info": { "source": "route" }, "fingerprint": ["a", "{{ default }}"],
        "modules": { "django": "5.0" }, "extra": { "cart": [1, 2] },
        "debug_meta": { "images": [{ "type": "elf", "code_file": "a.so" }] },
        "template": { "filename": "cart.html", "lineno": 7 },
        "_meta": { "extra": { "": { "len": 7 } } }, "brand_new": { "a": 1 },
    });
    let whole: Vec<(&'static str, Value)> = [
        "/platform",
        "/logger",
        "/release",
        "/dist",
        "/environment",
        "/server_name",
        "/site",
        "/transaction",
        "/transaction_info",
        "/fingerprint",
        "/modules",
        "/extra",
        "/debug_meta",
        "/template",
        "/_meta",
        "/brand_new",
    ]
    .map(|pointer| (pointer, event.pointer(pointer).unwrap().clone()))
    .into();
    // What the server says itself.
    event["received"] = json!(1);
    event["project"] = json!("x");
    check(&app, [(event, whole), (json!({}), vec![("/platform", json!("other"))])]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_makes_no_sense_costs_only_itself_and_is_noted() {
    let app = TestApp::start().await;
    let rows = [
        ("user", json!("bob"), "user"),
        ("request", json!(7), "request"),
        ("release", json!({}), "release"),
        ("environment", json!([]), "environment"),
        ("server_name", json!({}), "server_name"),
        ("level", json!("loud"), "level"),
        ("timestamp", json!("soon"), "timestamp"),
        ("fingerprint", json!({ "a": 1 }), "fingerprint"),
        ("tags", json!("a=b"), "tags"),
        ("tags", json!([["a", "b", "c"]]), "tags"),
        ("extra", json!("text"), "extra"),
        ("contexts", json!(7), "contexts"),
        ("sdk", json!("python"), "sdk"),
        ("modules", json!(true), "modules"),
        ("exception", json!("E"), "exception"),
        ("exception", json!({ "values": ["E"] }), "exception.0"),
        ("breadcrumbs", json!([7]), "breadcrumbs.0"),
        ("threads", json!(7), "threads"),
        ("stacktrace", json!([]), "stacktrace"),
        ("logentry", json!({ "message": "a", "params": 7 }), "logentry.params"),
    ];
    let row = |(name, odd, path): (&str, Value, &'static str)| {
        let mut event = json!({ "logger": "survives" });
        event[name] = odd;
        let expected = vec![
            ("/logger", json!("survives")),
            ("/errors/0/type", json!("invalid_data")),
            ("/errors/0/name", json!(path)),
        ];
        (event, expected)
    };
    check(&app, rows.map(row)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_api_shows_what_could_not_be_understood() {
    let app = TestApp::start().await;
    let id = event_id();
    let event = json!({ "user": "bob", "errors": [{ "type": "js_no_source", "url": "x" }] });
    app.send_envelope(EnvelopeBuilder::of(&id).event(&event).build()).await.expect(200);
    app.digest().await;
    let errors = app.shown_event(&id).await["errors"].clone();
    assert_eq!(errors[0]["type"], "js_no_source");
    assert_eq!(errors[1]["type"], "invalid_data");
    assert_eq!(errors[1]["name"], "user");
    assert_eq!(errors[1]["value"], "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_breadcrumb_does_not_cost_the_others_and_the_last_hundred_stay() {
    let app = TestApp::start().await;
    let many: Vec<Value> = (0..130).map(|n| json!({ "message": n.to_string() })).collect();
    check(
        &app,
        [
            (
                json!({ "breadcrumbs": [{ "message": "a", "data": "text" }, 7, { "message": "b" }] }),
                vec![
                    ("/breadcrumbs/values/0/data/value", json!("text")),
                    ("/breadcrumbs/values/1/message", json!("b")),
                ],
            ),
            (
                json!({ "breadcrumbs": many }),
                vec![
                    ("/breadcrumbs/values/0/message", json!("30")),
                    ("/breadcrumbs/values/99/message", json!("129")),
                    ("/breadcrumbs/values/100", Value::Null),
                ],
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_query_and_cookies_are_understood_in_each_of_their_forms() {
    let app = TestApp::start().await;
    let header = vec![("/request/headers/0", json!(["Accept-Language", "de,en"]))];
    let query = vec![("/request/query_string", json!([["a", "1"], ["b", ""]]))];
    let request = |name: &str, value: Value| json!({ "request": { name: value } });
    check(
        &app,
        [
            (request("headers", json!({ "accept-language": "de,en" })), header.clone()),
            (request("headers", json!({ "ACCEPT-LANGUAGE": ["de", "en"] })), header.clone()),
            (request("headers", json!([["Accept-Language", "de,en"]])), header.clone()),
            (request("headers", json!([["accept-language", ["de", "en"]]])), header),
            (
                request("headers", json!({ "A": [] })),
                vec![("/request/headers/0", json!(["A", ""]))],
            ),
            (request("query_string", json!("a=1&b=")), query.clone()),
            (request("query_string", json!("?a=1&b=")), query.clone()),
            (request("query_string", json!({ "a": 1, "b": null })), query.clone()),
            (request("query_string", json!([["a", "1"], ["b", ""]])), query.clone()),
            (request("url", json!("https://example.com/x?a=1&b=#c")), query),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_are_typed_and_invalid_trace_ids_go() {
    let app = TestApp::start().await;
    check(
        &app,
        [
            (
                json!({ "contexts": { "a": null, "b": { "x": 1 }, "c": { "type": "os" } } }),
                vec![
                    ("/contexts/a", Value::Null),
                    ("/contexts/b/type", json!("b")),
                    ("/contexts/c/type", json!("os")),
                ],
            ),
            (
                json!({ "contexts": { "trace": { "trace_id": "x", "span_id": "00f067aa0ba902b7" } } }),
                vec![
                    ("/contexts/trace/trace_id", Value::Null),
                    ("/contexts/trace/span_id", json!("00f067aa0ba902b7")),
                ],
            ),
            (json!({ "contexts": [] }), vec![("/contexts", Value::Null)]),
        ],
    )
    .await;
}
