//! At the end: what each client holds is what the server would show its user, no more and no less.

use std::collections::BTreeSet;

use anser_protocol::ids::Position;
use anser_protocol::names;
use anser_storage::{Chat, Snapshot};

use super::client::Client;
use super::world::World;

/// Compares every client's store with the log.
pub fn compare_with_the_log(world: &World) -> Result<(), String> {
    let reader = world.server.reader().ok_or("the server is down")?;
    let snapshot = reader.snapshot().map_err(|error| format!("no snapshot: {error}"))?;
    world.clients.iter().try_for_each(|client| compare(world, client, &snapshot))
}

fn compare(world: &World, client: &Client, snapshot: &Snapshot) -> Result<(), String> {
    let app = &world.cast.apps[client.place.app];
    let user = app.users[client.place.user].number;
    let everything = Position(u64::MAX);
    let rows = snapshot.conversations(app.number, user, everything, 1000, 0).map_err(|error| error.to_string())?;
    for row in rows {
        let chat = match row.chat {
            Chat::Group(group) => names::Chat::Group(group),
            Chat::User(_) => names::Chat::User(row.name.as_str().into()),
        };
        let mut logged = BTreeSet::new();
        let mut before = everything;
        loop {
            let page = snapshot.history(app.number, user, &row.chat, before, Position::START, 100);
            let page = page.map_err(|error| error.to_string())?;
            logged.extend(page.records.iter().map(|record| record.position));
            if page.complete {
                break;
            }
            before = page.reached;
        }
        let held = client.store.messages(&client.user, &chat);
        let held: BTreeSet<Position> = held.into_iter().map(|message| message.record.position).collect();
        let missing: Vec<_> = logged.difference(&held).collect();
        let surplus: Vec<_> = held.difference(&logged).filter(|position| !world.witness.is_lost(position.0)).collect();
        if !missing.is_empty() || !surplus.is_empty() {
            let name = client.name();
            return Err(format!("{name} lacks {missing:?} of {chat:?} and holds {surplus:?} that is not in the log"));
        }
    }
    Ok(())
}

pub fn why_not_drained(world: &World) -> String {
    let unsettled = world.clients.iter().filter(|client| !client.is_settled());
    let unsettled: Vec<String> = unsettled.map(Client::describe).collect();
    format!(
        "it does not drain: clients that are not settled: {unsettled:?}, app servers {}, the server is {}",
        if world.calls.are_all_answered() { "are answered" } else { "wait" },
        if world.server.is_up() { "up" } else { "down" },
    )
}
