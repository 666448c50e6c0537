//! G7: bits flip, pages are zeroed, the file ends early. No wrong value is served from any table; what is missing is found
//! by the scrub; a store that does not open says what to do.

use std::collections::BTreeMap;

use crate::common::random::Random;
use crate::common::script::Script;
use crate::common::torture;
use anser_storage::disk::crash::CrashDisk;
use anser_storage::{Options, Snapshot, Store, Table};

const CI_CASES: u64 = 300;
const SCRIPT: u64 = 1 << 41;

type Rows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

#[test]
fn g7_a_damaged_file_serves_no_wrong_value() {
    let (image, truth) = closed_store();
    assert!(truth.len() > 100, "{} rows", truth.len());
    assert_eq!(scrub(&open(image.clone()).expect("it is whole")), []);
    let mut not_opened = 0;
    for seed in torture::seeds(CI_CASES) {
        let damaged = damage(image.clone(), seed);
        match open(damaged) {
            Ok(store) => check(&store, &truth, seed),
            Err(message) => {
                assert!(message.contains("anserd rescue") && message.contains("restore"), "seed {seed}: {message}");
                not_opened += 1;
            }
        }
    }
    println!("g7: {not_opened} did not open");
}

fn open(image: Vec<u8>) -> Result<Store, String> {
    Store::open_on(CrashDisk::holding(image).backend(), Options::default()).map_err(|error| error.to_string())
}

/// The file of a store that was shut down in order, and all its rows.
fn closed_store() -> (Vec<u8>, Rows) {
    let script = Script::of(SCRIPT);
    let disk = CrashDisk::default();
    let mut store = Store::open_on(disk.backend(), Options::default()).expect("the disk is well");
    for batch in std::iter::once(&script.beginning).chain(&script.batches) {
        store.apply(batch).expect("the disk is well");
    }
    store.shut_down().expect("the disk is well");
    let store = Store::open_on(CrashDisk::holding(disk.synced()).backend(), Options::default()).expect("it is whole");
    let snapshot = store.reader().snapshot().expect("it is open");
    let mut truth = Rows::new();
    for table in Table::ALL {
        for (key, value) in snapshot.raw_rows(*table).expect("nothing is damaged") {
            truth.insert((*table, key), value);
        }
    }
    (disk.synced(), truth)
}

fn damage(mut image: Vec<u8>, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let length = image.len() as u64;
    let at = random.below(length) as usize;
    match random.below(8) {
        0 => image.truncate(at),
        1 => {
            let page = at / 4096 * 4096;
            let end = (page + 4096).min(image.len());
            image[page..end].fill(0);
        }
        2 => {
            let end = (at + 512).min(image.len());
            image[at..end].iter_mut().for_each(|byte| *byte = random.next() as u8);
        }
        // Most of the file is empty: a flip that hits something is drawn more often.
        _ => {
            let full: Vec<usize> = (0..image.len()).filter(|at| image[*at] != 0).collect();
            let at = *random.pick(&full);
            image[at] ^= 1 << random.below(8);
        }
    }
    image
}

fn check(store: &Store, truth: &Rows, seed: u64) {
    let snapshot = store.reader().snapshot().expect("it is open");
    let mut is_missing = false;
    for ((table, key), value) in truth {
        match snapshot.raw_value(*table, key) {
            Ok(Some(found)) => assert_eq!(found, *value, "seed {seed}: {table:?} {key:?}"),
            Ok(None) => is_missing = true,
            Err(_) => {}
        }
    }
    for table in Table::ALL {
        let Ok(rows) = snapshot.raw_rows(*table) else { continue };
        for (key, value) in &rows {
            assert_eq!(truth.get(&(*table, key.clone())), Some(value), "seed {seed}: {table:?} {key:?}");
        }
        is_missing |= rows.len() != truth.keys().filter(|(of, _)| of == table).count();
    }
    assert!(!is_missing || !scrub_of(&snapshot).is_empty(), "seed {seed}: what is missing was not found");
}

fn scrub(store: &Store) -> Vec<anser_storage::Finding> {
    scrub_of(&store.reader().snapshot().expect("it is open"))
}

/// In chunks, as the daemon does it.
fn scrub_of(snapshot: &Snapshot) -> Vec<anser_storage::Finding> {
    let mut findings = Vec::new();
    let mut place = None;
    loop {
        let chunk = snapshot.scrub(place.as_ref(), 1000).expect("the disk is well");
        findings.extend(chunk.findings);
        match chunk.next {
            Some(next) => place = Some(next),
            None => return findings,
        }
    }
}
