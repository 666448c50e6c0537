//! `anser manual`: manual pages and completions, for the packages.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::Cli;
use crate::failure::Failure;

const NAME: &str = "anser";
/// Of commands for everybody.
const SECTION: &str = "1";

/// Write manual pages and completions
#[derive(Args)]
pub struct Manual {
    /// The folder to write them to
    folder: PathBuf,
}

impl Manual {
    pub fn run(self) -> Result<(), Failure> {
        write(&self.folder).map_err(|error| Failure::new(format!("{}: {error}", self.folder.display())))
    }
}

fn write(folder: &Path) -> io::Result<()> {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Cli::command(), NAME, folder)?;
    }
    let mut command = Cli::command();
    command.build();
    write_pages(&command, NAME, folder)
}

/// A page for the command and one for each below it, as `git-commit` is one below `git`.
fn write_pages(command: &clap::Command, name: &str, folder: &Path) -> io::Result<()> {
    let mut page = Vec::new();
    Man::new(command.clone()).section(SECTION).render(&mut page)?;
    std::fs::write(folder.join(format!("{name}.{SECTION}")), page)?;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
        write_pages(below, &format!("{name}-{}", below.get_name()), folder)?;
    }
    Ok(())
}
