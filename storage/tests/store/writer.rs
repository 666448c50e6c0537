//! The writer: who waits for whom, what is refused, and what a failing disk means for those who wait.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crate::common::{T0, World};
use anser_protocol::content::Content;
use anser_protocol::ids::{GroupId, Position};
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::{Answer, Outcome};
use anser_storage::{
    BatchDone, Options, QueueFull, Reader, Store, StoreError, Table, Writer, WriterHandle, WriterOptions,
};

/// What happened, in order.
#[derive(Clone, Debug, PartialEq)]
enum Event {
    Answered(AppNumber, QueueClass),
    Appended(Vec<Position>),
}

/// A writer that can be held up while it hands on what was appended.
struct Desk {
    handle: WriterHandle,
    reader: Reader,
    events: Arc<Mutex<Vec<Event>>>,
    answers: Receiver<Result<Outcome, StoreError>>,
    answered: Sender<Result<Outcome, StoreError>>,
    is_held: Receiver<()>,
    let_go: Sender<()>,
}

/// Two apps with a user each, who writes to themselves.
fn world() -> (Store, AppNumber, AppNumber) {
    world_on(Store::open_on(redb::backends::InMemoryBackend::new(), Options::default()).expect("memory opens"))
}

fn world_on(store: Store) -> (Store, AppNumber, AppNumber) {
    let mut world = World::on(store);
    let one = world.app;
    world.user("self");
    world.app = world.create_app("another");
    world.user("self");
    (world.store, one, world.app)
}

impl Desk {
    /// The writer stops at the first batch that appends, until `let_go`.
    fn new(store: Store, options: WriterOptions) -> Self {
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let (answered, answers) = channel();
        let (hold, is_held) = channel();
        let (let_go, go) = channel::<()>();
        let log = events.clone();
        let mut is_first = true;
        let on_appended = Box::new(move |appended: &[anser_storage::outcome::Appended]| {
            log.lock().expect("nobody panics").push(Event::Appended(appended.iter().map(|it| it.position).collect()));
            if std::mem::take(&mut is_first) {
                hold.send(()).expect("the test is there");
                go.recv().expect("the test is there");
            }
        });
        let (handle, reader) = Writer::spawn(store, options, on_appended).expect("a thread can be started");
        Self { handle, reader, events, answers, answered, is_held, let_go }
    }

    fn submit(&self, command: Command) -> Result<(), QueueFull> {
        self.submit_at(T0 + 1000, command)
    }

    fn submit_at(&self, at_ms: u64, command: Command) -> Result<(), QueueFull> {
        let (answered, events) = (self.answered.clone(), self.events.clone());
        let event = Event::Answered(command.app().unwrap_or_default(), command.queue_class());
        let answer = Box::new(move |outcome| {
            events.lock().expect("nobody panics").push(event);
            // The test may be over.
            let _ = answered.send(outcome);
        });
        self.handle.submit(Stamped { at_ms, command }, answer)
    }

    /// The writer is busy with a first send, and whatever is submitted now waits.
    fn hold(&self, app: AppNumber) {
        self.submit(send(app)).expect("there is room");
        self.answer().expect("the disk is well");
        self.is_held.recv().expect("the writer lives");
        self.events.lock().expect("nobody panics").clear();
    }

    fn answer(&self) -> Result<Outcome, StoreError> {
        self.answers.recv().expect("the writer lives")
    }

    fn events(self) -> Vec<Event> {
        self.handle.shutdown();
        std::mem::take(&mut self.events.lock().expect("nobody panics"))
    }
}

fn send(app: AppNumber) -> Command {
    let (origin, target) = (Origin::Server { as_admin: false }, Target::User("self".into()));
    Command::Send(Send { app, from: UserNumber(1), origin, target, content: Content::text("hello") })
}

fn rotate(app: AppNumber) -> Command {
    Command::App(AppCommand::RotateSecret { app, master_secret: "another".into() })
}

fn job(app: AppNumber) -> Command {
    let (user, device, position) = (UserNumber(1), DeviceNumber(0), Position(1));
    Command::Mark(MarkCommand::ChatCursor { app, user, device, position })
}

