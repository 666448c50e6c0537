//! Files that users share: tickets to put one on the server, addresses to get one from it.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::media::{self as wire, MediaAddress, MediaLocation, MediaTicket, MediaUpload};
use anser_storage::MediaContent;
use anser_storage::media::{MediaKind, MediaName};

use super::request::Pending;
use super::{Session, Stage};
use crate::link::query::{Answer, FoundMedia, Query};
use crate::media::address::Signer;
use crate::media::name::file_name;
use crate::media::ticket::{UPLOAD_PATH, Upload};

/// Of a name as the client gives it.
const NAME_BYTES_MAX: usize = 250;
/// A small picture is small.
const THUMB_BYTES_MAX: u64 = 256 << 10;

/// What the operator set for media.
#[derive(Clone, Debug)]
pub struct MediaRules {
    pub signer: Signer,
    pub bytes_max: u64,
    pub url_ms: u64,
    /// Before the paths of addresses; empty: clients put their server there.
    pub origin: String,
}

impl Default for MediaRules {
    fn default() -> Self {
        Self { signer: Signer::new(&[0; 32]), bytes_max: 8 << 20, url_ms: 86_400_000, origin: String::new() }
    }
}

impl Session {
    pub(super) fn ask_ticket(&mut self, body: MediaUpload) {
        let Stage::Ready(ready) = &self.stage else { return };
        if ready.user.is_none() {
            return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "");
        }
        let app = ready.app;
        match checked(&body, self.rules.media.bytes_max) {
            Ok(upload) => {
                let query = Query::Media { app, name: upload.thumb_of };
                self.query(Pending::Ticket(body.request, Box::new(upload)), query);
            }
            Err((code, message)) => self.fail(body.request, code, message),
        }
    }

    pub(super) fn ticket_looked_up(&mut self, request: u32, upload: Upload, answer: Result<Answer, ErrorCode>) {
        let found = match answer {
            Ok(Answer::Media(found)) => found,
            Ok(_) => return self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => return self.fail(request, code, ""),
        };
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(request, ErrorCode::NOT_LOGGED_IN, "") };
        let is_own = |media: &anser_storage::Media| media.by == Some(user.number);
        if upload.thumb_of.is_some() && !found.media.as_ref().is_some_and(is_own) {
            return self.fail(request, ErrorCode::MEDIA_UNKNOWN, "");
        }
        let rules = &self.rules.media;
        let ticket = rules.signer.ticket(ready.app, user.number, upload, self.now_ms / 1000);
        let url = format!("{}{UPLOAD_PATH}{}", rules.origin, rules.signer.seal(&ticket));
        let (expires_ms, extensions) = (ticket.expires_s * 1000, Extensions::default());
        self.send(&ServerFrame::MediaTicket(MediaTicket { request, url, expires_ms, extensions }));
    }

    pub(super) fn ask_address(&mut self, body: MediaAddress) {
        let Stage::Ready(ready) = &self.stage else { return };
        if ready.user.is_none() {
            return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "");
        }
        let app = ready.app;
        match MediaName::parse(&body.media_id) {
            Some(name) => self.query(Pending::Address(body.request, name), Query::MediaInReach { app, name }),
            None => self.fail(body.request, ErrorCode::MEDIA_UNKNOWN, ""),
        }
    }

    pub(super) fn address_looked_up(&mut self, request: u32, name: MediaName, answer: Result<Answer, ErrorCode>) {
        let found = match answer {
            Ok(Answer::Media(found)) => *found,
            Ok(_) => return self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => return self.fail(request, code, ""),
        };
        let FoundMedia { app_key, media: Some(media), thumb } = found else {
            return self.fail(request, ErrorCode::MEDIA_UNKNOWN, "");
        };
        let rules = &self.rules.media;
        let expires_s = (self.now_ms + rules.url_ms) / 1000;
        let url = format!("{}{}", rules.origin, rules.signer.path(&app_key, &name, expires_s));
        let MediaContent { bytes, crc32, etag: hash, .. } = media.content;
        let (thumb_bytes, thumb_crc32) = thumb.map_or((0, 0), |thumb| (thumb.bytes, thumb.crc32));
        let expires_ms = expires_s * 1000;
        let extensions = Extensions::default();
        self.send(&ServerFrame::MediaLocation(MediaLocation {
            request,
            url,
            expires_ms,
            bytes,
            crc32,
            hash,
            thumb_bytes,
            thumb_crc32,
            extensions,
        }));
    }
}

fn checked(body: &MediaUpload, bytes_max: u64) -> Result<Upload, (ErrorCode, &'static str)> {
    let kind = match body.kind {
        wire::MediaKind::IMAGE => MediaKind::Image,
        wire::MediaKind::FILE => MediaKind::File,
        wire::MediaKind::VOICE => MediaKind::Voice,
        _ => return Err((ErrorCode::INVALID, "the kind of medium is not known")),
    };
    if body.name.len() > NAME_BYTES_MAX {
        return Err((ErrorCode::INVALID, "the file's name is longer than 250 bytes"));
    }
    let thumb_of = match body.thumb_of.as_str() {
        "" => None,
        of => Some(MediaName::parse(of).ok_or((ErrorCode::MEDIA_UNKNOWN, ""))?),
    };
    if thumb_of.is_some() && kind != MediaKind::Image {
        return Err((ErrorCode::INVALID, "a small picture is an image"));
    }
    if body.bytes > thumb_of.map_or(bytes_max, |_| THUMB_BYTES_MAX.min(bytes_max)) {
        return Err((ErrorCode::MEDIA_TOO_LARGE, ""));
    }
    let sha256 = body.sha256.as_slice().try_into().map_err(|_| (ErrorCode::INVALID, "a SHA-256 has 32 bytes"))?;
    Ok(Upload { kind, bytes: body.bytes, sha256, name: file_name(&body.name), thumb_of })
}
