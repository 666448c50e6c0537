//! G5: any one call to the disk fails. Nobody gets a false answer: what was answered is there, what was not is there as a
//! whole or not at all, and after the failure nothing is answered until the store was opened again. While the disk is
//! full, readers do not notice.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::common::script::Script;
use crate::common::{T0, World};
use anser_protocol::ids::Position;
use anser_storage::command::{Command, Origin, Stamped, Target};
use anser_storage::disk::crash::CrashDisk;
use anser_storage::ids::UserNumber;
use anser_storage::outcome::Outcome;
use anser_storage::{Chat, Options, Reader, Store, StoreError, Writer, WriterHandle, WriterOptions};

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
                    assert!(matches!(error, StoreError::Disk(_) | StoreError::Full), "{failing:?}: {error}");
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

/// A writer on a disk that counts how often the store was opened.
struct FullDisk {
    disk: CrashDisk,
    writer: WriterHandle,
    reader: Reader,
    openings: Arc<AtomicUsize>,
    send: Command,
    history: History,
}

/// What everybody may read at any time: who it is about, and how much was answered.
#[derive(Clone)]
struct History {
    app: anser_storage::ids::AppNumber,
    user: UserNumber,
    answered: Arc<AtomicUsize>,
}

impl FullDisk {
    fn new() -> Self {
        let (disk, openings) = (CrashDisk::default(), Arc::<AtomicUsize>::default());
        let (held, counted) = (disk.clone(), openings.clone());
        let backend = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            held.backend()
        };
        let mut world = World::on(Store::open_with(backend, Options::default()).expect("the disk is well"));
        let user = world.user("self");
        let (origin, target) = (Origin::Server { as_admin: false }, Target::User("self".into()));
        let send = world.send_command(user, origin, target, &"x".repeat(4000));
        let history = History { app: world.app, user, answered: Arc::default() };
        let options = WriterOptions { reopen_delay_min: Duration::from_millis(5), ..WriterOptions::default() };
        let (writer, reader) = Writer::spawn(world.store, options, Box::new(|_| ())).expect("a thread can be started");
        Self { disk, writer, reader, openings, send, history }
    }

    fn send(&self) -> Result<Outcome, StoreError> {
        let (answer, answered) = channel();
        let stamped = Stamped { at_ms: T0, command: self.send.clone() };
        let answer = Box::new(move |outcome| answer.send(outcome).expect("the test waits"));
        self.writer.submit(stamped, answer).expect("nothing else waits");
        let outcome = answered.recv().expect("the writer lives");
        if outcome.is_ok() {
            self.history.answered.fetch_add(1, Ordering::SeqCst);
        }
        outcome
    }

    /// Sends until so many attempts to write have failed; between them it is refused untried.
    fn send_until_failed(&self, times: usize) {
        let enough = self.openings.load(Ordering::Relaxed) + times;
        while self.openings.load(Ordering::Relaxed) < enough {
            match self.send() {
                Ok(_) | Err(StoreError::Full) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

impl History {
    fn read(&self, reader: &Reader) {
        let (app, user, answered) = (self.app, self.user, self.answered.load(Ordering::SeqCst));
        let page = reader
            .read(|snapshot| snapshot.history(app, user, &Chat::User(user), Position(u64::MAX), Position::START, 1));
        let last = page.expect("reading goes on").records.first().map_or(0, |record| record.message.seq);
        assert!(last >= answered as u64, "{answered} were answered, {last} are there");
    }
}

#[test]
fn g5_while_the_disk_is_full_readers_do_not_notice_and_sends_are_taken_again_when_there_is_room() {
    let full = FullDisk::new();
    full.send().expect("the disk is well");
    full.disk.set_room(Some(0));
    let (is_over, begun) = (Arc::<AtomicBool>::default(), Arc::<(Mutex<usize>, Condvar)>::default());

    // Given readers that read on and on,
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (reader, history) = (full.reader.clone(), full.history.clone());
            let (is_over, begun) = (is_over.clone(), begun.clone());
            std::thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    history.read(&reader);
                    *begun.0.lock().expect("nobody panics") += 1;
                    begun.1.notify_all();
                }
            })
        })
        .collect();
    let has_begun = begun.0.lock().expect("nobody panics");
    drop(begun.1.wait_while(has_begun, |reads| *reads < 10).expect("nobody panics"));

    // when writing fails again and again, and then there is room,
    full.send_until_failed(6);
    assert!(matches!(full.writer.health().trouble, Some(StoreError::Full)), "whoever asks is told of it");
    full.disk.set_room(None);
    while full.send().is_err() {}
    assert!(full.writer.health().trouble.is_none());

    // then no reader has failed, and what was answered is there, even if the power goes now.
    is_over.store(true, Ordering::Relaxed);
    readers.into_iter().for_each(|reader| reader.join().expect("every read was answered"));
    full.disk.restart(&mut || 0);
    let store = Store::open_on(full.disk.backend(), Options::default()).expect("the disk is well");
    full.history.read(&store.reader());
}
