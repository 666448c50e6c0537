//! Media: quotas, mentions, and when one goes.

use crate::common::World;
use crate::common::media::{content, image, name};
use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::ids::UserNumber;
use anser_storage::media::{MediaId, MediaKind, MediaName};
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{MediaSpace, UnmentionedMedia};

const DAY_MS: u64 = 86_400_000;
const NONE: [[u8; 32]; 0] = [];

#[test]
fn a_medium_is_found_by_its_name_in_its_app_alone() {
    let mut world = World::new();
    let user = world.user("ann");
    world.answer(world.add_media(1, 1, Some(user)));
    let media = world.read().media(world.app, &name(1)).expect("readable").expect("there");
    assert_eq!((media.content, media.name.as_str(), media.by), (content(1), "x.png", Some(user)));
    let stranger = world.create_app("stranger");
    let as_file = MediaName { kind: MediaKind::File, ..name(1) };
    assert_eq!(world.read().media(stranger, &name(1)).expect("readable"), None);
    assert_eq!(world.read().media(world.app, &as_file).expect("readable"), None);
    assert!(!world.read().has_media_body(stranger, &[1; 32]).expect("readable"));
}

#[test]
fn the_same_upload_again_changes_nothing_and_another_under_its_name_is_refused() {
    let mut world = World::new();
    for _ in 0..2 {
        assert_eq!(world.answer(world.add_media(1, 1, None)), Answer::Done);
    }
    assert_eq!(world.refusal(world.add_media(1, 2, None)), Refusal::Internal);
    assert_eq!(space(&world), MediaSpace { bytes: 1000, media: 1, quota_bytes: None });
}

#[test]
fn the_same_bytes_count_once_and_an_app_keeps_no_more_than_its_quota() {
    let mut world = World::new();
    world.answer(Command::Media(MediaCommand::SetQuota { app: world.app, bytes: Some(2500) }));
    world.answer(world.add_media(1, 1, None));
    world.answer(world.add_media(2, 1, None));
    world.answer(world.add_media(3, 2, None));
    assert_eq!(world.refusal(world.add_media(4, 3, None)), Refusal::MediaQuotaFull);
    assert_eq!(space(&world), MediaSpace { bytes: 2000, media: 3, quota_bytes: Some(2500) });
    world.answer(Command::Media(MediaCommand::SetQuota { app: world.app, bytes: Some(0) }));
    world.answer(world.add_media(4, 3, None));
    world.answer(Command::Media(MediaCommand::SetQuota { app: world.app, bytes: None }));
    let media =
        NewMedia { id: MediaId([5; 16]), kind: MediaKind::File, content: content(5), name: "x".into(), by: None };
    let add = MediaCommand::Add { app: world.app, media: Box::new(media), quota_bytes: 3999 };
    assert_eq!(world.refusal(Command::Media(add)), Refusal::MediaQuotaFull);
}

#[test]
fn who_is_gone_or_disabled_uploads_nothing() {
    let mut world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let app = world.app;
    world.answer(Command::People(PeopleCommand::Delete { app, usernames: vec!["ann".into()] }));
    world.answer(Command::People(PeopleCommand::SetDisabled { app, username: "bob".into(), is_disabled: true }));
    assert_eq!(world.refusal(world.add_media(1, 1, Some(ann))), Refusal::SenderUnknown);
    assert_eq!(world.refusal(world.add_media(1, 1, Some(bob))), Refusal::UserDisabled);
    assert_eq!(world.refusal(world.add_media(1, 1, Some(UserNumber(99)))), Refusal::SenderUnknown);
}

#[test]
fn what_nobody_names_goes_after_its_time() {
    let mut world = World::new();
    world.answer(world.add_media(1, 1, None));
    world.answer(world.add_media(2, 1, None));
    world.now_ms += DAY_MS - 1000;
    assert_eq!(sweep(&mut world, &[1]), NONE);
    world.now_ms += 1000;
    assert_eq!(sweep(&mut world, &[1]), NONE, "its bytes are still those of another");
    assert!(!is_there(&world, 1));
    assert_eq!(sweep(&mut world, &[2]), [[1; 32]]);
    assert_eq!(space(&world), MediaSpace::default());
    assert_eq!(world.findings(), []);
}

#[test]
fn what_a_kept_message_names_stays_until_retention_cuts_it() {
    let mut world = World::new();
    let ann = world.user("ann");
    world.answer(world.add_media(1, 1, None));
    let first = world.share(ann, "ann", 1);
    let second = world.share(ann, "ann", 1);
    world.now_ms += 10 * DAY_MS;
    assert_eq!((unmentioned(&world), sweep(&mut world, &[1])), (vec![], vec![]));
    cut(&mut world, Position(first.0 + 1));
    assert_eq!((unmentioned(&world), sweep(&mut world, &[1])), (vec![], vec![]));
    cut(&mut world, Position(second.0 + 1));
    let found = |is_idle, is_due| vec![UnmentionedMedia { id: MediaId([1; 16]), is_idle, is_due }];
    assert_eq!(unmentioned(&world), found(false, false));
    assert_eq!(sweep(&mut world, &[1]), NONE, "now it begins to be idle");
    assert_eq!(unmentioned(&world), found(true, false));
    assert_eq!(world.findings(), []);
    world.now_ms += DAY_MS;
    assert_eq!(unmentioned(&world), found(true, true));
    assert_eq!(sweep(&mut world, &[1]), [[1; 32]]);
}

