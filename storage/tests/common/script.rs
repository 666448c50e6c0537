//! Random work for a store, the same for a seed: batches of commands of every kind, and what a store that never failed
//! made of them.

mod across;
mod deeds;
mod imports;
mod media;
mod read;
mod told;

use anser_protocol::content::{Content, Platform};
use anser_protocol::ids::{GroupId, OutboxNumber, Position, RoomId, TimeMs};
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, DeviceNumber, FileId, ScheduleId, UserNumber};
use anser_storage::outcome::{Answer, Outcome};
use anser_storage::{Callback, FollowupKind, Options, SmsOrder, Store};

use super::T0;
use super::pushes::{alert, strings};
use super::random::Random;
use super::schedules::{content, number_of};

const USERS: u32 = 5;
const DEVICES: u32 = 4;
const BATCHES: usize = 24;

pub struct Script {
    /// Makes two apps with people, devices and a group each.
    pub beginning: Vec<Stamped>,
    pub batches: Vec<Vec<Stamped>>,
    pub outcomes: Vec<Vec<Outcome>>,
    /// What the store holds after the beginning, and after each batch.
    pub hashes: Vec<u64>,
}

impl Script {
    pub fn of(seed: u64) -> Self {
        Self::long(seed, BATCHES)
    }

    pub fn long(seed: u64, batches: usize) -> Self {
        let mut author = Author::new(seed);
        author.begin();
        let mut script = Self {
            beginning: author.stamped.drain(..).collect(),
            batches: Vec::new(),
            outcomes: Vec::new(),
            hashes: vec![author.hash()],
        };
        author.outcomes.clear();
        for _ in 0..batches {
            for _ in 0..=author.random.below(6) {
                author.write_any();
            }
            script.batches.push(author.stamped.drain(..).collect());
            script.outcomes.push(author.outcomes.drain(..).collect());
            script.hashes.push(author.hash());
        }
        script
    }

    /// All commands behind one another.
    pub fn commands(&self) -> Vec<Stamped> {
        self.beginning.iter().chain(self.batches.iter().flatten()).cloned().collect()
    }
}

/// Writes a command, has a healthy store carry it out, and learns from the outcome what to write next.
struct Author {
    random: Random,
    store: Store,
    now_ms: TimeMs,
    stamped: Vec<Stamped>,
    outcomes: Vec<Outcome>,
    apps: Vec<Known>,
    count: u64,
    doomed: Option<AppNumber>,
    /// The last request to join a group, or announcement.
    asked: Option<Position>,
}

/// What the author knows of an app.
struct Known {
    app: AppNumber,
    users: u32,
    devices: u32,
    groups: Vec<GroupId>,
    rooms: Vec<RoomId>,
    outbox: Vec<OutboxNumber>,
    pushes: Vec<Position>,
    positions: Vec<Position>,
    schedules: Vec<ScheduleId>,
    files: Vec<FileId>,
}

impl Author {
    fn new(seed: u64) -> Self {
        let store = Store::open_on(redb::backends::InMemoryBackend::new(), Options::default()).expect("memory opens");
        let (random, now_ms) = (Random::new(seed), T0);
        let (stamped, outcomes, apps) = (Vec::new(), Vec::new(), Vec::new());
        Self { random, store, now_ms, stamped, outcomes, apps, count: 0, doomed: None, asked: None }
    }

    fn hash(&mut self) -> u64 {
        self.store.content_hash().expect("memory is well")
    }

    fn write(&mut self, command: Command) -> Option<Answer> {
        let stamped = Stamped { at_ms: self.now_ms, command };
        let outcome = self.store.apply(std::slice::from_ref(&stamped)).expect("memory is well").remove(0);
        self.stamped.push(stamped);
        let answer = outcome.answer.clone().ok();
        self.outcomes.push(outcome);
        answer
    }

    fn begin(&mut self) {
        for name in ["one", "two"] {
            let Some(app) = self.create_app(name) else { continue };
            let (groups, rooms, pushes, positions, schedules) = Default::default();
            let (users, devices, outbox, files) = Default::default();
            self.apps.push(Known { app, users, devices, groups, rooms, outbox, pushes, positions, schedules, files });
            let of = self.apps.len() - 1;
            self.register_users(of, USERS);
            for _ in 0..DEVICES {
                self.register_device(of);
            }
            self.create_group(of);
            self.create_room(of);
        }
    }

