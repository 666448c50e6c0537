//! What is kept over kills, damage and time.

use anser_protocol::content::{Content, PushContent};
use anser_protocol::frame::chat::Record;
use anser_protocol::names::Name;

use redb::ReadableTable;

use super::*;
use crate::display::{DisplayChange, LocalNotice, Notice, NoticeId, PushTime, SilenceTime};
use crate::session::Transport;
use crate::store::{HeartbeatMemory, Hole, Identity, LocalId, MemoryStore, OutboxEntry, Push};

fn alice() -> Name {
    "alice".into()
}

fn bob() -> Chat {
    Chat::User("bob".into())
}

fn message(position: u64, outbox: u64) -> Write {
    let content = Content::text("hello");
    let record = Record { position: Position(position), at_ms: 7, from: "bob".into(), outbox, content };
    Write::Message(Message { user: alice(), chat: bob(), record })
}

fn push(position: u64, msg_id: u64) -> Write {
    let content = PushContent::default();
    Write::Push(Push { position: Position(position), msg_id: Position(msg_id), at_ms: 7, content, replaces: None })
}

fn what_is_shown() -> Vec<DisplayChange> {
    let local = LocalNotice { id: 9, title: "title".into(), due_ms: 1000, ..LocalNotice::default() };
    vec![
        DisplayChange::PushTime(PushTime::new(&[1, 2], 8, 20)),
        DisplayChange::SilenceTime(SilenceTime::new((22, 30), (7, 0))),
        DisplayChange::KeepLatest(3),
        DisplayChange::Badge(7),
        DisplayChange::Shown(NoticeId(1), Notice { msg_id: Some(Position(49)) }),
        DisplayChange::Shown(NoticeId(2), Notice { msg_id: None }),
        DisplayChange::Gone(NoticeId(1)),
        DisplayChange::Planned(1, LocalNotice { id: 8, ..local.clone() }),
        DisplayChange::Planned(2, local),
        DisplayChange::Unplanned(1),
    ]
}

