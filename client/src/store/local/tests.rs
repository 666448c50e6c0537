//! What was deleted stays away, and nothing else goes; both stores agree.

use std::collections::BTreeSet;

use anser_protocol::content::Content;
use anser_protocol::frame::chat::Record;
use anser_protocol::names::{Chat, Name};
use proptest::prelude::*;

use super::*;
use crate::store::{ConversationRow, FileStore, LocalId, MemoryStore, Release, Store, Write};

const ALL: Position = Position(u64::MAX);

fn alice() -> Name {
    "alice".into()
}

fn bob() -> Chat {
    Chat::User("bob".into())
}

fn message(position: u64, is_own: bool) -> Write {
    let (from, outbox) = if is_own { ("alice", position) } else { ("bob", 0) };
    let content = Content::text("hello");
    let record = Record { position: Position(position), at_ms: 7, from: from.into(), outbox, content };
    Write::Message(Message { user: alice(), chat: bob(), record })
}

fn row(last: u64) -> Write {
    let row = ConversationRow { last_seq: 1, ..ConversationRow::of_messages(bob(), Position(last), Position::START) };
    Write::Conversation { user: alice(), row }
}

fn delete(position: u64) -> Write {
    Write::MessageDeleted { user: alice(), chat: bob(), position: Position(position) }
}

fn delete_to(to: Position) -> Write {
    Write::MessagesDeleted { user: alice(), chat: bob(), to }
}

fn delete_conversation() -> Write {
    Write::ConversationDeleted { user: alice(), chat: bob() }
}

fn text(which: ConversationText, text: &str) -> Write {
    Write::ConversationText { user: alice(), chat: bob(), which, text: text.to_owned() }
}

fn release(to: u64) -> Release {
    Release::Messages { user: alice(), chat: bob(), to: Position(to) }
}

fn positions(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.record.position.0).collect()
}

fn shown(store: &dyn Store) -> Vec<u64> {
    positions(&store.messages_after("alice", &bob(), Position::START, 10_000).expect("it reads"))
}

fn waiting(store: &dyn Store) -> Vec<u64> {
    let waiting = store.waiting(&release(10_000), 0, 10_000).expect("it reads");
    waiting.iter().map(crate::store::Released::place).collect()
}

fn on_both_stores(check: impl Fn(&mut dyn Store)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    check(&mut FileStore::open(&folder.path().join("store.redb")).expect("the store opens"));
    check(&mut MemoryStore::default());
}

fn apply(store: &mut dyn Store, writes: impl IntoIterator<Item = Write>) {
    store.apply(writes.into_iter().collect()).expect("it is stored");
}

const HELD: Held =
    Held { newest: Position(50), newest_of_others: Position(40), taken: Position(30), cursor: Position(45) };

#[test]
fn nothing_is_deleted_that_may_still_come_for_the_first_time() {
    assert_eq!(HELD.delete_to(ALL), Deletion { below: Position(45), to: Position(50), is_all: true });
    let some = HELD.delete_to(Position(35));
    assert_eq!(some, Deletion { below: Position(35), to: Position(35), is_all: false });
}

#[test]
fn a_chat_without_messages_is_deleted_up_to_what_was_taken() {
    let held = Held { newest: Position::START, newest_of_others: Position::START, ..HELD };
    assert_eq!(held.delete_to(ALL).below, Position(30));
}

#[test]
fn a_message_of_another_that_comes_after_an_own_one_with_a_higher_position_survives_the_deletion() {
    on_both_stores(|store| {
        apply(store, [message(10, false), message(30, true), delete_conversation()]);
        assert_eq!(shown(store), [0u64; 0]);
        apply(store, [message(10, false), message(20, false), message(30, true)]);
        assert_eq!((shown(store), waiting(store)), (vec![20], vec![20]));
    });
}

