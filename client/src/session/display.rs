//! What the device shows, kept in the store.

use std::time::Duration;

use super::Session;
use crate::display::Display;
use crate::store::Write;

impl Session {
    pub fn display(&self) -> &Display {
        &self.display
    }

    /// Changes what is shown or by which rules; it is durable when the store action that this makes is done.
    pub fn change_display<T>(&mut self, change: impl FnOnce(&mut Display) -> T, now: Duration) -> T {
        self.now = now;
        let result = change(&mut self.display);
        self.transaction.writes.extend(self.display.take_changes().into_iter().map(Write::Display));
        self.drive();
        result
    }
}
