//! The job that releases the slices of slow pushes when they are due.
//!
//! What is due, and when, stands in the store: a restart changes nothing, and what came due meanwhile is released after it.

use std::time::Duration;

use anser_protocol::ids::TimeMs;
use anser_storage::command::{Command, PushCommand};

use crate::clock::now_ms;
use crate::context::Shared;
use crate::ledger::{Ledger, Unavailable};
use crate::switchboard::Switchboard;

/// Slices are ten seconds and more apart.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Slices that are asked for at a time.
const DUE_MAX: usize = 64;

/// Runs until the daemon stops.
pub async fn run(context: Shared) {
    let mut shutdown = context.shutdown.clone();
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if let Err(error) = round(&context.ledger, &context.switchboard, now_ms()).await {
            log::warn!("a part of a slow push could not be released, it is tried again soon: {error}");
        }
    }
}

/// Releases everything that is due at `now_ms`, the longest due first.
pub async fn round(ledger: &Ledger, switchboard: &Switchboard, now_ms: TimeMs) -> Result<(), Unavailable> {
    loop {
        let due = ledger.read(move |snapshot| snapshot.due_slices(now_ms, DUE_MAX)).await?;
        if due.is_empty() {
            return Ok(());
        }
        let mut is_failing = false;
        for slice in due {
            let connected = if slice.is_live_only { switchboard.connected_devices(slice.app) } else { Vec::new() };
            let (app, push, due_ms) = (slice.app, slice.push, slice.due_ms);
            let command = PushCommand::ReleaseSlice { app, push, due_ms, connected };
            // A damaged one must not hold up the others.
            if let Err(refusal) = ledger.submit(Command::Push(command)).await?.answer {
                log::error!(
                    "a part of the slow push {} could not be released: {refusal:?}; its devices get it only if it is pushed to them again",
                    push.0
                );
                is_failing = true;
            }
        }
        if is_failing {
            return Ok(());
        }
    }
}
