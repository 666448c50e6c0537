//! Pushes that are sent later: each due time is dealt with once, whatever happens in between.

use crate::common::pushes::*;
use crate::common::schedules::*;
use crate::common::{T0, World};
use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::ids::ScheduleId;
use anser_storage::outcome::{Answer, FiringResult, Refusal};
use anser_storage::{Access, AddressRange, Finding, Options, Store, Table};

const START: Position = Position::START;
const DUE: u64 = T0 + DAY_MS;

#[test]
fn a_schedule_is_found_by_its_id_and_waits_for_its_time() {
    let mut world = World::new();

    let id = world.schedule("news", DUE);

    let schedule = world.the_schedule(id);
    assert_eq!((schedule.id, schedule.content, schedule.due_ms), (id, content("news"), DUE));
    assert!(!schedule.is_over);
    assert_eq!(world.due().iter().map(|due| due.due_ms).collect::<Vec<_>>(), [DUE]);
}

#[test]
fn an_id_with_another_random_half_or_of_another_app_names_nothing() {
    let mut world = World::new();
    let id = world.schedule("news", DUE);
    let mut other = id;
    other.0[0] ^= 1;

    assert_eq!(world.read().schedule(world.app, other).expect("whole"), None);
    assert_eq!(world.read().firings(world.app, other).expect("whole"), None);
    let app = world.app;
    assert_eq!(world.refusal(delete(app, other)), Refusal::ScheduleUnknown);
    world.app = world.create_app("another");
    assert_eq!(world.read().schedule(world.app, id).expect("whole"), None);
    assert_eq!(world.refusal(delete(world.app, id)), Refusal::ScheduleUnknown);
}

#[test]
fn a_firing_sends_the_push_and_moves_the_schedule_on() {
    let mut world = World::new();
    let device = world.device("rid0");
    let id = world.schedule("news", DUE);
    world.now_ms = DUE;

    let firing = world.fire(id, Some(DUE + DAY_MS), Audience::All);

    let FiringResult::Pushed { msg_id } = firing.result else { panic!("{firing:?}") };
    assert_eq!(world.waiting(device, START, 10), [msg_id]);
    assert_eq!(world.the_schedule(id).due_ms, DUE + DAY_MS);
    assert_eq!(world.due().iter().map(|due| due.due_ms).collect::<Vec<_>>(), [DUE + DAY_MS]);
    assert_eq!(world.firings(id), [firing]);
}

#[test]
fn the_same_due_time_is_never_fired_twice() {
    let mut world = World::new();
    let device = world.device("rid0");
    let id = world.schedule("news", DUE);
    let again = world.fire_command(id, Some(DUE + DAY_MS), world.push_act(Audience::All));
    let last = world.schedule("once", DUE);
    let last_again = world.fire_command(last, None, world.push_act(Audience::All));
    world.answer(again.clone());
    world.answer(last_again.clone());

    assert_eq!(world.refusal(again), Refusal::AlreadyFired);
    assert_eq!(world.refusal(last_again), Refusal::AlreadyFired);
    assert_eq!(world.waiting(device, START, 10).len(), 2);
}

#[test]
fn a_firing_made_from_content_that_has_changed_since_is_refused() {
    let mut world = World::new();
    world.device("rid0");
    let id = world.schedule("news", DUE);
    let stale = world.fire_command(id, None, world.push_act(Audience::All));

    world.answer(update(&world, id, "other news", DUE));

    assert_eq!(world.refusal(stale), Refusal::ScheduleChanged);
    assert_eq!(world.the_schedule(id).due_ms, DUE);
}

#[test]
fn an_update_made_from_what_has_changed_since_is_refused() {
    let mut world = World::new();
    world.device("rid0");
    let id = world.schedule("news", DUE);
    let stale = update(&world, id, "other news", DUE);

    world.fire(id, Some(DUE + DAY_MS), Audience::All);

    assert_eq!(world.refusal(stale), Refusal::ScheduleChanged);
    let fresh = update(&world, id, "other news", DUE + 7);
    world.answer(fresh);
    let schedule = world.the_schedule(id);
    assert_eq!((schedule.content.name.as_str(), schedule.due_ms), ("other news", DUE + 7));
    assert_eq!(world.due().iter().map(|due| due.due_ms).collect::<Vec<_>>(), [DUE + 7]);
}

