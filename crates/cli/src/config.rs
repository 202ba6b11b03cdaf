//! `mishap config`: what is set, what is wrong with it, and what else could be set.

use std::fmt::{self, Write as _};

use mishap_boot::settings::catalogue::{Group, State};
use mishap_boot::settings::{Effective, Environment, LogSettings, Settings, reference};
use serde::Serialize;

use crate::command::{ConfigCommand, ConfigOptions};
use crate::output::{Output, say, table};

/// What is set.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Configuration {
    settings: Vec<Shown>,
}

/// One setting.
#[derive(Debug, Serialize)]
struct Shown {
    group: &'static str,
    name: String,
    value: String,
    source: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<&'static str>,
    meaning: &'static str,
}

/// What is wrong.
#[derive(Debug, Serialize)]
struct Checked {
    problems: Vec<String>,
    warnings: Vec<String>,
}

pub(crate) fn main(options: &ConfigOptions, output: Output) -> anyhow::Result<()> {
    let mut env = Environment::of_process();
    match options.command {
        Some(ConfigCommand::Reference) => {
            say(&reference());
            return Ok(());
        }
        None if options.check => {}
        None => {
            let settings = mishap_boot::settings::effective(&env);
            let settings = settings.into_iter().map(Shown::from).collect();
            return output.show(&Configuration { settings });
        }
    }
    LogSettings::read(&mut env);
    Settings::read(&mut env);
    match env.check() {
        Ok(warnings) => output.show(&Checked { problems: Vec::new(), warnings }),
        Err(problems) => {
            if output == Output::Json {
                let lines = problems.lines().to_vec();
                output.show(&Checked { problems: lines, warnings: Vec::new() })?;
            }
            Err(problems.into())
        }
    }
}

impl From<Effective> for Shown {
    fn from(effective: Effective) -> Self {
        let Effective { name, value, is_secret: _, source, group, state, meaning } = effective;
        Self {
            group: Group::title(group),
            name,
            value,
            source: source.to_string(),
            state: state.name(),
            waits_for: match state {
                State::Later(with) => Some(with),
                State::Read | State::Ignored => None,
            },
            meaning,
        }
    }
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, group) in
            self.settings.chunk_by(|one, next| one.group == next.group).enumerate()
        {
            let title = group.first().map(|shown| shown.group).unwrap_or_default();
            let space = if place == 0 { "" } else { "\n\n" };
            let rows: Vec<_> = group.iter().map(Shown::row).collect();
            write!(f, "{space}{title}\n{}", indented(&table(&rows)))?;
        }
        Ok(())
    }
}

impl Shown {
    fn row(&self) -> Vec<String> {
        let value = if self.value.is_empty() { "–" } else { self.value.as_str() };
        let mut source = self.source.clone();
        match self.waits_for {
            Some(with) => {
                let _infallible = write!(source, "; waits for {with}");
            }
            None if self.state == "ignored" => source.push_str("; ignored"),
            None => {}
        }
        vec![self.name.clone(), value.to_owned(), source]
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| format!("  {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The settings can be used.")?;
        self.warnings.iter().try_for_each(|warning| write!(f, "\n  {warning}"))
    }
}