/// One of everything.
fn a_life() -> Vec<Write> {
    let entry = |local, number| OutboxEntry {
        local: LocalId(local),
        number,
        user: alice(),
        chat: Chat::Group(anser_protocol::ids::GroupId(10_000_000)),
        is_room: false,
        content: Content::text("waits"),
    };
    let row = ConversationRow {
        chat: bob(),
        name: String::new(),
        windows: vec![],
        last: Position(105),
        last_seq: 3,
        read_mark: Position(5),
    };
    vec![
        Write::Identity(Identity { nonce: [1; 16], secret: [2; 16], registration_id: "device".into() }),
        Write::Token { user: alice(), token: vec![1, 2, 3] },
        Write::ChatCursor { user: alice(), position: Position(110) },
        Write::PushCursor(Some(Position(60))),
        Write::Holes { user: alice(), chat: bob(), holes: vec![Hole { after: Position(10), before: Position(100) }] },
        Write::Conversation { user: alice(), row },
        message(100, 0),
        message(105, 0),
        message(109, 4),
        push(50, 49),
        push(60, 59),
        Write::Outbox(entry(0, Some(4))),
        Write::Outbox(entry(1, Some(5))),
        Write::Outbox(entry(2, None)),
        Write::OutboxAnswered(LocalId(0)),
        Write::Heartbeat {
            network: "home".into(),
            transport: Transport::Quic,
            memory: HeartbeatMemory { interval_s: 30, ceiling_s: 0 },
        },
        Write::Winner { network: "home".into(), transport: Transport::Tcp },
        Write::PushStopped(true),
    ]
    .into_iter()
    .chain(what_is_shown().into_iter().map(Write::Display))
    .collect()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn open(folder: &tempfile::TempDir) -> FileStore {
    FileStore::open(&folder.path().join("store.redb")).expect("the store opens")
}

fn places(released: &[Released]) -> Vec<u64> {
    released.iter().map(Released::place).collect()
}

#[test]
fn everything_is_there_after_the_process_died() {
    let folder = folder();
    let mut store = open(&folder);
    store.apply(a_life()).expect("it is stored");
    drop(store);
    let stored = open(&folder).load().expect("it loads");

    let mut memory = MemoryStore::default();
    memory.apply(a_life());
    assert_eq!(stored, memory.load());
    assert_eq!(stored.outbox_next, 6);
    assert_eq!(stored.users[&alice()].newest[&bob()], Position(105));
}

#[test]
fn what_the_application_has_not_taken_is_handed_out_again_after_a_kill() {
    let folder = folder();
    let release = Release::Messages { user: alice(), chat: bob(), to: Position(105) };
    let mut store = open(&folder);
    store.apply(a_life()).expect("it is stored");
    store.apply(vec![release.taken(100)]).expect("it is stored");
    drop(store);
    let store = open(&folder);
    let waiting = store.waiting(&release, 0, 10).expect("it reads");
    assert_eq!(places(&waiting), [105]);
}

#[test]
fn both_stores_hand_out_the_same() {
    let folder = folder();
    let mut stores: [Box<dyn Store>; 2] = [Box::new(open(&folder)), Box::new(MemoryStore::default())];
    for store in &mut stores {
        store.apply(a_life()).expect("it is stored");
        store.apply(vec![message(105, 9)]).expect("what is there stays");
        let messages = Release::Messages { user: alice(), chat: bob(), to: Position(200) };
        let pushes = Release::Pushes;
        let waiting =
            |release: &Release, above, limit| places(&store.waiting(release, above, limit).expect("it reads"));
        assert_eq!(waiting(&messages, 0, 10), [100, 105]);
        assert_eq!(waiting(&messages, 0, 1), [100]);
        assert_eq!(waiting(&messages, 100, 10), [105]);
        assert_eq!(waiting(&messages, 300, 10), [0u64; 0]);
        assert_eq!(waiting(&pushes, 0, 10), [1, 2]);
        store.apply(vec![pushes.taken(1)]).expect("it is stored");
        let rest = store.waiting(&pushes, 0, 10).expect("it reads");
        assert_eq!(places(&rest), [2]);
        let newest = store.messages("alice", &bob(), Position(109), 2).expect("it reads");
        assert_eq!(newest.iter().map(|message| message.record.position.0).collect::<Vec<_>>(), [105, 100]);
        assert_eq!(store.conversations("alice").expect("it reads").len(), 1);
        assert_eq!(store.conversations("alic").expect("it reads").len(), 0);
    }
}

#[test]
fn only_the_last_thousand_msg_ids_are_kept() {
    let folder = folder();
    let mut store = open(&folder);
    store.apply((0..1010).map(|number| push(number + 1, number)).collect()).expect("it is stored");
    let ids = store.load().expect("it loads").push_ids;
    assert_eq!((ids.len(), ids[0], ids[999]), (1000, Position(10), Position(1009)));
}

#[test]
fn a_second_process_is_told_that_the_store_is_in_use() {
    let folder = folder();
    let _first = open(&folder);
    let second = FileStore::open(&folder.path().join("store.redb"));
    assert!(matches!(second, Err(StoreError::InUse { .. })));
}

#[test]
fn a_closed_store_is_free_though_a_child_process_still_holds_its_files() {
    let folder = folder();
    let first = open(&folder);
    // What a fork gives a child until it runs its own program.
    let _inherited = first.lock.as_ref().expect("a lock").0.try_clone().expect("a descriptor");
    drop(first);
    open(&folder);
}

#[test]
fn a_file_that_is_no_store_is_a_clear_error_and_stays_as_it_is() {
    let folder = folder();
    let path = folder.path().join("store.redb");
    std::fs::write(&path, b"something else").expect("a file is written");
    assert!(matches!(FileStore::open(&path), Err(StoreError::Disk { .. })));
    assert_eq!(std::fs::read(&path).expect("it is there"), b"something else");
}

#[test]
fn a_store_whose_making_was_interrupted_is_made_anew() {
    let folder = folder();
    std::fs::write(folder.path().join("store.new"), b"half").expect("a file is written");
    open(&folder);
}

fn path(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("store.redb")
}

fn taken(position: u64) -> Write {
    Write::MessagesTaken { user: alice(), chat: bob(), position: Position(position) }
}

fn positions(store: &FileStore) -> Vec<u64> {
    let messages = store.messages("alice", &bob(), Position(u64::MAX >> 1), 10_000).expect("it reads");
    let mut positions: Vec<u64> = messages.iter().map(|message| message.record.position.0).collect();
    positions.reverse();
    positions
}

/// Flips a bit of the value that this table has under this key.
fn damage<K: redb::Key + 'static>(folder: &tempfile::TempDir, kind: rows::Kind<K>, key: K::SelfType<'_>) {
    let database = Database::open(path(folder)).expect("the store is closed");
    let transaction = database.begin_write().expect("it takes writes");
    {
        let mut table = transaction.open_table(kind).expect("the table is there");
        let mut value = table.get(&key).expect("it reads").expect("there is a value").value().to_vec();
        value[1] ^= 4;
        table.insert(&key, &value[..]).expect("it takes it");
    }
    transaction.commit().expect("it takes it");
}