#[test]
fn after_its_last_firing_a_schedule_is_over_and_can_be_read_for_a_month() {
    let mut world = World::new();
    world.device("rid0");
    let id = world.schedule("once", DUE);
    world.now_ms = DUE;

    let firing = world.fire(id, None, Audience::All);

    assert!(world.the_schedule(id).is_over);
    assert_eq!(world.due(), []);
    assert_eq!(world.read().open_schedules(world.app, 0, 50).expect("whole").total, 0);
    let late = update(&world, id, "again", DUE + DAY_MS);
    assert_eq!(world.refusal(late), Refusal::ScheduleOver);
    world.now_ms += 29 * DAY_MS;
    world.expire();
    assert_eq!(world.firings(id), [firing]);
    world.now_ms += 2 * DAY_MS;
    world.expire();
    assert_eq!(world.read().schedule(world.app, id).expect("whole"), None);
    assert_eq!(rows_of_schedules(&world), 0);
}

#[test]
fn a_push_that_is_refused_is_a_firing_as_well_and_says_why() {
    let mut world = World::new();
    let id = world.schedule("news", DUE);
    let nothing = |submit: &mut Submit| submit.contents.clear();

    let nobody = world.fire(id, Some(DUE + 1), Audience::All);
    let unknown = world.fire(id, Some(DUE + 2), named(&["nobody"]));
    world.device("rid0");
    let mut submit = world.submission(Audience::All);
    nothing(&mut submit);
    world.answer(world.fire_command(id, Some(DUE + 3), FireAct::Push(Box::new(submit))));
    let invalid = FireAct::Invalid { code: 1003, message: "no such file".into() };
    world.answer(world.fire_command(id, Some(DUE + 4), invalid));

    assert!(matches!(nobody.result, FiringResult::NoTarget { .. }), "{nobody:?}");
    assert_eq!(unknown.result, FiringResult::RegistrationIdUnknown);
    let results: Vec<_> = world.firings(id).into_iter().map(|firing| (firing.due_ms, firing.result)).collect();
    assert_eq!(results[2], (DUE + 2, FiringResult::NothingToPush));
    assert_eq!(results[3], (DUE + 3, FiringResult::Invalid { code: 1003, message: "no such file".into() }));
    assert_eq!(world.the_schedule(id).due_ms, DUE + 4);
}

#[test]
fn what_was_missed_is_recorded_and_what_is_switched_off_is_not() {
    let mut world = World::new();
    let device = world.device("rid0");
    let id = world.schedule("news", DUE);

    world.answer(world.fire_command(id, Some(DUE + 5 * DAY_MS), FireAct::Missed { count: 5 }));
    let passed_over = world.answer(world.fire_command(id, Some(DUE + 6 * DAY_MS), FireAct::PassOver));

    assert_eq!(passed_over, Answer::Fired(None));
    let firings = world.firings(id);
    assert_eq!(firings.len(), 1);
    assert_eq!((firings[0].due_ms, &firings[0].result), (DUE, &FiringResult::Missed { count: 5 }));
    assert_eq!(world.waiting(device, START, 10), []);
    assert_eq!(world.the_schedule(id).due_ms, DUE + 6 * DAY_MS);
}

#[test]
fn the_schedules_of_a_blocked_app_send_nothing() {
    let mut world = World::new();
    let device = world.device("rid0");
    let id = world.schedule("news", DUE);
    let change = AccessChange::Blocked(true);
    world.answer(Command::App(AppCommand::ChangeAccess { app: world.app, change }));

    let firing = world.fire(id, None, Audience::All);

    assert_eq!(firing.result, FiringResult::AppBlocked);
    assert_eq!(world.waiting(device, START, 10), []);
}

#[test]
fn what_an_app_may_do_is_changed_piece_by_piece() {
    let mut world = World::new();
    let app = world.app;
    let home = AddressRange { address: [1; 16], bits: 128 };
    let rate = |family, per_minute| AccessChange::Rate { family, per_minute };
    assert_eq!(world.read().access(app).expect("whole"), Access::default());

    for change in [
        AccessChange::Blocked(true),
        rate(2, Some(20)),
        rate(1, Some(10)),
        AccessChange::Addresses(vec![home]),
        rate(2, Some(30)),
        rate(3, None),
    ] {
        world.answer(Command::App(AppCommand::ChangeAccess { app, change }));
    }

    let expected = Access { is_blocked: true, addresses: vec![home], rates: vec![(1, 10), (2, 30)] };
    assert_eq!(world.read().access(app).expect("whole"), expected);
    while world.answer(Command::App(AppCommand::Delete { app })) == Answer::Continue {}
    assert_eq!(rows(&world, Table::Access), 0);
    let change = AccessChange::Blocked(false);
    assert_eq!(world.refusal(Command::App(AppCommand::ChangeAccess { app, change })), Refusal::AppUnknown);
}

