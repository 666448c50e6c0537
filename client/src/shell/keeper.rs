//! The thread that owns the store: disks are slow, and the tasks of a runtime must not wait for them.
//!
//! It takes everything that waits and makes it durable in one transaction. The queue needs no bound of its own: the driver
//! reads nothing more from its link or its application while too many actions are under way.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::session::Ticket;
use crate::store::{Release, Store, StoreError, Write};

/// What the application has taken is written down so long after at the latest: not a sync for each message.
const TAKEN_WITHIN: Duration = Duration::from_millis(100);

type Question = Box<dyn FnOnce(&dyn Store) + Send>;

/// How far the store has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) ticket: Option<Ticket>,
    pub(super) failure: Option<Arc<StoreError>>,
}

/// Gives the thread its work; the last one to go ends it.
#[derive(Clone)]
pub(super) struct Keeper(Arc<Desk>);

struct Desk {
    work: Arc<Work>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Work {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    taken: BTreeMap<Key, (Release, u64)>,
    taken_since: Option<Instant>,
    is_ending: bool,
}

/// One row of things that are taken in order.
type Key = Option<(anser_protocol::names::Name, anser_protocol::names::Chat)>;

enum Job {
    Apply(Ticket, Vec<Write>),
    Ask(Question),
}

impl Work {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper {
    pub(super) fn start(store: Box<dyn Store>) -> io::Result<(Self, watch::Receiver<Progress>)> {
        let work = Arc::new(Work::default());
        let (progress, watched) = watch::channel(Progress::default());
        let thread = {
            let work = work.clone();
            std::thread::Builder::new().name("anser-store".into()).spawn(move || keep(store, &work, &progress))?
        };
        Ok((Self(Arc::new(Desk { work, thread: Mutex::new(Some(thread)) })), watched))
    }

    pub(super) fn apply(&self, ticket: Ticket, writes: Vec<Write>) {
        self.push(Job::Apply(ticket, writes));
    }

    /// Asks the store, after everything that was given to it before.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.push(Job::Ask(Box::new(move |store| {
            // Whoever asked may have gone.
            let _ = answer.send(question(store));
        })));
        let ended = || StoreError::Disk { path: "the store".to_owned(), reason: "it was closed".to_owned() };
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// The application has taken all up to `place`.
    pub(super) fn taken(&self, release: &Release, place: u64) {
        let key = match release {
            Release::Messages { user, chat, .. } => Some((user.clone(), chat.clone())),
            Release::Pushes => None,
        };
        let mut state = self.0.work.lock();
        state.taken.insert(key, (release.clone(), place));
        state.taken_since.get_or_insert_with(Instant::now);
        self.0.work.changed.notify_one();
    }

    /// Makes durable what waits, and closes the store.
    pub(super) async fn end(&self) {
        let desk = self.0.clone();
        // Waiting for the disk is done beside the runtime's tasks.
        let _ = tokio::task::spawn_blocking(move || desk.end()).await;
    }

    fn push(&self, job: Job) {
        self.0.work.lock().jobs.push_back(job);
        self.0.work.changed.notify_one();
    }
}

impl Desk {
    fn end(&self) {
        self.work.lock().is_ending = true;
        self.work.changed.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It has told of its failure, if it had one.
            let _ = thread.join();
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.end();
    }
}

fn keep(mut store: Box<dyn Store>, work: &Work, progress: &watch::Sender<Progress>) {
    loop {
        let (jobs, taken, is_ending) = next_work(work);
        let mut writes = taken;
        let mut last = None;
        for job in jobs {
            match job {
                Job::Apply(ticket, more) => {
                    writes.extend(more);
                    last = Some(ticket);
                }
                Job::Ask(question) => {
                    if !commit(&mut *store, &mut writes, &mut last, progress) {
                        return;
                    }
                    question(&*store);
                }
            }
        }
        if !commit(&mut *store, &mut writes, &mut last, progress) || is_ending {
            return;
        }
    }
}

fn next_work(work: &Work) -> (VecDeque<Job>, Vec<Write>, bool) {
    let mut state = work.lock();
    loop {
        let wait = state.taken_since.map(|since| TAKEN_WITHIN.saturating_sub(since.elapsed()));
        if !state.jobs.is_empty() || state.is_ending || wait == Some(Duration::ZERO) {
            let jobs = std::mem::take(&mut state.jobs);
            state.taken_since = None;
            let taken = std::mem::take(&mut state.taken).into_values();
            return (jobs, taken.map(|(release, place)| release.taken(place)).collect(), state.is_ending);
        }
        state = match wait {
            Some(wait) => work.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0,
            None => work.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

fn commit(
    store: &mut dyn Store,
    writes: &mut Vec<Write>,
    last: &mut Option<Ticket>,
    progress: &watch::Sender<Progress>,
) -> bool {
    if writes.is_empty() {
        return true;
    }
    match store.apply(std::mem::take(writes)) {
        Ok(()) => {
            if let Some(ticket) = last.take() {
                progress.send_modify(|progress| progress.ticket = Some(ticket));
            }
            true
        }
        Err(error) => {
            progress.send_modify(|progress| progress.failure = Some(Arc::new(error)));
            false
        }
    }
}
