//! Takes events from many threads, stamps them, and hands them on in the order of their stamps.

use std::fs::File;
use std::io::{self, LineWriter};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::event::{At, Event, Order, write_line};
use super::ledger::Judge;
use super::verdict::Verdict;

/// A handle that clones; all clones feed one judge, or one file.
///
/// An event is stamped under the lock under which it is handed on, so that stamps never run backwards. Say that
/// something is sent *before* sending it, that an answer came *after* it was read, and that a fault begins *before*
/// injecting it: then no stamp claims more than what is true.
#[derive(Clone, Debug)]
pub struct Recorder {
    sink: Arc<Mutex<Sink>>,
    progress: Arc<watch::Sender<Progress>>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Answers that count.
    pub answered: u64,
    /// Deliveries still to come before everything that must arrive has arrived.
    pub outstanding: u64,
}

#[derive(Debug)]
enum Sink {
    Judge(Judge),
    File(LineWriter<File>),
}

impl Recorder {
    /// Feeds a judge in this process.
    pub fn to_judge() -> Self {
        Self::new(Sink::Judge(Judge::new()))
    }

    /// Writes JSON lines, for a judge elsewhere on this machine; a kill loses no line that was recorded.
    pub fn to_file(path: &Path) -> io::Result<Self> {
        Ok(Self::new(Sink::File(LineWriter::new(File::create(path)?))))
    }

    fn new(sink: Sink) -> Self {
        Self { sink: Arc::new(Mutex::new(sink)), progress: Arc::new(watch::Sender::new(Progress::default())) }
    }

    pub fn chain(&self, chain: &str, order: Order) {
        self.record(|at| Event::Chain { at, chain: chain.into(), order });
    }

    /// An application that is in the chain from now on, before anything is sent.
    pub fn member(&self, chain: &str, receiver: &str) {
        self.joining(chain, receiver);
        self.joined(chain, receiver);
    }

    pub fn joining(&self, chain: &str, receiver: &str) {
        self.record(|at| Event::Joining { at, chain: chain.into(), receiver: receiver.into() });
    }

    pub fn joined(&self, chain: &str, receiver: &str) {
        self.record(|at| Event::Joined { at, chain: chain.into(), receiver: receiver.into() });
    }

    pub fn leaving(&self, chain: &str, receiver: &str) {
        self.record(|at| Event::Leaving { at, chain: chain.into(), receiver: receiver.into() });
    }

    pub fn left(&self, chain: &str, receiver: &str) {
        self.record(|at| Event::Left { at, chain: chain.into(), receiver: receiver.into() });
    }

    /// A send whose order among the sender's other sends is told only by answers (REST).
    pub fn sent(&self, chain: &str, message: &str, from: &str) {
        self.record(|at| Event::Sent {
            at,
            chain: chain.into(),
            message: message.into(),
            from: from.into(),
            lane: None,
        });
    }

    /// A send through an outbox: in order with the outbox's other sends. The sender's name is the lane's.
    pub fn sent_in_lane(&self, chain: &str, message: &str, from: &str) {
        let lane = Some(from.to_owned());
        self.record(|at| Event::Sent { at, chain: chain.into(), message: message.into(), from: from.into(), lane });
    }

    pub fn answered(&self, chain: &str, message: &str, id: u64) {
        self.record(|at| Event::Answered { at, chain: chain.into(), message: message.into(), id });
    }

    pub fn refused(&self, chain: &str, message: &str) {
        self.record(|at| Event::Refused { at, chain: chain.into(), message: message.into() });
    }

    pub fn received(&self, chain: &str, message: &str, receiver: &str, id: Option<u64>) {
        let receiver = receiver.to_owned();
        self.record(|at| Event::Received { at, chain: chain.into(), message: message.into(), receiver, id });
    }

    pub fn fault_begins(&self) {
        self.record(|at| Event::FaultBegins { at });
    }

    pub fn fault_ends(&self) {
        self.record(|at| Event::FaultEnds { at });
    }

    /// How far the run has come; nothing is known of a run that is recorded to a file.
    pub fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Waits until the run has come as far as is asked for.
    pub async fn until(&self, is_reached: impl FnMut(&Progress) -> bool) -> Progress {
        let reached = self.progress.subscribe().wait_for(is_reached).await.map(|progress| *progress);
        reached.expect("this handle keeps the sender")
    }

    /// Judges what was recorded until now and begins anew.
    ///
    /// # Panics
    ///
    /// When it writes a file: the judge is elsewhere.
    pub fn verdict(&self) -> Verdict {
        match &mut *self.lock() {
            Sink::Judge(judge) => std::mem::take(judge).verdict(),
            Sink::File(_) => panic!("this recorder writes a file; its judge is elsewhere"),
        }
    }

    fn record(&self, event: impl FnOnce(At) -> Event) {
        let mut sink = self.lock();
        let event = event(monotonic_ns());
        match &mut *sink {
            Sink::Judge(judge) => {
                judge.record(&event);
                self.progress.send_replace(Progress { answered: judge.answered(), outstanding: judge.outstanding() });
            }
            Sink::File(file) => write_line(file, &event).expect("a recording that cannot be written proves nothing"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sink> {
        // A recorder that panicked has failed the test already; the others may finish their lines.
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The machine's monotonic clock: the same for all processes, so that their recordings can be merged.
pub fn monotonic_ns() -> At {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    // Both parts are positive: the clock starts at zero when the machine does.
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}
