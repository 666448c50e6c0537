//! `anser bench reconnect`: links that are closed and opened again, with a login by token each time.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::fleet::Fleet;
use super::link::{Role, Signal};
use super::{Users, get_ready, per_second, rounded};
use crate::failure::Failure;
use crate::options::Global;

/// A round in which nothing moves for so long has failed.
const ROUND_WITHIN: Duration = Duration::from_secs(120);

/// Open links again and again, logging in by token
#[derive(Args)]
pub struct Reconnect {
    /// Links that are opened in a round
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    links: usize,
    /// Rounds
    #[arg(long, default_value_t = 10, value_name = "COUNT")]
    rounds: u32,
    /// Make a full TLS handshake each time instead of resuming the session before
    #[arg(long)]
    full_handshake: bool,
}

impl Reconnect {
    pub async fn run(self, global: &Global, users: &Users) -> Result<Value, Failure> {
        let dialer = global.dialer()?;
        let dialer = if self.full_handshake { dialer.without_resumption() } else { dialer };
        let mut fleet = Fleet::with_dialer(global, users, dialer)?;
        (0..self.links).for_each(|number| fleet.add_user(number, Role::Wait));
        let result = match get_ready(global, &fleet, self.links).await {
            Ok(()) => self.rounds(&fleet).await,
            Err(failure) => Err(failure),
        };
        fleet.end().await;
        result
    }

    async fn rounds(&self, fleet: &Fleet) -> Result<Value, Failure> {
        let begun = Instant::now();
        for round in 1..=self.rounds {
            let wanted = self.links * (round as usize + 1);
            fleet.signal(Signal::Reconnect(round));
            let all_back = fleet.tally.wait_until(|tally| tally.ready() >= wanted || tally.trouble().is_some());
            let in_time = tokio::time::timeout(ROUND_WITHIN, all_back).await;
            if let Some(trouble) = fleet.tally.trouble() {
                return Err(Failure::new(trouble));
            }
            in_time.map_err(|_| Failure::new("the links did not come back in time"))?;
        }
        let (time, opened) = (begun.elapsed(), self.links as u64 * u64::from(self.rounds));
        let rate = per_second(opened, time);
        Ok(json!({"event": "done", "links_opened": opened, "seconds": rounded(time), "links_per_second": rate}))
    }
}
