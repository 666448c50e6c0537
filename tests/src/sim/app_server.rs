//! App servers: they write in their users' names, push, and change groups, by calls that a crash may leave unanswered.
//!
//! A push is repeated under its cid and a change of a group until it is known to be made, as a careful app server does. A
//! message has no name that would make a repeat safe: without an answer nobody knows what became of it.

use std::collections::{BTreeMap, BTreeSet};

use anser_protocol::content::{Content, CustomMessage, Platform, PushContent};
use anser_protocol::ids::Position;
use anser_protocol::names::Chat;
use anser_storage::command::{
    Actor, Amend, Amended, Audience, Command, GroupCommand, Origin, PushCommand, Selection, Send, Submit, Target,
};
use anser_storage::outcome::{Answer, Outcome, Refusal};

use super::cast::{TAGS, TOWNS, VILLAGE};
use super::client::{Client, Departed, Departure, Label, Registration};
use super::course::{CallId, Event, MS, SECOND};
use super::server::Asker;
use super::tally::Kind;
use super::tap::push_text;
use super::witness::{chain_of, push_chain};
use super::world::World;
use crate::judge::Order;

/// Longer than any jump of the clock.
const LIFETIME_S: u32 = 10 * 24 * 3600;

#[derive(Default)]
pub struct AppServers {
    calls: BTreeMap<CallId, Call>,
    last: CallId,
    /// Calls that the present server has taken and not answered.
    taken: BTreeSet<CallId>,
    /// What they wrote and know the place of, by app; what was amended stays, to be amended again.
    written: BTreeMap<usize, Vec<(String, Position)>>,
}

enum Call {
    Send {
        app: usize,
        chain: String,
        key: String,
        command: Command,
    },
    Push(Box<Push>),
    Amend {
        message: Position,
        command: Command,
    },
    Add {
        app: usize,
        group: usize,
        user: usize,
    },
    Remove {
        app: usize,
        group: usize,
        user: usize,
    },
    /// What comes of it, the model judges.
    Village {
        command: Box<Command>,
        is_repeated: bool,
    },
}

struct Push {
    app: usize,
    key: String,
    submit: Submit,
    /// Clients that must get it, and those that may.
    certain: BTreeSet<usize>,
    possible: BTreeSet<usize>,
}

impl AppServers {
    pub fn are_all_answered(&self) -> bool {
        self.calls.is_empty()
    }

    pub fn changes_of_groups(&self) -> usize {
        self.calls.values().filter(|call| matches!(call, Call::Add { .. } | Call::Remove { .. })).count()
    }
}

impl World {
    /// App servers do something, while the load lasts.
    pub fn employ(&mut self) {
        if self.is_healed {
            return;
        }
        self.settle_departures();
        let app = self.course.random.index(TOWNS);
        match self.course.random.below(110) {
            100..110 => (0..3).for_each(|_| self.govern()),
            76..80 => self.push(VILLAGE),
            0..40 => self.write_to_user(app),
            40..43 => self.amend(app),
            43 | 44 => self.campaign(app),
            45..55 => self.write_to_group(app),
            55..80 => self.push(app),
            _ if self.may_change_groups() => self.change_group(app),
            _ => {}
        }
        self.course.within(100 * MS, 700 * MS, Event::Employ);
    }

    fn call(&mut self, call: Call) -> CallId {
        self.calls.last += 1;
        let id = self.calls.last;
        self.calls.calls.insert(id, call);
        self.course.within(MS, 50 * MS, Event::CallArrives(id));
        id
    }

    /// An order of the village's app server; one that must come through is repeated until it is answered.
    pub fn order_in_village(&mut self, command: Command, is_repeated: bool) {
        self.course.note(format_args!("the village: {command:?}"));
        self.call(Call::Village { command: Box::new(command), is_repeated });
    }

