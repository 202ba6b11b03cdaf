//! The procedures for those on call are whole, and their commands work.
//!
//! Commands that can run here are run on an installation and must say what the page says. The others are
//! of a closed list and name only what exists. [`drills`] breaks installations and mends them by the book.

mod applied;
mod drills;
mod elsewhere;
mod page;
mod rotation;
mod site;

use std::collections::BTreeSet;
use std::fs;

use self::page::{Page, folder, words};
use self::site::Site;
use super::monitoring::series;
use super::queries::Query;

/// The sections of every page, in order.
const SECTIONS: &[&str] = &[
    "Severity",
    "Impact",
    "Summary",
    "Access",
    "Symptoms",
    "Checks",
    "Mitigation",
    "Verification",
    "Escalation",
    "Links",
];

/// Sections whose parts are numbered.
const NUMBERED: &[&str] = &["Checks", "Mitigation", "Verification"];

/// Every page there must be.
const PAGES: &[&str] = &[
    "backup-restore",
    "beat-leader",
    "data-deletion-request",
    "disk-db-growth",
    "glitchtip-availability",
    "glitchtip-latency",
    "load-testing",
    "mail-or-webhook-delivery",
    "new-instance",
    "postgres-failover",
    "prometheus-failed-to-scrape-glitchtip-web",
    "queue-backlog",
    "quota-abuse",
    "redis-down",
    "secret-rotation",
    "upgrade-rollback",
];

#[test]
fn every_page_has_all_sections_in_order_and_says_something_in_each() {
    let pages = Page::all();
    let names: Vec<_> = pages.iter().map(|page| page.name.as_str()).collect();
    assert_eq!(names, PAGES);
    for page in &pages {
        let title = format!("# {}\n", page.name);
        assert!(page.text.starts_with(&title), "{} is called otherwise", page.name);
        let titles: Vec<_> = page.sections.iter().skip(1).map(|it| it.title.as_str()).collect();
        assert_eq!(titles, SECTIONS, "{}", page.name);
        for title in SECTIONS {
            let (_, rest) = page.text.split_once(&format!("## {title}\n")).unwrap();
            let body = rest.split("\n## ").next().unwrap();
            assert!(body.trim().len() > 5, "{}: {title} is empty", page.name);
        }
        for section in page.sections.iter().filter(|it| NUMBERED.contains(&it.title.as_str())) {
            let numbers: Vec<_> = section.steps.iter().filter_map(|step| step.number).collect();
            let expected: Vec<_> = (1..=numbers.len()).collect();
            assert_eq!(numbers, expected, "{}, {}", page.name, section.title);
            assert!(!numbers.is_empty(), "{}: {} has no steps", page.name, section.title);
        }
    }
}

#[test]
fn the_index_names_every_page_and_no_link_leads_nowhere() {
    let index = fs::read_to_string(folder().join("README.md")).unwrap();
    let texts = Page::all().into_iter().map(|page| (page.name, page.text));
    for (name, text) in texts.chain([("README".to_owned(), index.clone())]) {
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            assert!(folder().join(link).is_file(), "{name} leads to {link}");
        }
    }
    for name in PAGES {
        assert!(index.contains(&format!("[{name}]({name}.md)")), "the index lacks {name}");
    }
}

#[test]
fn no_line_of_a_page_is_too_long() {
    for page in Page::all() {
        let commands: Vec<&String> = page.blocks().flat_map(|block| &block.lines).collect();
        for line in page.text.lines() {
            let is_command = commands.iter().any(|command| command.as_str() == line.trim());
            assert!(is_command || line.chars().count() <= 120, "{}: {line}", page.name);
        }
    }
}

#[test]
fn blocks_are_commands_queries_or_what_commands_say() {
    for page in Page::all() {
        for block in page.blocks() {
            let language = block.language.as_str();
            assert!(["sh", "promql"].contains(&language), "{}: {:?}", page.name, block.lines);
            assert!(!block.lines.is_empty(), "{} has an empty block", page.name);
        }
    }
}

/// The words behind `mishap` in a command, if it is one.
fn mishap_words(line: &str) -> Option<Vec<String>> {
    let words = words(line);
    let place = words.iter().position(|word| word == "mishap")?;
    let is_typed = place == 0 || words.get(place - 1).is_some_and(|word| word == "--");
    is_typed.then(|| words[place + 1..].to_vec())
}

/// A value that a variable could have.
fn example(word: &str) -> String {
    let key = "0123456789abcdef0123456789abcdef";
    let dsn = format!("https://{key}@errors.example.com/1");
    let values = [
        ("$DSN", dsn.as_str()),
        ("$KEY", key),
        ("$PID", "17"),
        ("$ID", "17"),
        ("$EMAIL", "a@example.com"),
        ("$METRICS", "http://127.0.0.1:9091"),
    ];
    let fill = |text: String, (name, value): &(&str, &str)| text.replace(name, value);
    values.iter().fold(word.to_owned(), fill)
}

