//! The signals that the daemon answers.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Caught from the moment on when this was made.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Reload,
    Stop,
}

impl Signals {
    /// To be called before anybody is told that the daemon serves: whoever hears of that may send one at once.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// SIGHUP asks for a reload, SIGTERM and SIGINT for the end.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hang_up.recv() => Asked::Reload,
        }
    }

    /// From now on the next SIGTERM or SIGINT ends the process at once, without draining: what was answered is on disk
    /// all the same.
    pub fn end_at_the_next(mut self) {
        tokio::spawn(async move {
            while self.next().await != Asked::Stop {}
            std::process::exit(130);
        });
    }
}
