//! `mishap serve`: web, worker and beat in one process.

use std::process::ExitCode;

use mishap_process::{Arguments, Process};

pub(crate) fn main(arguments: &Arguments) -> ExitCode {
    mishap_process::run("serve", arguments, |settings| settings.web.metrics, serve)
}

/// Worker and beat in one process, whose probes are the worker's.
pub(crate) fn worker_with_beat(arguments: &Arguments) -> ExitCode {
    let probes = |settings: &mishap_boot::settings::Settings| settings.worker.metrics;
    mishap_process::run("worker", arguments, probes, async |process| {
        let (beat, worker) = tokio::join!(
            stopping_all(process, mishap_beat::run(process)),
            stopping_all(process, mishap_worker::run(process)),
        );
        beat.and(worker)
    })
}

/// Runs the three until the process is told to stop. If one of them fails, all stop.
pub(crate) async fn serve(process: &Process) -> anyhow::Result<()> {
    let (beat, worker, web) = tokio::join!(
        stopping_all(process, mishap_beat::run(process)),
        stopping_all(process, mishap_worker::run(process)),
        stopping_all(process, mishap_web::run(process)),
    );
    beat.and(worker).and(web)
}

async fn stopping_all(
    process: &Process,
    role: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let result = role.await;
    process.stop().cancel();
    result
}
