//! The `anserd` command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    anserd::cli::Cli::parse().run()
}
