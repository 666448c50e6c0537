//! Lists of devices that app servers upload and push to.

mod lines;
mod upload;

use anser_storage::File;
use anser_storage::command::{FileCommand, FileKind, FileName, FileOwner};
use anser_storage::ids::FileId;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::Uploader;
use super::family::Family;
use super::fault::{Fault, json_response};
use super::form::{Form, Part};
use super::segment::Segment;
use super::uuid;
use crate::clock::{Written, now_ms};
use crate::config::TimeZone;
use crate::context::{Context, Shared};
use lines::{Lines, Malformed};

pub use upload::Upload;

const FILE_BYTES_MAX: usize = 10 << 20;
/// The file with the rest of the form.
const FORM_BYTES_MAX: usize = FILE_BYTES_MAX + (64 << 10);
/// Of the fields beside the file.
const FIELD_BYTES_MAX: usize = 64;
const TTL_HOURS_MAX: u64 = 720;
const HOUR_MS: u64 = 3_600_000;

/// `POST /v3/files/alias`
pub async fn upload_aliases(
    context: State<Shared>,
    caller: Extension<Uploader>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    upload(&context, &caller, request, FileKind::Aliases).await
}

/// `POST /v3/files/registration_id`
pub async fn upload_registration_ids(
    context: State<Shared>,
    caller: Extension<Uploader>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    upload(&context, &caller, request, FileKind::RegistrationIds).await
}

async fn upload(
    context: &Context,
    caller: &Uploader,
    request: Request,
    kind: FileKind,
) -> Result<Response<Body>, Fault> {
    check_right(context, caller).await?;
    let mut form = Form::open(Family::Push, request, FORM_BYTES_MAX)?;
    let mut ttl_hours = TTL_HOURS_MAX;
    let mut uploaded = None;
    while let Some(mut part) = form.next().await? {
        match part.name() {
            "filename" if uploaded.is_none() => {
                uploaded = Some(receive(context, caller, kind.clone(), part).await?);
            }
            "ttl" => ttl_hours = parse_ttl(&part.text(FIELD_BYTES_MAX).await?)?,
            _ => {}
        }
    }
    let uploaded =
        uploaded.ok_or_else(|| Fault::new(StatusCode::BAD_REQUEST, 1002, "filename is missing: it holds the file"))?;
    if uploaded.is_empty() {
        return Err(Family::Push.invalid("the file names nobody"));
    }
    let id = uploaded.finish(ttl_hours * HOUR_MS).await?;
    Ok(json_response(StatusCode::OK, &json!({"file_id": file_id(&caller.key, id)})))
}

/// Line by line, so that the size of a file costs no memory.
async fn receive(context: &Context, caller: &Uploader, kind: FileKind, mut part: Part) -> Result<Upload, Fault> {
    let malformed = |wrong: Malformed| Family::Push.invalid(format!("the file is no list: {wrong}"));
    let mut upload = Upload::begin(context, &caller.owner, kind, part.file_name().unwrap_or_default()).await?;
    let (mut lines, mut bytes) = (Lines::default(), 0);
    while let Some(piece) = part.piece().await? {
        bytes += piece.len();
        if bytes > FILE_BYTES_MAX {
            return Err(Family::Push.too_large());
        }
        for full in lines.push(&piece).map_err(malformed)? {
            upload.add(full.as_bytes()).await?;
        }
    }
    for rest in lines.finish().map_err(malformed)? {
        upload.add(rest.as_bytes()).await?;
    }
    Ok(upload)
}

fn parse_ttl(text: &str) -> Result<u64, Fault> {
    match text.trim() {
        "" => Ok(TTL_HOURS_MAX),
        text => text
            .parse()
            .ok()
            .filter(|hours| (1..=TTL_HOURS_MAX).contains(hours))
            .ok_or_else(|| Family::Push.invalid("ttl must be a whole number of hours from 1 to 720")),
    }
}

