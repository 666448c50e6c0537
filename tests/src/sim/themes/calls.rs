//! What the village's app server does, and what passes there by itself.

use anser_protocol::content::Content;
use anser_protocol::error::ErrorCode;
use anser_protocol::ids::{GroupId, Position, RoomId};
use anser_protocol::limits::{ROOM_BACKLOG_MAX, SILENCE_MS_MIN};
use anser_protocol::options::SendOptions;
use anser_storage::command::{
    Actor, Amend, Amended, Command, GroupCommand, GroupOrder, MuteChange, Order, Origin, PeopleCommand, ProfileChange,
    RoomCommand, Send, Target, WordCommand,
};
use anser_storage::ids::UserNumber;

use super::Theme;
use super::life::{WORDS, some_name};
use crate::sim::cast::password_of;
use crate::sim::tally::Kind;
use crate::sim::world::World;

/// Longer than any silence, and than a message may be taken back.
const WHILE_MS: i64 = SILENCE_MS_MIN as i64 + 1000;

impl World {
    /// The village's app server does something; or time passes.
    pub fn govern(&mut self) {
        let theme = *self.course.random.pick(&self.cast.themes);
        let is_slow = matches!(theme, Theme::Groups | Theme::Rooms | Theme::Talk);
        match self.course.random.below(100) {
            0..3 if is_slow => self.let_time_pass(),
            3..25 => self.write_in_village(),
            _ => {
                if let Some(command) = self.village_command(theme) {
                    self.order_in_village(command, false);
                }
            }
        }
    }

    /// Silences end, and what was said becomes too old to be taken back.
    fn let_time_pass(&mut self) {
        self.course.count(Kind::TimePassed);
        self.server.clock_changed = self.course.now;
        self.server.clock_offset_ms += WHILE_MS;
    }

    fn server_text(&mut self) -> String {
        self.said_by_server += 1;
        format!("2/server#{}|", self.said_by_server)
    }

    fn write_in_village(&mut self) {
        let text = self.server_text();
        let model = &self.server.model;
        let random = &mut self.course.random;
        let from = model.number(&some_name(model, random)).unwrap_or_default();
        let groups: Vec<GroupId> = model.groups.keys().copied().collect();
        let target = if random.percent(50) && !groups.is_empty() {
            Target::Group(*random.pick(&groups))
        } else {
            Target::User(some_name(model, random))
        };
        self.send_in_village(from, target, text);
    }

    fn send_in_village(&mut self, from: UserNumber, target: Target, text: String) {
        let is_live_only = self.cast.themes.contains(&Theme::Talk) && self.course.random.percent(15);
        let options = SendOptions { no_offline: is_live_only, ..SendOptions::default() };
        let origin = Origin::Server { as_admin: self.course.random.percent(20) };
        let content = options.add_to(Content::text(&text));
        let app = self.server.model.app;
        self.order_in_village(Command::Send(Send { app, from, origin, target, content }), false);
    }

    fn village_command(&mut self, theme: Theme) -> Option<Command> {
        match theme {
            Theme::Notices => Some(Command::People(self.change_of_people())),
            Theme::Groups => self.change_of_group(),
            Theme::Rooms => self.change_of_room(),
            Theme::Talk => self.change_of_talk(),
            Theme::Logins => self.change_of_login().map(Command::People),
            Theme::Blacklist => Some(Command::People(self.change_of_blacklist())),
        }
    }

    fn change_of_people(&mut self) -> PeopleCommand {
        let (model, random) = (&self.server.model, &mut self.course.random);
        let (app, by) = (model.app, Actor::Server);
        let username = some_name(model, random);
        let others = vec![some_name(model, random)];
        match random.below(5) {
            0 => PeopleCommand::Befriend { app, by, username, others },
            1 => PeopleCommand::Unfriend { app, by, username, others },
            2 => {
                let groups: Vec<GroupId> = model.groups.keys().copied().collect();
                let add_groups = if groups.is_empty() { Vec::new() } else { vec![*random.pick(&groups)] };
                let change = MuteChange { add_groups, ..MuteChange::default() };
                PeopleCommand::Mute { app, by, username, change: Box::new(change) }
            }
            _ => {
                let nickname = Some(format!("nick {}", random.below(1000)));
                let change = ProfileChange { nickname, ..ProfileChange::default() };
                PeopleCommand::ChangeProfile { app, by, username, change: Box::new(change) }
            }
        }
    }

