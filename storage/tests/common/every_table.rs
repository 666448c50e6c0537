//! What the long script leaves out of a store that is kept: every table is to have a row.

use anser_protocol::content::Platform;
use anser_protocol::ids::TimeMs;
use anser_protocol::traits::{TraitKind, Traits};
use anser_storage::command::{
    AccountCommand, Actor, AppCommand, BridgeCommand, BroadcastLimit, Class, Command, DataCommand, DeviceCommand,
    EventFamily, FileKind, FormerId, GroupCommand, GroupOrder, ImportCommand, ImportedRoom, Keep, LabelCommand,
    MarkCommand, MediaCommand, OperatorCommand, Order, PeopleCommand, RoomCommand, SegmentCommand, ToldCommand,
    UserCommand, WordCommand,
};
use anser_storage::ids::{DeviceNumber, UserNumber};
use anser_storage::media::MediaId;
use anser_storage::segment::Condition;
use anser_storage::{Callback, PushCertificate, PushToken, SmsOrder, Use, WaitingDevice};

use super::World;
use super::media::content;
use super::pushes::named;

/// After this every table has a row, but for [`Table::SetUp`](anser_storage::Table::SetUp).
pub fn add_what_the_script_leaves_out(world: &mut World) {
    let (name, key, secret) = ("Dev", "d00000000000000000000000", "secret");
    let developer = AccountCommand::CreateDeveloper { name: name.into(), key: key.into(), secret: secret.into() };
    world.answer(Command::Account(developer));
    world.answer(Command::Account(AccountCommand::CreateApp {
        developer: key.into(),
        name: "made by a developer".into(),
        android_package: "org.example.geese".into(),
        app_group: None,
        app_key: "a00000000000000000000000".into(),
        master_secret: secret.into(),
    }));
    let device = world.device("00kept");
    let callback = Callback {
        url: "https://app.example.com/told".into(),
        params: String::new(),
        wants_received: true,
        wants_clicked: false,
        wants_pushed: false,
        wants_unreceived: true,
    };
    let (pushed, _) = world.push_as(named(&["00kept"]), |submit| {
        submit.callback = Some(callback);
        submit.cid = Some("cid of the push".into());
        submit.broadcasts = Some(BroadcastLimit { day: 20_000, most: 10 });
        submit.sms = Some(SmsOrder { delay_s: 60, only_active: true });
    });
    world.received(device, &[pushed]);
    let due_ms = world.now_ms + 86_400_000;
    world.schedule_as("every morning", due_ms, |new| new.cid = Some("cid of the schedule".into()));
    let owner = world.owner();
    world.upload(&owner, FileKind::RegistrationIds, &["00kept"]);
    let certificate = PushCertificate { chain: vec![vec![1]], key: vec![2], added_ms: 0 };
    world.answer(Command::App(AppCommand::SetPushCertificate {
        app: world.app,
        production: true,
        certificate: Box::new(certificate),
    }));
    let (name, key) = ("Group".to_owned(), "e00000000000000000000000".to_owned());
    world.answer(Command::Account(AccountCommand::CreateAppGroup { name, key: key.clone(), secret: secret.into() }));
    world.answer(Command::Account(AccountCommand::AddToAppGroup { key: key.clone(), app: world.app }));
    world.answer(Command::Account(AccountCommand::PushToAppGroup {
        key,
        lives_s: 86_400,
        cid: Some("cid of the group".into()),
        only_repeats: false,
    }));
    let token = PushToken { kind: 1, token: "a token".into() };
    for command in [
        BridgeCommand::SetToken { app: world.app, device, token },
        BridgeCommand::SetToken { app: world.app, device, token: PushToken { kind: 6, token: "a call".into() } },
        BridgeCommand::SetBadge { app: world.app, device, badge: 3 },
        BridgeCommand::StopPushes { app: world.app, device, is_stopped: true },
        BridgeCommand::Advance { app: world.app, position: pushed },
    ] {
        world.answer(Command::Bridge(command));
    }
    let (app, at_ms) = (world.app, world.now_ms);
    let used = vec![(Platform::ANDROID, Use { opens: 2, seconds: 75 })];
    for mark in [
        MarkCommand::Active { app, seen_ms: at_ms, devices: vec![device] },
        MarkCommand::Used { app, at_ms, uses: used },
    ] {
        world.answer(Command::Mark(mark));
    }
    let user = world.user("kept");
    world.answer(Command::Mark(MarkCommand::LoggedIn { app, seen_ms: at_ms, users: vec![user] }));
    world.answer(Command::Told(ToldCommand::Advance { app, next: pushed }));
    let families = EventFamily::ALL.into_iter().collect();
    world.answer(Command::Told(ToldCommand::FollowEvents { app, families }));
    let by = world.user("keeper");
    world.answer(world.add_media(201, 201, Some(by)));
    let thumb = MediaCommand::AddThumb {
        app: world.app,
        media: MediaId([201; 16]),
        by,
        thumb: Box::new(content(202)),
        quota_bytes: 0,
    };
    world.answer(Command::Media(thumb));
    world.answer(world.add_media(203, 203, Some(by)));
    world.share(by, "keeper", 203);
    add_sessions(world, by, device);
    add_an_import(world);
    add_operators(world);
    add_a_groups_life(world);
    let room = world.room("keeper", &["kept"]);
    let silence = RoomCommand::Silence { app, by: Actor::Server, room, users: vec!["kept".into()], for_ms: None };
    world.answer(Command::Room(silence));
    let deleted = world.room("keeper", &[]);
    world.answer(Command::Room(RoomCommand::Delete { app, room: deleted }));
    let (words, words_max) = (vec!["kept word".to_owned()], 1);
    world.answer(Command::Word(WordCommand::Add { app, words, words_max }));
    let gone = LabelCommand::DeleteTag { app: world.app, tag: "gone".into() };
    let traits = Traits::default().with(TraitKind::Model, "a kept model").unwrap_or_default();
    world.answer(Command::Device(DeviceCommand::SetTraits { app: world.app, device, traits }));
    let conditions = vec![Condition::SeenWithin { days: 7 }];
    world.answer(Command::Segment(SegmentCommand::Create { app: world.app, name: "kept".into(), conditions }));
    world.tag(device, &["gone", "kept"]);
    world.answer(Command::Label(gone));
}

