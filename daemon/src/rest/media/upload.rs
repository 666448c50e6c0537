//! `POST /v1/resource`: a form with one file, written to disk piece by piece.

use anser_storage::command::{MediaCommand, NewMedia};
use anser_storage::ids::AppNumber;
use anser_storage::media::{MediaId, MediaKind, MediaName};
use anser_storage::outcome::Refusal;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};

use super::shown;
use crate::context::{Context, Shared};
use crate::keys::random;
use crate::media::NotKept;
use crate::media::body::{Incoming, Received};
use crate::media::name::{file_name, format_of};
use crate::rest::access::Caller;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::form::{Form, Part};
use crate::rest::path::query_value;

/// So much of a body is read and thrown away behind what is taken: a caller who is still writing does not hear before
/// it is through.
const DISCARDED_BYTES_MAX: usize = 64 << 20;

/// `POST /v1/resource?type={image|file|voice}`
pub async fn upload(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let kind = query_value(request.uri(), "type").and_then(|name| MediaKind::from_name(&name));
    let kind = kind.ok_or_else(|| Family::Im.invalid("type must be image, file or voice"))?;
    if request.headers().contains_key("x-encrypt-type") {
        return Err(Family::Im.invalid("encrypted payloads are not supported: send the body in the clear, over TLS"));
    }
    let bytes_max = context.config.media.upload_bytes;
    let mut form = Form::open(Family::Im, request, bytes_max + DISCARDED_BYTES_MAX)?;
    let (name, received) = loop {
        let part = form.next().await.map_err(of_form)?;
        let mut part = part.ok_or_else(|| Family::Im.invalid("the form has no part with a file name"))?;
        if let Some(sent) = part.sent_name() {
            break (file_name(&sent), receive(&context, caller.app, &mut part, bytes_max).await);
        }
    };
    // What follows is not wanted, but read, so that the connection can be used again.
    while let Ok(Some(_)) = form.next().await {}
    keep(&context, caller.app, kind, name, received?).await
}

async fn receive(context: &Context, app: AppNumber, part: &mut Part, bytes_max: usize) -> Result<Received, Fault> {
    let mut incoming = Some(Incoming::new(&context.media.folder, app));
    let mut bytes = 0;
    while let Some(piece) = part.piece().await.map_err(of_form)? {
        bytes += piece.len();
        if bytes > bytes_max {
            incoming = None;
        }
        if let Some(incoming) = &mut incoming {
            incoming.add(&piece).await.map_err(|error| not_kept(&error.into()))?;
        }
    }
    let incoming = incoming.ok_or_else(too_large)?;
    incoming.finish().await.map_err(|error| not_kept(&error.into()))
}

async fn keep(
    context: &Context,
    app: AppNumber,
    kind: MediaKind,
    file_name: String,
    received: Received,
) -> Result<Response<Body>, Fault> {
    let format = format_of(kind, &file_name, &received.looked_at)
        .ok_or_else(|| Family::Im.invalid("the file is no image of the formats jpg, png, gif and bmp"))?;
    let content = received.looked_at.content(&format);
    let name = MediaName { kind, id: MediaId(random()) };
    let answer = shown(&name, &content, &file_name);
    let media = NewMedia { id: name.id, kind, content, name: file_name, by: None };
    let add = MediaCommand::Add { app, media: Box::new(media), quota_bytes: context.config.media.quota_bytes };
    let kept = context.media.keep(&context.ledger, received, add).await.map_err(|why| not_kept(&why))?;
    kept.map_err(|refusal| of_refusal(&refusal))?;
    Ok(json_response(StatusCode::OK, &answer))
}

fn of_form(fault: Fault) -> Fault {
    if fault == Family::Im.too_large() { too_large() } else { fault }
}

fn too_large() -> Fault {
    forbidden("the file is larger than this server takes")
}

pub fn not_kept(why: &NotKept) -> Fault {
    match why {
        NotKept::Store(why) => Family::Im.unavailable(why),
        NotKept::Disk(error) => {
            log::error!(
                "an upload could not be written: {error}; make room on the disk, or give the folder media to this user"
            );
            let why = match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => crate::ledger::Unavailable::Full,
                _ => crate::ledger::Unavailable::NotStored(String::new()),
            };
            Family::Im.unavailable(&why)
        }
    }
}

pub fn of_refusal(refusal: &Refusal) -> Fault {
    match refusal {
        Refusal::MediaQuotaFull => forbidden("the app keeps as many bytes of media as it may"),
        Refusal::AppUnknown => Family::Im.wrong_credentials(),
        Refusal::SenderUnknown | Refusal::UserDisabled => forbidden("the user is gone or disabled"),
        Refusal::MediaUnknown => forbidden("there is no such medium of this user"),
        _ => Family::Im.internal(),
    }
}

fn forbidden(message: &'static str) -> Fault {
    Fault { status: StatusCode::FORBIDDEN, ..Family::Im.invalid(message) }
}
