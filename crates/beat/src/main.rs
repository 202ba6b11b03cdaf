//! `mishap-beat`: migrates, then says when it is time for what. `mishap-beat migrate` only migrates.

use std::process::ExitCode;

fn main() -> ExitCode {
    mishap_beat::main()
}
