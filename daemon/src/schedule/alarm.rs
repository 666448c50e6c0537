//! Wakes the job when a schedule was made or changed: it may be due before all others.

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub struct Alarm {
    rung: Notify,
}

impl Alarm {
    /// Wakes the job, or keeps it from falling asleep.
    pub fn ring(&self) {
        self.rung.notify_one();
    }

    pub async fn rung(&self) {
        self.rung.notified().await;
    }
}