    fn write_to_user(&mut self, index: usize) {
        let random = &mut self.course.random;
        let app = &self.cast.apps[index];
        let from = random.index(app.users.len());
        // The first user is the one to whom everybody writes.
        let with_client = app.users.iter().filter(|user| !user.clients.is_empty()).count();
        let to = if random.percent(50) { 0 } else { random.index(with_client) };
        let chat = Chat::User(app.users[to].name.as_str().into());
        let target = Target::User(app.users[to].name.clone());
        self.write_as(index, from, &chat, target);
    }

    fn write_to_group(&mut self, index: usize) {
        let random = &mut self.course.random;
        let group = random.pick(&self.cast.apps[index].groups);
        let members: Vec<usize> = group.members.difference(&group.changing).copied().collect();
        let (id, from) = (group.id, *random.pick(&members));
        self.write_as(index, from, &Chat::Group(id), Target::Group(id));
    }

    /// More than a mailbox holds, to one group.
    fn campaign(&mut self, index: usize) {
        self.course.count(Kind::Campaign);
        let group = &self.cast.apps[index].groups[0];
        let members: Vec<usize> = group.members.difference(&group.changing).copied().collect();
        let (id, from) = (group.id, *self.course.random.pick(&members));
        for _ in 0..80 {
            self.write_as(index, from, &Chat::Group(id), Target::Group(id));
        }
    }

    fn write_as(&mut self, index: usize, from: usize, chat: &Chat, target: Target) {
        let app = &self.cast.apps[index];
        let user = &app.users[from];
        let chain = chain_of(index, &user.name, chat);
        let key = format!("{index}/server#{}", self.calls.last + 1);
        self.course.note(format_args!("{key} is written in {chain}"));
        self.course.count(Kind::ByAppServer);
        // No client's name: it reaches every client of both sides.
        self.witness.sent(&chain, &key, &format!("{index}/server"), false);
        let command = Command::Send(Send {
            app: app.number,
            from: user.number,
            origin: Origin::Server { as_admin: false },
            target,
            content: Content::text(&format!("{key}|")),
        });
        self.call(Call::Send { app: index, chain, key, command });
    }

    /// One of the newer messages that an app server wrote is taken back, edited or erased, perhaps once more.
    fn amend(&mut self, index: usize) {
        let Some(written) = self.calls.written.get(&index) else { return };
        let random = &mut self.course.random;
        let (key, message) = random.pick(&written[written.len().saturating_sub(20)..]).clone();
        let what = match random.below(6) {
            0 | 1 => Amended::Retracted,
            2 => Amended::Erased,
            _ => Amended::Edited(Content::text(&format!("{key}|edited by call {}", self.calls.last + 1))),
        };
        self.course.note(format_args!("{key} at {message} is to be {what:?}"));
        self.witness.amends(message.0, &key);
        let (app, by) = (self.cast.apps[index].number, Actor::Server);
        let command = Command::Amend(Amend { app, by, through_server: false, message, what, within_ms: None });
        self.call(Call::Amend { message, command });
    }

    fn push(&mut self, index: usize) {
        let key = format!("{index}/push#{}", self.calls.last + 1);
        let random = &mut self.course.random;
        let time_to_live_s = match random.below(10) {
            0 => 0,
            1 | 2 => random.between(1, 15) as u32,
            _ => LIFETIME_S,
        };
        let message = CustomMessage { content: push_text(&key, time_to_live_s), ..CustomMessage::default() };
        let content = PushContent { notification: None, message: Some(message) };
        let mut platforms = vec![Platform::ANDROID, Platform::IOS];
        if random.percent(15) {
            platforms.remove(random.index(2));
        }
        match time_to_live_s {
            0 => self.course.count(Kind::PushedToConnected),
            LIFETIME_S => {}
            _ => self.course.count(Kind::PushExpiring),
        }
        let audience = self.draw_audience(index);
        let submit = Submit {
            app: self.cast.apps[index].number,
            contents: platforms.into_iter().map(|platform| (platform, content.clone())).collect(),
            audience,
            time_to_live_s,
            sendno: String::new(),
            connected: Vec::new(),
            cid: Some(key.clone()),
            only_repeats: false,
            broadcasts: None,
            validate_only: false,
            group_push: None,
            bridged: Vec::new(),
            only_test_devices: false,
            spread_s: 0,
            replaces: None,
            kept: String::new(),
            callback: None,
            sms: None,
        };
        let mut push = Push { app: index, key, submit, certain: BTreeSet::new(), possible: BTreeSet::new() };
        self.announce_push(&mut push);
        self.call(Call::Push(Box::new(push)));
    }

