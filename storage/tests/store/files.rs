//! What app servers upload, and pushes to lists of devices.

use crate::common::World;
use crate::common::files::{HOUR_MS, devices_in, named_list, part_of};
use crate::common::pushes::named;
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, FileId};
use anser_storage::outcome::{Answer, FiringResult, Refusal};
use anser_storage::{File, Table};

const KEY: &str = "key of chat";

#[test]
fn a_list_is_found_when_it_is_finished_and_names_whom_its_lines_name() {
    let mut world = World::new();
    for id in ["r0", "r1", "r2"] {
        world.device(id);
    }
    let owner = world.owner();
    let file = world.begin(&owner, FileKind::RegistrationIds);
    world.answer(Command::File(part_of(&owner, file, 0, "r2\nunknown")));
    assert_eq!((lists(&world), found(&world, KEY, file)), (vec![], None));
    assert_eq!(world.refusal(push(&world, file, &[2])), Refusal::FileUnknown);
    world.answer(Command::File(part_of(&owner, file, 1, "r0\nr2")));
    world.answer(Command::File(FileCommand::Finish { owner, file, lifetime_ms: HOUR_MS }));
    let files = lists(&world);
    assert_eq!(files.len(), 1);
    assert_eq!((files[0].id, files[0].name.as_str(), &files[0].kind), (file, "list.txt", &FileKind::RegistrationIds));
    assert_eq!(files[0].expires_ms - files[0].created_ms, HOUR_MS);
    assert_eq!(found(&world, KEY, file), Some(vec![0, 2]));
    assert!(matches!(world.answer(push(&world, file, &[0, 2])), Answer::Pushed { targets: 2, .. }));
}

#[test]
fn aliases_are_looked_up_as_they_are_now() {
    let mut world = World::new();
    let (one, two) = (world.device("r0"), world.device("r1"));
    world.alias(one, "a");
    let owner = world.owner();
    let file = world.upload(&owner, FileKind::Aliases, &["a\nb"]);
    assert_eq!(found(&world, KEY, file), Some(vec![0]));
    world.alias(two, "b");
    world.alias(one, "other");
    assert_eq!(found(&world, KEY, file), Some(vec![1]));
}

#[test]
fn a_push_to_a_list_reaches_nobody_beyond_platform_and_app() {
    let mut world = World::new();
    world.device("android");
    world.device_on("ios", anser_protocol::content::Platform::IOS);
    let owner = world.owner();
    let file = world.upload(&owner, FileKind::RegistrationIds, &["android\nios"]);
    assert!(matches!(world.answer(push(&world, file, &[0, 1, 77])), Answer::Pushed { targets: 1, .. }));
    assert!(matches!(world.refusal(push(&world, file, &[1])), Refusal::NoTarget { .. }));
    assert!(matches!(world.refusal(push(&world, file, &[])), Refusal::NoTarget { .. }));
}

#[test]
fn a_list_that_expired_or_was_deleted_or_is_anothers_is_unknown() {
    let mut world = World::new();
    world.device("r0");
    let owner = world.owner();
    let deleted = world.upload(&owner, FileKind::RegistrationIds, &["r0"]);
    let expired = world.upload(&owner, FileKind::RegistrationIds, &["r0"]);
    let delete = FileCommand::Delete { owner: owner.clone(), file: deleted };
    world.answer(Command::File(delete.clone()));
    world.answer(Command::File(delete));
    let image = world.upload(&owner, image("https://x.org/1"), &["png"]);
    world.now_ms += HOUR_MS;
    let mut forged = world.upload(&owner, FileKind::RegistrationIds, &["r0"]);
    forged.0[0] ^= 1;
    for file in [deleted, expired, image, forged] {
        assert_eq!(found(&world, KEY, file), None);
        assert_eq!(world.refusal(push(&world, file, &[0])), Refusal::FileUnknown);
    }
    let (own, stranger) = (world.app, world.create_app("stranger"));
    let file = world.upload(&owner, FileKind::RegistrationIds, &["r0"]);
    world.app = stranger;
    world.device("r0");
    assert_eq!(world.refusal(push(&world, file, &[0])), Refusal::FileUnknown);
    world.app = own;
    world.answer(push(&world, file, &[0]));
}

