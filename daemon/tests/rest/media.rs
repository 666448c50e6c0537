//! Media: uploads by form, addresses, downloads, and when they go.

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::extension::Extensions;
use anser_storage::command::{Command, Origin, Send, Target};
use anser_storage::ids::UserNumber;
use anserd::clock::now_ms;
use anserd::media::sweep;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::response::Parts;
use axum::http::{Request, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::world::{Answered, App, Part, World, basic};

const MIB: usize = 1 << 20;
const GIF: &[u8] = b"GIF89a\x04\x03\x02\x01rest";
/// Where a daemon of these tests says that it is.
const ORIGIN: &str = "https://push.example.org:8443";

#[tokio::test]
async fn each_kind_of_upload_is_told_what_its_message_needs() {
    let world = World::new().await;
    world.covers(&["POST /v1/resource"]);
    let app = world.app("one").await;
    let image = upload(&world, &app, "image", "filename", "/home/ann/a.gif", GIF).await.expect(200);
    let id = checked_id(&image, "image");
    assert_eq!(
        image,
        json!({"media_id": id, "media_crc32": 1149524473_u32, "fsize": 14, "width": 772, "height": 258,
               "format": "gif", "hash": image["hash"]})
    );
    let file = upload(&world, &app, "file", "anything", "C:\\Users\\ann\\名单.txt", b"hello").await.expect(200);
    let id = checked_id(&file, "file");
    let hash = "Fqr0xh3cxeii2r7eDztILNmuqUNN";
    assert_eq!(
        file,
        json!({"media_id": id, "media_crc32": 907_060_870, "fsize": 5, "fname": "名单.txt", "hash": hash})
    );
    let voice = upload(&world, &app, "voice", "voice", "a.M4A", b"hello").await.expect(200);
    let id = checked_id(&voice, "voice");
    assert_eq!(voice, json!({"media_id": id, "media_crc32": 907_060_870, "fsize": 5, "format": "m4a", "hash": hash}));
    assert_eq!(
        world
            .daemon
            .context()
            .ledger
            .read(move |snapshot| snapshot.media_space(app.number))
            .await
            .expect("readable")
            .bytes,
        19
    );
}

#[tokio::test]
async fn the_form_of_the_java_sdk_is_read_as_it_is() {
    let world = World::new().await;
    let app = world.app("one").await;
    let boundary = "========7d4a6d158c9";
    let mut body = format!("\r\n--{boundary}\r\nContent-Disposition: form-data;name=\"image\";filename=\"/tmp/a.gif\"\r\nContent-Type:application/octet-stream\r\n\r\n").into_bytes();
    body.extend_from_slice(GIF);
    body.extend(format!("\r\n\r\n--{boundary}--\r\n").into_bytes());
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let credentials = basic(&app.key, &app.secret);
    let answered =
        world.send(Some(&credentials), "POST", "/v1/resource/?type=image", Some(content_type), body.into()).await;
    assert_eq!(answered.0.status, 200, "{}", String::from_utf8_lossy(&answered.1));
    let answer: Value = serde_json::from_slice(&answered.1).expect("JSON");
    assert_eq!((&answer["fsize"], &answer["width"]), (&json!(GIF.len() + 2), &json!(772)));
    let (head, stored) = get(&world, &path_of(&world, &app, &answer).await, &[]).await;
    assert_eq!((head.status.as_u16(), stored), (200, [GIF, b"\r\n"].concat()));
}

#[tokio::test]
async fn a_name_that_is_not_ascii_is_known_however_it_is_written() {
    let world = World::new().await;
    let app = world.app("one").await;
    for disposition in ["filename*=UTF-8''%E4%BA%AC+1.txt", "filename=\"京+1.txt\"", "filename=京+1.txt"] {
        let body =
            format!("--b\r\nContent-Disposition: form-data; name=\"filename\"; {disposition}\r\n\r\nx\r\n--b--\r\n");
        let credentials = basic(&app.key, &app.secret);
        let content_type = Some("multipart/form-data; boundary=b".to_owned());
        let (_, answer) =
            world.send(Some(&credentials), "POST", "/v1/resource?type=file", content_type, body.into()).await;
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        assert_eq!(answer["fname"], "京+1.txt", "{disposition}: {answer}");
    }
}

#[tokio::test]
async fn a_file_may_have_eight_mebibytes_and_not_a_byte_more() {
    let world = World::new().await;
    let app = world.app("one").await;
    let full = vec![7; 8 * MIB + 1];
    let answer = upload(&world, &app, "file", "f", "a.bin", &full[1..]).await.expect(200);
    assert_eq!(answer["fsize"], 8_388_608);
    assert!(answer["hash"].as_str().is_some_and(|hash| hash.starts_with('l') && hash.len() == 28), "{answer}");
    upload(&world, &app, "file", "f", "a.bin", &full).await.refused(403, 899_003);
    upload(&world, &app, "file", "f", "a.bin", &vec![7; 73 * MIB]).await.refused(403, 899_003);
    let small = World::with(|config| config.media.upload_bytes = MIB).await;
    let app = small.app("one").await;
    upload(&small, &app, "file", "f", "a", &full[..MIB]).await.expect(200);
    upload(&small, &app, "file", "f", "a", &full[..MIB + 1]).await.refused(403, 899_003);
}

#[tokio::test]
async fn what_is_wrong_with_an_upload_is_told() {
    let world = World::new().await;
    let app = world.app("one").await;
    for kind in ["", "?type=", "?type=video", "?type=Image"] {
        let form: [Part<'_>; 1] = [("f", Some("a.gif"), GIF)];
        form_call(&world, &app, &format!("/v1/resource{kind}"), &form).await.refused(400, 899_003);
    }
    form_call(&world, &app, "/v1/resource?type=file", &[("f", None, b"x")]).await.refused(400, 899_003);
    form_call(&world, &app, "/v1/resource?type=file", &[]).await.refused(400, 899_003);
    for wrong in [&b"<svg onload='alert(1)'/>"[..], b"", b"GIF89a", b"\x89PNG\r\n\x1a\nnot really"] {
        upload(&world, &app, "image", "f", "a.png", wrong).await.refused(400, 899_003);
    }
    world.call(&app, "POST", "/v1/resource?type=file", Some(json!({}))).await.refused(400, 899_003);
    let two: [Part<'_>; 3] = [("note", None, b"x"), ("a", Some("a"), b"first"), ("b", Some("b"), b"second")];
    let answer = form_call(&world, &app, "/v1/resource?type=file", &two).await.expect(200);
    assert_eq!((&answer["fname"], &answer["fsize"]), (&json!("a"), &json!(5)));
}

#[tokio::test]
async fn an_address_is_had_by_the_app_alone_and_is_good_without_credentials() {
    let world = World::new().await;
    world.covers(&["GET /v1/resource"]);
    let (app, stranger) = (world.app("one").await, world.app("two").await);
    let id = upload(&world, &app, "image", "f", "a.gif", GIF).await.expect(200)["media_id"].clone();
    let id = id.as_str().expect("a text").to_owned();
    let url = |answer: &Value| answer["url"].as_str().expect("a text").to_owned();
    let found = url(&resolve(&world, &app, &id).await.expect(200));
    assert!(found.starts_with(&format!("{ORIGIN}/media/{}/image-", app.key)), "{found}");
    resolve(&world, &app, &id.replace('/', "%2F")).await.expect(200);
    resolve(&world, &app, &format!("{id}.gif")).await.expect(200);
    resolve(&world, &stranger, &id).await.refused(400, 899_003);
    for unknown in ["", "x", &id.replace("image", "file"), &id[..id.len() - 1], &format!("{}0", &id[..id.len() - 1])] {
        if *unknown != *id {
            resolve(&world, &app, unknown).await.refused(400, 899_003);
        }
    }
    let world = world.restarted().await;
    let path = &found[ORIGIN.len()..];
    let (head, content) = get(&world, path, &[]).await;
    assert_eq!((head.status.as_u16(), content.as_slice()), (200, GIF));
    for (forged, status) in [
        (path.replace(&app.key, &stranger.key), 403),
        (path.replace("image-", "file-"), 403),
        (path.replace("e=", "e=9"), 403),
        (path.split('?').next().expect("a path").to_owned(), 403),
        (path.replace("image-", "x"), 404),
        (format!("{path}A"), 403),
    ] {
        assert_eq!(get(&world, &forged, &[]).await.0.status, status, "{forged}");
    }
    world.call_as(None, "POST", path, "").await.refused(401, 899_007);
    let elsewhere = World::with(|config| config.media.origin = Some("http://10.0.0.1:80".to_owned())).await;
    let app = elsewhere.app("one").await;
    let answer = upload(&elsewhere, &app, "file", "f", "a", b"x").await.expect(200);
    let answer = resolve(&elsewhere, &app, answer["media_id"].as_str().expect("a text")).await.expect(200);
    assert!(url(&answer).starts_with("http://10.0.0.1:80/media/"), "{answer}");
}

#[tokio::test]
async fn an_address_ends_with_its_time_or_its_app() {
    let world = World::with(|config| config.media.url_life = std::time::Duration::ZERO).await;
    let app = world.app("one").await;
    let answer = upload(&world, &app, "file", "f", "a", b"x").await.expect(200);
    assert_eq!(get(&world, &path_of(&world, &app, &answer).await, &[]).await.0.status, 403);
    let world = World::new().await;
    let app = world.app("one").await;
    let answer = upload(&world, &app, "file", "f", "a", b"x").await.expect(200);
    let path = path_of(&world, &app, &answer).await;
    let context = world.daemon.context();
    context.delete_app(app.number).await.expect("stored").expect("deleted");
    assert_eq!(get(&world, &path, &[]).await.0.status, 404);
    let media = context.config.data_dir.join("media");
    // They go in the background.
    let begun = std::time::Instant::now();
    while std::fs::read_dir(&media).expect("a folder").next().is_some() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "the files of the app are gone");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nothing_is_served_that_a_browser_would_run() {
    let world = World::new().await;
    let app = world.app("one").await;
    for (kind, name, content, content_type) in [
        ("image", "a.html", GIF, "image/gif"),
        ("file", "a.html", b"<script>alert(1)</script>", "application/octet-stream"),
        ("file", "a.svg", b"<svg onload='alert(1)'/>", "application/octet-stream"),
        ("voice", "a.html", b"<script>alert(1)</script>", "application/octet-stream"),
        // What is a picture is one only where it was uploaded as one.
        ("file", "a.gif", GIF, "application/octet-stream"),
    ] {
        let answer = upload(&world, &app, kind, "f", name, content).await.expect(200);
        let (head, served) = get(&world, &path_of(&world, &app, &answer).await, &[]).await;
        assert_eq!((head.status.as_u16(), served.as_slice()), (200, content));
        assert_eq!(head.headers["content-type"], content_type);
        assert_eq!(head.headers["x-content-type-options"], "nosniff");
        assert_eq!(head.headers["content-security-policy"], "default-src 'none'; sandbox");
        let disposition = head.headers.get("content-disposition").map(|value| value.to_str().expect("text"));
        match kind {
            "image" => assert_eq!(disposition, None),
            _ => assert!(disposition.is_some_and(|value| value.starts_with("attachment; ")), "{disposition:?}"),
        }
        assert!(head.headers["cache-control"].to_str().is_ok_and(|value| value.starts_with("private, max-age=")));
    }
}

#[tokio::test]
async fn a_part_is_served_to_who_asks_for_one() {
    let world = World::new().await;
    let app = world.app("one").await;
    let content: Vec<u8> = (0..600_000_u32).map(|number| number.to_le_bytes()[0] ^ number.to_le_bytes()[1]).collect();
    let answer = upload(&world, &app, "file", "f", "a.bin", &content).await.expect(200);
    let path = path_of(&world, &app, &answer).await;
    let (whole, all) = get(&world, &path, &[]).await;
    assert_eq!((whole.status.as_u16(), &all), (200, &content));
    assert_eq!(
        (&whole.headers["accept-ranges"], &whole.headers["content-length"]),
        (&"bytes".parse().expect("text"), &"600000".parse().expect("text"))
    );
    let etag = whole.headers["etag"].to_str().expect("text");
    for (range, part) in [("bytes=0-0", 0..1), ("bytes=299990-", 299_990..600_000), ("bytes=-7", 599_993..600_000)] {
        for more in [None, Some((header::IF_RANGE, etag))] {
            let headers: Vec<_> = [(header::RANGE, range)].into_iter().chain(more).collect();
            let (head, served) = get(&world, &path, &headers).await;
            assert_eq!((head.status.as_u16(), &served[..]), (206, &content[part.clone()]), "{range}");
            let told = format!("bytes {}-{}/600000", part.start, part.end - 1);
            assert_eq!(head.headers["content-range"], told);
        }
    }
    let (head, _) = get(&world, &path, &[(header::RANGE, "bytes=600000-")]).await;
    assert_eq!((head.status.as_u16(), &head.headers["content-range"]), (416, &"bytes */600000".parse().expect("text")));
    for headers in [
        vec![(header::RANGE, "bytes=0-1,3-4")],
        vec![(header::RANGE, "bytes=0-1"), (header::IF_RANGE, "\"another\"")],
        vec![(header::IF_NONE_MATCH, "\"another\"")],
    ] {
        assert_eq!(get(&world, &path, &headers).await.0.status, 200, "{headers:?}");
    }
    let (head, served) = get(&world, &path, &[(header::IF_NONE_MATCH, etag)]).await;
    assert_eq!((head.status.as_u16(), served.len()), (304, 0));
    let (head, served) = answer_to(&world, Request::head(&path)).await;
    assert_eq!((head.status.as_u16(), served.len()), (200, 0));
    assert_eq!(head.headers["content-length"], "600000");
}

#[tokio::test]
async fn an_app_keeps_no_more_than_its_quota_and_the_same_bytes_count_once() {
    let world = World::with(|config| config.media.quota_bytes = 10).await;
    let (app, other) = (world.app("one").await, world.app("two").await);
    upload(&world, &app, "file", "f", "a", b"seven..").await.expect(200);
    upload(&world, &app, "voice", "f", "b", b"seven..").await.expect(200);
    upload(&world, &app, "file", "f", "a", b"four").await.refused(403, 899_003);
    upload(&world, &other, "file", "f", "a", b"four").await.expect(200);
    assert_eq!(files(&world), 2, "what was refused left nothing");
}

#[tokio::test]
async fn what_nobody_names_goes_from_the_disk_as_well() {
    const DAY_MS: u64 = 86_400_000;
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["ann", "bob"]).await;
    let mut ids = Vec::new();
    for content in [&b"unused"[..], b"sent", b"shown"] {
        ids.push(upload(&world, &app, "file", "f", "a.txt", content).await.expect(200));
    }
    let body = json!({"media_id": ids[1]["media_id"], "media_crc32": 1, "fsize": 4, "fname": "a.txt"}).to_string();
    let content = Content { kind: ContentKind::FILE, body: body.into_bytes(), extensions: Extensions::default() };
    let (origin, target) = (Origin::Server { as_admin: true }, Target::User("bob".to_owned()));
    let send = Send { app: app.number, from: UserNumber(1), origin, target, content };
    world.submit(Command::Send(send)).await;
    let avatar = json!({"avatar": ids[2]["media_id"]});
    world.call(&app, "PUT", "/v1/users/bob", Some(avatar)).await.expect(204);
    let (media, ledger) = (&world.daemon.context().media, &world.daemon.context().ledger);
    let orphan = world.daemon.context().config.data_dir.join(format!("media/{}/00/{}", app.number.0, "0".repeat(62)));
    std::fs::create_dir_all(orphan.parent().expect("a folder")).expect("made");
    std::fs::write(&orphan, b"of a crash").expect("written");
    sweep::round(media, ledger, DAY_MS, now_ms()).await.expect("swept");
    assert_eq!(files(&world), 3);
    // No time at all may pass.
    sweep::round(media, ledger, 0, now_ms()).await.expect("swept");
    assert_eq!(files(&world), 2);
    let found = [0, 1, 2].map(|at| ids[at]["media_id"].as_str().expect("a text"));
    resolve(&world, &app, found[0]).await.refused(400, 899_003);
    for kept in &found[1..] {
        resolve(&world, &app, kept).await.expect(200);
    }
}

/// All files of media on the disk.
fn files(world: &World) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path());
        entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
    }
    count(&world.daemon.context().config.data_dir.join("media"))
}

