//! What `/proc` says of processes: CPU time and memory.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Ticks of a second in `/proc/*/stat`; fixed in Linux's interface.
const TICKS: u64 = 100;

/// CPU time that a process used, all its threads together, without its children.
pub fn cpu(pid: u32) -> Duration {
    let Some(fields) = stat(pid) else {
        return Duration::ZERO;
    };
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<u64>().ok());
    let sum = ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default();
    Duration::from_millis(sum * 1000 / TICKS)
}

/// CPU time of a process and its children, the dead ones it has waited for included.
pub fn cpu_of_family(pid: u32) -> Duration {
    let waited_for = stat(pid).map_or(0, |fields| {
        let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<u64>().ok());
        ticks(13).unwrap_or_default() + ticks(14).unwrap_or_default()
    });
    let family: Duration = children(pid).into_iter().map(cpu_of_family).sum();
    cpu(pid) + family + Duration::from_millis(waited_for * 1000 / TICKS)
}

/// Memory that a process holds, in bytes (`VmRSS`).
pub fn memory(pid: u32) -> u64 {
    status_bytes(pid, "VmRSS:")
}

/// The most memory that a process ever held, in bytes (`VmHWM`).
pub fn peak_memory(pid: u32) -> u64 {
    status_bytes(pid, "VmHWM:")
}

fn status_bytes(pid: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

/// The fields of `/proc/{pid}/stat` behind the process's name.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// The children of a process.
pub fn children(pid: u32) -> Vec<u32> {
    let mut parents: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let parent = stat(child).and_then(|fields| fields.get(1)?.parse().ok());
        if let Some(parent) = parent {
            parents.entry(parent).or_default().push(child);
        }
    }
    parents.remove(&pid).unwrap_or_default()
}

/// Bytes of all files below a folder.
pub fn folder_bytes(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return 0;
    };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}
