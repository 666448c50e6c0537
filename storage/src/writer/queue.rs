//! What waits for the writer: bounded, and fair between the classes of commands and between the apps in each.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Answered, QueueFull, WriterOptions};
use crate::command::{QueueClass, Stamped};
use crate::ids::AppNumber;

/// A command and who waits for its outcome.
pub(super) struct Waiting {
    pub stamped: Stamped,
    pub answer: Answered,
    /// About how much memory it holds.
    pub weight: usize,
}

/// Turns that a class gets in a round. People wait for sends; nobody waits for a job.
const TURNS: [(QueueClass, usize); 3] = [(QueueClass::Send, 8), (QueueClass::Rest, 4), (QueueClass::Job, 2)];

pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    options: WriterOptions,
}

#[derive(Default)]
struct State {
    lanes: BTreeMap<QueueClass, Lane>,
    count: usize,
    bytes: usize,
    is_closing: bool,
    is_woken: bool,
}

/// The commands of one class: a line for each app, and whose turn it was last.
#[derive(Default)]
struct Lane {
    lines: BTreeMap<Option<AppNumber>, VecDeque<Waiting>>,
    last: Option<Option<AppNumber>>,
}

impl Queue {
    pub fn new(options: WriterOptions) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), options }
    }

    pub fn push(&self, waiting: Waiting) -> Result<(), QueueFull> {
        let weight = waiting.weight;
        let mut state = self.lock();
        let is_full = state.count >= self.options.queue_commands_max
            || state.bytes.saturating_add(weight) > self.options.queue_bytes_max;
        if state.is_closing || is_full {
            return Err(QueueFull);
        }
        let lane = state.lanes.entry(waiting.stamped.command.queue_class()).or_default();
        let line = lane.lines.entry(waiting.stamped.command.app()).or_default();
        if line.len() >= self.options.line_commands_max {
            return Err(QueueFull);
        }
        line.push_back(waiting);
        state.count += 1;
        state.bytes += weight;
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// How many commands wait, and about how many bytes they hold.
    pub fn waiting(&self) -> (usize, usize) {
        let state = self.lock();
        (state.count, state.bytes)
    }

    /// From now on nothing more comes in.
    pub fn begin_closing(&self) {
        self.lock().is_closing = true;
        self.changed.notify_one();
    }

    /// Ends the wait under way, or the next one.
    pub fn wake(&self) {
        self.lock().is_woken = true;
        self.changed.notify_one();
    }

    /// Waits until something is there. Returns whether the queue is closing; a batch that is empty then means the end.
    pub fn wait(&self, at_most: Option<Duration>) -> bool {
        let state = self.lock();
        let is_idle = |state: &mut State| state.count == 0 && !state.is_closing && !state.is_woken;
        let mut state = match at_most {
            Some(duration) => {
                self.changed.wait_timeout_while(state, duration, is_idle).unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner),
        };
        state.is_woken = false;
        state.is_closing
    }

    /// Fills a batch up to its limits, taking turns.
    pub fn fill(&self, batch: &mut VecDeque<Waiting>) {
        let mut bytes: usize = batch.iter().map(|waiting| waiting.weight).sum();
        let mut state = self.lock();
        while state.count > 0 {
            for (class, turns) in TURNS {
                for _ in 0..turns {
                    if batch.len() >= self.options.batch_commands_max || bytes >= self.options.batch_bytes_max {
                        return;
                    }
                    let Some(waiting) = state.lanes.get_mut(&class).and_then(Lane::next) else { break };
                    state.count -= 1;
                    state.bytes -= waiting.weight;
                    bytes += waiting.weight;
                    batch.push_back(waiting);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn next(&mut self) -> Option<Waiting> {
        let behind = match self.last {
            Some(last) => (Bound::Excluded(last), Bound::Unbounded),
            None => (Bound::Unbounded, Bound::Unbounded),
        };
        let app = *self.lines.range(behind).next().or_else(|| self.lines.iter().next())?.0;
        let line = self.lines.get_mut(&app)?;
        let waiting = line.pop_front();
        if line.is_empty() {
            self.lines.remove(&app);
        }
        self.last = Some(app);
        waiting
    }
}
