//! Random work for chat rooms, and short words for what tests do with them.

use anser_protocol::ids::{OutboxNumber, Position, RoomId};
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::{Answer, Outcome};

use super::random::Random;
use super::{World, sent};

/// Something that is done with a room, by or to some user.
pub fn any(random: &mut Random, app: AppNumber, room: RoomId, user: UserNumber, username: String) -> RoomCommand {
    let users = vec![username];
    let by = if random.one_in(2) { Actor::Server } else { Actor::User(UserNumber(1)) };
    match random.below(24) {
        0..=5 => RoomCommand::Enter { app, room, user },
        6 | 7 => RoomCommand::Leave { app, room, user },
        8..=11 => RoomCommand::Add { app, room, members: users, is_part: random.one_in(2) },
        12 | 13 => RoomCommand::Remove { app, room, members: users, is_part: random.one_in(2) },
        14 => RoomCommand::AddAdmins { app, by, room, users },
        15 => RoomCommand::RemoveAdmins { app, by, room, users },
        16 => RoomCommand::Block { app, by, room, users },
        17 => RoomCommand::Unblock { app, by, room, users },
        18 | 19 => RoomCommand::Silence { app, by, room, users, for_ms: Some(random.below(3_600_000)) },
        20 => RoomCommand::Unsilence { app, by, room, users },
        21 => {
            let (name, description) = (Some("renamed".into()), random.one_in(2).then(String::new));
            RoomCommand::Update { app, room, owner: users.into_iter().next(), name, description }
        }
        22 => RoomCommand::ClearDeleted { app },
        _ => RoomCommand::Delete { app, room },
    }
}

pub fn create(app: AppNumber, owner: &str, members: &[&str]) -> RoomCommand {
    let members = members.iter().map(|name| (*name).into()).collect();
    RoomCommand::Create {
        app,
        owner: owner.into(),
        name: "a room".into(),
        description: String::new(),
        members,
        flag: 0,
    }
}

impl World {
    pub fn room(&mut self, owner: &str, members: &[&str]) -> RoomId {
        match self.answer(Command::Room(create(self.app, owner, members))) {
            Answer::Room(room) => room,
            other => panic!("{other:?}"),
        }
    }

    pub fn enter_room(&mut self, user: UserNumber, room: RoomId) {
        self.answer(Command::Room(RoomCommand::Enter { app: self.app, room, user }));
    }

    pub fn send_to_room(&mut self, from: UserNumber, room: RoomId, text: &str) -> Position {
        let command = self.send_command(from, Origin::Server { as_admin: false }, Target::Room(room), text);
        sent(self.answer(command)).0
    }

    pub fn send_to_room_from(
        &mut self,
        from: UserNumber,
        (device, outbox): (DeviceNumber, OutboxNumber),
        room: RoomId,
        text: &str,
    ) -> Outcome {
        let command = self.send_command(from, Origin::Device { device, outbox }, Target::Room(room), text);
        self.apply(command)
    }
}
