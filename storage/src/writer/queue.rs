//! What waits for the writer: bounded, and fair between the classes of commands and between the apps in each.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Answered, QueueFull, WriterOptions};
use crate::command::{Command, LabelCommand, PushCommand, QueueClass, Stamped, UserCommand};
use crate::ids::AppNumber;

/// A command and who waits for its outcome.
pub(super) struct Waiting {
    pub stamped: Stamped,
    pub answer: Answered,
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
        let bytes = weight(&waiting.stamped.command);
        let mut state = self.lock();
        let is_full =
            state.count >= self.options.queue_commands_max || state.bytes + bytes > self.options.queue_bytes_max;
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
        state.bytes += bytes;
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// From now on nothing more comes in.
    pub fn begin_closing(&self) {
        self.lock().is_closing = true;
        self.changed.notify_one();
    }

    /// Waits until something is there. Returns whether the queue is closing; a batch that is empty then means the end.
    pub fn wait(&self, at_most: Option<Duration>) -> bool {
        let state = self.lock();
        let is_idle = |state: &mut State| state.count == 0 && !state.is_closing;
        let state = match at_most {
            Some(duration) => {
                self.changed.wait_timeout_while(state, duration, is_idle).unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner),
        };
        state.is_closing
    }

    /// Fills a batch up to its limits, taking turns.
    pub fn fill(&self, batch: &mut VecDeque<Waiting>) {
        let mut bytes: usize = batch.iter().map(|waiting| weight(&waiting.stamped.command)).sum();
        let mut state = self.lock();
        while state.count > 0 {
            for (class, turns) in TURNS {
                for _ in 0..turns {
                    if batch.len() >= self.options.batch_commands_max || bytes >= self.options.batch_bytes_max {
                        return;
                    }
                    let Some(waiting) = state.lanes.get_mut(&class).and_then(Lane::next) else { break };
                    let weight = weight(&waiting.stamped.command);
                    state.count -= 1;
                    state.bytes -= weight;
                    bytes += weight;
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

/// About how much memory a command holds.
fn weight(command: &Command) -> usize {
    let names = |names: &[String]| names.iter().map(|name| name.len() + 32).sum::<usize>();
    let own = match command {
        Command::Send(send) => send.content.body.len(),
        Command::Push(PushCommand::Submit(submit)) => {
            let texts = submit.contents.iter().map(|(_, content)| {
                let notification = content.notification.as_ref();
                let message = content.message.as_ref();
                notification.map_or(0, |n| n.alert.len() + n.title.len() + n.extras.len() + n.options.len())
                    + message.map_or(0, |m| m.content.len() + m.title.len() + m.extras.len())
            });
            texts.sum::<usize>() + submit.connected.len() * 4
        }
        Command::User(UserCommand::Register { users, .. }) => users.len() * 512,
        Command::Group(crate::command::GroupCommand::Create { members, .. }) => names(members),
        Command::Device(crate::command::DeviceCommand::SetTags { tags, .. }) => names(tags),
        Command::Label(LabelCommand::ChangeTag { remove, add, .. }) => (remove.len() + add.len()) * 4,
        Command::Label(LabelCommand::UnbindAlias { devices, .. }) => devices.len() * 4,
        _ => 0,
    };
    own + size_of::<Stamped>()
}