fn positions(outcome: &Outcome) -> Position {
    match outcome.answer {
        Ok(Answer::Sent { position, .. }) => position,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn records_are_handed_on_in_order_after_the_answers() {
    let (store, one, two) = world();
    let desk = Desk::new(store, WriterOptions::default());
    desk.hold(one);

    for app in [one, two, one] {
        desk.submit(send(app)).expect("there is room");
    }
    desk.let_go.send(()).expect("the writer waits");
    let mut sent: Vec<Position> = (0..3).map(|_| positions(&desk.answer().expect("the disk is well"))).collect();

    let events = desk.events();
    assert!(sent.is_sorted());
    assert_eq!(events.last(), Some(&Event::Appended(std::mem::take(&mut sent))), "{events:?}");
}

#[test]
fn what_was_answered_can_be_read() {
    let (store, one, _) = world();
    let desk = Desk::new(store, WriterOptions::default());

    desk.submit(send(one)).expect("there is room");
    let position = positions(&desk.answer().expect("the disk is well"));

    assert!(desk.reader.snapshot().expect("it is open").end() >= position);
    desk.let_go.send(()).expect("the writer waits");
}

#[test]
fn a_snapshot_knows_the_last_position_of_its_own_rows_while_batches_are_committed() {
    // Given batches without a pause,
    let (mut store, app, _) = world();
    let reader = store.reader();
    let batches = std::thread::spawn(move || {
        for _ in 0..1000 {
            store.apply(&[Stamped { at_ms: T0 + 1000, command: send(app) }]).expect("memory is well");
        }
    });

    // when a snapshot is taken in the midst of them, then no row of it is above what it says, and one is there.
    while !batches.is_finished() {
        let snapshot = reader.snapshot().expect("it is open");
        let mut highest = 0;
        let rows = snapshot.copy_rows(Table::Log, |key, _| {
            highest = highest.max(u64::from_be_bytes(*key.last_chunk().expect("a position")));
            ControlFlow::Continue(())
        });
        rows.expect("it is open");
        let last = snapshot.last_position().expect("it is open");
        assert!(highest == 0 || last == Position(highest), "{last:?} of rows up to {highest}");
        assert!(snapshot.end() <= last);
    }
    batches.join().expect("it does not panic");
}

#[test]
fn a_busy_app_does_not_hold_up_another() {
    let (store, busy, quiet) = world();
    let desk = Desk::new(store, WriterOptions::default());
    desk.hold(busy);

    for _ in 0..5000 {
        desk.submit(send(busy)).expect("there is room");
    }
    for _ in 0..10 {
        desk.submit(send(quiet)).expect("there is room");
    }
    desk.let_go.send(()).expect("the writer waits");

    let events = desk.events();
    let answered: Vec<&Event> = events.iter().filter(|event| matches!(event, Event::Answered(..))).collect();
    let of_quiet = answered.iter().rposition(|event| matches!(event, Event::Answered(app, _) if *app == quiet));
    assert_eq!(answered.len(), 5010);
    assert!(of_quiet.is_some_and(|place| place < 20), "they take turns: {of_quiet:?}");
}

#[test]
fn sends_get_the_larger_share_and_jobs_are_not_starved() {
    let (store, app, _) = world();
    let desk = Desk::new(store, WriterOptions::default());
    desk.hold(app);

    for _ in 0..100 {
        for command in [job(app), rotate(app), send(app)] {
            desk.submit(command).expect("there is room");
        }
    }
    desk.let_go.send(()).expect("the writer waits");

    let events = desk.events();
    let first: Vec<QueueClass> = events
        .iter()
        .filter_map(|event| match event {
            Event::Answered(_, class) => Some(*class),
            Event::Appended(_) => None,
        })
        .take(14)
        .collect();
    let count = |class| first.iter().filter(|it| **it == class).count();
    assert_eq!([QueueClass::Send, QueueClass::Rest, QueueClass::Job].map(count), [8, 4, 2]);
}

#[test]
fn a_batch_holds_no_more_than_its_limit() {
    let (store, app, _) = world();
    let desk = Desk::new(store, WriterOptions { batch_commands_max: 100, ..WriterOptions::default() });
    desk.hold(app);

    for _ in 0..350 {
        desk.submit(send(app)).expect("there is room");
    }
    desk.let_go.send(()).expect("the writer waits");

    let batches: Vec<usize> = desk
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Appended(positions) => Some(positions.len()),
            Event::Answered(..) => None,
        })
        .collect();
    assert!(batches.iter().all(|batch| *batch <= 100) && batches.iter().sum::<usize>() == 350, "{batches:?}");
}

#[test]
fn a_full_queue_refuses_at_once_and_says_nothing_more() {
    let (store, busy, quiet) = world();
    let desk = Desk::new(store, WriterOptions { line_commands_max: 3, ..WriterOptions::default() });
    desk.hold(busy);

    let accepted = (0..5).filter(|_| desk.submit(send(busy)).is_ok()).count();
    assert_eq!(accepted, 3);
    assert_eq!(desk.submit(send(quiet)), Ok(()), "another app still has room");

    desk.let_go.send(()).expect("the writer waits");
    let events = desk.events();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Answered(..))).count(), 4);
}

