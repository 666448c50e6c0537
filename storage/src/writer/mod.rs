//! The writer's thread: it takes what is waiting, applies it, commits once, then answers all.
//!
//! Group commit without a timer: while one batch is on its way to the disk, the next one gathers. An answer is given only
//! after the commit; what was appended is handed on after the answers, in the order of positions.
//!
//! After a disk error the store is opened again at once, for its readers; commands are refused for a while, and the next
//! batch then shows whether the disk takes something again.

mod queue;
mod trouble;
mod watch;
mod weight;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use queue::{Queue, Waiting};
use trouble::Trouble;
use watch::Watch;
pub use watch::{BatchDone, OnBatch, WriterHealth};
use weight::weight;

use crate::command::Stamped;
use crate::crash_point::{CrashPoint, pass};
use crate::error::StoreError;
use crate::outcome::{Appended, Outcome};
use crate::snapshot::Reader;
use crate::store::Store;

/// Learns what became of a command. It runs on the writer's thread: hand the outcome on and return.
pub type Answered = Box<dyn FnOnce(Result<Outcome, StoreError>) + Send>;

/// Learns what a batch appended, after its commit and its answers.
pub type OnAppended = Box<dyn FnMut(&[Appended]) + Send>;

/// Too much is waiting, or the writer is shutting down. Nothing was done: try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many commands are waiting for the store; try again later")]
pub struct QueueFull;

/// Limits of the queue and of a batch.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    pub queue_commands_max: usize,
    pub queue_bytes_max: usize,
    /// Of one app, in one class.
    pub line_commands_max: usize,
    pub batch_commands_max: usize,
    pub batch_bytes_max: usize,
    /// Work before the commit.
    pub batch_time_max: Duration,
    /// How long everything is refused after a disk error; doubled up to the second while it fails again.
    pub reopen_delay_min: Duration,
    pub reopen_delay_max: Duration,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            queue_commands_max: 65_536,
            queue_bytes_max: 64 << 20,
            line_commands_max: 16_384,
            batch_commands_max: 1024,
            batch_bytes_max: 1 << 20,
            batch_time_max: Duration::from_millis(5),
            reopen_delay_min: Duration::from_millis(100),
            reopen_delay_max: Duration::from_secs(5),
        }
    }
}

/// Submits commands. All clones share one writer.
#[derive(Clone)]
pub struct WriterHandle {
    queue: Arc<Queue>,
    watch: Arc<Watch>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// The thread's state.
pub struct Writer {
    store: Store,
    queue: Arc<Queue>,
    options: WriterOptions,
    on_appended: OnAppended,
    /// Taken from the queue and not carried out yet.
    batch: VecDeque<Waiting>,
    trouble: Trouble,
    watch: Arc<Watch>,
}

impl Writer {
    /// Starts the thread. It owns the store until [`WriterHandle::shutdown`].
    pub fn spawn(
        store: Store,
        options: WriterOptions,
        on_appended: OnAppended,
    ) -> std::io::Result<(WriterHandle, Reader)> {
        let reader = store.reader();
        let queue = Arc::new(Queue::new(options.clone()));
        let woken = queue.clone();
        store.is_reopened_by(Box::new(move || woken.wake()));
        let trouble = Trouble::new(&options);
        let watch = Arc::<Watch>::default();
        let (batch, watched) = (VecDeque::new(), watch.clone());
        let writer = Self { store, queue: queue.clone(), options, on_appended, batch, trouble, watch: watched };
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || writer.run())?;
        Ok((WriterHandle { queue, watch, thread: Arc::new(Mutex::new(Some(thread))) }, reader))
    }

    fn run(mut self) {
        loop {
            let is_closing = self.wait();
            self.queue.fill(&mut self.batch);
            if self.store.is_broken() {
                self.fail(StoreError::Disk("it could not be read".into()));
            }
            if self.store.is_closed() || self.is_resting() {
                self.refuse_all();
                if is_closing {
                    return self.close();
                }
                if self.store.is_closed() && !self.is_resting() {
                    self.try_reopen();
                }
                continue;
            }
            if self.batch.is_empty() && is_closing {
                return self.close();
            }
            self.carry_out();
            self.checkpoint_step();
        }
    }

    /// Waits for work, unless there is some.
    fn wait(&self) -> bool {
        if self.store.is_closed() {
            return self.queue.wait(Some(self.trouble.rest(Instant::now()).unwrap_or_default()));
        }
        let has_work = !self.batch.is_empty() || self.store.is_checkpointing();
        self.queue.wait(has_work.then_some(Duration::ZERO))
    }

    fn is_resting(&self) -> bool {
        self.trouble.rest(Instant::now()).is_some()
    }