#[test]
fn a_damaged_message_fails_its_reading_and_the_next_opening_makes_a_new_device_of_what_is_left() {
    let folder = folder();
    let mut store = open(&folder);
    store.apply(a_life()).expect("it is stored");
    store.apply(vec![message(8, 0), message(9, 0), taken(100)]).expect("it is stored");
    drop(store);
    damage(&folder, tables::MESSAGES.0, ("alice", &crate::store::encoding::chat_key(&bob()), 9));

    // What is read at the start is whole.
    let store = open(&folder);
    assert_eq!(store.rebuilt(), None);
    let read = store.messages("alice", &bob(), Position(1000), 10);
    assert!(matches!(read, Err(StoreError::Damaged { what: "messages", .. })), "{read:?}");
    drop(store);

    let store = open(&folder);
    assert_eq!(store.rebuilt(), Some(Rebuilt { rows_lost: 1 }));
    let stored = store.load().expect("it loads");
    assert_eq!((stored.identity, stored.push_cursor, stored.outbox_next), (None, None, 1));
    let user = &stored.users[&alice()];
    assert_eq!((user.cursor, user.holes.len(), user.token.len()), (None, 0, 0));
    // 105 was not taken, and comes again; 9 is lost; 109 is an own one.
    assert_eq!(positions(&store), [8, 100, 109]);
    let release = Release::Messages { user: alice(), chat: bob(), to: Position(200) };
    assert_eq!(places(&store.waiting(&release, 0, 10).expect("it reads")), [0u64; 0]);
    let locals = |entries: &[OutboxEntry]| entries.iter().map(|entry| entry.local.0).collect::<Vec<_>>();
    assert_eq!((locals(&stored.outbox), locals(&stored.unsure)), (vec![2], vec![1]));
    assert_eq!(stored.local_next, LocalId(3));
    assert_eq!(places(&store.waiting(&Release::Pushes, 0, 10).expect("it reads")), [1, 2]);
    drop(store);
    assert_eq!(open(&folder).rebuilt(), None, "once is enough");
}

#[test]
fn what_the_server_sends_again_to_a_store_made_anew_is_not_handed_out_twice() {
    let folder = folder();
    let mut store = open(&folder);
    store.apply(vec![message(5, 0), message(6, 0), message(7, 0), taken(6)]).expect("it is stored");
    store.apply(vec![Write::ChatCursor { user: alice(), position: Position(7) }]).expect("it is stored");
    drop(store);
    damage(&folder, tables::CURSORS.0, "alice");
    let mut store = open(&folder);
    store.apply(vec![message(5, 0), message(6, 0), message(7, 0)]).expect("it is stored");
    let release = Release::Messages { user: alice(), chat: bob(), to: Position(7) };
    assert_eq!(places(&store.waiting(&release, 0, 10).expect("it reads")), [7]);
}

