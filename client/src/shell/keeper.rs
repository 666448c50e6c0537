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

/// A failure in answering it ends the thread.
type Question = Box<dyn FnOnce(&dyn Store) -> Result<(), StoreError> + Send>;

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
    /// The thread is gone: what is asked from now on has no answer.
    has_ended: bool,
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
            Ok(())
        })));
        let ended = || StoreError::Disk { path: "the store".to_owned(), reason: "it was closed".to_owned() };
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Asks the store what nothing can go on without: there is no answer when the store fails, which then ends.
    pub(super) async fn ask_or_end<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.push(Job::Ask(Box::new(move |store| {
            let _ = answer.send(question(store)?);
            Ok(())
        })));
        answered.await.ok()
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
        let mut state = self.0.work.lock();
        if !state.has_ended {
            state.jobs.push_back(job);
            self.0.work.changed.notify_one();
        }
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
    let _ended = Ended(work);
    loop {
        let (jobs, taken, is_ending) = next_work(work);
        let mut writes = Vec::new();
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
                    if let Err(error) = question(&*store) {
                        writes.extend(taken);
                        commit(&mut *store, &mut writes, &mut last, progress);
                        progress.send_modify(|progress| progress.failure = Some(Arc::new(error)));
                        return;
                    }
                }
            }
        }
        writes.extend(taken);
        if !commit(&mut *store, &mut writes, &mut last, progress) || is_ending {
            return;
        }
    }
}

/// However the thread ends, nobody waits for it any more.
struct Ended<'a>(&'a Work);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.has_ended = true;
        state.jobs.clear();
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

#[cfg(test)]
mod tests {
    use anser_protocol::ids::Position;
    use anser_protocol::names::Chat;

    use super::*;
    use crate::store::{
        ConversationRow, ConversationText, LocalId, LocalMessage, MemoryStore, Message, ReceiptCount, Released, Stored,
    };

    /// A disk that takes nothing.
    struct FullDisk;

    fn full() -> StoreError {
        StoreError::Disk { path: "store".to_owned(), reason: "no space left".to_owned() }
    }

    impl Store for FullDisk {
        fn load(&self) -> Result<Stored, StoreError> {
            Ok(Stored::default())
        }
        fn apply(&mut self, _: Vec<Write>) -> Result<(), StoreError> {
            Err(full())
        }
        fn waiting(&self, _: &Release, _: u64, _: usize) -> Result<Vec<Released>, StoreError> {
            Err(full())
        }
        fn messages(&self, _: &str, _: &Chat, _: Position, _: usize) -> Result<Vec<Message>, StoreError> {
            Err(full())
        }
        fn messages_after(&self, _: &str, _: &Chat, _: Position, _: usize) -> Result<Vec<Message>, StoreError> {
            Err(full())
        }
        fn message(&self, _: &str, _: &Chat, _: Position) -> Result<Option<Message>, StoreError> {
            Err(full())
        }
        fn local_message(&self, _: LocalId) -> Result<Option<LocalMessage>, StoreError> {
            Err(full())
        }
        fn conversation_text(&self, _: &str, _: &Chat, _: ConversationText) -> Result<Option<String>, StoreError> {
            Err(full())
        }
        fn conversation_texts(&self, _: &str, _: ConversationText) -> Result<Vec<(Chat, String)>, StoreError> {
            Err(full())
        }
        fn conversations(&self, _: &str) -> Result<Vec<ConversationRow>, StoreError> {
            Err(full())
        }
        fn unread(&self, _: &str, _: &Chat) -> Result<u32, StoreError> {
            Err(full())
        }
        fn unread_chats(&self, _: &str) -> Result<Vec<(Chat, u32)>, StoreError> {
            Err(full())
        }
        fn receipt(&self, _: &str, _: &Chat, _: Position) -> Result<Option<ReceiptCount>, StoreError> {
            Err(full())
        }
    }

    fn cursor(position: u64) -> Vec<Write> {
        vec![Write::ChatCursor { user: "alice".into(), position: Position(position) }]
    }

    #[tokio::test]
    async fn a_question_is_answered_after_everything_that_was_given_before() {
        let (keeper, mut progress) = Keeper::start(Box::new(MemoryStore::default())).expect("a thread");
        (1..=100).for_each(|number| keeper.apply(Ticket(number), cursor(number)));
        let stored = keeper.ask(|store| store.load()).await.expect("memory does not fail");
        assert_eq!(stored.users["alice"].cursor, Some(Position(100)));
        assert_eq!(progress.borrow_and_update().ticket, Some(Ticket(100)));
    }

    #[tokio::test]
    async fn a_disk_that_fails_is_told_and_nobody_waits_for_it() {
        let (keeper, mut progress) = Keeper::start(Box::new(FullDisk)).expect("a thread");
        keeper.apply(Ticket(1), cursor(1));
        progress.changed().await.expect("it tells before it ends");
        assert!(progress.borrow_and_update().failure.is_some());
        assert!(progress.borrow().ticket.is_none());
        progress.changed().await.expect_err("the thread has ended");
        assert!(keeper.ask(|store| store.load()).await.is_err());
    }

    #[tokio::test]
    async fn a_question_that_nothing_can_go_on_without_ends_a_store_that_cannot_answer_it() {
        let (keeper, mut progress) = Keeper::start(Box::new(FullDisk)).expect("a thread");
        let refused = keeper.ask(|store| store.waiting(&Release::Pushes, 0, 1)).await;
        assert!(refused.is_err() && progress.borrow().failure.is_none(), "one that can be done without ends nothing");
        assert!(keeper.ask_or_end(|store| store.waiting(&Release::Pushes, 0, 1)).await.is_none());
        progress.changed().await.expect("it tells before it ends");
        assert!(progress.borrow_and_update().failure.is_some());
    }

    #[tokio::test]
    async fn what_the_application_has_taken_is_written_before_the_end() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("store.redb");
        let open = || Box::new(crate::store::FileStore::open(&path).expect("the store opens"));
        let (keeper, _progress) = Keeper::start(open()).expect("a thread");
        let push = crate::store::Push {
            position: Position(5),
            msg_id: Position(4),
            at_ms: 0,
            content: anser_protocol::content::PushContent::default(),
            replaces: None,
        };
        keeper.apply(Ticket(1), vec![Write::Push(push)]);
        keeper.taken(&Release::Pushes, 1);
        keeper.end().await;
        assert!(!open().load().expect("it loads").pushes_wait);
    }
}
