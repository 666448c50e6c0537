//! A user's device: what happens to it can be waited for, what it sends and gets is told to the judge.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anser_client::session::{self, Request, Transport};
use anser_client::shell::{Client, Dialer, Event, Events, Options};
use anser_client::store::FileStore;
use anser_protocol::content::Content;
use anser_protocol::names;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::daemon::App;
use crate::judge::Recorder;
use crate::load::Chat;

/// Five times what anything here takes on a loaded machine; only what never happens meets it.
pub const PATIENCE: Duration = Duration::from_secs(100);
const PASSWORD: &str = "secret";

/// What the session told, and when.
pub type Happened = (Instant, session::Event);

/// See the [module](self).
#[derive(Clone)]
pub struct Phone {
    user: String,
    pub client: Client,
    happened: Arc<watch::Sender<Vec<Happened>>>,
    recorder: Arc<watch::Sender<Option<Recorder>>>,
}

impl Phone {
    /// Must be called within a tokio runtime.
    pub fn start(dialer: impl Into<Arc<Dialer>>, app: &App, user: &str, store: &Path) -> Self {
        let store = FileStore::open(store).expect("a store in a temporary folder");
        let options = Options::new(&app.app_key);
        let (client, events) = Client::start(options, dialer, Box::new(store)).expect("a store that was just opened");
        let phone = Self { user: user.to_owned(), client, happened: Arc::default(), recorder: Arc::default() };
        tokio::spawn(phone.clone().listen(events));
        phone
    }

    /// Registers the user and logs in.
    pub async fn sign_up(&self) {
        let request = Request::RegisterUser { username: self.user.clone(), password: PASSWORD.to_owned() };
        self.client.request(request).await.expect("the name is free");
        self.client.login(&self.user, Some(PASSWORD)).await.expect("the user was just made");
    }

    pub async fn stop(self) {
        self.client.stop().await;
    }

    /// From now on the judge is told.
    pub fn record(&self, recorder: &Recorder) {
        self.recorder.send_replace(Some(recorder.clone()));
    }

    async fn listen(self, mut events: Events) {
        while let Some(event) = events.next().await {
            match event {
                Event::Session(event) => self.happened.send_modify(|all| all.push((Instant::now(), event))),
                Event::Message(message) => {
                    let recorder = self.recorder.borrow().clone();
                    if let (Some(recorder), names::Chat::User(peer), Some(text)) =
                        (recorder, &message.chat, message.record.content.as_text())
                    {
                        let chain = Chat::between(&self.user, peer).chain();
                        recorder.received(&chain, text, &self.user, Some(message.record.position.0));
                    }
                }
                _ => {}
            }
        }
    }

    /// Hands a message to the client. That it was answered is told whenever it is.
    pub async fn post(&self, peer: &str, text: &str) {
        let recorder = self.recorder.borrow().clone().expect("sends are for the judge");
        let chain = Chat::between(&self.user, peer).chain();
        recorder.sent_in_lane(&chain, text, &self.user);
        let posted = self.client.post(names::Chat::User(peer.into()), Content::text(text)).await;
        let (_, outcome) = posted.expect("the outbox has room");
        let text = text.to_owned();
        tokio::spawn(async move {
            match outcome.await {
                Ok(Ok(sent)) => recorder.answered(&chain, &text, sent.position.0),
                Ok(Err(_)) => recorder.refused(&chain, &text),
                // The client ended first.
                Err(_) => {}
            }
        });
    }

    /// How much has happened so far: what comes later can be waited for.
    pub fn mark(&self) -> usize {
        self.happened.borrow().len()
    }

    /// Waits for something that happens after the mark, and says when it did.
    pub async fn until(&self, mark: usize, what: &str, is_it: impl Fn(&session::Event) -> bool) -> Happened {
        let mut happened = self.happened.subscribe();
        let found = |all: &Vec<Happened>| all.iter().skip(mark).find(|(_, event)| is_it(event)).cloned();
        let waited = timeout(PATIENCE, happened.wait_for(|all| found(all).is_some())).await;
        match waited {
            Ok(Ok(all)) => found(&all).expect("it was waited for"),
            _ => panic!("{} waited in vain for: {what}; what happened: {:#?}", self.user, self.links()),
        }
    }

    /// Waits for a link that opens after the mark, and says over what.
    pub async fn until_connected(&self, mark: usize) -> (Instant, Transport) {
        match self.until(mark, "a link", |event| matches!(event, session::Event::Connected { .. })).await {
            (at, session::Event::Connected { transport, .. }) => (at, transport),
            _ => unreachable!("it was asked for"),
        }
    }

    /// Has a link opened or ended since the mark?
    pub fn has_changed_links(&self, mark: usize) -> bool {
        self.happened.borrow().iter().skip(mark).any(is_of_link)
    }

    /// Which links there were so far.
    pub fn links(&self) -> Vec<Happened> {
        self.happened.borrow().iter().filter(|happened| is_of_link(happened)).cloned().collect()
    }
}

fn is_of_link((_, event): &Happened) -> bool {
    matches!(event, session::Event::Connected { .. } | session::Event::Disconnected { .. })
}
