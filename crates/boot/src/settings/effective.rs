//! What is set, to be shown to people.

use std::collections::BTreeSet;
use std::fmt;

use super::catalogue::{self, Group, Setting, State, part_of};
use super::environment::{Environment, Found, Source};

/// A setting as it is, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The name that is set, or that could be.
    pub name: String,
    /// Its value; for a secret, whether it is set.
    pub value: String,
    /// Whether its value must never be shown.
    pub is_secret: bool,
    /// Where the value comes from.
    pub source: Source,
    /// What it is about.
    pub group: Group,
    /// What becomes of it.
    pub state: State,
    /// What it means.
    pub meaning: &'static str,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Every setting that is read, with its value or its default, and those of the others that are set;
/// group by group. Values are shown as they are set, even if they cannot be used.
pub fn effective(env: &Environment) -> Vec<Effective> {
    let mut shown = Vec::new();
    for setting in catalogue::all() {
        for declared in setting.names.iter().filter(|name| name.contains('{')) {
            shown.extend(members(env, setting, declared));
        }
        match setting.state {
            State::Read if setting.is_family() => {}
            State::Read => match env.find(setting, "") {
                Some(found) => shown.push(show(setting, found)),
                None => shown.push(default(env, setting)),
            },
            State::Later(_) | State::Ignored => {
                let found = setting.names.iter().filter_map(|name| env.look_up(name, setting.kind));
                shown.extend(found.map(|found| show(setting, found)));
            }
        }
    }
    shown
}

/// The variables that a name with braces stands for.
fn members(env: &Environment, setting: &Setting, declared: &str) -> Vec<Effective> {
    let names = env.variables().map(|(name, _)| name.strip_suffix("_FILE").unwrap_or(name));
    let names = names.filter(|name| part_of(declared, name).is_some());
    let names: BTreeSet<&str> = names.collect();
    let found = names.into_iter().filter_map(|name| env.look_up(name, setting.kind));
    found.map(|found| show(setting, found)).collect()
}

fn show(setting: &Setting, found: Found) -> Effective {
    let value = match found.value {
        Err(error) => format!("cannot be read: {error}"),
        Ok(value) if !setting.is_secret() => value,
        Ok(value) if value.is_empty() => "not set".to_owned(),
        Ok(_) => "set".to_owned(),
    };
    Effective { value, source: found.source, ..blank(setting, found.name) }
}

/// A default is no secret, except where it is another setting's value.
fn default(env: &Environment, setting: &Setting) -> Effective {
    let other = setting.default.strip_prefix('$').and_then(catalogue::find);
    let value = match other {
        Some(other) => match env.find(other, "") {
            Some(found) => show(other, found).value,
            None => default(env, other).value,
        },
        None if setting.is_secret() && setting.default.is_empty() => "not set".to_owned(),
        None => setting.default.to_owned(),
    };
    Effective { value, source: Source::Default, ..blank(setting, setting.name().to_owned()) }
}

fn blank(setting: &Setting, name: String) -> Effective {
    Effective {
        name,
        value: String::new(),
        is_secret: setting.is_secret(),
        source: Source::Default,
        group: setting.group,
        state: setting.state,
        meaning: setting.meaning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A setting as it is shown.
    fn shown<const N: usize>(variables: [(&str, &str); N], name: &str) -> Option<(String, String)> {
        let effective = effective(&Environment::of(variables));
        let setting = effective.into_iter().find(|setting| setting.name == name)?;
        Some((setting.value, setting.source.to_string()))
    }

    #[track_caller]
    fn check<const N: usize>(variables: [(&str, &str); N], name: &str, value: &str, source: &str) {
        assert_eq!(shown(variables, name), Some((value.to_owned(), source.to_owned())), "{name}");
    }

    #[test]
    fn each_setting_is_shown_under_the_name_that_counts() {
        check([("GLITCHTIP_DOMAIN", "http://a")], "GLITCHTIP_DOMAIN", "http://a", "environment");
        assert_eq!(shown([("GLITCHTIP_DOMAIN", "http://a")], "GLITCHTIP_URL"), None);
        check([], "GLITCHTIP_URL", "http://localhost:8000", "default");
        check([("PORT", "nonsense")], "PORT", "nonsense", "environment");
        check([("PORT", "$P"), ("P", "81")], "PORT", "81", "environment");
        // The default is another setting's value.
        check([("SENTRY_DSN", "http://k@a/1")], "SENTRY_FRONTEND_DSN", "http://k@a/1", "default");
    }

    #[test]
    fn secrets_are_not_shown() {
        check([("SECRET_KEY", "hidden")], "SECRET_KEY", "set", "environment");
        check([("SECRET_KEY", "")], "SECRET_KEY", "not set", "environment");
        check([], "SECRET_KEY", "not set", "default");
        check([("STRIPE_SECRET_KEY", "hidden")], "STRIPE_SECRET_KEY", "set", "environment");
        let user = [("APPSRE_API_USER_7_TOKEN", "hidden")];
        check(user, "APPSRE_API_USER_7_TOKEN", "set", "environment");
    }

    #[test]
    fn files_are_named_and_read() {
        let file = std::env::temp_dir().join("mishap-settings-effective");
        std::fs::write(&file, "hidden").unwrap();
        let path = file.to_str().unwrap();
        check([("SECRET_KEY_FILE", path)], "SECRET_KEY", "set", &format!("file {path}"));
        std::fs::remove_file(&file).unwrap();
        let (value, _) = shown([("SECRET_KEY_FILE", path)], "SECRET_KEY").unwrap();
        assert!(value.starts_with("cannot be read"), "{value}");
    }

    #[test]
    fn what_has_no_effect_is_shown_if_it_is_set() {
        assert_eq!(shown([], "UWSGI_WORKERS"), None);
        check([("UWSGI_WORKERS", "4")], "UWSGI_WORKERS", "4", "environment");
        check([("DUCKDB_MEMORY", "1")], "DUCKDB_MEMORY", "1", "environment");
        check([("MAX_ISSUES_PER_ALERT", "9")], "MAX_ISSUES_PER_ALERT", "9", "environment");
        assert_eq!(shown([], "APPSRE_API_USER_{N}_EMAIL"), None);
    }
}
