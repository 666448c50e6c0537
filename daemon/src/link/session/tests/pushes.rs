//! Pushes on a session: live, replaced, withdrawn, expired, reported.

use anser_protocol::frame::push::{PushReport, PushState};
use anser_storage::command::{PushCommand, Reported};

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
