//! Reads variables, and remembers what was wrong with them.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use super::catalogue::Setting;

/// The environment of the process, or one made by hand.
#[derive(Debug, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
    problems: Vec<String>,
}

/// What is wrong with the settings, one line each.
#[derive(Debug, thiserror::Error)]
pub struct Problems(Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl Environment {
    /// The environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the process")]
    pub fn of_process() -> Self {
        let pairs = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self { variables: pairs.collect(), problems: Vec::new() }
    }

    /// An environment of these variables.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let pairs = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { variables: pairs.into(), problems: Vec::new() }
    }

    /// Folders of programs, separated by colons.
    pub fn search_path(&self) -> std::ffi::OsString {
        self.variables.get("PATH").cloned().unwrap_or_default().into()
    }

    /// Sets a variable, as if the process had been started with it.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Whether any name of a setting is set.
    pub fn is_set(&self, setting: &Setting) -> bool {
        setting.names.iter().any(|name| {
            self.variables.contains_key(*name)
                || self.variables.contains_key(&format!("{name}_FILE"))
        })
    }

    /// Notes that a setting cannot be used.
    pub fn problem(&mut self, setting: &Setting, what: impl fmt::Display) {
        let set = setting.names.iter().find(|name| self.variables.contains_key(**name));
        let name = set.or(setting.names.first()).copied().unwrap_or_default();
        self.problems.push(format!("{name} {what}"));
    }

    /// Fails if anything was noted.
    pub fn check(self) -> Result<(), Problems> {
        if self.problems.is_empty() { Ok(()) } else { Err(Problems(self.problems)) }
    }

    /// The value, or the default.
    pub fn text(&mut self, setting: &Setting) -> String {
        for name in setting.names {
            if let Some(value) = self.value_of(name, setting) {
                return value;
            }
        }
        setting.default.to_owned()
    }

    /// The value, or nothing if it is empty.
    pub fn optional(&mut self, setting: &Setting) -> Option<String> {
        Some(self.text(setting)).filter(|value| !value.is_empty())
    }

    /// A truth value as Python's tools spell it: true, on, ok, y, yes, 1 in any case.
    pub fn bool(&mut self, setting: &Setting) -> bool {
        let value = self.text(setting);
        let value = value.trim().to_ascii_lowercase();
        matches!(value.as_str(), "true" | "on" | "ok" | "y" | "yes" | "1")
    }

    /// A whole number.
    pub fn number<N: FromStr>(&mut self, setting: &Setting) -> N {
        self.parsed(setting, "must be a whole number in its range")
    }

    /// A value of any kind that can be read from text; `otherwise` says what it must be.
    pub fn parsed<T: FromStr>(&mut self, setting: &Setting, otherwise: &str) -> T {
        let value = self.text(setting);
        if let Ok(value) = value.trim().parse() {
            return value;
        }
        let shown = if setting.is_secret { String::new() } else { format!(", not {value:?}") };
        self.problem(setting, format!("{otherwise}{shown}"));
        match setting.default.parse() {
            Ok(default) => default,
            Err(_) => unreachable!("the default of {:?} can be read", setting.names),
        }
    }

    /// Values separated by commas; empty ones are left out.
    pub fn list_of<T: FromStr>(&mut self, setting: &Setting, otherwise: &str) -> Vec<T> {
        let mut values = Vec::new();
        let text = self.text(setting);
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            match item.parse() {
                Ok(value) => values.push(value),
                Err(_) => self.problem(setting, format!("{otherwise}, not {item:?}")),
            }
        }
        values
    }

    /// The value under one name: from the file that `NAME_FILE` names, else from `NAME` itself,
    /// else from the variable that a value like `$OTHER` names.
    fn value_of(&mut self, name: &str, setting: &Setting) -> Option<String> {
        if let Some(path) = self.variables.get(&format!("{name}_FILE")).cloned() {
            return match std::fs::read_to_string(&path) {
                Ok(value) => Some(value.trim_end_matches(['\r', '\n']).to_owned()),
                Err(error) => {
                    self.problems.push(format!("{name}_FILE names {path:?}: {error}"));
                    None
                }
            };
        }
        let value = self.variables.get(name)?;
        match value.strip_prefix('$') {
            // A password may well begin with a dollar sign.
            Some(other) if !setting.is_secret && self.variables.contains_key(other) => {
                self.variables.get(other).cloned()
            }
            _ => Some(value.clone()),
        }
    }
}
