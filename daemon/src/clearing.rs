//! Clearing up behind deleted tags, users and chat rooms: nobody sees them any more, but other rows still name their numbers.
//!
//! One task an app and kind at a time; what a stopped daemon left over is taken up by the hourly round of `retention`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anser_storage::command::{Command, LabelCommand, PeopleCommand, RoomCommand};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};

use crate::ledger::{Ledger, Unavailable};

/// Between two slices of about 1,000 rows, so that nobody notices.
const PAUSE: Duration = Duration::from_millis(10);

/// Slices that a caller waits for; of a user in a few hundred groups that is all.
const SLICES_WAITED_FOR: usize = 64;

/// What is cleared up behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deleted {
    Tags,
    Users,
    Rooms,
}

/// The apps that are being cleared up.
#[derive(Clone, Default)]
pub struct Clearing {
    apps: Arc<Mutex<BTreeSet<(AppNumber, Deleted)>>>,
}

impl Clearing {
    /// Clears up behind the app's deleted tags, unless that is under way.
    pub fn begin(&self, ledger: &Ledger, app: AppNumber) {
        self.begin_behind(ledger, app, Deleted::Tags);
    }

    /// The same behind its deleted users.
    pub fn begin_departed(&self, ledger: &Ledger, app: AppNumber) {
        self.begin_behind(ledger, app, Deleted::Users);
    }

    /// The same behind its deleted chat rooms.
    pub fn begin_rooms(&self, ledger: &Ledger, app: AppNumber) {
        self.begin_behind(ledger, app, Deleted::Rooms);
    }

    fn begin_behind(&self, ledger: &Ledger, app: AppNumber, deleted: Deleted) {
        let is_new = self.apps.lock().unwrap_or_else(PoisonError::into_inner).insert((app, deleted));
        if !is_new {
            return;
        }
        let (this, ledger) = (self.clone(), ledger.clone());
        tokio::spawn(async move {
            let cleared = match deleted {
                Deleted::Tags => clear_tags(&ledger, app).await,
                Deleted::Users => clear_departed(&ledger, app).await,
                Deleted::Rooms => clear_rooms(&ledger, app).await,
            };
            if let Err(error) = cleared {
                log::warn!(
                    "clearing up behind deleted {deleted:?} stopped and is tried again within the hour: {error}"
                );
            }
            this.apps.lock().unwrap_or_else(PoisonError::into_inner).remove(&(app, deleted));
        });
    }
}

/// All that is left of an app's deleted tags.
pub async fn clear_tags(ledger: &Ledger, app: AppNumber) -> Result<(), Unavailable> {
    while !slice(ledger, Command::Label(LabelCommand::ClearTags { app })).await? {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// All that is left of its deleted users.
pub async fn clear_departed(ledger: &Ledger, app: AppNumber) -> Result<(), Unavailable> {
    while !slice(ledger, Command::People(PeopleCommand::ClearDeparted { app })).await? {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// All that is left of its deleted chat rooms.
pub async fn clear_rooms(ledger: &Ledger, app: AppNumber) -> Result<(), Unavailable> {
    while !slice(ledger, Command::Room(RoomCommand::ClearDeleted { app })).await? {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// A part of what is left of its deleted users, without pauses; returns whether it was all.
pub async fn clear_some_departed(ledger: &Ledger, app: AppNumber) -> Result<bool, Unavailable> {
    for _ in 0..SLICES_WAITED_FOR {
        if slice(ledger, Command::People(PeopleCommand::ClearDeparted { app })).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether nothing is left.
async fn slice(ledger: &Ledger, command: Command) -> Result<bool, Unavailable> {
    match ledger.submit(command).await?.answer {
        Ok(Answer::Continue) => Ok(false),
        // An app may be deleted while its turn comes.
        Ok(_) | Err(Refusal::AppUnknown) => Ok(true),
        Err(refusal) => Err(Unavailable::Closed(format!("the store refused it: {refusal:?}"))),
    }
}