/// A day after the store's clock, which the script has put ahead.
fn a_day_on(world: &World) -> TimeMs {
    world.read().at_ms().map_or(0, |at_ms| at_ms + 86_400_000)
}

/// A user who logs in on one device and gives way on another, and one who is being erased.
fn add_sessions(world: &mut World, user: UserNumber, device: DeviceNumber) {
    let app = world.app;
    world.alias(device, "kept alias");
    let other = world.device("01kept");
    for (device, token) in [(other, 1), (device, 2)] {
        world.answer(Command::User(UserCommand::LogIn {
            app,
            user,
            device,
            token_hash: [token; 32],
            expires_ms: a_day_on(world),
            password: String::new(),
            others_max: 0,
        }));
    }
    world.answer(Command::People(PeopleCommand::SetRegistration { app, is_open: false }));
    world.answer(Command::Data(DataCommand::SetRetention { app, class: Class::Chat, keep: Some(Keep::Days(30)) }));
    let user = world.user("erased");
    world.answer(Command::Data(DataCommand::BeginErasure { app, user }));
}

/// What came from the cloud: a room with the number that it had, and a device that has not reported yet.
fn add_an_import(world: &mut World) {
    let app = world.app;
    let room = ImportedRoom { owner: "keeper".into(), name: "launch".into(), description: String::new() };
    let (had, members) = (FormerId { app_key: "k".repeat(24), id: 9 }, vec!["kept".to_owned()]);
    world.answer(Command::Import(ImportCommand::Room { app, had, room: Box::new(room), members }));
    let waiting = WaitingDevice {
        registration_id: "02kept".into(),
        alias: "kept alias".into(),
        mobile: "13800000000".into(),
        tags: vec!["kept".into()],
    };
    let until_ms = a_day_on(world);
    world.answer(Command::Import(ImportCommand::Devices { app, devices: vec![waiting], until_ms }));
}

/// Those who run it. An offered set-up and an operator exclude each other, so the offer's table alone stays empty.
fn add_operators(world: &mut World) {
    let (name, password, token_hash) = ("ann".to_owned(), "hash".to_owned(), [7; 32]);
    let expires_ms = a_day_on(world);
    for command in [
        OperatorCommand::OfferSetUp { token_hash, expires_ms },
        OperatorCommand::SetUp { token_hash, name: name.clone(), password: password.clone() },
        OperatorCommand::LogIn { name, password, token_hash, expires_ms },
    ] {
        world.answer(Command::Operator(command));
    }
}

/// A group in which something of every kind stands, and a large one that is dissolved and not cleared yet.
fn add_a_groups_life(world: &mut World) {
    let names: Vec<String> = (0..150).map(|number| format!("goose{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.users(&names);
    let flock = world.group("goose0", &names[1..4]);
    let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let applicant = world.read().user_by_name(world.app, "goose5").ok().flatten().map(|(number, _)| number);
    let by = applicant.map_or(Actor::Server, Actor::User);
    for (by, order) in [
        (Actor::Server, Order::SetPublic(true)),
        (Actor::Server, Order::AddAdmins { names: strings(&["goose1"]) }),
        (Actor::Server, Order::Silence { names: strings(&["goose2"]), for_ms: None }),
        (Actor::Server, Order::Ban { names: strings(&["goose4"]) }),
        (Actor::Server, Order::SetNickname { username: "goose3".into(), nickname: "grey".into() }),
        (Actor::Server, Order::Announce { text: "we fly at dawn".into(), as_message: false }),
        (by, Order::Apply { reason: "the south".into() }),
    ] {
        world.answer(Command::GroupOrder(GroupOrder { app: world.app, by, group: flock, order }));
    }
    let large = world.group("goose0", &names[1..]);
    world.answer(Command::Group(GroupCommand::Dissolve { app: world.app, by: Actor::Server, group: large }));
}