    fn draw_audience(&mut self, index: usize) -> Audience {
        let random = &mut self.course.random;
        let clients: Vec<&Client> = self.clients.iter().filter(|client| client.place.app == index).collect();
        let registered: Vec<&String> = clients.iter().filter_map(|client| client.registration_id()).collect();
        let tag = |random: &mut super::random::Random| vec![(*random.pick(&TAGS)).to_owned()];
        let selection = match random.below(8) {
            0 | 1 => return Audience::All,
            2 | 3 => Selection { tag: tag(random), ..Selection::default() },
            4 => Selection { tag_and: TAGS[..2].iter().map(|tag| (*tag).to_owned()).collect(), ..Selection::default() },
            5 => Selection { tag_not: tag(random), ..Selection::default() },
            6 => Selection { alias: vec![format!("alias{}", random.below(8))], ..Selection::default() },
            _ if registered.is_empty() => return Audience::All,
            _ => Selection { registration_id: vec![(*random.pick(&registered)).clone()], ..Selection::default() },
        };
        Audience::Selected(selection)
    }

    fn announce_push(&mut self, push: &mut Push) {
        let chain = push_chain(&push.key);
        self.witness.announce(&chain, Order::Unordered);
        for client in self.clients.iter().filter(|client| client.place.app == push.app) {
            match is_for(&push.submit, client) {
                Some(false) => continue,
                Some(true) => push.certain.insert(client.index),
                None => push.possible.insert(client.index),
            };
            self.witness.joining(&chain, client.name());
            if push.certain.contains(&client.index) {
                self.witness.joined(&chain, client.name());
            }
        }
        self.course.note(format_args!("{} is for {:?} and perhaps {:?}", push.key, push.certain, push.possible));
        self.witness.sent(&chain, &push.key, &format!("{}/server", push.app), false);
    }

    /// The client's labels or its place among the devices change: whether a push that is not answered yet is for it, nobody
    /// can tell.
    pub fn unsettle(&mut self, client: usize) {
        let (app, name) = (self.clients[client].place.app, self.clients[client].place.name.clone());
        for call in self.calls.calls.values_mut() {
            let Call::Push(push) = call else { continue };
            if push.app != app {
                continue;
            }
            let chain = push_chain(&push.key);
            if push.certain.remove(&client) {
                self.witness.leaving(&chain, &name);
            } else if !push.possible.contains(&client) {
                self.witness.joining(&chain, &name);
            }
            push.possible.insert(client);
        }
    }

    fn change_group(&mut self, app: usize) {
        let random = &mut self.course.random;
        let index = random.index(self.cast.apps[app].groups.len());
        let with_client = self.cast.apps[app].users.iter().filter(|user| !user.clients.is_empty()).count();
        let user = random.index(with_client);
        let group = &mut self.cast.apps[app].groups[index];
        let is_member = group.members.contains(&user);
        if group.changing.contains(&user) || is_member && group.members.len() <= group.changing.len() + 2 {
            return;
        }
        group.changing.insert(user);
        if is_member {
            self.tell_members(app, index, user, |witness, chain, name| witness.leaving(chain, name));
            self.call(Call::Remove { app, group: index, user });
        } else {
            self.tell_members(app, index, user, |witness, chain, name| witness.joining(chain, name));
            self.call(Call::Add { app, group: index, user });
        }
    }

