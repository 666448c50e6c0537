//! A user's device: the client library with its durable store, sending and receiving, each recorded.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anser_client::session::{Event as SessionEvent, Request, Transport};
use anser_client::shell::{Choice, Client, Dialer, Event, Events, Options, Trust};
use anser_client::store::{FileStore, LocalId, Message, Push};
use anser_protocol::content::Content;
use anser_protocol::names;
use tokio::sync::{Mutex, Semaphore};

use super::{Chat, Outages, PUSHES};
use crate::daemon::{App, Daemon};
use crate::judge::Recorder;

/// Sends that wait for their answers at a time: enough to fill the link, few enough to matter one by one.
const IN_FLIGHT: u32 = 8;

/// A handle that clones.
#[derive(Clone)]
pub struct Device {
    user: String,
    client: Client,
    recorder: Recorder,
    outages: Outages,
    /// What was handed over and is not answered yet: its chain and text.
    in_flight: Arc<Mutex<BTreeMap<LocalId, (String, String)>>>,
    room: Arc<Semaphore>,
}

/// What a device is told, on its way to the judge.
pub struct Ear {
    device: Device,
    events: Events,
}

impl Device {
    /// Connects over one transport and logs the user in. The store is a file and survives whatever happens to the daemon.
    pub async fn start(
        daemon: &Daemon,
        app: &App,
        user: &str,
        password: &str,
        transport: Transport,
        store: &Path,
        (recorder, outages): (&Recorder, &Outages),
    ) -> io::Result<(Self, Ear)> {
        let trust = Trust::CaFile(daemon.ca().to_owned());
        let dialer = Dialer::new(&daemon.address().to_string(), &trust, Choice::Only(transport));
        let store = FileStore::open(store).map_err(io::Error::other)?;
        let dialer = dialer.map_err(io::Error::other)?;
        let (client, events) =
            Client::start(Options::new(&app.app_key), dialer, Box::new(store)).map_err(io::Error::other)?;
        client.login(user, Some(password)).await.map_err(io::Error::other)?;
        let device = Self {
            user: user.to_owned(),
            client,
            recorder: recorder.clone(),
            outages: outages.clone(),
            in_flight: Arc::default(),
            room: Arc::new(Semaphore::new(IN_FLIGHT as usize)),
        };
        Ok((device.clone(), Ear { device, events }))
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    /// Says something, so that the device finds out whether its link still works: QUIC has no other way.
    pub fn poke(&self) {
        let client = self.client.clone();
        // Whether it is answered does not matter.
        tokio::spawn(async move { client.request(Request::TagsGet).await });
    }

    /// Connects at once where it would wait: to the device, whose links break again and again, the network is bad.
    pub async fn hurry(&self) {
        self.client.network_changed("default").await;
    }

    /// Sends texts, now to one chat and now to the next, until the run is over; ends when all are answered.
    pub async fn send_on(self, chats: Vec<Chat>) -> io::Result<()> {
        for number in 0.. {
            if self.outages.until_up().await.is_none() {
                break;
            }
            // Never closed.
            self.room.acquire().await.map_err(io::Error::other)?.forget();
            self.send(&chats[number % chats.len()], format!("{} {number}", self.user)).await?;
        }
        self.room.acquire_many(IN_FLIGHT).await.map(drop).map_err(io::Error::other)
    }

    async fn send(&self, chat: &Chat, text: String) -> io::Result<()> {
        // Held until the message is noted, so that its answer cannot come before.
        let mut in_flight = self.in_flight.lock().await;
        self.recorder.sent_in_lane(&chat.chain(), &text, &self.user);
        let content = Content::text(&text);
        let (local, _) = self.client.post(self.as_named(chat), content).await.map_err(io::Error::other)?;
        in_flight.insert(local, (chat.chain(), text));
        Ok(())
    }

    fn as_named(&self, chat: &Chat) -> names::Chat {
        match chat {
            Chat::Single(lower, upper) => {
                names::Chat::User(if *lower == self.user { &**upper } else { &**lower }.into())
            }
            Chat::Group(group) => names::Chat::Group(*group),
        }
    }

    fn as_chain(&self, chat: &names::Chat) -> String {
        match chat {
            names::Chat::User(peer) => Chat::between(&self.user, peer).chain(),
            names::Chat::Group(group) => Chat::Group(*group).chain(),
            names::Chat::Notices => format!("notices of {}", self.user),
        }
    }
}

impl Ear {
    /// Tells the judge of everything that comes, until the device ends. A refused send is worth a stop: nothing that is
    /// sent here may be refused.
    pub async fn listen_on(mut self) -> io::Result<()> {
        while let Some(event) = self.events.next().await {
            match event {
                Event::Message(message) => self.on_message(&message),
                Event::Push(push) => self.on_push(&push),
                Event::Session(SessionEvent::Sent { local, position, .. }) => self.on_sent(local, position.0).await,
                Event::Session(SessionEvent::Disconnected { reason }) => {
                    self.note(format!("disconnected: {reason:?}"));
                    self.device.outages.note_cut_off(&self.device.user);
                }
                Event::Session(SessionEvent::SendFailed { chat, code, message, .. }) => {
                    let user = &self.device.user;
                    return Err(io::Error::other(format!("{user} to {chat:?}: refused: {message} ({})", code.0)));
                }
                Event::StoreFailed(error) => return Err(io::Error::other(error)),
                Event::Session(event) => self.note(format!("{event:?}")),
                Event::Unreachable(why) => self.note(why.to_string()),
            }
        }
        Ok(())
    }

    fn note(&self, what: String) {
        self.device.outages.note_event(&self.device.user, what);
    }

    fn on_message(&self, message: &Message) {
        let device = &self.device;
        // Events of groups carry no text; the judge is told only of what somebody sent.
        if let Some(text) = message.record.content.as_text() {
            let id = Some(message.record.position.0);
            device.recorder.received(&device.as_chain(&message.chat), text, &device.user, id);
        }
    }

    fn on_push(&self, push: &Push) {
        let text = push.content.notification.as_ref().map_or("", |notification| &notification.alert);
        self.device.recorder.received(PUSHES, text, &self.device.user, Some(push.msg_id.0));
    }

    async fn on_sent(&self, local: LocalId, id: u64) {
        let device = &self.device;
        let Some((chain, text)) = device.in_flight.lock().await.remove(&local) else {
            return;
        };
        device.recorder.answered(&chain, &text, id);
        device.outages.note_answer(&device.user);
        device.room.add_permits(1);
    }
}