#[test]
fn a_developers_list_is_for_the_apps_that_the_developer_made() {
    let mut world = World::new();
    let (key, owner) = ("dev".to_owned(), FileOwner::Developer("dev".into()));
    let begin = FileCommand::Begin { owner: owner.clone(), kind: FileKind::Aliases, name: "x".into(), random: [1; 8] };
    assert_eq!(world.refusal(Command::File(begin)), Refusal::AccountUnknown);
    let (name, secret) = ("Dev".to_owned(), "secret".to_owned());
    world.answer(Command::Account(AccountCommand::CreateDeveloper { name, key: key.clone(), secret }));
    let operators = world.app;
    let made = developer_app(&mut world, &key);
    let file = world.upload(&owner, FileKind::RegistrationIds, &["r0"]);
    assert_eq!(world.read().files(&owner, world.now_ms).expect("readable").len(), 1);
    world.device("r0");
    assert_eq!(found(&world, "dev", file), None);
    world.app = made;
    world.device("r0");
    assert_eq!(found(&world, "dev", file), Some(vec![0]));
    world.answer(world.submit(named_list("dev", file, &[0]), |_| {}));
    assert!(!world.read().has_grouped_app("dev").expect("readable"));
    let (name, key, secret) = ("group".to_owned(), "g".to_owned(), "secret".to_owned());
    world.answer(Command::Account(AccountCommand::CreateAppGroup { name, key: key.clone(), secret }));
    world.answer(Command::Account(AccountCommand::AddToAppGroup { key: key.clone(), app: operators }));
    assert!(!world.read().has_grouped_app("dev").expect("readable"));
    world.answer(Command::Account(AccountCommand::AddToAppGroup { key, app: made }));
    assert!(world.read().has_grouped_app("dev").expect("readable"));
    world.answer(Command::Account(AccountCommand::DeleteDeveloper { key: "dev".into() }));
    assert_eq!(world.refusal(world.submit(named_list("dev", file, &[0]), |_| {})), Refusal::FileUnknown);
}

#[test]
fn an_owner_has_twenty_lists_and_the_unfinished_and_no_others_count() {
    let mut world = World::new();
    let owner = world.owner();
    for _ in 0..19 {
        world.upload(&owner, FileKind::Aliases, &["a"]);
    }
    world.begin(&owner, FileKind::RegistrationIds);
    world.upload(&owner, image("https://x.org/1"), &[]);
    let one_more =
        FileCommand::Begin { owner: owner.clone(), kind: FileKind::Aliases, name: String::new(), random: [1; 8] };
    assert_eq!(world.refusal(Command::File(one_more.clone())), Refusal::TooManyFiles);
    world.now_ms += HOUR_MS;
    world.answer(Command::File(one_more));
}

#[test]
fn an_owner_has_two_hundred_images() {
    let mut world = World::new();
    let owner = world.owner();
    for number in 0..200 {
        world.upload(&owner, image(&format!("https://x.org/{number}")), &[]);
    }
    let one_more =
        FileCommand::Begin { owner: owner.clone(), kind: image("https://x.org/"), name: String::new(), random: [1; 8] };
    assert_eq!(world.refusal(Command::File(one_more)), Refusal::TooManyFiles);
    world.upload(&owner, FileKind::Aliases, &["a"]);
}

#[test]
fn parts_come_in_order_and_an_upload_that_takes_too_long_is_forgotten() {
    let mut world = World::new();
    let owner = world.owner();
    let file = world.begin(&owner, FileKind::Aliases);
    for wrong in [part_of(&owner, file, 1, "a"), part_of(&owner, file, 0, &"a".repeat((64 << 10) + 1))] {
        assert_eq!(world.refusal(Command::File(wrong)), Refusal::Internal);
    }
    world.answer(Command::File(part_of(&owner, file, 0, "a")));
    assert_eq!(world.refusal(Command::File(part_of(&owner, file, 0, "a"))), Refusal::Internal);
    world.now_ms += HOUR_MS;
    let finish = FileCommand::Finish { owner: owner.clone(), file, lifetime_ms: HOUR_MS };
    assert_eq!(world.refusal(Command::File(finish)), Refusal::FileUnknown);
    world.expire();
    assert_eq!(rows(&world), [0, 0, 0]);
}

