//! A few threads that answer questions from the store, so that no async worker waits for the disk.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

/// Hands out jobs in the order in which they came. Each link asks a bounded number of questions at a time, which bounds
/// what can wait here.
#[derive(Clone)]
pub struct Readers(Arc<Queue>);

#[derive(Default)]
struct Queue {
    jobs: Mutex<VecDeque<Job>>,
    arrived: Condvar,
}

impl Readers {
    /// The threads live as long as the process.
    pub fn start(threads: usize) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        for index in 0..threads {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name(format!("reader-{index}")).spawn(move || queue.work())?;
        }
        Ok(Self(queue))
    }

    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.0.lock().push_back(Box::new(job));
        self.0.arrived.notify_one();
    }
}

impl Queue {
    fn work(&self) {
        loop {
            let mut jobs = self.lock();
            while jobs.is_empty() {
                if jobs.capacity() > 1024 {
                    *jobs = VecDeque::new();
                }
                jobs = self.arrived.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            }
            let Some(job) = jobs.pop_front() else { continue };
            drop(jobs);
            // Jobs answer their own panics; whatever else may happen must not end the thread.
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
                log::error!("a question to the store panicked; this is a bug, please report it with the line before");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
