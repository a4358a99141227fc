//! The command line of Switchhook.

use std::process::ExitCode;

fn main() -> ExitCode {
    switchhook::cli::main()
}
