//! Lists of devices that app servers upload.

use std::time::Duration;

use anser_storage::Table;
use anser_storage::command::{AccountCommand, Command};
use axum::body::Body;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::world::{Answered, App, Part, World, basic, key_of};

/// Far more than a local daemon ever takes: it only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);
const ALIASES: &str = "/v3/files/alias";
const REGISTRATION_IDS: &str = "/v3/files/registration_id";

#[tokio::test]
async fn an_uploaded_list_is_shown_until_it_is_deleted_and_survives_a_restart() {
    let world = World::new().await;
    world.covers(&["POST /v3/files/alias", "POST /v3/files/registration_id"]);
    world.covers(&["GET /v3/files", "GET /v3/files/{file_id}", "DELETE /v3/files/{file_id}"]);
    let app = world.app("one").await;
    let uploaded = upload(&world, &app, ALIASES, &[("filename", Some("名单.txt"), b"a\r\n\r\n b \n"), ttl("24")])
        .await
        .expect(200);
    assert_eq!(uploaded.as_object().map(serde_json::Map::len), Some(1));
    let id = text(&uploaded["file_id"]);
    assert!(id.starts_with(&format!("{}-", app.key)) && id.len() == 24 + 1 + 36, "{id}");
    let other = upload(&world, &app, REGISTRATION_IDS, &[ttl(""), ("filename", None, b"rid")]).await.expect(200);

    let world = world.restarted().await;
    let listed = world.call(&app, "GET", "/v3/files/", None).await.expect(200);
    assert_eq!((&listed["total_count"], listed["files"].as_array().map(Vec::len)), (&json!(2), Some(2)));
    let shown = world.call(&app, "GET", &format!("/v3/files/{id}"), None).await.expect(200);
    assert_eq!(shown, listed["files"][0]);
    assert_eq!(
        (&shown["file_id"], &shown["type"], &shown["file_name"]),
        (&json!(id), &json!("alias"), &json!("名单.txt"))
    );
    assert_eq!(shown.as_object().map(serde_json::Map::len), Some(5));
    assert_eq!(listed["files"][1]["type"], "registration_id");
    for (file, days) in [(&shown, 1), (&listed["files"][1], 30)] {
        let (from, to) = (day_of(&file["create_time"]), day_of(&file["expire_time"]));
        assert_eq!(to - from, days, "{file}");
    }

    for id in [id.as_str(), id.as_str(), "x", &format!("{}-x", app.key)] {
        assert_eq!(world.call(&app, "DELETE", &format!("/v3/files/{id}"), None).await.expect(200), json!({}));
    }
    world.call(&app, "GET", &format!("/v3/files/{id}"), None).await.refused(400, 1003);
    world.call(&app, "GET", "/v3/files/x", None).await.refused(400, 1003);
    let left = world.call(&app, "GET", "/v3/files", None).await.expect(200);
    assert_eq!((&left["total_count"], &left["files"][0]["file_id"]), (&json!(1), &other["file_id"]));
}

