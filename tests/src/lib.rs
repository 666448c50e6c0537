//! Whole-system stories, simulation and faults, and what they are told with.
//!
//! The stories themselves stand in `tests/`; the figures that they must reach in `EVIDENCE.md`.

// Says what was lost, doubled, out of order or unexpected.
pub mod judge;

// The real programs, from outside.
pub mod appliance;
pub mod binaries;
pub mod daemon;
pub mod device;
pub mod fault;
pub mod https;
pub mod interop;
pub mod limited;
pub mod load;
pub mod net;

// Whole deployments in one thread.
pub mod sim;

// What it costs.
pub mod bench;

// How tests run, and what watches over the tree.
pub mod skip;
pub mod torture;
pub mod workspace;