    fn create_app(&mut self, name: &str) -> Option<AppNumber> {
        let (name, app_key) = (name.to_owned(), format!("key of {name}"));
        match self.write(Command::App(AppCommand::Create { name, app_key, master_secret: "secret".into() })) {
            Some(Answer::App(app)) => Some(app),
            _ => None,
        }
    }

    fn write_any(&mut self) {
        self.count += 1;
        self.now_ms += if self.random.one_in(6) { self.random.below(40 * 3_600_000) } else { self.random.below(50) };
        let of = self.random.below(self.apps.len() as u64) as usize;
        match self.random.below(46) {
            0..=7 => self.send(of),
            8 if self.random.one_in(4) => self.create_group(of),
            8 | 9 if self.random.one_in(2) => self.order_group(of),
            8..=10 => self.change_group(of),
            11..=13 => self.push(of),
            14 | 15 => self.report(of),
            16 => self.change_labels(of),
            17 => self.register_device(of),
            18 => self.register_users(of, 1),
            19 => self.log_in_or_out(of),
            20 => self.mark(of),
            21 => self.read(of),
            22 => self.cut(of),
            23 => self.housekeeping(of),
            24 => self.change_labels_of_many(of),
            25 => self.change_accounts(of),
            26..=28 => self.schedule(of),
            29 => self.withdraw_or_release(of),
            30 | 31 => self.amend(of),
            41 => self.change_words(of),
            32 | 33 => self.upload(of),
            34 | 35 => self.change_people(of),
            36 | 37 => self.handle_media(of),
            38..=40 => self.change_room(of),
            42 if self.random.one_in(2) => self.import(of),
            42..=44 => self.reach_across(of),
            _ => self.doom(),
        }
    }

    fn user(&mut self, of: usize) -> UserNumber {
        UserNumber(1 + self.random.below(u64::from(self.apps[of].users)) as u32)
    }

    fn username(&mut self, of: usize) -> String {
        // Now and then somebody who does not exist.
        format!("user{}", 1 + self.random.below(u64::from(self.apps[of].users) + 1))
    }

    fn device(&mut self, of: usize) -> DeviceNumber {
        DeviceNumber(self.random.below(u64::from(self.apps[of].devices)) as u32)
    }

    fn group(&mut self, of: usize) -> GroupId {
        *self.random.pick(&self.apps[of].groups)
    }

    fn register_users(&mut self, of: usize, count: u32) {
        let known = &mut self.apps[of];
        let names = known.users + 1..=known.users + count;
        known.users += count;
        let app = known.app;
        let user = |number: u32| NewUser { username: format!("user{number}"), ..NewUser::default() };
        self.write(Command::User(UserCommand::Register { app, users: names.map(user).collect() }));
    }

    /// The first two stay: the groups are theirs.
    fn change_people(&mut self, of: usize) {
        let app = self.apps[of].app;
        let number = 3 + self.random.below(u64::from(self.apps[of].users) - 1);
        let username = format!("user{number}");
        let others = vec![self.username(of)];
        let (groups, none) = (vec![self.group(of)], Vec::new());
        let command = match self.random.below(14) {
            6 | 7 => PeopleCommand::Block { by: Actor::Server, app, username, others },
            8 => PeopleCommand::Unblock { by: Actor::Server, app, username, others },
            9 => {
                let change = MuteChange { add_users: others, everything: Some(true), ..MuteChange::default() };
                PeopleCommand::Mute { by: Actor::Server, app, username: "user1".into(), change: Box::new(change) }
            }
            10 => PeopleCommand::Shield { by: Actor::Server, app, username: "user2".into(), add: groups, remove: none },
            11 => PeopleCommand::Shield { by: Actor::Server, app, username: "user2".into(), add: none, remove: groups },
            12 => PeopleCommand::Befriend { by: Actor::Server, app, username, others },
            13 => PeopleCommand::Unfriend { by: Actor::Server, app, username, others },
            0 => PeopleCommand::SetPassword { app, username, password: "new".into() },
            1 | 2 => PeopleCommand::SetDisabled { app, username, is_disabled: self.random.one_in(2) },
            3 => PeopleCommand::Delete { app, usernames: vec![username] },
            4 => PeopleCommand::ClearDeparted { app },
            _ => {
                let change = ProfileChange { nickname: Some(self.count.to_string()), ..ProfileChange::default() };
                PeopleCommand::ChangeProfile { by: Actor::Server, app, username, change: Box::new(change) }
            }
        };
        self.write(Command::People(command));
    }

