//! `anserd check`

use std::path::PathBuf;

use clap::Args;

use super::{Failure, settings};
use crate::config::{Flags, known_keys};
use crate::serve::named_files;

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The settings file [default: /etc/anser/anserd.toml, if it exists]
    #[arg(long, value_name = "FILE", env = "ANSER_CONFIG")]
    config: Option<PathBuf>,
    /// Lists every setting there is
    #[arg(long)]
    list: bool,
}

pub fn run(args: &CheckArgs) -> Result<(), Failure> {
    if args.list {
        known_keys().iter().for_each(|key| println!("{key}"));
        return Ok(());
    }
    let flags = Flags { config: args.config.clone(), ..Flags::default() };
    let config = settings(&flags)?;
    let mistakes = named_files::mistakes(&config);
    if !mistakes.is_empty() {
        return Err(Failure::lasting(format!("anserd: {}", mistakes.join("\nanserd: "))));
    }
    println!("the settings are valid; data folder {}", config.data_dir.display());
    Ok(())
}
