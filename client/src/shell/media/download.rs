//! Getting a file from the server.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{Client, Ended, MediaError, NextAttempt, Patience, Progress, in_background, message_in};
use crate::session::{Answer, Request};

const PIECE_BYTES: usize = 64 << 10;

/// What is to be downloaded.
#[derive(Clone, Debug)]
pub struct Download {
    pub media_id: String,
    /// The small picture, if there is one, in place of the medium.
    pub thumb: bool,
    /// Where it shall be; until it is whole it lies beside, with `.part` behind its name.
    pub into: PathBuf,
}

/// What was downloaded, and is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downloaded {
    pub bytes: u64,
    pub crc32: u32,
    pub is_thumb: bool,
}

struct Location {
    url: String,
    bytes: u64,
    crc32: u32,
    is_thumb: bool,
}

impl Client {
    /// Downloads a medium, goes on where an earlier attempt broke off, and checks that it came whole.
    pub async fn download(
        &self,
        download: Download,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Downloaded, MediaError> {
        let mut part = download.into.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let not_written = |reason| MediaError::FileNotWritten { path: part.clone(), reason };
        let mut location = self.location(&download).await?;
        let mut patience = Patience::new();
        let (mut done, mut was_damaged) = (0, false);
        loop {
            let of = location.bytes;
            let mut tell = |through| {
                done = through;
                progress(Progress { done: through, of });
            };
            match self.get(&location, &part, &mut tell).await {
                Ok(()) => {}
                Err(ended) => {
                    if patience.after(ended, done).await? == NextAttempt::NewAddress {
                        location = self.location(&download).await?;
                    }
                    continue;
                }
            }
            let (checked, crc32) = (part.clone(), location.crc32);
            if in_background(move || Ok(crc32_of(&checked)? == crc32)).await.map_err(not_written)? {
                break;
            }
            // A part of an earlier attempt may be of something else: once more, from the beginning.
            let gone = part.clone();
            in_background(move || std::fs::remove_file(gone)).await.map_err(not_written)?;
            if std::mem::replace(&mut was_damaged, true) {
                return Err(MediaError::Damaged);
            }
        }
        let (from, into) = (part.clone(), download.into.clone());
        in_background(move || std::fs::rename(from, into)).await.map_err(not_written)?;
        let Location { bytes, crc32, is_thumb, .. } = location;
        Ok(Downloaded { bytes, crc32, is_thumb })
    }

    async fn location(&self, download: &Download) -> Result<Location, MediaError> {
        match self.asked(Request::MediaAddress { media_id: download.media_id.clone() }).await? {
            Answer::MediaLocation(found) if download.thumb && found.thumb_bytes > 0 => Ok(Location {
                url: format!("{}&thumb=1", found.url),
                bytes: found.thumb_bytes,
                crc32: found.thumb_crc32,
                is_thumb: true,
            }),
            Answer::MediaLocation(found) => {
                Ok(Location { url: found.url, bytes: found.bytes, crc32: found.crc32, is_thumb: false })
            }
            _ => Err(MediaError::Broken("the server gave no address".to_owned())),
        }
    }

    /// One attempt: asks for what is not there yet.
    async fn get(&self, location: &Location, part: &Path, tell: &mut (impl FnMut(u64) + Send)) -> Result<(), Ended> {
        let not_written = |reason| Ended::For(MediaError::FileNotWritten { path: part.to_owned(), reason });
        let (opened, bytes) = (part.to_owned(), location.bytes);
        let (mut file, mut done) = in_background(move || open(&opened, bytes)).await.map_err(not_written)?;
        tell(done);
        if done == location.bytes {
            return Ok(());
        }
        let target = self.target(&location.url)?;
        let mut exchange = self.connect_to(&target).await?;
        exchange.ask("GET", &target, &[("range", format!("bytes={done}-"))], 0).await?;
        let mut head = exchange.head("GET").await?;
        match head.status {
            206 if head.left == location.bytes - done => {}
            // The server gives everything.
            200 if head.left == location.bytes => {
                file.set_len(0).map_err(not_written)?;
                done = 0;
            }
            200 | 206 => return Err(Ended::For(MediaError::Damaged)),
            status => {
                let message = message_in(&exchange.text(&mut head).await?);
                return Err(match status {
                    403 => Ended::NeedsAddress(status, message),
                    400..=499 => Ended::For(MediaError::NotTaken { status, message }),
                    _ => Ended::Broken(message),
                });
            }
        }
        while let Some(piece) = exchange.piece(&mut head).await? {
            done += piece.len() as u64;
            file = in_background(move || file.write_all(&piece).map(|()| file)).await.map_err(not_written)?;
            tell(done);
        }
        in_background(move || file.sync_all()).await.map_err(not_written)
    }
}

/// Behind what is there. More than there can be is of something else.
fn open(path: &Path, bytes: u64) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let there = file.metadata()?.len();
    if there > bytes {
        file.set_len(0)?;
        return Ok((file, 0));
    }
    Ok((file, there))
}

fn crc32_of(path: &Path) -> io::Result<u32> {
    let mut file = File::open(path)?;
    let (mut crc32, mut piece) = (crc32fast::Hasher::new(), vec![0; PIECE_BYTES]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(crc32.finalize()),
            read => crc32.update(&piece[..read]),
        }
    }
}