    fn register_device(&mut self, of: usize) {
        let app = self.apps[of].app;
        let registration_id = format!("rid{}", self.apps[of].devices);
        let platform = *self.random.pick(&[Platform::ANDROID, Platform::IOS]);
        self.apps[of].devices += 1;
        self.apps[of].outbox.push(0);
        let register = DeviceCommand::Register { app, registration_id, secret_hash: [1; 32], platform };
        self.write(Command::Device(register));
    }

    /// Mostly the next number of some device; sometimes an old one again, or one far ahead.
    fn send(&mut self, of: usize) {
        let (app, from, device) = (self.apps[of].app, self.user(of), self.device(of));
        let target = match self.random.below(5) {
            0 | 1 => Target::User(self.username(of)),
            2 => Target::Room(*self.random.pick(&self.apps[of].rooms)),
            _ => Target::Group(self.group(of)),
        };
        let highest = self.apps[of].outbox[device.0 as usize];
        let outbox = match self.random.below(8) {
            0 => 1 + self.random.below(highest.max(1)),
            1 => highest + 1 + self.random.below(1500),
            _ => highest + 1,
        };
        self.apps[of].outbox[device.0 as usize] = highest.max(outbox);
        let origin = match self.random.one_in(6) {
            true => Origin::Server { as_admin: false },
            false => Origin::Device { device, outbox },
        };
        let content = Content::text(&format!("text {}", self.count));
        if let Some(Answer::Sent { position, .. }) =
            self.write(Command::Send(Send { app, from, origin, target, content }))
        {
            self.apps[of].positions.push(position);
        }
    }

    fn amend(&mut self, of: usize) {
        let (app, by, message) = (self.apps[of].app, self.user(of), self.some_position(of));
        let by = if self.random.one_in(2) { Actor::User(by) } else { Actor::Server };
        let what = match self.random.below(4) {
            0 | 1 => Amended::Retracted,
            2 => Amended::Edited(Content::text("edited")),
            _ => Amended::Erased,
        };
        let within_ms = self.random.one_in(3).then_some(3_600_000);
        self.write(Command::Amend(Amend { app, by, through_server: false, message, what, within_ms }));
    }

    fn create_group(&mut self, of: usize) {
        let (app, owner) = (self.apps[of].app, self.username(of));
        let create = GroupCommand::Create {
            app,
            by: Actor::Server,
            owner,
            name: "group".into(),
            description: String::new(),
            avatar: String::new(),
            is_public: false,
            members_max: None,
            members: vec!["user1".into(), "user2".into()],
        };
        match self.write(Command::Group(create)) {
            Some(Answer::Group(group)) => self.apps[of].groups.push(group),
            _ if self.apps[of].groups.is_empty() => self.create_group(of),
            _ => {}
        }
    }

    fn change_group(&mut self, of: usize) {
        let (app, by, group) = (self.apps[of].app, Actor::Server, self.group(of));
        let members = vec![self.username(of)];
        match self.random.below(11) {
            0..=4 => self.write(Command::Group(GroupCommand::Add { app, by, group, members })),
            5..=7 => self.write(Command::Group(GroupCommand::Remove { app, by, group, members })),
            8 | 9 => {
                let user = self.user(of);
                self.write(Command::Group(GroupCommand::Leave { app, user, group }))
            }
            _ => self.write(Command::Group(GroupCommand::Dissolve { app, by, group })),
        };
    }

    fn order_group(&mut self, of: usize) {
        let (app, group, by, name) = (self.apps[of].app, self.group(of), self.user(of), self.username(of));
        let by = if self.random.one_in(2) { Actor::User(by) } else { Actor::Server };
        let order = super::group_orders::any(&mut self.random, name, self.count, self.asked);
        if let Some(Answer::Asked(id) | Answer::Announced(id)) =
            self.write(Command::GroupOrder(GroupOrder { app, by, group, order }))
        {
            self.asked = Some(id);
        }
    }