#[test]
fn what_was_deleted_stays_away_from_a_store_made_anew_and_texts_and_local_ids_stay_in_it() {
    let folder = folder();
    let mut store = open(&folder);
    let local = LocalId(41);
    store
        .apply((4..=7).map(|position| message(position, 0)).chain([message(8, 1), taken(7)]).collect())
        .expect("stored");
    let writes = vec![
        Write::ChatCursor { user: alice(), position: Position(8) },
        Write::MessagesDeleted { user: alice(), chat: bob(), to: Position(4) },
        Write::MessageDeleted { user: alice(), chat: bob(), position: Position(6) },
        Write::ConversationText { user: alice(), chat: bob(), which: ConversationText::Extras, text: "{}".into() },
        Write::ConversationText { user: alice(), chat: bob(), which: ConversationText::Draft, text: "dear".into() },
        Write::Sent { local, user: alice(), chat: bob(), position: Position(8) },
    ];
    store.apply(writes).expect("it is stored");
    drop(store);
    damage(&folder, tables::CURSORS.0, "alice");
    let mut store = open(&folder);
    assert_eq!(store.rebuilt(), Some(Rebuilt { rows_lost: 1 }));
    store.apply((4..=7).map(|position| message(position, 0)).collect()).expect("it is stored");
    assert_eq!(positions(&store), [5, 7, 8]);
    for (which, text) in [(ConversationText::Extras, "{}"), (ConversationText::Draft, "dear")] {
        assert_eq!(store.conversation_text("alice", &bob(), which).expect("it reads").as_deref(), Some(text));
    }
    assert!(matches!(store.local_message(local), Ok(Some(LocalMessage::Sent(_)))));
    assert!(store.load().expect("it loads").local_next > local);
}

#[test]
fn an_answer_to_an_unsure_message_lets_go_of_it() {
    let folder = folder();
    let mut store = open(&folder);
    store.apply(a_life()).expect("it is stored");
    drop(store);
    damage(&folder, tables::META.0, "identity");
    let mut store = open(&folder);
    assert_eq!(store.load().expect("it loads").unsure.len(), 1);
    store.apply(vec![Write::OutboxAnswered(LocalId(1))]).expect("it is stored");
    assert_eq!(store.load().expect("it loads").unsure, []);
}

#[test]
fn a_failed_message_is_kept_over_openings_and_damage_until_it_is_sent_again() {
    let folder = folder();
    let mut store = open(&folder);
    store.apply(a_life()).expect("it is stored");
    let entry = store.load().expect("it loads").outbox[0].clone();
    store.apply(vec![Write::SendFailed(entry.clone())]).expect("it is stored");
    drop(store);
    damage(&folder, tables::META.0, "local_next");
    let mut store = open(&folder);
    let stored = store.load().expect("it loads");
    assert_eq!((&stored.failed, stored.local_next > entry.local), (&vec![entry.clone()], true));
    store.apply(vec![Write::Outbox(OutboxEntry { number: None, ..entry })]).expect("it is stored");
    assert_eq!(store.load().expect("it loads").failed, []);
}

#[test]
fn no_flipped_bit_of_the_file_becomes_a_wrong_value() {
    let folder = folder();
    let mut store = open(&folder);
    store.apply(a_life()).expect("it is stored");
    let whole = store.load().expect("it loads");
    let messages = store.messages("alice", &bob(), Position(1000), 10).expect("it reads");
    drop(store);
    let bytes = std::fs::read(path(&folder)).expect("the file is there");
    let (mut anew, mut refused) = (0, 0);
    let pages_in_use = bytes.iter().rposition(|byte| *byte != 0).unwrap_or_default();
    for place in (0..=pages_in_use).filter(|place| bytes[*place] != 0).step_by(149) {
        let damaged = tempfile::tempdir().expect("a temporary folder");
        let mut bytes = bytes.clone();
        bytes[place] ^= 16;
        std::fs::write(path(&damaged), &bytes).expect("a file is written");
        let Ok(store) = FileStore::open(&path(&damaged)) else {
            refused += 1;
            continue;
        };
        let stored = store.load().expect("what was opened was looked at");
        if store.rebuilt().is_some() {
            anew += 1;
            assert_eq!(stored.identity, None, "byte {place}");
            assert!(stored.outbox.iter().all(|entry| whole.outbox.contains(entry)), "byte {place}");
        } else {
            assert_eq!(stored, whole, "byte {place}");
        }
        if let Ok(read) = store.messages("alice", &bob(), Position(1000), 10) {
            assert!(read.iter().all(|message| messages.contains(message)), "byte {place}");
        }
    }
    assert!(anew > 0, "no flipped bit was noticed; {refused} files were refused");
}

