//! What the people of the village do on their devices.

use anser_client::session::{CommandTo, GroupCall, GroupOrder, PeopleRequest, Request};
use anser_protocol::content::{Content, Platform};
use anser_protocol::frame::people::{Mutes, ProfileChange};
use anser_protocol::ids::{GroupId, Position, RoomId};
use anser_protocol::limits::SILENCE_MS_MIN;
use anser_protocol::names::Chat;
use anser_protocol::options::SendOptions;
use anser_protocol::room::RoomRole;
use anser_storage::ids::UserNumber;

use super::Theme;
use super::model::Model;
use crate::sim::course::{Event, MS};
use crate::sim::random::Random;
use crate::sim::tally::Kind;
use crate::sim::world::World;

/// The words that must not be said.
pub const WORDS: [&str; 2] = ["swan", "crane"];

impl World {
    /// Somebody of the village does something.
    pub fn live(&mut self, client: usize) -> Result<(), String> {
        if self.clients[client].is_logged_out() {
            if self.course.random.percent(30) {
                self.course.after(MS, Event::GivePassword(client, self.clients[client].life));
            }
            return Ok(());
        }
        let theme = *self.course.random.pick(&self.cast.themes);
        match self.course.random.below(100) {
            0..35 => self.say_in_village(client),
            35..38 => self.change_user(client),
            _ => match theme {
                Theme::Notices => self.ask_about_people(client),
                Theme::Groups => self.order(client),
                Theme::Rooms => self.visit(client),
                Theme::Talk => self.talk(client),
                Theme::Logins => self.come_and_go(client),
                Theme::Blacklist => self.block_somebody(client),
            },
        }
    }

    fn ask(&mut self, client: usize, request: Request) -> Result<(), String> {
        self.course.note(format_args!("{}: asks {request:?}", self.clients[client].name()));
        self.clients[client].ask(request, &mut self.network, &mut self.witness, &mut self.course)
    }

    fn ask_people(&mut self, client: usize, request: PeopleRequest) -> Result<(), String> {
        self.ask(client, Request::People(request))
    }

    /// What the client's user is called, and the number that the village knows them by.
    fn villager(&self, client: usize) -> (String, UserNumber) {
        let name = self.clients[client].user.clone();
        let number = self.server.model.number(&name).unwrap_or_default();
        (name, number)
    }

    fn say_in_village(&mut self, client: usize) -> Result<(), String> {
        let chat = self.village_chat(client);
        let says_word = self.cast.themes.contains(&Theme::Talk) && self.course.random.percent(25);
        let word = if says_word { *self.course.random.pick(&WORDS) } else { "" };
        let is_live_only = self.cast.themes.contains(&Theme::Talk) && self.course.random.percent(25);
        let options = SendOptions { no_offline: is_live_only, ..SendOptions::default() };
        let content = |text: &str| options.add_to(Content::text(&format!("{text}|a {word}")));
        let client = &mut self.clients[client];
        client.say_to(chat, content, &mut self.network, &mut self.witness, &mut self.course)
    }

    fn village_chat(&mut self, client: usize) -> Chat {
        let (_, number) = self.villager(client);
        let model = &self.server.model;
        let random = &mut self.course.random;
        let groups: Vec<GroupId> = if random.percent(10) {
            // Now and then somewhere, where one may not.
            model.groups.keys().copied().collect()
        } else {
            model.groups.iter().filter(|(_, group)| group.members.contains(&number)).map(|(id, _)| *id).collect()
        };
        if random.percent(55) && !groups.is_empty() {
            return Chat::Group(*random.pick(&groups));
        }
        Chat::User(some_name(model, random).as_str().into())
    }

    fn ask_about_people(&mut self, client: usize) -> Result<(), String> {
        let (name, number) = self.villager(client);
        let random = &mut self.course.random;
        let model = &self.server.model;
        let other = some_name(model, random);
        let marker = random.below(1000);
        let person = model.people.get(&number).cloned().unwrap_or_default();
        let friends: Vec<UserNumber> = person.friends.iter().copied().collect();
        let request = match random.below(9) {
            0..3 => PeopleRequest::AskFriend { username: other, reason: format!("{name} asks {marker}") },
            3 | 4 => match person.asked_by.iter().next() {
                Some(asker) => PeopleRequest::AnswerFriend {
                    username: model.name(*asker).to_owned(),
                    accepts: random.percent(60),
                    reason: format!("{name} answers {marker}"),
                },
                None => PeopleRequest::AnswerFriend { username: other, accepts: true, reason: String::new() },
            },
            5 if !friends.is_empty() => {
                PeopleRequest::RemoveFriends { usernames: vec![model.name(*random.pick(&friends)).to_owned()] }
            }
            6 if !friends.is_empty() => PeopleRequest::NoteFriend {
                username: model.name(*random.pick(&friends)).to_owned(),
                name: Some(format!("friend {marker}")),
                text: None,
            },
            7 => {
                let (add_users, remove_users) = match random.percent(60) {
                    true => (vec![other], Vec::new()),
                    false => (Vec::new(), vec![other]),
                };
                let everything = random.percent(20).then(|| random.percent(50));
                PeopleRequest::Mute(Box::new(Mutes { add_users, remove_users, everything, ..no_mutes() }))
            }
            _ => PeopleRequest::ChangeProfile(Box::new(profile(format!("{name} {marker}")))),
        };
        self.ask_people(client, request)
    }