#[test]
fn every_command_is_understood_or_of_the_closed_list() {
    let mut understood = 0;
    for page in Page::all().into_iter().chain([Page::read("README")]) {
        for line in page.blocks().filter(|it| it.language == "sh").flat_map(|it| &it.lines) {
            if let Some(words) = mishap_words(line) {
                let words: Vec<String> = words.iter().map(|word| example(word)).collect();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                if let Err(wrong) = mishap_cli::check_words(&words) {
                    panic!("{}: {line}: {wrong}", page.name);
                }
                if let Some((place, _)) = line.split_once(" -- mishap ") {
                    elsewhere::check(place)
                        .unwrap_or_else(|wrong| panic!("{}: {wrong}", page.name));
                }
                understood += 1;
            } else if !["pg_dump ", "pg_restore ", "psql "].iter().any(|it| line.starts_with(it)) {
                elsewhere::check(line).unwrap_or_else(|wrong| panic!("{}: {wrong}", page.name));
            }
        }
    }
    assert!(understood > 80, "only {understood} commands were found");
}

/// The names behind each `$` of a line.
fn variables(line: &str) -> impl Iterator<Item = String> {
    let is_part = |letter: &char| letter.is_ascii_uppercase() || *letter == '_';
    line.split('$').skip(1).map(move |rest| rest.chars().take_while(is_part).collect())
}

#[test]
fn every_variable_is_explained_and_every_explained_one_is_used() {
    let index = Page::read("README");
    let rows = index.text.lines().filter(|line| line.starts_with("| `$"));
    let explained = rows.filter_map(|row| row.split('|').nth(1)).flat_map(variables);
    let explained: BTreeSet<String> = explained.collect();
    let mut used = BTreeSet::new();
    for page in Page::all().into_iter().chain([index]) {
        let lines = page.blocks().filter(|it| it.language == "sh").flat_map(|it| &it.lines);
        let (set, typed): (Vec<&String>, Vec<_>) =
            lines.partition(|line| line.starts_with("export ") && page.name != "README");
        let set: Vec<&str> =
            set.iter().filter_map(|line| line.strip_prefix("export ")?.split('=').next()).collect();
        let wanted = typed.into_iter().flat_map(|line| variables(line));
        used.extend(wanted.filter(|name| !set.contains(&name.as_str())));
    }
    assert_eq!(used, explained);
}

/// Follows every page from its top to its end on an installation that is well, each with an
/// organization of its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_run_here_says_what_the_page_says() {
    let mut site = Site::start().await;
    site.make_room().await;
    // A statement that may be cancelled, and is there for the next page as well.
    let mut busy = site.installation.database.connect().await;
    let pid = "SELECT pg_backend_pid()::text AS json";
    let pid = mishap_testkit::sql::texts(&mut busy, pid.to_owned()).await.unwrap();
    site.set("PID", &pid[0]);
    // A user of PostgreSQL that may be replaced.
    site.installation.database.sql("CREATE ROLE former LOGIN").await;
    for (name, value) in [("OWNER", "former"), ("NEW_USER", "latter"), ("NEW", "n3w")] {
        site.set(name, value);
    }
    let endless = "DO $$ BEGIN LOOP
        BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN END;
        END LOOP; END $$";
    let mut running = tokio::task::JoinSet::new();
    running.spawn(async move { mishap_testkit::sql::execute(&mut busy, endless).await });
    for (place, page) in Page::all().iter().enumerate() {
        let name = format!("p{place}");
        let subject = site.installation.database.tenant(&name).await;
        let owner = format!("owner@{name}.example.com");
        // A token that may be deleted.
        let tokens = site.mishap(&["token", "list", "--user", &owner, "--json"]).expect(0).json();
        site.set("ID", &tokens[0]["id"].to_string());
        site.is_about(subject, &owner);
        // The newest has most, so that it stands at the top of every list.
        site.send(5 + 2 * place).await;
        site.installation.until_settled().await;
        for section in &page.sections {
            for step in &section.steps {
                for block in &step.blocks {
                    if let Err(wrong) = site.try_block(block) {
                        panic!("{}, {} {:?}: {wrong}", page.name, section.title, step.number);
                    }
                }
            }
        }
    }
}

#[test]
fn questions_to_prometheus_name_only_what_is_measured() {
    let series = series();
    let mut lost = Vec::new();
    for page in Page::all() {
        for block in page.blocks().filter(|block| block.language == "promql") {
            let query = Query::read(&block.lines.join("\n"));
            let mut unknown = query.unknown(&series);
            unknown.retain(|unknown| !query.nameless.contains(unknown));
            lost.extend(unknown.iter().map(|unknown| format!("{}: {unknown}", page.name)));
        }
    }
    assert_eq!(lost, [""; 0]);
}