/// What a developer uploads is for pushes to app groups: there must be an app of theirs in one.
async fn check_right(context: &Context, caller: &Uploader) -> Result<(), Fault> {
    let FileOwner::Developer(key) = &caller.owner else { return Ok(()) };
    let key = key.clone();
    let has_one = context.ledger.read(move |snapshot| snapshot.has_grouped_app(&key)).await;
    match has_one.map_err(|error| Family::Push.unavailable(&error))? {
        true => Ok(()),
        false => {
            let message = "none of the developer's apps is in an app group: there is nobody to upload a file for";
            Err(Fault::new(StatusCode::FORBIDDEN, 1105, message))
        }
    }
}

/// `GET /v3/files`
pub async fn list(context: State<Shared>, caller: Extension<Uploader>) -> Result<Response<Body>, Fault> {
    let (owner, now_ms) = (caller.owner.clone(), now_ms());
    let files = context.ledger.read(move |snapshot| snapshot.files(&owner, now_ms)).await;
    let files = files.map_err(|error| Family::Push.unavailable(&error))?;
    let zone = context.config.time_zone;
    let shown: Vec<Value> = files.iter().filter_map(|file| show_file(&caller, file, zone)).collect();
    Ok(json_response(StatusCode::OK, &json!({"total_count": shown.len(), "files": shown})))
}

/// `GET /v3/files/{file_id}`
pub async fn show(
    context: State<Shared>,
    caller: Extension<Uploader>,
    Segment(id): Segment,
) -> Result<Response<Body>, Fault> {
    let unknown = || Family::Push.invalid("there is no such file, or not any more");
    let id = own_id(&caller, &id).ok_or_else(unknown)?;
    let (owner, now_ms) = (caller.owner.clone(), now_ms());
    let file = context.ledger.read(move |snapshot| snapshot.file(&owner, id, now_ms)).await;
    let file = file.map_err(|error| Family::Push.unavailable(&error))?.ok_or_else(unknown)?;
    let shown = show_file(&caller, &file, context.config.time_zone).ok_or_else(unknown)?;
    Ok(json_response(StatusCode::OK, &shown))
}

/// `DELETE /v3/files/{file_id}`: one that is not there is none afterwards.
pub async fn remove(
    context: State<Shared>,
    caller: Extension<Uploader>,
    Segment(id): Segment,
) -> Result<Response<Body>, Fault> {
    if let Some(file) = own_id(&caller, &id) {
        let (owner, now_ms) = (caller.owner.clone(), now_ms());
        let found = context.ledger.read(move |snapshot| snapshot.file(&owner, file, now_ms)).await;
        let found = found.map_err(|error| Family::Push.unavailable(&error))?;
        // Images have no call that deletes them.
        if found.is_some_and(|found| found.kind.is_list()) {
            upload::submit(&context.ledger, FileCommand::Delete { owner: caller.owner.clone(), file }).await?;
        }
    }
    Ok(json_response(StatusCode::OK, &json!({})))
}

/// Nothing for what is no list.
fn show_file(caller: &Uploader, file: &File, zone: TimeZone) -> Option<Value> {
    let kind = match file.kind {
        FileKind::Aliases => "alias",
        FileKind::RegistrationIds => "registration_id",
        FileKind::Image { .. } => return None,
    };
    Some(json!({
        "file_id": file_id(&caller.key, file.id),
        "type": kind,
        "file_name": file.name,
        "create_time": Written(file.created_ms, zone).to_string(),
        "expire_time": Written(file.expires_ms, zone).to_string(),
    }))
}

fn file_id(owner_key: &str, id: FileId) -> String {
    format!("{owner_key}-{}", uuid::write(&id.0))
}

/// A file as a push names it; nothing when that is no name of a file.
pub fn parse_name(text: &str) -> Option<FileName> {
    let (owner_key, id) = text.split_once('-')?;
    Some(FileName { owner_key: owner_key.to_owned(), id: FileId(uuid::parse(id)?) })
}

fn own_id(caller: &Uploader, text: &str) -> Option<FileId> {
    parse_name(text).filter(|name| name.owner_key == caller.key).map(|name| name.id)
}