    /// The first group of the village, or another one.
    fn some_group(&mut self) -> GroupId {
        let groups: Vec<GroupId> = self.server.model.groups.keys().copied().collect();
        if groups.is_empty() { GroupId(0) } else { *self.course.random.pick(&groups) }
    }

    fn order(&mut self, client: usize) -> Result<(), String> {
        let (_, number) = self.villager(client);
        let id = self.some_group();
        let model = &self.server.model;
        let random = &mut self.course.random;
        let Some(group) = model.groups.get(&id) else { return Ok(()) };
        if random.percent(25) {
            let is_shielded = group.shields.contains(&number);
            let (add, remove) = if is_shielded { (Vec::new(), vec![id]) } else { (vec![id], Vec::new()) };
            return self.ask_people(client, PeopleRequest::Shield { add, remove });
        }
        // Keepers mostly answer those who wait to come in, and silence members: both meet too rarely to be left to chance.
        if group.keepers().contains(&number) {
            match random.below(10) {
                0..6 if !group.joins.is_empty() => return self.answer_a_join(client, id),
                6..9 if !group.members.is_empty() => {
                    let members: Vec<UserNumber> = group.members.iter().copied().collect();
                    let members = vec![model.name(*random.pick(&members)).to_owned()];
                    let order = GroupOrder::Silence { members, for_ms: Some(SILENCE_MS_MIN) };
                    return self.ask(client, Request::Group(Box::new(GroupCall::Order { group: id, order })));
                }
                9 if random.percent(40) => {
                    let call = GroupCall::Order { group: id, order: GroupOrder::Dissolve };
                    return self.ask(client, Request::Group(Box::new(call)));
                }
                _ => {}
            }
        }
        let name = some_name(model, random);
        let members = vec![name.clone()];
        let order = match random.below(24) {
            0..4 => GroupOrder::Silence { members, for_ms: Some(SILENCE_MS_MIN) },
            4 => GroupOrder::Silence { members, for_ms: None },
            5 => GroupOrder::LiftSilence(members),
            6 | 7 => GroupOrder::AddAdmins(members),
            8 => GroupOrder::RemoveAdmins(members),
            9 => GroupOrder::Ban(members),
            10 => GroupOrder::Unban(members),
            11 => GroupOrder::SetNickname { username: name, nickname: format!("nick {}", random.below(100)) },
            12 => GroupOrder::Announce { text: format!("hear {}", random.below(100)), as_message: random.percent(50) },
            13 => GroupOrder::TransferTo(name),
            14 => GroupOrder::SetPublic(!group.is_public),
            15 if random.percent(15) => GroupOrder::Dissolve,
            15..19 if !group.members.contains(&number) => GroupOrder::Apply { reason: "let me in".into() },
            15..19 => GroupOrder::Invite { members, reason: "let them in".into() },
            19 => return self.ask(client, Request::GroupLeave { group: id }),
            20 => return self.ask(client, Request::GroupRemove { group: id, members }),
            _ => return self.answer_a_join(client, id),
        };
        self.ask(client, Request::Group(Box::new(GroupCall::Order { group: id, order })))
    }

    fn answer_a_join(&mut self, client: usize, group: GroupId) -> Result<(), String> {
        let model = &self.server.model;
        let waits = model.groups.get(&group).and_then(|group| group.joins.iter().next());
        let Some((user, (request, _))) = waits else { return Ok(()) };
        let answers = vec![(*request, model.name(*user).to_owned())];
        let is_accepted = self.course.random.percent(60);
        let call = GroupCall::AnswerJoins { group, answers, is_accepted, reason: "so be it".into() };
        self.ask(client, Request::Group(Box::new(call)))
    }

