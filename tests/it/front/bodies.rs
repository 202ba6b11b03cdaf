//! Bodies that clients compress.

use mishap_testkit::compress::{brotli, gzip, raw_deflate, zlib};
use mishap_testkit::{Answer, Client, Options, TestApp};
use mishap_web::config::AccountRules;
use serde_json::json;

use super::with_settings;

const PATH: &str = "/api/0/organizations/shop-org/";

async fn rename(client: &Client, coding: &str, body: Vec<u8>) -> Answer {
    let request = client.request(reqwest::Method::PUT, PATH).header("Content-Encoding", coding);
    Answer::of(request.body(body)).await
}

fn name(name: &str) -> Vec<u8> {
    json!({ "name": name }).to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_read_like_any_other() {
    let app = TestApp::start().await;
    for (coding, body) in [
        ("gzip", gzip(&name("gzip"))),
        ("GZIP", gzip(&name("GZIP"))),
        ("deflate", zlib(&name("deflate"))),
        ("deflate", raw_deflate(&name("deflate"))),
        ("br", brotli(&name("br"))),
        ("deflate, gzip", gzip(&zlib(&name("deflate, gzip")))),
        ("identity", name("identity")),
    ] {
        let answer = rename(&app.owner(), coding, body).await.expect(200);
        assert_eq!(answer.json()["name"], coding);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_that_cannot_be_read_is_refused() {
    let app = TestApp::start().await;
    let whole = gzip(&name("cut"));
    for (coding, body) in [
        ("gzip", name("plain")),
        ("gzip", whole[..whole.len() - 9].to_vec()),
        ("br", b"nonsense".to_vec()),
        ("gzip", Vec::new()),
    ] {
        let answer = rename(&app.owner(), coding, body).await.expect(400);
        assert_eq!(answer.json(), json!({ "detail": "Cannot parse request body" }), "{coding}");
    }
    let many = "gzip, gzip, gzip, gzip";
    rename(&app.owner(), many, whole).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_is_refused_and_so_is_what_the_operator_finds_too_large() {
    let app = TestApp::start().await;
    let bomb = gzip(&vec![b' '; 64 << 20]);
    let answer = rename(&app.owner(), "gzip", bomb).await.expect(413);
    assert_eq!(answer.json(), json!({ "detail": "Request body is too large" }));

    let app = with_settings(&[("GLITCHTIP_MAX_UNZIPPED_PAYLOAD_SIZE", "100")]).await;
    rename(&app.owner(), "gzip", gzip(&name(&"x".repeat(80)))).await.expect(200);
    rename(&app.owner(), "gzip", gzip(&name(&"x".repeat(120)))).await.expect(413);
    // Only what is inflated is measured by it.
    rename(&app.owner(), "identity", name(&"x".repeat(120))).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_read_by_every_endpoint() {
    let accounts = AccountRules { makes_organizations: true, ..AccountRules::default() };
    let app = TestApp::start_with(Options { accounts, ..Options::default() }).await;
    let headers = [("Content-Encoding", "br")];
    let made = app.owner().send("/api/0/organizations/", &headers, brotli(&name("new"))).await;
    assert_eq!(made.expect(201).json()["name"], "new");
}
