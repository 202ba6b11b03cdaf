//! What the process takes of the machine, and how busy its main runtime is.

#[cfg(target_os = "linux")]
use procfs::WithCurrentSystemInfo as _;
#[cfg(target_os = "linux")]
use procfs::process::{LimitValue, Process};
use tokio::runtime::Handle;

use super::{Description, Family, Metrics};

const CPU: Description =
    Description::Counter("process_cpu_seconds_total", "CPU time that the process took.");
const MEMORY: Description =
    Description::Gauge("process_resident_memory_bytes", "Memory of the process.");
const VIRTUAL: Description =
    Description::Gauge("process_virtual_memory_bytes", "Addresses of the process.");
const OPEN_FDS: Description = Description::Gauge("process_open_fds", "Open file descriptors.");
const MAX_FDS: Description = Description::Gauge("process_max_fds", "File descriptors at most.");
const THREADS: Description = Description::Gauge("process_threads", "Threads of the process.");
const STARTED: Description =
    Description::Gauge("process_start_time_seconds", "When the process began.");
const WORKERS: Description = Description::Gauge("tokio_workers", "Threads of the main runtime.");
const TASKS: Description = Description::Gauge("tokio_alive_tasks", "Tasks of the main runtime.");
const QUEUE: Description =
    Description::Gauge("tokio_global_queue_depth", "Tasks that wait for a thread.");
const BUSY: Description =
    Description::Counter("tokio_busy_seconds_total", "Time that the threads were busy.");

/// What [`measure`] adds.
pub const METRICS: &[Description] =
    &[CPU, MEMORY, VIRTUAL, OPEN_FDS, MAX_FDS, THREADS, STARTED, WORKERS, TASKS, QUEUE, BUSY];

/// Adds what is known of this process and of the runtime that this is called on.
pub fn measure(metrics: &Metrics) {
    #[cfg(target_os = "linux")]
    metrics.ask(|| process().unwrap_or_default());
    let runtime = Handle::current();
    metrics.ask(move || busyness(&runtime));
}

/// What the system says of this process (proc(5)).
#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "nothing here is that large")]
fn process() -> procfs::ProcResult<Vec<Family>> {
    let process = Process::myself()?;
    let stat = process.stat()?;
    let ticks = procfs::ticks_per_second() as f64;
    let seconds = |ticks_taken: u64| ticks_taken as f64 / ticks;
    let booted = procfs::boot_time_secs()? as f64;
    let mut families = vec![
        Family::single(CPU, seconds(stat.utime + stat.stime)),
        Family::single(MEMORY, stat.rss_bytes().get() as f64),
        Family::single(VIRTUAL, stat.vsize as f64),
        Family::single(OPEN_FDS, process.fd_count()? as f64),
        Family::single(THREADS, stat.num_threads as f64),
        Family::single(STARTED, booted + seconds(stat.starttime)),
    ];
    if let LimitValue::Value(most) = process.limits()?.max_open_files.soft_limit {
        families.push(Family::single(MAX_FDS, most as f64));
    }
    Ok(families)
}

#[expect(clippy::cast_precision_loss, reason = "nothing here is that large")]
fn busyness(runtime: &Handle) -> Vec<Family> {
    let metrics = runtime.metrics();
    let workers = metrics.num_workers();
    let busy = (0..workers).map(|worker| metrics.worker_total_busy_duration(worker).as_secs_f64());
    vec![
        Family::single(WORKERS, workers as f64),
        Family::single(TASKS, metrics.num_alive_tasks() as f64),
        Family::single(QUEUE, metrics.global_queue_depth() as f64),
        Family::single(BUSY, busy.sum()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_knows_what_it_takes() {
        let metrics = Metrics::apart().unwrap();
        measure(&metrics);
        let text = metrics.render();
        for description in METRICS {
            let line = format!("\n{} ", description.name());
            let value = text.split_once(&line).and_then(|(_, rest)| rest.lines().next());
            let value: f64 = value.unwrap_or_else(|| panic!("no {line:?}")).parse().unwrap();
            let may_be_nothing = [CPU, TASKS, QUEUE, BUSY].map(|it| it.name());
            assert!(
                value > 0.0 || may_be_nothing.contains(&description.name()),
                "{}",
                description.name()
            );
        }
    }
}
