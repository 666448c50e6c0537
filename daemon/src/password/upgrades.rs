//! Replaces quick password hashes by slow ones, one after the other, while logins keep their turn.

use anser_storage::command::{Command, UserCommand};
use anser_storage::ids::{AppNumber, UserNumber};
use tokio::sync::mpsc;

use super::Passwords;
use crate::ledger::Ledger;

/// A user whose password is known for the moment. It is never logged and goes when the hash is made.
pub struct Upgrade {
    pub app: AppNumber,
    pub user: UserNumber,
    pub password: String,
    pub quick: String,
}

/// What does not fit keeps its quick hash until that user's next login: twenty full registrations.
const QUEUE: usize = 10_000;

/// The waiting line.
#[derive(Clone)]
pub struct Upgrades(mpsc::Sender<Upgrade>);

impl Upgrades {
    pub fn new() -> (Self, mpsc::Receiver<Upgrade>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), receiver)
    }

    pub fn add(&self, upgrade: Upgrade) {
        // A full queue only delays it, as said above.
        let _ = self.0.try_send(upgrade);
    }
}

/// Runs until every sender is gone.
pub async fn run(mut waiting: mpsc::Receiver<Upgrade>, passwords: Passwords, ledger: Ledger) {
    while let Some(Upgrade { app, user, password, quick }) = waiting.recv().await {
        // Busy or unavailable: the next login replaces it.
        let Ok(slow) = passwords.hash_slow(&password).await else { continue };
        let _ = ledger.submit(Command::User(UserCommand::UpgradePassword { app, user, from: quick, to: slow })).await;
    }
}