#[test]
fn a_store_that_was_being_made_anew_when_the_process_died_is_made_anew_again() {
    let folder = folder();
    let mut store = open(&folder);
    store.apply(a_life()).expect("it is stored");
    drop(store);
    damage(&folder, tables::CURSORS.0, "alice");
    std::fs::write(folder.path().join("store.new"), b"half").expect("a file is written");
    let store = open(&folder);
    assert_eq!(store.rebuilt(), Some(Rebuilt { rows_lost: 1 }));
    assert_eq!(store.load().expect("it loads").outbox.len(), 1);
}

#[test]
fn a_store_of_the_first_format_stays_as_it_is() {
    let folder = folder();
    let first: redb::TableDefinition<&str, &[u8]> = redb::TableDefinition::new("meta");
    let database = Database::create(path(&folder)).expect("a file");
    let transaction = database.begin_write().expect("it takes writes");
    transaction.open_table(first).expect("a table").insert("format", &FIRST_FORMAT[..]).expect("it takes it");
    transaction.commit().expect("it takes it");
    drop(database);
    assert!(matches!(FileStore::open(&path(&folder)), Err(StoreError::Older { .. })));
}

const FEW: Retention = Retention { messages_per_chat: 16 };

#[test]
fn of_what_was_taken_the_newest_are_kept() {
    let folder = folder();
    let mut store = FileStore::open_with(&path(&folder), FEW).expect("the store opens");
    for position in 1..=100 {
        store.apply(vec![message(position, 0), taken(position)]).expect("it is stored");
        let kept = positions(&store);
        let least = position.saturating_sub(15).max(1);
        assert!(kept.len() <= 18 && kept.contains(&least) && kept.contains(&position), "{kept:?}");
    }
}

#[test]
fn what_was_not_taken_is_kept_however_much_it_is() {
    let folder = folder();
    let mut store = FileStore::open_with(&path(&folder), FEW).expect("the store opens");
    store.apply((1..=100).map(|position| message(position, 0)).collect()).expect("it is stored");
    store.apply((101..=150).map(|position| message(position, position)).collect()).expect("it is stored");
    store.apply(vec![taken(40)]).expect("it is stored");
    let release = Release::Messages { user: alice(), chat: bob(), to: Position(200) };
    assert_eq!(places(&store.waiting(&release, 0, 1000).expect("it reads")), (41..=100).collect::<Vec<_>>());
    let stored = store.load().expect("it loads");
    assert_eq!(stored.users[&alice()].newest[&bob()], Position(100));
    store.apply(vec![taken(100)]).expect("it is stored");
    store.apply(vec![message(151, 151)]).expect("it is stored");
    assert_eq!(positions(&store), (135..=151).collect::<Vec<_>>());
}

#[test]
fn own_messages_of_a_chat_where_nobody_answers_do_not_pile_up() {
    let folder = folder();
    let mut store = FileStore::open_with(&path(&folder), FEW).expect("the store opens");
    for position in 1..=100 {
        store.apply(vec![message(position, position)]).expect("it is stored");
    }
    assert!(positions(&store).len() <= 18);
}

#[test]
fn a_message_that_was_let_go_and_comes_again_is_not_handed_out_again() {
    let folder = folder();
    let mut store = FileStore::open_with(&path(&folder), FEW).expect("the store opens");
    for position in 1..=100 {
        store.apply(vec![message(position, 0), taken(position)]).expect("it is stored");
    }
    store.apply((1..=50).map(|position| message(position, 0)).collect()).expect("it is stored");
    let release = Release::Messages { user: alice(), chat: bob(), to: Position(100) };
    assert_eq!(places(&store.waiting(&release, 0, 1000).expect("it reads")), [0u64; 0]);
    assert!(positions(&store).len() <= 18);
}

