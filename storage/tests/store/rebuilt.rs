//! A store that is made of another one's rows: the same content, in a file of its own, with positions nobody has met.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use crate::common::kept::{READ_AT_MS, describe};
use crate::common::random::Random;
use crate::common::script::Script;
use crate::common::torture;
use anser_storage::command::{Command, Stamped, SystemCommand};
use anser_storage::disk::{Rebuild, RebuildError, salvage};
use anser_storage::{Options, Snapshot, Store, Table};
use redb::ReadableDatabase;

const AT_MS: u64 = 1 << 44;
const CI_RESCUES: u64 = 60;

type Rows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

#[test]
fn a_rebuilt_store_holds_every_row_of_every_table() {
    for (seed, is_checkpointed) in [(1, true), (2, false), (3, false)] {
        let mut source = scripted(seed);
        if is_checkpointed {
            source.checkpoint().expect("memory is well");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mut rebuild = Rebuild::begin(folder.path(), Options::default()).expect("begun");
        let snapshot = source.reader().snapshot().expect("open");
        for ((table, key), value) in rows(&snapshot) {
            rebuild.add(table, &key, &value).expect("taken");
        }
        drop(snapshot);
        rebuild.finish(AT_MS).expect("finished");

        let mut rebuilt = Store::open(folder.path(), Options::default()).expect("it opens");

        let restored = Stamped { at_ms: AT_MS, command: Command::System(SystemCommand::Restored) };
        source.apply(&[restored]).expect("memory is well");
        let hash = source.content_hash().expect("memory is well");
        assert_eq!(rebuilt.content_hash().expect("it is open"), hash, "seed {seed}");
        assert_eq!(rebuilt.end(), source.end());
        assert!(crate::common::findings(&rebuilt.reader().snapshot().expect("open")).is_empty());
    }
}

#[test]
fn rows_of_an_earlier_format_become_a_store_of_this_one() {
    for version in ["0.1.0", "0.2.0"] {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/stores").join(version);
        let source = tempfile::tempdir().expect("a folder");
        fs::copy(kept.join("store.redb"), source.path().join("store.redb")).expect("copied");
        let folder = tempfile::tempdir().expect("a folder");
        let mut rebuild = Rebuild::begin(folder.path(), Options::default()).expect("begun");
        for ((table, key), value) in raw_rows(&source.path().join("store.redb")) {
            rebuild.add(table, &key, &value).expect("taken");
        }
        rebuild.finish(READ_AT_MS).expect("finished");

        let store = Store::open(folder.path(), Options::default()).expect("it opens");

        let read = describe(&store.reader().snapshot().expect("open"), READ_AT_MS).expect("whole");
        let then = fs::read_to_string(kept.join("read.txt")).expect("what the release read is kept");
        assert!(read.lines().eq(then.lines()), "of the store of {version}");
    }
}

#[test]
fn an_unfinished_one_leaves_nothing_and_none_is_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rebuild = Rebuild::begin(folder.path(), Options::default()).expect("begun");
    rebuild.add(Table::Users, b"key", b"value").expect("taken");
    assert!(matches!(rebuild.add(Table::Users, b"key", b"other"), Err(RebuildError::Twice { .. })));
    drop(rebuild);
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
    Store::open(folder.path(), Options::default()).expect("made").shut_down().expect("closed");
    assert!(matches!(Rebuild::begin(folder.path(), Options::default()), Err(RebuildError::Exists(_))));
}

#[test]
fn rows_without_those_that_every_store_has_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let rebuild = Rebuild::begin(folder.path(), Options::default()).expect("begun");
    assert!(rebuild.finish(AT_MS).is_err());
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
}

