//! `HEAD` and `PUT /media/upload/{ticket}`: uploads of devices, which may break off and go on.

use std::time::Duration;

use anser_storage::command::{MediaCommand, NewMedia};
use anser_storage::media::MediaName;
use anser_storage::{MediaContent, Snapshot};
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_RANGE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use http_body_util::BodyExt;

use super::shown;
use super::upload::{not_kept, of_refusal};
use crate::clock::now_ms;
use crate::context::{Context, Shared};
use crate::media::address::Untrusted;
use crate::media::body::Received;
use crate::media::name::format_of;
use crate::media::parts::{NoRoom, Turn, append};
use crate::media::ticket::Ticket;
use crate::media::{NotKept, in_background};
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};

/// Without credentials: the ticket is signed.
pub const UPLOAD_ROUTE: &str = "/media/upload/{ticket}";

const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// A client from whom nothing comes for so long has gone; what came stays.
const PIECE_WITHIN: Duration = Duration::from_secs(30);
/// What is held in memory before it is written.
const BUFFER_BYTES: usize = 128 << 10;

/// `HEAD /media/upload/{ticket}`: how much is there.
pub async fn look(context: State<Shared>, Path(text): Path<String>) -> Result<Response<Body>, Fault> {
    let ticket = open(&context, &text)?;
    let _turn = context.media.writers.take_over(&ticket).await;
    let offset = match finished(&context, &ticket).await? {
        Some(_) => ticket.upload.bytes,
        None => offset(&context, &ticket).await?,
    };
    Ok((StatusCode::OK, progress(&ticket, offset)).into_response())
}

/// `PUT /media/upload/{ticket}` with `Content-Range: bytes {from}-{to}/{length}`, or without it from the beginning. Answers 200
/// and what a message needs when everything is there, 202 when more is to come.
pub async fn put(context: State<Shared>, Path(text): Path<String>, request: Request) -> Result<Response<Body>, Fault> {
    let ticket = open(&context, &text)?;
    let from = first_byte(request.headers(), ticket.upload.bytes)?;
    let (context, body) = (context.0, request.into_body());
    // Goes on when the connection is lost, so that what came is kept and the turn ends only then.
    let putting = tokio::spawn(async move { put_here(&context, &ticket, from, body).await });
    putting.await.unwrap_or_else(|_| Err(Family::Im.internal()))
}

async fn put_here(context: &Context, ticket: &Ticket, from: Option<u64>, body: Body) -> Result<Response<Body>, Fault> {
    let mut turn = context.media.writers.take_over(ticket).await;
    if let Some(answer) = finished(context, ticket).await? {
        return Ok(answer);
    }
    let offset = offset(context, ticket).await?;
    if from.is_some_and(|from| from != offset) {
        let mut conflict =
            refused(StatusCode::CONFLICT, "the part does not begin where the upload ends").into_response();
        conflict.headers_mut().extend(progress(ticket, offset));
        return Ok(conflict);
    }
    let offset = receive(context, ticket, offset, body, &mut turn).await?;
    if offset < ticket.upload.bytes {
        return Ok((StatusCode::ACCEPTED, progress(ticket, offset)).into_response());
    }
    finish(context, ticket).await
}

fn open(context: &Context, text: &str) -> Result<Ticket, Fault> {
    context.media.signer.open(text, now_ms() / 1000).map_err(|why| match why {
        Untrusted::Forged => refused(StatusCode::FORBIDDEN, "the ticket is not one of this server"),
        Untrusted::Expired => refused(StatusCode::FORBIDDEN, "the ticket has expired: ask for another"),
    })
}

/// Where the sent part begins; nothing when the client has nothing to send (`bytes */{length}`).
fn first_byte(headers: &HeaderMap, bytes: u64) -> Result<Option<u64>, Fault> {
    let Some(range) = headers.get(CONTENT_RANGE) else { return Ok(Some(0)) };
    let parsed = range.to_str().ok().and_then(|range| {
        let (part, length) = range.strip_prefix("bytes ")?.split_once('/')?;
        let from = match part {
            "*" => None,
            part => Some(part.split_once('-')?.0.parse::<u64>().ok()?),
        };
        (length.parse() == Ok(bytes)).then_some(from)
    });
    parsed.ok_or_else(|| Family::Im.invalid("Content-Range must be bytes {from}-{to}/{length of the ticket}"))
}

async fn offset(context: &Context, ticket: &Ticket) -> Result<u64, Fault> {
    let (folder, ticket) = (context.media.folder.clone(), ticket.clone());
    in_background(move || folder.part_bytes(&ticket)).await.map_err(|error| not_kept(&error.into()))
}

