//! `anser bench idle`: links that are open and silent.

use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::fleet::Fleet;
use super::link::Role;
use super::{Users, get_ready, hold};
use crate::failure::Failure;
use crate::options::Global;

/// Open links, log in, and do nothing
#[derive(Args)]
pub struct Idle {
    /// Links to open
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    links: usize,
    /// Do not log in: devices that only wait for pushes
    #[arg(long)]
    no_login: bool,
    /// Hold the links for so many seconds after all are open [default: until interrupted]
    #[arg(long, value_name = "SECONDS")]
    hold: Option<u64>,
}

impl Idle {
    pub async fn run(self, global: &Global, users: &Users) -> Result<Value, Failure> {
        let mut fleet = Fleet::new(global, users)?;
        for number in 0..self.links {
            if self.no_login {
                fleet.add_device();
            } else {
                fleet.add_user(number, Role::Wait);
            }
        }
        let ready = get_ready(global, &fleet, self.links).await;
        if ready.is_ok() {
            hold(self.hold.map(Duration::from_secs)).await;
        }
        let lost = fleet.tally.lost_links.load(Ordering::Relaxed);
        fleet.end().await;
        ready.map(|()| json!({"event": "done", "links": self.links, "lost_links": lost}))
    }
}
