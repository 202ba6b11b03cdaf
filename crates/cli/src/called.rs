//! One executable is all programs: what it does depends on the name that it is called by.
//!
//! An image holds it once, with a link for each name. Those of GlitchTip's image are understood too,
//! so that its deployments and compose files need no other commands.
//!
//! | name | what it does |
//! |---|---|
//! | `mishap-web`, `mishap-worker`, `mishap-beat` | what the programs of these names do |
//! | `start.sh` | what `SERVER_ROLE` says, without it web; a worker keeps the schedule, too |
//! | `run-celery-with-beat.sh` | a worker that keeps the schedule |
//! | `run-migrate.sh`, `manage.py migrate` | `mishap-beat migrate` |
//! | `python3 …/create-api-users.py` | `mishap ensure-api-users` |
//! | `python3 …/cleanup-notifications.py` | nothing: workers clean up by themselves |
//! | anything else | `mishap` |

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use mishap_boot::settings::{Environment, ServerRole};
use mishap_process::Arguments;

use crate::command::Cli;
use crate::{ensure_api_users, serve};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    Command,
    Web,
    Worker,
    Beat,
    /// What the settings say.
    Role,
    WorkerWithBeat,
    Migrate,
    EnsureApiUsers,
    Nothing,
}

impl Called {
    /// What is meant by a name and the first argument after it. Nothing if it cannot be done.
    fn by(name: &str, argument: Option<&str>) -> Option<Self> {
        Some(match (name, argument.map(file_name)) {
            ("mishap-web", _) => Self::Web,
            ("mishap-worker", _) => Self::Worker,
            ("mishap-beat", _) => Self::Beat,
            ("start.sh", _) => Self::Role,
            ("run-celery-with-beat.sh", _) => Self::WorkerWithBeat,
            ("run-migrate.sh", _) | ("manage.py", Some("migrate")) => Self::Migrate,
            ("python3", Some("create-api-users.py")) => Self::EnsureApiUsers,
            ("python3", Some("cleanup-notifications.py")) => Self::Nothing,
            ("manage.py" | "python3", _) => return None,
            _ => Self::Command,
        })
    }
}

fn file_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(OsStr::to_str).unwrap_or(path)
}

/// Does what the process was called for.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let mut next = || arguments.next().and_then(|argument| argument.into_string().ok());
    let (path, argument) = (next().unwrap_or_default(), next());
    let name = file_name(&path);
    let Some(called) = Called::by(name, argument.as_deref()) else {
        return mishap_process::reported(|| {
            anyhow::bail!("{name} is only here for what GlitchTip's image does with it")
        });
    };
    let nothing = Arguments::default();
    match called {
        Called::Command => crate::command_main(Cli::parse()),
        Called::Web => mishap_web::main(),
        Called::Worker => mishap_worker::main(),
        Called::Beat => mishap_beat::main(),
        Called::Role => match ServerRole::read(&mut Environment::of_process()) {
            None | Some(ServerRole::Web) => mishap_web::main(),
            Some(ServerRole::Beat) => mishap_beat::main(),
            // GlitchTip 6 has no beat: its workers keep the schedule.
            Some(ServerRole::Worker | ServerRole::WorkerWithBeat) => {
                serve::worker_with_beat(&nothing)
            }
            Some(ServerRole::AllInOne) => serve::main(&nothing),
        },
        Called::WorkerWithBeat => serve::worker_with_beat(&nothing),
        Called::Migrate => mishap_beat::migrate(),
        Called::EnsureApiUsers => {
            crate::awaited(ensure_api_users::run(crate::output::Output::Human))
        }
        Called::Nothing => ExitCode::SUCCESS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_done() {
        for (line, called) in [
            ("mishap", Some(Called::Command)),
            ("mishap status", Some(Called::Command)),
            ("mishap-web", Some(Called::Web)),
            ("mishap-worker --check-config", Some(Called::Worker)),
            ("mishap-beat migrate", Some(Called::Beat)),
            ("start.sh", Some(Called::Role)),
            ("run-celery-with-beat.sh", Some(Called::WorkerWithBeat)),
            ("run-migrate.sh", Some(Called::Migrate)),
            ("manage.py migrate", Some(Called::Migrate)),
            ("manage.py shell", None),
            ("python3 appsre/create-api-users.py", Some(Called::EnsureApiUsers)),
            ("python3 appsre/cleanup-notifications.py", Some(Called::Nothing)),
            ("python3", None),
            ("python3 -c print()", None),
        ] {
            let mut words = line.split(' ');
            assert_eq!(Called::by(words.next().unwrap(), words.next()), called, "{line}");
        }
    }

    #[test]
    fn a_name_is_the_last_part_of_a_path() {
        assert_eq!(file_name("./bin/start.sh"), "start.sh");
        assert_eq!(file_name("/usr/local/bin/mishap-web"), "mishap-web");
        assert_eq!(file_name("mishap"), "mishap");
    }
}
