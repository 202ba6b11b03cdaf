//! Instructions of the pure stages, which a busy machine does not change.
//!
//! The bench calls itself under valgrind, twice for each stage, and takes the difference: what
//! remains is the stage alone.

use std::hint::black_box;
use std::process::{Command, Stdio};

use chrono::DateTime;
use mishap_cli::load::sample_event;
use mishap_core::grouping::GroupingHashes;
use mishap_core::id::EventId;
use mishap_core::normalize::{Circumstances, normalize};
use mishap_core::scrub::{ScrubRules, scrub};
use mishap_protocol::envelope::Envelope;
use mishap_protocol::event::Event;
use mishap_protocol::json::Writer;
use uuid::Uuid;

use crate::table::Table;

/// A step on an event's way that needs nothing but the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Stage {
    /// Finding the items of an envelope.
    Framing,
    /// From JSON to an event.
    Decode,
    /// Limits, defaults, times, tags.
    Normalize,
    /// The hashes of every mechanism.
    Group,
    /// Taking secrets out.
    Scrub,
    /// From an event to JSON.
    Write,
}

const STAGES: [Stage; 6] =
    [Stage::Framing, Stage::Decode, Stage::Normalize, Stage::Group, Stage::Scrub, Stage::Write];

/// Rounds of the longer run.
const ROUNDS: u32 = 100;

/// Runs a stage so often, all stages before it once more each time.
pub(crate) fn run(stage: Stage, rounds: u32) {
    let text = sample_event(7, 3).to_string();
    let envelope = format!(
        "{{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}}\n{{\"type\":\"event\",\"length\":{}}}\n{text}\n",
        text.len()
    );
    let around = Circumstances {
        event_id: EventId(Uuid::from_u128(7)),
        received: DateTime::from_timestamp(1_767_225_600, 0).unwrap(),
        sent_at: None,
        client_ip: None,
        user_agent: None,
    };
    let has = |other: Stage| stage as u8 >= other as u8;
    for _ in 0..rounds {
        let envelope = Envelope::read(black_box(envelope.as_bytes())).unwrap();
        let item = &envelope.items[0];
        if !has(Stage::Decode) {
            black_box(item);
            continue;
        }
        let text = std::str::from_utf8(&item.payload).unwrap();
        let mut event = Event::read(black_box(text)).unwrap();
        if has(Stage::Normalize) {
            normalize(&mut event, &around);
        }
        if has(Stage::Group) {
            black_box(GroupingHashes::of(&event));
        }
        if has(Stage::Scrub) {
            scrub(&mut event, ScrubRules { ip_addresses: true, secrets: true });
        }
        if has(Stage::Write) {
            let mut writer = Writer::with_capacity(text.len());
            event.write(&mut writer);
            black_box(writer.into_string());
        }
        black_box(&event);
    }
}

/// Measures each stage.
pub(crate) fn measure(table: &mut Table) {
    let mut before = 0;
    for stage in STAGES {
        let Some(up_to_here) = instructions(stage) else {
            table.add("instructions of the stages", "valgrind is not installed", "", "");
            return;
        };
        let name = format!("{stage:?}").to_lowercase();
        let own = up_to_here.saturating_sub(before);
        table.add(format!("instructions: {name}"), thousands(own), "", "");
        before = up_to_here;
    }
}

/// Instructions of a stage and those before it, for one event.
fn instructions(stage: Stage) -> Option<u64> {
    let one = count(stage, 1)?;
    let many = count(stage, 1 + ROUNDS)?;
    Some((many - one) / u64::from(ROUNDS))
}

fn count(stage: Stage, rounds: u32) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["--stage", &format!("{stage:?}").to_lowercase()])
        .args(["--rounds", &rounds.to_string()])
        .stdout(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find_map(|line| line.split_once("Collected :"))?;
    line.1.trim().parse().ok()
}

/// A number that people can read.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
