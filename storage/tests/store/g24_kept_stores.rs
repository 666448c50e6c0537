//! Stores of every released version open in every later one (goal G24). Each release leaves one in `tests/stores/`, made by
//! `cargo run --example keep_store -p anser-storage VERSION`, with what it read from it; neither ever changes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::World;
use crate::common::kept::{NUMBERS, READ_AT_MS, describe, keep};
use anser_storage::command::{AppCommand, Command, SystemCommand};
use anser_storage::ids::UserNumber;
use anser_storage::outcome::Answer;
use anser_storage::{Options, Store, Table, UserClass};
use redb::backends::InMemoryBackend;

/// Each release's version and the folder of its store.
fn kept() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/stores");
    let entries = fs::read_dir(folder).expect("the folder of kept stores is part of the tree");
    let paths = entries.map(|entry| entry.expect("readable").path()).filter(|path| path.is_dir());
    paths.map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), path)).collect()
}

/// A copy, so that the kept one stays as it is.
fn opened(folder: &Path) -> (tempfile::TempDir, Store) {
    let copy = tempfile::tempdir().expect("a folder");
    fs::copy(folder.join("store.redb"), copy.path().join("store.redb")).expect("the store is copied");
    let store = Store::open(copy.path(), Options::default()).expect("a kept store opens");
    (copy, store)
}

#[test]
fn the_version_of_this_tree_has_its_store() {
    let versions: Vec<String> = kept().into_iter().map(|(version, _)| version).collect();
    let version = env!("CARGO_PKG_VERSION");
    assert!(versions.iter().any(|kept| kept == version), "a release keeps its store: {version} is not in {versions:?}");
}

#[test]
fn the_store_that_this_version_keeps_has_a_row_of_every_table() {
    let world = keep(Store::open_on(InMemoryBackend::new(), Options::default()).expect("memory opens"));
    let counts = world.read().row_counts().expect("the store is open");
    let empty: Vec<Table> = counts.into_iter().filter(|(_, rows)| *rows == 0).map(|(table, _)| table).collect();
    // An offer to set it up ends when there is an operator.
    assert_eq!(empty, [Table::SetUp], "add a command that fills it to tests/common/every_table.rs");
}

#[test]
fn g24_what_every_release_stored_reads_as_it_did_then() {
    for (version, folder) in kept() {
        let (_copy, store) = opened(&folder);
        let snapshot = store.reader().snapshot().expect("the store is open");
        let read = describe(&snapshot, READ_AT_MS).expect("nothing is damaged");
        let then = fs::read_to_string(folder.join("read.txt")).expect("what the release read is kept");
        for (now, then) in read.lines().zip(then.lines()) {
            assert_eq!(now, then, "of the store of {version}");
        }
        assert_eq!(read.lines().count(), then.lines().count(), "of the store of {version}");
    }
}

#[test]
fn g24_the_scrub_finds_nothing_in_a_store_of_any_release() {
    for (version, folder) in kept() {
        let (_copy, store) = opened(&folder);
        let snapshot = store.reader().snapshot().expect("the store is open");
        let mut place = None;
        loop {
            let scrubbed = snapshot.scrub(place.as_ref(), 1000).expect("the store is read");
            assert!(scrubbed.findings.is_empty(), "the store of {version}: {:?}", scrubbed.findings);
            place = scrubbed.next;
            if place.is_none() {
                break;
            }
        }
    }
}

#[test]
fn g24_a_store_of_any_release_lives_on() {
    for (version, folder) in kept() {
        let (copy, store) = opened(&folder);
        let end = store.reader().snapshot().expect("the store is open").end();
        let apps = store.reader().snapshot().expect("the store is open").apps().expect("whole");
        let (app, _) = apps.iter().find(|(_, app)| app.name == "chat").expect("every kept store has it");
        let mut world = World { store, app: *app, now_ms: READ_AT_MS + 60_000 };
        assert_eq!(world.answer(Command::System(SystemCommand::Start)), Answer::Done);
        let (alice, _) = (world.user("alice"), world.user("bob"));
        let position = world.send(alice, "bob", "hello from a later version");
        assert!(position > end, "the store of {version} gives positions that it gave before");
        let device = world.device("later");
        world.tag(device, &["green"]);
        let (old, _) = apps.iter().find(|(_, app)| app.name != "chat").expect("it has others, too");
        let old = *old;
        while world.answer(Command::App(AppCommand::Delete { app: old })) == Answer::Continue {}
        world.store.checkpoint().expect("the disk works");
        drop(world);
        let store = Store::open(copy.path(), Options::default()).expect("it opens again");
        let apps = store.reader().snapshot().expect("open").apps().expect("whole");
        assert!(apps.iter().any(|(_, app)| app.name == "chat") && apps.iter().all(|(app, _)| *app != old));
    }
}

#[test]
fn g24_the_users_of_a_store_of_any_release_are_listed() {
    for (version, folder) in kept() {
        let (_copy, store) = opened(&folder);
        let snapshot = store.reader().snapshot().expect("the store is open");
        let (mut listed, mut named) = (0, 0);
        for (app, _) in snapshot.apps().expect("whole") {
            // Not those who were deleted, and not guests of another app: they have no name here.
            for number in (0..NUMBERS).map(UserNumber) {
                let Some(user) = snapshot.user(app, number).expect("whole") else { continue };
                let known = snapshot.user_by_name(app, &user.username).expect("whole");
                named += usize::from(known.is_some_and(|(known, _)| known == number));
            }
            for class in [UserClass::User, UserClass::Admin] {
                let page = snapshot.user_page(app, class, 0, 1000).expect("whole");
                assert_eq!(page.total, page.users.len() as u64, "of the store of {version}");
                for user in page.users {
                    let (number, known) = snapshot.user_by_name(app, &user.username).expect("whole").expect("listed");
                    assert_eq!(
                        known.is_admin,
                        class == UserClass::Admin,
                        "{} in the store of {version}",
                        user.username
                    );
                    listed += usize::from(number.0 < NUMBERS);
                }
            }
        }
        assert_eq!(listed, named, "of the store of {version}");
    }
}
