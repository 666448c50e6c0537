//! The one judge of all message goals: told what was sent, answered and received, it says what was lost, doubled, out
//! of order or unexpected, per chain and per receiving application.
//!
//! It is no part of the daemon and knows nothing of it: no socket, no clock, no frame. Whoever runs the applications
//! tells it events in the order of their stamps (nanoseconds of one monotonic clock, or of a simulation), either
//! directly ([`Judge`]), from many threads ([`Recorder`]), or by files of JSON lines from several processes
//! ([`event::merge`]).
//!
//! The rules:
//!
//! - A message is named by a key that is its own within its chain (tests put it into the text), never by what the
//!   daemon calls it; the daemon's ids are checked against the keys.
//! - An answer **counts** unless it is stamped within a fault: from before the fault is injected until the daemon is
//!   ready again. What has an answer that counts must reach every application that was in the chain from before the
//!   send until after the answer. What has none may arrive or not, everywhere or nowhere.
//! - Nobody receives a message twice, or one that was never sent, was refused for good, belongs to another chain, or
//!   was sent wholly before the application came or after it left.
//! - In an ordered chain an application receives one lane's messages as they were sent, a message that was answered
//!   before another was sent before that other, and what two applications both receive in the same order.

pub mod event;
mod ledger;
mod order;
mod recorder;
mod verdict;

pub use event::{Event, Order};
pub use ledger::Judge;
pub use recorder::{Progress, Recorder, monotonic_ns};
pub use verdict::{Finding, Kind, Row, Verdict};
