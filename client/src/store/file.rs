//! A store in one redb file.
//!
//! | Table | Key | Value |
//! |---|---|---|
//! | `meta` | name | format, identity, push cursor, next outbox number, next local id |
//! | `tokens` | user | token |
//! | `cursors` | user | position |
//! | `holes` | user, chat | the chat's holes |
//! | `conversations` | user, chat | what the server last said of it |
//! | `messages` | user, chat, position | the record |
//! | `newest` | user, chat | newest position that this device did not send itself |
//! | `taken` | user, chat | up to where the application has taken the records |
//! | `outbox` | local id | the entry |
//! | `pushes` | arrival | pushes that the application has not taken |
//! | `push_ids` | arrival | msg_id; the last thousand |
//! | `heartbeats`, `winners` | network | what was learned there |
//!
//! The file is made under another name and moved to its place when it is whole, so that a crash in between leaves nothing
//! that could be mistaken for a store.

use std::path::{Path, PathBuf};

use anser_protocol::ids::Position;
use anser_protocol::names::Chat;
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use serde::de::DeserializeOwned;

use super::encoding::{
    ConversationValue, MessageValue, OutboxValue, chat_from_key, chat_key, decode, decode_push, encode,
};
use super::{ConversationRow, LocalId, Message, PUSH_IDS_KEPT, Release, Released, Store, StoreError, Stored, Write};
use crate::session::Transport;

type Bytes = &'static [u8];
type ChatKey = (&'static str, &'static [u8]);

const META: TableDefinition<&str, Bytes> = TableDefinition::new("meta");
const TOKENS: TableDefinition<&str, Bytes> = TableDefinition::new("tokens");
const CURSORS: TableDefinition<&str, u64> = TableDefinition::new("cursors");
const HOLES: TableDefinition<ChatKey, Bytes> = TableDefinition::new("holes");
const CONVERSATIONS: TableDefinition<ChatKey, Bytes> = TableDefinition::new("conversations");
const MESSAGES: TableDefinition<(&str, &[u8], u64), Bytes> = TableDefinition::new("messages");
const NEWEST: TableDefinition<ChatKey, u64> = TableDefinition::new("newest");
const TAKEN: TableDefinition<ChatKey, u64> = TableDefinition::new("taken");
const OUTBOX: TableDefinition<u64, Bytes> = TableDefinition::new("outbox");
const PUSHES: TableDefinition<u64, Bytes> = TableDefinition::new("pushes");
const PUSH_IDS: TableDefinition<u64, u64> = TableDefinition::new("push_ids");
const HEARTBEATS: TableDefinition<(&str, u8), Bytes> = TableDefinition::new("heartbeats");
const WINNERS: TableDefinition<&str, u8> = TableDefinition::new("winners");

const FORMAT: u32 = 1;
/// redb's own default is a gigabyte.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// The store.
pub struct FileStore {
    database: Database,
    path: PathBuf,
}

