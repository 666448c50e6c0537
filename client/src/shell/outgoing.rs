//! What goes to the application: events, and records as the store hands them out, while there is room.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anser_protocol::ids::Position;
use anser_protocol::names::{Chat, Name};
use tokio::sync::{Notify, mpsc};

use super::keeper::Keeper;
use super::{Delivery, Event};
use crate::store::{Release, Released};

/// So many records are read from the store at once.
const PAGE: usize = 64;

/// Between the driver, which only adds, and the task that hands out. Records wait in the store, not here: a chat takes one
/// place however many there are.
#[derive(Default)]
pub(super) struct Outgoing {
    queue: Mutex<Queue>,
    added: Notify,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    /// Up to where each chat that is in the queue may be handed out.
    limits: BTreeMap<(Name, Chat), Position>,
    pushes_wait: bool,
    /// The application listens no more: there is nobody to keep anything for.
    is_closed: bool,
    /// The driver has gone: nothing is added any more.
    has_ended: bool,
}

/// The driver's: with it ends what can be added.
pub(super) struct Ending(pub Arc<Outgoing>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.lock().has_ended = true;
        self.0.added.notify_one();
    }
}

enum Item {
    Event(Event),
    Chat(Name, Chat),
    Pushes,
}

impl Outgoing {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().items.len()
    }

    pub(super) fn push_event(&self, event: Event) {
        let mut queue = self.lock();
        if queue.is_closed {
            return;
        }
        queue.items.push_back(Item::Event(event));
        drop(queue);
        self.added.notify_one();
    }

    pub(super) fn push_release(&self, release: Release) {
        let mut queue = self.lock();
        if queue.is_closed {
            return;
        }
        match release {
            Release::Messages { user, chat, to } => {
                let limit = queue.limits.entry((user.clone(), chat.clone()));
                let is_new = matches!(limit, std::collections::btree_map::Entry::Vacant(_));
                let limit = limit.or_insert(to);
                *limit = (*limit).max(to);
                if is_new {
                    queue.items.push_back(Item::Chat(user, chat));
                }
            }
            Release::Pushes => {
                if !std::mem::replace(&mut queue.pushes_wait, true) {
                    queue.items.push_back(Item::Pushes);
                }
            }
        }
        drop(queue);
        self.added.notify_one();
    }

    fn close(&self) {
        *self.lock() = Queue { is_closed: true, ..Queue::default() };
    }

    /// Nothing once all is taken and the driver has gone.
    async fn next(&self) -> Option<Next> {
        loop {
            if let Some(next) = self.take() {
                return Some(next);
            }
            if self.lock().has_ended {
                return None;
            }
            self.added.notified().await;
        }
    }

    fn take(&self) -> Option<Next> {
        let mut queue = self.lock();
        Some(match queue.items.pop_front()? {
            Item::Event(event) => Next::Event(event),
            Item::Chat(user, chat) => {
                let to = queue.limits.remove(&(user.clone(), chat.clone())).unwrap_or_default();
                Next::Release(Release::Messages { user, chat, to })
            }
            Item::Pushes => {
                queue.pushes_wait = false;
                Next::Release(Release::Pushes)
            }
        })
    }
}

enum Next {
    Event(Event),
    Release(Release),
}

/// Hands out until the application or the driver has gone.
pub(super) async fn hand_out(outgoing: Arc<Outgoing>, keeper: Keeper, to: mpsc::Sender<Delivery>) {
    let mut handed = Handed::default();
    loop {
        let next = tokio::select! {
            next = outgoing.next() => match next {
                Some(next) => next,
                None => return,
            },
            () = to.closed() => return outgoing.close(),
        };
        let is_there = match next {
            Next::Event(event) => to.send(Delivery { event, taken: None }).await.is_ok(),
            Next::Release(release) => handed.hand_out(release, &keeper, &to).await,
        };
        if !is_there {
            return outgoing.close();
        }
    }
}

/// What this process has handed out, which the application need not have taken yet.
#[derive(Default)]
struct Handed {
    chats: BTreeMap<(Name, Chat), u64>,
    pushes: u64,
}

