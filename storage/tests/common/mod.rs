//! A store with people in it, and short words for what tests do with it.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod every_table;
pub mod files;
pub mod group_orders;
pub mod kept;
pub mod media;
pub mod pushes;
pub mod random;
pub mod rooms;
pub mod schedules;
pub mod script;
pub mod talk;
pub mod torture;

use anser_protocol::content::{Content, Platform};
use anser_protocol::ids::{GroupId, OutboxNumber, Position, TimeMs};
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::{Answer, MessageBody, Outcome, Refusal};
use anser_storage::{Chat, Finding, Options, ReadRecord, Snapshot, Store};

pub const T0: TimeMs = 1_700_000_000_000;

/// A store in memory with one app.
pub struct World {
    pub store: Store,
    pub app: AppNumber,
    pub now_ms: TimeMs,
}

impl World {
    pub fn new() -> Self {
        Self::on(Store::open_on(redb::backends::InMemoryBackend::new(), Options::default()).expect("memory opens"))
    }

    pub fn on(store: Store) -> Self {
        let mut world = Self { store, app: AppNumber(0), now_ms: T0 };
        world.app = world.create_app("chat");
        world
    }

    pub fn apply(&mut self, command: Command) -> Outcome {
        self.now_ms += 1;
        let stamped = Stamped { at_ms: self.now_ms, command };
        self.store.apply(&[stamped]).expect("the disk is well").remove(0)
    }

    pub fn answer(&mut self, command: Command) -> Answer {
        let described = format!("{command:?}");
        self.apply(command).answer.unwrap_or_else(|refusal| panic!("{refusal:?} for {described}"))
    }

    pub fn refusal(&mut self, command: Command) -> Refusal {
        self.apply(command).answer.expect_err("the command is refused")
    }

    pub fn read(&self) -> Snapshot {
        self.store.reader().snapshot().expect("the store is open")
    }

    /// What a scrub of everything finds.
    pub fn findings(&self) -> Vec<Finding> {
        findings(&self.read())
    }

    pub fn create_app(&mut self, name: &str) -> AppNumber {
        let create =
            AppCommand::Create { name: name.into(), app_key: format!("key of {name}"), master_secret: "secret".into() };
        match self.answer(Command::App(create)) {
            Answer::App(app) => app,
            other => panic!("{other:?}"),
        }
    }

    pub fn user(&mut self, name: &str) -> UserNumber {
        self.users(&[name])[0]
    }

    pub fn users(&mut self, names: &[&str]) -> Vec<UserNumber> {
        let users = names.iter().map(|name| NewUser { username: (*name).into(), ..NewUser::default() }).collect();
        match self.answer(Command::User(UserCommand::Register { app: self.app, users })) {
            Answer::Users(users) => users.into_iter().map(|user| user.expect("the name is free")).collect(),
            other => panic!("{other:?}"),
        }
    }

    pub fn device(&mut self, id: &str) -> DeviceNumber {
        self.device_on(id, Platform::ANDROID)
    }

    pub fn device_on(&mut self, id: &str, platform: Platform) -> DeviceNumber {
        let register =
            DeviceCommand::Register { app: self.app, registration_id: id.into(), secret_hash: [7; 32], platform };
        match self.answer(Command::Device(register)) {
            Answer::Device { device, .. } => device,
            other => panic!("{other:?}"),
        }
    }

    pub fn group(&mut self, owner: &str, members: &[&str]) -> GroupId {
        let create = GroupCommand::Create {
            app: self.app,
            by: Actor::Server,
            owner: owner.into(),
            name: "walkers".into(),
            description: String::new(),
            avatar: String::new(),
            is_public: false,
            members_max: None,
            members: members.iter().map(|name| (*name).into()).collect(),
        };
        match self.answer(Command::Group(create)) {
            Answer::Group(group) => group,
            other => panic!("{other:?}"),
        }
    }

    pub fn send_command(&self, from: UserNumber, origin: Origin, target: Target, text: &str) -> Command {
        Command::Send(Send { app: self.app, from, origin, target, content: Content::text(text) })
    }

    pub fn send(&mut self, from: UserNumber, to: &str, text: &str) -> Position {
        let target = Target::User(to.into());
        let command = self.send_command(from, Origin::Server { as_admin: false }, target, text);
        sent(self.answer(command)).0
    }

    pub fn send_from_device(
        &mut self,
        from: UserNumber,
        device: DeviceNumber,
        outbox: OutboxNumber,
        to: &str,
        text: &str,
    ) -> Outcome {
        let target = Target::User(to.into());
        let command = self.send_command(from, Origin::Device { device, outbox }, target, text);
        self.apply(command)
    }

    pub fn send_to_group(&mut self, from: UserNumber, group: GroupId, text: &str) -> Position {
        let command = self.send_command(from, Origin::Server { as_admin: false }, Target::Group(group), text);
        sent(self.answer(command)).0
    }

    /// All that a user can read of a chat, newest first, in pages of three.
    pub fn whole_history(&self, user: UserNumber, chat: Chat) -> Vec<ReadRecord> {
        let snapshot = self.read();
        let mut records = Vec::new();
        let mut before = Position(u64::MAX);
        loop {
            let page = snapshot.history(self.app, user, &chat, before, Position::START, 3).expect("nothing is damaged");
            records.extend(page.records);
            if page.complete {
                return records;
            }
            assert!(page.reached < before, "a page moves on");
            before = page.reached;
        }
    }
}

pub fn sent(answer: Answer) -> (Position, bool) {
    match answer {
        Answer::Sent { position, is_repeat, .. } => (position, is_repeat),
        other => panic!("{other:?}"),
    }
}

pub fn text_of(record: &ReadRecord) -> String {
    match &record.message.body {
        MessageBody::Content(content) => content.as_text().unwrap_or("?").into(),
        MessageBody::Event(event) => format!("event {}", event.kind.0),
        MessageBody::Change(change) => format!("event {}", change.event.kind.0),
        MessageBody::Amendment(amendment) => format!("amendment {}", amendment.kind.0),
        MessageBody::Notice(notice) => format!("notice {}.{} by {:?}", notice.kind.0, notice.detail, notice.by),
    }
}

pub fn texts(records: &[ReadRecord]) -> Vec<String> {
    records.iter().map(text_of).collect()
}

pub fn findings(snapshot: &Snapshot) -> Vec<Finding> {
    let (mut place, mut findings) = (None, Vec::new());
    loop {
        let scrubbed = snapshot.scrub(place.as_ref(), 1000).expect("the disk is well");
        findings.extend(scrubbed.findings);
        match scrubbed.next {
            Some(next) => place = Some(next),
            None => return findings,
        }
    }
}