    fn create_room(&mut self, of: usize) {
        let create = super::rooms::create(self.apps[of].app, "user1", &["user2", "user3"]);
        if let Some(Answer::Room(room)) = self.write(Command::Room(create)) {
            self.apps[of].rooms.push(room);
        }
    }

    fn change_room(&mut self, of: usize) {
        if self.random.one_in(12) {
            return self.create_room(of);
        }
        let (app, user, username) = (self.apps[of].app, self.user(of), self.username(of));
        let room = *self.random.pick(&self.apps[of].rooms);
        let command = super::rooms::any(&mut self.random, app, room, user, username);
        self.write(Command::Room(command));
    }

    fn push(&mut self, of: usize) {
        let app = self.apps[of].app;
        let audience = match self.random.below(5) {
            0 => Audience::All,
            4 => self.list_of(of),
            1 => Audience::Selected(Selection { tag: strings(&["a", "b"]), ..Selection::default() }),
            2 => Audience::Selected(Selection { tag_not: strings(&["c"]), ..Selection::default() }),
            _ => {
                let device = self.device(of);
                Audience::Selected(Selection {
                    registration_id: vec![format!("rid{}", device.0)],
                    ..Selection::default()
                })
            }
        };
        let submit = Submit {
            app,
            contents: vec![(Platform::ANDROID, alert("news")), (Platform::IOS, alert("neues"))],
            audience,
            time_to_live_s: *self.random.pick(&[0, 60, 86_400]),
            sendno: self.count.to_string(),
            connected: vec![DeviceNumber(0), DeviceNumber(2)],
            cid: self.random.one_in(3).then(|| format!("cid{}", self.random.below(3))),
            only_repeats: false,
            broadcasts: self.count.is_multiple_of(4).then_some(BroadcastLimit { day: 1, most: 1000 }),
            validate_only: self.random.one_in(10),
            group_push: None,
            bridged: Vec::new(),
            only_test_devices: false,
            spread_s: *self.random.pick(&[0, 0, 60, 3600]),
            replaces: if self.random.one_in(4) { self.apps[of].pushes.last().copied() } else { None },
            kept: if self.random.one_in(4) { r#"{"sms_message":{}}"#.into() } else { String::new() },
            callback: self.random.one_in(4).then(unreceived),
            sms: self.random.one_in(4).then_some(SmsOrder { delay_s: 60, only_active: true }),
        };
        if let Some(Answer::Pushed { msg_id, .. }) = self.write(Command::Push(PushCommand::Submit(Box::new(submit)))) {
            self.apps[of].pushes.push(msg_id);
            self.apps[of].positions.push(Position(msg_id.0 + 1));
        }
    }

    fn list_of(&mut self, of: usize) -> Audience {
        let name = ["one", "two"][of.min(1)];
        match self.apps[of].files.last() {
            Some(file) => super::files::named_list(&format!("key of {name}"), *file, &[0, 1]),
            None => Audience::All,
        }
    }

    fn schedule(&mut self, of: usize) {
        let app = self.apps[of].app;
        let due_ms = self.now_ms + self.random.below(60 * 3_600_000);
        if self.apps[of].schedules.is_empty() || self.random.one_in(3) {
            let new = NewSchedule {
                app,
                content: content(&self.count.to_string()),
                due_ms,
                random: self.random.next().to_be_bytes(),
                open_max: 4,
                only_repeats: false,
                cid: self.random.one_in(4).then(|| format!("cid{}", self.random.below(2))),
            };
            let create = Command::Schedule(ScheduleCommand::Create(Box::new(new)));
            if let Some(Answer::Scheduled { schedule, .. }) = self.write(create) {
                self.apps[of].schedules.push(schedule);
            }
            return;
        }
        let schedule = *self.random.pick(&self.apps[of].schedules);
        let stored = self.store.reader().snapshot().and_then(|snapshot| snapshot.schedule(app, schedule));
        // Also of one that was deleted.
        let (revision, at_ms) =
            stored.expect("memory is well").map_or((0, due_ms), |stored| (stored.revision, stored.due_ms));
        let command = match self.random.below(6) {
            0 => ScheduleCommand::Delete { app, schedule },
            1 => ScheduleCommand::Update { app, schedule, revision, content: Box::new(content("changed")), due_ms },
            _ => {
                let act = self.fire_act(app);
                let next_ms = self.random.one_in(2).then_some(at_ms + 3_600_000);
                let schedule = number_of(schedule);
                ScheduleCommand::Fire(Box::new(Fire { app, schedule, revision, due_ms: at_ms, next_ms, act }))
            }
        };
        self.write(Command::Schedule(command));
    }

    fn fire_act(&mut self, app: AppNumber) -> FireAct {
        match self.random.below(5) {
            0 => FireAct::PassOver,
            1 => FireAct::Missed { count: 2 },
            _ => FireAct::Push(Box::new(Submit {
                app,
                contents: vec![(Platform::ANDROID, alert("later"))],
                audience: Audience::Selected(Selection { tag: strings(&["a"]), ..Selection::default() }),
                bridged: Vec::new(),
                only_test_devices: false,
                spread_s: 0,
                replaces: None,
                kept: String::new(),
                callback: None,
                sms: None,
                time_to_live_s: 60,
                sendno: self.count.to_string(),
                connected: Vec::new(),
                cid: None,
                only_repeats: false,
                broadcasts: None,
                validate_only: false,
                group_push: None,
            })),
        }
    }

    fn withdraw_or_release(&mut self, of: usize) {
        let app = self.apps[of].app;
        if self.random.one_in(3)
            && let Some(push) = self.apps[of].pushes.last().copied()
        {
            self.write(Command::Push(PushCommand::Withdraw { app, push }));
            return;
        }
        let snapshot = self.store.reader().snapshot().expect("memory is well");
        for due in snapshot.due_slices(self.now_ms, 4).expect("nothing is damaged") {
            let (app, push, due_ms) = (due.app, due.push, due.due_ms);
            let connected = vec![DeviceNumber(0), DeviceNumber(2)];
            self.write(Command::Push(PushCommand::ReleaseSlice { app, push, due_ms, connected }));
        }
        self.follow_up();
    }

    fn follow_up(&mut self) {
        let snapshot = self.store.reader().snapshot().expect("memory is well");
        for due in snapshot.due_followups(self.now_ms, 4).expect("nothing is damaged") {
            let id = due.id;
            if id.kind == FollowupKind::Unreceived {
                self.write(Command::Bridge(BridgeCommand::NoteUnreceived { id }));
                continue;
            }
            let found = snapshot.sms_targets(&due, due.state.from, 2, self.now_ms).expect("nothing is damaged");
            let found = found.unwrap_or_default();
            let devices = found.targets.iter().map(|target| target.device).collect();
            let is_refused = self.random.one_in(3);
            self.write(Command::Bridge(BridgeCommand::Texted { app: id.app, push: id.push, devices, is_refused }));
            let unfinished = found.targets.first().map(|target| target.device);
            let next = found.next.map(|from| NextLook { due_ms: self.now_ms, from, unfinished, failures: 0 });
            self.write(Command::Bridge(BridgeCommand::FollowedUp { id, next }));
        }
    }

    fn report(&mut self, of: usize) {
        let (app, device) = (self.apps[of].app, self.device(of));
        let newest = self.apps[of].pushes.iter().rev().take(3);
        let pushes: Vec<Position> = newest.copied().collect();
        let command = match self.random.below(6) {
            0 => Command::Push(PushCommand::Clicked { app, device, pushes }),
            1 => {
                let what = *self.random.pick(&[Reported::Shown, Reported::MessageClicked, Reported::MessageShown]);
                Command::Push(PushCommand::Reported { app, device, what, pushes })
            }
            2 => {
                let pushes = pushes.into_iter().map(|push| (push, vec![device])).collect();
                Command::Mark(MarkCommand::Reached { app, pushes })
            }
            _ => Command::Push(PushCommand::Received { app, device, pushes }),
        };
        self.write(command);
    }

    fn change_labels(&mut self, of: usize) {
        let (app, device) = (self.apps[of].app, self.device(of));
        let tag = (*self.random.pick(&["a", "b", "c"])).to_owned();
        let change = match self.random.below(4) {
            0 => DeviceCommand::SetTags { app, device, tags: vec![tag] },
            1 => DeviceCommand::ChangeTags { app, device, remove: vec![tag], add: strings(&["b"]) },
            2 => DeviceCommand::SetAlias { app, device, alias: Some(tag) },
            _ => {
                let change = DeviceChange {
                    clear_tags: self.random.one_in(2),
                    alias: Some(String::new()),
                    mobile: Some("1".into()),
                    add_tags: vec![tag],
                    ..DeviceChange::default()
                };
                DeviceCommand::Update { app, device, change }
            }
        };
        self.write(Command::Device(change));
    }

    fn change_labels_of_many(&mut self, of: usize) {
        let (app, device, other) = (self.apps[of].app, self.device(of), self.device(of));
        let tag = (*self.random.pick(&["a", "b", "c"])).to_owned();
        let platforms = vec![Platform::IOS];
        let command = match self.random.below(8) {
            0 | 1 => LabelCommand::ChangeTag { app, tag, remove: vec![other], add: vec![device] },
            2 => LabelCommand::DeleteTag { app, tag },
            3 => LabelCommand::DeleteTagOn { app, tag, platforms, from_chunk: 0 },
            4 => LabelCommand::ClearTags { app },
            5 => LabelCommand::UnbindAlias { app, alias: tag, devices: vec![device, other] },
            6 => LabelCommand::DeleteAlias { app, alias: tag, platforms },
            _ if self.random.one_in(3) => LabelCommand::RemoveTestDevice { app, device },
            _ => LabelCommand::SetTestDevice { app, device, name: tag, must_be_one: false },
        };
        self.write(Command::Label(command));
    }

    fn change_accounts(&mut self, of: usize) {
        let app = self.apps[of].app;
        let key = (*self.random.pick(&["k1", "k2"])).to_owned();
        let (name, secret) = (format!("name of {key}"), "secret".to_owned());
        let command = match self.random.below(8) {
            0 => AccountCommand::CreateAppGroup { name, key, secret },
            1 | 2 => AccountCommand::AddToAppGroup { key, app },
            3 => AccountCommand::RemoveFromAppGroup { key, app },
            4 => deeds::group_push(key),
            5 => AccountCommand::CreateDeveloper { name, key, secret },
            6 => AccountCommand::DeleteDeveloper { key },
            _ => AccountCommand::DeleteAppGroup { key },
        };
        self.write(Command::Account(command));
        self.note(of);
    }

    fn upload(&mut self, of: usize) {
        let owner = match self.random.one_in(4) {
            true => FileOwner::Developer("k1".into()),
            false => FileOwner::App(self.apps[of].app),
        };
        let lifetime_ms = *self.random.pick(&[3_600_000, 86_400_000]);
        let Some(file) = self.apps[of].files.last().copied().filter(|_| !self.random.one_in(3)) else {
            let kind = match self.random.below(3) {
                0 => FileKind::Aliases,
                1 => FileKind::RegistrationIds,
                _ => FileKind::Image { image_type: 1, content_type: "image/png".into(), url: "https://x.org/1".into() },
            };
            let begin = FileCommand::Begin { owner, kind, name: "list".into(), random: [7; 8] };
            if let Some(Answer::File(file)) = self.write(Command::File(begin)) {
                self.apps[of].files.push(file);
            }
            return;
        };
        let by = *self.random.pick(&self.apps[of].files);
        let command = match self.random.below(6) {
            0..=2 => {
                FileCommand::AddPart { owner, file, part: self.random.below(2) as u32, body: b"rid0\nrid1".to_vec() }
            }
            3 => FileCommand::Finish { owner, file, lifetime_ms },
            4 => FileCommand::Replace { owner, file: by, by: file, lifetime_ms },
            _ => FileCommand::Delete { owner, file: by },
        };
        self.write(Command::File(command));
    }

    fn log_in_or_out(&mut self, of: usize) {
        let (app, user, device) = (self.apps[of].app, self.user(of), self.device(of));
        let expires_ms = self.now_ms + 3_600_000;
        match self.random.below(3) {
            0 => {
                // Sometimes one that was never given.
                let token_hash = [self.random.below(self.count) as u8; 32];
                self.write(Command::User(UserCommand::LogOut { app, token_hash }))
            }
            1 => {
                let (from, to) = (String::new(), String::new());
                self.write(Command::User(UserCommand::UpgradePassword { app, user, from, to }))
            }
            _ => {
                let (password, token_hash) = (String::new(), [self.count as u8; 32]);
                let log_in = UserCommand::LogIn { app, user, device, token_hash, expires_ms, password, others_max: 1 };
                self.write(Command::User(log_in))
            }
        };
    }

    fn mark(&mut self, of: usize) {
        let (app, user, device) = (self.apps[of].app, self.user(of), self.device(of));
        let position = self.some_position(of);
        match self.random.below(6) {
            0 => self.write(Command::Mark(MarkCommand::ChatCursor { app, user, device, position })),
            1 => self.write(Command::Mark(MarkCommand::PushCursor { app, device, position })),
            2 | 3 => self.tell(of, position),
            4 => {
                let seen_ms = self.now_ms.saturating_sub(3_600_000);
                self.write(Command::Mark(MarkCommand::LoggedIn { app, seen_ms, users: vec![user] }))
            }
            _ => {
                let seen_ms = self.now_ms - self.random.below(3_600_000);
                self.write(Command::Mark(MarkCommand::Present { app, seen_ms, devices: vec![device] }))
            }
        };
    }

    fn some_position(&mut self, of: usize) -> Position {
        match self.apps[of].positions.is_empty() {
            true => Position(1),
            false => *self.random.pick(&self.apps[of].positions),
        }
    }

    /// Also far into what no checkpoint has written down.
    fn cut(&mut self, of: usize) {
        let (app, below) = (self.apps[of].app, self.some_position(of));
        let class = *self.random.pick(&[Class::Chat, Class::Push, Class::Room]);
        self.write(Command::System(SystemCommand::Cut { app, class, below }));
    }

    fn housekeeping(&mut self, of: usize) {
        let app = self.apps[of].app;
        match self.random.below(8) {
            0..=3 => self.write(Command::System(SystemCommand::Expire)),
            6 if self.random.one_in(2) => self.write(Command::System(SystemCommand::CutPresence { app })),
            6 => {
                let change = AccessChange::Blocked(self.random.one_in(2));
                self.write(Command::App(AppCommand::ChangeAccess { app, change }))
            }
            4 => self.write(Command::System(SystemCommand::Start)),
            7 => {
                let devices = (0..3).map(DeviceNumber).collect();
                let as_of_ms = self.now_ms.saturating_sub(self.random.below(3) * 86_400_000);
                self.write(Command::System(SystemCommand::SetDormant { app, chunk: 0, devices, as_of_ms }))
            }
            _ => self.write(Command::App(AppCommand::RotateSecret { app, master_secret: self.count.to_string() })),
        };
    }

    /// An app that is made, used and deleted. Between its slices a crash may take the heads of its chains early, which
    /// nobody can see but the hash: so one with messages goes within one batch.
    fn doom(&mut self) {
        if let Some(app) = self.doomed {
            if self.write(Command::App(AppCommand::Delete { app })) == Some(Answer::Done) {
                self.doomed = None;
            }
            return;
        }
        let Some(app) = self.create_app(&format!("doomed {}", self.count)) else { return };
        let users = vec![NewUser { username: "alone".into(), ..NewUser::default() }];
        self.write(Command::User(UserCommand::Register { app, users }));
        if self.random.one_in(2) {
            self.doomed = Some(app);
            return;
        }
        let content = Content::text("to myself");
        let (from, origin, target) = (UserNumber(1), Origin::Server { as_admin: false }, Target::User("alone".into()));
        self.write(Command::Send(Send { app, from, origin, target, content }));
        while self.write(Command::App(AppCommand::Delete { app })) == Some(Answer::Continue) {}
    }
}

fn unreceived() -> Callback {
    Callback {
        url: "https://app.example.com/".into(),
        params: String::new(),
        wants_received: false,
        wants_clicked: false,
        wants_pushed: false,
        wants_unreceived: true,
    }
}
