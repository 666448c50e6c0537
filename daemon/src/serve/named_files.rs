//! The files that the settings name: are they there, and what they should be?

use crate::bridge::{AcmeHttp, AppServers, Bridges, Callbacks};
use crate::config::Config;
use crate::tls::Certificates;

/// All mistakes, each as a line.
pub fn mistakes(config: &Config) -> Vec<String> {
    let mut mistakes = Vec::new();
    if config.tls.own.is_some() {
        // The operator's files only; a self-made certificate belongs to the daemon's own start.
        mistakes.extend(Certificates::open(&config.tls, &config.data_dir).err().map(|error| error.to_string()));
    }
    mistakes.extend(Bridges::mistakes(&config.bridges));
    if let Some(acme) = &config.tls.acme {
        mistakes.extend(AcmeHttp::new(acme.ca.as_deref()).err().map(|error| format!("tls.acme_ca: {error}")));
    }
    match Callbacks::new(&config.callback) {
        Err(error) => mistakes.push(format!("callback: {error}")),
        // They share the file of authorities, so that a mistake in it is told once.
        Ok(_) => mistakes.extend(AppServers::new(config).err().map(|error| format!("message_callback: {error}"))),
    }
    mistakes
}
