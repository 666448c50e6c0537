//! Faults for the real daemon, injected from outside: power cuts, full disks, kills.

pub mod big_store;
pub mod full_disk;
pub mod power_cut;
