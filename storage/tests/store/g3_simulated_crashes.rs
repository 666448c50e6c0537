//! G3: the power goes at any write, up to three times in a row, also while the store recovers. Whatever was answered is
//! there, what was not is there as a whole or not at all, and the store always opens.
//!
//! A store that never failed says what must be there: the hash over every table, after as many batches.

use crate::common::random::Random;
use crate::common::script::Script;
use crate::common::torture;
use anser_storage::disk::crash::CrashDisk;
use anser_storage::outcome::{Answer, Outcome};
use anser_storage::{Options, QuickRepair, Store};

const CI_CASES: u64 = 20_000;
/// Crashes that one script sees, each in another place.
const CASES_PER_SCRIPT: u64 = 200;
/// After the last crash: what is broken shows at once, or in what is built on it.
const BATCHES_AFTER: usize = 3;

#[test]
fn g3_a_power_cut_at_any_write_loses_nothing_that_was_answered() {
    let seeds = torture::seeds(CI_CASES);
    println!("g3: seeds {} to {}", seeds.start, seeds.end - 1);
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let seeds = seeds.clone();
            scope.spawn(move || {
                let mut prepared = None;
                for seed in seeds {
                    let number = seed / CASES_PER_SCRIPT;
                    if number % threads == thread {
                        let script = match prepared.take() {
                            Some(script) if Prepared::number(&script) == number => script,
                            _ => Prepared::new(number),
                        };
                        Case::new(&script, seed).run();
                        prepared = Some(script);
                    }
                }
            });
        }
    });
}

/// A script with the disk on which it begins.
struct Prepared {
    number: u64,
    script: Script,
    image: Vec<u8>,
}

impl Prepared {
    fn new(number: u64) -> Self {
        let script = Script::of(number);
        let disk = CrashDisk::default();
        let mut store = Store::open_on(disk.backend(), options(&mut Random::new(number))).expect("the disk is well");
        store.apply(&script.beginning).expect("the disk is well");
        drop(store);
        Self { number, script, image: disk.synced() }
    }

    fn number(&self) -> u64 {
        self.number
    }
}

/// Small enough that checkpoints fall into the script, and that pages are read and written early.
fn options(random: &mut Random) -> Options {
    Options {
        cache_bytes: *random.pick(&[128 << 10, 1 << 20]),
        dirty_heads_max: *random.pick(&[3, 10, 1000]),
        quick_repair: *random.pick(&[QuickRepair::Always, QuickRepair::From(3), QuickRepair::Never]),
        ..Options::default()
    }
}

struct Case<'p> {
    seed: u64,
    script: &'p Script,
    disk: CrashDisk,
    random: Random,
    options: Options,
    crashes_left: u64,
    /// Batches that were answered.
    answered: usize,
}

impl<'p> Case<'p> {
    fn new(prepared: &'p Prepared, seed: u64) -> Self {
        let mut random = Random::new(!seed);
        let options = options(&mut random);
        let crashes_left = 1 + random.below(3);
        let disk = CrashDisk::holding(prepared.image.clone());
        Self { seed, script: &prepared.script, disk, random, options, crashes_left, answered: 0 }
    }

    fn run(mut self) {
        let calls = 2 + self.random.below(120);
        self.plan_crash(calls);
        let mut end = self.script.batches.len();
        while self.answered < end {
            let mut store = self.open();
            self.work(&mut store, end);
            drop(store);
            if self.disk.is_off() {
                self.crash();
            }
            if self.crashes_left == 0 && !self.disk.has_failure_ahead() {
                end = end.min(self.answered + BATCHES_AFTER);
            }
        }
        let mut store = self.open();
        let hash = store.content_hash().expect("the power is on");
        assert_eq!(hash, self.script.hashes[self.answered], "seed {}", self.seed);
    }

    fn plan_crash(&mut self, within_calls: u64) {
        if self.crashes_left > 0 {
            self.crashes_left -= 1;
            let calls = self.random.below(within_calls);
            self.disk.cut_power_after(calls);
        }
    }

    fn crash(&mut self) {
        let random = &mut self.random;
        self.disk.restart(&mut || random.next());
        // The next one comes during the recovery, or a little later.
        self.plan_crash(25);
    }

    /// Opens the store, however often the power goes meanwhile, and finds out what is there.
    fn open(&mut self) -> Store {
        loop {
            match Store::open_on(self.disk.backend(), self.options.clone()) {
                Ok(mut store) => match self.is_next_there(&mut store) {
                    Some(true) => {
                        self.expect_repeats(&mut store);
                        return store;
                    }
                    Some(false) => return store,
                    None => assert!(self.disk.is_off(), "seed {}: it cannot be read", self.seed),
                },
                Err(error) => assert!(self.disk.is_off(), "seed {}: it does not open: {error}", self.seed),
            }
            self.crash();
        }
    }

    /// Is the batch there that was under way, or only what was answered? Nothing when the power went meanwhile.
    fn is_next_there(&mut self, store: &mut Store) -> Option<bool> {
        let hash = store.content_hash().ok()?;
        let hashes = &self.script.hashes;
        if hash == hashes[self.answered] {
            return Some(false);
        }
        let next = hashes.get(self.answered + 1).copied();
        assert_eq!(Some(hash), next, "seed {}: after {} answered batches", self.seed, self.answered);
        self.answered += 1;
        Some(true)
    }

    /// Whoever sent and got no answer sends again, and gets the first answer.
    fn expect_repeats(&self, store: &mut Store) {
        let batch = &self.script.batches[self.answered - 1];
        let first = &self.script.outcomes[self.answered - 1];
        let before = store.stats().end;
        for (command, first) in batch.iter().zip(first) {
            let Outcome { answer: Ok(Answer::Sent { position, .. }), .. } = first else { continue };
            let is_from_server = matches!(
                &command.command,
                anser_storage::command::Command::Send(anser_storage::command::Send {
                    origin: anser_storage::command::Origin::Server { .. },
                    ..
                })
            );
            if is_from_server {
                continue;
            }
            let Ok(outcomes) = store.apply(std::slice::from_ref(command)) else { return };
            match &outcomes[0].answer {
                Ok(Answer::Sent { position: again, is_repeat: true, .. }) => {
                    assert_eq!(again, position, "seed {}", self.seed);
                }
                // A later command of the batch may have cut it, or its app.
                other => assert!(store.stats().end == before, "seed {}: {other:?}", self.seed),
            }
        }
    }

    fn work(&mut self, store: &mut Store, end: usize) {
        for number in self.answered..end {
            let Ok(outcomes) = store.apply(&self.script.batches[number]) else { return };
            assert_eq!(outcomes, self.script.outcomes[number], "seed {}: batch {number}", self.seed);
            self.answered += 1;
            if store.checkpoint_step().is_err() {
                return;
            }
        }
    }
}
