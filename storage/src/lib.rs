//! What Anser remembers and decides: commands in, outcomes out, queries; redb behind one narrow module.
//!
//! Knows no connection, no HTTP and no async runtime. `FORMAT.md` beside this crate describes every table and key.

pub mod command;
pub mod ids;
pub mod outcome;
