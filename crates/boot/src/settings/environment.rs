//! Reads variables, and remembers what was wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;

use super::catalogue::{self, Setting, part_of};
use super::kind::{Kind, items};

/// A file with a value is no longer than this.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// How much of a value that cannot be understood is repeated, in letters.
const SHOWN: usize = 60;

/// The environment of the process, or one made by hand.
#[derive(Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    problems: Vec<String>,
    warnings: Vec<String>,
}

/// What is wrong with the settings, one line each.
#[derive(Debug, thiserror::Error)]
pub struct Problems(Vec<String>);

impl Problems {
    /// The lines; each begins with the name of a variable.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From a variable.
    Environment,
    /// From the file that a variable names.
    File(PathBuf),
    /// Nothing is set.
    Default,
}

/// A value that is set.
pub(super) struct Found {
    /// The name of the setting that counts.
    pub(super) name: String,
    /// The variable that is set: the name, or the name with `_FILE`.
    pub(super) variable: String,
    /// Where the value comes from.
    pub(super) source: Source,
    /// The value, or why its file cannot be read.
    pub(super) value: Result<String, std::io::Error>,
}

impl Environment {
    /// The environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the process")]
    pub fn of_process() -> Self {
        let pairs = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self { variables: pairs.collect(), ..Self::default() }
    }

