//! Whether a client has anything left to do.

use super::client::Client;

impl Client {
    /// For whoever asks why it has not settled.
    pub fn describe(&self) -> String {
        let stored = self.store.load();
        let holes = stored.users.get(self.user.as_str()).map(|user| user.holes.len());
        format!(
            "{} (runs: {}, link {:?}, caught up: {}, outbox {:?}, chats with holes {holes:?}, pushes wait: {})",
            self.name(),
            self.session.is_some(),
            self.link,
            self.is_caught_up,
            stored.outbox.iter().map(|entry| (entry.number, entry.chat.clone())).collect::<Vec<_>>(),
            stored.pushes_wait,
        )
    }

    /// Does a message of one of its users wait to be sent?
    pub fn has_unsent(&self) -> bool {
        !self.store.load().outbox.is_empty()
    }

    /// Has it nothing left to do or to learn for the user who is logged in?
    pub fn has_nothing_to_do_for_its_user(&self) -> bool {
        let stored = self.store.load();
        let user = stored.users.get(self.user.as_str());
        self.session.is_some()
            && self.is_caught_up
            && stored.outbox.iter().all(|entry| *entry.user != *self.user)
            && user.is_some_and(|user| user.holes.is_empty())
    }

    /// Has it nothing left to do or to learn?
    pub fn is_settled(&self) -> bool {
        let stored = self.store.load();
        let user = stored.users.get(self.user.as_str());
        self.session.is_some()
            && self.is_caught_up
            && stored.outbox.is_empty()
            && !stored.pushes_wait
            && !stored.push_stopped
            && user.is_some_and(|user| user.holes.is_empty() && user.marks.is_empty())
    }

    /// The same for the village: of whom nobody is to be logged in has nothing to do, and what a barred user wrote stays.
    pub fn has_settled_in_the_village(&self) -> bool {
        let stored = self.store.load();
        let has_no_pushes = !stored.pushes_wait && !stored.push_stopped;
        let is_done = self.is_logged_out() || self.has_nothing_to_do_for_its_user();
        self.session.is_some() && has_no_pushes && is_done
    }
}