async fn upload(world: &World, app: &App, kind: &str, part: &str, name: &str, content: &[u8]) -> Answered {
    form_call(world, app, &format!("/v1/resource?type={kind}"), &[(part, Some(name), content)]).await
}

async fn form_call(world: &World, app: &App, path: &str, form: &[Part<'_>]) -> Answered {
    world.call_form(Some(&basic(&app.key, &app.secret)), "POST", path, form).await
}

async fn resolve(world: &World, app: &App, media_id: &str) -> Answered {
    world.call(app, "GET", &format!("/v1/resource?mediaId={media_id}"), None).await
}

/// Where the upload is fetched, without the host.
async fn path_of(world: &World, app: &App, uploaded: &Value) -> String {
    let media_id = uploaded["media_id"].as_str().expect("a text");
    let answer = resolve(world, app, media_id).await.expect(200);
    answer["url"].as_str().and_then(|url| url.strip_prefix(ORIGIN)).expect("an address here").to_owned()
}

async fn get(world: &World, path: &str, headers: &[(header::HeaderName, &str)]) -> (Parts, Vec<u8>) {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(name, *value));
    answer_to(world, request).await
}

async fn answer_to(world: &World, request: Builder) -> (Parts, Vec<u8>) {
    let response = world.rest.answer(request.body(Body::empty()).expect("a request")).await;
    let (head, body) = response.into_parts();
    (head, body.collect().await.expect("a whole body").to_bytes().to_vec())
}

fn checked_id(answer: &Value, kind: &str) -> String {
    let id = answer["media_id"].as_str().expect("a text");
    let digits = id.strip_prefix(&format!("qiniu/{kind}/r/")).expect(id);
    assert!(digits.len() == 32 && digits.bytes().all(|it| it.is_ascii_digit() || (b'A'..=b'F').contains(&it)), "{id}");
    id.to_owned()
}
