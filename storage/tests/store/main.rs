//! The store, from outside: what commands do, what queries answer, what a crash, a failing disk and damage leave.
//!
//! One program for all of it: each would have to be linked with the store and what the tests share.

#[path = "../common/mod.rs"]
mod common;

mod accounts;
mod across;
mod ages;
mod amendments;
mod audience;
mod bridges;
mod callbacks;
mod determinism;
mod dormant;
mod erasure;
mod events;
mod files;
mod followups;
mod g24_kept_stores;
#[cfg(feature = "simulation")]
mod g3_simulated_crashes;
#[cfg(feature = "simulation")]
mod g5_failing_disk;
#[cfg(feature = "simulation")]
mod g7_damaged_file;
mod group_orders;
mod groups;
mod imports;
mod labels;
mod media;
mod message_reports;
mod notices;
mod operators;
mod people;
mod presence;
mod push_counts;
mod pushes;
mod reads;
mod rebuilt;
mod relations;
mod reports;
mod retention;
mod rooms;
#[cfg(feature = "simulation")]
mod schedules;
mod segments;
mod single_chats;
mod talk;
mod writer;