#[test]
fn an_erased_message_names_nothing_any_more_and_a_retracted_one_still_does() {
    let mut world = World::new();
    let ann = world.user("ann");
    world.answer(world.add_media(1, 1, None));
    world.answer(world.add_media(2, 2, None));
    let message = world.share(ann, "ann", 1);
    let amend = |what| {
        let app = world.app;
        Command::Amend(Amend { app, by: Actor::Server, through_server: false, message, what, within_ms: None })
    };
    let (edit, erase) = (amend(Amended::Edited(image(2))), amend(Amended::Erased));
    world.answer(edit);
    assert_eq!(unmentioned(&world), []);
    world.answer(erase);
    assert_eq!(unmentioned(&world).len(), 2);
    assert_eq!(world.findings(), []);
    let message = world.share(ann, "ann", 1);
    let retract = Amend {
        app: world.app,
        by: Actor::Server,
        through_server: false,
        message,
        what: Amended::Retracted,
        within_ms: None,
    };
    world.answer(Command::Amend(retract));
    assert_eq!(unmentioned(&world).len(), 1);
}

#[test]
fn avatars_are_found_and_setting_one_ends_idleness() {
    let mut world = World::new();
    world.users(&["ann", "bob", "eve"]);
    for id in 1..=3 {
        world.answer(world.add_media(id, id, None));
    }
    let app = world.app;
    let change = ProfileChange { avatar: Some(name(1).to_string()), ..ProfileChange::default() };
    world.answer(Command::People(PeopleCommand::ChangeProfile {
        by: Actor::Server,
        app,
        username: "bob".into(),
        change: Box::new(change),
    }));
    world.answer(Command::Group(GroupCommand::Create {
        members_max: None,
        app,
        by: Actor::Server,
        owner: "ann".into(),
        name: "walkers".into(),
        description: String::new(),
        avatar: format!("{}.png", name(2)),
        is_public: false,
        members: Vec::new(),
    }));
    let (mut place, mut avatars) = (None, Vec::new());
    loop {
        let (found, next) = world.read().avatars(app, place, 1).expect("readable");
        avatars.extend(found);
        place = next;
        if place.is_none() {
            break;
        }
    }
    assert_eq!(avatars, [MediaId([1; 16]), MediaId([2; 16])]);
    world.now_ms += DAY_MS;
    assert_eq!(sweep(&mut world, &[1, 2, 3]), [[3; 32]]);
    assert!(is_there(&world, 1) && is_there(&world, 2));
    let named = MediaCommand::Sweep { app, named: vec![MediaId([1; 16])], unnamed: vec![], idle_ms: DAY_MS };
    world.answer(Command::Media(named));
    world.now_ms += DAY_MS;
    assert_eq!(sweep(&mut world, &[1, 2]), [[2; 32]]);
}

#[test]
fn a_thumbnail_is_its_uploaders_and_goes_with_its_picture() {
    let mut world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    world.answer(world.add_media(1, 1, Some(ann)));
    let thumb = |by, body| {
        let thumb = Box::new(content(body));
        Command::Media(MediaCommand::AddThumb { app: world.app, media: MediaId([1; 16]), by, thumb, quota_bytes: 0 })
    };
    let (of_bob, first, second) = (thumb(bob, 2), thumb(ann, 2), thumb(ann, 3));
    assert_eq!(world.refusal(of_bob), Refusal::MediaUnknown);
    assert_eq!(world.answer(first.clone()), Answer::MediaFreed(vec![]));
    assert_eq!(world.answer(first), Answer::Done);
    assert_eq!(world.answer(second), Answer::MediaFreed(vec![[2; 32]]));
    assert_eq!(world.read().media_thumb(world.app, MediaId([1; 16])).expect("readable"), Some(content(3)));
    assert_eq!(space(&world).bytes, 2000);
    world.now_ms += DAY_MS;
    assert_eq!(sweep(&mut world, &[1]), [[1; 32], [3; 32]]);
    assert_eq!(space(&world), MediaSpace::default());
    assert_eq!(world.findings(), []);
}

#[test]
fn a_medium_with_very_many_cut_mentions_is_freed_in_several_sweeps() {
    let mut world = World::new();
    let ann = world.user("ann");
    world.answer(world.add_media(1, 1, None));
    let last = (0..700).map(|_| world.share(ann, "ann", 1)).last().expect("some");
    cut(&mut world, Position(last.0 + 1));
    world.now_ms += DAY_MS;
    let sweeps = (0..4).map(|_| sweep(&mut world, &[1]).len()).sum::<usize>();
    assert_eq!(sweeps, 0, "it was not idle while mentions were left");
    world.now_ms += DAY_MS;
    assert_eq!(sweep(&mut world, &[1]), [[1; 32]]);
    assert_eq!(world.findings(), []);
}

fn sweep(world: &mut World, media: &[u8]) -> Vec<[u8; 32]> {
    let unnamed = media.iter().map(|id| MediaId([*id; 16])).collect();
    let sweep = MediaCommand::Sweep { app: world.app, named: Vec::new(), unnamed, idle_ms: DAY_MS };
    match world.answer(Command::Media(sweep)) {
        Answer::MediaFreed(freed) => freed,
        other => panic!("{other:?}"),
    }
}

fn unmentioned(world: &World) -> Vec<UnmentionedMedia> {
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = world.read().unmentioned_media(world.app, after, 1, DAY_MS, world.now_ms).expect("readable");
        found.extend(page.0);
        match page.1 {
            Some(last) => after = Some(last),
            None => return found,
        }
    }
}

fn cut(world: &mut World, below: Position) {
    let cut = Command::System(SystemCommand::Cut { app: world.app, class: Class::Chat, below });
    while world.answer(cut.clone()) == Answer::Continue {}
}

fn is_there(world: &World, id: u8) -> bool {
    world.read().media(world.app, &name(id)).expect("readable").is_some()
}

fn space(world: &World) -> MediaSpace {
    world.read().media_space(world.app).expect("readable")
}
