//! Checklist: "streaming decode of five codings, output cap, zip-bomb ratio guard".

use mishap_core::admission::SizeLimits;
use mishap_testkit::builders::{EnvelopeBuilder, envelope, event_id, message_event};
use mishap_testkit::compress::{brotli, gzip, raw_deflate, zlib, zstd};
use mishap_testkit::{Options, TestApp, Wire};

/// How a body is compressed.
type Pack = fn(&[u8]) -> Vec<u8>;

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_is_understood_in_every_coding() {
    let mut app = TestApp::start().await;
    let rows: [(&str, Pack); 17] = [
        ("gzip", gzip),
        ("x-gzip", gzip),
        ("GZip", gzip),
        ("deflate", zlib),
        ("deflate", raw_deflate),
        ("br", brotli),
        ("zstd", zstd),
        ("identity", <[u8]>::to_vec),
        ("", <[u8]>::to_vec),
        ("utf-8", <[u8]>::to_vec),
        ("gzip, zstd", |plain| zstd(&gzip(plain))),
        ("zstd,gzip", |plain| gzip(&zstd(plain))),
        ("gzip, gzip", |plain| gzip(&gzip(plain))),
        ("deflate, br", |plain| brotli(&zlib(plain))),
        ("br, zstd, gzip", |plain| gzip(&zstd(&brotli(plain)))),
        ("gzip, identity", gzip),
        ("identity, gzip", gzip),
    ];
    let mut sent = Vec::new();
    for (coding, pack) in rows {
        let (id, plain) = envelope(&message_event("packed"));
        let headers = [("Content-Encoding", coding)];
        let answer = app.send_to("envelope", &headers, pack(&plain)).await;
        assert_eq!(answer.status, 200, "{coding}: {}", answer.body);
        assert_eq!(answer.json()["id"], id, "{coding}");
        sent.push((coding, id));
    }
    app.digest().await;
    for (coding, id) in sent {
        assert_eq!(app.shown_event(&id).await["title"], "packed", "{coding}");
    }
    assert_eq!(app.settled(17).await, ["error ok 17"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn codings_may_stand_in_several_headers() {
    let app = TestApp::start().await;
    let (id, plain) = envelope(&message_event("hi"));
    let headers = [("Content-Encoding", "gzip"), ("Content-Encoding", "zstd")];
    app.send_to("envelope", &headers, zstd(&gzip(&plain))).await.expect(200);
    app.digest().await;
    assert!(app.has_event(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_codings_than_anybody_needs_are_refused() {
    let mut app = TestApp::start().await;
    let headers = [("Content-Encoding", "gzip, gzip, gzip, gzip")];
    app.send_to("envelope", &headers, "x").await.expect(400);
    assert_eq!(app.settled(1).await, ["default malformed_item 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_what_its_coding_says_is_refused() {
    let mut app = TestApp::start().await;
    let plain = envelope(&message_event("hi")).1;
    for coding in ["gzip", "deflate", "br", "zstd", "gzip, zstd"] {
        let headers = [("Content-Encoding", coding)];
        let answer = app.send_to("envelope", &headers, plain.clone()).await;
        assert_eq!(answer.status, 400, "{coding}: {}", answer.body);
        assert!(answer.json()["detail"].as_str().unwrap().contains("Content-Encoding"));
    }
    assert_eq!(app.settled(5).await, ["default unsupported_encoding 5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_cut_short_keeps_the_whole_items_before_the_cut() {
    let mut app = TestApp::start().await;
    let noise: Vec<u8> =
        (0..60_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut ids = Vec::new();
    for (coding, pack) in
        [("gzip", gzip as Pack), ("deflate", zlib), ("zstd", zstd), ("br", brotli)]
    {
        let id = event_id();
        let plain = EnvelopeBuilder::of(&id)
            .event(&message_event("before the cut"))
            .item("attachment", &noise)
            .build();
        let packed = pack(&plain);
        let cut = &packed[..packed.len() * 3 / 4];
        let answer = app.send_to("envelope", &[("Content-Encoding", coding)], cut).await;
        assert_eq!(answer.status, 200, "{coding}: {}", answer.body);
        ids.push((coding, id));
    }
    app.digest().await;
    for (coding, id) in &ids {
        assert!(app.has_event(id).await, "{coding}");
    }
    assert_eq!(app.settled(8).await, ["error ok 4", "attachment unsupported_encoding 4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn gzip_members_are_joined_and_garbage_behind_them_is_ignored() {
    let app = TestApp::start().await;
    let (id, plain) = envelope(&message_event("in two members"));
    let (front, back) = plain.split_at(plain.len() / 2);
    let mut body = gzip(front);
    body.extend(gzip(back));
    body.extend(b"garbage");
    app.send_to("envelope", &[("Content-Encoding", "gzip")], body).await.expect(200);
    app.digest().await;
    assert_eq!(app.shown_event(&id).await["title"], "in two members");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_chunks_without_a_length_is_read_whole() {
    let app = TestApp::start().await;
    let (id, plain) = envelope(&message_event("in chunks"));
    let mut wire = Wire::connect(&app.url).await;
    let headers = [("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip")];
    wire.write(Wire::post(&app.keyed_path("envelope"), &headers)).await;
    for chunk in gzip(&plain).chunks(7) {
        assert!(wire.write_chunk(chunk).await);
    }
    wire.write_chunk(b"").await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    app.digest().await;
    assert!(app.has_event(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_inflates_to_too_much_is_refused_in_every_coding() {
    let sizes = SizeLimits { inflated: 100_000, ..SizeLimits::default() };
    let mut app = TestApp::start_with(Options { sizes, ..Options::default() }).await;
    let plain = EnvelopeBuilder::of(&event_id()).item("attachment", vec![b' '; 200_000]).build();
    for (coding, pack) in [
        ("gzip", gzip as Pack),
        ("deflate", zlib),
        ("deflate", raw_deflate),
        ("br", brotli),
        ("zstd", zstd),
        ("gzip, zstd", |plain| zstd(&gzip(plain))),
    ] {
        let answer = app.send_to("envelope", &[("Content-Encoding", coding)], pack(&plain)).await;
        assert_eq!(answer.status, 413, "{coding}: {}", answer.body);
    }
    assert_eq!(app.settled(6).await, ["default too_large_decompressed 6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_inflates_beyond_all_reason_is_refused_though_it_is_below_the_limit() {
    let mut app = TestApp::start().await;
    let zeros = EnvelopeBuilder::of(&event_id()).item("profile", vec![0; 32 << 20]).build();
    let answer = app.send_to("envelope", &[("Content-Encoding", "zstd")], zstd(&zeros)).await;
    answer.expect(413);
    // What a program really writes inflates by fifty.
    let line = "INFO shop.cart: added an item to the cart of a customer who is on the way to pay";
    let logs: String = (0..12_000).map(|n| format!("{n} {}\n", line.repeat(10))).collect();
    let logs = EnvelopeBuilder::of(&event_id()).item("profile", logs).build();
    let answer = app.send_to("envelope", &[("Content-Encoding", "gzip")], gzip(&logs)).await;
    answer.expect(200);
    assert_eq!(
        app.settled(2).await,
        ["default too_large_decompressed 1", "profile unsupported_item 1"]
    );
}