#[test]
fn a_deleted_conversation_comes_back_with_the_first_new_message_and_without_what_it_had() {
    on_both_stores(|store| {
        let by_hand = Write::UnreadByHand { user: alice(), chat: bob(), count: 7 };
        let receipt = |count| Write::Receipt {
            user: alice(),
            chat: bob(),
            message: Position(10),
            count: crate::store::ReceiptCount { unread: count, at_ms: 1 },
        };
        apply(store, [message(10, false), row(10), by_hand, receipt(3)]);
        apply(store, [text(ConversationText::Draft, "dear"), text(ConversationText::Extras, "{}")]);
        assert_eq!(store.unread("alice", &bob()).expect("it reads"), 7);
        apply(store, [delete_conversation()]);
        // The same catch-up once more.
        apply(store, [message(10, false), row(10), receipt(2)]);
        assert_eq!(store.conversations("alice").expect("it reads"), []);
        assert_eq!(store.unread_chats("alice").expect("it reads"), []);
        assert_eq!(store.receipt("alice", &bob(), Position(10)).expect("it reads"), None);
        apply(store, [message(11, false)]);
        let lasts = |store: &dyn Store| -> Vec<u64> {
            store.conversations("alice").expect("it reads").iter().map(|row| row.last.0).collect()
        };
        assert_eq!((lasts(store), shown(store), waiting(store)), (vec![11], vec![11], vec![11]));
        assert_eq!(store.unread("alice", &bob()).expect("it reads"), 1);
        for which in [ConversationText::Extras, ConversationText::Draft] {
            assert_eq!(store.conversation_text("alice", &bob(), which).expect("it reads"), None);
        }
        apply(store, [row(11)]);
        assert_eq!(store.conversations("alice").expect("it reads")[0].last_seq, 1, "the server's row counts again");
    });
}

#[test]
fn a_conversation_stays_when_only_its_messages_are_deleted() {
    on_both_stores(|store| {
        apply(store, [message(10, false), message(20, false), row(20), text(ConversationText::Draft, "dear")]);
        apply(store, [delete_to(Position(10))]);
        assert_eq!((shown(store), store.unread("alice", &bob()).expect("it reads")), (vec![20], 1));
        apply(store, [delete_to(ALL)]);
        assert_eq!((shown(store), store.unread("alice", &bob()).expect("it reads")), (vec![], 0));
        assert_eq!(store.conversations("alice").expect("it reads").len(), 1);
        let draft = store.conversation_text("alice", &bob(), ConversationText::Draft).expect("it reads");
        assert_eq!(draft.as_deref(), Some("dear"));
    });
}

#[test]
fn a_message_that_the_device_never_had_can_be_deleted_unless_it_may_be_new() {
    on_both_stores(|store| {
        apply(store, [message(20, false), delete(10), delete(21)]);
        apply(store, [message(10, false), message(21, false)]);
        assert_eq!(shown(store), [20, 21]);
    });
}

#[test]
fn of_messages_deleted_one_by_one_the_newest_are_remembered() {
    on_both_stores(|store| {
        let count = DELETED_KEPT as u64 + 1;
        apply(store, (1..=count + 1).map(|position| message(position, false)));
        apply(store, (1..=count).map(delete));
        apply(store, (1..=count).map(|position| message(position, false)));
        assert_eq!(shown(store), [1, count + 1]);
    });
}

