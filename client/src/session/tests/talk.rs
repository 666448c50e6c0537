//! Forwarding, cancelling, taking back, transparent commands.

use anser_protocol::content::{ContentKind, Platform};
use anser_protocol::extension::tag;
use anser_protocol::frame::people::ProfileChanged;
use anser_protocol::frame::talk::{CommandCame, CommandTarget, Retract, SendCommand};
use anser_protocol::ids::GroupId;
use anser_protocol::options::{Mentions, SendOptions};

use super::*;
use crate::session::{CancelError, CommandTo, SendError, SendState};

fn bob() -> Chat {
    Chat::User("bob".into())
}

#[test]
fn a_message_that_was_never_written_can_be_cancelled_and_others_go_on() {
    let mut scene = Scene::new();
    scene.session.login("alice", Some("secret"), scene.now).expect("a good name");
    let (first, second) = (scene.send("bob", "one"), scene.send("bob", "two"));
    assert_eq!(scene.session.send_state(first), Some(SendState::Waiting));
    assert_eq!(scene.session.cancel(first, scene.now), Ok(()));
    scene.settle();
    let cancelled = Event::SendCancelled { user: "alice".into(), local: first, chat: bob() };
    assert!(scene.events.contains(&cancelled));
    assert_eq!(scene.session.send_state(first), None);
    assert_eq!(scene.session.cancel(first, scene.now), Err(CancelError::Unknown));

    scene.connect();
    scene.welcome(0);
    scene.log_in();
    assert_eq!(scene.sends_said(), [(1, "two".into())]);
    assert_eq!(scene.session.send_state(second), Some(SendState::OnItsWay));
    assert_eq!(scene.store.load().outbox.len(), 1);
}

#[test]
fn what_the_server_may_have_cannot_be_cancelled() {
    let mut scene = Scene::at(100);
    let (kept, put_off) = (scene.send("bob", "one"), scene.send("carol", "two"));
    scene.hear(refused(2, ErrorCode::SEND_TOO_OFTEN));
    assert_eq!(scene.session.send_state(put_off), Some(SendState::PutOff));
    scene.lose_link();
    for local in [kept, put_off] {
        assert_eq!(scene.session.cancel(local, scene.now), Err(CancelError::TooLate));
    }
    scene.come_back();
    scene.hear(sent(1, 105));
    assert_eq!(scene.session.send_state(kept), None);

    let mut scene = scene.kill();
    assert_eq!(scene.session.cancel(put_off, scene.now), Err(CancelError::TooLate), "nobody knows any more");
}

#[test]
fn what_is_forwarded_is_the_same_content_with_options_of_its_own() {
    let mut scene = Scene::at(100);
    let mentions = SendOptions { mentions: Mentions::Everybody, from_name: "Bo".into(), ..SendOptions::default() };
    let heard = mentions.add_to(Content::text("news"));
    let heard = Content { extensions: heard.extensions.with(tag::EXTRAS, b"{}".to_vec()), ..heard };
    let quiet = SendOptions { no_notification: true, ..SendOptions::default() };
    scene.session.forward(bob(), &heard, &quiet, scene.now).expect("taken over");
    scene.settle();
    let said = scene.said.iter().find_map(|frame| match frame {
        ClientFrame::Send(send) => Some(send.content.clone()),
        _ => None,
    });
    let said = said.expect("it was sent");
    assert_eq!((said.as_text(), SendOptions::of(&said)), (Some("news"), quiet));
    assert_eq!(said.extensions.value(tag::EXTRAS), Some(&b"{}"[..]));

    let prompt = Content::retracted();
    let forwarded = scene.session.forward(bob(), &prompt, &SendOptions::default(), scene.now);
    assert_eq!(forwarded, Err(SendError::Kind));
}

#[test]
fn what_a_server_would_refuse_is_refused_before_it_is_stored() {
    let mut scene = Scene::at(100);
    let file = Content { kind: ContentKind::FILE, body: b"[]".to_vec(), ..Content::text("") };
    let sent = scene.session.send(bob(), file, scene.now);
    assert!(matches!(sent, Err(SendError::Malformed(_))));
    let mentions = SendOptions { mentions: Mentions::Everybody, ..SendOptions::default() };
    let sent = scene.session.send(bob(), mentions.add_to(Content::text("hi")), scene.now);
    assert!(matches!(sent, Err(SendError::Malformed(_))));
}

#[test]
fn a_message_is_taken_back_and_a_command_passed_on_by_requests() {
    let mut scene = Scene::at(100);
    let message = Position(77);
    let retract = scene.session.request(Request::Retract { message }, scene.now).expect("taken");
    let (to, text) = (CommandTo::User("bob".into()), "ring".to_owned());
    let command = scene.session.request(Request::Command { to, text }, scene.now).expect("taken");
    let too_long = Request::Command { to: CommandTo::Group(GroupId(1)), text: "x".repeat(1025) };
    assert!(matches!(scene.session.request(too_long, scene.now), Err(RequestError::Invalid(_))));
    scene.settle();
    let extensions = Extensions::default;
    assert!(scene.said.contains(&ClientFrame::Retract(Retract {
        request: retract,
        message,
        extensions: extensions()
    })));
    assert!(scene.said.contains(&ClientFrame::SendCommand(SendCommand {
        request: command,
        target: CommandTarget::USER,
        username: "bob".into(),
        group: GroupId(0),
        platform: Platform::OTHER,
        text: "ring".into(),
        extensions: extensions(),
    })));
    scene.fail(retract, ErrorCode::RETRACT_TOO_LATE);
    let refused = |event: &Event| {
        matches!(event, Event::Answered { request, result: Err(RequestError::Refused { code, .. }) }
            if *request == retract && *code == ErrorCode::RETRACT_TOO_LATE)
    };
    assert!(scene.events.iter().any(refused));
}

#[test]
fn the_profile_of_somebody_else_that_changed_is_told_at_once_and_kept_nowhere() {
    let mut scene = Scene::at(100);
    scene.stores_at_once = false;
    let (username, changed_ms) = ("bob".to_owned(), 1_700_000_000_000);
    scene.hear(ServerFrame::ProfileChanged(ProfileChanged { username, changed_ms, extensions: Extensions::default() }));
    let told = Event::ProfileChanged { user: "alice".into(), username: "bob".into(), changed_ms };
    assert!(scene.events.contains(&told));
}

#[test]
fn a_command_that_comes_is_told_at_once_and_kept_nowhere() {
    let mut scene = Scene::at(100);
    scene.stores_at_once = false;
    scene.hear(ServerFrame::CommandCame(CommandCame {
        target: CommandTarget::USER,
        from: "bob".into(),
        group: GroupId(0),
        platform: Platform::IOS,
        text: "ring".into(),
        extensions: Extensions::default(),
    }));
    assert!(scene.events.contains(&Event::CommandCame {
        user: "alice".into(),
        from: "bob".into(),
        target: CommandTarget::USER,
        group: GroupId(0),
        platform: Platform::IOS,
        text: "ring".into(),
    }));
}
