//! Runs a future so that its panic becomes a value.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

/// The future panicked; the panic hook has told the log.
#[derive(Debug, PartialEq, Eq)]
pub struct Panicked;

pub async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future: Pin<Box<F>> = Box::pin(future);
    // Unwind safe: the future is not polled again after a panic, and what it shared guards itself.
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}