#[test]
fn what_expired_or_was_deleted_leaves_nothing_behind() {
    let mut world = World::new();
    let owner = world.owner();
    for _ in 0..8 {
        let parts: Vec<String> = (0..150).map(|part| format!("a{part}")).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        world.upload(&owner, FileKind::Aliases, &parts);
    }
    let deleted = world.upload(&owner, FileKind::Aliases, &["a", "b"]);
    world.answer(Command::File(FileCommand::Delete { owner: owner.clone(), file: deleted }));
    assert_eq!(rows(&world), [8, 1200, 8]);
    world.expire();
    assert_eq!(rows(&world), [8, 1200, 8]);
    world.now_ms += HOUR_MS;
    world.expire();
    assert_eq!(rows(&world), [0, 0, 0]);
}

#[test]
fn an_image_keeps_its_id_when_its_content_is_replaced() {
    let mut world = World::new();
    let owner = world.owner();
    let first = world.upload(&owner, image("https://x.org/1"), &["old", "est"]);
    assert_eq!(content(&world, first).as_deref(), Some("oldest"));
    let by = world.begin(&owner, image("https://x.org/2"));
    world.answer(Command::File(part_of(&owner, by, 0, "new")));
    let replace = FileCommand::Replace { owner: owner.clone(), file: first, by, lifetime_ms: 2 * HOUR_MS };
    world.answer(Command::File(replace.clone()));
    assert_eq!(content(&world, first).as_deref(), Some("new"));
    assert_eq!(content(&world, by), None);
    let shown = world.read().file(&owner, first, world.now_ms).expect("readable").expect("it is there");
    assert_eq!((shown.kind, shown.expires_ms), (image("https://x.org/2"), world.now_ms + 2 * HOUR_MS));
    assert_eq!(world.refusal(Command::File(replace)), Refusal::FileUnknown);
    assert_eq!(rows(&world), [1, 1, 1]);
    assert!(world.read().scrub(None, usize::MAX).expect("readable").findings.is_empty());
    world.now_ms += HOUR_MS;
    assert_eq!(content(&world, first).as_deref(), Some("new"));
    world.now_ms += HOUR_MS;
    assert_eq!(content(&world, first), None);
    world.expire();
    assert_eq!(rows(&world), [0, 0, 0]);
}

#[test]
fn a_list_does_not_take_the_place_of_an_image() {
    let mut world = World::new();
    let owner = world.owner();
    let (stored, list) = (world.upload(&owner, image("https://x.org/1"), &[]), world.begin(&owner, FileKind::Aliases));
    let replace = FileCommand::Replace { owner, file: stored, by: list, lifetime_ms: HOUR_MS };
    assert_eq!(world.refusal(Command::File(replace)), Refusal::FileUnknown);
}

#[test]
fn a_schedule_whose_list_is_gone_when_it_is_due_records_that() {
    let mut world = World::new();
    world.device("r0");
    let owner = world.owner();
    let file = world.upload(&owner, FileKind::RegistrationIds, &["r0"]);
    let (due_ms, next_ms) = (world.now_ms + 1000, world.now_ms + 10 * HOUR_MS);
    let task = world.schedule("daily", due_ms);
    let firing = world.fire(task, Some(next_ms), named_list(KEY, file, &[0]));
    assert!(matches!(firing.result, FiringResult::Pushed { .. }));
    world.answer(Command::File(FileCommand::Delete { owner, file }));
    let firing = world.fire(task, None, named_list(KEY, file, &[0]));
    assert_eq!(firing.result, FiringResult::FileUnknown);
}

#[test]
fn files_and_certificates_go_with_their_app() {
    let mut world = World::new();
    let owner = world.owner();
    world.upload(&owner, FileKind::Aliases, &["a", "b"]);
    world.begin(&owner, image("https://x.org/1"));
    let certificate = Box::new(anser_storage::PushCertificate { chain: vec![vec![1]], key: vec![2], added_ms: 0 });
    let app = world.app;
    let command = AppCommand::SetPushCertificate { app, production: true, certificate };
    world.answer(Command::App(command.clone()));
    assert_eq!(world.refusal(Command::App(command)), Refusal::CertificateExists);
    let kept = |production| world.read().push_certificate(app, production).expect("readable");
    assert_eq!(kept(true).map(|kept| (kept.chain, kept.key)), Some((vec![vec![1]], vec![2])));
    assert_eq!(kept(false), None);
    while world.answer(Command::App(AppCommand::Delete { app })) == Answer::Continue {}
    let left = world.read().row_counts().expect("readable");
    let left = |table| left.iter().find(|(of, _)| *of == table).map(|(_, rows)| *rows);
    assert_eq!([Table::Files, Table::FileParts, Table::PushCertificates].map(left), [Some(0), Some(0), Some(0)],);
    world.now_ms += HOUR_MS;
    world.expire();
    assert_eq!(rows(&world), [0, 0, 0]);
}

