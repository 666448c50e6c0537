//! `anser bench`: many clients in one process, to size a host and to measure a server.

mod fleet;
mod group;
mod idle;
mod link;
mod pushes;
mod reconnect;
mod send;
mod tally;

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::fleet::Fleet;
use crate::failure::Failure;
use crate::options::Global;
use crate::signals::asked_to_end;

/// Put load on a server and measure it
#[derive(Args)]
#[command(after_help = "Examples:
  anser bench --register idle --links 1000 --hold 60
  anser bench --register send --links 100 --rate 5000 --seconds 10
  anser bench --register send --links 100 --window 16 --seconds 10
  anser bench --register group --members 400 --messages 100
  anser bench --register group --members 10 --groups 1000 --messages 100000
  anser bench push-receive --devices 1000 --pushes 1
  anser bench push-receive --devices 1000 --pushes 1 --away

The users are bench-0, bench-1, … of the app; --register makes those that are missing. Each client keeps its state in
memory and is gone afterwards; messages that were sent stay on the server. Use an app of its own. For more than a few
hundred links raise the limit of open files first: ulimit -n 100000")]
pub struct Bench {
    #[command(flatten)]
    users: Users,
    #[command(subcommand)]
    what: What,
}

/// Who the clients are.
#[derive(Args, Clone)]
pub struct Users {
    /// Register the users first, as far as they are missing
    #[arg(long)]
    register: bool,
    /// What the users' names begin with
    #[arg(long, default_value = "bench", value_name = "NAME")]
    prefix: String,
    /// Clients that connect and log in at the same time
    #[arg(long, default_value_t = 32, value_name = "COUNT")]
    at_once: usize,
}

#[derive(Subcommand)]
enum What {
    Idle(idle::Idle),
    Send(send::Send),
    Group(group::Group),
    PushReceive(pushes::PushReceive),
    Reconnect(reconnect::Reconnect),
}

/// The users' password unless another is given.
const PASSWORD: &str = "bench-password";

impl Users {
    fn name(&self, number: usize) -> String {
        format!("{}-{number}", self.prefix)
    }
}

impl Bench {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let report = match self.what {
            What::Idle(idle) => idle.run(global, &self.users).await?,
            What::Send(send) => send.run(global, &self.users).await?,
            What::Group(group) => group.run(global, &self.users).await?,
            What::PushReceive(receive) => receive.run(global, &self.users).await?,
            What::Reconnect(reconnect) => reconnect.run(global, &self.users).await?,
        };
        say(global, &report);
        Ok(())
    }
}

/// One line: an object with `--json`, else its members.
fn say(global: &Global, report: &Value) {
    if global.json {
        println!("{report}");
        return;
    }
    let members = report.as_object().into_iter().flatten();
    let texts: Vec<String> = members.map(|(name, value)| format!("{}: {value}", name.replace('_', " "))).collect();
    println!("{}", texts.join(", "));
}

/// Waits until every client is ready, says so, and fails when one cannot be.
async fn get_ready(global: &Global, fleet: &Fleet, count: usize) -> Result<(), Failure> {
    let begun = std::time::Instant::now();
    all_there(fleet, count).await?;
    let seconds = rounded(begun.elapsed());
    say(global, &json!({"event": "ready", "links": count, "seconds": seconds}));
    Ok(())
}

async fn all_there(fleet: &Fleet, count: usize) -> Result<(), Failure> {
    fleet.tally.wait_until(|tally| tally.ready() >= count || tally.trouble().is_some()).await;
    fleet.tally.trouble().map_or(Ok(()), |trouble| Err(Failure::new(trouble)))
}

/// For so long, or until asked to end.
async fn hold(time: Option<Duration>) {
    let end = async {
        match time {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = end => {}
        () = asked_to_end() => {}
    }
}

fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

fn per_second(count: u64, time: Duration) -> f64 {
    (count as f64 / time.as_secs_f64().max(1e-9)).round()
}
