//! Tells the service manager that the daemon lives: only while its runtime runs and its writer answers. A daemon that
//! hangs is then killed and started again, and loses nothing that it answered.

use std::time::Duration;

use anser_protocol::ids::Position;
use anser_storage::command::{Class, Command, SystemCommand};
use anser_storage::ids::AppNumber;
use sd_notify::NotifyState;

use crate::ledger::{Ledger, Unavailable};

/// So many signs of life fit into the time that the service manager waits for one.
const SIGNS: u32 = 3;
/// The writer's queue is full: it may still work on it.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs to the very end, as the drain and the last checkpoint are watched, too.
pub async fn run(ledger: Ledger) {
    let Some(within) = sd_notify::watchdog_enabled() else { return };
    let every = within / SIGNS;
    let mut timer = tokio::time::interval(every);
    loop {
        timer.tick().await;
        match tokio::time::timeout(every, answers(&ledger)).await {
            Ok(()) => drop(sd_notify::notify(&[NotifyState::Watchdog])),
            Err(_) => log::error!(
                "the writer has not answered for {} s; after {} s without an answer systemd starts the daemon again",
                every.as_secs(),
                within.as_secs()
            ),
        }
    }
}

/// Returns when the writer has answered, be it that it cannot store anything now.
async fn answers(ledger: &Ledger) {
    // Of an app that never exists: it is refused, and changes nothing.
    let nothing = SystemCommand::Cut { app: AppNumber(0), class: Class::Chat, below: Position(0) };
    while let Err(Unavailable::Busy) = ledger.submit(Command::System(nothing.clone())).await {
        tokio::time::sleep(PAUSE).await;
    }
}
