//! Whole-system stories, simulation and faults, and what they are told with.

pub mod judge;
