//! Stores filled directly, for a daemon to open: what would take a load of hours to make.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anser_protocol::content::{Content, Platform};
use anser_protocol::ids::GroupId;
use anser_storage::command::{
    Actor, AppCommand, Command, DeviceCommand, GroupCommand, NewUser, Origin, Send, Stamped, Target, UserCommand,
};
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::Answer;
use anser_storage::{Chat, Options, Store};

use crate::daemon::App;

/// Carried by every tenth device.
pub const TAG: &str = "tenth";
pub const DEVICES: u32 = 1_000_000;
const CHATS: u32 = 1_000;
const MESSAGES_PER_CHAT: u32 = 10;
const COMMANDS_PER_BATCH: usize = 2_000;

struct Filler {
    store: Store,
    app: AppNumber,
    batch: Vec<Stamped>,
    at_ms: u64,
}

impl Filler {
    fn open(data_dir: &Path, app: &App) -> Self {
        let store = Store::open(data_dir, Options::default()).expect("the daemon has stopped and left a whole store");
        let snapshot = store.reader().snapshot().expect("the store is open");
        let (app, _) = snapshot.app_by_key(&app.app_key).expect("whole").expect("the daemon made the app");
        Self::on(store, app)
    }

    fn on(store: Store, app: AppNumber) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right");
        let at_ms = u64::try_from(now.as_millis()).expect("not that far in the future");
        Self { store, app, batch: Vec::new(), at_ms }
    }

    fn add(&mut self, command: Command) {
        self.batch.push(Stamped { at_ms: self.at_ms, command });
        if self.batch.len() == COMMANDS_PER_BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) -> Vec<Answer> {
        let outcomes = self.store.apply(&std::mem::take(&mut self.batch)).expect("the disk works");
        self.store.checkpoint_step().expect("the disk works");
        outcomes.into_iter().map(|outcome| outcome.answer.expect("nothing here is refused")).collect()
    }

    fn finish(mut self) {
        self.flush();
        self.store.checkpoint().expect("the disk works");
    }
}

/// Ten messages to this user from each of a thousand others, in turn.
pub fn messages_to(username: &str, data_dir: &Path, app: &App) {
    let mut filler = Filler::open(data_dir, app);
    let mut senders: Vec<UserNumber> = Vec::new();
    for first in (0..CHATS).step_by(500) {
        let new = |n| NewUser { username: format!("friend{n}"), password: "-".into(), ..NewUser::default() };
        let users = (first..first + 500).map(new).collect();
        filler.add(Command::User(UserCommand::Register { app: filler.app, users }));
        for answer in filler.flush() {
            let Answer::Users(made) = answer else { panic!("no users were made: {answer:?}") };
            senders.extend(made.into_iter().map(|user| user.expect("the names are all different")));
        }
    }
    let content = Content::text("a text of about the usual length, which is forty");
    for _ in 0..MESSAGES_PER_CHAT {
        for from in &senders {
            let (app, origin, target) = (filler.app, Origin::Server { as_admin: true }, Target::User(username.into()));
            filler.add(Command::Send(Send { app, from: *from, origin, target, content: content.clone() }));
        }
    }
    filler.finish();
}

pub const USERS: u32 = 10_000;
const GROUPS: u32 = 1_000;
/// So few that a chat has some thirty messages.
const PARTNERS: u32 = 2;
/// Commands of a commit under load.
const COMMANDS_PER_COMMIT: usize = 256;

/// Users with a device each, and groups of ten of them.
pub struct Talk {
    filler: Filler,
    users: Vec<(UserNumber, DeviceNumber)>,
    groups: Vec<GroupId>,
    next_message: u64,
}

impl Talk {
    pub fn begin(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("the disk works");
        let store = Store::open(folder, Options::default()).expect("the folder is new");
        let mut filler = Filler::on(store, AppNumber(1));
        let (name, app_key) = ("talk".to_owned(), "a".repeat(24));
        filler.add(Command::App(AppCommand::Create { name, app_key, master_secret: String::new() }));
        filler.flush();
        let app = filler.app;
        let mut users = Vec::new();
        for first in (0..USERS).step_by(500) {
            let new = |n| NewUser { username: name_of(n), password: "-".into(), ..NewUser::default() };
            filler.add(Command::User(UserCommand::Register { app, users: (first..first + 500).map(new).collect() }));
            for number in first..first + 500 {
                let (registration_id, secret_hash) = (registration_id(number), [0; 32]);
                let platform = Platform::ANDROID;
                filler.add(Command::Device(DeviceCommand::Register { app, registration_id, secret_hash, platform }));
            }
            let mut answers = filler.flush().into_iter();
            let Some(Answer::Users(made)) = answers.next() else { panic!("no users were made") };
            let made = made.into_iter().map(|user| user.expect("the names are all different"));
            users.extend(made.zip(answers.map(|answer| match answer {
                Answer::Device { device, .. } => device,
                other => panic!("no device was made: {other:?}"),
            })));
        }
        for group in 0..GROUPS {
            let names = |member: u32| name_of((group * 10 + member * 1_009) % USERS);
            filler.add(Command::Group(GroupCommand::Create {
                app,
                by: Actor::Server,
                owner: names(0),
                name: format!("group {group}"),
                description: String::new(),
                avatar: String::new(),
                is_public: false,
                members_max: None,
                members: (1..10).map(names).collect(),
            }));
        }
        let made = filler.flush().into_iter();
        let groups = made.map(|answer| match answer {
            Answer::Group(group) => group,
            other => panic!("no group was made: {other:?}"),
        });
        let groups = groups.collect();
        filler.store.checkpoint().expect("the disk works");
        Self { filler, users, groups, next_message: 0 }
    }