    /// An environment of these variables.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let pairs = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { variables: pairs.into(), ..Self::default() }
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
        self.find(setting, "").is_some()
    }

    /// The variable that a setting is read from: the one that is set, or the one that could be.
    pub(super) fn variable_of(&self, setting: &Setting) -> String {
        let set = self.find(setting, "").map(|found| found.variable);
        set.unwrap_or_else(|| setting.names[0].to_owned())
    }

    /// Notes that a setting cannot be used. `what` stands behind the name of its variable.
    pub fn problem(&mut self, setting: &Setting, what: impl fmt::Display) {
        self.problem_of(setting, "", what);
    }

    /// The same, for a member of a family.
    pub(super) fn problem_of(&mut self, setting: &Setting, part: &str, what: impl fmt::Display) {
        let problem = match self.find(setting, part) {
            Some(Found { variable, source: Source::File(path), .. }) => {
                format!("{variable} (the file {path:?}) {what}")
            }
            Some(Found { variable, .. }) => format!("{variable} {what}"),
            None => format!("{} {what}", with_part(setting.name(), part)),
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Notes something that need not stop a program.
    pub fn warning(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Fails if anything cannot be used; otherwise returns what should be said all the same.
    pub fn check(self) -> Result<Vec<String>, Problems> {
        if self.problems.is_empty() { Ok(self.warnings) } else { Err(Problems(self.problems)) }
    }

    /// The variables and their values, in the order of their names.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value if one is set and can be understood; otherwise the default.
    pub fn text(&mut self, setting: &Setting) -> String {
        self.checked(setting, "").unwrap_or_else(|| self.default_of(setting))
    }

    /// The value, or nothing if it is empty.
    pub fn optional(&mut self, setting: &Setting) -> Option<String> {
        Some(self.text(setting)).filter(|value| !value.is_empty())
    }

    /// A value that must not be shown, or nothing if it is empty.
    pub fn secret(&mut self, setting: &Setting) -> Option<SecretString> {
        self.optional(setting).map(SecretString::from)
    }

    /// One of a few words, in small letters.
    pub fn word(&mut self, setting: &Setting) -> String {
        self.text(setting).trim().to_ascii_lowercase()
    }

    /// A truth value as Python's tools spell it: true, on, ok, y, yes, 1 in any case. Whatever else
    /// it says is false, as in GlitchTip; what is no word for that either is warned of.
    pub fn bool(&mut self, setting: &Setting) -> bool {
        let value = self.text(setting);
        match value.trim().to_ascii_lowercase().as_str() {
            "true" | "on" | "ok" | "y" | "yes" | "1" => true,
            "false" | "off" | "n" | "no" | "0" | "none" | "null" | "" => false,
            _ => {
                let variable = self.find(setting, "").map(|found| found.variable);
                let variable = variable.unwrap_or_else(|| setting.name().to_owned());
                self.warning(format!("{variable} is {:?}, which counts as False", shown(&value)));
                false
            }
        }
    }

    /// A number, or another value that the setting's kind describes.
    pub fn number<N: FromStr>(&mut self, setting: &Setting) -> N {
        if let Ok(value) = self.text(setting).trim().parse() {
            return value;
        }
        self.problem(setting, "is out of range");
        match self.default_of(setting).parse() {
            Ok(default) => default,
            Err(_) => unreachable!("the default of {:?} can be read", setting.names),
        }
    }

    /// A number, if one is set.
    pub fn optional_number<N: FromStr>(&mut self, setting: &Setting) -> Option<N> {
        self.optional(setting).and_then(|text| text.trim().parse().ok())
    }

    /// Values separated by commas; empty ones are left out.
    pub fn list(&mut self, setting: &Setting) -> Vec<String> {
        items(&self.text(setting)).map(str::to_owned).collect()
    }

    /// What stands in the place of the braces, for all variables of a family that are set.
    pub fn parts(&self, family: &Setting) -> BTreeSet<String> {
        let variables = self.variables.keys();
        let names = variables.map(|name| name.strip_suffix("_FILE").unwrap_or(name));
        let parts = names
            .flat_map(|name| family.names.iter().filter_map(|declared| part_of(declared, name)));
        parts.map(str::to_owned).collect()
    }

    /// The value of a member of a family, or nothing if it is empty.
    pub fn member(&mut self, family: &Setting, part: &str) -> Option<String> {
        let value = self.checked(family, part).unwrap_or_else(|| self.default_of(family));
        Some(value).filter(|value| !value.is_empty())
    }

    /// Notes it if a value that nobody reads yet cannot be understood.
    pub(super) fn look_at(&mut self, setting: &'static Setting) {
        for name in setting.names {
            self.checked(&Setting { names: std::slice::from_ref(name), ..*setting }, "");
        }
    }

    /// The default, where it is another setting's value.
    pub(super) fn default_of(&mut self, setting: &Setting) -> String {
        match setting.default.strip_prefix('$').and_then(catalogue::find) {
            Some(other) => self.text(other),
            None => setting.default.to_owned(),
        }
    }

    /// The value if one is set; a problem is noted if it cannot be understood.
    fn checked(&mut self, setting: &Setting, part: &str) -> Option<String> {
        match self.find(setting, part)?.value {
            Ok(value) if setting.kind.allows(&value) => Some(value),
            Ok(value) => {
                let not = match setting.is_secret() {
                    true => String::new(),
                    false => format!(", not {:?}", shown(&value)),
                };
                self.problem_of(setting, part, format!("must be {}{not}", setting.kind));
                None
            }
            Err(error) => {
                self.problem_of(setting, part, format!("cannot be read: {error}"));
                None
            }
        }
    }

    /// The first name that is set.
    pub(super) fn find(&self, setting: &Setting, part: &str) -> Option<Found> {
        let names = setting.names.iter();
        names.map(|name| with_part(name, part)).find_map(|name| self.look_up(&name, setting.kind))
    }

    /// The value under one name: from the file that `NAME_FILE` names, else from `NAME` itself, else
    /// from the variable that a value like `$OTHER` names.
    pub(super) fn look_up(&self, name: &str, kind: Kind) -> Option<Found> {
        let found = self.file_of(name).or_else(|| {
            let value = self.variables.get(name).filter(|value| !is_of_kubernetes(name, value))?;
            let other = value.strip_prefix('$').filter(|_| kind.may_be_reference());
            let other = other.and_then(|other| {
                let from_variable =
                    || Some((Source::Environment, Ok(self.variables.get(other)?.clone())));
                self.file_of(other).map(|found| (found.source, found.value)).or_else(from_variable)
            });
            let (source, value) = other.unwrap_or((Source::Environment, Ok(value.clone())));
            Some(Found { name: name.to_owned(), variable: name.to_owned(), source, value })
        })?;
        let says_nothing = found.value.as_ref().is_ok_and(|value| value.trim().is_empty());
        (kind.may_be_empty() || !says_nothing).then_some(found)
    }

    /// The value from the file that `NAME_FILE` names.
    fn file_of(&self, name: &str) -> Option<Found> {
        let variable = format!("{name}_FILE");
        let path = PathBuf::from(self.variables.get(&variable).filter(|path| !path.is_empty())?);
        let read = || {
            let mut value = String::new();
            File::open(&path)?.take(MAX_FILE_BYTES).read_to_string(&mut value)?;
            value.truncate(value.trim_end_matches(['\r', '\n']).len());
            Ok(value)
        };
        let value = read();
        Some(Found { name: name.to_owned(), variable, source: Source::File(path), value })
    }
}

/// Puts something in the place of the braces.
fn with_part(declared: &str, part: &str) -> String {
    match (declared.split_once('{'), declared.split_once('}')) {
        (Some((start, _)), Some((_, end))) if !part.is_empty() => format!("{start}{part}{end}"),
        _ => declared.to_owned(),
    }
}

/// The beginning of a value.
fn shown(value: &str) -> String {
    value.chars().take(SHOWN).collect()
}

/// Whether a variable is one of those that Kubernetes sets for each service: a service `redis` gives
/// every container `REDIS_PORT=tcp://10.0.0.1:6379`.
pub(super) fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let is_address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    name.ends_with("_PORT") && is_address
}