    fn carry_out(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let commands: Vec<Stamped> = self.batch.iter().map(|waiting| waiting.stamped.clone()).collect();
        pass(CrashPoint::BatchTaken);
        let begun = Instant::now();
        let until = begun + self.options.batch_time_max;
        self.watch.begin();
        let applied = self.store.apply_while(&commands, &mut || Instant::now() < until);
        let (is_stored, took, commit) = (applied.is_ok(), begun.elapsed(), self.store.commit_took());
        self.watch.done(BatchDone {
            commands: applied.as_ref().map_or(commands.len(), Vec::len),
            took,
            commit,
            is_stored,
        });
        match applied {
            Ok(outcomes) => {
                self.answer(outcomes);
                if let Some(line) = self.trouble.succeed(Instant::now()) {
                    ::log::warn!("{line}");
                }
            }
            Err(error) => self.fail(error),
        }
    }

    fn answer(&mut self, outcomes: Vec<Outcome>) {
        let mut appended = Vec::new();
        for mut outcome in outcomes {
            appended.append(&mut outcome.appended);
            if let Some(waiting) = self.batch.pop_front() {
                answer(waiting.answer, Ok(outcome));
                pass(CrashPoint::FirstAnswered);
            }
        }
        pass(CrashPoint::BatchAnswered);
        if !appended.is_empty() && catch_unwind(AssertUnwindSafe(|| (self.on_appended)(&appended))).is_err() {
            ::log::error!("the receiver of appended records panicked; this is a bug, please report it");
        }
        pass(CrashPoint::BatchHandedOn);
    }

    /// Nobody knows how much of a failed batch is on disk: all of it is answered with the error, and so is what waits. The
    /// store is opened again first, unless it failed a moment ago.
    fn fail(&mut self, error: StoreError) {
        let was_resting = self.is_resting();
        self.store.lose();
        if was_resting {
            self.store.give_up();
            self.note(error);
        } else {
            match self.store.reopen() {
                Ok(()) => self.note(error),
                Err(closed) => self.note(StoreError::Disk(format!("{error}, and cannot be opened again: {closed}"))),
            }
        }
        self.refuse_all();
    }

    fn try_reopen(&mut self) {
        if let Err(error) = self.store.reopen() {
            self.note(StoreError::Disk(format!("it cannot be opened: {error}")));
        }
    }

    fn note(&mut self, error: StoreError) {
        self.watch.fail(&error);
        if let Some(line) = self.trouble.fail(error, Instant::now()) {
            ::log::error!("{line}");
        }
    }

    fn refuse_all(&mut self) {
        let refusal = self.trouble.refusal();
        loop {
            self.batch.drain(..).for_each(|waiting| answer(waiting.answer, Err(refusal.clone())));
            self.queue.fill(&mut self.batch);
            if self.batch.is_empty() {
                return;
            }
        }
    }

    fn checkpoint_step(&mut self) {
        if self.store.is_closed() {
            return;
        }
        self.watch.begin();
        let stepped = self.store.checkpoint_step();
        self.watch.rest();
        if let Err(error) = stepped {
            self.fail(error);
        }
    }

    fn close(mut self) {
        if self.store.is_closed() {
            return self.store.close();
        }
        if let Err(error) = self.store.shut_down() {
            ::log::error!("the last checkpoint failed, the next start recovers instead; look at the disk: {error}");
        }
    }
}

fn answer(answer: Answered, outcome: Result<Outcome, StoreError>) {
    if catch_unwind(AssertUnwindSafe(|| answer(outcome))).is_err() {
        ::log::error!("the receiver of an outcome panicked; this is a bug, please report it");
    }
}

impl WriterHandle {
    /// Puts a command into the queue. `answer` is called exactly once when this returns `Ok`, and never otherwise. The
    /// stamp is moved up to the latest one before it: time never runs backwards.
    pub fn submit(&self, command: Stamped, answer: Answered) -> Result<(), QueueFull> {
        let weight = weight(&command.command);
        self.queue.push(Waiting { stamped: command, answer, weight })
    }

    /// From now on `on_batch` is told what each batch cost; only the first who asks is told.
    pub fn on_batch(&self, on_batch: OnBatch) {
        self.watch.tell(on_batch);
    }

    pub fn health(&self) -> WriterHealth {
        let (waiting_commands, waiting_bytes) = self.queue.waiting();
        let mut health = WriterHealth { waiting_commands, waiting_bytes, ..WriterHealth::default() };
        self.watch.add_to(&mut health);
        health
    }

    /// Carries out what is waiting, writes a checkpoint, closes the store, and waits for all that.
    pub fn shutdown(self) {
        self.queue.begin_closing();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            ::log::error!("the writer's thread panicked; this is a bug, please report it");
        }
    }
}
