//! What users have read, on a real daemon: marks that follow the user from device to device, unread counts, receipts.

use anser_protocol::content::{Content, Notice, NoticeKind, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::{CatchUp, Send};
use anser_protocol::frame::read::*;
use anser_protocol::frame::session::{CredentialKind, Hello, capability};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names::Chat;
use anser_protocol::options::SendOptions;
use serde_json::json;

use crate::peer::{END, Peer, hello, login};
use crate::world::{App, World};

const REQUEST: u32 = 7;

fn none() -> Extensions {
    Extensions::default()
}

fn with(username: &str) -> ReadChat {
    ReadChat { username: username.into(), group: GroupId(0) }
}

async fn device(world: &World, app: &App, platform: Platform, capabilities: u64) -> Peer {
    let mut peer = Peer::connect(world).await;
    let ClientFrame::Hello(hello) = hello(&app.key, "", peer.secret) else { panic!("a hello is one") };
    peer.say(&ClientFrame::Hello(Hello { platform, capabilities, ..hello })).await;
    assert!(matches!(peer.hear().await, Some(ServerFrame::Welcome(_))));
    peer
}

/// Logs in as somebody who has everything up to `cursor`; what was told until all was caught up.
async fn log_in(peer: &mut Peer, username: &str, cursor: Position) -> Vec<ServerFrame> {
    let ClientFrame::Login(mut body) = login(1, username, CredentialKind::PASSWORD, b"secret") else { panic!() };
    body.cursor = Some(cursor);
    peer.say(&ClientFrame::Login(body)).await;
    let mut told = Vec::new();
    loop {
        let frame = peer.hear().await.expect("the login goes through");
        let is_over = matches!(&frame, ServerFrame::CatchUp(part) if part.is_last);
        told.push(frame);
        if is_over {
            return told;
        }
    }
}

async fn on(world: &World, app: &App, platform: Platform, username: &str) -> Peer {
    let mut peer = device(world, app, platform, capability::NOTICES | capability::READS).await;
    log_in(&mut peer, username, Position::START).await;
    peer
}

async fn ask(peer: &mut Peer, frame: ClientFrame) -> ServerFrame {
    peer.say(&frame).await;
    loop {
        match peer.hear_answer().await.expect("an answer") {
            ServerFrame::MarksMoved(_) | ServerFrame::Receipts(_) => {}
            answer => return answer,
        }
    }
}

async fn unread(peer: &mut Peer, chats: &[ReadChat]) -> (Vec<u32>, u32) {
    let body = UnreadAsk { request: REQUEST, chats: chats.to_vec(), total: true, extensions: none() };
    match ask(peer, ClientFrame::UnreadAsk(body)).await {
        ServerFrame::UnreadCounts(counted) => (counted.counts, counted.total),
        other => panic!("no counts: {other:?}"),
    }
}

async fn mark(peer: &mut Peer, chat: ReadChat, position: Position) {
    let marks = vec![ReadMark { chat, position }];
    let answer = ask(peer, ClientFrame::ReadMarks(ReadMarks { request: REQUEST, marks, extensions: none() })).await;
    assert!(matches!(answer, ServerFrame::Done(_)), "{answer:?}");
}

async fn read(peer: &mut Peer, messages: &[Position]) {
    let body = ReadMessages { request: REQUEST, messages: messages.to_vec(), extensions: none() };
    let answer = ask(peer, ClientFrame::ReadMessages(body)).await;
    assert!(matches!(answer, ServerFrame::Done(_)), "{answer:?}");
}

async fn readers(peer: &mut Peer, message: Position) -> Result<(Vec<String>, Vec<String>), ErrorCode> {
    let body = ReadersAsk { request: REQUEST, message, extensions: none() };
    peer.say(&ClientFrame::ReadersAsk(body)).await;
    let (mut read, mut unread) = (Vec::new(), Vec::new());
    loop {
        match peer.hear_answer().await.expect("an answer") {
            ServerFrame::Readers(part) => {
                read.extend(part.read);
                unread.extend(part.unread);
                if part.is_last {
                    return Ok((read, unread));
                }
            }
            ServerFrame::Failed(failed) => return Err(failed.code),
            ServerFrame::Receipts(_) => {}
            other => panic!("no readers: {other:?}"),
        }
    }
}

async fn send(peer: &mut Peer, outbox: u64, chat: Chat, options: &SendOptions) -> Position {
    let content = options.add_to(Content::text("hi"));
    match ask(peer, ClientFrame::Send(Send { outbox, chat, content })).await {
        ServerFrame::Sent(sent) => sent.position,
        other => panic!("not sent: {other:?}"),
    }
}

fn asking() -> SendOptions {
    SendOptions { needs_receipt: true, ..SendOptions::default() }
}

/// The next frame of this kind, live.
macro_rules! next {
    ($peer:expr, $kind:ident) => {
        loop {
            match $peer.hear().await {
                Some(ServerFrame::$kind(found)) => break found,
                Some(_) => {}
                None => panic!("the link ended"),
            }
        }
    };
}

fn marks_of(told: &[ServerFrame]) -> Vec<(Chat, Position)> {
    let parts = told.iter().filter_map(|frame| match frame {
        ServerFrame::CatchUp(CatchUp { conversations, .. }) => Some(conversations),
        _ => None,
    });
    parts.flatten().map(|row| (row.chat.clone(), row.read_mark)).collect()
}

fn numbers(receipts: &Receipts) -> Vec<(Position, u32)> {
    receipts.receipts.iter().map(|receipt| (receipt.message, receipt.unread)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_on_the_web_is_read_on_the_phone() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice", "bob"]).await;
    let mut alice = on(&world, &app, Platform::ANDROID, "alice").await;
    let mut web = on(&world, &app, Platform::WEB, "bob").await;
    let mut phone = on(&world, &app, Platform::IOS, "bob").await;
    for outbox in 1..=3 {
        send(&mut alice, outbox, Chat::User("bob".into()), &SendOptions::default()).await;
    }
    let mut newest = Position::START;
    for _ in 0..3 {
        newest = next!(phone, Deliver).record.position;
    }
    assert_eq!(unread(&mut phone, &[with("alice")]).await, (vec![3], 3));

    mark(&mut web, with("alice"), newest).await;

    let moved = next!(phone, MarksMoved);
    assert_eq!(moved.marks, [ReadMark { chat: with("alice"), position: newest }]);
    assert_eq!(moved.after, newest, "it joins on to the run");
    assert_eq!(unread(&mut phone, &[with("alice")]).await, (vec![0], 0));

    let later = send(&mut alice, 4, Chat::User("bob".into()), &SendOptions::default()).await;
    let delivered = next!(phone, Deliver);
    assert_eq!((delivered.after, delivered.record.position), (moved.to, later));
    assert_eq!(unread(&mut phone, &[with("alice")]).await, (vec![1], 1));

    let mut tablet = device(&world, &app, Platform::DESKTOP, capability::READS).await;
    let told = log_in(&mut tablet, "bob", newest).await;
    assert_eq!(marks_of(&told), [(Chat::User("alice".into()), newest)], "who was away finds it in the row");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knows_no_marks_is_told_of_none_and_its_run_goes_on() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice", "bob"]).await;
    let mut alice = on(&world, &app, Platform::ANDROID, "alice").await;
    let mut old = device(&world, &app, Platform::WEB, 0).await;
    log_in(&mut old, "bob", Position::START).await;
    let mut phone = on(&world, &app, Platform::IOS, "bob").await;
    let first = send(&mut alice, 1, Chat::User("bob".into()), &asking()).await;
    assert_eq!(next!(old, Deliver).record.position, first);

    mark(&mut phone, with("alice"), first).await;
    read(&mut phone, &[first]).await;
    let second = send(&mut alice, 2, Chat::User("bob".into()), &SendOptions::default()).await;

    let Some(ServerFrame::Deliver(delivered)) = old.hear().await else { panic!("it is told of messages only") };
    assert_eq!((delivered.after, delivered.record.position), (first, second));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_is_told_who_has_read_live_and_after_being_away() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice", "bob", "carol"]).await;
    let body = json!({"owner_username": "alice", "name": "geese", "members_username": ["bob", "carol"]});
    let made = world.call(&app, "POST", "/v1/groups", Some(body)).await.expect(201);
    let group = GroupId(u32::try_from(made["gid"].as_u64().expect("a number")).expect("short"));
    let mut alice = on(&world, &app, Platform::ANDROID, "alice").await;
    let mut bob = on(&world, &app, Platform::ANDROID, "bob").await;
    let mut bobs_web = on(&world, &app, Platform::WEB, "bob").await;
    let mut carol = on(&world, &app, Platform::ANDROID, "carol").await;

    alice
        .say(&ClientFrame::Send(Send {
            outbox: 1,
            chat: Chat::Group(group),
            content: asking().add_to(Content::text("hi")),
        }))
        .await;
    let message = next!(alice, Sent).position;
    let first = next!(alice, Receipts);
    assert_eq!(numbers(&first), [(message, 2)], "with the answer comes for how many it was");

    read(&mut bob, &[message]).await;
    let second = next!(alice, Receipts);
    assert_eq!((numbers(&second), second.after), (vec![(message, 1)], first.to));
    assert_eq!(second.receipts[0].chat, ReadChat { username: String::new(), group });
    let notice = loop {
        let delivered = next!(bobs_web, Deliver);
        if delivered.chat == Chat::Notices {
            break Notice::from_bytes(&delivered.record.content.body).expect("a notice");
        }
    };
    assert_eq!((notice.kind, notice.read_messages()), (NoticeKind::OWN_READS, vec![message]));

    assert_eq!(readers(&mut alice, message).await, Ok((vec!["bob".into()], vec!["carol".into()])));
    assert_eq!(readers(&mut bob, message).await, Err(ErrorCode::READERS_NOT_THE_SENDER));
    assert_eq!(readers(&mut alice, END).await, Err(ErrorCode::READERS_NOT_SENT));
    let plain = send(&mut alice, 2, Chat::Group(group), &SendOptions::default()).await;
    assert_eq!(readers(&mut alice, plain).await, Err(ErrorCode::READ_NOT_ASKED));

    read(&mut carol, &[message]).await;
    let mut web = device(&world, &app, Platform::WEB, capability::READS).await;
    let told = log_in(&mut web, "alice", second.to).await;
    let receipts: Vec<_> = told
        .iter()
        .filter_map(|frame| match frame {
            ServerFrame::Receipts(receipts) => Some((numbers(receipts), receipts.to == receipts.after)),
            _ => None,
        })
        .collect();
    assert_eq!(receipts, [(vec![(message, 0)], true)], "before the rows, and the run does not move");
}
