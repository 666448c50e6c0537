//! Images for notifications: kept here for 30 days, or kept elsewhere and only named here.
//!
//! There is one channel, our own: of the images that are given for vendors' channels none is kept when one is given for
//! ours, and the first one stands in when there is none. The answer names ours only.

use anser_storage::File;
use anser_storage::command::{FileKind, FileOwner};
use anser_storage::ids::FileId;
use axum::body::Body;
use axum::extract::{Extension, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use super::access::Caller;
use super::family::Family;
use super::fault::{Fault, json_response};
use super::file::Upload;
use super::form::Form;
use super::lenient::{Object, as_int, as_name, member};
use super::origin::origin;
use super::segment::Segment;
use super::{body, uuid};
use crate::clock::now_ms;
use crate::context::{Context, Shared};

/// What every media id begins with.
pub const MEDIA_PREFIX: &str = "jgmedia-";
/// Where stored images are served, without credentials: devices have none to show.
pub const PATH: &str = "/images/{app_key}/{media_id}";

const LIFETIME_MS: u64 = 30 * 24 * 60 * 60 * 1000;
const IMAGE_BYTES_MAX: usize = 2 << 20;
/// Five images and the type.
const FORM_BYTES_MAX: usize = 5 * IMAGE_BYTES_MAX + (64 << 10);
const FIELD_BYTES_MAX: usize = 64;
const URL_BYTES_MAX: usize = 2048;
/// Whose images a caller may give; the first that is there is kept.
const CHANNELS: [&str; 7] = ["jiguang", "xiaomi", "huawei", "honor", "oppo", "fcm", "hmos"];

/// What the caller gives; on a change the type may be left out.
struct Given {
    image_type: Option<u8>,
    image: Image,
}

enum Image {
    Stored { content_type: &'static str, content: Vec<u8> },
    Elsewhere { url: String },
}

/// `POST /v3/images/byurls`
pub async fn add_by_urls(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let origin = origin(&context, context.config.push.image_origin.as_deref(), &request);
    let given = given_urls(request).await?;
    add(&context, &caller, given, &origin).await
}

/// `POST /v3/images/byfiles`
pub async fn add_by_files(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let origin = origin(&context, context.config.push.image_origin.as_deref(), &request);
    let given = given_files(request).await?;
    add(&context, &caller, given, &origin).await
}

/// `PUT /v3/images/byurls/{media_id}`
pub async fn change_by_urls(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(media_id): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let origin = origin(&context, context.config.push.image_origin.as_deref(), &request);
    let known = own(&context, &caller, &media_id).await?;
    change(&context, &caller, known, given_urls(request).await?, &origin).await
}

/// `PUT /v3/images/byfiles/{media_id}`
pub async fn change_by_files(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(media_id): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let origin = origin(&context, context.config.push.image_origin.as_deref(), &request);
    let known = own(&context, &caller, &media_id).await?;
    change(&context, &caller, known, given_files(request).await?, &origin).await
}

/// `GET /images/{app_key}/{media_id}`: nothing that is served here can be anything but an image to a browser.
pub async fn serve(
    context: State<Shared>,
    Path((app_key, media_id)): Path<(String, String)>,
) -> Result<Response<Body>, Fault> {
    let unknown = || Fault::new(StatusCode::NOT_FOUND, 1003, "there is no such image, or not any more");
    let (asked_type, id) = parse_media_id(&media_id).ok_or_else(unknown)?;
    let now_ms = now_ms();
    let found = context.ledger.read(move |snapshot| {
        let Some((app, _)) = snapshot.app_by_key(&app_key)? else { return Ok(None) };
        let owner = FileOwner::App(app);
        let Some(file) = snapshot.file(&owner, id, now_ms)? else { return Ok(None) };
        Ok(snapshot.file_content(&owner, id, now_ms)?.map(|content| (file.kind, content)))
    });
    let found = found.await.map_err(|error| Family::Push.unavailable(&error))?;
    let Some((FileKind::Image { image_type, content_type, .. }, content)) = found else { return Err(unknown()) };
    let known = CONTENT_TYPES.into_iter().find(|known| *known == content_type);
    let content_type = known.filter(|_| image_type == asked_type).ok_or_else(unknown)?;
    let mut response = Response::new(Body::from(content));
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        // A change of the image is seen within the hour.
        (CACHE_CONTROL, "public, max-age=3600"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// `jgmedia-{type}-{uuid}`
pub fn parse_media_id(text: &str) -> Option<(u8, FileId)> {
    let (image_type, id) = text.strip_prefix(MEDIA_PREFIX)?.split_once('-')?;
    Some((image_type.parse().ok()?, FileId(uuid::parse(id)?)))
}

fn media_id(image_type: u8, id: FileId) -> String {
    format!("{MEDIA_PREFIX}{image_type}-{}", uuid::write(&id.0))
}

/// Where devices get an image; nothing for what is none.
pub fn url_of(app_key: &str, id: FileId, kind: &FileKind) -> Option<String> {
    match kind {
        FileKind::Image { url, content_type, .. } if content_type.is_empty() => Some(url.clone()),
        FileKind::Image { url, image_type, .. } => {
            Some(format!("{url}/images/{app_key}/{}", media_id(*image_type, id)))
        }
        FileKind::Aliases | FileKind::RegistrationIds => None,
    }
}

async fn add(context: &Context, caller: &Caller, given: Given, origin: &str) -> Result<Response<Body>, Fault> {
    let image_type = given.image_type.ok_or_else(|| missing("image_type is missing"))?;
    let (kind, upload) = upload(context, caller, image_type, given.image, origin).await?;
    let id = upload.finish(LIFETIME_MS).await?;
    Ok(answer(caller, id, image_type, &kind))
}

/// An image stays of its type: its id says which.
async fn change(
    context: &Context,
    caller: &Caller,
    known: (u8, File),
    given: Given,
    origin: &str,
) -> Result<Response<Body>, Fault> {
    let (image_type, file) = known;
    if given.image_type.is_some_and(|given| given != image_type) {
        return Err(Family::Push.invalid("image_type: an image stays of the type that its media_id says"));
    }
    let (kind, upload) = upload(context, caller, image_type, given.image, origin).await?;
    upload.replace(file.id, LIFETIME_MS).await?;
    Ok(answer(caller, file.id, image_type, &kind))
}

async fn upload(
    context: &Context,
    caller: &Caller,
    image_type: u8,
    image: Image,
    origin: &str,
) -> Result<(FileKind, Upload), Fault> {
    let (content_type, url, content) = match image {
        Image::Stored { content_type, content } => (content_type, origin.to_owned(), content),
        Image::Elsewhere { url } => ("", url, Vec::new()),
    };
    let kind = FileKind::Image { image_type, content_type: content_type.to_owned(), url };
    let mut upload = Upload::begin(context, &FileOwner::App(caller.app), kind.clone(), "").await?;
    upload.add(&content).await?;
    Ok((kind, upload))
}

fn answer(caller: &Caller, id: FileId, image_type: u8, kind: &FileKind) -> Response<Body> {
    let url = url_of(&caller.app_key, id, kind);
    json_response(StatusCode::OK, &json!({"media_id": media_id(image_type, id), "jiguang_image_url": url}))
}

/// The image that a change is about.
async fn own(context: &Context, caller: &Caller, text: &str) -> Result<(u8, File), Fault> {
    let unknown = || Family::Push.invalid("media_id names no image of this app, or not any more");
    let (image_type, id) = parse_media_id(text).ok_or_else(unknown)?;
    let (owner, now_ms) = (FileOwner::App(caller.app), now_ms());
    let file = context.ledger.read(move |snapshot| snapshot.file(&owner, id, now_ms)).await;
    let file = file.map_err(|error| Family::Push.unavailable(&error))?.ok_or_else(unknown)?;
    match file.kind {
        FileKind::Image { image_type: own, .. } if own == image_type => Ok((image_type, file)),
        _ => Err(unknown()),
    }
}

async fn given_urls(request: Request) -> Result<Given, Fault> {
    let body = body::json(Family::Push, request).await?;
    let object = body.as_object().ok_or_else(|| Family::Push.invalid("the request body must be an object"))?;
    let image_type =
        member(object, "image_type").map(|value| as_int(value).and_then(checked_type).ok_or_else(wrong_type));
    let url = url_in(object)?.ok_or_else(|| missing("image_url is missing, and the URL of every channel as well"))?;
    Ok(Given { image_type: image_type.transpose()?, image: Image::Elsewhere { url } })
}

/// Of our own channel, else the one for all, else that of the first channel. All that are given must be URLs.
fn url_in(object: &Object) -> Result<Option<String>, Fault> {
    let mut chosen = None;
    let keys = CHANNELS.iter().map(|channel| format!("{channel}_image_url"));
    let keys =
        keys.take(1).chain(["image_url".to_owned()]).chain(CHANNELS[1..].iter().map(|of| format!("{of}_image_url")));
    for key in keys {
        let Some(value) = member(object, &key) else { continue };
        let url = as_name(value).filter(|url| is_url(url));
        let url = url.ok_or_else(|| Family::Push.invalid(format!("{key} must be a URL of http or https")))?;
        chosen = chosen.or(Some(url));
    }
    Ok(chosen)
}

fn is_url(text: &str) -> bool {
    let behind = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text.len() <= URL_BYTES_MAX
        && behind.is_some_and(|behind| behind.starts_with(|first: char| first.is_alphanumeric() || first == '['))
        && !text.chars().any(|letter| letter.is_control() || letter.is_whitespace() || "\"<>\\^`{|}".contains(letter))
}

async fn given_files(request: Request) -> Result<Given, Fault> {
    let mut form = Form::open(Family::Push, request, FORM_BYTES_MAX)?;
    let mut image_type = None;
    let mut best: Option<(usize, &'static str, Vec<u8>)> = None;
    while let Some(mut part) = form.next().await? {
        if part.name() == "image_type" {
            let given = part.text(FIELD_BYTES_MAX).await?.trim().parse().ok().and_then(checked_type);
            image_type = Some(given.ok_or_else(wrong_type)?);
            continue;
        }
        let channel = part.name().strip_suffix("_file").and_then(|of| CHANNELS.iter().position(|known| *known == of));
        let Some(channel) = channel else { continue };
        let content = part.bytes(IMAGE_BYTES_MAX).await?;
        let content_type = content_type_of(&content).ok_or_else(|| {
            Family::Push.invalid(format!("{}_file must be a PNG, JPEG, GIF or WebP image", CHANNELS[channel]))
        })?;
        if best.as_ref().is_none_or(|(of, ..)| channel < *of) {
            best = Some((channel, content_type, content));
        }
    }
    let (_, content_type, content) =
        best.ok_or_else(|| missing("jiguang_file is missing, and every other file as well"))?;
    Ok(Given { image_type, image: Image::Stored { content_type, content } })
}

const CONTENT_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// By its first bytes, whatever the caller calls it. SVG can hold programs, so it is none.
fn content_type_of(content: &[u8]) -> Option<&'static str> {
    let [png, jpeg, gif, webp] = CONTENT_TYPES;
    match content {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(png),
        [0xff, 0xd8, 0xff, ..] => Some(jpeg),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(webp),
        _ => None,
    }
}

fn checked_type(number: i64) -> Option<u8> {
    u8::try_from(number).ok().filter(|number| (1..=3).contains(number))
}

fn wrong_type() -> Fault {
    Family::Push.invalid("image_type must be 1 (big picture), 2 (large icon) or 3 (small icon)")
}

fn missing(message: &'static str) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, 1002, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_images_that_browsers_cannot_run_are_images() {
        for (content, kind) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a..", Some("image/gif")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
            (b"<html><script>", None),
            (b"RIFF\0\0\0\0WAVE", None),
            (b"", None),
        ] {
            assert_eq!(content_type_of(content), kind);
        }
    }

    #[test]
    fn urls_are_of_the_web_and_hold_nothing_that_breaks_out_of_a_page() {
        for good in ["https://cdn.example.com/a.png?x=1&y=2#z", "http://10.0.0.1:8080/%20", "https://[::1]/京.png"] {
            assert!(is_url(good), "{good}");
        }
        for bad in [
            "",
            "ftp://x.org/a",
            "https://",
            "https:///a",
            "//x.org/a",
            "https://x.org/a b",
            "https://x.org/\"><script>",
            "javascript:alert(1)",
            &format!("https://x.org/{}", "a".repeat(2048)),
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_media_id_is_read_as_it_was_written_and_no_text_makes_it_panic(bytes in any::<[u8; 16]>(), image_type in 1u8..=3, text in "(jgmedia-)?.{0,50}") {
            prop_assert_eq!(parse_media_id(&media_id(image_type, FileId(bytes))), Some((image_type, FileId(bytes))));
            let _ = parse_media_id(&text);
        }
    }
}