#[test]
fn names_and_lists_count_against_the_queues_bytes() {
    let (store, app, _) = world();
    let desk = Desk::new(store, WriterOptions { queue_bytes_max: 40_000, ..WriterOptions::default() });
    let names = || vec!["x".repeat(40); 1000];
    let (user, device, group) = (UserNumber(1), DeviceNumber(0), GroupId::FIRST);
    let change = DeviceChange { add_tags: names(), ..DeviceChange::default() };
    let audience = Audience::Selected(Selection { alias: names(), ..Selection::default() });
    let submit = Submit {
        app,
        contents: Vec::new(),
        audience,
        bridged: Vec::new(),
        only_test_devices: false,
        spread_s: 0,
        replaces: None,
        kept: String::new(),
        callback: None,
        sms: None,
        time_to_live_s: 60,
        sendno: String::new(),
        connected: Vec::new(),
        cid: None,
        only_repeats: false,
        broadcasts: None,
        validate_only: false,
        group_push: None,
    };
    let heavy = [
        Command::Device(DeviceCommand::SetTags { app, device, tags: names() }),
        Command::Device(DeviceCommand::ChangeTags { app, device, remove: Vec::new(), add: names() }),
        Command::Device(DeviceCommand::Update { app, device, change }),
        Command::Group(GroupCommand::Add { app, by: Actor::Server, group, members: names() }),
        Command::Group(GroupCommand::Remove { app, by: Actor::Server, group, members: names() }),
        Command::Push(PushCommand::Submit(Box::new(submit))),
        Command::Push(PushCommand::Received { app, device, pushes: vec![Position(1); 10_000] }),
        Command::User(UserCommand::UpgradePassword { app, user, from: "x".repeat(40_000), to: String::new() }),
    ];

    for command in heavy {
        let described = format!("{command:?}").chars().take(60).collect::<String>();
        assert_eq!(desk.submit(command), Err(QueueFull), "{described}");
    }
    let light = Command::Group(GroupCommand::Add { app, by: Actor::Server, group, members: vec!["x".repeat(40)] });
    assert_eq!(desk.submit(light), Ok(()));
}

#[test]
fn a_scrub_beside_a_busy_writer_finds_nothing() {
    let (store, app, _) = world();
    let desk = Desk::new(store, WriterOptions::default());
    desk.hold(app);
    desk.let_go.send(()).expect("the writer waits");

    let (mut place, mut passes) = (None, 0);
    while passes < 20 {
        desk.submit(send(app)).expect("there is room");
        let chunk = desk.reader.read(|snapshot| snapshot.scrub(place.as_ref(), 50)).expect("the disk is well");
        assert_eq!(chunk.findings, []);
        passes += usize::from(chunk.next.is_none());
        place = chunk.next;
    }
    desk.handle.shutdown();
}

