//! Media: the bytes of uploads as files beside the store, and the addresses under which they are had.
//!
//! `body` writes and reads the files, `picture` looks into images, `name` makes names harmless, `address` and
//! `ticket` sign where to get and to put something, `parts` holds uploads that come in parts, `sweep` removes what nobody names. Rows of the store say what is there: a file without one is nobody's.

pub mod address;
pub mod body;
pub mod name;
pub mod parts;
pub mod picture;
pub mod sweep;
pub mod ticket;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anser_storage::BodyHash;
use anser_storage::command::{Command, MediaCommand};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};
use thiserror::Error;
use tokio::sync::RwLock;

use crate::keys::{Keys, Purpose};
use crate::ledger::{Ledger, Unavailable};
use address::Signer;
use body::{Folder, Received};
use parts::Writers;

/// What the daemon needs to serve media. Cheap to clone.
#[derive(Clone)]
pub struct Media {
    pub folder: Folder,
    pub signer: Signer,
    pub writers: Writers,
    /// Held for reading from the moment a file gets its name until its row is there, and for writing while a file without
    /// a row is removed: so that the one does not happen in the middle of the other.
    publishing: Arc<RwLock<()>>,
    /// Backups under way: they need every file that their snapshot mentions.
    keepers: Arc<AtomicUsize>,
}

/// While it lives no file is removed.
pub struct Kept(Arc<AtomicUsize>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Why an upload is not there.
#[derive(Debug, Error)]
pub enum NotKept {
    #[error("the file could not be written: {0}")]
    Disk(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] Unavailable),
}

impl Media {
    /// Also removes what uploads of an earlier run left behind.
    pub fn open(data_dir: &Path, keys: &Keys) -> io::Result<Self> {
        let folder = Folder::open(data_dir)?;
        let signer = Signer::new(&keys.derive(Purpose::Media));
        Ok(Self { folder, signer, writers: Writers::default(), publishing: Arc::default(), keepers: Arc::default() })
    }

    /// Names the file after its content and has the store take it on. Goes on when the caller does not wait.
    pub async fn keep(
        &self,
        ledger: &Ledger,
        received: Received,
        command: MediaCommand,
    ) -> Result<Result<(), Refusal>, NotKept> {
        let (media, ledger) = (self.clone(), ledger.clone());
        let keeping = tokio::spawn(async move { media.keep_here(&ledger, received, command).await });
        keeping
            .await
            .unwrap_or_else(|_| Err(Unavailable::Closed("keeping an upload ended in a panic".to_owned()).into()))
    }

    async fn keep_here(
        &self,
        ledger: &Ledger,
        received: Received,
        command: MediaCommand,
    ) -> Result<Result<(), Refusal>, NotKept> {
        let (app, body) = (command.app(), received.looked_at.body);
        let answer = {
            let _with_others = self.publishing.read().await;
            in_background(move || received.publish()).await?;
            // When it is not known whether it is on disk, the file waits for the next sweep.
            ledger.submit(Command::Media(command)).await?.answer
        };
        match answer {
            Ok(Answer::MediaFreed(bodies)) => {
                self.free(ledger, app, bodies).await?;
                Ok(Ok(()))
            }
            Ok(_) => Ok(Ok(())),
            Err(refusal) => {
                self.free(ledger, app, vec![body]).await?;
                Ok(Err(refusal))
            }
        }
    }

    /// From now on nothing is removed; what is let go of meanwhile goes with a later sweep.
    pub async fn keep_all(&self) -> Kept {
        // No removal is in the middle.
        let _alone = self.publishing.write().await;
        self.keepers.fetch_add(1, Ordering::SeqCst);
        Kept(self.keepers.clone())
    }

    fn are_all_kept(&self) -> bool {
        self.keepers.load(Ordering::SeqCst) > 0
    }

    /// All files of an app that was deleted.
    pub async fn remove_app(&self, app: AppNumber) {
        let _alone = self.publishing.write().await;
        if self.are_all_kept() {
            return;
        }
        let folder = self.folder.clone();
        if let Err(error) = in_background(move || folder.remove_app(app)).await {
            log::warn!("media of a deleted app stay until the next sweep: {error}");
        }
    }

    /// Removes the files of those of these bodies that nothing has any more.
    pub async fn free(&self, ledger: &Ledger, app: AppNumber, bodies: Vec<BodyHash>) -> Result<(), Unavailable> {
        for body in bodies {
            let _alone = self.publishing.write().await;
            if self.are_all_kept() {
                return Ok(());
            }
            if !ledger.read(move |snapshot| snapshot.has_media_body(app, &body)).await? {
                let folder = self.folder.clone();
                if let Err(error) = in_background(move || folder.remove(app, &body)).await {
                    log::warn!("the file of a removed medium stays until the next sweep: {error}");
                }
            }
        }
        Ok(())
    }
}

/// On a thread that may wait for the disk.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(io::Error::other("work on a file ended in a panic")))
}