    fn change_of_group(&mut self) -> Option<Command> {
        let (model, random) = (&self.server.model, &mut self.course.random);
        let (app, by) = (model.app, Actor::Server);
        let living = model.groups.iter().filter(|(_, group)| !group.is_dissolved);
        let living: Vec<GroupId> = living.map(|(id, _)| *id).collect();
        if living.len() < 2 {
            let owner = some_name(model, random);
            let members = (0..4).map(|_| some_name(model, random)).collect();
            return Some(Command::Group(GroupCommand::Create {
                app,
                by,
                owner,
                name: "another".into(),
                description: String::new(),
                avatar: String::new(),
                is_public: random.percent(50),
                members_max: None,
                members,
            }));
        }
        let group = *random.pick(&living);
        let name = some_name(model, random);
        let names = vec![name.clone()];
        let order = match random.below(14) {
            0..4 => return Some(Command::Group(GroupCommand::Add { app, by, group, members: names })),
            4 | 5 => return Some(Command::Group(GroupCommand::Remove { app, by, group, members: names })),
            6 | 7 => Order::Silence { names, for_ms: Some(SILENCE_MS_MIN) },
            8 => Order::LiftSilence { names },
            9 => Order::AddAdmins { names },
            10 => Order::Unban { names },
            11 => Order::Transfer { to: name },
            12 if random.percent(10) => return Some(Command::Group(GroupCommand::Dissolve { app, by, group })),
            12 => Order::Edit { name: Some("renamed".into()), description: None, avatar: None },
            _ => {
                let add = vec![group];
                return Some(Command::People(PeopleCommand::Shield { app, by, username: name, add, remove: vec![] }));
            }
        };
        Some(Command::GroupOrder(GroupOrder { app, by, group, order }))
    }

    fn change_of_room(&mut self) -> Option<Command> {
        let (model, random) = (&self.server.model, &mut self.course.random);
        let (app, by) = (model.app, Actor::Server);
        let living = model.rooms.iter().filter(|(_, room)| !room.is_deleted);
        let living: Vec<RoomId> = living.map(|(id, _)| *id).collect();
        if living.len() < 2 {
            let (name, description) = ("room".to_owned(), String::new());
            let owner = some_name(model, random);
            let create = RoomCommand::Create { app, owner, name, description, members: Vec::new(), flag: 0 };
            return Some(Command::Room(create));
        }
        let room = *random.pick(&living);
        let users = vec![some_name(model, random)];
        let change = match random.below(20) {
            0..3 => RoomCommand::Add { app, room, members: users, is_part: false },
            3 => RoomCommand::Remove { app, room, members: users, is_part: false },
            4 | 5 => RoomCommand::Silence { app, by, room, users, for_ms: Some(SILENCE_MS_MIN) },
            6 => RoomCommand::Unsilence { app, by, room, users },
            7 => RoomCommand::Block { app, by, room, users },
            8 => RoomCommand::Unblock { app, by, room, users },
            9 => RoomCommand::AddAdmins { app, by, room, users },
            10 if random.percent(10) => RoomCommand::Delete { app, room },
            11 => {
                self.course.count(Kind::RoomCrowded);
                for _ in 0..ROOM_BACKLOG_MAX + 10 {
                    self.say_in_room_as_server(room);
                }
                return None;
            }
            _ => {
                self.say_in_room_as_server(room);
                return None;
            }
        };
        Some(Command::Room(change))
    }