impl FileStore {
    /// Opens the store in this file, or makes it. One process at a time.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let disk = |reason: &dyn std::fmt::Display| StoreError::Disk {
            path: path.display().to_string(),
            reason: reason.to_string(),
        };
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        if !path.exists() {
            create(path).map_err(|error| disk(&error))?;
        }
        let database = match builder.open(path) {
            Ok(database) => database,
            Err(DatabaseError::DatabaseAlreadyOpen) => {
                return Err(StoreError::InUse { path: path.display().to_string() });
            }
            Err(error) => return Err(disk(&error)),
        };
        let store = Self { database, path: path.to_owned() };
        match store.meta::<u32>(&store.begin_read()?, "format")? {
            Some(FORMAT) => Ok(store),
            Some(_) => Err(StoreError::Newer { path: store.name() }),
            None => Err(store.damaged("format")),
        }
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn disk(&self, error: impl std::fmt::Display) -> StoreError {
        StoreError::Disk { path: self.name(), reason: error.to_string() }
    }

    fn damaged(&self, what: &'static str) -> StoreError {
        StoreError::Damaged { path: self.name(), what }
    }

    fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        self.database.begin_read().map_err(|error| self.disk(error))
    }

    fn meta<T: DeserializeOwned>(&self, read: &ReadTransaction, name: &'static str) -> Result<Option<T>, StoreError> {
        let table = match read.open_table(META) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(self.disk(error)),
        };
        let value = table.get(name).map_err(|error| self.disk(error))?;
        value.map(|value| decode(value.value()).ok_or_else(|| self.damaged(name))).transpose()
    }

    fn load_all(&self) -> Result<Stored, LoadError> {
        let read = self.database.begin_read().map_err(redb::Error::from)?;
        let mut stored = Stored {
            identity: self.meta(&read, "identity")?,
            push_cursor: self.meta(&read, "push_cursor")?.flatten(),
            outbox_next: self.meta(&read, "outbox_next")?.unwrap_or(1),
            local_next: LocalId(self.meta(&read, "local_next")?.unwrap_or(0)),
            ..Stored::default()
        };
        for row in read.open_table(PUSH_IDS)?.iter()? {
            stored.push_ids.push(Position(row?.1.value()));
        }
        stored.pushes_wait = read.open_table(PUSHES)?.first()?.is_some();
        for row in read.open_table(OUTBOX)?.iter()? {
            let (local, value) = row?;
            let entry = decode::<OutboxValue>(value.value()).and_then(|value| value.entry(LocalId(local.value())));
            stored.outbox.push(entry.ok_or(LoadError::Damaged("outbox"))?);
        }
        for row in read.open_table(TOKENS)?.iter()? {
            let (user, token) = row?;
            stored.users.entry(user.value().into()).or_default().token = token.value().to_vec();
        }
        for row in read.open_table(CURSORS)?.iter()? {
            let (user, cursor) = row?;
            stored.users.entry(user.value().into()).or_default().cursor = Some(Position(cursor.value()));
        }
        for row in read.open_table(HOLES)?.iter()? {
            let (key, value) = row?;
            let (user, chat) = key.value();
            let chat = chat_from_key(chat).ok_or(LoadError::Damaged("holes"))?;
            let holes = decode(value.value()).ok_or(LoadError::Damaged("holes"))?;
            stored.users.entry(user.into()).or_default().holes.insert(chat, holes);
        }
        let taken = read.open_table(TAKEN)?;
        for row in read.open_table(NEWEST)?.iter()? {
            let (key, newest) = row?;
            let (user, chat_key) = key.value();
            let chat = chat_from_key(chat_key).ok_or(LoadError::Damaged("newest"))?;
            let newest = newest.value();
            let taken = taken.get((user, chat_key))?.map_or(0, |taken| taken.value());
            let user = stored.users.entry(user.into()).or_default();
            if newest > taken || user.holes.contains_key(&chat) {
                user.newest.insert(chat, Position(newest));
            }
        }
        for row in read.open_table(HEARTBEATS)?.iter()? {
            let (key, value) = row?;
            let (network, transport) = key.value();
            let memory = decode(value.value()).ok_or(LoadError::Damaged("heartbeats"))?;
            if let Some(transport) = transport_from_number(transport) {
                stored.networks.entry(network.into()).or_default().heartbeats.insert(transport, memory);
            }
        }
        for row in read.open_table(WINNERS)?.iter()? {
            let (network, transport) = row?;
            stored.networks.entry(network.value().into()).or_default().winner =
                transport_from_number(transport.value());
        }
        Ok(stored)
    }

    fn apply_all(&self, writes: &[Write]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut tables = Tables::open(&transaction)?;
            for write in writes {
                tables.write(write)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    fn waiting_messages(
        &self,
        (user, chat): (&str, &Chat),
        above: u64,
        to: Position,
        limit: usize,
    ) -> Result<Vec<Released>, LoadError> {
        let read = self.database.begin_read().map_err(redb::Error::from)?;
        let key = chat_key(chat);
        let taken = read.open_table(TAKEN)?.get((user, &key[..]))?.map_or(0, |taken| taken.value());
        let above = above.max(taken);
        let mut waiting = Vec::new();
        if above >= to.0 {
            return Ok(waiting);
        }
        for row in read.open_table(MESSAGES)?.range((user, &key[..], above + 1)..=(user, &key[..], to.0))? {
            let (position, value) = row?;
            let value: MessageValue = decode(value.value()).ok_or(LoadError::Damaged("messages"))?;
            if value.is_own() {
                continue;
            }
            waiting.push(Released::Message(value.message(user, chat.clone(), Position(position.value().2))));
            if waiting.len() >= limit {
                break;
            }
        }
        Ok(waiting)
    }

    fn waiting_pushes(&self, above: u64, limit: usize) -> Result<Vec<Released>, LoadError> {
        let read = self.database.begin_read().map_err(redb::Error::from)?;
        let mut waiting = Vec::new();
        for row in read.open_table(PUSHES)?.range(above.saturating_add(1)..)?.take(limit) {
            let (arrival, value) = row?;
            let push = decode_push(value.value()).ok_or(LoadError::Damaged("pushes"))?;
            waiting.push(Released::Push { arrival: arrival.value(), push });
        }
        Ok(waiting)
    }

    fn newest_messages(
        &self,
        (user, chat): (&str, &Chat),
        before: Position,
        limit: usize,
    ) -> Result<Vec<Message>, LoadError> {
        let read = self.database.begin_read().map_err(redb::Error::from)?;
        let key = chat_key(chat);
        let mut messages = Vec::new();
        for row in read.open_table(MESSAGES)?.range((user, &key[..], 0)..(user, &key[..], before.0))?.rev().take(limit)
        {
            let (position, value) = row?;
            let value: MessageValue = decode(value.value()).ok_or(LoadError::Damaged("messages"))?;
            messages.push(value.message(user, chat.clone(), Position(position.value().2)));
        }
        Ok(messages)
    }

    fn all_conversations(&self, user: &str) -> Result<Vec<ConversationRow>, LoadError> {
        let read = self.database.begin_read().map_err(redb::Error::from)?;
        let mut rows = Vec::new();
        for row in read.open_table(CONVERSATIONS)?.range((user, &[][..])..)? {
            let (key, value) = row?;
            let (of, chat) = key.value();
            if of != user {
                break;
            }
            let chat = chat_from_key(chat).ok_or(LoadError::Damaged("conversations"))?;
            let value: ConversationValue = decode(value.value()).ok_or(LoadError::Damaged("conversations"))?;
            rows.push(value.row(chat));
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.last));
        Ok(rows)
    }

    fn sort<T>(&self, result: Result<T, LoadError>) -> Result<T, StoreError> {
        result.map_err(|error| match error {
            LoadError::Store(error) => error,
            LoadError::Damaged(what) => self.damaged(what),
            LoadError::Redb(error) => self.disk(error),
        })
    }
}

