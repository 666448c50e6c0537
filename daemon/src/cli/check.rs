//! `anserd check`

use std::path::PathBuf;

use clap::Args;

use super::{Failure, settings};
use crate::bridge::{AppServers, Bridges, Callbacks};
use crate::config::{Flags, known_keys};
use crate::tls::Certificates;

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
    if config.tls.own.is_some() {
        // The operator's files only; a self-made certificate belongs to the daemon's own start.
        Certificates::open(&config.tls, &config.data_dir)
            .map_err(|error| Failure::lasting(format!("anserd: {error}")))?;
    }
    let mut mistakes = Bridges::mistakes(&config.bridges);
    mistakes.extend(Callbacks::new(&config.callback).err().map(|error| format!("callback: {error}")));
    if mistakes.is_empty() {
        // They share the file of authorities, so that a mistake in it is told once.
        let made = AppServers::new(&config);
        mistakes.extend(made.err().map(|error| format!("message_callback: {error}")));
    }
    if !mistakes.is_empty() {
        return Err(Failure::lasting(format!("anserd: {}", mistakes.join("\nanserd: "))));
    }
    println!("the settings are valid; data folder {}", config.data_dir.display());
    Ok(())
}
