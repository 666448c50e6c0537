//! Tells senders when the daemon is down, and the judge when a fault begins and ends.

use tokio::sync::watch;

use crate::judge::Recorder;

/// A handle that clones.
#[derive(Clone, Debug)]
pub struct Outages {
    recorder: Recorder,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    /// How many outages have begun.
    epoch: u64,
    is_up: bool,
    is_over: bool,
}

impl Outages {
    /// The daemon serves.
    pub fn new(recorder: &Recorder) -> Self {
        Self { recorder: recorder.clone(), state: watch::Sender::new(State { epoch: 0, is_up: true, is_over: false }) }
    }

    /// To be called before the first thing that injects the fault.
    pub fn begin(&self) {
        self.recorder.fault_begins();
        self.state.send_modify(|state| {
            state.is_up = false;
            state.epoch += 1;
        });
    }

    /// To be called when the daemon is ready again.
    pub fn end(&self) {
        self.recorder.fault_ends();
        self.state.send_modify(|state| state.is_up = true);
    }

    /// Ends the run: senders stop after what they are about.
    pub fn close(&self) {
        self.state.send_modify(|state| state.is_over = true);
    }

    /// Waits until the daemon serves; gives the number of the outages so far, or nothing when the run is over.
    pub async fn until_up(&self) -> Option<u64> {
        let mut state = self.state.subscribe();
        let state = *state.wait_for(|state| state.is_up || state.is_over).await.ok()?;
        (!state.is_over).then_some(state.epoch)
    }

    /// Is this still the time between the same two outages?
    pub fn is_still(&self, epoch: u64) -> bool {
        self.state.borrow().epoch == epoch
    }
}