impl Store for FileStore {
    fn load(&self) -> Result<Stored, StoreError> {
        self.sort(self.load_all())
    }

    fn apply(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.apply_all(&writes).map_err(|error| self.disk(error))
    }

    fn waiting(&self, release: &Release, above: u64, limit: usize) -> Result<Vec<Released>, StoreError> {
        self.sort(match release {
            Release::Messages { user, chat, to } => self.waiting_messages((user, chat), above, *to, limit),
            Release::Pushes => self.waiting_pushes(above, limit),
        })
    }

    fn messages(&self, user: &str, chat: &Chat, before: Position, limit: usize) -> Result<Vec<Message>, StoreError> {
        self.sort(self.newest_messages((user, chat), before, limit))
    }

    fn conversations(&self, user: &str) -> Result<Vec<ConversationRow>, StoreError> {
        self.sort(self.all_conversations(user))
    }
}

/// Reading goes wrong in three ways.
enum LoadError {
    Store(StoreError),
    Damaged(&'static str),
    Redb(redb::Error),
}

impl From<StoreError> for LoadError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<redb::Error> for LoadError {
    fn from(error: redb::Error) -> Self {
        Self::Redb(error)
    }
}

impl From<TableError> for LoadError {
    fn from(error: TableError) -> Self {
        Self::Redb(error.into())
    }
}

impl From<redb::StorageError> for LoadError {
    fn from(error: redb::StorageError) -> Self {
        Self::Redb(error.into())
    }
}

fn create(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let unfinished = path.with_extension("new");
    if unfinished.exists() {
        std::fs::remove_file(&unfinished)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let database = Database::builder().create_with_backend(FileBackend::new(options.open(&unfinished)?)?)?;
    let transaction = database.begin_write()?;
    Tables::open(&transaction)?.meta.insert("format", &encode(&FORMAT)[..])?;
    transaction.commit()?;
    drop(database);
    std::fs::rename(&unfinished, path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

type Table<'a, K, V> = redb::Table<'a, K, V>;

/// All tables, open for writing.
struct Tables<'a> {
    meta: Table<'a, &'static str, Bytes>,
    tokens: Table<'a, &'static str, Bytes>,
    cursors: Table<'a, &'static str, u64>,
    holes: Table<'a, ChatKey, Bytes>,
    conversations: Table<'a, ChatKey, Bytes>,
    messages: Table<'a, (&'static str, &'static [u8], u64), Bytes>,
    newest: Table<'a, ChatKey, u64>,
    taken: Table<'a, ChatKey, u64>,
    outbox: Table<'a, u64, Bytes>,
    pushes: Table<'a, u64, Bytes>,
    push_ids: Table<'a, u64, u64>,
    heartbeats: Table<'a, (&'static str, u8), Bytes>,
    winners: Table<'a, &'static str, u8>,
}

impl<'a> Tables<'a> {
    fn open(transaction: &'a redb::WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            tokens: transaction.open_table(TOKENS)?,
            cursors: transaction.open_table(CURSORS)?,
            holes: transaction.open_table(HOLES)?,
            conversations: transaction.open_table(CONVERSATIONS)?,
            messages: transaction.open_table(MESSAGES)?,
            newest: transaction.open_table(NEWEST)?,
            taken: transaction.open_table(TAKEN)?,
            outbox: transaction.open_table(OUTBOX)?,
            pushes: transaction.open_table(PUSHES)?,
            push_ids: transaction.open_table(PUSH_IDS)?,
            heartbeats: transaction.open_table(HEARTBEATS)?,
            winners: transaction.open_table(WINNERS)?,
        })
    }

