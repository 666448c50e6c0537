//! What the user has read: told until the server has it, and heard from other devices.

use anser_protocol::frame::read::{MarksMoved, ReadChat, ReadMark, Receipt, Receipts};
use anser_protocol::options::SendOptions;
use proptest::prelude::*;

use super::*;
use crate::store::{ReceiptCount, Store};

fn bob() -> Chat {
    Chat::User("bob".into())
}

fn with(name: &str) -> ReadChat {
    ReadChat { username: name.into(), group: GroupId(0) }
}

impl Scene {
    fn mark(&mut self, chat: Chat, position: u64) {
        self.session.mark_read(chat, Position(position), self.now).expect("she is logged in");
        self.settle();
    }

    fn marked(&mut self, messages: &[u64]) {
        let messages = messages.iter().copied().map(Position).collect();
        self.session.mark_messages_read(messages, self.now).expect("she is logged in");
        self.settle();
    }

    /// What was told: the request, and chats with positions, or messages.
    fn reads_said(&mut self) -> Vec<(u32, Vec<(String, u64)>)> {
        let said = std::mem::take(&mut self.said);
        let told = said.into_iter().filter_map(|frame| match frame {
            ClientFrame::ReadMarks(body) => {
                let marks = body.marks.into_iter().map(|mark| (mark.chat.username, mark.position.0));
                Some((body.request, marks.collect()))
            }
            ClientFrame::ReadMessages(body) => {
                Some((body.request, body.messages.into_iter().map(|message| (String::new(), message.0)).collect()))
            }
            _ => None,
        });
        told.collect()
    }

    fn take(&mut self, request: u32) {
        self.hear(ServerFrame::Done(Done { request, extensions: Extensions::default() }));
    }

    fn marks_moved(&mut self, after: u64, to: u64, chat: &str, position: u64) {
        let marks = vec![ReadMark { chat: with(chat), position: Position(position) }];
        let (after, to, extensions) = (Position(after), Position(to), Extensions::default());
        self.hear(ServerFrame::MarksMoved(MarksMoved { after, to, marks, extensions }));
    }

    fn receipt(&mut self, after: u64, to: u64, message: u64, unread: u32) {
        let receipts = vec![Receipt { chat: with("bob"), message: Position(message), unread, at_ms: 9 }];
        let (after, to, extensions) = (Position(after), Position(to), Extensions::default());
        self.hear(ServerFrame::Receipts(Receipts { after, to, receipts, extensions }));
    }

    fn unread(&self, chat: &Chat) -> u32 {
        self.store.unread("alice", chat).expect("memory does not fail")
    }
}

#[test]
fn what_is_read_within_a_moment_is_told_in_one_frame_and_each_chat_once() {
    let mut scene = Scene::at(100);
    scene.mark(bob(), 90);
    scene.mark(bob(), 95);
    scene.mark(bob(), 80);
    scene.mark(Chat::User("carol".into()), 70);
    assert_eq!(scene.reads_said(), []);
    scene.wait(Duration::from_millis(200));
    let told = scene.reads_said();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].1, [("bob".into(), 95), ("carol".into(), 70)]);
}

#[test]
fn a_mark_is_told_again_on_the_next_link_and_after_a_kill_until_the_server_has_it() {
    let mut scene = Scene::at(100);
    scene.mark(bob(), 95);
    scene.wait(Duration::from_secs(1));
    assert_eq!(scene.reads_said().len(), 1);
    scene.lose_link();

    let mut scene = scene.kill();
    scene.session.login("alice", None, scene.now).expect("a good name");
    scene.come_back();
    let told = scene.reads_said();
    assert_eq!(told[0].1, [("bob".into(), 95)]);
    scene.take(told[0].0);
    assert!(scene.store.load().users["alice"].marks.is_empty());

    scene.lose_link();
    scene.come_back();
    scene.wait(Duration::from_secs(1));
    assert_eq!(scene.reads_said(), []);
}

#[test]
fn what_was_read_while_a_frame_was_on_its_way_follows_it() {
    let mut scene = Scene::at(100);
    scene.mark(bob(), 90);
    scene.wait(Duration::from_millis(200));
    let first = scene.reads_said();
    scene.mark(bob(), 95);
    scene.marked(&[80, 70]);
    scene.wait(Duration::from_secs(1));
    assert_eq!(scene.reads_said(), [], "one at a time");
    scene.take(first[0].0);
    let second = scene.reads_said();
    assert_eq!(second[0].1, [("bob".into(), 95)]);
    scene.take(second[0].0);
    let third = scene.reads_said();
    assert_eq!(third[0].1, [(String::new(), 70), (String::new(), 80)]);
    scene.take(third[0].0);
    assert!(scene.store.load().users["alice"].reads.is_empty());
}