#[test]
fn stamps_never_run_backwards() {
    let (store, app, _) = world();
    let desk = Desk::new(store, WriterOptions::default());
    desk.hold(app);

    for at_ms in [T0 + 5000, T0 + 1, T0 + 6000] {
        desk.submit_at(at_ms, send(app)).expect("there is room");
    }
    desk.let_go.send(()).expect("the writer waits");

    let times: Vec<u64> = (0..3)
        .map(|_| match desk.answer().expect("the disk is well").answer {
            Ok(Answer::Sent { at_ms, .. }) => at_ms,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(times, [T0 + 5000, T0 + 5000, T0 + 6000]);
}

#[test]
fn a_shutdown_carries_out_what_waits_and_leaves_nothing_to_recover() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (store, app, _) = world_on(Store::open(folder.path(), Options::default()).expect("it opens"));
    let desk = Desk::new(store, WriterOptions::default());
    desk.hold(app);
    for _ in 0..20 {
        desk.submit(send(app)).expect("there is room");
    }
    desk.let_go.send(()).expect("the writer waits");

    assert_eq!(desk.events().iter().filter(|event| matches!(event, Event::Answered(..))).count(), 20);

    let store = Store::open(folder.path(), Options::default()).expect("it opens");
    assert_eq!((store.stats().log_bytes, store.stats().dirty_heads), (0, 0));
}

#[cfg(feature = "simulation")]
mod failing {
    use std::io::ErrorKind;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use anser_storage::disk::crash::CrashDisk;

    use super::*;

    /// How often the store was opened, or tried to be.
    type Openings = Arc<AtomicUsize>;

    fn desk_on(disk: &CrashDisk, reopen_delay: Duration, options: Options) -> (Desk, AppNumber, Openings) {
        let (held, openings) = (disk.clone(), Openings::default());
        let counted = openings.clone();
        let backend = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            held.backend()
        };
        let (store, app, _) = world_on(Store::open_with(backend, options).expect("the disk is well"));
        let options = WriterOptions { reopen_delay_min: reopen_delay, ..WriterOptions::default() };
        (Desk::new(store, options), app, openings)
    }

    #[test]
    fn after_a_disk_error_all_who_wait_are_told_and_the_store_is_opened_again() {
        let disk = CrashDisk::default();
        let (desk, app, _) = desk_on(&disk, Duration::from_millis(1), Options::default());
        desk.hold(app);
        let before = desk.reader.snapshot().expect("it is open").end();

        disk.fail_call(0, ErrorKind::StorageFull);
        for _ in 0..3 {
            desk.submit(send(app)).expect("there is room");
        }
        desk.let_go.send(()).expect("the writer waits");
        for _ in 0..3 {
            let answer = desk.answer();
            assert!(matches!(answer, Err(StoreError::Full)), "{answer:?}");
        }

        // It comes back by itself; until then every answer is a refusal.
        let position = loop {
            desk.submit(send(app)).expect("there is room");
            if let Ok(outcome) = desk.answer() {
                break positions(&outcome);
            }
        };
        assert_eq!(position, Position(before.0 + 1), "nothing of what failed is there");
        assert!(desk.reader.snapshot().expect("readers came back as well").end() == position);
        desk.handle.shutdown();
    }

    #[test]
    fn while_the_writer_refuses_readers_are_served() {
        let disk = CrashDisk::default();
        let (desk, app, openings) = desk_on(&disk, Duration::from_secs(3600), Options::default());
        desk.hold(app);
        desk.let_go.send(()).expect("the writer waits");
        let before = desk.reader.snapshot().expect("it is open").end();

        disk.fail_call(0, ErrorKind::StorageFull);
        for _ in 0..100 {
            desk.submit(send(app)).expect("there is room");
            let answer = desk.answer();
            assert!(matches!(answer, Err(StoreError::Full)), "the reason is told until it is tried again: {answer:?}");
            let users = desk.reader.read(|snapshot| snapshot.user_by_name(app, "self"));
            assert!(users.expect("reading goes on").is_some());
        }

        assert_eq!(desk.reader.snapshot().expect("it is open").end(), before);
        assert_eq!(openings.load(Ordering::Relaxed), 2, "at the start, and at once after the failure");
        desk.handle.shutdown();
    }

    #[test]
    fn commands_that_keep_coming_do_not_hurry_the_next_attempt_to_open() {
        let disk = CrashDisk::default();
        let (desk, app, openings) = desk_on(&disk, Duration::from_secs(3600), Options::default());

        disk.cut_power_after(0);
        for _ in 0..100 {
            desk.submit(send(app)).expect("there is room");
            assert!(desk.answer().is_err());
        }

        assert_eq!(openings.load(Ordering::Relaxed), 2, "at the start, and at once after the failure");
        assert!(desk.reader.snapshot().is_err(), "the disk is gone");
        desk.handle.shutdown();
    }

    #[test]
    fn a_failing_read_is_repeated_when_the_store_was_opened_again_although_nobody_writes() {
        let disk = CrashDisk::default();
        // Without room for pages everything is read from the disk.
        let options = Options { cache_bytes: 0, ..Options::default() };
        let (desk, app, openings) = desk_on(&disk, Duration::from_secs(3600), options);

        disk.fail_read(0);
        let user = desk.reader.read(|snapshot| snapshot.user_by_name(app, "self"));

        assert!(user.expect("it was repeated").is_some());
        assert!(!disk.has_failure_ahead(), "a read failed");
        assert_eq!(openings.load(Ordering::Relaxed), 2);
        desk.handle.shutdown();
    }
}

#[test]
fn whoever_watches_is_told_what_each_batch_cost_and_how_much_waits() {
    let (store, one, _) = world();
    let desk = Desk::new(store, WriterOptions::default());
    let batches: Arc<Mutex<Vec<BatchDone>>> = Arc::default();
    let told = batches.clone();
    desk.handle.on_batch(Box::new(move |batch| told.lock().expect("nobody panics").push(batch)));
    desk.hold(one);
    for _ in 0..3 {
        desk.submit(send(one)).expect("there is room");
    }

    let health = desk.handle.health();
    assert_eq!(health.waiting_commands, 3);
    assert!(health.waiting_bytes > 0 && health.trouble.is_none());

    desk.let_go.send(()).expect("the writer waits");
    (0..3).for_each(|_| drop(desk.answer().expect("the disk is well")));
    let batches = std::mem::take(&mut *batches.lock().expect("nobody panics"));
    let commands: Vec<usize> = batches.iter().map(|batch| batch.commands).collect();
    assert_eq!(commands, [1, 3]);
    assert!(batches.iter().all(|batch| batch.is_stored && batch.commit <= batch.took && !batch.took.is_zero()));
    assert_eq!(desk.handle.health().waiting_commands, 0);
}
