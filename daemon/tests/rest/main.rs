//! The REST APIs against the contract: a whole daemon in this process, requests handed to its router.

mod alias;
mod contract;
mod developer;
mod device;
mod device_status;
mod group;
mod group_push;
mod http;
mod message;
mod phone;
mod push;
mod report;
mod retention;
mod schedule;
mod scrub;
mod tag;
mod test_device;
mod user;
mod walls;
mod world;