/// G7: what a rescue saves of a damaged file is what was written, nearly all of it, and always a store that opens.
#[test]
fn g7_rescued_stores_open_and_hold_no_wrong_value() {
    let source = tempfile::tempdir().expect("a folder");
    let truth = {
        let mut store = Store::open(source.path(), Options::default()).expect("made");
        for batch in batches(5) {
            store.apply(&batch).expect("the disk is well");
        }
        store.shut_down().expect("closed");
        raw_rows(&source.path().join("store.redb"))
    };
    let image = fs::read(source.path().join("store.redb")).expect("read");
    let (mut complete, mut in_all) = (0, 0);
    for seed in torture::seeds(CI_RESCUES) {
        let damaged = damage(image.clone(), seed);
        let cut = damaged.len() < image.len();
        fs::write(source.path().join("store.redb"), &damaged).expect("written");
        let folder = tempfile::tempdir().expect("a folder");
        let mut rebuild = Rebuild::begin(folder.path(), Options::default()).expect("begun");
        let mut seen = Rows::new();
        let salvaged = salvage::<RebuildError>(source.path(), folder.path(), &mut |table, key, value| {
            let is_new = rebuild.add_first(table, key, value)?;
            if is_new {
                seen.insert((table, key.to_vec()), value.to_vec());
            }
            Ok(is_new)
        })
        .expect("the disk is well");
        assert_eq!(
            fs::read(source.path().join("store.redb")).expect("read"),
            damaged,
            "the damaged file stays as it was"
        );
        let loose: u64 = salvaged.values().map(|found| found.loose).sum();
        let saved: u64 = salvaged.values().map(|found| found.saved).sum();
        assert_eq!(saved + loose, seen.len() as u64, "seed {seed}");
        let others = seen.iter().filter(|(place, value)| truth.get(place) != Some(value)).count() as u64;
        // An old version of a row can only come from a loose page.
        assert!(others <= loose, "seed {seed}: {others} rows are not what was written, {loose} were loose");
        let right = seen.len() as u64 - others;
        in_all += 1;
        complete += u64::from(right * 10 >= truth.len() as u64 * 9);
        // A half of a file has a half of the rows at best.
        assert!(cut || right * 2 >= truth.len() as u64, "seed {seed}: {right} of {} rows", truth.len());
        rebuild.make_up().expect("made up");
        rebuild.finish(AT_MS).expect("finished");
        let mut store = Store::open(folder.path(), Options::default()).expect("a rescued store opens");
        assert!(store.end().0 >= 1 << 32, "seed {seed}");
        store
            .apply(&[Stamped { at_ms: AT_MS, command: Command::System(SystemCommand::Start) }])
            .expect("it takes commands");
    }
    println!("g7: of {in_all} rescues {complete} saved nine rows of ten");
    assert!(complete * 10 >= in_all * 6, "only {complete} of {in_all}");
}

fn batches(seed: u64) -> Vec<Vec<Stamped>> {
    let Script { beginning, batches, .. } = Script::of(seed);
    [vec![beginning], batches].concat()
}

fn scripted(seed: u64) -> Store {
    let mut store = Store::open_on(redb::backends::InMemoryBackend::new(), Options::default()).expect("memory opens");
    for batch in batches(seed) {
        store.apply(&batch).expect("memory is well");
    }
    store
}

fn rows(snapshot: &Snapshot) -> Rows {
    let mut rows = Rows::new();
    for table in Table::ALL {
        let see = |key: &[u8], value: &[u8]| {
            rows.insert((*table, key.to_vec()), value.to_vec());
            ControlFlow::Continue(())
        };
        snapshot.copy_rows(*table, see).expect("nothing is damaged");
    }
    rows
}

/// As an earlier program left them.
fn raw_rows(file: &Path) -> Rows {
    let database = redb::Database::open(file).expect("it opens");
    let transaction = database.begin_read().expect("open");
    let mut rows = Rows::new();
    for table in Table::ALL {
        let definition = redb::TableDefinition::<&[u8], &[u8]>::new(table.name());
        let Ok(open) = transaction.open_table(definition) else { continue };
        for row in open.range::<&[u8]>(..).expect("whole") {
            let (key, value) = row.expect("whole");
            rows.insert((*table, key.value().to_vec()), value.value().to_vec());
        }
    }
    rows
}

fn damage(mut image: Vec<u8>, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let at = random.below(image.len() as u64) as usize;
    match random.below(6) {
        0 => image.truncate(at.max(image.len() / 4)),
        1 => {
            let page = at / 4096 * 4096;
            let end = (page + 4096).min(image.len());
            image[page..end].fill(0);
        }
        // The page without which redb does not open it.
        2 => image[..4096].fill(0),
        3 => {
            let end = (at + 512).min(image.len());
            image[at..end].iter_mut().for_each(|byte| *byte = random.next() as u8);
        }
        _ => {
            let full: Vec<usize> = (0..image.len()).filter(|at| image[*at] != 0).collect();
            for _ in 0..=random.below(20) {
                image[*random.pick(&full)] ^= 1 << random.below(8);
            }
        }
    }
    image
}
