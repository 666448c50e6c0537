//! What the admin socket tells of the daemon's work at this moment: for `anserd status` and `anserd top`.

use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

use super::Reply;
use crate::clock::now_ms;
use crate::context::Shared;
use crate::observe::{listener, machine, ready};

/// Sums are since the start; whoever asks twice has the rates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    pub at_ms: TimeMs,
    /// Why the daemon cannot do its work; empty when it can.
    pub not_ready: Vec<String>,
    /// By transport: tcp, quic, websocket.
    pub links: Vec<(String, u64)>,
    pub connections: u64,
    pub devices: u64,
    pub users: u64,
    pub waiting_commands: u64,
    pub passwords_waiting: u64,
    pub memory_bytes: u64,
    pub open_files: u64,
    pub open_files_max: u64,
    pub store_bytes: u64,
    pub disk_free_bytes: u64,
    pub damaged_rows: u64,
    pub log_dropped: u64,
    /// How far the clock was set since the start, in milliseconds.
    pub clock_stepped_ms: i64,
    pub sums: Sums,
    /// What took longest in the last minute, in milliseconds.
    pub slowest: Vec<(String, u64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    pub links_opened: u64,
    pub logins: u64,
    pub messages: u64,
    pub pushes_accepted: u64,
    pub pushes_sent: u64,
    pub pushes_received: u64,
    pub pushes_bridged: u64,
    pub deliveries: u64,
    pub catch_ups: u64,
    pub requests: u64,
    pub requests_failed: u64,
    pub commands: u64,
    pub refused: u64,
}

pub async fn figures(context: &Shared) -> Result<Reply, String> {
    Ok(Reply::Figures(Box::new(now(context).await)))
}

pub async fn now(context: &Shared) -> Figures {
    let metrics = &context.observer.metrics;
    let links = crate::observe::Transport::ALL.iter().zip(&metrics.links);
    let (devices, users) = context.switchboard.counts();
    let slowest = context.observer.slowest.list().into_iter();
    Figures {
        at_ms: now_ms(),
        not_ready: ready::reasons(context).await,
        links: links.map(|(transport, gauge)| (transport.name().to_owned(), gauge.get().unsigned_abs())).collect(),
        connections: context.open_connections() as u64,
        devices: devices as u64,
        users: users as u64,
        waiting_commands: context.ledger.health().waiting_commands as u64,
        passwords_waiting: context.passwords.waiting() as u64,
        memory_bytes: machine::memory_bytes().unwrap_or_default(),
        open_files: machine::open_files().unwrap_or_default() as u64,
        open_files_max: machine::open_files_max("self").unwrap_or_default(),
        store_bytes: listener::store_bytes(context).unwrap_or_default(),
        disk_free_bytes: machine::disk_space(&context.config.data_dir).map_or(0, |(free, _)| free),
        damaged_rows: context.scrubs.shown().damaged(),
        log_dropped: crate::logging::counts().dropped,
        clock_stepped_ms: context.clock_stepped_ms(),
        sums: sums(context),
        slowest: slowest.map(|(what, took)| (what, u64::try_from(took.as_millis()).unwrap_or(u64::MAX))).collect(),
    }
}

fn sums(context: &Shared) -> Sums {
    let metrics = &context.observer.metrics;
    let of = |column: usize| metrics.commands.iter().map(|row| row[column].get()).sum::<u64>();
    let requests = |class: usize| metrics.rest_requests.iter().map(|row| row[class].get()).sum::<u64>();
    Sums {
        links_opened: metrics.links_opened.iter().map(|counter| counter.get()).sum(),
        logins: metrics.logins[0].get(),
        messages: metrics.messages.iter().map(|counter| counter.get()).sum(),
        pushes_accepted: metrics.pushes_accepted.get(),
        pushes_sent: metrics.pushes_sent.get(),
        pushes_received: metrics.pushes_received.get(),
        pushes_bridged: metrics.pushes_bridged.get(),
        deliveries: metrics.deliveries.iter().map(|counter| counter.get()).sum(),
        catch_ups: metrics.catch_ups.iter().map(|counter| counter.get()).sum(),
        requests: (0..5).map(requests).sum(),
        requests_failed: requests(4),
        commands: of(0),
        refused: of(1) + of(2) + of(3),
    }
}