#[test]
fn a_push_to_a_group_remembers_what_it_became_as_long_as_reports_are_kept() {
    const DAY_MS: u64 = 24 * HOUR_MS;
    let mut world = World::new();
    let (name, key, secret) = ("group".to_owned(), "g".to_owned(), "secret".to_owned());
    world.answer(Command::Account(AccountCommand::CreateAppGroup { name, key: key.clone(), secret }));
    let (one, two) = (world.app, world.create_app("two"));
    for app in [one, two] {
        world.answer(Command::Account(AccountCommand::AddToAppGroup { key: key.clone(), app }));
        world.app = app;
        world.device("r0");
    }
    let begin = AccountCommand::PushToAppGroup { key, lives_s: 86_400, cid: None, only_repeats: false };
    let begin = Command::Account(begin);
    let Answer::AppGroup { msg_id: group, .. } = world.answer(begin) else { panic!("no group push") };
    let mut pushes = Vec::new();
    for app in [one, two, one] {
        world.app = app;
        let with_cid = |submit: &mut Submit| (submit.group_push, submit.cid) = (Some(group), Some("cid".into()));
        pushes.push((app, world.push_as(named(&["r0"]), with_cid).0));
    }
    world.push_as(named(&["r0"]), |submit| (submit.group_push, submit.validate_only) = (Some(group), true));
    assert_eq!(pushes[0], pushes[2]);
    let kept = |world: &World| world.read().group_push(group).expect("readable");
    assert_eq!(
        kept(&world).map(|kept| (kept.group, kept.pushes)),
        Some(("g".into(), pushes[..2].to_vec())),
        "a repeat is no push more"
    );
    assert!(world.read().scrub(None, usize::MAX).expect("readable").findings.is_empty());
    while world.answer(Command::App(AppCommand::Delete { app: two })) == Answer::Continue {}
    assert_eq!(kept(&world).map(|kept| kept.pushes.len()), Some(1));
    world.now_ms += 30 * DAY_MS;
    world.expire();
    assert!(kept(&world).is_some());
    world.now_ms += DAY_MS;
    world.expire();
    assert_eq!(kept(&world), None);
}

fn image(url: &str) -> FileKind {
    FileKind::Image { image_type: 1, content_type: "image/png".into(), url: url.into() }
}

fn lists(world: &World) -> Vec<File> {
    world.read().files(&world.owner(), world.now_ms).expect("readable")
}

fn found(world: &World, owner_key: &str, file: FileId) -> Option<Vec<u32>> {
    let name = FileName { owner_key: owner_key.into(), id: file };
    devices_in(&world.read(), world.app, &name, world.now_ms)
}

fn push(world: &World, file: FileId, devices: &[u32]) -> Command {
    world.submit(named_list(KEY, file, devices), |_| {})
}

fn content(world: &World, file: FileId) -> Option<String> {
    let content = world.read().file_content(&world.owner(), file, world.now_ms).expect("readable");
    content.map(|bytes| String::from_utf8(bytes).expect("text"))
}

/// How many rows there are of files, parts and expiries.
fn rows(world: &World) -> [u64; 3] {
    let counts = world.read().row_counts().expect("readable");
    let of = |table| counts.iter().find(|(of, _)| *of == table).map_or(0, |(_, rows)| *rows);
    [of(Table::Files), of(Table::FileParts), of(Table::Expiries)]
}

fn developer_app(world: &mut World, developer: &str) -> AppNumber {
    let command = AccountCommand::CreateApp {
        developer: developer.into(),
        name: "made".into(),
        android_package: "org.example".into(),
        app_group: None,
        app_key: "key of made".into(),
        master_secret: "secret".into(),
    };
    match world.answer(Command::Account(command)) {
        Answer::DeveloperApp { app, .. } => app,
        other => panic!("{other:?}"),
    }
}
