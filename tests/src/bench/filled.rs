//! Stores filled directly, for a daemon to open: what would take a load of hours to make.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anser_protocol::content::{Content, Platform};
use anser_storage::command::{Command, DeviceCommand, NewUser, Origin, Send, Stamped, Target, UserCommand};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::outcome::Answer;
use anser_storage::{Options, Store};

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
