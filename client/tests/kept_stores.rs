//! Stores that clients of earlier releases wrote open in every later one. Each release leaves one in `tests/stores/`: the state
//! folder of a user who had talked and got a push.

use std::path::{Path, PathBuf};

use anser_client::display::{Display, LocalNotice, SilenceTime};
use anser_client::store::{ConversationText, FileStore, ReceiptCount, Release, Released, Store, Write};
use anser_protocol::ids::Position;
use anser_protocol::names::{Chat, Name};

/// A copy, for opening a store may change it.
fn copy_of(version: &str, folder: &tempfile::TempDir) -> PathBuf {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores").join(version).join("store.redb");
    let copy = folder.path().join("store.redb");
    std::fs::copy(kept, &copy).expect("the kept store is part of the tree");
    copy
}

#[test]
fn a_store_of_0_1_0_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = copy_of("0.1.0", &folder);
    let mut store = FileStore::open(&path).expect("it opens");
    assert_eq!(store.rebuilt(), None);

    let stored = store.load().expect("it loads");
    let identity = stored.identity.clone().expect("the device was registered");
    assert_eq!(identity.registration_id, "205941072beadaff86c");
    assert!(stored.outbox_next > 1 && stored.outbox.is_empty() && stored.pushes_wait);
    let alice = &stored.users["alice"];
    assert!(!alice.token.is_empty() && alice.cursor.is_some());
    let bob = Chat::User("bob".into());
    let messages = store.messages("alice", &bob, Position(u64::MAX), 10).expect("readable");
    let texts: Vec<&str> = messages.iter().rev().filter_map(|message| message.record.content.as_text()).collect();
    assert_eq!(texts, ["hello 1", "hello 2", "hello 3", "answer", "hello 4", "hello 5", "another"]);
    let pushes = store.waiting(&Release::Pushes, 0, 10).expect("readable");
    let [Released::Push { push, .. }] = &pushes[..] else { panic!("one push waits: {pushes:?}") };
    assert_eq!(push.content.notification.as_ref().map(|notification| &*notification.alert), Some("kept"));

    // What came later has its place in it, too.
    assert!(!stored.push_stopped);
    let mut display = Display::load(stored.display);
    display.set_silence_time(SilenceTime::new((22, 0), (7, 0)));
    display.add_local(LocalNotice { id: 3, due_ms: 1000, ..LocalNotice::default() }).expect("there is room");
    let changes = display.take_changes().into_iter().map(Write::Display);
    let of_others = messages.iter().filter(|message| &*message.record.from != "alice").count();
    assert_eq!(store.unread("alice", &bob).expect("readable") as usize, of_others);
    let (user, read) = (Name::from("alice"), messages[0].record.position);
    let marks = [
        Write::ReadMark { user: user.clone(), chat: bob.clone(), position: read },
        Write::MessagesRead { user: user.clone(), messages: vec![read] },
        Write::Receipt { user, chat: bob.clone(), message: read, count: ReceiptCount { unread: 2, at_ms: 5 } },
    ];
    store.apply(changes.chain([Write::PushStopped(true)]).chain(marks).collect()).expect("it is stored");
    drop(store);
    let mut store = FileStore::open(&path).expect("it opens again");
    let again = store.load().expect("it loads");
    assert!(again.push_stopped);
    assert_eq!(&again.display, display.saved());
    assert_eq!((again.identity, again.users.len()), (Some(identity), 1));
    let alice = &again.users["alice"];
    assert_eq!((alice.marks.get(&bob), &alice.reads[..]), (Some(&read), &[read][..]));
    assert_eq!(store.unread("alice", &bob).expect("readable"), 0);
    let receipt = store.receipt("alice", &bob, read).expect("readable");
    assert_eq!(receipt, Some(ReceiptCount { unread: 2, at_ms: 5 }));

    let user = Name::from("alice");
    let draft = Write::ConversationText {
        user: user.clone(),
        chat: bob.clone(),
        which: ConversationText::Draft,
        text: "dear".into(),
    };
    let delete = Write::MessageDeleted { user, chat: bob.clone(), position: read };
    store.apply(vec![draft, delete, Write::Message(messages[0].clone())]).expect("it is stored");
    assert_eq!(store.message("alice", &bob, read).expect("readable"), None);
    let left = store.messages_after("alice", &bob, Position::START, 10).expect("readable");
    assert_eq!(left.len(), messages.len() - 1);
    let drafts = store.conversation_texts("alice", ConversationText::Draft).expect("readable");
    assert_eq!(drafts, [(bob, "dear".to_owned())]);
}
