//! What a client hears, and what it finds when it asks.

use anser_client::session::{self, Answer, Request};
use anser_client::shell::{Client, Event, Events};
use anser_client::store::{Message, Push};
use anser_protocol::content::ContentKind;
use anser_protocol::ids::Position;
use anser_protocol::names::Chat;
use tokio::time::timeout;

use crate::PATIENCE;

/// All messages of a chat, newest first.
pub async fn whole_history(client: &Client, chat: &Chat) -> Vec<(Position, Vec<u8>)> {
    let (mut found, mut before) = (Vec::new(), Position(u64::MAX >> 11));
    loop {
        let request = Request::History { chat: chat.clone(), before, after: Position::START, limit: 100 };
        let Answer::History { records, is_complete } = client.request(request).await.expect("it may be read") else {
            panic!("no page")
        };
        before = records.last().map_or(before, |record| record.position);
        let texts = records.into_iter().filter(|record| record.content.kind == ContentKind::TEXT);
        found.extend(texts.map(|record| (record.position, record.content.body)));
        if is_complete {
            return found;
        }
    }
}

/// What comes to a device.
pub struct Heard {
    pub events: Events,
    pub has_lost_its_link: bool,
}

impl Heard {
    pub async fn next(&mut self) -> Event {
        let event = timeout(PATIENCE, self.events.next()).await.expect("something happens").expect("it goes on");
        self.has_lost_its_link |= matches!(event, Event::Session(session::Event::Disconnected { .. }));
        event
    }

    pub async fn message(&mut self) -> Message {
        loop {
            if let Event::Message(message) = self.next().await {
                return message;
            }
        }
    }

    pub async fn text(&mut self) -> String {
        self.message().await.record.content.as_text().expect("a text").to_owned()
    }

    pub async fn push(&mut self) -> Push {
        loop {
            if let Event::Push(push) = self.next().await {
                return push;
            }
        }
    }

    /// The next that comes out of the store must be a push.
    pub async fn only_a_push(&mut self) -> Push {
        loop {
            match self.next().await {
                Event::Push(push) => return push,
                Event::Message(message) => panic!("a message came: {message:?}"),
                _ => {}
            }
        }
    }

    pub async fn session(&mut self, is_it: impl Fn(&session::Event) -> bool) {
        loop {
            if let Event::Session(event) = self.next().await
                && is_it(&event)
            {
                return;
            }
        }
    }
}
