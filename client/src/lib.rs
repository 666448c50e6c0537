//! Anser's client: one connection for pushes and chat, a durable local store, and once-and-in-order events.
//!
//! [`session`] decides everything and touches nothing: bytes and the time go in, actions come out. [`store`] keeps on disk
//! what must survive a kill. [`notification`] reads what a push holds, [`display`] has the rules of showing it, [`code`] the numbers
//! of what goes wrong with push calls, [`typing`] who is typing. [`content`] makes what
//! can be sent, [`conversation`] says what chats and people are called. [`shell`] does for a program on tokio what the session asks for.

pub mod code;
pub mod content;
pub mod conversation;
pub mod display;
pub mod notification;
pub mod session;
pub mod shell;
pub mod store;
pub mod typing;
