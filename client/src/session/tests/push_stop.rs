//! Pushes that are stopped and resumed.

use anser_protocol::extension::tag;
use anser_protocol::frame::push::{LabelAction, PushCovered, PushResume};

use super::*;

fn welcomed() -> Scene {
    let mut scene = Scene::new();
    scene.connect();
    scene.welcome(0);
    scene.said.clear();
    scene
}

fn stopped() -> Scene {
    let mut scene = welcomed();
    scene.hear(push(0, 50, 49));
    scene.wait(Duration::from_secs(1));
    scene.said.clear();
    scene.stop_push();
    scene
}

impl Scene {
    fn stop_push(&mut self) {
        self.session.stop_push(self.now);
        self.settle();
    }

    fn resume_push(&mut self) {
        self.session.resume_push(self.now);
        self.settle();
    }

    fn resume_said(&self) -> PushResume {
        let resume = self.said.iter().find_map(|frame| match frame {
            ClientFrame::PushResume(resume) => Some(resume.clone()),
            _ => None,
        });
        resume.expect("pushes were resumed")
    }

    fn done(&mut self, request: u32) {
        self.hear(ServerFrame::Done(Done { request, extensions: Extensions::default() }));
    }

    fn says_stopped(&self) -> bool {
        self.hello_said().extensions.value(tag::PUSHES_STOPPED).is_some()
    }
}

#[test]
fn the_server_is_told_and_what_comes_nevertheless_is_neither_stored_nor_acknowledged() {
    let mut scene = stopped();
    assert!(matches!(scene.said[..], [ClientFrame::PushStop(_)]), "{:?}", scene.said);
    scene.said.clear();
    scene.hear(push(50, 60, 59));
    scene.hear(push(70, 70, 69));
    scene.hear(ServerFrame::PushCovered(PushCovered { after: Position(60), to: Position(90) }));
    scene.wait(Duration::from_secs(10));
    assert_eq!((&scene.pushes[..], &scene.said[..]), (&[49][..], &[][..]));
    assert_eq!(scene.store.load().push_cursor, Some(Position(50)));
    assert!(scene.is_link_open, "the link stays");
}

#[test]
fn chats_go_on_while_pushes_are_stopped() {
    let mut scene = Scene::at(100);
    scene.stop_push();
    scene.send("bob", "hello");
    assert_eq!(scene.sends_said(), [(1, "hello".to_owned())]);
    scene.hear(deliver(100, "bob", 110));
    assert_eq!(scene.released, [110]);
}

#[test]
fn resumed_pushes_begin_behind_what_is_stored_and_behind_the_answer() {
    let mut scene = stopped();
    scene.hear(push(50, 60, 59));
    scene.said.clear();
    scene.resume_push();
    let resume = scene.resume_said();
    assert_eq!(resume.push_cursor, Some(Position(50)));
    // Still of the time before the server knew of the stop.
    scene.hear(push(60, 70, 69));
    assert_eq!(scene.pushes, [49]);
    scene.done(resume.request);
    scene.hear(push(50, 60, 59));
    scene.hear(push(60, 70, 69));
    assert_eq!(scene.pushes, [49, 59, 69]);
    assert!(scene.is_link_open);
    scene.wait(Duration::from_secs(1));
    let acks = scene.said.iter().filter_map(|frame| match frame {
        ClientFrame::PushAck(ack) => Some(ack.received.clone()),
        _ => None,
    });
    assert_eq!(acks.collect::<Vec<_>>(), [[Position(59), Position(69)]]);
}

#[test]
fn the_stop_outlives_links_and_the_process_and_each_hello_says_it() {
    let mut scene = stopped();
    scene.lose_link();
    scene.connect();
    assert!(scene.says_stopped());
    let mut scene = scene.kill();
    assert!(scene.session.is_push_stopped());
    scene.connect();
    assert!(scene.says_stopped());
    scene.welcome(0);
    scene.said.clear();
    scene.resume_push();
    assert_eq!(scene.resume_said().push_cursor, Some(Position(50)));
    let mut scene = scene.kill();
    assert!(!scene.session.is_push_stopped());
    scene.connect();
    assert!(!scene.says_stopped());
}