#[test]
fn both_stores_keep_the_newest_of_many_waiting_pushes() {
    let folder = folder();
    let mut stores: [Box<dyn Store>; 2] = [Box::new(open(&folder)), Box::new(MemoryStore::default())];
    for store in &mut stores {
        store.apply((1..=1010).map(|number| push(number, number)).collect()).expect("it is stored");
        let waiting = store.waiting(&Release::Pushes, 0, 2000).expect("it reads");
        assert_eq!((waiting.len(), waiting[0].place()), (1000, 11));
    }
}

/// A file in memory whose process is killed at a write: that one is done by half, and no other.
#[derive(Debug, Default)]
struct Mortal {
    file: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
    writes_left: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Mortal {
    fn live(&self) -> io::Result<bool> {
        use std::sync::atomic::Ordering::SeqCst;
        let left = self.writes_left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        left.map(|left| left > 1).map_err(|_| io::Error::other("killed"))
    }
}

impl redb::StorageBackend for Mortal {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.file.lock().expect("nobody panics").len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let file = self.file.lock().expect("nobody panics");
        out.copy_from_slice(&file[offset as usize..][..out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.live()?;
        self.file.lock().expect("nobody panics").resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.live()?;
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let length = if self.live()? { data.len() } else { data.len() / 2 };
        self.file.lock().expect("nobody panics")[offset as usize..][..length].copy_from_slice(&data[..length]);
        Ok(())
    }
}

/// A life in which messages come, are taken and are let go, in transactions.
fn transactions() -> Vec<Vec<Write>> {
    let days = (1..=12u64).map(|day| {
        let messages = (day * 10..day * 10 + 8).map(|position| message(position, 0));
        let cursor = Write::ChatCursor { user: alice(), position: Position(day * 10 + 7) };
        messages.chain([cursor, taken(day * 10 + 3), push(day, day)]).collect()
    });
    std::iter::once(a_life()).chain(days).collect()
}

fn lives_to(writes: u64, bytes: &[u8]) -> (FileStore, Mortal) {
    let mortal = Mortal::default();
    mortal.file.lock().expect("nobody panics").extend_from_slice(bytes);
    mortal.writes_left.store(writes, std::sync::atomic::Ordering::SeqCst);
    let backend = Mortal { file: mortal.file.clone(), writes_left: mortal.writes_left.clone() };
    let database = Database::builder().create_with_backend(backend).expect("it opens before it is killed");
    let retention = Retention { messages_per_chat: 8 };
    let database = Opened(Some(database));
    (FileStore { database, path: PathBuf::from("store.redb"), retention, rebuilt: None, lock: None }, mortal)
}

#[test]
fn a_kill_at_any_write_leaves_what_was_there_before_or_after_it() {
    let folder = folder();
    drop(FileStore::open(&path(&folder)).expect("the store opens"));
    let empty = std::fs::read(path(&folder)).expect("the file is there");
    let transactions = transactions();
    let mut expected = Vec::new();
    let (mut store, _) = lives_to(u64::MAX, &empty);
    expected.push((store.load().expect("it loads"), positions(&store)));
    for writes in &transactions {
        store.apply(writes.clone()).expect("it is stored");
        expected.push((store.load().expect("it loads"), positions(&store)));
    }
    drop(store);
    let mut kills = 0;
    for at in (20..).step_by(3) {
        let (mut store, mortal) = lives_to(at, &empty);
        let stored = transactions.iter().take_while(|writes| store.apply((*writes).clone()).is_ok()).count();
        drop(store);
        if stored == transactions.len() {
            break;
        }
        kills += 1;
        let killed = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(path(&killed), &*mortal.file.lock().expect("nobody panics")).expect("a file is written");
        let store = open(&killed);
        assert_eq!(store.rebuilt(), None, "killed at {at}");
        let found = (store.load().expect("it loads"), positions(&store));
        let is_before_or_after = found == expected[stored] || found == expected[stored + 1];
        assert!(is_before_or_after, "killed at {at}, in transaction {stored}: {found:?}");
    }
    assert!(kills > 30, "{kills} kills");
}
