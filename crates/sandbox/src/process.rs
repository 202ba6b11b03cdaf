//! Processes as `/proc` shows them, and the signals they get.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a process may take to obey a signal that it cannot refuse.
const OBEDIENCE: Duration = Duration::from_secs(10);

/// A process, told apart by its start from a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Clock ticks from the machine's start to the process's.
    started: u64,
}

impl Process {
    /// The process that has this number now, alive or not yet waited for.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        stat(pid).map(|stat| Self { pid, started: stat.started })
    }

    /// The process that [`Process::record`] wrote down.
    pub(crate) fn recorded(record: &str) -> Option<Self> {
        let (pid, started) = record.trim().split_once(' ')?;
        Some(Self { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }

    /// The process in one line.
    pub(crate) fn record(self) -> String {
        format!("{} {}\n", self.pid, self.started)
    }

    /// Whether it still runs, or is stopped. One that only waits to be buried does not.
    pub(crate) fn is_alive(self) -> bool {
        self.state().is_some_and(|state| !matches!(state, 'Z' | 'X'))
    }

    /// Whether it is stopped by a signal.
    pub(crate) fn is_paused(self) -> bool {
        self.state() == Some('T')
    }

    /// Sends a signal; a process that is gone already does not mind.
    pub(crate) fn signal(self, signal: Signal) {
        if self.is_alive()
            && let Ok(pid) = i32::try_from(self.pid)
        {
            // Whoever needs the effect waits for it, so an error shows itself there.
            kill(Pid::from_raw(pid), signal).ok();
        }
    }

    /// Stops it and its children where they are.
    pub(crate) fn pause(self) {
        self.freeze();
        self.children().into_iter().for_each(Self::freeze);
    }

    /// Lets it and its children go on.
    pub(crate) fn resume(self) {
        for child in self.children() {
            child.signal(Signal::SIGCONT);
        }
        self.signal(Signal::SIGCONT);
    }

    /// Kills it and its children all at once. Returns whether they are gone.
    pub(crate) fn crash(self) -> bool {
        self.freeze(); // so that no child is born that nobody knows of
        let mut doomed = self.children();
        doomed.push(self);
        for process in &doomed {
            process.signal(Signal::SIGKILL);
        }
        wait(OBEDIENCE, || doomed.iter().all(|process| !process.is_alive()))
    }

    /// The processes whose parent it is.
    pub(crate) fn children(self) -> Vec<Self> {
        if !self.is_alive() {
            return Vec::new(); // and those of a later process with its number are not its own
        }
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let names = entries.flatten().map(|entry| entry.file_name());
        let pids = names.filter_map(|name| name.to_str()?.parse().ok());
        let stats = pids.filter_map(|pid| Some((pid, stat(pid)?)));
        let children = stats.filter(|(_, stat)| stat.parent == self.pid);
        children.map(|(pid, stat)| Self { pid, started: stat.started }).collect()
    }

    fn freeze(self) {
        self.signal(Signal::SIGSTOP);
        wait(OBEDIENCE, || self.is_paused() || !self.is_alive());
    }

    fn state(self) -> Option<char> {
        stat(self.pid).filter(|stat| stat.started == self.started).map(|stat| stat.state)
    }
}

/// Waits for a condition. Returns whether it came true in time.
pub(crate) fn wait(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > patience {
            return false;
        }
        nap(Duration::from_millis(2));
    }
    true
}

/// Does nothing for a while.
#[expect(clippy::disallowed_methods, reason = "there is no runtime here that it could block")]
pub(crate) fn nap(duration: Duration) {
    std::thread::sleep(duration);
}

struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    // proc_pid_stat(5): the second field is a name in parentheses that may hold anything, so count
    // from the last parenthesis: state is field 3, ppid 4, starttime 22.
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let [state, parent, ..] = fields.as_slice() else { return None };
    let started = fields.get(19)?;
    Some(Stat {
        state: state.chars().next()?,
        parent: parent.parse().ok()?,
        started: started.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_paused_resumed_and_killed() {
        let mut sleep = Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::of(sleep.id()).unwrap();
        assert!(Process::of(std::process::id()).unwrap().children().contains(&process));
        process.pause();
        assert!(process.is_paused());
        process.resume();
        assert!(wait(OBEDIENCE, || !process.is_paused()));
        assert!(process.is_alive());
        assert!(process.crash());
        assert!(!process.is_alive(), "although nobody has waited for it yet");
        sleep.wait().unwrap();
        assert_eq!(Process::of(process.pid), None);
    }

    #[test]
    fn a_process_with_the_number_of_an_earlier_one_is_not_taken_for_it() {
        let now = Process::of(std::process::id()).unwrap();
        assert_eq!(Process::recorded(&now.record()), Some(now));
        let earlier = Process { started: now.started - 1, ..now };
        assert!(now.is_alive());
        assert!(!earlier.is_alive());
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert_eq!(earlier.children(), []);
        assert!(earlier.crash(), "there is nothing to kill");
        assert!(Process::of(child.id()).unwrap().is_alive());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
