//! G5: any one call to the disk fails. Nobody gets a false answer: what was answered is there, what was not is there as a
//! whole or not at all, and after the failure nothing is answered until the store was opened again.

#![cfg(feature = "simulation")]

mod common;

use std::io::ErrorKind;

use anser_storage::Store;
use anser_storage::disk::crash::CrashDisk;
use anser_storage::{Options, StoreError};
use common::script::Script;

/// Another script than those of the power cuts begin with.
const SCRIPT: u64 = 1 << 40;

/// Which call fails.
#[derive(Clone, Copy, Debug)]
enum Failing {
    /// A write, a sync or a change of length.
    Change(u64, ErrorKind),
    Read(u64),
}

struct Bench {
    script: Script,
    image: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let script = Script::of(SCRIPT);
        let disk = CrashDisk::default();
        let mut store = Store::open_on(disk.backend(), options()).expect("the disk is well");
        store.apply(&script.beginning).expect("the disk is well");
        drop(store);
        Self { script, image: disk.synced() }
    }

    /// Runs the whole script while one call fails; returns whether that call came.
    fn run(&self, failing: Failing) -> bool {
        let disk = CrashDisk::holding(self.image.clone());
        let held = disk.clone();
        let mut store = Store::open_with(move || held.backend(), options()).expect("the disk is well");
        match failing {
            Failing::Change(call, kind) => disk.fail_call(call, kind),
            Failing::Read(read) => disk.fail_read(read),
        }
        let mut answered = 0;
        while answered < self.script.batches.len() {
            match store.apply(&self.script.batches[answered]) {
                Ok(outcomes) => {
                    assert_eq!(outcomes, self.script.outcomes[answered], "{failing:?}");
                    answered += 1;
                }
                Err(error) => {
                    assert!(matches!(error, StoreError::Disk(_)), "{failing:?}: {error}");
                    self.expect_closed(&mut store, failing);
                    answered += self.reopen(&mut store, answered, failing);
                }
            }
            if store.checkpoint_step().is_err() {
                self.expect_closed(&mut store, failing);
                answered += self.reopen(&mut store, answered, failing);
            }
        }
        let has_come = !disk.has_failure_ahead();
        if let Err(error) = store.content_hash() {
            assert!(!has_come, "{failing:?}: {error}");
            return true;
        }
        // And all that holds when the power goes now.
        disk.restart(&mut || 0);
        let mut store = Store::open_on(disk.backend(), options()).expect("the disk is well");
        assert_eq!(store.content_hash().ok(), self.script.hashes.last().copied(), "{failing:?}");
        has_come
    }

    fn expect_closed(&self, store: &mut Store, failing: Failing) {
        assert!(store.is_closed(), "{failing:?}");
        assert!(store.reader().snapshot().is_err(), "{failing:?}");
        let refused = store.apply(&self.script.batches[0]);
        assert!(matches!(refused, Err(StoreError::Closed)), "{failing:?}: {refused:?}");
    }

    /// Returns how many batches more than those answered are there: the one that failed, or none.
    fn reopen(&self, store: &mut Store, answered: usize, failing: Failing) -> usize {
        store.reopen().unwrap_or_else(|error| panic!("{failing:?}: {error}"));
        let hash = store.content_hash().unwrap_or_else(|error| panic!("{failing:?}: {error}"));
        let there = self.script.hashes[answered..].iter().take(2).position(|expected| *expected == hash);
        there.unwrap_or_else(|| panic!("{failing:?}: something else is there after {answered} batches"))
    }
}

fn options() -> Options {
    // Without room for pages everything is read from the disk; and checkpoints fall into the script.
    Options { cache_bytes: 128 << 10, dirty_heads_max: 10, ..Options::default() }
}

#[test]
fn g5_no_failing_write_or_sync_leads_to_a_false_answer() {
    let bench = Bench::new();
    let mut calls = 0;
    for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
        calls = (0..).take_while(|call| bench.run(Failing::Change(*call, kind))).count();
    }
    assert!(calls > 100, "the script takes only {calls} calls");
}

#[test]
fn g5_no_failing_read_leads_to_a_false_answer() {
    let bench = Bench::new();
    let reads = (0..).take_while(|read| bench.run(Failing::Read(*read))).count();
    assert!(reads > 10, "the script takes only {reads} reads");
}
