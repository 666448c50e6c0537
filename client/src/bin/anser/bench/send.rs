//! `anser bench send`: single chats between pairs of users, all connected.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anser_protocol::names::Chat;
use clap::Args;
use serde_json::{Value, json};

use super::fleet::Fleet;
use super::link::{Pace, Role, Signal};
use super::{Users, get_ready, hold, per_second};
use crate::failure::Failure;
use crate::options::Global;

/// Answers and deliveries that are under way when sending ends may take so long.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Send between pairs of connected users
#[derive(Args)]
pub struct Send {
    /// Users, an even number; each sends to its partner
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    links: usize,
    /// Messages per second of all together, whether answered or not
    #[arg(long, value_name = "PER_SECOND", conflicts_with = "window")]
    rate: Option<f64>,
    /// Send as fast as answers come, with so many messages of each user unanswered [default: 1]
    #[arg(long, value_name = "COUNT")]
    window: Option<usize>,
    /// How long
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    seconds: u64,
    /// Length of a message
    #[arg(long, default_value_t = 20, value_name = "BYTES")]
    bytes: usize,
}

impl Send {
    pub async fn run(self, global: &Global, users: &Users) -> Result<Value, Failure> {
        let links = self.links.max(2).next_multiple_of(2);
        let pace = pace(self.rate, self.window, links)?;
        let mut fleet = Fleet::new(global, users)?;
        for number in 0..links {
            let to = Chat::User(users.name(number ^ 1).as_str().into());
            fleet.add_user(number, Role::Send { to, pace, bytes: self.bytes });
        }
        if let Err(failure) = get_ready(global, &fleet, links).await {
            fleet.end().await;
            return Err(failure);
        }
        let begun = Instant::now();
        fleet.signal(Signal::Go);
        hold(Some(Duration::from_secs(self.seconds))).await;
        let report = stop_and_report(&fleet, begun, 1).await;
        fleet.end().await;
        Ok(report)
    }
}

pub fn pace(rate: Option<f64>, window: Option<usize>, senders: usize) -> Result<Pace, Failure> {
    match rate {
        Some(rate) if rate > 0.0 && rate.is_finite() => Ok(Pace::Every(Duration::from_secs_f64(senders as f64 / rate))),
        Some(_) => Err(Failure::usage("--rate is a number of messages per second above 0")),
        None => Ok(Pace::Window(window.unwrap_or(1).max(1))),
    }
}

/// Lets what is under way arrive, and says how it went. Each answered message is to reach `receivers` links.
pub async fn stop_and_report(fleet: &Fleet, begun: Instant, receivers: u64) -> Value {
    let tally = &fleet.tally;
    let sending = begun.elapsed();
    let answered = tally.answered.load(Ordering::Relaxed);
    fleet.signal(Signal::Pause);
    let all_arrived = tally.wait_until(|tally| {
        let answered = tally.answered.load(Ordering::Relaxed);
        answered + tally.refused.load(Ordering::Relaxed) >= tally.offered.load(Ordering::Relaxed)
            && tally.received.load(Ordering::Relaxed) >= answered * receivers
    });
    let _ = tokio::time::timeout(DRAIN_WITHIN, all_arrived).await;
    let received = tally.received.load(Ordering::Relaxed);
    json!({
        "event": "done",
        "seconds": super::rounded(sending),
        "offered": tally.offered.load(Ordering::Relaxed),
        "answered": tally.answered.load(Ordering::Relaxed),
        "refused": tally.refused.load(Ordering::Relaxed),
        "answers_per_second": per_second(answered, sending),
        "answer_ms": tally.answer_times.report(),
        "delivered": received,
        "deliveries_per_second": per_second(received, tally.receiving_time()),
        "delivery_ms": tally.delivery_times.report(),
        "lost_links": tally.lost_links.load(Ordering::Relaxed),
    })
}
