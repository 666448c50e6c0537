//! How the parts of the daemon learn that it is about to stop.

use tokio::sync::watch;

/// Given to everything that serves; cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// Held by the one that decides.
#[derive(Debug)]
pub struct ShutdownSwitch(watch::Sender<bool>);

pub fn shutdown() -> (ShutdownSwitch, Shutdown) {
    let (sender, receiver) = watch::channel(false);
    (ShutdownSwitch(sender), Shutdown(receiver))
}

impl ShutdownSwitch {
    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Returns when the daemon begins to stop, or at once when it already has.
    pub async fn begun(&mut self) {
        // An error means that the switch is gone, which is a stop as well.
        let _ = self.0.wait_for(|begun| *begun).await;
    }

    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }
}
