use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mishap_testkit::TestApp;
use sentry::integrations::backtrace::current_stacktrace;
use sentry::protocol::{
    Attachment, Context, EnvelopeItem, Log, LogLevel, MonitorCheckIn, MonitorCheckInStatus, Value,
};
use sentry::{Breadcrumb, Client, ClientOptions, Envelope, Hub, Level, Scope, User};

use super::api::{Shown, expect_outcomes, frames};

/// Runs code under an SDK of its own: other tests run in this process too.
async fn send(app: &TestApp, options: ClientOptions, code: impl FnOnce() + Send + 'static) {
    let options = options
        .dsn(&app.dsn().to_string())
        .release("shop@1.2.3")
        .environment("staging")
        .server_name("till-1");
    tokio::task::spawn_blocking(move || {
        let client = Arc::new(Client::from_config(sentry::apply_defaults(options)));
        let hub = Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::new(Scope::default())));
        Hub::run(hub, code);
        assert!(client.close(Some(Duration::from_secs(60))), "not everything was sent");
    })
    .await
    .unwrap();
}

#[derive(Debug)]
struct EmptyCart;

impl fmt::Display for EmptyCart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cart is empty")
    }
}

impl std::error::Error for EmptyCart {}

#[derive(Debug)]
struct NoReceipt(EmptyCart);

impl fmt::Display for NoReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no receipt")
    }
}

impl std::error::Error for NoReceipt {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn set_scope(scope: &mut Scope) {
    scope.set_user(Some(User {
        id: Some("42".to_owned()),
        email: Some("ana@example.com".to_owned()),
        username: Some("ana".to_owned()),
        ..User::default()
    }));
    scope.set_tag("till", "left");
    scope.set_extra("items", 0.into());
    let order = BTreeMap::from([("number".to_owned(), Value::from(17))]);
    scope.set_context("order", Context::Other(order));
    scope.add_event_processor(|mut event| {
        event.dist = Some("7".into());
        Some(event)
    });
}

fn check_out() {
    let mut event = sentry::event_from_error(&NoReceipt(EmptyCart));
    event.exception.last_mut().unwrap().stacktrace = current_stacktrace();
    sentry::capture_event(event);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_rust_s_sdk_is_shown_as_it_happened() {
    let app = TestApp::start().await;
    let options = ClientOptions::new().in_app_include(["it::", "check_out"]);
    send(&app, options, || {
        sentry::configure_scope(set_scope);
        sentry::add_breadcrumb(Breadcrumb {
            category: Some("cart".to_owned()),
            message: Some("opened the cart".to_owned()),
            level: Level::Info,
            data: [("n".to_owned(), 1.into())].into(),
            ..Breadcrumb::default()
        });
        check_out();
    })
    .await;
    assert_eq!(app.digest().await, 1);
    let shown = Shown::only_issue(&app).await;
    shown.expect_scope();
    assert_eq!(shown.issue["title"], "NoReceipt: no receipt");
    assert_eq!(shown.issue["culprit"], "check_out");
    assert_eq!(shown.event["platform"], "native");
    assert_eq!(shown.event["sdk"]["name"], "sentry.rust");
    assert_eq!(shown.event["contexts"]["rust"]["name"], "rustc");
    assert_eq!(shown.causes(), [("EmptyCart", "the cart is empty"), ("NoReceipt", "no receipt")]);
    let functions: Vec<_> = frames(&shown.exceptions()[1])
        .iter()
        .filter(|frame| frame["inApp"] == true)
        .map(|frame| frame["function"].as_str().unwrap())
        .collect();
    assert_eq!(functions.last(), Some(&"check_out"), "{functions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_item_of_rust_s_sdk_is_counted() {
    let mut app = TestApp::start().await;
    let options = ClientOptions::new().traces_sample_rate(1.0);
    send(&app, options, || {
        sentry::start_session();
        let cart = Attachment {
            buffer: b"two apples".to_vec(),
            filename: "cart.txt".to_owned(),
            content_type: Some("text/plain".to_owned()),
            ty: None,
        };
        sentry::with_scope(
            |scope| scope.add_attachment(cart),
            || sentry::capture_message("look at this cart", Level::Warning),
        );
        let context = sentry::TransactionContext::new("nightly", "task");
        sentry::start_transaction(context).finish();
        Hub::with_active(|hub| {
            let log = Log {
                level: LogLevel::Warn,
                body: "the till is open".to_owned(),
                trace_id: None,
                timestamp: std::time::UNIX_EPOCH,
                severity_number: None,
                attributes: sentry::protocol::Map::new(),
            };
            hub.capture_log(log);
            hub.client().unwrap().send_envelope(check_in());
        });
        sentry::metrics::counter("carts", 3).capture();
        sentry::end_session();
    })
    .await;
    app.digest().await;
    let shown = Shown::only_issue(&app).await;
    assert_eq!(shown.issue["title"], "look at this cart");
    assert_eq!(shown.issue["level"], "warning");
    expect_outcomes(
        &mut app,
        &[
            ("error", "ok", 1),
            ("transaction", "unsupported_item", 1),
            ("attachment", "ok", 1),
            ("session", "unsupported_item", 2),
            ("monitor", "unsupported_item", 1),
            ("log_item", "unsupported_item", 1),
            ("trace_metric", "unsupported_item", 1),
        ],
    )
    .await;
}

fn check_in() -> Envelope {
    EnvelopeItem::MonitorCheckIn(MonitorCheckIn {
        check_in_id: sentry::types::Uuid::from_u128(17),
        monitor_slug: "nightly".to_owned(),
        status: MonitorCheckInStatus::Ok,
        environment: None,
        duration: Some(1.5),
        monitor_config: None,
    })
    .into()
}