    /// Tells the judge something of every application of a user, in a group's chain.
    pub fn tell_members(
        &mut self,
        app: usize,
        group: usize,
        user: usize,
        mut tell: impl FnMut(&mut super::witness::Witness, &str, &str),
    ) {
        let chain = chain_of(app, "", &Chat::Group(self.cast.apps[app].groups[group].id));
        self.course.note(format_args!("user{user} of {app} comes to or goes from {chain}"));
        for receiver in &self.cast.apps[app].users[user].receivers {
            tell(&mut self.witness, &chain, receiver);
        }
    }

    /// Users who wanted to leave a group: either they have, or an app server sees to it.
    pub fn settle_departures(&mut self) {
        for client in 0..self.clients.len() {
            let app = self.clients[client].place.app;
            for Departed { group, user, departure } in std::mem::take(&mut self.clients[client].departures) {
                match departure {
                    Departure::Left => {
                        self.course.count(Kind::Left);
                        self.has_left(app, group, user);
                    }
                    // Whatever is still on its way must have arrived before.
                    Departure::Unknown => {
                        let call = self.calls.last + 1;
                        self.calls.last = call;
                        self.calls.calls.insert(call, Call::Remove { app, group, user });
                        self.course.after(15 * SECOND, Event::CallArrives(call));
                    }
                }
            }
        }
    }

    fn has_left(&mut self, app: usize, group: usize, user: usize) {
        self.cast.apps[app].groups[group].members.remove(&user);
        self.cast.apps[app].groups[group].changing.remove(&user);
        self.tell_members(app, group, user, |witness, chain, name| witness.left(chain, name));
    }

    pub fn call_arrives(&mut self, id: CallId) {
        let Some(call) = self.calls.calls.get(&id) else { return };
        if !self.server.is_up() {
            return self.course.within(100 * MS, SECOND, Event::CallAnswered(id, None));
        }
        let name = |app: usize, user: usize| vec![self.cast.apps[app].users[user].name.clone()];
        let command = match call {
            Call::Send { command, .. } | Call::Amend { command, .. } => command.clone(),
            Call::Village { command, .. } => (**command).clone(),
            Call::Push(push) => {
                let connected = self.server.switchboard().map(|board| board.connected_devices(push.submit.app));
                let submit = Submit { connected: connected.unwrap_or_default(), ..push.submit.clone() };
                Command::Push(PushCommand::Submit(Box::new(submit)))
            }
            Call::Add { app, group, user } => Command::Group(GroupCommand::Add {
                app: self.cast.apps[*app].number,
                by: Actor::Server,
                group: self.cast.apps[*app].groups[*group].id,
                members: name(*app, *user),
            }),
            Call::Remove { app, group, user } => Command::Group(GroupCommand::Remove {
                app: self.cast.apps[*app].number,
                by: Actor::Server,
                group: self.cast.apps[*app].groups[*group].id,
                members: name(*app, *user),
            }),
        };
        self.calls.taken.insert(id);
        let asker = match Self::ends_sessions(&command) {
            Some(code) => Asker::Ending(id, code),
            None => Asker::Call(id),
        };
        self.server.submit(asker, command, &mut self.course);
    }

