//! Pushes on a session: live, replaced, withdrawn, expired, reported.

use anser_protocol::extension::tag;
use anser_protocol::frame::push::{Mobile, PushReport, PushResume, PushState, PushStop};
use anser_protocol::frame::session::{Done, Hello};
use anser_storage::command::{BridgeCommand, DeviceChange, DeviceCommand, PushCommand, Reported};

use super::*;

#[test]
fn a_push_without_lifetime_stands_outside_the_run() {
    let mut dialogue = Dialogue::greeted();
    dialogue.session.handle_delivery(Recipient::Device, &push(120, START));
    dialogue.session.handle_delivery(Recipient::Device, &push(130, START + 1000));
    let heard = dialogue.hear();
    let runs: Vec<_> = heard
        .iter()
        .map(|frame| match frame {
            ServerFrame::PushDeliver(push) => (push.after.0, push.position.0),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(runs, [(120, 120), (40, 130)]);
}

#[test]
fn a_push_that_expired_while_it_waited_for_the_reader_is_passed_over() {
    let mut dialogue = Dialogue::greeted();
    dialogue.session.handle_time(START + 1000);
    dialogue.session.handle_delivery(Recipient::Device, &push(130, START + 1000));
    dialogue.session.handle_delivery(Recipient::Device, &push(140, START + 1001));
    let heard = dialogue.hear();
    let [ServerFrame::PushCovered(covered), ServerFrame::PushDeliver(push)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((covered.after, covered.to, push.after), (Position(40), Position(130), Position(130)));
}

#[test]
fn a_push_that_takes_the_place_of_another_names_it_and_a_withdrawn_one_is_told() {
    let mut dialogue = Dialogue::greeted();
    let mut replacing = push(130, START + 1);
    let Route::Devices { push, .. } = &mut replacing.route else { panic!("a push for a device") };
    *push = Arc::new(Push { replaces: Some(Position(50)), ..Push::clone(push) });
    let devices = Arc::new([DEVICE.0].into_iter().collect());
    let route = Route::Withdrawn { push: Position(129), devices };
    let withdrawn = Appended { app: APP, position: Position(140), at_ms: START, route };

    dialogue.session.handle_delivery(Recipient::Device, &replacing);
    dialogue.session.handle_delivery(Recipient::Device, &withdrawn);

    let heard = dialogue.hear();
    let [ServerFrame::PushDeliver(delivered), ServerFrame::PushWithdrawn(withdrawn)] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!(delivered.replaces(), Some(Position(50)));
    assert_eq!(withdrawn.msg_id, Position(129));
}

#[test]
fn a_report_of_a_push_is_counted_by_its_state_and_an_unknown_state_is_refused() {
    let mut dialogue = Dialogue::greeted();
    let report = |request, state| {
        let pushes = vec![Position(39)];
        ClientFrame::PushReport(PushReport { request, state, pushes, extensions: Extensions::default() })
    };

    dialogue.say(&report(1, PushState::SHOWN));
    let (ticket, command) = dialogue.command();
    let what = Reported::Shown;
    let expected = PushCommand::Reported { app: APP, device: DEVICE, what, pushes: vec![Position(39)] };
    assert_eq!(command, Command::Push(expected));
    let outcome = Outcome { answer: Ok(Accepted::Done), appended: Vec::new() };
    dialogue.session.handle_input(Input::Outcome(ticket, Ok(outcome)), START);
    assert!(matches!(&dialogue.hear()[..], [ServerFrame::Done(done)] if done.request == 1));

    dialogue.say(&report(2, PushState::CLICKED));
    assert!(matches!(dialogue.command().1, Command::Push(PushCommand::Clicked { .. })));

    dialogue.say(&report(3, PushState(99)));
    assert_eq!(codes(&dialogue.hear()), [(3, ErrorCode::INVALID)]);
}

fn stop(request: u32) -> ClientFrame {
    ClientFrame::PushStop(PushStop { request, extensions: Extensions::default() })
}

fn resume(request: u32, cursor: u64) -> ClientFrame {
    let push_cursor = Some(Position(cursor));
    ClientFrame::PushResume(PushResume { request, push_cursor, extensions: Extensions::default() })
}

fn stored(is_stopped: bool) -> Command {
    Command::Bridge(BridgeCommand::StopPushes { app: APP, device: DEVICE, is_stopped })
}

#[test]
fn a_device_that_stopped_its_pushes_gets_none_and_its_user_gets_messages() {
    let mut dialogue = Dialogue::live();
    dialogue.say(&stop(7));
    assert!(dialogue.hear().is_empty(), "it is not on disk yet");
    let action = dialogue.session.next_action();
    assert!(matches!(action, Some(Action::StopPushes { app: APP, device: DEVICE })), "{action:?}");
    let (ticket, command) = dialogue.command();
    assert_eq!(command, stored(true));
    dialogue.outcome(ticket, Ok(Accepted::Done));
    assert!(matches!(dialogue.hear()[..], [ServerFrame::Done(Done { request: 7, .. })]));
    // Copies that were on their way when it said so, and news that some were missed.
    dialogue.session.handle_delivery(Recipient::Device, &push(120, START));
    dialogue.session.handle_delivery(Recipient::Device, &push(130, START + 1000));
    dialogue.session.handle_input(Input::Missed(Missed { chats: false, pushes: true, rooms: false }), START);
    assert!(dialogue.hear().is_empty() && dialogue.session.next_action().is_none());
    assert!(dialogue.session.wants_deliveries(), "messages still come");
}

#[test]
fn resumed_pushes_are_read_from_where_the_device_stands_after_it_is_on_the_switchboard_again() {
    let mut dialogue = Dialogue::greeted();
    dialogue.session.handle_delivery(Recipient::Device, &push(130, START + 1000));
    dialogue.say(&stop(7));
    dialogue.say(&resume(8, 40));
    let heard = dialogue.hear();
    assert!(
        matches!(heard[..], [ServerFrame::PushDeliver(_), ServerFrame::Done(Done { request: 8, .. })]),
        "{heard:?}"
    );
    let told = dialogue.session.next_action();
    assert!(matches!(told, Some(Action::PushSent { app: APP, device: DEVICE, .. })), "{told:?}");
    assert!(matches!(dialogue.session.next_action(), Some(Action::StopPushes { .. })));
    assert_eq!(dialogue.command().1, stored(true));
    assert!(matches!(dialogue.session.next_action(), Some(Action::ResumePushes { app: APP, device: DEVICE })));
    assert_eq!(dialogue.command().1, stored(false));
    let (ticket, query) = dialogue.question();
    assert!(matches!(query, Query::Pushes { device: DEVICE, since: Position(40), .. }), "{query:?}");
    dialogue.answer(ticket, Answer::Pushes { to: Position(140), pushes: Vec::new() });
    let heard = dialogue.hear();
    let [ServerFrame::PushCovered(covered)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((covered.after, covered.to), (Position(40), Position(140)));
    assert!(dialogue.session.wants_deliveries());
}

#[test]
fn that_pushes_are_wanted_again_is_said_to_the_store_until_it_takes_it() {
    let mut dialogue = Dialogue::live();
    dialogue.say(&stop(7));
    assert!(matches!(dialogue.session.next_action(), Some(Action::StopPushes { .. })));
    let (ticket, _) = dialogue.command();
    dialogue.outcome(ticket, Ok(Accepted::Done));
    dialogue.say(&resume(8, 40));
    assert!(matches!(dialogue.session.next_action(), Some(Action::ResumePushes { .. })));
    let (mut ticket, _) = dialogue.command();
    dialogue.question();
    for _ in 0..2 {
        dialogue.session.handle_input(Input::Outcome(ticket, Err(ErrorCode::BUSY)), START);
        assert!(dialogue.session.next_action().is_none(), "not at once");
        dialogue.say(&ClientFrame::Ping);
        let (again, command) = dialogue.command();
        assert_eq!(command, stored(false));
        ticket = again;
    }
    dialogue.outcome(ticket, Ok(Accepted::Done));
    dialogue.say(&ClientFrame::Ping);
    assert!(dialogue.session.next_action().is_none(), "it is kept");
}

#[test]
fn an_answer_from_before_the_stop_is_not_told_and_the_log_is_read_again() {
    let mut dialogue = Dialogue::greeted();
    dialogue.session.handle_input(Input::Missed(Missed { chats: false, pushes: true, rooms: false }), START);
    let (old, _) = dialogue.question();
    dialogue.say(&stop(7));
    dialogue.say(&resume(8, 30));
    dialogue.hear();
    while let Some(action) = dialogue.session.next_action() {
        let is_expected =
            matches!(action, Action::StopPushes { .. } | Action::ResumePushes { .. } | Action::Submit(..));
        assert!(is_expected, "{action:?}");
    }
    dialogue.answer(old, Answer::Pushes { to: Position(200), pushes: Vec::new() });
    assert!(dialogue.hear().is_empty());
    let (ticket, query) = dialogue.question();
    assert!(matches!(query, Query::Pushes { since: Position(30), .. }), "{query:?}");
    dialogue.answer(ticket, Answer::Pushes { to: Position(200), pushes: Vec::new() });
    let heard = dialogue.hear();
    assert!(matches!(&heard[..], [ServerFrame::PushCovered(covered)] if covered.after == Position(30)), "{heard:?}");
}

#[test]
fn a_hello_can_say_that_no_pushes_are_wanted() {
    let mut dialogue = Dialogue::new();
    let ClientFrame::Hello(said) = hello("1f00") else { panic!("a hello") };
    let extensions = said.extensions.clone().with(tag::PUSHES_STOPPED, Vec::new());
    dialogue.say(&ClientFrame::Hello(Hello { extensions, ..said }));
    let (ticket, _) = dialogue.question();
    dialogue.answer(ticket, Answer::Greet(Some(Greeted { app: APP, device: Some(known_device()) })));
    assert!(matches!(dialogue.hear()[..], [ServerFrame::Welcome(_)]));
    let action = dialogue.session.next_action();
    assert!(matches!(action, Some(Action::AttachWithoutPushes { app: APP, device: DEVICE })), "{action:?}");
    assert_eq!(dialogue.command().1, stored(true));
    assert!(dialogue.session.next_action().is_none(), "nothing is read for it");
    dialogue.say(&resume(8, 40));
    assert!(matches!(dialogue.session.next_action(), Some(Action::ResumePushes { .. })));
    assert_eq!(dialogue.command().1, stored(false));
    assert!(matches!(dialogue.question().1, Query::Pushes { since: Position(40), .. }));
}

#[test]
fn a_hello_says_again_what_is_not_stored_and_nothing_else() {
    for (had_stopped, says_stopped) in [(true, true), (true, false), (false, false)] {
        let mut dialogue = Dialogue::new();
        let ClientFrame::Hello(mut said) = hello("1f00") else { panic!("a hello") };
        if says_stopped {
            said.extensions = said.extensions.with(tag::PUSHES_STOPPED, Vec::new());
        }
        dialogue.say(&ClientFrame::Hello(said));
        let (ticket, _) = dialogue.question();
        let device = Some(KnownDevice { has_stopped_pushes: had_stopped, ..known_device() });
        dialogue.answer(ticket, Answer::Greet(Some(Greeted { app: APP, device })));
        dialogue.session.next_action().expect("it is attached");
        let submitted = match dialogue.session.next_action() {
            Some(Action::Submit(_, command)) => Some(command),
            _ => None,
        };
        assert_eq!(submitted, (had_stopped != says_stopped).then(|| stored(says_stopped)));
    }
}

#[test]
fn a_mobile_number_is_checked_before_it_is_kept() {
    let mut dialogue = Dialogue::greeted();
    let mobile = |request, mobile: &str| {
        ClientFrame::Mobile(Mobile { request, mobile: mobile.into(), extensions: Extensions::default() })
    };
    for (number, code) in [("12a", ErrorCode::MOBILE_CHARACTERS), ("123456789012345678901", ErrorCode::MOBILE_TOO_LONG)]
    {
        dialogue.say(&mobile(7, number));
        let heard = dialogue.hear();
        assert!(matches!(&heard[..], [ServerFrame::Failed(failed)] if failed.code == code), "{heard:?}");
    }
    dialogue.say(&mobile(8, "+86-130"));
    let (_, command) = dialogue.command();
    let change = DeviceChange { mobile: Some("+86-130".into()), ..DeviceChange::default() };
    assert_eq!(command, Command::Device(DeviceCommand::Update { app: APP, device: DEVICE, change }));
}
