//! `mishap-worker`: digests events and runs jobs.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    mishap_process::main("worker", |settings| settings.worker.metrics, mishap_worker::run)
}
