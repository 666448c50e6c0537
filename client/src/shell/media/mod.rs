//! Uploads and downloads: over HTTPS, on the port of the link, going on where they broke off.
//!
//! The link tells where; the bytes take connections of their own, so that a chat does not wait behind a picture. Whoever
//! drops the future cancels; what is on the server, or in the file beside the target, is gone on with the next time.

mod download;
mod http;
mod upload;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::transport::Unreachable;
use super::{Client, RequestError};
use crate::session::{Answer, Request};
use http::{Exchange, Target};

pub use download::{Download, Downloaded};
pub use upload::{Upload, Uploaded};

/// Attempts in a row that bring nothing further.
const ATTEMPTS_MAX: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How far it has come: bytes that are through, and bytes in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub of: u64,
}

/// Why a file is not there.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    #[error("{} cannot be read: {reason}", path.display())]
    FileMissing { path: PathBuf, reason: io::Error },
    #[error("{} cannot be written: {reason}", path.display())]
    FileNotWritten { path: PathBuf, reason: io::Error },
    /// The server says no, over the link.
    #[error(transparent)]
    Refused(#[from] RequestError),
    /// The same, over HTTPS.
    #[error("{message} (status {status})")]
    NotTaken { status: u16, message: String },
    #[error("the connection broke off too often: {0}")]
    Broken(String),
    /// What came is not what was sent.
    #[error("the file is damaged: its checksum is wrong")]
    Damaged,
}

impl MediaError {
    /// The number of the Android SDK.
    pub fn code(&self) -> u32 {
        match self {
            Self::FileMissing { .. } => 871_309,
            Self::FileNotWritten { .. } | Self::Damaged => 871_404,
            Self::Refused(RequestError::Refused { code, .. }) => code.0,
            Self::Refused(_) => 871_102,
            Self::NotTaken { .. } => 871_403,
            Self::Broken(_) => 871_201,
        }
    }
}

/// Why one attempt ended.
enum Ended {
    /// The next may come further.
    Broken(String),
    /// The address is not good any more, or never was: another one may be.
    NeedsAddress(u16, String),
    For(MediaError),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<Unreachable> for Ended {
    fn from(unreachable: Unreachable) -> Self {
        Self::Broken(unreachable.to_string())
    }
}

/// Decides whether and when to try again.
struct Patience {
    failed: u32,
    done: u64,
    addresses: u32,
}

impl Patience {
    fn new() -> Self {
        Self { failed: 0, done: 0, addresses: 0 }
    }

    /// Waits before the next attempt; an error when there is none. Whatever came further begins the count anew.
    async fn after(&mut self, ended: Ended, done: u64) -> Result<NextAttempt, MediaError> {
        let reason = match ended {
            Ended::For(error) => return Err(error),
            Ended::NeedsAddress(status, message) => {
                self.addresses += 1;
                return match self.addresses {
                    1..=2 => Ok(NextAttempt::NewAddress),
                    _ => Err(MediaError::NotTaken { status, message }),
                };
            }
            Ended::Broken(reason) => reason,
        };
        if done > self.done {
            (self.failed, self.done) = (0, done);
        }
        self.failed += 1;
        if self.failed >= ATTEMPTS_MAX {
            return Err(MediaError::Broken(reason));
        }
        tokio::time::sleep((FIRST_PAUSE * 2u32.pow(self.failed - 1)).min(LONGEST_PAUSE)).await;
        Ok(NextAttempt::SameAddress)
    }
}

#[derive(PartialEq, Eq)]
enum NextAttempt {
    SameAddress,
    NewAddress,
}

impl Client {
    async fn connect_to(&self, target: &Target) -> Result<Exchange, Ended> {
        let stream = match &target.server {
            None => self.dialer.http().await?,
            Some((host, port)) => self.dialer.http_to(host, *port).await?,
        };
        Ok(Exchange::on(stream))
    }

    fn target(&self, url: &str) -> Result<Target, Ended> {
        let (host, port) = self.dialer.server();
        let wrong =
            || Ended::For(MediaError::NotTaken { status: 0, message: "the server named no address".to_owned() });
        Target::parse(url, host, port).ok_or_else(wrong)
    }

    /// What the server says, as soon as there is a link.
    async fn asked(&self, request: Request) -> Result<Answer, MediaError> {
        let mut patience = Patience::new();
        loop {
            match self.request(request.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error @ (RequestError::TimedOut | RequestError::LinkLost)) if !self.has_ended() => {
                    patience.after(Ended::Broken(error.to_string()), 0).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// On a thread that may wait for the disk.
async fn in_background<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(io::Error::other("work on a file ended in a panic")))
}

/// What the server says of a refusal, in its JSON envelope.
fn message_in(text: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    body["error"]["message"].as_str().unwrap_or("the server refuses").to_owned()
}
