//! Tells senders when the daemon is down, the judge when a fault begins and ends, and the test when all take part.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use tokio::sync::watch;

use crate::judge::Recorder;

/// A handle that clones.
#[derive(Clone)]
pub struct Outages {
    recorder: Recorder,
    state: watch::Sender<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// How many outages have begun.
    epoch: u64,
    is_down: bool,
    is_over: bool,
    /// Of each sender, the epoch of its newest answer.
    answered_by_sender: BTreeMap<String, u64>,
    /// Of each device, the epoch in which it last noticed that its link was gone.
    cut_off_by_device: BTreeMap<String, u64>,
    /// The last things that happened at each device, for whoever asks why it is silent.
    happened_by_device: BTreeMap<String, VecDeque<String>>,
}

/// Things that are remembered of each device.
const HAPPENED_MAX: usize = 12;

impl fmt::Debug for Outages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without all that was recorded.
        self.state.borrow().fmt(f)
    }
}

impl Outages {
    /// The daemon serves.
    pub fn new(recorder: &Recorder) -> Self {
        Self { recorder: recorder.clone(), state: watch::Sender::new(State::default()) }
    }

    /// To be called before the first thing that injects the fault.
    pub fn begin(&self) {
        self.recorder.fault_begins();
        self.state.send_modify(|state| {
            state.is_down = true;
            state.epoch += 1;
        });
    }

    /// To be called when the daemon is ready again, and every device knows that its link was gone: then no answer of
    /// the daemon's former life can be taken for a new one.
    pub fn end(&self) {
        self.recorder.fault_ends();
        self.state.send_modify(|state| state.is_down = false);
    }

    /// Ends the run: senders stop after what they are about.
    pub fn close(&self) {
        self.state.send_modify(|state| state.is_over = true);
    }

    /// Waits until the daemon serves; gives the number of the outages so far, or nothing when the run is over.
    pub async fn until_up(&self) -> Option<u64> {
        let mut state = self.state.subscribe();
        let state = state.wait_for(|state| !state.is_down || state.is_over).await.ok()?;
        (!state.is_over).then_some(state.epoch)
    }

    /// Waits until the run is over.
    pub async fn until_over(&self) {
        let over = self.state.subscribe().wait_for(|state| state.is_over).await.map(drop);
        over.expect("this handle keeps the sender");
    }

    /// Is this still the time between the same two outages?
    pub fn is_still(&self, epoch: u64) -> bool {
        self.state.borrow().epoch == epoch
    }

    /// A sender got an answer. While the daemon is down it is one from before.
    pub fn note_answer(&self, sender: &str) {
        self.note(sender, |state| (!state.is_down).then_some(&mut state.answered_by_sender));
    }

    /// A device noticed that its link was gone.
    pub fn note_cut_off(&self, device: &str) {
        self.note(device, |state| Some(&mut state.cut_off_by_device));
    }

    /// Something happened at a device's link.
    pub fn note_event(&self, device: &str, what: String) {
        self.state.send_if_modified(|state| {
            let happened = state.happened_by_device.entry(device.to_owned()).or_default();
            if happened.len() == HAPPENED_MAX {
                happened.pop_front();
            }
            happened.push_back(format!("{} {what}", state.epoch));
            // Nobody waits for this.
            false
        });
    }

    /// Waits until every one of these has got an answer since the last outage.
    pub async fn until_answered(&self, senders: &[String]) {
        self.until_noted(senders, |state| &state.answered_by_sender).await;
    }

    /// Waits until every one of these has noticed the present outage.
    pub async fn until_cut_off(&self, devices: &[String]) {
        self.until_noted(devices, |state| &state.cut_off_by_device).await;
    }

    fn note(&self, name: &str, notes: impl Fn(&mut State) -> Option<&mut BTreeMap<String, u64>>) {
        self.state.send_if_modified(|state| {
            let epoch = state.epoch;
            let Some(noted) = notes(state) else {
                return false;
            };
            match noted.get_mut(name) {
                Some(last) => std::mem::replace(last, epoch) != epoch,
                None => noted.insert(name.to_owned(), epoch).is_none(),
            }
        });
    }

    async fn until_noted(&self, names: &[String], notes: impl Fn(&State) -> &BTreeMap<String, u64>) {
        let is_noted = |state: &State| names.iter().all(|name| notes(state).get(name) == Some(&state.epoch));
        let noted = self.state.subscribe().wait_for(is_noted).await.map(drop);
        noted.expect("this handle keeps the sender");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test]
    async fn an_answer_before_an_outage_is_none_after_it() {
        let outages = Outages::new(&Recorder::to_judge());
        outages.note_answer("ann");
        outages.until_answered(&names(&["ann"])).await;
        outages.begin();
        // One that was on its way.
        outages.note_answer("ann");
        outages.end();
        let all = names(&["ann"]);
        tokio::select! {
            biased;
            () = outages.until_answered(&all) => panic!("ann has had no answer since the outage"),
            () = std::future::ready(()) => {}
        }
        outages.note_answer("ann");
        outages.until_answered(&all).await;
    }

    #[tokio::test]
    async fn senders_wait_for_the_end_of_an_outage_and_stop_with_the_run() {
        let outages = Outages::new(&Recorder::to_judge());
        assert_eq!(outages.until_up().await, Some(0));
        outages.begin();
        tokio::select! {
            biased;
            _ = outages.until_up() => panic!("the daemon is down"),
            () = std::future::ready(()) => {}
        }
        outages.end();
        assert_eq!(outages.until_up().await, Some(1));
        outages.close();
        assert_eq!(outages.until_up().await, None);
    }
}