#[tokio::test]
async fn what_is_wrong_with_an_upload_is_told_and_nothing_of_it_stays() {
    let world = World::new().await;
    let app = world.app("one").await;
    let long = [b"a".repeat(2000), b"\n".to_vec()].concat();
    let forms: [(&[Part<'_>], u64); 9] = [
        (&[], 1002),
        (&[ttl("24")], 1002),
        (&[("file", Some("x"), b"a")], 1002),
        (&[("filename", Some("x"), b" \r\n\n")], 1003),
        (&[("filename", Some("x"), b"a\n\xff\n")], 1003),
        (&[("filename", Some("x"), &long)], 1003),
        (&[("filename", Some("x"), b"a"), ttl("0")], 1003),
        (&[("filename", Some("x"), b"a"), ttl("721")], 1003),
        (&[("filename", Some("x"), b"a"), ttl("a day")], 1003),
    ];
    for (form, code) in forms {
        upload(&world, &app, ALIASES, form).await.refused(400, code);
    }
    world.call(&app, "POST", ALIASES, Some(json!({"filename": "a"}))).await.refused(400, 1003);
    for _ in 0..20 {
        upload(&world, &app, ALIASES, &[("filename", None, b"a")]).await.expect(200);
    }
    upload(&world, &app, ALIASES, &[("filename", None, b"a")]).await.refused(400, 1003);
    assert_eq!(world.call(&app, "GET", "/v3/files", None).await.expect(200)["total_count"], 20);
}

#[tokio::test]
async fn an_upload_whose_caller_goes_away_leaves_nothing_behind() {
    let world = World::new().await;
    let app = world.app("one").await;
    let begun = b"--b\r\nContent-Disposition: form-data; name=\"filename\"\r\n\r\none\n".to_vec();
    let begun = stream::iter([Ok::<_, std::io::Error>(begun)]).chain(stream::pending());
    let content_type = Some("multipart/form-data; boundary=b".to_owned());
    let header = basic(&app.key, &app.secret);
    let call = world.send(Some(&header), "POST", ALIASES, content_type, Body::from_stream(begun));
    tokio::select! {
        _ = call => panic!("it cannot be answered: it has no end"),
        () = has_files(&world, 1) => {}
    }
    has_files(&world, 0).await;
}

#[tokio::test]
async fn a_list_has_at_most_ten_megabytes() {
    let world = World::new().await;
    let app = world.app("one").await;
    let line = [b"x".repeat(63), b"\n".to_vec()].concat();
    let most = line.repeat((10 << 20) / 64);
    upload(&world, &app, REGISTRATION_IDS, &[("filename", None, &most)]).await.expect(200);
    let too_much = [&most[..], b"x"].concat();
    upload(&world, &app, REGISTRATION_IDS, &[("filename", None, &too_much)]).await.refused(400, 1005);
    let far_too_much = line.repeat((11 << 20) / 64);
    upload(&world, &app, REGISTRATION_IDS, &[("filename", None, &far_too_much)]).await.refused(400, 1005);
    assert_eq!(world.call(&app, "GET", "/v3/files", None).await.expect(200)["total_count"], 1);
}

#[tokio::test]
async fn calls_about_files_are_counted_by_themselves() {
    let world = World::with(|config| config.rates.files = 2).await;
    let app = world.app("one").await;
    for _ in 0..2 {
        world.call(&app, "GET", "/v3/files", None).await.expect(200);
    }
    // A minute of the clock may have begun between two of the calls.
    let third = world.call(&app, "GET", "/v3/files", None).await;
    let fourth = world.call(&app, "GET", "/v3/files", None).await;
    let refused = [third, fourth].into_iter().filter(|answered| answered.status == 429).count();
    assert!(refused > 0);
    world.call(&app, "GET", "/v3/push/cid", None).await.expect(200);
}

#[tokio::test]
async fn a_developer_sees_own_files_only_and_needs_an_app_in_a_group() {
    let world = World::new().await;
    let (developer, rival, app) =
        (world.developer("dev").await, world.developer("rival").await, world.app("one").await);
    let form: [Part<'_>; 1] = [("filename", Some("list"), b"a")];
    world.call_form(Some(&developer), "POST", ALIASES, &form).await.refused(403, 1105);
    world.app_group("family", &[]).await;
    let body = json!({"app_name": "Shop", "android_package": "com.example", "group_name": "family"});
    world.call_as(Some(&developer), "POST", "/v1/app", body.to_string()).await.expect(200);
    let uploaded = world.call_form(Some(&developer), "POST", ALIASES, &form).await.expect(200);
    let id = text(&uploaded["file_id"]);
    assert!(id.starts_with(&key_of("dev", "dk")), "{id}");
    let path = format!("/v3/files/{id}");
    for stranger in [&rival, &basic(&app.key, &app.secret)] {
        world.call_as(Some(stranger), "GET", &path, "").await.refused(400, 1003);
        world.call_as(Some(stranger), "DELETE", &path, "").await.expect(200);
        assert_eq!(world.call_as(Some(stranger), "GET", "/v3/files", "").await.expect(200)["total_count"], 0);
    }
    world.call_form(Some(&rival), "POST", ALIASES, &form).await.refused(403, 1105);
    assert_eq!(world.call_as(Some(&developer), "GET", "/v3/files", "").await.expect(200)["files"][0]["file_id"], id);
    world.call_as(Some(&developer), "GET", &path, "").await.expect(200);
    let wrong = basic(&key_of("dev", "dk"), "wrong");
    world.call_as(Some(&wrong), "GET", "/v3/files", "").await.refused(401, 1004);
    world.submit(Command::Account(AccountCommand::DeleteDeveloper { key: key_of("dev", "dk") })).await;
    world.call_as(Some(&developer), "GET", &path, "").await.refused(401, 1004);
}

/// Waits until there are so many files, finished or not.
async fn has_files(world: &World, count: u64) {
    let waiting = async {
        loop {
            let counts = world.daemon.context().ledger.read(|snapshot| snapshot.row_counts()).await.expect("readable");
            if counts.contains(&(Table::Files, count)) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it happens");
}

async fn upload(world: &World, app: &App, path: &str, form: &[Part<'_>]) -> Answered {
    world.call_form(Some(&basic(&app.key, &app.secret)), "POST", path, form).await
}

fn ttl(text: &str) -> Part<'_> {
    ("ttl", None, text.as_bytes())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Days since 1970 of `yyyy-MM-dd HH:mm:ss`.
#[track_caller]
fn day_of(time: &Value) -> i64 {
    let time = time.as_str().expect("a text");
    let numbers: Vec<i64> = time.split(['-', ' ', ':']).map(|part| part.parse().expect("a number")).collect();
    assert_eq!((time.len(), numbers.len()), (19, 6), "{time}");
    let (year, month, day) = (numbers[0] as i32, numbers[1] as u8, numbers[2] as u8);
    anserd::clock::Date::new(year, month, day).expect("a day").days_since_1970()
}
