//! Uploads of devices: tickets, parts, cuts, what takes over from what.

use std::convert::Infallible;

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::media::{MediaAddress, MediaKind, MediaLocation, MediaUpload};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anserd::clock::now_ms;
use anserd::media::sweep;
use axum::body::{Body, Bytes};
use axum::http::Request;
use axum::http::response::Parts;
use futures_util::stream::{self, StreamExt};
use http_body_util::BodyExt;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::peer::Peer;
use crate::world::{App, World};

const GIF: &[u8] = b"GIF89a\x04\x03\x02\x01rest";
const SMALL: &[u8] = b"GIF89a\x10\0\x08\0small";

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_cut_goes_on_where_it_was_and_is_told_the_same_again() {
    let (world, app) = with_users().await;
    let content: Vec<u8> = (0..700_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let path = ticket(&world, &app, "ann", MediaKind::FILE, &content, "").await.expect("a ticket");
    assert_eq!(offset(&world, &path).await, (200, 0));
    // The connection breaks off in the middle.
    let pieces = [Ok(Bytes::copy_from_slice(&content[..350_000])), Err(std::io::Error::other("cut"))];
    let (head, _) = put(&world, &path, "bytes 0-699999/700000", Body::from_stream(stream::iter(pieces))).await;
    assert_eq!((head.status.as_u16(), &head.headers["upload-offset"]), (202, &"350000".parse().expect("text")));

    let world = world.restarted().await;
    // A ticket that was lost leads to the same upload again.
    let path = ticket(&world, &app, "ann", MediaKind::FILE, &content, "").await.expect("a ticket");
    assert_eq!(offset(&world, &path).await, (200, 350_000));
    let (head, _) = put(&world, &path, "bytes 0-699999/700000", content.clone().into()).await;
    assert_eq!((head.status.as_u16(), &head.headers["upload-offset"]), (409, &"350000".parse().expect("text")));
    let rest = content[350_000..].to_vec();
    let (head, answer) = put(&world, &path, "bytes 350000-699999/700000", rest.into()).await;
    assert_eq!(head.status, 200, "{answer}");
    assert_eq!((&answer["fsize"], &answer["fname"]), (&json!(700_000), &json!("a.bin")));
    let (head, again) = put(&world, &path, "bytes */700000", Body::empty()).await;
    assert_eq!((head.status.as_u16(), &again), (200, &answer));
    assert_eq!(offset(&world, &path).await, (200, 700_000));

    let location = location(&world, &app, "bob", answer["media_id"].as_str().expect("a text")).await.expect("there");
    assert_eq!((location.bytes, json!(location.crc32)), (700_000, answer["media_crc32"].clone()));
    assert_eq!(json!(location.hash), answer["hash"]);
    assert_eq!(get(&world, &location.url).await, (200, content));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_in_reach_of_linked_apps_and_of_no_others() {
    let (world, app) = with_users().await;
    let (linked, stranger) = (world.app("linked").await, world.app("stranger").await);
    for other in [&linked, &stranger] {
        world.users(other, &["ann", "bob"]).await;
    }
    world.app_group("neighbours", &[&app, &linked]).await;
    let path = ticket(&world, &app, "ann", MediaKind::IMAGE, GIF, "").await.expect("a ticket");
    let range = format!("bytes 0-{}/{}", GIF.len() - 1, GIF.len());
    let (head, answer) = put(&world, &path, &range, GIF.into()).await;
    assert_eq!(head.status, 200, "{answer}");
    let media_id = answer["media_id"].as_str().expect("a text");

    let found = location(&world, &linked, "bob", media_id).await.expect("there");
    assert_eq!(get(&world, &found.url).await, (200, GIF.to_vec()));
    let resolved = world.call(&linked, "GET", &format!("/v1/resource?mediaId={media_id}"), None).await.expect(200);
    let url = resolved["url"].as_str().expect("a text");
    let path = &url[url.find("/media/").expect("a path")..];
    assert_eq!(get(&world, path).await, (200, GIF.to_vec()));

    assert_eq!(location(&world, &stranger, "bob", media_id).await, Err(ErrorCode::MEDIA_UNKNOWN));
    world.call(&stranger, "GET", &format!("/v1/resource?mediaId={media_id}"), None).await.refused(400, 899_003);
    // A user of the same number in the linked app is not the one who sent it.
    let thumb = ticket(&world, &linked, "ann", MediaKind::IMAGE, SMALL, media_id).await;
    assert_eq!(thumb, Err(ErrorCode::MEDIA_UNKNOWN));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_again_takes_over_from_a_connection_that_is_lost() {
    let (world, app) = with_users().await;
    let content = vec![7; 1000];
    let path = ticket(&world, &app, "ann", MediaKind::FILE, &content, "").await.expect("a ticket");
    // Its client is away, but the daemon does not know it.
    let begun = stream::iter([Ok::<_, Infallible>(Bytes::copy_from_slice(&content[..600]))]).chain(stream::pending());
    let lost = put(&world, &path, "bytes 0-999/1000", Body::from_stream(begun));
    let newer = async {
        // The first may not have begun yet: then there is nothing, and it is asked again.
        loop {
            let found = offset(&world, &path).await;
            if found == (200, 600) {
                return;
            }
            tokio::task::yield_now().await;
            if found == (200, 0) {
                let (head, _) = put(&world, &path, "bytes 0-999/1000", Body::from(content[..600].to_vec())).await;
                assert!(matches!(head.status.as_u16(), 202 | 409));
            }
        }
    };
    let ((head, _), ()) = tokio::join!(lost, newer);
    assert!(matches!(head.status.as_u16(), 202 | 409), "{}", head.status);
    let (head, _) = put(&world, &path, "bytes 600-999/1000", Body::from(content[600..].to_vec())).await;
    assert_eq!(head.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_upload_is_told_and_it_begins_anew() {
    let (world, app) = with_users().await;
    let path = ticket(&world, &app, "ann", MediaKind::FILE, b"hello", "").await.expect("a ticket");
    for range in ["bytes 0-4/6", "bytes x-4/5", "0-4/5", "bytes */6"] {
        assert_eq!(put(&world, &path, range, Body::from("hello")).await.0.status, 400, "{range}");
    }
    assert_eq!(put(&world, &path, "bytes 0-4/5", Body::from("hello!")).await.0.status, 400);
    let (head, answer) = put(&world, &path, "bytes 0-4/5", Body::from("hallo")).await;
    assert_eq!((head.status.as_u16(), &answer["error"]["code"]), (400, &json!(899_003)));
    assert_eq!(offset(&world, &path).await, (200, 0));
    assert_eq!(put(&world, &path, "bytes 0-4/5", Body::from("hello")).await.0.status, 200);
    let no_image = ticket(&world, &app, "ann", MediaKind::IMAGE, b"hello", "").await.expect("a ticket");
    assert_eq!(put(&world, &no_image, "bytes 0-4/5", Body::from("hello")).await.0.status, 400);
    for forged in ["/media/upload/x", "/media/upload/AAAA", &path[..path.len() - 1]] {
        assert_eq!(offset(&world, forged).await.0, 403, "{forged}");
        assert_eq!(put(&world, forged, "bytes 0-4/5", Body::from("hello")).await.0.status, 403, "{forged}");
    }
    let empty = ticket(&world, &app, "ann", MediaKind::FILE, b"", "").await.expect("a ticket");
    assert_eq!(put(&world, &empty, "bytes */0", Body::empty()).await.0.status, 200);
    let mut upload = upload(MediaKind::FILE, b"x", "");
    upload.bytes = (8 << 20) + 1;
    assert_eq!(asked(&world, &app, "ann", upload).await, Err(ErrorCode::MEDIA_TOO_LARGE));
    let media_id = "qiniu/image/r/00112233445566778899AABBCCDDEEFF";
    assert_eq!(location(&world, &app, "ann", media_id).await, Err(ErrorCode::MEDIA_UNKNOWN));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_was_disabled_and_an_app_that_is_full_take_nothing_more() {
    let (world, app) = with_users().await;
    let path = ticket(&world, &app, "ann", MediaKind::FILE, b"hello", "").await.expect("a ticket");
    world.call(&app, "PUT", "/v1/users/ann/forbidden?disable=true", None).await.expect(204);
    assert_eq!(put(&world, &path, "bytes 0-4/5", Body::from("hello")).await.0.status, 403);
    let world = World::with(|config| config.media.quota_bytes = 4).await;
    let app = world.app("one").await;
    world.users(&app, &["ann"]).await;
    let path = ticket(&world, &app, "ann", MediaKind::FILE, b"hello", "").await.expect("a ticket");
    assert_eq!(put(&world, &path, "bytes 0-4/5", Body::from("hello")).await.0.status, 403);
    assert_eq!(offset(&world, &path).await, (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_picture_is_served_with_its_image_and_goes_with_it() {
    let (world, app) = with_users().await;
    let path = ticket(&world, &app, "ann", MediaKind::IMAGE, GIF, "").await.expect("a ticket");
    let (_, image) = put(&world, &path, "bytes 0-13/14", Body::from(GIF)).await;
    assert_eq!((&image["width"], &image["height"]), (&json!(772), &json!(258)));
    let id = image["media_id"].as_str().expect("a text");
    assert_eq!(ticket(&world, &app, "bob", MediaKind::IMAGE, SMALL, id).await, Err(ErrorCode::MEDIA_UNKNOWN));
    assert_eq!(ticket(&world, &app, "ann", MediaKind::FILE, SMALL, id).await, Err(ErrorCode::INVALID));
    let without = location(&world, &app, "bob", id).await.expect("there");
    assert_eq!(get(&world, &format!("{}&thumb=1", without.url)).await, (200, GIF.to_vec()));
    let path = ticket(&world, &app, "ann", MediaKind::IMAGE, SMALL, id).await.expect("a ticket");
    for _ in 0..2 {
        let (head, small) = put(&world, &path, "bytes 0-14/15", Body::from(SMALL)).await;
        assert_eq!((head.status.as_u16(), &small["media_id"], &small["width"]), (200, &json!(id), &json!(16)));
    }
    let with = location(&world, &app, "bob", id).await.expect("there");
    assert_eq!((with.bytes, with.thumb_bytes), (14, 15));
    assert_eq!(get(&world, &with.url).await, (200, GIF.to_vec()));
    assert_eq!(get(&world, &format!("{}&thumb=1", with.url)).await, (200, SMALL.to_vec()));
    let context = world.daemon.context();
    sweep::round(&context.media, &context.ledger, 0, now_ms()).await.expect("swept");
    assert_eq!(get(&world, &with.url).await.0, 404);
    assert_eq!(get(&world, &format!("{}&thumb=1", with.url)).await.0, 404);
}

async fn with_users() -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["ann", "bob"]).await;
    (world, app)
}

fn upload(kind: MediaKind, content: &[u8], thumb_of: &str) -> MediaUpload {
    MediaUpload {
        request: 7,
        kind,
        bytes: content.len() as u64,
        sha256: digest(&SHA256, content).as_ref().to_vec(),
        name: "folder/a.bin".to_owned(),
        thumb_of: thumb_of.to_owned(),
        extensions: Extensions::default(),
    }
}

async fn peer(world: &World, app: &App, username: &str) -> Peer {
    let mut peer = Peer::connect(world).await;
    peer.register(&app.key).await;
    peer.log_in(username, "secret").await;
    peer
}

async fn ticket(
    world: &World,
    app: &App,
    username: &str,
    kind: MediaKind,
    content: &[u8],
    thumb_of: &str,
) -> Result<String, ErrorCode> {
    asked(world, app, username, upload(kind, content, thumb_of)).await
}

async fn asked(world: &World, app: &App, username: &str, upload: MediaUpload) -> Result<String, ErrorCode> {
    let mut peer = peer(world, app, username).await;
    peer.say(&ClientFrame::MediaUpload(upload)).await;
    match peer.hear_answer().await {
        Some(ServerFrame::MediaTicket(ticket)) => Ok(ticket.url),
        Some(ServerFrame::Failed(failed)) => Err(failed.code),
        other => panic!("a ticket was expected, not {other:?}"),
    }
}

async fn location(world: &World, app: &App, username: &str, media_id: &str) -> Result<MediaLocation, ErrorCode> {
    let mut peer = peer(world, app, username).await;
    let (media_id, extensions) = (media_id.to_owned(), Extensions::default());
    peer.say(&ClientFrame::MediaAddress(MediaAddress { request: 8, media_id, extensions })).await;
    match peer.hear_answer().await {
        Some(ServerFrame::MediaLocation(location)) => Ok(location),
        Some(ServerFrame::Failed(failed)) => Err(failed.code),
        other => panic!("an address was expected, not {other:?}"),
    }
}

/// Status, and how much is there.
async fn offset(world: &World, path: &str) -> (u16, u64) {
    let (head, _) = answer_to(world, Request::head(path).body(Body::empty()).expect("a request")).await;
    let offset = head.headers.get("upload-offset").and_then(|offset| offset.to_str().ok()?.parse().ok());
    (head.status.as_u16(), offset.unwrap_or(0))
}

async fn put(world: &World, path: &str, range: &str, body: Body) -> (Parts, Value) {
    let request = Request::put(path).header("content-range", range).body(body).expect("a request");
    let (head, body) = answer_to(world, request).await;
    (head, serde_json::from_slice(&body).unwrap_or_default())
}

async fn get(world: &World, path: &str) -> (u16, Vec<u8>) {
    let (head, body) = answer_to(world, Request::get(path).body(Body::empty()).expect("a request")).await;
    (head.status.as_u16(), body)
}

async fn answer_to(world: &World, request: Request<Body>) -> (Parts, Vec<u8>) {
    let (head, body) = world.rest.answer(request).await.into_parts();
    (head, body.collect().await.expect("a whole body").to_bytes().to_vec())
}