    fn visit(&mut self, client: usize) -> Result<(), String> {
        let (_, number) = self.villager(client);
        let random = &mut self.course.random;
        let model = &self.server.model;
        let rooms: Vec<RoomId> = model.rooms.keys().copied().collect();
        if rooms.is_empty() {
            return Ok(());
        }
        let id = *random.pick(&rooms);
        let Some(room) = model.rooms.get(&id) else { return Ok(()) };
        let is_in = self.seen.get(&client).is_some_and(|seen| seen.stays.is_in(id));
        if !is_in && random.percent(60) {
            self.course.count(Kind::RoomEntered);
            return self.clients[client].enter_room(id, &mut self.network, &mut self.witness, &mut self.course);
        }
        let has_right = room.owner == number || room.admins.contains(&number);
        match random.below(20) {
            0 | 1 => self.clients[client].leave_room(id, &mut self.network, &mut self.witness, &mut self.course),
            2 | 3 if has_right || random.percent(20) => {
                let users = vec![some_name(model, random)];
                let role = *random.pick(&[RoomRole::SILENCED, RoomRole::BLOCKED]);
                let is_given = random.percent(60);
                let for_ms = if role == RoomRole::SILENCED && is_given { SILENCE_MS_MIN } else { 0 };
                self.ask(client, Request::RoomChange { room: id, role, is_given, users, for_ms })
            }
            _ => {
                let client = &mut self.clients[client];
                client.say_in_room(id, &mut self.network, &mut self.witness, &mut self.course)
            }
        }
    }

    fn talk(&mut self, client: usize) -> Result<(), String> {
        let (_, number) = self.villager(client);
        if self.course.random.percent(50) {
            let group = self.some_group();
            let random = &mut self.course.random;
            let to = match random.below(3) {
                0 => CommandTo::User(some_name(&self.server.model, random)),
                1 => CommandTo::Group(group),
                _ => CommandTo::OwnDevices(Platform::OTHER),
            };
            let client = &mut self.clients[client];
            return client.command(to, &mut self.network, &mut self.witness, &mut self.course);
        }
        let own = self.server.model.records.iter().filter(|(_, record)| {
            record.text.is_some() && (record.from == Some(number) || position_is_for_a_try(record.at_ms))
        });
        let own: Vec<Position> = own.map(|(position, _)| *position).collect();
        if own.is_empty() {
            return Ok(());
        }
        // Mostly a new one; of the old ones some are too old.
        let random = &mut self.course.random;
        let newest = own.len().saturating_sub(if random.percent(60) { 3 } else { own.len() });
        let message = *random.pick(&own[newest..]);
        self.ask(client, Request::Retract { message })
    }

    /// Logs out, and in again some time later.
    fn come_and_go(&mut self, client: usize) -> Result<(), String> {
        match self.course.random.percent(25) {
            true => self.ask(client, Request::Logout),
            false => self.say_in_village(client),
        }
    }

    fn block_somebody(&mut self, client: usize) -> Result<(), String> {
        let (_, number) = self.villager(client);
        let random = &mut self.course.random;
        let model = &self.server.model;
        let blocks = model.people.get(&number).map(|person| person.blocks.clone()).unwrap_or_default();
        match blocks.iter().next().filter(|_| random.percent(45)) {
            Some(blocked) => {
                let usernames = vec![model.name(*blocked).to_owned()];
                self.ask_people(client, PeopleRequest::Unblock { usernames })
            }
            None if random.percent(40) => {
                let usernames = vec![some_name(model, random)];
                self.ask_people(client, PeopleRequest::Block { usernames })
            }
            None => self.say_in_village(client),
        }
    }

    /// While something is missing: who is logged out comes back, one device of a kind.
    pub fn let_villagers_in(&mut self) {
        for index in self.cast.villagers.clone() {
            let client = &self.clients[index];
            let is_known = self.server.model.number(&client.user).is_some();
            let others = self.cast.villagers.iter().filter(|other| **other != index);
            let is_there = |other: &usize| {
                let other = &self.clients[*other];
                other.user == client.user && !other.is_logged_out()
            };
            let is_held = self.cast.has_one_of_a_kind && others.clone().any(is_there);
            if client.is_logged_out() && is_known && !is_held {
                self.course.after(MS, Event::GivePassword(index, client.life));
                if self.cast.has_one_of_a_kind {
                    return;
                }
            }
        }
    }
}

/// A few messages of others are tried as well.
fn position_is_for_a_try(at_ms: u64) -> bool {
    at_ms.is_multiple_of(16)
}

pub fn some_name(model: &Model, random: &mut Random) -> String {
    let living: Vec<&String> = model.numbers.keys().collect();
    if living.is_empty() { String::new() } else { (*random.pick(&living)).clone() }
}

fn profile(signature: String) -> ProfileChange {
    ProfileChange {
        request: 0,
        nickname: None,
        avatar: None,
        birthday: None,
        signature: Some(signature),
        region: None,
        address: None,
        gender: None,
        extras: None,
        extensions: Default::default(),
    }
}

fn no_mutes() -> Mutes {
    Mutes {
        request: 0,
        add_users: Vec::new(),
        remove_users: Vec::new(),
        add_groups: Vec::new(),
        remove_groups: Vec::new(),
        everything: None,
        extensions: Default::default(),
    }
}