    fn say_in_room_as_server(&mut self, room: RoomId) {
        let text = self.server_text();
        let model = &self.server.model;
        let Some(inside) = model.rooms.get(&room).map(|room| room.members.iter().copied().collect::<Vec<_>>()) else {
            return;
        };
        if !inside.is_empty() {
            let from = *self.course.random.pick(&inside);
            self.send_in_village(from, Target::Room(room), text);
        }
    }

    fn change_of_talk(&mut self) -> Option<Command> {
        let (model, random) = (&self.server.model, &mut self.course.random);
        let app = model.app;
        let word = vec![(*random.pick(&WORDS)).to_owned()];
        Some(match random.below(6) {
            0 => Command::Word(WordCommand::Add { app, words: word, words_max: 100 }),
            1 => Command::Word(WordCommand::Remove { app, words: word }),
            2 => {
                let (is_on, is_masking) = (random.percent(70), Some(random.percent(40)));
                Command::Word(WordCommand::SetFilter { app, is_on, is_masking })
            }
            _ => {
                let said = model.records.iter().filter(|(_, record)| record.text.is_some());
                let said: Vec<Position> = said.map(|(position, _)| *position).collect();
                if said.is_empty() {
                    return None;
                }
                let message = *random.pick(&said[said.len().saturating_sub(20)..]);
                let (by, what) = (Actor::Server, Amended::Retracted);
                Command::Amend(Amend { app, by, through_server: true, message, what, within_ms: None })
            }
        })
    }

    fn change_of_login(&mut self) -> Option<PeopleCommand> {
        let (model, random) = (&self.server.model, &mut self.course.random);
        let app = model.app;
        let disabled = model.people.values().find(|person| person.is_disabled && !person.is_deleted);
        if let Some(person) = disabled.filter(|_| random.percent(50)) {
            let username = person.name.clone();
            return Some(PeopleCommand::SetDisabled { app, username, is_disabled: false });
        }
        let username = some_name(model, random);
        match random.below(20) {
            0..4 => Some(PeopleCommand::SetDisabled { app, username, is_disabled: true }),
            4..6 => Some(PeopleCommand::SetPassword { app, password: password_of(&username), username }),
            // Half of the village is to stay.
            6 if model.numbers.len() > 5 => Some(PeopleCommand::Delete { app, usernames: vec![username] }),
            7 | 8 => Some(PeopleCommand::ClearDeparted { app }),
            _ => None,
        }
    }

    fn change_of_blacklist(&mut self) -> PeopleCommand {
        let (model, random) = (&self.server.model, &mut self.course.random);
        let (app, by) = (model.app, Actor::Server);
        let username = some_name(model, random);
        let others = vec![some_name(model, random)];
        match random.percent(60) {
            true => PeopleCommand::Block { app, by, username, others },
            false => PeopleCommand::Unblock { app, by, username, others },
        }
    }

    /// The harm is over: nobody stays barred, and what deleted users had is cleared away.
    pub fn reconcile(&mut self) {
        let app = self.server.model.app;
        if !self.cast.themes.contains(&Theme::Logins) {
            return;
        }
        for username in self.server.model.numbers.keys().cloned().collect::<Vec<_>>() {
            let enable = PeopleCommand::SetDisabled { app, username, is_disabled: false };
            self.order_in_village(Command::People(enable), true);
        }
        for _ in 0..4 {
            self.order_in_village(Command::People(PeopleCommand::ClearDeparted { app }), true);
        }
    }

    /// With what code the links of those end whom the command is about.
    pub fn ends_sessions(command: &Command) -> Option<ErrorCode> {
        match command {
            Command::People(PeopleCommand::SetDisabled { is_disabled: true, .. }) => Some(ErrorCode::USER_DISABLED),
            Command::People(PeopleCommand::SetPassword { .. }) => Some(ErrorCode::TOKEN_INVALID),
            Command::People(PeopleCommand::Delete { .. }) => Some(ErrorCode::USER_UNKNOWN),
            _ => None,
        }
    }
}