#[test]
fn a_passing_refusal_is_repeated_and_another_one_given_up() {
    let mut scene = Scene::at(100);
    scene.mark(bob(), 95);
    scene.wait(Duration::from_millis(200));
    let told = scene.reads_said();
    scene.fail(told[0].0, ErrorCode::BUSY);
    assert_eq!(scene.reads_said(), []);
    scene.wait(Duration::from_secs(1));
    let told = scene.reads_said();
    assert_eq!(told[0].1, [("bob".into(), 95)]);
    scene.fail(told[0].0, ErrorCode::INVALID);
    scene.wait(Duration::from_secs(1));
    assert_eq!(scene.reads_said(), []);
}

#[test]
fn a_server_that_knows_no_marks_is_told_of_none() {
    let mut scene = Scene::at(100);
    scene.mark(bob(), 95);
    scene.lose_link();
    scene.connect();
    scene.welcome_with(0, 0);
    scene.log_in();
    scene.said.clear();
    scene.wait(Duration::from_secs(1));
    assert_eq!(scene.reads_said(), []);
    assert_eq!(scene.unread(&bob()), 0, "it is read here nevertheless");
    assert_eq!(scene.store.load().users["alice"].marks.len(), 1, "a later server will hear of it");
}

#[test]
fn a_mark_of_another_device_takes_part_in_the_run_and_lowers_the_count() {
    let mut scene = Scene::at(100);
    scene.hear(deliver(100, "bob", 105));
    scene.hear(deliver(105, "bob", 106));
    assert_eq!(scene.unread(&bob()), 2);
    scene.events.clear();
    scene.marks_moved(106, 107, "bob", 105);
    assert_eq!(scene.unread(&bob()), 1);
    let user: Name = "alice".into();
    assert_eq!(scene.events, [Event::ReadMarked { user, chat: bob(), position: Position(105) }]);
    assert_eq!(scene.store.load().users["alice"].cursor, Some(Position(107)));
    scene.hear(deliver(107, "bob", 108));
    assert_eq!((scene.unread(&bob()), scene.is_link_open), (2, true));
}

#[test]
fn what_another_device_has_read_further_needs_not_be_told() {
    let mut scene = Scene::at(100);
    scene.mark(bob(), 95);
    scene.marks_moved(100, 101, "bob", 98);
    scene.wait(Duration::from_secs(1));
    assert_eq!(scene.reads_said(), []);
}

#[test]
fn a_catch_up_brings_the_mark_of_a_chat_that_was_read_elsewhere() {
    let mut scene = Scene::at(100);
    scene.hear(deliver(100, "bob", 105));
    scene.lose_link();
    scene.come_back();
    let read = Conversation { read_mark: Position(105), ..row("bob", &[], false) };
    scene.hear(catch_up(105, 110, vec![Conversation { last: Position(105), ..read }]));
    assert_eq!(scene.unread(&bob()), 0);
}

#[test]
fn a_number_set_by_hand_counts_on_and_goes_with_the_next_mark() {
    let mut scene = Scene::at(100);
    scene.hear(deliver(100, "bob", 105));
    scene.session.set_unread(bob(), 7, scene.now).expect("logged in");
    scene.settle();
    scene.hear(deliver(105, "bob", 106));
    assert_eq!(scene.unread(&bob()), 8);
    scene.wait(Duration::from_secs(1));
    assert_eq!(scene.reads_said(), [], "it is for this device alone");
    scene.mark(bob(), 106);
    assert_eq!(scene.unread(&bob()), 0);
}

#[test]
fn receipts_in_a_catch_up_move_nothing_and_live_ones_move_the_run() {
    let mut scene = Scene::at(100);
    let kept =
        |scene: &Scene| scene.store.receipt("alice", &bob(), Position(90)).expect("memory").expect("told").unread;
    scene.receipt(100, 100, 90, 3);
    assert_eq!((kept(&scene), scene.store.load().users["alice"].cursor), (3, Some(Position(100))));
    scene.receipt(100, 102, 90, 1);
    scene.receipt(102, 102, 90, 2);
    let count = scene.store.receipt("alice", &bob(), Position(90)).expect("memory");
    assert_eq!(count, Some(ReceiptCount { unread: 1, at_ms: 9 }), "the smaller holds");
    assert_eq!(scene.store.load().users["alice"].cursor, Some(Position(102)));
    scene.receipt(105, 106, 90, 0);
    assert!(!scene.is_link_open, "something between is missing");
}

