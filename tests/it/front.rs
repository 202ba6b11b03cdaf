//! What holds for every request and every answer, whatever is asked for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod bodies;
mod cors;
mod errors;
mod headers;
mod hosts;
mod methods;
mod mount;
mod paths;
mod reference;
mod spellings;

use mishap_testkit::{Answer, Client, Options, TestApp};
use reqwest::Method;

/// The product as an operator set it up.
async fn with_settings(settings: &[(&'static str, &'static str)]) -> TestApp {
    TestApp::start_with(Options { settings: settings.to_vec(), ..Options::default() }).await
}

/// Asks for a path with headers.
async fn ask(client: &Client, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = client.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request).await
}

/// `GET`s a path with headers.
async fn get(client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(client, Method::GET, path, headers).await
}
