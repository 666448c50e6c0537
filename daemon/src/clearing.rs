//! Clearing up behind deleted tags: nobody sees the tags any more, but lists of devices still name their numbers.
//!
//! One task an app at a time; what a stopped daemon left over is taken up by the hourly round of `retention`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anser_storage::command::{Command, LabelCommand};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};

use crate::ledger::{Ledger, Unavailable};

/// Between two slices of about 1,000 rows, so that nobody notices.
const PAUSE: Duration = Duration::from_millis(10);

/// The apps that are being cleared up.
#[derive(Clone, Default)]
pub struct Clearing {
    apps: Arc<Mutex<BTreeSet<AppNumber>>>,
}

impl Clearing {
    /// Clears up behind the app's deleted tags, unless that is under way.
    pub fn begin(&self, ledger: &Ledger, app: AppNumber) {
        let is_new = self.apps.lock().unwrap_or_else(PoisonError::into_inner).insert(app);
        if !is_new {
            return;
        }
        let (this, ledger) = (self.clone(), ledger.clone());
        tokio::spawn(async move {
            if let Err(error) = clear_tags(&ledger, app).await {
                log::warn!("clearing up behind deleted tags stopped and is tried again within the hour: {error}");
            }
            this.apps.lock().unwrap_or_else(PoisonError::into_inner).remove(&app);
        });
    }
}

/// All that is left of an app's deleted tags.
pub async fn clear_tags(ledger: &Ledger, app: AppNumber) -> Result<(), Unavailable> {
    loop {
        match ledger.submit(Command::Label(LabelCommand::ClearTags { app })).await?.answer {
            Ok(Answer::Continue) => tokio::time::sleep(PAUSE).await,
            // An app may be deleted while its turn comes.
            Ok(_) | Err(Refusal::AppUnknown) => return Ok(()),
            Err(refusal) => return Err(Unavailable::Closed(format!("the store refused it: {refusal:?}"))),
        }
    }
}
