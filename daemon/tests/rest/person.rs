//! Somebody at a device: logs in, registers, sends, and is sent away.

use std::collections::VecDeque;

use anser_protocol::content::{Content, ContentKind, GroupEvent, Notice, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::{Deliver, Send};
use anser_protocol::frame::session::{CredentialKind, Hello, RegisterUser, capability};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names::Chat;

use crate::peer::{Peer, hello, login};
use crate::world::{App, World};

pub struct Person {
    peer: Peer,
    registration_id: String,
    last_outbox: u64,
    /// That were heard before they were asked for.
    notices: VecDeque<Notice>,
}

impl Person {
    /// With a new device of this platform.
    pub async fn on(platform: Platform, world: &World, app: &App) -> Self {
        let mut peer = Peer::connect(world).await;
        let ClientFrame::Hello(hello) = hello(&app.key, "", peer.secret) else { panic!("a hello is one") };
        peer.say(&ClientFrame::Hello(Hello { platform, ..hello })).await;
        let Some(ServerFrame::Welcome(welcome)) = peer.hear().await else { panic!("no welcome") };
        Self { peer, registration_id: welcome.registration_id, last_outbox: 0, notices: VecDeque::new() }
    }

    /// The same with a device that knows the chat of notices, logged in.
    pub async fn told(world: &World, app: &App, username: &str) -> Self {
        let mut peer = Peer::connect(world).await;
        let ClientFrame::Hello(hello) = hello(&app.key, "", peer.secret) else { panic!("a hello is one") };
        peer.say(&ClientFrame::Hello(Hello { capabilities: capability::NOTICES, ..hello })).await;
        let Some(ServerFrame::Welcome(welcome)) = peer.hear().await else { panic!("no welcome") };
        assert_eq!(welcome.capabilities, capability::NOTICES | capability::READS | capability::PROFILES);
        let mut person =
            Self { peer, registration_id: welcome.registration_id, last_outbox: 0, notices: VecDeque::new() };
        person.log_in(username, "secret").await.expect("the password is right");
        person
    }

    /// The answer to a request.
    pub async fn ask(&mut self, request: ClientFrame) -> ServerFrame {
        self.peer.say(&request).await;
        loop {
            match self.peer.hear().await.expect("an answer") {
                ServerFrame::Deliver(deliver) => self.notices.extend(notice_of(&deliver)),
                ServerFrame::Covered(_) | ServerFrame::PushCovered(_) => {}
                answer => return answer,
            }
        }
    }

    /// The code of a refusal; nothing when the request was carried out.
    pub async fn code_of(&mut self, request: ClientFrame) -> Option<ErrorCode> {
        match self.ask(request).await {
            ServerFrame::Done(_) => None,
            ServerFrame::Failed(failed) => Some(failed.code),
            other => panic!("no answer to a change: {other:?}"),
        }
    }

    /// The next notice, live.
    pub async fn notice(&mut self) -> Notice {
        while self.notices.is_empty() {
            match self.peer.hear().await {
                Some(ServerFrame::Deliver(deliver)) => self.notices.extend(notice_of(&deliver)),
                Some(ServerFrame::Covered(_) | ServerFrame::PushCovered(_)) => {}
                other => panic!("no notice: {other:?}"),
            }
        }
        self.notices.pop_front().expect("one was heard")
    }

    /// All notices there are, oldest first.
    pub async fn notices(&mut self) -> Vec<Notice> {
        let page = self.peer.history(Chat::Notices, Position(u64::MAX >> 11)).await;
        let notices = page.records.iter().rev().map(|record| Notice::from_bytes(&record.content.body));
        notices.map(|notice| notice.expect("a notice")).collect()
    }

    /// Returns when the server has told what was missed: from then on it tells of what ends the login, too.
    pub async fn log_in(&mut self, username: &str, password: &str) -> Result<(), ErrorCode> {
        self.peer.say(&login(1, username, CredentialKind::PASSWORD, password.as_bytes())).await;
        loop {
            match self.peer.hear().await {
                Some(ServerFrame::CatchUp(part)) if part.is_last => return Ok(()),
                Some(ServerFrame::LoggedIn(_) | ServerFrame::CatchUp(_) | ServerFrame::PushCovered(_)) => {}
                Some(ServerFrame::Failed(failed)) => return Err(failed.code),
                other => panic!("no answer to a login: {other:?}"),
            }
        }
    }

    pub async fn register_user(&mut self, username: &str) -> Result<(), ErrorCode> {
        let (username, password) = (username.to_owned(), "secret".to_owned());
        let body = RegisterUser { request: 2, username, password, extensions: Extensions::default() };
        self.peer.say(&ClientFrame::RegisterUser(body)).await;
        match self.peer.hear_answer().await {
            Some(ServerFrame::Done(_)) => Ok(()),
            Some(ServerFrame::Failed(failed)) => Err(failed.code),
            other => panic!("no answer to a registration: {other:?}"),
        }
    }

    pub async fn send_to(&mut self, username: &str) -> Result<(), ErrorCode> {
        self.send_in(Chat::User(username.into())).await
    }

    pub async fn send_to_group(&mut self, gid: u64) -> Result<(), ErrorCode> {
        self.send_in(Chat::Group(GroupId(gid as u32))).await
    }

    /// Waits for the next event of a group.
    pub async fn group_event(&mut self) -> GroupEvent {
        loop {
            match self.peer.hear().await {
                Some(ServerFrame::Deliver(Deliver { record, .. })) if record.content.kind == ContentKind::EVENT => {
                    return GroupEvent::from_bytes(&record.content.body).expect("an event of this version");
                }
                Some(ServerFrame::Covered(_) | ServerFrame::Deliver(_)) => {}
                other => panic!("no event: {other:?}"),
            }
        }
    }

    async fn send_in(&mut self, chat: Chat) -> Result<(), ErrorCode> {
        self.last_outbox += 1;
        let (outbox, content) = (self.last_outbox, Content::text("hi"));
        self.peer.say(&ClientFrame::Send(Send { outbox, chat, content })).await;
        match self.peer.hear_answer().await {
            Some(ServerFrame::Sent(_)) => Ok(()),
            Some(ServerFrame::SendRefused(refused)) => Err(refused.code),
            other => panic!("no answer to a message: {other:?}"),
        }
    }

    /// Waits until the server ends the link; why.
    pub async fn sent_away(&mut self) -> ErrorCode {
        match self.peer.hear_answer().await {
            Some(ServerFrame::GoAway(go_away)) => go_away.code,
            other => panic!("nobody is sent away: {other:?}"),
        }
    }

    /// Ends the link; returns when the server knows.
    pub async fn hang_up(self, world: &World, app: &App) {
        let Self { peer, registration_id, .. } = self;
        drop(peer);
        let (context, app) = (world.daemon.context(), app.number);
        let found = context.ledger.read(move |snapshot| snapshot.device_by_registration_id(app, &registration_id));
        let (device, _) = found.await.expect("readable").expect("registered");
        while context.switchboard.holds_link(app, device) {
            tokio::task::yield_now().await;
        }
    }
}

fn notice_of(deliver: &Deliver) -> Option<Notice> {
    if deliver.chat != Chat::Notices {
        return None;
    }
    assert_eq!((deliver.record.content.kind, &*deliver.record.from), (ContentKind::NOTICE, ""));
    Some(Notice::from_bytes(&deliver.record.content.body).expect("a notice"))
}
