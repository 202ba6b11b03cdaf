use mishap_testkit::{Program, TestDatabase, built_program, free_port};
use tokio::task::block_in_place;

use super::mishap_at;

#[tokio::test(flavor = "multi_thread")]
async fn one_process_takes_an_event_from_an_empty_database_to_readable() {
    let database = TestDatabase::empty().await;
    let port = free_port().to_string();
    let url = format!("http://127.0.0.1:{port}");
    let environment = [
        ("DATABASE_URL", database.url.as_str()),
        ("REDIS_URL", ""),
        ("PORT", port.as_str()),
        ("GLITCHTIP_URL", url.as_str()),
        ("LOG_LEVEL", "error"),
    ];
    let mut served =
        Program::prepare(&built_program("mishap"), &environment).with_arguments(&["serve"]);
    served.spawn();
    block_in_place(|| served.wait_until_ready());

    let mishap = mishap_at(&database, &url);
    let words = ["bootstrap", "--email", "a@example.com", "--org", "O", "--project", "P", "--json"];
    let made = mishap.run(&words).expect(0).json();
    let (dsn, token) = (made["dsn"].as_str().unwrap(), made["token"].as_str().unwrap());
    let from_database = mishap.run(&["smoke", "--json"]).expect(0).json();
    assert_eq!(from_database["event_id"].as_str().unwrap().len(), 32);
    mishap.run(&["smoke", "--dsn", dsn, "--token", token]).expect(0);

    let (_, was_orderly) = block_in_place(|| served.stop());
    assert!(was_orderly);
    assert_eq!(database.number("SELECT count(*) FROM events").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_ends_the_process_with_a_message() {
    let database = TestDatabase::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, probes) = (taken.local_addr().unwrap().port().to_string(), free_port().to_string());
    let environment = [
        ("DATABASE_URL", database.url.as_str()),
        ("REDIS_URL", ""),
        ("PORT", port.as_str()),
        ("MISHAP_LISTEN", "127.0.0.1"),
        ("MISHAP_WEB_METRICS_PORT", probes.as_str()),
        ("LOG_LEVEL", "error"),
    ];
    let said = mishap_testkit::Typed::new("mishap", &environment).run(&["serve"]).expect(1);
    assert!(said.err.contains("in use"), "{}", said.err);
}
