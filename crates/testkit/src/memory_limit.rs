//! A limit on a process's memory as a container has it: who wants more is killed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::Program;

/// Where Linux mounts control groups: the first version's of memory, and the second version's.
const FIRST: &str = "/sys/fs/cgroup/memory";
const SECOND: &str = "/sys/fs/cgroup";

/// A control group with a limit; it goes when the value does.
pub struct MemoryLimit {
    group: PathBuf,
    files: Files,
}

/// What the files of a version are called.
struct Files {
    limit: &'static str,
    peak: &'static str,
    events: &'static str,
}

impl MemoryLimit {
    /// A limit of so many bytes for a program that runs, and what it starts. That takes root, or a
    /// test cannot be made.
    pub fn on(program: &Program, bytes: u64) -> Self {
        let is_first = Path::new(FIRST).join("memory.limit_in_bytes").exists();
        let (parent, files) = if is_first {
            let events = "memory.oom_control";
            let files =
                Files { limit: "memory.limit_in_bytes", peak: "memory.max_usage_in_bytes", events };
            (FIRST, files)
        } else {
            let files = Files { limit: "memory.max", peak: "memory.peak", events: "memory.events" };
            (SECOND, files)
        };
        let pid = program.pid().to_string();
        let group = Path::new(parent).join(format!("mishap-test-{pid}"));
        fs::create_dir(&group).unwrap();
        let limit = Self { group, files };
        limit.write(limit.files.limit, &bytes.to_string());
        limit.write("cgroup.procs", &pid);
        limit
    }

    /// The most that was used since the program was limited, in bytes; what it had before counts not.
    pub fn peak(&self) -> u64 {
        self.read(self.files.peak).trim().parse().unwrap()
    }

    /// How often somebody was killed for wanting more.
    pub fn kills(&self) -> u64 {
        let events = self.read(self.files.events);
        let kills = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        kills.unwrap().trim().parse().unwrap()
    }

    fn read(&self, file: &str) -> String {
        let path = self.group.join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.group.join(file);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        // A group cannot go while it has processes, which may outlive the value.
        let outside = self.group.with_file_name("cgroup.procs");
        let pids = fs::read_to_string(self.group.join("cgroup.procs")).unwrap_or_default();
        for pid in pids.lines() {
            let _has_ended = fs::write(&outside, pid);
        }
        let _is_used = fs::remove_dir(&self.group);
    }
}
