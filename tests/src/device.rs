//! A user's device as a story tells of it: it says something, and hears what comes next.

use std::time::Duration;

use anser_client::session::{self, Transport};
use anser_client::shell::{Choice, Client, Dialer, Event, Events, Options, Trust};
use anser_client::store::Store;
use anser_protocol::content::Content;
use anser_protocol::names::Chat;
use tokio::time::timeout;

use crate::daemon::{App, Daemon};

/// Only what hangs meets it.
const PATIENCE: Duration = Duration::from_secs(100);

pub struct Device {
    pub client: Client,
    events: Events,
    /// Links that were opened and that ended, as far as it was heard.
    pub opened: usize,
    pub ended: usize,
}

impl Device {
    /// Connected and logged in, with the password that all users of stories have: `secret`.
    pub async fn log_in(daemon: &Daemon, app: &App, user: &str, transport: Transport, store: Box<dyn Store>) -> Self {
        let server = format!("localhost:{}", daemon.address().port());
        let trust = Trust::CaFile(daemon.ca().to_owned());
        let dialer = Dialer::new(&server, &trust, Choice::Only(transport)).expect("a good address");
        let (client, events) = Client::start(Options::new(&app.app_key), dialer, store).expect("it starts");
        timeout(PATIENCE, client.login(user, Some("secret"))).await.expect("it does not hang").expect("logged in");
        Self { client, events, opened: 0, ended: 0 }
    }

    /// The id of the message, once it is answered.
    pub async fn say(&self, to: &Chat, text: &str) -> u64 {
        let sent = timeout(PATIENCE, self.client.send(to.clone(), Content::text(text))).await.expect("answered");
        sent.expect("accepted").position.0
    }

    /// The next text.
    pub async fn text(&mut self) -> String {
        loop {
            match timeout(PATIENCE, self.events.next()).await.expect("something happens").expect("it goes on") {
                // A group that was made is told in a message, too.
                Event::Message(message) => {
                    if let Some(text) = message.record.content.as_text() {
                        return text.to_owned();
                    }
                }
                Event::Session(session::Event::Connected { .. }) => self.opened += 1,
                Event::Session(session::Event::Disconnected { .. }) => self.ended += 1,
                _ => {}
            }
        }
    }
}