    pub fn call_answered(&mut self, id: CallId, outcome: Option<Outcome>) -> Result<(), String> {
        self.calls.taken.remove(&id);
        let Some(outcome) = outcome else {
            self.call_failed(id);
            return Ok(());
        };
        let Some(call) = self.calls.calls.remove(&id) else { return Ok(()) };
        match (call, outcome.answer) {
            (Call::Send { app, chain, key, .. }, Ok(Answer::Sent { position, .. })) => {
                self.witness.answered(&chain, &key, position.0);
                self.calls.written.entry(app).or_default().push((key, position));
            }
            (Call::Village { .. }, _) => {}
            (Call::Amend { .. }, Ok(Answer::Amended { .. })) => self.course.count(Kind::Amended),
            (Call::Amend { .. }, Err(Refusal::AlreadyRetracted)) => {}
            (Call::Amend { message, .. }, Err(Refusal::MessageUnknown)) if self.witness.is_lost(message.0) => {}
            (Call::Send { chain, key, .. }, Err(Refusal::NotAMember | Refusal::Internal)) => {
                self.witness.refused(&chain, &key);
            }
            (Call::Push(push), Ok(Answer::Pushed { msg_id, .. })) => {
                self.witness.answered(&push_chain(&push.key), &push.key, msg_id.0);
            }
            (Call::Push(push), Err(Refusal::NoTarget { .. })) => {
                if let Some(client) = push.certain.first() {
                    return Err(format!("{} found no target, but it is for client {client}", push.key));
                }
                self.witness.refused(&push_chain(&push.key), &push.key);
            }
            // The one device that it was for is not known any more.
            (Call::Push(push), Err(Refusal::RegistrationIdUnknown)) if push.certain.is_empty() => {
                self.witness.refused(&push_chain(&push.key), &push.key);
            }
            (Call::Add { app, group, user }, Ok(_) | Err(Refusal::AlreadyAMember { .. })) => {
                self.course.count(Kind::Joined);
                self.cast.apps[app].groups[group].members.insert(user);
                self.cast.apps[app].groups[group].changing.remove(&user);
                self.tell_members(app, group, user, |witness, chain, name| witness.joined(chain, name));
            }
            (Call::Remove { app, group, user }, Ok(_) | Err(Refusal::MemberUnknown { .. })) => {
                self.course.count(Kind::Removed);
                self.has_left(app, group, user);
            }
            (_, answer) => return Err(format!("an app server was answered {answer:?}")),
        }
        Ok(())
    }

    /// The connection broke before the answer.
    fn call_failed(&mut self, id: CallId) {
        match self.calls.calls.get(&id) {
            Some(Call::Send { .. } | Call::Amend { .. } | Call::Village { is_repeated: false, .. }) => {
                drop(self.calls.calls.remove(&id))
            }
            Some(_) => self.course.within(200 * MS, 3 * SECOND, Event::CallArrives(id)),
            None => {}
        }
    }

    /// The server is gone: what it had taken and not answered fails.
    pub fn break_calls(&mut self) {
        for id in std::mem::take(&mut self.calls.taken) {
            self.course.within(MS, SECOND, Event::CallAnswered(id, None));
        }
    }

    /// What an older server would be asked again is given up: it might come to another end than the first time.
    pub fn forget_calls(&mut self) {
        self.calls.calls.clear();
        self.calls.taken.clear();
    }
}

/// Is the push for this client? Nothing: nobody can tell.
fn is_for(submit: &Submit, client: &Client) -> Option<bool> {
    let has_platform = submit.contents.iter().any(|(platform, _)| *platform == client.place.platform);
    if client.registration == Registration::Never || !has_platform {
        return Some(false);
    }
    let is_chosen = match &submit.audience {
        Audience::All => Some(true),
        Audience::Selected(selection) => is_chosen(selection, client),
        // No app server of the simulation uploads any.
        Audience::File(_) | Audience::Activity(_) => None,
    };
    let is_certain = client.is_registered() && submit.time_to_live_s == LIFETIME_S;
    is_chosen.filter(|is_chosen| !is_chosen || is_certain)
}

fn is_chosen(selection: &Selection, client: &Client) -> Option<bool> {
    if let Some(id) = selection.registration_id.first() {
        return match &client.registration {
            Registration::Known(known) => Some(known == id),
            _ => None,
        };
    }
    if let Some(wanted) = selection.alias.first() {
        return match &client.alias {
            Label::Settled(alias) => Some(alias == wanted),
            Label::Unsure => None,
        };
    }
    let Label::Settled(tags) = &client.tags else { return None };
    let has = |tag: &String| tags.contains(tag);
    let any = selection.tag.is_empty() || selection.tag.iter().any(has);
    Some(any && selection.tag_and.iter().all(has) && !selection.tag_not.iter().any(has))
}
