//! The session against a server of a few lines: what is said, kept and told, in which order.

mod activity;
mod asking;
mod catching_up;
mod groups;
mod labels;
mod live_records;
mod local;
mod push_stop;
mod pushes;
mod reads;
mod registration_and_login;
mod rooms;
mod sending;
mod talk;
mod the_link;

use std::time::Duration;

use anser_protocol::content::{Content, Platform, PushContent};
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::*;
use anser_protocol::frame::push::{PushAck, PushDeliver, PushState, PushWithdrawn};
use anser_protocol::frame::session::*;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::{self, Split};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names::Chat;
use anser_protocol::traits::Traits;
use anser_protocol::{Decoder, Encoder};

use super::*;
use crate::store::{LocalId, MemoryStore, Released};

const RTT: Duration = Duration::from_millis(50);

/// A client with its store, and the server's end of its link.
struct Scene {
    session: Session,
    store: MemoryStore,
    now: Duration,
    encoder: Encoder,
    decoder: Decoder,
    /// What the client has said and the test has not looked at.
    said: Vec<ClientFrame>,
    events: Vec<Event>,
    released: Vec<u64>,
    pushes: Vec<u64>,
    replaced: Vec<u64>,
    is_link_open: bool,
    wants_link: bool,
    /// Off: store actions wait until the test completes them.
    stores_at_once: bool,
}

fn config() -> Config {
    Config {
        app_key: "app".into(),
        platform: Platform::DESKTOP,
        network: "home".into(),
        traits: Traits::default(),
        former_registration_id: None,
    }
}

/// Random bytes that a test can repeat.
fn counting() -> Fill {
    let mut next = 0u32;
    Box::new(move |out| {
        for byte in out {
            next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (next >> 24) as u8;
        }
    })
}

impl Scene {
    fn new() -> Self {
        Self::with(MemoryStore::default())
    }

    fn with(store: MemoryStore) -> Self {
        Self::configured(config(), store)
    }

    fn configured(config: Config, store: MemoryStore) -> Self {
        let mut session = Session::new(config, store.load(), counting());
        let now = Duration::from_secs(1000);
        session.start(now);
        let mut scene = Self {
            session,
            store,
            now,
            encoder: Encoder::default(),
            decoder: Decoder::default(),
            said: vec![],
            events: vec![],
            released: vec![],
            pushes: vec![],
            replaced: vec![],
            is_link_open: false,
            wants_link: false,
            stores_at_once: true,
        };
        scene.settle();
        scene
    }

    /// Connected, welcomed, logged in as alice, caught up to `position`.
    fn at(position: u64) -> Self {
        let mut scene = Self::new();
        scene.session.login("alice", Some("secret"), scene.now).expect("a good name");
        scene.connect();
        scene.welcome(0);
        scene.log_in();
        scene.hear(catch_up(0, position, vec![]));
        scene.said.clear();
        scene.events.clear();
        scene
    }

    fn settle(&mut self) {
        while let Some(action) = self.session.next_action() {
            match action {
                Action::Connect => self.wants_link = true,
                Action::Transmit(bytes) => self.take_bytes(&bytes),
                Action::Store(ticket, writes) => {
                    self.store.begin(ticket, writes);
                    if self.stores_at_once {
                        self.complete_stores();
                    }
                }
                Action::Release(release) => {
                    for released in self.store.release(&release) {
                        match released {
                            Released::Message(message) => self.released.push(message.record.position.0),
                            Released::Push { push, .. } => {
                                self.pushes.push(push.msg_id.0);
                                self.replaced.extend(push.replaces.map(|replaces| replaces.0));
                            }
                        }
                    }
                }
                Action::Emit(event) => self.events.push(event),
                Action::Close => self.is_link_open = false,
            }
        }
    }

    fn complete_stores(&mut self) {
        while let Some(ticket) = self.store.complete_one() {
            self.session.handle_stored(ticket, self.now);
        }
        if !self.stores_at_once {
            self.settle();
        }
    }

    fn take_bytes(&mut self, mut bytes: &[u8]) {
        while let Ok(Split::Frame(frame, length)) = framing::split(bytes, 100_000) {
            self.said.push(self.decoder.client(frame).expect("the client speaks the protocol"));
            bytes = &bytes[length..];
        }
    }

    fn connect(&mut self) {
        assert!(std::mem::take(&mut self.wants_link), "the client does not want a link");
        self.encoder = Encoder::default();
        self.decoder = Decoder::default();
        self.is_link_open = true;
        self.session.handle_connected(Transport::Tcp, self.now);
        self.settle();
    }

    fn hear(&mut self, frame: ServerFrame) {
        let mut bytes = vec![];
        framing::append(&mut bytes, |out| self.encoder.server(&frame, out)).expect("a short frame");
        self.session.handle_bytes(&bytes, self.now);
        self.settle();
    }

    fn lose_link(&mut self) {
        self.session.handle_disconnected(self.now);
        self.settle();
        self.wait(Duration::from_secs(2));
    }

