//! `GET` and `HEAD /media/…`: what was uploaded, to whoever has a signed address, and never as something that a browser
//! would run.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use anser_storage::media::MediaName;
use anser_storage::{Media, MediaContent};
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use futures_util::stream::try_unfold;

use super::range::{self, Asked};
use crate::clock::now_ms;
use crate::context::{Context, Shared};
use crate::media::address::{Untrusted, parse_file_name};
use crate::media::in_background;
use crate::media::picture::content_type;
use crate::rest::family::Family;
use crate::rest::fault::Fault;
use crate::rest::path::query_value;

/// Without credentials: the address is signed.
pub const PATH: &str = "/media/{app_key}/{name}";

/// What is read from the disk at a time.
const PIECE_BYTES: u64 = 128 << 10;

/// What an address leads to.
struct Found {
    media: Media,
    /// Of the medium, or of its thumbnail.
    content: MediaContent,
    file: File,
    /// For how long the address is still good.
    left_s: u64,
}

/// `GET /media/{app_key}/{name}?e={expires}&s={tag}`; with `thumb=1` the thumbnail, if there is one.
pub async fn serve(
    context: State<Shared>,
    Path((app_key, name)): Path<(String, String)>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let found = find(&context, app_key, &name, request.uri()).await?;
    let etag = format!("\"{}\"", found.content.etag);
    let mut headers = headers(&found);
    set(&mut headers, ETAG, &etag);
    let asked = request.headers();
    if text(asked, &IF_NONE_MATCH).is_some_and(|known| known == "*" || known.split(',').any(|one| is_tag(one, &etag))) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let bytes = found.content.bytes;
    // Another body than the one of which the caller has a part: all of it.
    let has_part_of_this = text(asked, &IF_RANGE).is_none_or(|known| known.trim() == etag);
    let range =
        text(asked, &RANGE).filter(|_| has_part_of_this).map_or(Asked::Whole, |range| range::parse(range, bytes));
    let (status, part) = match range {
        Asked::Whole => (StatusCode::OK, 0..bytes),
        Asked::Part(part) => {
            set(&mut headers, CONTENT_RANGE, &format!("bytes {}-{}/{bytes}", part.start, part.end - 1));
            (StatusCode::PARTIAL_CONTENT, part)
        }
        Asked::Beyond => {
            let mut refused = Fault { status: StatusCode::RANGE_NOT_SATISFIABLE, ..Family::Im.invalid("no such part") }
                .into_response();
            set(refused.headers_mut(), CONTENT_RANGE, &format!("bytes */{bytes}"));
            return Ok(refused);
        }
    };
    set(&mut headers, CONTENT_LENGTH, &(part.end - part.start).to_string());
    let body = if request.method() == Method::HEAD { Body::empty() } else { body(found.file, part) };
    Ok((status, headers, body).into_response())
}

async fn find(context: &Context, app_key: String, name: &str, uri: &Uri) -> Result<Found, Fault> {
    let refused = |status, message: &'static str| Fault { status, ..Family::Im.invalid(message) };
    let unknown = || refused(StatusCode::NOT_FOUND, "there is no such medium, or not any more");
    // An extension is for people.
    let name: MediaName = parse_file_name(name).ok_or_else(unknown)?;
    let expires_s = query_value(uri, "e").and_then(|expires| expires.parse().ok()).unwrap_or(0);
    let tag = query_value(uri, "s").unwrap_or_default();
    let now_s = now_ms() / 1000;
    context.media.signer.check(&app_key, &name, expires_s, &tag, now_s).map_err(|why| match why {
        Untrusted::Forged => refused(StatusCode::FORBIDDEN, "the address is not one of this server"),
        Untrusted::Expired => refused(StatusCode::FORBIDDEN, "the address has expired: ask for another"),
    })?;
    let wants_thumb = query_value(uri, "thumb").is_some_and(|value| value == "1" || value == "true");
    let read = context.ledger.read(move |snapshot| {
        let Some((app, _)) = snapshot.app_by_key(&app_key)? else { return Ok(None) };
        let Some(media) = snapshot.media(app, &name)? else { return Ok(None) };
        let thumb = if wants_thumb { snapshot.media_thumb(app, name.id)? } else { None };
        Ok(Some((app, thumb, media)))
    });
    let read = read.await.map_err(|error| Family::Im.unavailable(&error))?;
    let (app, thumb, media) = read.ok_or_else(unknown)?;
    let content = thumb.unwrap_or_else(|| media.content.clone());
    let (folder, hash) = (context.media.folder.clone(), content.body);
    let opened = in_background(move || folder.open_body(app, &hash)).await;
    let file = opened.map_err(|error| {
        log::error!("the file of a medium cannot be read: {error}; bring the folder media back from a backup, and look at its disk");
        if error.kind() == io::ErrorKind::NotFound { unknown() } else { Family::Im.internal() }
    })?;
    Ok(Found { media, content, file, left_s: expires_s - now_s })
}

/// Nothing that is served here can be anything but an image, or a file to save.
fn headers(found: &Found) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let image = content_type(&found.content.format);
    set(&mut headers, CONTENT_TYPE, image.unwrap_or("application/octet-stream"));
    if image.is_none() {
        set(&mut headers, CONTENT_DISPOSITION, &disposition(&found.media.name));
    }
    set(&mut headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut headers, CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    set(&mut headers, ACCEPT_RANGES, "bytes");
    // For whoever asked alone, and no longer than the address is good. What it names never changes.
    set(&mut headers, CACHE_CONTROL, &format!("private, max-age={}", found.left_s));
    headers
}

/// The name in letters that every program understands, and as it is (RFC 6266).
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || ".-_ ".contains(letter) { letter } else { '_' })
        .collect();
    let exact: String = name
        .bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_tag(given: &str, etag: &str) -> bool {
    let given = given.trim();
    given.strip_prefix("W/").unwrap_or(given) == etag
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A part of a file, read as the caller takes it.
fn body(file: File, part: Range<u64>) -> Body {
    Body::from_stream(try_unfold((file, part), |(mut file, part)| async move {
        if part.is_empty() {
            return Ok::<_, io::Error>(None);
        }
        let read = in_background(move || {
            let bytes = PIECE_BYTES.min(part.end - part.start);
            let mut piece = vec![0; usize::try_from(bytes).unwrap_or_default()];
            file.seek(SeekFrom::Start(part.start))?;
            file.read_exact(&mut piece)?;
            Ok((Bytes::from(piece), (file, part.start + bytes..part.end)))
        });
        read.await.map(Some)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_name_breaks_out_of_its_header() {
        assert_eq!(disposition("a b.txt"), "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
        assert_eq!(
            disposition("京\"; x=\r\n.html"),
            "attachment; filename=\"___ x___.html\"; filename*=UTF-8''%E4%BA%AC%22%3B%20x%3D%0D%0A.html"
        );
    }
}
