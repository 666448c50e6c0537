//! The REST APIs against the contract: a whole daemon in this process, requests handed to its router.

mod device;
mod device_status;
mod group;
mod http;
mod message;
mod phone;
mod push;
mod report;
mod retention;
mod scrub;
mod user;
mod walls;
mod world;