    fn write(&mut self, write: &Write) -> Result<(), redb::StorageError> {
        match write {
            Write::Identity(identity) => self.set_meta("identity", &encode(identity))?,
            Write::PushCursor(cursor) => self.set_meta("push_cursor", &encode(cursor))?,
            Write::Token { user, token } if token.is_empty() => {
                self.tokens.remove(&**user)?;
            }
            Write::Token { user, token } => {
                self.tokens.insert(&**user, &token[..])?;
            }
            Write::ChatCursor { user, position } => {
                self.cursors.insert(&**user, position.0)?;
            }
            Write::Holes { user, chat, holes } if holes.is_empty() => {
                self.holes.remove((&**user, &chat_key(chat)[..]))?;
            }
            Write::Holes { user, chat, holes } => {
                self.holes.insert((&**user, &chat_key(chat)[..]), &encode(holes)[..])?;
            }
            Write::Conversation { user, row } => {
                let value = encode(&ConversationValue::new(row));
                self.conversations.insert((&**user, &chat_key(&row.chat)[..]), &value[..])?;
            }
            Write::Message(message) => self.write_message(message)?,
            Write::Push(push) => self.write_push(push)?,
            Write::Outbox(entry) => self.write_outbox(entry)?,
            Write::OutboxAnswered(local) => {
                self.outbox.remove(local.0)?;
            }
            Write::Heartbeat { network, transport, memory } => {
                self.heartbeats.insert((&**network, number_of_transport(*transport)), &encode(memory)[..])?;
            }
            Write::Winner { network, transport } => {
                self.winners.insert(&**network, number_of_transport(*transport))?;
            }
            Write::MessagesTaken { user, chat, position } => {
                let key = chat_key(chat);
                let key = (&**user, &key[..]);
                let before = self.taken.get(key)?.map_or(0, |taken| taken.value());
                self.taken.insert(key, before.max(position.0))?;
            }
            Write::PushesTaken { arrival } => self.pushes.retain_in(..=*arrival, |_, _| false)?,
        }
        Ok(())
    }