#[test]
fn a_repeated_cid_gives_the_first_schedule_for_a_day() {
    let mut world = World::new();
    let cid = |new: &mut NewSchedule| new.cid = Some("cid".into());

    let first = world.schedule_as("news", DUE, cid);
    let mut again = world.new_schedule("other", DUE);
    cid(&mut again);
    let answer = world.answer(Command::Schedule(ScheduleCommand::Create(Box::new(again))));

    assert_eq!(answer, Answer::Scheduled { schedule: first, name: "news".into() });
    assert_eq!(world.due().len(), 1);
    world.now_ms += DAY_MS;
    assert_ne!(world.schedule_as("news", DUE + DAY_MS, cid), first);
    world.expire();
    world.now_ms += 2 * DAY_MS;
    world.expire();
    assert_eq!(rows(&world, Table::ScheduleCids), 0);
}

#[test]
fn an_app_has_so_many_open_schedules_and_no_more() {
    let mut world = World::new();
    let few = |new: &mut NewSchedule| new.open_max = 2;
    let first = world.schedule_as("one", DUE, few);
    world.schedule_as("two", DUE, few);
    let mut third = world.new_schedule("three", DUE);
    few(&mut third);
    let third = Command::Schedule(ScheduleCommand::Create(Box::new(third)));

    assert_eq!(world.refusal(third.clone()), Refusal::TooManySchedules);

    world.fire(first, None, Audience::All);
    world.answer(third);
}

#[test]
fn pages_show_the_open_schedules_in_the_order_in_which_they_were_made() {
    let mut world = World::new();
    let ids: Vec<ScheduleId> = (0..5).map(|number| world.schedule(&number.to_string(), DUE - number)).collect();
    world.answer(delete(world.app, ids[1]));
    let page = |skip, limit| {
        let page = world.read().open_schedules(world.app, skip, limit).expect("whole");
        (page.total, page.schedules.iter().map(|schedule| schedule.id).collect::<Vec<_>>())
    };

    assert_eq!(page(0, 3), (4, vec![ids[0], ids[2], ids[3]]));
    assert_eq!(page(3, 3), (4, vec![ids[4]]));
    assert_eq!(page(6, 3), (4, vec![]));
}

#[test]
fn a_deleted_schedule_leaves_nothing_behind() {
    let mut world = World::new();
    let open = world.schedule("open", DUE);
    let over = world.schedule("over", DUE);
    world.fire(open, Some(DUE + 1), Audience::All);
    world.fire(over, None, Audience::All);

    world.answer(delete(world.app, open));
    world.answer(delete(world.app, over));

    assert_eq!(rows_of_schedules(&world), 0);
    assert_eq!(rows(&world, Table::Expiries), 0);
    assert_eq!(world.refusal(delete(world.app, open)), Refusal::ScheduleUnknown);
}

#[test]
fn the_newest_four_hundred_firings_are_kept() {
    let mut world = World::new();
    let id = world.schedule("daily", DUE);
    for day in 1..=410 {
        world.answer(world.fire_command(id, Some(DUE + day), FireAct::Missed { count: 1 }));
    }

    let firings = world.firings(id);

    assert_eq!(firings.len(), 400);
    assert_eq!((firings[0].due_ms, firings[399].due_ms), (DUE + 10, DUE + 409));
}

#[test]
fn schedules_go_with_their_app_and_a_late_firing_finds_nothing() {
    let mut world = World::new();
    world.device("rid0");
    let id = world.schedule("news", DUE);
    world.fire(id, Some(DUE + 1), Audience::All);
    let late = world.fire_command(id, None, world.push_act(Audience::All));
    let app = world.app;
    world.answer(Command::App(AppCommand::Delete { app }));

    assert_eq!(world.refusal(late), Refusal::ScheduleUnknown);

    assert_eq!(world.due(), []);
    while world.answer(Command::App(AppCommand::Delete { app })) == Answer::Continue {}
    assert_eq!(rows_of_schedules(&world), 0);
}

