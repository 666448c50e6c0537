//! What app servers want to hear of their pushes, and what they have not been told yet.

use crate::common::World;
use crate::common::pushes::{DAY_MS, alert, named};
use anser_protocol::content::Platform;
use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::ids::DeviceNumber;
use anser_storage::outcome::Answer;
use anser_storage::{Callback, CallbackEvent, CallbackKind, Channel, WaitingCallbacks};

const URL: &str = "https://app.example.com/told";

fn callback() -> Callback {
    Callback {
        url: URL.into(),
        params: r#"{"k":1}"#.into(),
        wants_received: true,
        wants_clicked: true,
        wants_pushed: true,
        wants_unreceived: true,
    }
}

impl World {
    fn push_with(&mut self, ids: &[&str], callback: Callback) -> Position {
        let audience = named(ids);
        self.push_as(audience, |submit| {
            submit.contents.push((Platform::IOS, alert("news")));
            submit.callback = Some(callback);
        })
        .0
    }

    fn unheard(&self) -> WaitingCallbacks {
        self.read().waiting_callbacks(self.app, 100, |_| false).expect("whole")
    }

    /// What waits, by device and kind.
    fn told(&self) -> Vec<(String, CallbackKind)> {
        self.unheard().waiting.into_iter().map(|told| (told.registration_id, told.event.kind)).collect()
    }

    fn reached(&mut self, push: Position, devices: &[DeviceNumber]) {
        let pushes = vec![(push, devices.to_vec())];
        self.answer(Command::Mark(MarkCommand::Reached { app: self.app, pushes }));
    }

    fn forget(&mut self, events: Vec<CallbackEvent>) {
        self.answer(Command::Bridge(BridgeCommand::CallbacksTold { app: self.app, events }));
    }
}

#[test]
fn each_event_of_a_device_waits_once_until_it_is_told() {
    let mut world = World::new();
    let (one, two) = (world.device("one"), world.device_on("two", Platform::IOS));
    let push = world.push_with(&["one", "two"], callback());
    for _ in 0..2 {
        world.reached(push, &[one, two]);
        world.received(one, &[push]);
        world.clicked(one, &[push]);
    }
    let pushed = ["one", "two"].map(|id| (id.to_owned(), CallbackKind::Pushed));
    let own = [CallbackKind::Received, CallbackKind::Clicked].map(|kind| ("one".to_owned(), kind));
    let mut told = world.told();
    told.sort();
    let mut expected: Vec<_> = pushed.into_iter().chain(own).collect();
    expected.sort();
    assert_eq!(told, expected);

    let waiting = world.unheard().waiting;
    let of_two = waiting.iter().find(|told| told.registration_id == "two").expect("waits");
    assert_eq!((of_two.platform, of_two.event.push), (Platform::IOS, push));
    assert_eq!(*of_two.callback, callback());

    world.forget(waiting.iter().take(3).map(|told| told.event).collect());
    assert_eq!(world.unheard().waiting, waiting[3..]);
    world.forget(waiting.iter().map(|told| told.event).collect());
    assert_eq!(world.told(), []);
    // What was told before is not told again.
    world.received(one, &[push]);
    assert_eq!(world.told(), []);
}

#[test]
fn only_what_the_server_wants_waits_and_only_from_devices_of_the_push() {
    let mut world = World::new();
    let (one, other) = (world.device("one"), world.device("other"));
    let only_clicks = Callback { wants_received: false, wants_pushed: false, ..callback() };
    let push = world.push_with(&["one"], only_clicks);
    let silent = world.push(named(&["one"]));
    world.reached(push, &[one]);
    world.received(one, &[push, silent]);
    world.clicked(other, &[push]);
    world.clicked(one, &[silent]);
    assert_eq!(world.told(), []);
    world.clicked(one, &[push]);
    assert_eq!(world.told(), [("one".to_owned(), CallbackKind::Clicked)]);
}

#[test]
fn a_bridge_that_took_the_push_counts_as_pushed_once() {
    let mut world = World::new();
    let one = world.device("one");
    let push = world.push_with(&["one"], callback());
    for _ in 0..2 {
        world.answer(Command::Bridge(BridgeCommand::HandedOver {
            app: world.app,
            push,
            channel: Channel::Notice,
            devices: vec![one],
        }));
    }
    assert_eq!(world.told(), [("one".to_owned(), CallbackKind::Pushed)]);
}

#[test]
fn of_all_ways_in_which_a_push_comes_to_a_device_only_the_first_is_told() {
    let mut world = World::new();
    let (one, two) = (world.device("one"), world.device("two"));
    let push = world.push_with(&["one", "two"], callback());
    world.reached(push, &[one]);
    for channel in Channel::ALL {
        let devices = vec![one, two];
        world.answer(Command::Bridge(BridgeCommand::HandedOver { app: world.app, push, channel, devices }));
    }
    world.reached(push, &[two]);
    assert_eq!(world.told(), ["one", "two"].map(|id| (id.to_owned(), CallbackKind::Pushed)));
}

#[test]
fn the_oldest_come_first_and_addresses_that_do_not_answer_are_passed_over() {
    let mut world = World::new();
    let one = world.device("one");
    let first = world.push_with(&["one"], callback());
    let second = world.push_with(&["one"], Callback { url: "https://other.example.com/".into(), ..callback() });
    world.received(one, &[second]);
    world.now_ms += 1000;
    world.received(one, &[first]);
    let order = |found: WaitingCallbacks| -> Vec<_> { found.waiting.iter().map(|told| told.event.push).collect() };
    assert_eq!(order(world.unheard()), [second, first]);
    let read = world.read();
    assert_eq!(order(read.waiting_callbacks(world.app, 1, |_| false).expect("whole")), [second]);
    assert_eq!(order(read.waiting_callbacks(world.app, 1, |url| url != URL).expect("whole")), [first]);
}

#[test]
fn those_who_did_not_receive_pushes_for_a_server_in_trouble_hide_nothing_from_other_servers() {
    let mut world = World::new();
    let one = world.device("one");
    for index in 0..999 {
        world.device(&format!("other-{index}"));
    }
    let only_unreceived = Callback { wants_received: false, wants_clicked: false, wants_pushed: false, ..callback() };
    for _ in 0..11 {
        world.push_as(Audience::All, |submit| submit.callback = Some(only_unreceived.clone()));
    }
    let last = world.push_with(&["one"], Callback { url: "https://other.example.com/".into(), ..callback() });
    world.now_ms += 2 * DAY_MS;
    for due in world.read().due_followups(world.now_ms, 11).expect("whole") {
        while world.answer(Command::Bridge(BridgeCommand::NoteUnreceived { id: due.id })) == Answer::Continue {}
    }
    world.received(one, &[last]);
    let found = world.read().waiting_callbacks(world.app, 100, |url| url == URL).expect("whole");
    let found: Vec<_> = found.waiting.into_iter().map(|told| told.event.push).collect();
    assert_eq!(found, [last], "behind 11,000 others");
}

#[test]
fn a_forgotten_push_leaves_orphans_that_can_be_dropped() {
    let mut world = World::new();
    let one = world.device("one");
    let push = world.push_with(&["one"], callback());
    world.received(one, &[push]);
    world.now_ms += 40 * DAY_MS;
    world.expire();
    let found = world.unheard();
    assert_eq!((found.waiting.len(), found.orphaned.len()), (0, 1));
    world.forget(found.orphaned);
    assert_eq!(world.unheard(), WaitingCallbacks::default());
}