/// What happens to the chat with bob, on the server's side.
#[derive(Clone, Debug)]
enum Happens {
    FromBob { count: u32 },
    FromOtherDevice,
    MarkHere { back: u64 },
    MarkElsewhere { back: u64 },
    LinkLost,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => (0u32..4).prop_map(|count| Happens::FromBob { count }),
        2 => Just(Happens::FromOtherDevice),
        2 => (0u64..6).prop_map(|back| Happens::MarkHere { back }),
        2 => (0u64..6).prop_map(|back| Happens::MarkElsewhere { back }),
        1 => Just(Happens::LinkLost),
    ]
}

/// The server of one chat: all its records, the mark, and what a row of a catch-up says.
struct Server {
    records: Vec<Record>,
    mark: u64,
    end: u64,
}

impl Server {
    fn unread(&self) -> u32 {
        let above = self.records.iter().filter(|record| record.position.0 > self.mark && &*record.from == "bob");
        above.map(|record| record.content.unread_weight()).sum()
    }

    fn move_mark(&mut self, position: u64) {
        let newest = self.records.last().map_or(0, |record| record.position.0);
        self.mark = self.mark.max(position.min(newest));
    }

    fn append(&mut self, from: &str, count: u32) -> Record {
        self.end += 1;
        let content = SendOptions { count, ..SendOptions::default() }.add_to(Content::text("hi"));
        let position = Position(self.end);
        let record = Record { position, at_ms: 0, from: from.into(), outbox: 0, content };
        self.records.push(record.clone());
        record
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_count_here_is_that_of_the_servers_rule_whatever_happened(steps in prop::collection::vec(happens(), 1..40)) {
        let mut scene = Scene::at(100);
        let mut server = Server { records: vec![], mark: 0, end: 100 };
        let (mut run, mut is_away) = (100, false);
        for step in steps.into_iter().chain([Happens::LinkLost, Happens::FromBob { count: 1 }]) {
            let newest = server.records.last().map_or(0, |record| record.position.0);
            match step {
                Happens::FromBob { .. } | Happens::FromOtherDevice => {
                    let record = match step {
                        Happens::FromBob { count } => server.append("bob", count),
                        _ => server.append("alice", 1),
                    };
                    if !is_away {
                        let (after, to) = (Position(run), record.position.0);
                        scene.hear(ServerFrame::Deliver(Deliver { after, chat: bob(), record }));
                        run = to;
                    }
                }
                Happens::MarkHere { back } if newest > back => scene.mark(bob(), newest - back),
                Happens::MarkElsewhere { back } if newest > back => {
                    server.move_mark(newest - back);
                    server.end += 1;
                    if !is_away {
                        scene.marks_moved(run, server.end, "bob", server.mark);
                        run = server.end;
                    }
                }
                Happens::LinkLost if !is_away => {
                    scene.lose_link();
                    is_away = true;
                }
                _ => {}
            }
            scene.wait(Duration::from_millis(300));
            for (request, marks) in scene.reads_said() {
                marks.iter().for_each(|(_, position)| server.move_mark(*position));
                scene.take(request);
            }
        }
        // Back, with the newest record in the row and the rest behind a hole.
        if scene.wants_link {
            scene.come_back();
            let missed: Vec<Record> = server.records.iter().filter(|record| record.position.0 > run).cloned().collect();
            let newest: Vec<Record> = missed.last().cloned().into_iter().collect();
            let last = server.records.last().map_or(Position(run), |record| record.position);
            let hole = missed.len() > 1;
            let row = Conversation { newest, last, hole, read_mark: Position(server.mark), ..row("bob", &[], false) };
            for (_, marks) in scene.reads_said() {
                marks.iter().for_each(|(_, position)| server.move_mark(*position));
            }
            scene.hear(catch_up(run, server.end, vec![row]));
            if hole {
                let asked = scene.history_said();
                let inside = missed.iter().rev().filter(|record| record.position < asked.before);
                let (request, chat, records) = (asked.request, bob(), inside.cloned().collect());
                let (is_complete, extensions) = (true, Extensions::default());
                scene.hear(ServerFrame::HistoryPage(HistoryPage { request, chat, records, is_complete, extensions }));
            }
        }
        prop_assert_eq!(scene.unread(&bob()), server.unread());
    }
}
