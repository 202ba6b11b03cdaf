//! An installation on which pages are followed: what stands for the cluster.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use mishap_protocol::dsn::Dsn;
use mishap_testkit::builders::{EnvelopeBuilder, event_id, message_event};
use mishap_testkit::{Installation, Program, Said, Tenant};
use tempfile::TempDir;
use tokio::task::block_in_place;
use url::Url;

use super::page::{Block, Page, Step, says, words};

/// How long a page may take to come true on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An installation, and whose trouble a page is about.
pub(super) struct Site {
    pub(super) installation: Installation,
    /// The organization and project that a page is about.
    pub(super) subject: Tenant,
    variables: BTreeMap<&'static str, String>,
    folder: TempDir,
}

impl Site {
    /// Starts an installation with an organization called `shop-org`, which pages are about.
    pub(super) async fn start() -> Self {
        let installation = Installation::start().await;
        let subject = installation.tenant.clone();
        let own = installation.database.tenant("ops").await;
        let variables = BTreeMap::from([
            ("DSN", own.dsn(&installation.url).to_string()),
            ("DATABASE_URL", installation.database.url.clone()),
            ("ADMIN_URL", installation.database.url.clone()),
            ("METRICS", format!("http://127.0.0.1:{}", installation.worker.probes)),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let mut site = Self { installation, subject, variables, folder };
        site.is_about(site.subject.clone(), "owner@shop.example.com");
        site
    }

    /// Says whose trouble the next page is about.
    pub(super) fn is_about(&mut self, subject: Tenant, owner: &str) {
        self.set("ORG", &subject.organization_slug);
        self.set("PROJECT", &subject.project_slug);
        self.set("KEY", &subject.public_key.to_string());
        self.set("EMAIL", owner);
        self.subject = subject;
    }

    /// Gives a variable of the pages another value.
    pub(super) fn set(&mut self, name: &'static str, value: &str) {
        self.variables.insert(name, value.to_owned());
    }

    /// The DSN of what the page is about.
    pub(super) fn dsn(&self) -> Dsn {
        self.subject.dsn(&self.installation.url)
    }

    /// `mishap`, typed beside the worker.
    pub(super) fn mishap(&self, words: &[&str]) -> Said {
        self.installation.worker.beside("mishap").run(words)
    }

    /// Sends so many events to what the page is about; all must be taken.
    pub(super) async fn send(&self, events: usize) {
        let dsn = self.dsn();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        for _ in 0..events {
            let body = EnvelopeBuilder::of(&event_id()).event(&message_event("a drill")).build();
            let request = http.post(dsn.envelope_url());
            let request = request.header("X-Sentry-Auth", dsn.auth_header("drill/1")).body(body);
            assert_eq!(request.send().await.unwrap().status(), 200);
        }
    }

    /// A text with the values of its variables.
    pub(super) fn filled(&self, text: &str) -> String {
        // The longest names first: one may begin like another.
        let mut variables: Vec<_> = self.variables.iter().collect();
        variables.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let fill = |text: String, (name, value): &(&&str, &String)| {
            text.replace(&format!("${name}"), value)
        };
        variables.iter().fold(text.to_owned(), fill)
    }

    /// Runs a command if it can run here; nothing otherwise.
    pub(super) fn run(&self, line: &str) -> Option<Said> {
        let words: Vec<String> = words(line).iter().map(|word| self.filled(word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["oc", "exec", place, "--", "mishap", words @ ..] => {
                Some(self.program(place).beside("mishap").run(words))
            }
            ["mishap", words @ ..] => Some(self.mishap(words)),
            [program @ ("pg_dump" | "pg_restore" | "psql"), words @ ..] => {
                Some(self.postgres(program, words))
            }
            _ => None,
        }
    }

    /// The program that a Deployment runs.
    fn program(&self, place: &str) -> &Program {
        match place {
            "deploy/glitchtip-web" => &self.installation.web,
            "deploy/glitchtip-worker" => &self.installation.worker,
            "deploy/glitchtip-beat" => &self.installation.beat,
            _ => panic!("there is no {place}"),
        }
    }

    fn program_mut(&mut self, place: &str) -> &mut Program {
        match place {
            "deploy/glitchtip-web" => &mut self.installation.web,
            "deploy/glitchtip-worker" => &mut self.installation.worker,
            "deploy/glitchtip-beat" => &mut self.installation.beat,
            _ => panic!("there is no {place}"),
        }
    }

    /// A program of PostgreSQL's, of the server's own version.
    fn postgres(&self, program: &str, words: &[&str]) -> Said {
        let path: PathBuf = self.installation.servers.postgres.bin().join(program);
        let mut command = Command::new(path);
        let output = block_in_place(|| {
            command.args(words).current_dir(self.folder.path()).output().unwrap()
        });
        Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the commands of a block that can run here, and says what was wrong.
    pub(super) fn try_block(&self, block: &Block) -> Result<(), String> {
        let (mut out, mut ran) = (String::new(), false);
        for line in block.lines.iter().filter(|_| block.language == "sh") {
            let Some(said) = self.run(line) else {
                continue;
            };
            // How fast this machine is decides nothing here.
            let is_judged = !line.contains(" mishap load ") || said.out.is_empty();
            if said.code != Some(0) && (is_judged || said.code != Some(1)) {
                return Err(format!("{line}: {:?}: {}{}", said.code, said.out, said.err));
            }
            ran = true;
            out.push_str(&said.out);
        }
        let expected: Vec<_> = block.says.iter().map(|line| self.filled(line)).collect();
        if !ran && !expected.is_empty() {
            return Err(format!("nothing of {:?} runs here, and something is said", block.lines));
        }
        says(&out, &expected).map_err(|wrong| format!("{:?}: {wrong}: {out}", block.lines))
    }

    fn try_step(&self, step: &Step) -> Result<(), String> {
        step.blocks.iter().try_for_each(|block| self.try_block(block))
    }

    /// Follows a step, which must say what the page says.
    #[track_caller]
    pub(super) fn holds(&self, page: &Page, section: &str, number: usize) {
        if let Err(wrong) = self.try_step(page.step(section, number)) {
            panic!("{}, {section} {number}: {wrong}", page.name);
        }
    }

    /// Follows a step, which must not say what the page says: it shows what is wrong.
    #[track_caller]
    pub(super) fn shows_trouble(&self, page: &Page, section: &str, number: usize) -> String {
        match self.try_step(page.step(section, number)) {
            Ok(()) => panic!("{}, {section} {number} does not show it", page.name),
            Err(wrong) => wrong,
        }
    }

    /// Follows a step again and again until it says what the page says.
    pub(super) async fn comes_true(&self, page: &Page, section: &str, number: usize) {
        let began = Instant::now();
        while let Err(wrong) = self.try_step(page.step(section, number)) {
            let waited = began.elapsed();
            assert!(waited < PATIENCE, "{}, {section} {number}: {wrong}", page.name);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Follows a step of the mitigation, restarts and scaling of Deployments included. Every release
    /// is this one.
    pub(super) fn mend(&mut self, page: &Page, number: usize) {
        let step = page.step("Mitigation", number);
        for line in step.blocks.iter().filter(|it| it.language == "sh").flat_map(|it| &it.lines) {
            let words = words(line);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["oc", "rollout", "restart" | "undo", place] => {
                    self.program_mut(place).kill();
                    self.start_program(place);
                }
                ["oc", "annotate", "scaledobject", "glitchtip-worker", paused, "--overwrite"] => {
                    assert!(paused.ends_with("=0"), "{line}");
                    self.installation.worker.kill();
                }
                ["oc", "scale", places @ .., replicas] => {
                    for place in places {
                        self.program_mut(place).kill();
                        if *replicas != "--replicas=0" {
                            self.start_program(place);
                        }
                    }
                }
                _ => {}
            }
        }
        self.holds(page, "Mitigation", number);
    }

    pub(super) fn start_program(&mut self, place: &str) {
        let program = self.program_mut(place);
        program.spawn();
        block_in_place(|| program.wait_until_ready());
    }

    /// Makes an empty database to restore to; returns its URL.
    pub(super) async fn make_room(&mut self) -> String {
        let database = &self.installation.database;
        database.sql("CREATE DATABASE restored TEMPLATE template0").await;
        let mut url = Url::parse(&database.url).unwrap();
        url.set_path("restored");
        self.set("RESTORED_URL", url.as_str());
        url.into()
    }

    /// Points the installation at another database, as its secret would.
    pub(super) fn point_at(&mut self, url: &str) {
        let own = [("DATABASE_URL", url)];
        let installation = &mut self.installation;
        installation.web = installation.another("mishap-web", &own);
        installation.worker = installation.another("mishap-worker", &own);
        installation.beat = installation.another("mishap-beat", &own);
    }
}