#[test]
fn what_is_due_is_read_in_pages_in_the_order_of_time() {
    let mut world = World::new();
    for after in [3, 1, 2, 2] {
        world.schedule("news", DUE + after);
    }

    let first = world.read().due_schedules(None, 3).expect("whole");
    let rest = world.read().due_schedules(first.last().copied(), 3).expect("whole");

    let times = |due: &[anser_storage::DueSchedule]| due.iter().map(|due| due.due_ms - DUE).collect::<Vec<_>>();
    assert_eq!((times(&first), times(&rest)), (vec![1, 2, 2], vec![3]));
    assert_eq!(world.read().schedule_at(&rest[0]).expect("whole").map(|schedule| schedule.due_ms), Some(DUE + 3));
}

#[test]
fn a_scrub_finds_every_row_of_a_schedule_in_its_place() {
    let mut world = World::new();
    world.device("rid0");
    let open = world.schedule_as("open", DUE, |new| new.cid = Some("cid".into()));
    let over = world.schedule("over", DUE);
    world.fire(open, Some(DUE + 1), Audience::All);
    world.fire(over, None, Audience::All);
    let change = AccessChange::Rate { family: 1, per_minute: Some(5) };
    world.answer(Command::App(AppCommand::ChangeAccess { app: world.app, change }));

    assert_eq!(scrub(&world.store), []);
}

fn scrub(store: &Store) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut place = None;
    loop {
        let scrubbed = store.reader().snapshot().expect("open").scrub(place.as_ref(), 100).expect("the disk is well");
        findings.extend(scrubbed.findings);
        match scrubbed.next {
            Some(next) => place = Some(next),
            None => return findings,
        }
    }
}

fn delete(app: anser_storage::ids::AppNumber, schedule: ScheduleId) -> Command {
    Command::Schedule(ScheduleCommand::Delete { app, schedule })
}

fn update(world: &World, id: ScheduleId, name: &str, due_ms: u64) -> Command {
    let revision = world.the_schedule(id).revision;
    let content = Box::new(content(name));
    Command::Schedule(ScheduleCommand::Update { app: world.app, schedule: id, revision, content, due_ms })
}

fn rows_of_schedules(world: &World) -> usize {
    let tables = [Table::Schedules, Table::OpenSchedules, Table::DueSchedules, Table::Firings, Table::ScheduleCids];
    tables.into_iter().map(|table| rows(world, table)).sum()
}

fn rows(world: &World, table: Table) -> usize {
    world.read().raw_rows(table).expect("whole").len()
}

mod crashes {
    use anser_storage::disk::crash::CrashDisk;

    use super::*;

    /// Crashes of the disk's calls that a firing takes part in.
    const CALLS: u64 = 60;

    #[test]
    fn a_power_cut_during_a_firing_leaves_push_and_schedule_both_before_or_both_after_it() {
        let (mut before, mut after) = (0, 0);
        for calls in 0..CALLS {
            match fired_after_a_cut(calls) {
                0 => before += 1,
                _ => after += 1,
            }
        }
        assert!(before > 0 && after > 0, "{before} before, {after} after");
    }

    /// How many pushes are there after a power cut in a firing; the firing is then repeated as the daemon would.
    fn fired_after_a_cut(calls: u64) -> usize {
        let disk = CrashDisk::default();
        let mut world = World::on(Store::open_on(disk.backend(), Options::default()).expect("the disk is well"));
        let device = world.device("rid0");
        let id = world.schedule("news", DUE);
        let fire = world.fire_command(id, Some(DUE + DAY_MS), world.push_act(Audience::All));
        let stamped = Stamped { at_ms: DUE, command: fire };
        disk.cut_power_after(calls);
        let answered = world.store.apply(std::slice::from_ref(&stamped)).is_ok();
        let app = world.app;
        drop(world);
        if disk.is_off() || disk.has_failure_ahead() {
            disk.restart(&mut || calls.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        let store = Store::open_on(disk.backend(), Options::default()).expect("it opens");
        let mut world = World { store, app, now_ms: DUE };
        let pushes = world.waiting(device, START, 10).len();
        assert_eq!(world.firings(id).len(), pushes, "cut after {calls} calls");
        assert_eq!(world.the_schedule(id).due_ms, DUE + pushes as u64 * DAY_MS, "cut after {calls} calls");
        assert!(pushes == 1 || !answered, "an answered firing is there");

        let repeated = world.apply(stamped.command).answer;

        assert_eq!(repeated.is_ok(), pushes == 0, "cut after {calls} calls: {repeated:?}");
        assert_eq!(world.waiting(device, START, 10).len(), 1, "never twice, never lost");
        pushes
    }
}
