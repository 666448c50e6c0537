//! What is changed on this device alone, while the server goes on as before.

use super::*;
use crate::store::{CONVERSATION_TEXT_BYTES_MAX, ConversationText, LocalMessage, Store};

fn bob() -> Chat {
    Chat::User("bob".into())
}

impl Scene {
    fn delete_conversation(&mut self) {
        self.session.delete_conversation("alice".into(), bob(), self.now).expect("it is kept");
        self.settle();
    }

    fn shown(&self) -> Vec<u64> {
        self.store.messages("alice", &bob()).iter().map(|message| message.record.position.0).collect()
    }

    fn set_text(&mut self, which: ConversationText, text: &str) -> Result<(), RequestError> {
        let set = self.session.set_conversation_text("alice".into(), bob(), (which, text.to_owned()), self.now);
        self.settle();
        set
    }
}

#[test]
fn a_deleted_conversation_stays_away_when_the_catch_up_is_tried_again() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.come_back();
    scene.hear(part(100, 200, false, vec![row("bob", &[150], false)]));
    assert_eq!(scene.shown(), [150]);
    scene.delete_conversation();
    scene.lose_link();
    scene.come_back();
    let released_before = scene.released.clone();
    scene.hear(catch_up(100, 200, vec![row("bob", &[150], false)]));
    assert_eq!((scene.shown(), scene.store.conversations("alice")), (vec![], vec![]));
    assert_eq!(scene.released, released_before);
    scene.hear(deliver(200, "bob", 210));
    assert_eq!((scene.shown(), scene.store.conversations("alice").len()), (vec![210], 1));
    assert_eq!(scene.released.last(), Some(&210));
}

#[test]
fn what_fills_a_hole_of_a_deleted_conversation_does_not_make_it_anew() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.come_back();
    scene.hear(catch_up(100, 300, vec![row("bob", &[290], true)]));
    let asked = scene.history_said();
    scene.delete_conversation();
    scene.answer_history(asked.request, "bob", &[200, 150], true);
    assert_eq!((scene.shown(), scene.store.conversations("alice")), (vec![], vec![]));
    scene.hear(deliver(300, "bob", 310));
    assert_eq!((scene.shown(), &scene.released[..]), (vec![310], &[310][..]));
}

#[test]
fn a_deletion_outlives_a_kill_and_moves_no_read_mark() {
    let mut scene = Scene::at(100);
    scene.hear(deliver(100, "bob", 110));
    scene.hear(deliver(110, "bob", 120));
    scene.said.clear();
    scene.session.delete_message("alice".into(), bob(), Position(110), scene.now).expect("it is kept");
    scene.settle();
    scene.wait(Duration::from_secs(1));
    let is_about_reading = |frame: &ClientFrame| matches!(frame, ClientFrame::ReadMarks(_));
    assert!(!scene.said.iter().any(is_about_reading), "{:?}", scene.said);
    let scene = scene.kill();
    assert_eq!(scene.shown(), [120]);
}

#[test]
fn what_failed_goes_with_its_conversation_and_what_waits_is_sent() {
    let mut scene = Scene::at(100);
    let failed = scene.send("bob", "refused");
    scene.hear(refused(1, ErrorCode::SEND_TARGET_UNKNOWN));
    let of_another = scene.send("carol", "refused");
    scene.hear(refused(2, ErrorCode::SEND_TARGET_UNKNOWN));
    let waiting = scene.send("bob", "on its way");
    scene.delete_conversation();
    assert_eq!(scene.session.resend(failed, scene.now), Err(SendError::NotFailed));
    assert_eq!(scene.store.load().failed.iter().map(|entry| entry.local).collect::<Vec<_>>(), [of_another]);
    assert!(matches!(scene.store.local_message(waiting), Ok(Some(LocalMessage::Waiting(_)))));
    scene.hear(sent(3, 105));
    assert_eq!(scene.shown(), [105]);
}

#[test]
fn a_message_that_was_sent_is_found_by_the_local_id_that_it_had_before() {
    let mut scene = Scene::at(100);
    let local = scene.send("bob", "hello");
    scene.hear(sent(1, 101));
    let found = scene.store.local_message(local).expect("memory does not fail");
    let Some(LocalMessage::Sent(message)) = found else { panic!("{found:?}") };
    assert_eq!((message.record.position, message.record.content.as_text()), (Position(101), Some("hello")));
}

#[test]
fn extras_are_a_json_object_and_neither_they_nor_drafts_grow_without_limit() {
    use ConversationText::{Draft, Extras};
    let mut scene = Scene::at(100);
    for wrong in ["pinned", "[1]", "{"] {
        assert!(matches!(scene.set_text(Extras, wrong), Err(RequestError::Invalid(_))), "{wrong}");
    }
    let longest = "x".repeat(CONVERSATION_TEXT_BYTES_MAX);
    assert!(matches!(scene.set_text(Draft, &format!("{longest}x")), Err(RequestError::Invalid(_))));
    assert_eq!(scene.set_text(Draft, &longest), Ok(()));
    assert_eq!(scene.set_text(Extras, r#"{"pinned":1}"#), Ok(()));
    let scene = scene.kill();
    let kept = |which| scene.store.conversation_text("alice", &bob(), which).expect("memory does not fail");
    assert_eq!((kept(Extras).as_deref(), kept(Draft)), (Some(r#"{"pinned":1}"#), Some(longest)));
}
