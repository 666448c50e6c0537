//! At the end: what each client holds is what the server would show its users, no more and no less, and of what was amended the
//! present form; what it counts as unread is what the server counts; and no token outlives the logout of its user.

use std::collections::{BTreeMap, BTreeSet};

use anser_client::store::Store;
use anser_protocol::content::{Content, ContentKind};
use anser_protocol::ids::Position;
use anser_protocol::names;
use anser_storage::outcome::MessageBody;
use anser_storage::{Chat, Snapshot};
use anserd::keys::token_hash;
use anserd::link::query::{self, Answer, LoginUser, Query};

use super::cast::User;
use super::client::Client;
use super::world::World;

/// Compares every client's store with the log.
pub fn compare_with_the_log(world: &World) -> Result<(), String> {
    let reader = world.server.reader().ok_or("the server is down")?;
    let snapshot = reader.snapshot().map_err(|error| format!("no snapshot: {error}"))?;
    for client in &world.clients {
        for user in [Some(client.place.user), client.place.guest].into_iter().flatten() {
            let is_deleted = world.server.model.people.get(&world.cast.apps[client.place.app].users[user].number);
            if client.heard.is_some() && is_deleted.is_none_or(|person| person.is_deleted) {
                continue;
            }
            compare(world, client, user, &snapshot)?;
        }
        expect_ended(world, client, &snapshot)?;
    }
    Ok(())
}

fn compare(world: &World, client: &Client, user: usize, snapshot: &Snapshot) -> Result<(), String> {
    let app = &world.cast.apps[client.place.app];
    let User { name, number, .. } = &app.users[user];
    // Who is not logged in gets the rest with the next login; what must have come before, the judge knows.
    let is_acting = user == client.acting && !(client.heard.is_some() && client.is_logged_out());
    let everything = Position(u64::MAX);
    let rows = snapshot.conversations(app.number, *number, everything, 1000, 0).map_err(|error| error.to_string())?;
    for row in rows {
        let chat = match row.chat {
            Chat::Group(group) => names::Chat::Group(group),
            Chat::User(_) => names::Chat::User(row.name.as_str().into()),
            Chat::Notices => names::Chat::Notices,
        };
        let (mut logged, mut shown) = (BTreeSet::new(), Shown::default());
        let mut before = everything;
        loop {
            let page = snapshot.history(app.number, *number, &row.chat, before, Position::START, 100);
            let page = page.map_err(|error| error.to_string())?;
            logged.extend(page.records.iter().map(|record| record.position));
            page.records.into_iter().for_each(|record| shown.add(record.position, record.message.body.clone()));
            if page.complete {
                break;
            }
            before = page.reached;
        }
        let messages = client.store.messages(name, &chat);
        let held = messages.iter();
        let held: BTreeSet<Position> = held.map(|message| message.record.position).collect();
        let missing: Vec<_> = logged.difference(&held).filter(|_| is_acting).collect();
        // What was only for those who were there, the log shows to nobody else.
        let model = &world.server.model;
        let is_kept = |position: &Position| {
            let content = messages.iter().find(|message| message.record.position == *position);
            let content = content.map(|message| &message.record.content);
            // And what a member says in a group that they shield, their own device keeps.
            let is_own = messages.iter().any(|held| held.record.position == *position && held.record.outbox > 0);
            client.heard.is_some()
                && (is_own
                    || content.is_some_and(|content| {
                        content.is_live_only() || model.is_blind && content.kind == ContentKind::RETRACTED
                    })
                    || model.records.get(position).is_some_and(|of| of.only.is_some()))
        };
        let may_be = |position: &&Position| world.witness.is_lost(position.0) || is_kept(position);
        let surplus: Vec<_> = held.difference(&logged).filter(|position| !may_be(position)).collect();
        if !missing.is_empty() || !surplus.is_empty() {
            let receiver = client.place.receiver(user);
            let surplus: Vec<_> = messages.iter().filter(|held| surplus.contains(&&held.record.position)).collect();
            return Err(format!(
                "{receiver} lacks {missing:?} of {chat:?} and holds what is not in the log: {surplus:?}"
            ));
        }
        // What an older image does not know of, clients were told all the same.
        // And what is amended while somebody is not in the group, they are not told.
        let was_always_in = matches!(&row.windows[..], [window] if window.last_seq == u64::MAX);
        if !is_acting || !was_always_in || world.witness.has_losses() {
            continue;
        }
        let unread = snapshot.unread(app.number, *number, &row.chat).map_err(|error| error.to_string())?;
        let counted = client.store.unread(name, &chat).map_err(|error| error.to_string())?;
        // What was only for those who were there counts for those alone, and the log does not say who they were.
        let seen_live = messages.iter().map(|held| &held.record.content).filter(|content| content.is_live_only());
        let seen_live: u32 = seen_live.map(Content::unread_weight).sum();
        if !(unread..=unread + seen_live).contains(&counted) {
            let (receiver, mark) = (client.place.receiver(user), row.read_mark);
            return Err(format!(
                "{receiver} counts {counted} unread in {chat:?}, not {unread}; it is read up to {mark}"
            ));
        }
        for message in messages {
            let record = &message.record;
            if let Some(content) = shown.amended(record.position).filter(|content| **content != record.content) {
                let receiver = client.place.receiver(user);
                return Err(format!("{receiver} shows {:?} at {}, not {content:?}", record.content, record.position));
            }
        }
    }
    Ok(())
}

/// What the server shows of one chat, and which of it its user was told to be amended.
#[derive(Default)]
struct Shown {
    contents: BTreeMap<Position, Content>,
    amended: BTreeSet<Position>,
}

impl Shown {
    fn add(&mut self, position: Position, body: MessageBody) {
        match body {
            MessageBody::Content(content) => drop(self.contents.insert(position, content)),
            MessageBody::Amendment(amendment) => drop(self.amended.insert(amendment.position)),
            MessageBody::Event(_) | MessageBody::Notice(_) | MessageBody::Change(_) => {}
        }
    }

    fn amended(&self, position: Position) -> Option<&Content> {
        self.contents.get(&position).filter(|_| self.amended.contains(&position))
    }
}

/// Nobody may log in with a token whose user has logged out.
fn expect_ended(world: &World, client: &Client, snapshot: &Snapshot) -> Result<(), String> {
    let app = world.cast.apps[client.place.app].number;
    for (username, token) in &client.ended {
        let login = Query::LogIn {
            app,
            username: username.clone(),
            token_hash: Some(token_hash(token)),
            signed: None,
            web: None,
        };
        let answer = query::answer(snapshot, login, 0).map_err(|error| error.to_string())?;
        if matches!(answer, Answer::LogIn(Some(LoginUser { token: Some(_), .. }))) {
            return Err(format!("a token of {username} on {} outlived the logout", client.name()));
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