impl Handed {
    async fn hand_out(&mut self, release: Release, keeper: &Keeper, to: &mpsc::Sender<Delivery>) -> bool {
        loop {
            let above = *self.place(&release);
            let question = release.clone();
            // A store that fails ends the driver, which tells the application why.
            let page = keeper.ask_or_end(move |store| store.waiting(&question, above, PAGE)).await;
            let Some(page) = page else { return true };
            let is_all = page.len() < PAGE;
            for released in page {
                let place = released.place();
                *self.place(&release) = place;
                let event = match released {
                    Released::Message(message) => Event::Message(message),
                    Released::Push { push, .. } => Event::Push(push),
                };
                if to.send(Delivery { event, taken: Some((release.clone(), place)) }).await.is_err() {
                    return false;
                }
            }
            if is_all {
                return true;
            }
        }
    }

    fn place(&mut self, release: &Release) -> &mut u64 {
        match release {
            Release::Messages { user, chat, .. } => self.chats.entry((user.clone(), chat.clone())).or_default(),
            Release::Pushes => &mut self.pushes,
        }
    }
}

#[cfg(test)]
mod tests {
    use anser_protocol::content::Content;
    use anser_protocol::frame::chat::Record;

    use super::*;
    use crate::session::{self, Ticket};
    use crate::store::{MemoryStore, Message, Write};

    struct Scene {
        outgoing: Arc<Outgoing>,
        keeper: Keeper,
        deliveries: mpsc::Receiver<Delivery>,
    }

    fn scene() -> Scene {
        let (keeper, _progress) = Keeper::start(Box::new(MemoryStore::default())).expect("a thread");
        let outgoing = Arc::new(Outgoing::default());
        let (to_application, deliveries) = mpsc::channel(1);
        tokio::spawn(hand_out(outgoing.clone(), keeper.clone(), to_application));
        Scene { outgoing, keeper, deliveries }
    }

    fn chat() -> Chat {
        Chat::User("bob".into())
    }

    impl Scene {
        fn store(&self, positions: std::ops::RangeInclusive<u64>) {
            let message = |position| {
                let content = Content::text("hello");
                let record = Record { position: Position(position), at_ms: 0, from: "bob".into(), outbox: 0, content };
                Write::Message(Message { user: "alice".into(), chat: chat(), record })
            };
            self.keeper.apply(Ticket(1), positions.map(message).collect());
        }

        fn release(&self, to: u64) {
            self.outgoing.push_release(Release::Messages { user: "alice".into(), chat: chat(), to: Position(to) });
        }

        async fn next_position(&mut self) -> u64 {
            match self.deliveries.recv().await.expect("something is handed out").event {
                Event::Message(message) => message.record.position.0,
                event => panic!("{event:?} instead of a message"),
            }
        }
    }

    #[tokio::test]
    async fn records_come_in_order_once_however_often_they_are_released() {
        let mut scene = scene();
        scene.store(1..=200);
        for to in [100, 100, 150, 200] {
            scene.release(to);
        }
        for position in 1..=200 {
            assert_eq!(scene.next_position().await, position);
        }
        scene.outgoing.push_event(Event::Session(session::Event::CaughtUp { user: "alice".into() }));
        let last = scene.deliveries.recv().await.expect("the event").event;
        assert!(matches!(last, Event::Session(_)), "{last:?}");
    }

    #[tokio::test]
    async fn nothing_is_handed_out_beyond_what_was_released() {
        let mut scene = scene();
        scene.store(1..=10);
        scene.release(5);
        for position in 1..=5 {
            assert_eq!(scene.next_position().await, position);
        }
        scene.outgoing.push_event(Event::Session(session::Event::CaughtUp { user: "alice".into() }));
        assert!(matches!(scene.deliveries.recv().await.expect("the event").event, Event::Session(_)));
    }

    #[tokio::test]
    async fn what_was_said_before_the_driver_went_comes_and_then_the_end() {
        let mut scene = scene();
        scene.outgoing.push_event(Event::Session(session::Event::CaughtUp { user: "alice".into() }));
        drop(Ending(scene.outgoing.clone()));
        assert!(scene.deliveries.recv().await.is_some());
        assert!(scene.deliveries.recv().await.is_none());
    }

    #[tokio::test]
    async fn an_application_that_listens_no_more_costs_no_memory() {
        let Scene { outgoing, deliveries, .. } = scene();
        drop(deliveries);
        while !outgoing.lock().is_closed {
            tokio::task::yield_now().await;
        }
        outgoing.push_event(Event::Session(session::Event::CaughtUp { user: "alice".into() }));
        assert_eq!(outgoing.len(), 0);
    }
}
