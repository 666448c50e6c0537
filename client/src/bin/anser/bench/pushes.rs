//! `anser bench push-receive`: devices that wait for a broadcast.

use clap::Args;
use serde_json::{Value, json};

use super::fleet::Fleet;
use super::link::Signal;
use super::{Users, get_ready, rounded};
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
}

impl PushReceive {
    pub async fn run(self, global: &Global, users: &Users) -> Result<Value, Failure> {
        let mut fleet = Fleet::new(global, users)?;
        (0..self.devices).for_each(|_| fleet.add_device());
        if let Err(failure) = get_ready(global, &fleet, self.devices as usize).await {
            fleet.end().await;
            return Err(failure);
        }
        fleet.signal(Signal::Go);
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
        fleet.end().await;
        Ok(json!({"event": "done", "pushes": pushes}))
    }
}
