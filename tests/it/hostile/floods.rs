//! More connections than anybody needs.

use mishap_testkit::{Wire, proc};

use super::bombs::Web;

/// As many as a test may open where files are few.
const CONNECTIONS: usize = 400;

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_idle_connections_cost_little_and_hold_nobody_up() {
    let web = Web::start().await;
    let before = proc::peak_memory(web.program.pid());
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        idle.push(Wire::connect(&web.url).await);
    }
    assert_eq!(web.send_one().await, 200);
    // Half of a request is hardly worse than none.
    for wire in &mut idle {
        wire.write("POST /api/1/envelope/ HTTP/1.1\r\nHost: x\r\n").await;
    }
    assert_eq!(web.send_one().await, 200);
    let risen = proc::peak_memory(web.program.pid()).saturating_sub(before);
    assert!(risen < 32 << 20, "{risen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_that_never_end_take_memory_for_a_few_only() {
    let web = Web::start().await;
    let before = proc::peak_memory(web.program.pid());
    let mut unfinished = Vec::new();
    for _ in 0..100 {
        let mut wire = Wire::connect(&web.url).await;
        let headers = [("Transfer-Encoding", "chunked")];
        wire.write(Wire::post(&web.path("envelope"), &headers)).await;
        wire.write_chunk(b"{}\n{\"type\":\"attachment\"}\n").await;
        wire.write_chunk(&vec![b'x'; 2 << 20]).await;
        unfinished.push(wire);
    }
    assert_eq!(web.send_one().await, 200);
    let risen = proc::peak_memory(web.program.pid()).saturating_sub(before);
    // Two hundred megabytes were sent.
    assert!(risen < 160 << 20, "{risen}");
}
