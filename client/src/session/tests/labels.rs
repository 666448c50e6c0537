//! Tags, alias and mobile number with the application's own numbers.

use anser_protocol::frame::push::{AliasValue, LabelAction, TagList};

use super::*;

fn welcomed() -> Scene {
    let mut scene = Scene::new();
    scene.connect();
    scene.welcome(0);
    scene.said.clear();
    scene.events.clear();
    scene
}

impl Scene {
    fn label(&mut self, sequence: u32, call: LabelCall) -> Result<(), PushCode> {
        let result = self.session.label(sequence, call, self.now);
        self.settle();
        result
    }

    fn request_said(&mut self) -> u32 {
        match std::mem::take(&mut self.said).pop() {
            Some(ClientFrame::Tags(body)) => body.request,
            Some(ClientFrame::Alias(body)) => body.request,
            Some(ClientFrame::Mobile(body)) => body.request,
            other => panic!("no call: {other:?}"),
        }
    }

    fn answered(&mut self) -> (u32, LabelKind, Result<LabelAnswer, PushCode>) {
        match self.events.pop() {
            Some(Event::LabelAnswered { sequence, kind, result }) => (sequence, kind, result),
            other => panic!("no answer: {other:?}"),
        }
    }

    fn tags(&mut self, tags: &[&str]) {
        let request = self.request_said();
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        self.hear(ServerFrame::TagList(TagList { request, tags, extensions: Extensions::default() }));
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn each_call_says_its_frame_and_comes_back_with_its_number() {
    let mut scene = welcomed();
    for (sequence, call, action, said, kind) in [
        (11, LabelCall::SetTags(texts(&["a", "b"])), LabelAction::SET, &["a", "b"][..], LabelKind::Tags),
        (12, LabelCall::AddTags(texts(&["c"])), LabelAction::ADD, &["c"], LabelKind::Tags),
        (13, LabelCall::DeleteTags(texts(&["a"])), LabelAction::DELETE, &["a"], LabelKind::Tags),
        (14, LabelCall::CleanTags, LabelAction::SET, &[], LabelKind::Tags),
        (15, LabelCall::GetTags, LabelAction::GET, &[], LabelKind::Tags),
    ] {
        scene.label(sequence, call).expect("a good call");
        assert!(
            matches!(&scene.said[..], [ClientFrame::Tags(tags)] if tags.action == action && tags.tags == said),
            "{:?}",
            scene.said
        );
        scene.tags(&["b", "c"]);
        assert_eq!(scene.answered(), (sequence, kind, Ok(LabelAnswer::Tags(texts(&["b", "c"])))));
    }
    for (sequence, call, action, said) in [
        (21, LabelCall::SetAlias("alice".into()), LabelAction::SET, "alice"),
        (22, LabelCall::DeleteAlias, LabelAction::DELETE, ""),
        (23, LabelCall::GetAlias, LabelAction::GET, ""),
    ] {
        scene.label(sequence, call).expect("a good call");
        assert!(matches!(&scene.said[..], [ClientFrame::Alias(body)] if body.action == action && body.alias == said));
        let (request, alias) = (scene.request_said(), said.to_owned());
        scene.hear(ServerFrame::AliasValue(AliasValue { request, alias, extensions: Extensions::default() }));
        assert_eq!(scene.answered(), (sequence, LabelKind::Alias, Ok(LabelAnswer::Alias(said.into()))));
    }
}

#[test]
fn a_tag_is_checked_among_all_of_the_device() {
    let mut scene = welcomed();
    for (tag, is_bound) in [("b", true), ("z", false)] {
        scene.label(3, LabelCall::CheckTag(tag.into())).expect("a good call");
        scene.tags(&["a", "b"]);
        let checked = LabelAnswer::CheckedTag { tag: tag.into(), is_bound };
        assert_eq!(scene.answered(), (3, LabelKind::CheckTag, Ok(checked)));
    }
}

#[test]
fn a_mobile_number_is_set_and_taken_away() {
    let mut scene = welcomed();
    for mobile in ["+86-13012345678", ""] {
        scene.label(5, LabelCall::SetMobile(mobile.into())).expect("a good number");
        assert!(matches!(&scene.said[..], [ClientFrame::Mobile(body)] if body.mobile == mobile));
        let request = scene.request_said();
        scene.hear(ServerFrame::Done(Done { request, extensions: Extensions::default() }));
        assert_eq!(scene.answered(), (5, LabelKind::Mobile, Ok(LabelAnswer::Mobile(mobile.into()))));
    }
}

#[test]
fn what_is_wrong_by_itself_is_not_said_to_the_server() {
    let mut scene = welcomed();
    let many = |count: usize, bytes: usize| (0..count).map(|number| format!("{number:0bytes$}")).collect::<Vec<_>>();
    for (call, number) in [
        (LabelCall::SetAlias(String::new()), 6001),
        (LabelCall::SetAlias("a b".into()), 6003),
        (LabelCall::SetAlias("a".repeat(41)), 6004),
        (LabelCall::SetAlias("雁".repeat(14)), 6004),
        (LabelCall::SetTags(vec![]), 6001),
        (LabelCall::AddTags(vec![]), 6001),
        (LabelCall::CheckTag(String::new()), 6001),
        (LabelCall::AddTags(texts(&["good", "not-good"])), 6005),
        (LabelCall::AddTags(texts(&["good", ""])), 6005),
        (LabelCall::DeleteTags(vec!["a".repeat(41)]), 6006),
        (LabelCall::CheckTag("a b".into()), 6005),
        (LabelCall::SetTags(many(1001, 4)), 6007),
        (LabelCall::SetTags(many(501, 10)), 6008),
        (LabelCall::SetMobile("12a".into()), 6023),
        (LabelCall::SetMobile("123456789012345678901".into()), 6025),
    ] {
        assert_eq!(scene.label(1, call.clone()).map_err(PushCode::number), Err(number), "{call:?}");
    }
    assert!(scene.said.is_empty() && scene.events.is_empty());
    scene.label(2, LabelCall::SetTags(many(1000, 5))).expect("exactly as many and as long as may be");
}

#[test]
fn one_tag_call_and_one_alias_call_are_open_at_a_time() {
    let mut scene = welcomed();
    scene.label(1, LabelCall::GetTags).expect("the first");
    assert_eq!(scene.label(2, LabelCall::CleanTags), Err(PushCode::TagCallOpen));
    assert_eq!(scene.label(3, LabelCall::CheckTag("a".into())), Err(PushCode::TagCallOpen));
    scene.tags(&[]);
    scene.label(4, LabelCall::GetAlias).expect("another kind");
    assert_eq!(scene.label(5, LabelCall::DeleteAlias), Err(PushCode::AliasCallOpen));
    scene.label(6, LabelCall::GetTags).expect("the one before is answered");
}

#[test]
fn without_an_answer_a_call_ends_after_twenty_seconds() {
    let mut scene = Scene::new();
    scene.label(9, LabelCall::GetAlias).expect("it waits for a link");
    scene.wait(Duration::from_secs(19));
    assert!(!scene.events.iter().any(|event| matches!(event, Event::LabelAnswered { .. })));
    scene.wait(Duration::from_secs(1));
    assert_eq!(scene.answered(), (9, LabelKind::Alias, Err(PushCode::TimedOut)));
    scene.label(10, LabelCall::GetAlias).expect("the next may be made");
}

#[test]
fn ten_calls_for_labels_and_three_for_the_number_in_ten_seconds() {
    let mut scene = welcomed();
    for sequence in 0..10 {
        scene.label(sequence, LabelCall::GetTags).expect("not too often");
        scene.tags(&[]);
    }
    assert_eq!(scene.label(10, LabelCall::GetTags), Err(PushCode::TooOften));
    assert_eq!(scene.label(11, LabelCall::GetAlias), Err(PushCode::TooOften), "tags and alias count together");
    for sequence in 20..23 {
        scene.label(sequence, LabelCall::SetMobile("1".into())).expect("a count of its own");
    }
    assert_eq!(scene.label(23, LabelCall::SetMobile("1".into())), Err(PushCode::TooOften));
    scene.wait(Duration::from_secs(10));
    scene.said.clear();
    scene.label(30, LabelCall::GetTags).expect("ten seconds later");
}

#[test]
fn refusals_of_the_server_come_with_the_numbers_that_devices_know() {
    let mut scene = welcomed();
    for (call, wire, code) in [
        (LabelCall::AddTags(texts(&["a"])), ErrorCode::TAGS_PER_DEVICE, PushCode::TagsPerDevice),
        (LabelCall::AddTags(texts(&["a"])), ErrorCode::BUSY, PushCode::Busy),
        (LabelCall::CleanTags, ErrorCode::INTERNAL, PushCode::ServerFault),
        (LabelCall::GetTags, ErrorCode::INTERNAL, PushCode::QueryFailed),
        (LabelCall::SetAlias("a".into()), ErrorCode::ALIAS_FULL, PushCode::AliasFull),
        (LabelCall::SetMobile("1".into()), ErrorCode::NOT_STORED, PushCode::Busy),
    ] {
        let kind = call.kind();
        scene.label(1, call).expect("a good call");
        let request = scene.request_said();
        scene.fail(request, wire);
        assert_eq!(scene.answered(), (1, kind, Err(code)));
    }
}

#[test]
fn a_call_is_repeated_on_the_next_link() {
    let mut scene = welcomed();
    scene.label(1, LabelCall::AddTags(texts(&["a"]))).expect("a good call");
    scene.said.clear();
    scene.lose_link();
    scene.connect();
    scene.welcome(0);
    scene.tags(&["a"]);
    assert_eq!(scene.answered().2, Ok(LabelAnswer::Tags(texts(&["a"]))));
}

#[test]
fn bad_tags_are_filtered_out_and_the_rest_keeps_its_order() {
    let tags = texts(&["b", "a b", "", "a", "b", "x-y", "雁"]);
    assert_eq!(filter_valid_tags(tags), ["b", "a", "雁"]);
    let many = (0..1200).map(|number| number.to_string());
    assert_eq!(filter_valid_tags(many).len(), 1000);
}

#[test]
fn the_connection_is_told_as_it_goes() {
    let mut scene = Scene::new();
    assert_eq!((scene.session.connection(), scene.session.registration_id()), (Connection::Connecting, ""));
    assert_eq!(scene.events, [Event::Connecting]);
    scene.session.login("alice", Some("secret"), scene.now).expect("a good name");
    scene.connect();
    assert_eq!(scene.session.connection(), Connection::Connecting);
    scene.welcome(0);
    assert_eq!((scene.session.connection(), scene.session.registration_id()), (Connection::Connected, "device-1"));
    scene.log_in();
    assert_eq!(scene.session.connection(), Connection::LoggedIn);
    scene.session.handle_disconnected(scene.now);
    assert_eq!(scene.session.connection(), Connection::Closed);
}

#[test]
fn a_device_that_cannot_register_is_told_why() {
    for (reason, number) in [(Some(ErrorCode::APP_KEY), 1008), (Some(ErrorCode::BUSY), -997), (None, -996)] {
        let mut scene = Scene::new();
        scene.connect();
        match reason {
            Some(code) => scene.fail(0, code),
            None => {
                scene.session.handle_disconnected(scene.now);
                scene.settle();
            }
        }
        let code = PushCode::from_number(number);
        assert_eq!(scene.events.last(), Some(&Event::RegistrationFailed { code }), "{reason:?}");
    }
    let mut scene = Scene::new();
    scene.session.handle_connect_failed(scene.now);
    scene.settle();
    assert_eq!(scene.events.last(), Some(&Event::RegistrationFailed { code: PushCode::RegisterUnreachable }));
    let mut scene = Scene::new();
    scene.connect();
    scene.wait(Duration::from_secs(10));
    assert!(scene.events.contains(&Event::RegistrationFailed { code: PushCode::RegisterTimedOut }));
    let mut scene = welcomed();
    scene.session.handle_disconnected(scene.now);
    scene.settle();
    assert!(!scene.events.iter().any(|event| matches!(event, Event::RegistrationFailed { .. })), "it is registered");
}
