//! `anser bench push-receive`: devices that wait for a broadcast.

use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::fleet::Fleet;
use super::link::Signal;
use super::{Users, get_ready, rounded, say};
use crate::failure::Failure;
use crate::options::Global;
use crate::signals::asked_to_end;

/// Wait for pushes and say how long they took from the first device to the last
#[derive(Args)]
pub struct PushReceive {
    /// Devices to connect
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    devices: u64,
    /// End when every device has so many pushes [default: when interrupted]
    #[arg(long, value_name = "COUNT")]
    pushes: Option<usize>,
    /// Close the links once all devices are known, wait for a line on standard input, and come back for what was missed
    #[arg(long)]
    away: bool,
}

impl PushReceive {
    pub async fn run(self, global: &Global, users: &Users) -> Result<Value, Failure> {
        let mut fleet = Fleet::new(global, users)?;
        (0..self.devices).for_each(|_| fleet.add_device());
        if let Err(failure) = get_ready(global, &fleet, self.devices as usize).await {
            fleet.end().await;
            return Err(failure);
        }
        if self.away {
            self.leave(global, &fleet).await;
            fleet.signal(Signal::Return);
        } else {
            fleet.signal(Signal::Go);
        }
        let begun = Instant::now();
        let all_arrived = fleet.tally.wait_until(|tally| {
            let complete = tally.pushes().values().filter(|seen| seen.devices >= self.devices).count();
            self.pushes.is_some_and(|wanted| complete >= wanted)
        });
        tokio::select! {
            () = all_arrived => {}
            () = asked_to_end() => {}
        }
        let pushes: Vec<Value> = fleet
            .tally
            .pushes()
            .into_iter()
            .map(|(msg_id, seen)| {
                let spread = rounded(seen.last - seen.first);
                json!({"msg_id": msg_id, "devices": seen.devices, "first_to_last_seconds": spread})
            })
            .collect();
        let seconds = rounded(begun.elapsed());
        fleet.end().await;
        Ok(json!({"event": "done", "seconds": seconds, "pushes": pushes}))
    }

    /// All links are closed; what is pushed now is missed.
    async fn leave(&self, global: &Global, fleet: &Fleet) {
        fleet.signal(Signal::Leave);
        fleet.tally.wait_until(|tally| tally.left() >= self.devices).await;
        say(global, &json!({"event": "away", "links": self.devices}));
        let mut line = String::new();
        let mut lines = BufReader::new(tokio::io::stdin());
        tokio::select! {
            // The end of the input is as good as a line.
            _ = lines.read_line(&mut line) => {}
            () = asked_to_end() => {}
        }
    }
}