#[test]
fn texts_are_overwritten_as_a_whole_and_kept_apart_by_user_and_kind() {
    on_both_stores(|store| {
        use ConversationText::{Draft, Extras};
        apply(store, [text(Extras, r#"{"pinned":1}"#), text(Draft, "dear"), text(Extras, r#"{"at":2}"#)]);
        let of = |store: &dyn Store, user: &str, which| store.conversation_texts(user, which).expect("it reads");
        assert_eq!(of(store, "alice", Extras), [(bob(), r#"{"at":2}"#.to_owned())]);
        assert_eq!(of(store, "alice", Draft), [(bob(), "dear".to_owned())]);
        assert_eq!(of(store, "alic", Draft), []);
        apply(store, [text(Draft, "")]);
        assert_eq!((of(store, "alice", Draft).len(), of(store, "alice", Extras).len()), (0, 1));
        assert_eq!(store.conversations("alice").expect("it reads"), [], "a draft makes no conversation");
    });
}

#[test]
fn a_message_is_found_by_its_local_id_wherever_it_stands() {
    on_both_stores(|store| {
        let local = LocalId(4);
        let content = Content::text("hello");
        let entry = OutboxEntry { local, number: Some(20), user: alice(), chat: bob(), is_room: false, content };
        let found = |store: &dyn Store| store.local_message(local).expect("it reads");
        assert_eq!(found(store), None);
        apply(store, [Write::Outbox(entry.clone())]);
        assert_eq!(found(store), Some(LocalMessage::Waiting(entry.clone())));
        apply(store, [Write::SendFailed(entry.clone())]);
        assert_eq!(found(store), Some(LocalMessage::Failed(entry.clone())));
        let sent = Write::Sent { local, user: alice(), chat: bob(), position: Position(20) };
        apply(store, [Write::Outbox(entry), message(20, true), Write::OutboxAnswered(local), sent]);
        let Some(LocalMessage::Sent(message)) = found(store) else { panic!("{:?}", found(store)) };
        assert_eq!(message.record.position, Position(20));
        assert_eq!(store.message("alice", &bob(), Position(20)).expect("it reads"), Some(message));
        assert_eq!(store.message("alice", &bob(), Position(21)).expect("it reads"), None);
        apply(store, [delete(20)]);
        assert_eq!(found(store), None);
    });
}

#[test]
fn pages_go_both_ways_and_meet() {
    on_both_stores(|store| {
        apply(store, (1..=9).map(|number| message(number * 10, number % 3 == 0)));
        let after = |after, limit| positions(&store.messages_after("alice", &bob(), after, limit).expect("it reads"));
        assert_eq!(after(Position::START, 2), [10, 20]);
        assert_eq!(after(Position(20), 3), [30, 40, 50]);
        assert_eq!(after(Position(85), 9), [90]);
        assert_eq!(after(ALL, 9), [0u64; 0]);
        let mut newest_first = positions(&store.messages("alice", &bob(), ALL, 9).expect("it reads"));
        newest_first.reverse();
        assert_eq!(newest_first, after(Position::START, 9));
    });
}

#[derive(Clone, Debug)]
enum Step {
    /// Another writes.
    Comes,
    /// The answer to an own message overtakes that many of others that are still to come.
    Sent(u64),
    /// The server sends everything again.
    Repeats,
    Taken,
    Cursor,
    Delete(prop::sample::Index),
    DeleteTo(prop::sample::Index),
    DeleteConversation,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Comes),
        2 => (0..3u64).prop_map(Step::Sent),
        2 => Just(Step::Repeats),
        1 => Just(Step::Taken),
        1 => Just(Step::Cursor),
        2 => any::<prop::sample::Index>().prop_map(Step::Delete),
        1 => any::<prop::sample::Index>().prop_map(Step::DeleteTo),
        1 => Just(Step::DeleteConversation),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_was_deleted_never_comes_back_and_nothing_else_goes(steps in steps()) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("store.redb");
        let mut file = FileStore::open(&path).expect("the store opens");
        let mut memory = MemoryStore::default();
        let (mut came, mut live) = (BTreeSet::new(), BTreeSet::new());
        let (mut newest, mut taken) = (0, 0);
        for step in steps {
            let known: Vec<u64> = came.iter().map(|(position, _)| *position).collect();
            let one_of = |index: prop::sample::Index| (!known.is_empty()).then(|| known[index.index(known.len())]);
            let writes = match step {
                Step::Comes => {
                    newest += 10;
                    came.insert((newest, false));
                    live.insert(newest);
                    vec![message(newest, false)]
                }
                Step::Sent(ahead) => {
                    let position = newest + ahead * 10 + 5;
                    if came.insert((position, true)) {
                        live.insert(position);
                    }
                    vec![message(position, true)]
                }
                Step::Repeats => came.iter().map(|(position, is_own)| message(*position, *is_own)).collect(),
                Step::Taken => {
                    taken = newest;
                    vec![release(newest).taken(newest)]
                }
                Step::Cursor => vec![Write::ChatCursor { user: alice(), position: Position(newest) }],
                Step::Delete(index) => one_of(index).map_or_else(Vec::new, |position| {
                    live.remove(&position);
                    vec![delete(position)]
                }),
                Step::DeleteTo(index) => one_of(index).map_or_else(Vec::new, |to| {
                    live.retain(|position| *position > to);
                    vec![delete_to(Position(to))]
                }),
                Step::DeleteConversation => {
                    live.clear();
                    vec![delete_conversation()]
                }
                Step::Reopen => {
                    drop(file);
                    file = FileStore::open(&path).expect("the store opens again");
                    vec![]
                }
            };
            apply(&mut file, writes.clone());
            memory.apply(writes);
            let expected: Vec<u64> = live.iter().copied().collect();
            let to_hand_out: Vec<u64> =
                live.iter().copied().filter(|position| *position % 10 == 0 && *position > taken).collect();
            let of_others = live.iter().filter(|position| *position % 10 == 0).count();
            for store in [&file as &dyn Store, &memory] {
                prop_assert_eq!(&shown(store), &expected);
                prop_assert_eq!(&waiting(store), &to_hand_out);
                prop_assert_eq!(store.unread("alice", &bob()).expect("it reads") as usize, of_others);
                prop_assert_eq!(store.conversations("alice").expect("it reads").len(), usize::from(!live.is_empty()));
            }
            let newest_of = |store: &dyn Store| {
                let stored = store.load().expect("it loads");
                stored.users.get("alice").and_then(|user| user.newest.get(&bob()).copied())
            };
            prop_assert_eq!(newest_of(&file), newest_of(&memory));
        }
    }
}
