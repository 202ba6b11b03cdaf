//! Commands that run to their end, as an operator would type them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::program::built_program;

/// A program of the workspace, and what it is run with.
#[derive(Debug, Clone)]
pub struct Typed {
    program: PathBuf,
    environment: Vec<(String, String)>,
    folder: Option<PathBuf>,
}

/// What a command said, and how it ended.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its exit code; nothing if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Typed {
    /// A program, `mishap` for instance, with nothing in its environment but this.
    pub fn new(program: &str, environment: &[(&str, &str)]) -> Self {
        Self::at(built_program(program), environment)
    }

    /// The same, of the program at a path.
    pub fn at(program: PathBuf, environment: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { program, environment: environment.iter().map(owned).collect(), folder: None }
    }

    /// Runs it in a folder.
    #[must_use]
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Runs it to its end. Blocks a thread meanwhile: everything it talks to must run elsewhere.
    pub fn run(&self, arguments: &[&str]) -> Said {
        tokio::task::block_in_place(|| self.run_with_input(arguments, &[]))
    }

    /// Runs it to its end with something on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Said {
        use std::io::Write as _;
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().envs(self.environment.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let mut child = command.spawn().unwrap();
        // Whoever does not read its input has ended.
        let _ended = child.stdin.take().expect("it is piped").write_all(input);
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// The same, if the command ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "out: {} err: {}", self.out, self.err);
        self
    }

    /// The output as JSON: exactly one value, and nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {:?}", self.out))
    }
}
