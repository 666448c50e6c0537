//! `anserd import`: brings an app along from another service of the same API, through the admin socket of the running daemon.
//!
//! It may be stopped anywhere and started again: [`journal`] says how far it came, and every step can be repeated.
//! [`jmessage`] walks through users, groups and rooms of a source, [`jpush`] through the operator's file of registration ids.
//! What the source says is checked in [`checked`] by the rules that our own API has; whatever does not come along is told.

mod checked;
pub mod jmessage;
pub mod journal;
pub mod jpush;
mod progress;

use std::path::PathBuf;

use thiserror::Error;

use crate::admin::{self, AskError, ImportPiece, ImportedShown, Reply, Request};
use crate::bridge::BridgeError;
use crate::bridge::source::SourceError;
pub use progress::Progress;

#[derive(Debug, Error)]
pub enum ImportError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Setup(#[from] BridgeError),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("the daemon refused a piece: {0}")]
    Refused(String),
    #[error("the running daemon answered something else; restart it after an upgrade")]
    Strange,
    #[error("cannot use {}: {why}", path.display())]
    File { path: PathBuf, why: String },
}

/// The app here, behind the admin socket.
#[derive(Clone, Debug)]
pub struct Target {
    pub socket: PathBuf,
    /// Its name or key.
    pub app: String,
    /// Everything is read and checked, and nothing is written.
    pub is_dry: bool,
}

impl Target {
    /// The app's key. Also the proof that a daemon runs and knows the app, before anything is read.
    pub async fn app_key(&self) -> Result<String, ImportError> {
        Ok(self.send(ImportPiece::App).await?.app_key)
    }

    async fn put(&self, piece: ImportPiece) -> Result<ImportedShown, ImportError> {
        if self.is_dry { Ok(ImportedShown::default()) } else { self.send(piece).await }
    }

    async fn send(&self, piece: ImportPiece) -> Result<ImportedShown, ImportError> {
        let (socket, request) = (self.socket.clone(), Request::Import { app: self.app.clone(), piece });
        // The socket is read by waiting.
        let asked = tokio::task::spawn_blocking(move || admin::ask(&socket, &request)).await;
        match asked.map_err(|error| ImportError::Refused(error.to_string()))?? {
            Reply::Imported(shown) => Ok(shown),
            Reply::Refused(why) => Err(ImportError::Refused(why)),
            _ => Err(ImportError::Strange),
        }
    }
}
