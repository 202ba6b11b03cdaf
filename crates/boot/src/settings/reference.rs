//! The reference page of the settings.

use std::fmt::Write as _;

use super::catalogue::{self, Group, Setting, State};

/// What stands above the tables.
const INTRODUCTION: &str = "# Settings

Every setting is an environment variable. This page is made by `mishap config reference`;
`mishap config` shows what is set where it is run, and `mishap config --check` says what is wrong.

- Where a setting has several names, the first that is set counts.
- Any variable `X` may be given as `X_FILE`, the path of a file that holds its value; a line's end
  after it does not count. The file counts more than the variable.
- A value such as `$OTHER` is the value of the variable `OTHER`, except where a secret is meant that
  may begin with a dollar sign.
- True is `true`, `on`, `ok`, `y`, `yes` or `1`, in any case; everything else is false.
- A number, a port or a choice that is empty counts as not set.
- What Kubernetes sets for its services (`REDIS_PORT=tcp://10.0.0.1:6379`) is no setting.
- A value that cannot be understood ends a program when it starts, with all such variables named. A
  name that begins with `GLITCHTIP_` or `MISHAP_` and is not on this page is warned of.

The state *read* means that a setting has an effect; *later*, that it is checked and waits for what is
named; *ignored*, that it belongs to how GlitchTip is built, and changes nothing here.
";

/// The page, in Markdown.
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut group: Option<Group> = None;
    for setting in catalogue::all() {
        if group != Some(setting.group) {
            group = Some(setting.group);
            let head = "| variable | state | default | value | meaning |\n|---|---|---|---|---|";
            let _infallible = write!(page, "\n## {}\n\n{head}\n", setting.group.title());
        }
        page.push_str(&row(setting));
    }
    page
}

fn row(setting: &Setting) -> String {
    let names: Vec<_> = setting.names.iter().map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    let meaning = setting.meaning;
    let kind = setting.kind.to_string().replace('<', "&lt;");
    let default = match setting.default.strip_prefix('$') {
        Some(other) => format!("that of `{other}`"),
        None if setting.default.is_empty() => String::new(),
        None => format!("`{}`", setting.default),
    };
    let state = setting.state.name();
    match setting.state {
        State::Read => format!("| {names} | {state} | {default} | {kind} | {meaning} |\n"),
        State::Later(with) => {
            format!("| {names} | {state} | {default} | {kind} | {meaning} Waits for {with}. |\n")
        }
        State::Ignored => format!("| {names} | {state} | | | {meaning} |\n"),
    }
}
