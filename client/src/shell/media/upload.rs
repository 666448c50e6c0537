//! Putting a file on the server.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anser_protocol::frame::media::MediaKind;
use ring::digest::{Context, SHA256};
use serde_json::Value;

use super::http::{Exchange, Head};
use super::{Client, Ended, MediaError, NextAttempt, Patience, Progress, in_background, message_in};
use crate::session::{Answer, Request};

const PIECE_BYTES: usize = 64 << 10;

/// What is to be uploaded.
#[derive(Clone, Debug)]
pub struct Upload {
    pub kind: MediaKind,
    pub path: PathBuf,
    /// As the file shall be called; empty: as it is.
    pub name: String,
    /// The `media_id` of an own upload of which this is a small picture; else empty.
    pub thumb_of: String,
}

/// What is on the server now.
#[derive(Clone, Debug, PartialEq)]
pub struct Uploaded {
    pub media_id: String,
    pub crc32: u32,
    pub bytes: u64,
    /// All that the body of a message needs, as the server gave it: a JSON object.
    pub body: Value,
}

/// Of the file as it was when the upload began.
struct Given {
    bytes: u64,
    sha256: [u8; 32],
}

impl Client {
    /// Uploads a file of the user who is logged in. The same file of the same user is the same upload: what is there of an
    /// earlier attempt, of whatever process, is not sent again, and the result is the same.
    pub async fn upload(
        &self,
        upload: Upload,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Uploaded, MediaError> {
        let missing = |reason| MediaError::FileMissing { path: upload.path.clone(), reason };
        let path = upload.path.clone();
        let given = in_background(move || look_at(&path)).await.map_err(missing)?;
        let mut patience = Patience::new();
        let mut url = self.ticket(&upload, &given).await?;
        let mut done = 0;
        loop {
            let mut tell = |through| {
                done = through;
                progress(Progress { done: through, of: given.bytes });
            };
            match self.put(&url, &upload.path, given.bytes, &mut tell).await {
                Ok(uploaded) => return Ok(uploaded),
                Err(ended) => {
                    if patience.after(ended, done).await? == NextAttempt::NewAddress {
                        url = self.ticket(&upload, &given).await?;
                    }
                }
            }
        }
    }

    async fn ticket(&self, upload: &Upload, given: &Given) -> Result<String, MediaError> {
        let own = upload.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = if upload.name.is_empty() { own } else { upload.name.clone() };
        let request = Request::MediaUpload {
            kind: upload.kind,
            bytes: given.bytes,
            sha256: given.sha256,
            name,
            thumb_of: upload.thumb_of.clone(),
        };
        match self.asked(request).await? {
            Answer::MediaTicket { url } => Ok(url),
            _ => Err(MediaError::Broken("the server gave no ticket".to_owned())),
        }
    }

    /// One attempt: asks how much is there, and sends the rest.
    async fn put(
        &self,
        url: &str,
        path: &Path,
        bytes: u64,
        tell: &mut (impl FnMut(u64) + Send),
    ) -> Result<Uploaded, Ended> {
        let target = self.target(url)?;
        let mut exchange = self.connect_to(&target).await?;
        exchange.ask("HEAD", &target, &[], 0).await?;
        let head = exchange.head("HEAD").await?;
        let offset = match head.status {
            200 => head.number("upload-offset").filter(|offset| *offset <= bytes),
            status => return Err(refused(status, String::new())),
        };
        let offset = offset.ok_or_else(|| Ended::Broken("the server does not say how much is there".to_owned()))?;
        drop(exchange);
        tell(offset);
        let mut exchange = self.connect_to(&target).await?;
        let range = match bytes.checked_sub(1).filter(|last| offset <= *last) {
            Some(last) => format!("bytes {offset}-{last}/{bytes}"),
            None => format!("bytes */{bytes}"),
        };
        let mut headers = vec![("content-range", range)];
        let is_asked = offset < bytes;
        if is_asked {
            headers.push(("expect", "100-continue".to_owned()));
        }
        exchange.ask("PUT", &target, &headers, bytes - offset).await?;
        if is_asked && let Some(head) = exchange.refusal("PUT").await? {
            return answer(&mut exchange, head, offset).await;
        }
        let (opened, opening) = (path.to_owned(), path.to_owned());
        let file = in_background(move || open_at(&opened, offset)).await;
        let mut file = file.map_err(|reason| Ended::For(MediaError::FileMissing { path: opening, reason }))?;
        let mut sent = offset;
        while sent < bytes {
            let most = usize::try_from(bytes - sent).unwrap_or(usize::MAX).min(PIECE_BYTES);
            let (read, piece) = in_background(move || read(file, most)).await?;
            file = read;
            // A server that refuses does not read on: what it says is more use than that it hung up.
            if exchange.write(&piece).await.is_err() {
                break;
            }
            sent += piece.len() as u64;
            tell(sent);
        }
        let head = exchange.head("PUT").await?;
        answer(&mut exchange, head, offset).await
    }
}

async fn answer(exchange: &mut Exchange, mut head: Head, offset: u64) -> Result<Uploaded, Ended> {
    let text = exchange.text(&mut head).await?;
    match head.status {
        200 => parse(&text).ok_or_else(|| Ended::Broken("the server does not say what it has".to_owned())),
        // More is to come, or the server knows better how much is there.
        202 | 409 => Err(Ended::Broken("the upload was cut".to_owned())),
        // What was there of an earlier attempt may be damaged: the server has thrown it away.
        400 if offset > 0 => Err(Ended::Broken(message_in(&text))),
        status => Err(refused(status, text)),
    }
}

fn refused(status: u16, text: String) -> Ended {
    let message = message_in(&text);
    match status {
        // A ticket that has expired.
        403 if text.is_empty() => Ended::NeedsAddress(status, message),
        400..=499 => Ended::For(MediaError::NotTaken { status, message }),
        _ => Ended::Broken(message),
    }
}

fn parse(text: &str) -> Option<Uploaded> {
    let body: Value = serde_json::from_str(text).ok()?;
    let media_id = body["media_id"].as_str()?.to_owned();
    let crc32 = u32::try_from(body["media_crc32"].as_u64()?).ok()?;
    Some(Uploaded { media_id, crc32, bytes: body["fsize"].as_u64()?, body })
}

fn look_at(path: &Path) -> io::Result<Given> {
    let mut file = File::open(path)?;
    let (mut sha256, mut bytes, mut piece) = (Context::new(&SHA256), 0, vec![0; PIECE_BYTES]);
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => {
                sha256.update(&piece[..read]);
                bytes += read as u64;
            }
        }
    }
    let sha256 = sha256.finish().as_ref().try_into().map_err(|_| io::Error::other("no SHA-256"))?;
    Ok(Given { bytes, sha256 })
}

fn open_at(path: &Path, offset: u64) -> io::Result<File> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(file)
}

fn read(mut file: File, bytes: usize) -> io::Result<(File, Vec<u8>)> {
    let mut piece = vec![0; bytes];
    file.read_exact(&mut piece)?;
    Ok((file, piece))
}