#[test]
fn a_change_of_mind_between_hello_and_welcome_is_told_behind_it() {
    let mut scene = Scene::new();
    scene.connect();
    assert!(!scene.says_stopped());
    scene.stop_push();
    scene.welcome(0);
    assert!(scene.said.iter().any(|frame| matches!(frame, ClientFrame::PushStop(_))));
    scene.said.clear();
    scene.stop_push();
    assert!(scene.said.is_empty(), "once is enough");
}

#[test]
fn what_was_stored_before_the_stop_waits_for_the_resume() {
    let mut scene = welcomed();
    scene.stores_at_once = false;
    scene.hear(push(0, 50, 49));
    scene.stop_push();
    scene.complete_stores();
    assert_eq!(scene.pushes, [0u64; 0]);
    let mut scene = scene.kill();
    assert_eq!(scene.pushes, [0u64; 0], "also after a restart");
    scene.resume_push();
    assert_eq!(scene.pushes, [49]);
}

#[test]
fn every_other_push_call_fails_while_pushes_are_stopped() {
    let mut scene = stopped();
    for request in [
        Request::TagsGet,
        Request::TagsSet { tags: vec![] },
        Request::AliasDelete,
        Request::MobileSet { mobile: String::new() },
        Request::PushClicked { pushes: vec![Position(49)] },
        Request::PushReport { state: PushState::SHOWN, pushes: vec![Position(49)] },
    ] {
        assert_eq!(scene.session.request(request, scene.now), Err(RequestError::PushStopped));
    }
    assert_eq!(scene.session.label(1, LabelCall::GetTags, scene.now), Err(PushCode::Stopped));
    let register = Request::RegisterUser { username: "carol".into(), password: "secret".into() };
    assert!(scene.session.request(register, scene.now).is_ok(), "users are no push call");
    scene.resume_push();
    assert!(scene.session.request(Request::TagsGet, scene.now).is_ok());
}

#[test]
fn a_call_that_is_open_when_pushes_are_stopped_is_answered() {
    let mut scene = welcomed();
    scene.session.label(7, LabelCall::GetTags, scene.now).expect("a good call");
    scene.stop_push();
    let told = Event::LabelAnswered { sequence: 7, kind: LabelKind::Tags, result: Err(PushCode::Stopped) };
    assert!(scene.events.contains(&told), "{:?}", scene.events);
    assert!(
        matches!(&scene.said[..], [ClientFrame::Tags(tags), ClientFrame::PushStop(_)] if tags.action == LabelAction::GET)
    );
}

#[test]
fn with_a_server_that_does_not_know_of_it_resuming_takes_a_new_link() {
    let mut scene = stopped();
    scene.hear(ServerFrame::Unsupported(Unsupported { frame_type: 44 }));
    scene.hear(push(50, 60, 59));
    scene.resume_push();
    scene.hear(ServerFrame::Unsupported(Unsupported { frame_type: 45 }));
    assert!(!scene.is_link_open);
    scene.wait(Duration::from_secs(2));
    scene.connect();
    assert_eq!(scene.hello_said().push_cursor, Some(Position(50)));
    scene.welcome(0);
    scene.hear(push(50, 60, 59));
    assert_eq!(scene.pushes, [49, 59]);
}

#[test]
fn stopped_and_resumed_and_stopped_again_the_last_word_counts() {
    let mut scene = stopped();
    scene.resume_push();
    let resume = scene.resume_said();
    scene.stop_push();
    scene.done(resume.request);
    scene.hear(push(50, 60, 59));
    assert_eq!(scene.pushes, [49]);
    scene.said.clear();
    scene.resume_push();
    let resume = scene.resume_said();
    scene.done(resume.request);
    scene.hear(push(50, 60, 59));
    assert_eq!(scene.pushes, [49, 59]);
}
