//! Pushes that are sent later: when they are due ([`trigger`]), and the job that sends them ([`job`]).

pub mod job;
pub mod trigger;

mod alarm;

pub use alarm::Alarm;
