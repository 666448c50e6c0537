//! Which links are in which chat room: what a message to a room of thousands goes by, without reading a member row.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_protocol::ids::RoomId;
use anser_storage::ids::AppNumber;

use crate::link::mailbox::Mailbox;

#[derive(Debug, Default)]
pub(super) struct Rooms {
    /// Each by its address, which it keeps while it is here.
    inside: BTreeMap<(AppNumber, RoomId), BTreeMap<usize, Arc<Mailbox>>>,
}

impl Rooms {
    pub fn enter(&mut self, app: AppNumber, room: RoomId, mailbox: &Arc<Mailbox>) {
        self.inside.entry((app, room)).or_default().insert(address(mailbox), Arc::clone(mailbox));
    }

    pub fn leave(&mut self, app: AppNumber, room: RoomId, mailbox: &Arc<Mailbox>) {
        if let Some(inside) = self.inside.get_mut(&(app, room)) {
            inside.remove(&address(mailbox));
            if inside.is_empty() {
                self.inside.remove(&(app, room));
            }
        }
    }

    pub fn count(&self, app: AppNumber, room: RoomId) -> usize {
        self.inside.get(&(app, room)).map_or(0, BTreeMap::len)
    }

    pub fn inside(&self, app: AppNumber, room: RoomId) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.inside.get(&(app, room)).into_iter().flat_map(BTreeMap::values)
    }
}

fn address(mailbox: &Arc<Mailbox>) -> usize {
    Arc::as_ptr(mailbox).addr()
}