    /// Texts of 50 bytes from devices, two thirds of them to one of two partners and the rest to a group, in an order
    /// that scatters the chats.
    pub fn say(&mut self, messages: u64) {
        let app = self.filler.app;
        for number in self.next_message..self.next_message + messages {
            let lot = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            let (sender, target) = if number % 3 == 2 {
                let group = (lot % u64::from(GROUPS)) as u32;
                let member = (lot >> 20) as u32 % 10;
                ((group * 10 + member * 1_009) % USERS, Target::Group(self.groups[group as usize]))
            } else {
                let sender = (lot % u64::from(USERS)) as u32;
                (sender, Target::User(partner(sender, (lot >> 20) as u32)))
            };
            let (from, device) = self.users[sender as usize];
            let origin = Origin::Device { device, outbox: number + 1 };
            let content = Content::text(&format!("{number:07} a text of the usual length: fifty letters."));
            self.filler.add(Command::Send(Send { app, from, origin, target, content }));
            if self.filler.batch.len() == COMMANDS_PER_COMMIT {
                self.filler.at_ms += 20;
                self.filler.flush();
            }
        }
        self.filler.flush();
        self.next_message += messages;
        self.filler.store.checkpoint().expect("the disk works");
    }

    pub fn store(&self) -> &Store {
        &self.filler.store
    }

    /// A conversation of a user: with a partner, or now and then a group.
    pub fn conversation(&self, lot: u32) -> (UserNumber, Chat) {
        if lot % 3 == 2 {
            let group = lot / 3 % GROUPS;
            let (member, _) = self.users[(group * 10 % USERS) as usize];
            return (member, Chat::Group(self.groups[group as usize]));
        }
        let user = lot / 3 % USERS;
        let other = (user + 1 + lot / 3 / USERS % PARTNERS) % USERS;
        (self.users[user as usize].0, Chat::User(self.users[other as usize].0))
    }

    pub fn app(&self) -> AppNumber {
        self.filler.app
    }

    pub fn reopen(&mut self) {
        self.filler.store.reopen().expect("the disk works");
    }
}

fn name_of(number: u32) -> String {
    format!("user{number}")
}

/// Those with the next numbers.
fn partner(user: u32, lot: u32) -> String {
    name_of((user + 1 + lot % PARTNERS) % USERS)
}

pub fn registration_id(number: u32) -> String {
    format!("{number:019x}")
}

/// The tags of a device: ten of a thousand and one; every tenth device has [`TAG`].
fn tags_of(number: u32) -> Vec<String> {
    let tag = |n: u32| match n {
        0 if number.is_multiple_of(10) => TAG.to_owned(),
        _ => format!("t{}", (number / 7 + 101 * n) % 1_000),
    };
    (0..10).map(tag).collect()
}

/// A million devices with ten tags each; every thousandth has an alias, `user0` to `user999`.
pub fn devices(data_dir: &Path, app: &App) {
    let mut filler = Filler::open(data_dir, app);
    let app = filler.app;
    for number in 0..DEVICES {
        let registration_id = registration_id(number);
        let (secret_hash, platform) = ([0; 32], Platform::ANDROID);
        filler.add(Command::Device(DeviceCommand::Register { app, registration_id, secret_hash, platform }));
    }
    filler.flush();
    let snapshot = filler.store.reader().snapshot().expect("the store is open");
    for number in 0..DEVICES {
        let known = snapshot.device_by_registration_id(app, &registration_id(number)).expect("whole");
        let (device, _) = known.expect("just made");
        filler.add(Command::Device(DeviceCommand::SetTags { app, device, tags: tags_of(number) }));
        if number.is_multiple_of(1_000) {
            let alias = Some(format!("user{}", number / 1_000));
            filler.add(Command::Device(DeviceCommand::SetAlias { app, device, alias }));
        }
    }
    drop(snapshot);
    filler.finish();
}