    fn set_meta(&mut self, name: &str, value: &[u8]) -> Result<(), redb::StorageError> {
        self.meta.insert(name, value)?;
        Ok(())
    }

    fn write_message(&mut self, message: &Message) -> Result<(), redb::StorageError> {
        let (user, chat) = (&*message.user, chat_key(&message.chat));
        let position = message.record.position.0;
        if self.messages.get((user, &chat[..], position))?.is_some() {
            return Ok(());
        }
        let value = MessageValue::new(&message.record);
        if !value.is_own() {
            let newest = self.newest.get((user, &chat[..]))?.map_or(0, |newest| newest.value());
            self.newest.insert((user, &chat[..]), newest.max(position))?;
        }
        self.messages.insert((user, &chat[..], position), &encode(&value)[..])?;
        Ok(())
    }

    /// The session passes on only pushes whose msg_id it does not know.
    fn write_push(&mut self, push: &super::Push) -> Result<(), redb::StorageError> {
        let arrival = self.push_ids.last()?.map_or(1, |(arrival, _)| arrival.value() + 1);
        self.push_ids.insert(arrival, push.msg_id.0)?;
        if let Some(old) = arrival.checked_sub(PUSH_IDS_KEPT as u64) {
            self.push_ids.remove(old)?;
        }
        self.pushes.insert(arrival, &encode(push)[..])?;
        Ok(())
    }

    fn write_outbox(&mut self, entry: &super::OutboxEntry) -> Result<(), redb::StorageError> {
        self.outbox.insert(entry.local.0, &encode(&OutboxValue::new(entry))[..])?;
        self.raise("local_next", entry.local.0 + 1)?;
        if let Some(number) = entry.number {
            self.raise("outbox_next", number.saturating_add(1))?;
        }
        Ok(())
    }

    fn raise(&mut self, name: &str, to: u64) -> Result<(), redb::StorageError> {
        let before = self.meta.get(name)?.and_then(|value| decode::<u64>(value.value())).unwrap_or(0);
        if to > before {
            self.set_meta(name, &encode(&to))?;
        }
        Ok(())
    }
}

fn number_of_transport(transport: Transport) -> u8 {
    match transport {
        Transport::Quic => 1,
        Transport::Tcp => 2,
        Transport::WebSocket => 3,
    }
}

fn transport_from_number(number: u8) -> Option<Transport> {
    [Transport::Quic, Transport::Tcp, Transport::WebSocket]
        .into_iter()
        .find(|transport| number_of_transport(*transport) == number)
}

#[cfg(test)]
mod tests {
    use anser_protocol::content::{Content, PushContent};
    use anser_protocol::frame::chat::Record;
    use anser_protocol::names::Name;

    use super::*;
    use crate::store::{HeartbeatMemory, Hole, Identity, MemoryStore, OutboxEntry, Push};

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

    /// One of everything.
    fn a_life() -> Vec<Write> {
        let entry = |local, number| OutboxEntry {
            local: LocalId(local),
            number,
            user: alice(),
            chat: Chat::Group(anser_protocol::ids::GroupId(10_000_000)),
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
            Write::Holes {
                user: alice(),
                chat: bob(),
                holes: vec![Hole { after: Position(10), before: Position(100) }],
            },
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
        ]
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
}