/// Writes what comes behind what is there, until it is enough, the client stops, or comes again. What came is kept.
async fn receive(
    context: &Context,
    ticket: &Ticket,
    mut offset: u64,
    mut body: Body,
    turn: &mut Turn,
) -> Result<u64, Fault> {
    let app = ticket.app;
    let space = context.ledger.read(move |snapshot| snapshot.media_space(app)).await;
    let space = space.map_err(|error| Family::Im.unavailable(&error))?;
    let quota = space.quota_bytes.unwrap_or(context.config.media.quota_bytes);
    let left = (quota > 0).then(|| quota.saturating_sub(space.bytes));
    let (folder, opening) = (context.media.folder.clone(), ticket.clone());
    let opened = in_background(move || folder.open_part(&opening, left)).await;
    let mut file = opened.map_err(|error| not_kept(&error.into()))?.map_err(|why| match why {
        NoRoom::TooMany => refused(StatusCode::FORBIDDEN, "this user has begun too many uploads"),
        NoRoom::Quota => refused(StatusCode::FORBIDDEN, "the app keeps as many bytes of media as it may"),
    })?;
    let mut buffer = Vec::new();
    let mut is_over = false;
    while !is_over {
        let piece = tokio::select! {
            piece = tokio::time::timeout(PIECE_WITHIN, body.frame()) => piece.ok().flatten().and_then(Result::ok),
            () = turn.is_wanted() => None,
        };
        match piece.map(|frame| frame.into_data().unwrap_or_default()) {
            Some(piece) => buffer.extend_from_slice(&piece),
            None => is_over = true,
        }
        let left = ticket.upload.bytes - offset;
        if buffer.len() as u64 > left {
            return Err(Family::Im.invalid("the body is longer than the upload"));
        }
        if buffer.len() >= BUFFER_BYTES || (is_over && !buffer.is_empty()) {
            offset += buffer.len() as u64;
            file = append(file, std::mem::take(&mut buffer)).await.map_err(|error| not_kept(&error.into()))?;
        }
    }
    Ok(offset)
}

async fn finish(context: &Context, ticket: &Ticket) -> Result<Response<Body>, Fault> {
    let (folder, finishing) = (context.media.folder.clone(), ticket.clone());
    let received = in_background(move || folder.finish_part(&finishing)).await;
    let received: Received = received.map_err(|error| not_kept(&error.into()))?;
    let looked_at = &received.looked_at;
    if looked_at.body != ticket.upload.sha256 || looked_at.bytes != ticket.upload.bytes {
        // The file goes with `received`: the client begins anew.
        return Err(Family::Im.invalid("the content is not that of which the client gave the hash"));
    }
    let (kind, name) = (ticket.upload.kind, ticket.upload.name.clone());
    let format = format_of(kind, &name, looked_at)
        .ok_or_else(|| Family::Im.invalid("the file is no image of the formats jpg, png, gif and bmp"))?;
    let content = looked_at.content(&format);
    let (app, quota_bytes) = (ticket.app, context.config.media.quota_bytes);
    let answer = answer(ticket, &content);
    let command = match ticket.upload.thumb_of {
        Some(of) => {
            MediaCommand::AddThumb { app, media: of.id, by: ticket.user, thumb: Box::new(content), quota_bytes }
        }
        None => {
            let media = NewMedia { id: ticket.id, kind, content, name, by: Some(ticket.user) };
            MediaCommand::Add { app, media: Box::new(media), quota_bytes }
        }
    };
    let kept = context.media.keep(&context.ledger, received, command).await;
    kept.map_err(|why: NotKept| not_kept(&why))?.map_err(|refusal| of_refusal(&refusal))?;
    Ok(answer)
}

/// The answer again, when the upload was finished before.
async fn finished(context: &Context, ticket: &Ticket) -> Result<Option<Response<Body>>, Fault> {
    let (app, id, thumb_of, hash) = (ticket.app, ticket.id, ticket.upload.thumb_of, ticket.upload.sha256);
    let found = context.ledger.read(move |snapshot: &Snapshot| match thumb_of {
        Some(of) => snapshot.media_thumb(app, of.id),
        None => Ok(snapshot.media_by_id(app, id)?.map(|media| media.content)),
    });
    let found = found.await.map_err(|error| Family::Im.unavailable(&error))?;
    Ok(found.filter(|content| content.body == hash).map(|content| answer(ticket, &content)))
}

fn answer(ticket: &Ticket, content: &MediaContent) -> Response<Body> {
    // A small picture has no name of its own: that of what it shows stands there.
    let name = ticket.upload.thumb_of.unwrap_or(MediaName { kind: ticket.upload.kind, id: ticket.id });
    let mut answer = json_response(StatusCode::OK, &shown(&name, content, &ticket.upload.name));
    answer.headers_mut().extend(progress(ticket, ticket.upload.bytes));
    answer
}

fn progress(ticket: &Ticket, offset: u64) -> HeaderMap {
    HeaderMap::from_iter([
        (UPLOAD_OFFSET, HeaderValue::from(offset)),
        (UPLOAD_LENGTH, HeaderValue::from(ticket.upload.bytes)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ])
}

fn refused(status: StatusCode, message: &'static str) -> Fault {
    Fault { status, ..Family::Im.invalid(message) }
}