    /// Lets time pass, with every timer in its turn.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.session.next_deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.session.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    fn welcome(&mut self, outbox_head: u64) {
        self.welcome_with(outbox_head, capability::READS);
    }

    fn welcome_with(&mut self, outbox_head: u64, capabilities: u64) {
        self.hear(ServerFrame::Welcome(Welcome {
            version: 1,
            capabilities,
            registration_id: "device-1".into(),
            outbox_head,
            server_time_ms: 0,
            heartbeat_s: 120,
            heartbeat_min_s: 20,
            heartbeat_max_s: 300,
            extensions: Extensions::default(),
        }));
    }

    fn log_in(&mut self) {
        let request = self.login_said().request;
        self.hear(ServerFrame::LoggedIn(LoggedIn {
            request,
            username: "alice".into(),
            token: b"token".to_vec(),
            extensions: Extensions::default(),
        }));
    }

    fn fail(&mut self, request: u32, code: ErrorCode) {
        let failed = Failed { request, code, message: String::new(), extensions: Extensions::default() };
        self.hear(ServerFrame::Failed(failed));
    }

    /// The next link, with alice logged in again.
    fn come_back(&mut self) {
        self.said.clear();
        self.connect();
        self.welcome(0);
        self.log_in();
    }

    fn login_said(&self) -> Login {
        let login = self.said.iter().rev().find_map(|frame| match frame {
            ClientFrame::Login(login) => Some(login.clone()),
            _ => None,
        });
        login.expect("a login was said")
    }

    fn hello_said(&self) -> Hello {
        let hello = self.said.iter().rev().find_map(|frame| match frame {
            ClientFrame::Hello(hello) => Some(hello.clone()),
            _ => None,
        });
        hello.expect("a hello was said")
    }

    fn send(&mut self, to: &str, text: &str) -> LocalId {
        let local = self.session.send(Chat::User(to.into()), Content::text(text), self.now).expect("there is room");
        self.settle();
        local
    }

    fn sends_said(&mut self) -> Vec<(u64, String)> {
        let said = std::mem::take(&mut self.said);
        let sends = said.into_iter().filter_map(|frame| match frame {
            ClientFrame::Send(send) => Some((send.outbox, send.content.as_text().expect("texts are sent").to_owned())),
            _ => None,
        });
        sends.collect()
    }

    fn acks_said(&mut self) -> Vec<u64> {
        let said = std::mem::take(&mut self.said);
        let acks = said.into_iter().filter_map(|frame| match frame {
            ClientFrame::Ack(ack) => Some(ack.position.0),
            _ => None,
        });
        acks.collect()
    }

    fn history_said(&mut self) -> History {
        let said = std::mem::take(&mut self.said);
        let history = said.into_iter().find_map(|frame| match frame {
            ClientFrame::History(history) => Some(history),
            _ => None,
        });
        history.expect("history was asked for")
    }

    fn answer_history(&mut self, request: u32, chat: &str, positions: &[u64], is_complete: bool) {
        self.hear(ServerFrame::HistoryPage(HistoryPage {
            request,
            chat: Chat::User(chat.into()),
            records: positions.iter().map(|position| record(chat, *position)).collect(),
            is_complete,
            extensions: Extensions::default(),
        }));
    }

    fn kill(self) -> Self {
        let mut store = self.store;
        store.crash();
        Self::with(store)
    }
}

fn record(from: &str, position: u64) -> Record {
    let content = Content::text(&format!("text {position}"));
    Record { position: Position(position), at_ms: position, from: from.into(), outbox: 0, content }
}

fn deliver(after: u64, from: &str, position: u64) -> ServerFrame {
    let (after, chat) = (Position(after), Chat::User(from.into()));
    ServerFrame::Deliver(Deliver { after, chat, record: record(from, position) })
}

fn row(chat: &str, newest: &[u64], hole: bool) -> Conversation {
    Conversation {
        chat: Chat::User(chat.into()),
        name: String::new(),
        windows: vec![],
        last: Position(newest.first().copied().unwrap_or_default()),
        last_seq: 1,
        read_mark: Position::START,
        newest: newest.iter().map(|position| record(chat, *position)).collect(),
        hole,
        extensions: Extensions::default(),
    }
}

fn part(after: u64, to: u64, is_last: bool, conversations: Vec<Conversation>) -> ServerFrame {
    let extensions = Extensions::default();
    ServerFrame::CatchUp(CatchUp { after: Position(after), to: Position(to), is_last, conversations, extensions })
}

fn catch_up(after: u64, to: u64, conversations: Vec<Conversation>) -> ServerFrame {
    part(after, to, true, conversations)
}

fn sent(outbox: u64, position: u64) -> ServerFrame {
    ServerFrame::Sent(Sent { outbox, position: Position(position), at_ms: position })
}

fn refused(outbox: u64, code: ErrorCode) -> ServerFrame {
    let (message, extensions) = (String::new(), Extensions::default());
    ServerFrame::SendRefused(SendRefused { outbox, code, message, extensions })
}

fn push(after: u64, position: u64, msg_id: u64) -> ServerFrame {
    ServerFrame::PushDeliver(PushDeliver {
        after: Position(after),
        position: Position(position),
        msg_id: Position(msg_id),
        at_ms: 0,
        content: PushContent::default(),
        extensions: Extensions::default(),
    })
}
