//! A store that has been in use for long: filled directly, for a daemon to open.

use std::fs;
use std::path::Path;

use anser_protocol::content::Content;
use anser_storage::command::{AppCommand, Command, NewUser, Origin, Send, Stamped, Target, UserCommand};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::outcome::Answer;
use anser_storage::{Options, Store};

use crate::daemon::App;

const USERS: u32 = 1_000;
const USERS_PER_COMMAND: u32 = 500;
const SENDS_PER_BATCH: usize = 1_000;
/// With the record's other parts, about the size of an average chat message on disk.
const TEXT: [u8; 160] = [b'x'; 160];

/// Fills the store of a data folder with single chats among a thousand users until its file has so many bytes, and
/// leaves it as a kill does, its newest heads only in the log. Gives the app that all belongs to.
pub fn fill(data_dir: &Path, bytes: u64) -> App {
    fs::create_dir_all(data_dir).expect("the data folder can be made");
    let mut filler = Filler { store: Store::open(data_dir, Options::default()).expect("a new store opens"), at_ms: 0 };
    let app = App { app_key: "5".repeat(24), master_secret: "6".repeat(24) };
    let (number, users) = filler.people(&app);
    let text = Content::text(std::str::from_utf8(&TEXT).expect("x is UTF-8"));
    let mut random = 1u64;
    while file_bytes(data_dir) < bytes {
        let mut batch = Vec::with_capacity(SENDS_PER_BATCH);
        for _ in 0..SENDS_PER_BATCH {
            // A linear congruential generator: any spread will do, as long as it is always the same.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let from = users[(random >> 33) as usize % users.len()];
            let to = Target::User(name((random >> 48) as u32 % USERS));
            let origin = Origin::Server { as_admin: true };
            batch.push(Command::Send(Send { app: number, from, origin, target: to, content: text.clone() }));
        }
        filler.apply(batch);
    }
    app
}

struct Filler {
    store: Store,
    at_ms: u64,
}

impl Filler {
    fn people(&mut self, app: &App) -> (AppNumber, Vec<UserNumber>) {
        let (name_of_app, app_key, master_secret) = ("big".to_owned(), app.app_key.clone(), app.master_secret.clone());
        let create = AppCommand::Create { name: name_of_app, app_key, master_secret };
        let answers = self.apply(vec![Command::App(create)]);
        let [Answer::App(app)] = answers[..] else { panic!("no app was made: {answers:?}") };
        let mut users = Vec::new();
        for first in (0..USERS).step_by(USERS_PER_COMMAND as usize) {
            let new = |n| NewUser { username: name(n), password: "-".into(), ..NewUser::default() };
            let new = (first..first + USERS_PER_COMMAND).map(new).collect();
            for answer in self.apply(vec![Command::User(UserCommand::Register { app, users: new })]) {
                let Answer::Users(made) = answer else { panic!("no users were made: {answer:?}") };
                users.extend(made.into_iter().map(|user| user.expect("the names are all different")));
            }
        }
        (app, users)
    }

    fn apply(&mut self, commands: Vec<Command>) -> Vec<Answer> {
        self.at_ms += 1;
        let stamped: Vec<_> = commands.into_iter().map(|command| Stamped { at_ms: self.at_ms, command }).collect();
        let outcomes = self.store.apply(&stamped).expect("the disk works");
        // As the daemon's writer does; a kill leaves a checkpoint half done.
        self.store.checkpoint_step().expect("the disk works");
        outcomes.into_iter().map(|outcome| outcome.answer.expect("nothing here is refused")).collect()
    }
}

fn name(number: u32) -> String {
    format!("user{number:04}")
}

fn file_bytes(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).expect("the folder is there");
    files.filter_map(|file| file.ok()?.metadata().ok()).map(|file| file.len()).sum()
}
