//! Settings and certificates taken anew while the daemon serves. No link is dropped, and a file with mistakes changes
//! nothing.

use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::sync::Mutex;

use super::{named_files, transport_rules};
use crate::config::{Config, Merged, Mistake, merge};
use crate::context::Context;
use crate::logging;
use crate::tls::Certificates;

/// Reads the settings from where they were read at the start.
pub type ReadSettings = Box<dyn Fn() -> Result<Config, Vec<Mistake>> + Send + Sync>;

pub struct Reload {
    read: ReadSettings,
    certificates: Arc<Certificates>,
    /// One at a time.
    turn: Mutex<()>,
}

/// What a reload did. Certificates were read anew in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    pub taken: Vec<&'static str>,
    pub waiting: Vec<&'static str>,
}

impl Reload {
    pub fn new(read: ReadSettings, certificates: Arc<Certificates>) -> Self {
        Self { read, certificates, turn: Mutex::default() }
    }

    /// Every mistake is told to the caller and to the log; the settings before then stay in force, all of them.
    pub async fn run(&self, context: &Context) -> Result<Reloaded, Vec<String>> {
        let _turn = self.turn.lock().await;
        // The service manager's word for it, with the time without which newer ones do not believe it.
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            let _ = sd_notify::notify(&[NotifyState::Reloading, now]);
        }
        let done = tokio::task::block_in_place(|| self.take(context));
        let _ = sd_notify::notify(&[NotifyState::Ready]);
        match &done {
            Ok(Reloaded { taken, waiting }) => {
                log::info!(taken:% = taken.join(", "); "settings and certificate were read again");
                if !waiting.is_empty() {
                    log::warn!(keys:% = waiting.join(", "); "these settings have changed in the file and are taken at the next start");
                }
            }
            Err(mistakes) => {
                mistakes.iter().for_each(|mistake| log::error!("not reloaded: {mistake}"));
                log::error!("the settings before stay in force, because of {} mistakes", mistakes.len());
            }
        }
        done
    }

    fn take(&self, context: &Context) -> Result<Reloaded, Vec<String>> {
        let new = (self.read)().map_err(|mistakes| mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>())?;
        let mistakes = named_files::mistakes(&new);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let Merged { config, taken, waiting } = merge(&context.config, new);
        // May fail, so before anything else is changed.
        self.certificates.replace(&config.tls, &config.data_dir).map_err(|error| vec![error.to_string()])?;
        if !taken.is_empty() {
            // Otherwise what `anserd log-level` changed stays.
            if taken.iter().any(|key| key.starts_with("log_level")) {
                logging::set_levels(config.log_level, &config.log_levels);
            }
            context.links.take_rules(transport_rules(&config, &context.media));
            context.config.replace(config);
        }
        Ok(Reloaded { taken, waiting })
    }
}
