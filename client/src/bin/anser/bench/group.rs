//! `anser bench group`: in each group one member sends, all others get it.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anser_client::session::{Answer, Request};
use anser_client::shell::{Client, Options};
use anser_client::store::MemoryStore;
use anser_protocol::ids::GroupId;
use anser_protocol::limits::NAMES_PER_CALL_MAX;
use anser_protocol::names::Chat;
use clap::Args;
use futures_util::future::try_join_all;
use serde_json::Value;

use super::fleet::Fleet;
use super::link::{Role, Signal};
use super::send::{pace, stop_and_report};
use super::{PASSWORD, Users, all_there, get_ready};
use crate::failure::Failure;
use crate::options::Global;

/// A server that takes no more for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Owners that make their groups at the same time.
const MAKERS: usize = 32;

/// Send to groups whose members are all connected
#[derive(Args)]
pub struct Group {
    /// Members of each group, the sender included
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    members: usize,
    /// Groups, of which nobody is in two
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    groups: usize,
    /// Messages to send, to all groups together
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    messages: u64,
    /// Messages per second of all senders together, whether answered or not
    #[arg(long, value_name = "PER_SECOND", conflicts_with = "window")]
    rate: Option<f64>,
    /// Send as fast as answers come, with so many messages of each sender unanswered [default: 1]
    #[arg(long, value_name = "COUNT")]
    window: Option<usize>,
    /// Length of a message
    #[arg(long, default_value_t = 20, value_name = "BYTES")]
    bytes: usize,
}

impl Group {
    pub async fn run(self, global: &Global, users: &Users) -> Result<Value, Failure> {
        let (members, groups) = (self.members.max(2), self.groups.max(1));
        let everybody = members * groups;
        let pace = pace(self.rate, self.window, groups)?;
        if users.register {
            register_all(global, users, everybody).await?;
        }
        let made = make_groups(global, users, members, groups).await?;
        let mut fleet = Fleet::new(global, &Users { register: false, ..users.clone() })?;
        for (first, group) in made {
            fleet.add_user(first, Role::Send { to: Chat::Group(group), pace, bytes: self.bytes });
            (first + 1..first + members).for_each(|number| fleet.add_user(number, Role::Wait));
        }
        if let Err(failure) = get_ready(global, &fleet, everybody).await {
            fleet.end().await;
            return Err(failure);
        }
        let begun = Instant::now();
        fleet.signal(Signal::Go);
        let enough = self.messages;
        let is_enough = fleet.tally.wait_until(|tally| tally.offered.load(Ordering::Relaxed) >= enough);
        let _ = tokio::time::timeout(PATIENCE, is_enough).await;
        let report = stop_and_report(&fleet, begun, members as u64 - 1).await;
        fleet.end().await;
        Ok(report)
    }
}

async fn register_all(global: &Global, users: &Users, count: usize) -> Result<(), Failure> {
    let mut fleet = Fleet::new(global, users)?;
    (0..count).for_each(|number| fleet.add_user(number, Role::Wait));
    let ready = all_there(&fleet, count).await;
    fleet.end().await;
    ready
}

/// Every group with the number of its owner, who sends to it; the other members are the users that follow.
async fn make_groups(
    global: &Global,
    users: &Users,
    members: usize,
    groups: usize,
) -> Result<Vec<(usize, GroupId)>, Failure> {
    let make = |index: usize| async move {
        let first = index * members;
        Ok::<_, Failure>((first, make_group(global, users, first..first + members).await?))
    };
    let mut made = Vec::with_capacity(groups);
    let indexes: Vec<usize> = (0..groups).collect();
    for part in indexes.chunks(MAKERS) {
        made.extend(try_join_all(part.iter().map(|index| make(*index))).await?);
    }
    Ok(made)
}

async fn make_group(global: &Global, users: &Users, numbers: Range<usize>) -> Result<GroupId, Failure> {
    let options = Options::new(global.app_key()?);
    let (client, events) = Client::start(options, global.dialer()?, Box::new(MemoryStore::default()))?;
    drop(events);
    let owner = users.name(numbers.start);
    let password = global.password.as_deref().unwrap_or(PASSWORD);
    client.login(&owner, Some(password)).await.map_err(|error| Failure::login(&owner, error))?;
    let names: Vec<String> = numbers.skip(1).map(|number| users.name(number)).collect();
    let create = Request::GroupCreate { name: users.prefix.clone(), description: String::new(), members: Vec::new() };
    let Answer::GroupCreated { group } = client.request(create).await? else {
        return Err(Failure::new("the server did not say which group it made"));
    };
    for part in names.chunks(NAMES_PER_CALL_MAX) {
        client.request(Request::GroupAdd { group, members: part.to_vec() }).await?;
    }
    client.stop().await;
    Ok(group)
}
