//! The twelve points that the IM contract asks of every server, one test each; the seventh walks all routes and stands
//! with them, in `walls`.

use std::io::{BufRead, BufReader, Write};

use anserd::clock::{Written, now_ms};
use anserd::config::TimeZone;
use axum::body::Body;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use crate::phone::dial;
use crate::world::{App, World, basic};

async fn people(names: &[&str]) -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    if !names.is_empty() {
        world.users(&app, names).await;
    }
    (world, app)
}

#[tokio::test]
async fn conformance_01_a_user_that_is_there_is_refused_with_a_list() {
    let (world, app) = people(&["alice"]).await;
    let alice = json!([{"username": "alice", "password": "secret"}]);
    let rows = world.call(&app, "POST", "/v1/users", Some(alice)).await.expect(403);
    assert_eq!(rows, json!([{"username": "alice", "error": {"code": 899_001, "message": "user exist"}}]));
}

#[tokio::test]
async fn conformance_02_a_user_that_is_absent_is_403() {
    let (world, app) = people(&[]).await;
    world.call(&app, "GET", "/v1/users/nobody", None).await.refused(403, 899_002);
}

#[tokio::test]
async fn conformance_03_a_member_that_is_there_is_400() {
    let (world, app) = people(&["alice", "bob"]).await;
    let group = json!({"owner_username": "alice", "name": "g", "members_username": ["bob"]});
    let gid = world.call(&app, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].clone();
    let again = json!({"add": ["bob"], "remove": []});
    world.call(&app, "POST", &format!("/v1/groups/{gid}/members"), Some(again)).await.refused(400, 899_011);
}

#[tokio::test]
async fn conformance_04_a_wrong_secret_is_401() {
    let (world, app) = people(&["alice"]).await;
    let wrong = basic(&app.key, "000000000000000000000000");
    world.call_as(Some(&wrong), "GET", "/v1/users/alice", "").await.refused(401, 899_008);
}

#[tokio::test]
async fn conformance_05_the_form_of_the_java_sdk_is_taken() {
    let (world, app) = people(&[]).await;
    let boundary = "========7d4a6d158c9";
    let form = format!(
        "\r\n--{boundary}\r\nContent-Disposition: form-data;name=\"file\";filename=\"/home/me/list.txt\"\r\n\
         Content-Type:application/octet-stream\r\n\r\nhello\r\n\r\n--{boundary}--\r\n"
    );
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let own = basic(&app.key, &app.secret);
    let (head, body) =
        world.send(Some(&own), "POST", "/v1/resource?type=file", Some(content_type), Body::from(form)).await;
    let answer: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((head.status.as_u16(), &answer["fname"]), (200, &json!("list.txt")));
    // Its writer puts an empty line behind the content, which becomes part of it.
    assert_eq!(answer["fsize"], 7);
}

#[tokio::test]
async fn conformance_06_the_content_type_of_the_python_sdk_is_taken() {
    let (world, app) = people(&[]).await;
    let own = basic(&app.key, &app.secret);
    for (content_type, name) in [
        (Some("application/json;charset:utf-8"), "alice"),
        (Some("text/plain"), "bob"),
        (Some(";;;"), "carol"),
        (None, "dave"),
    ] {
        let body = json!([{"username": name, "password": "secret"}]).to_string();
        let content_type = content_type.map(str::to_owned);
        let (head, _) = world.send(Some(&own), "POST", "/v1/users/", content_type, Body::from(body)).await;
        assert_eq!(head.status, 201, "{name}");
    }
}

#[tokio::test]
async fn conformance_08_a_group_of_no_kind_is_private() {
    let (world, app) = people(&["alice"]).await;
    for flag in [json!(0), json!("0"), Value::Null, json!(1)] {
        let group = json!({"owner_username": "alice", "name": "g", "flag": flag});
        assert_eq!(world.call(&app, "POST", "/v1/groups", Some(group)).await.expect(201)["flag"], 1, "{flag}");
    }
}

#[tokio::test]
async fn conformance_09_new_friends_are_201_without_a_body() {
    let (world, app) = people(&["alice", "bob"]).await;
    let answered = world.call(&app, "POST", "/v1/users/alice/friends", Some(json!(["bob"]))).await;
    assert_eq!((answered.status.as_u16(), answered.text.as_str()), (201, ""));
}

#[tokio::test]
async fn conformance_10_a_walk_through_history_ends_without_a_cursor() {
    let (world, app) = people(&["alice", "bob"]).await;
    for text in ["one", "two", "three"] {
        world.call(&app, "POST", "/v1/messages", Some(message("alice", "bob", text))).await.expect(201);
    }
    let at = |ms: u64| Written(ms, TimeZone::DEFAULT).to_string().replace(' ', "%20");
    let (begin, end) = (at(now_ms() - 3_600_000), at(now_ms() + 3_600_000));
    let first = format!("/v2/messages?count=2&begin_time={begin}&end_time={end}");
    let first = world.call(&app, "GET", &first, None).await.expect(200);
    let cursor = first["cursor"].as_str().expect("there is more");
    assert_eq!((first["total"].as_u64(), first["count"].as_u64()), (Some(3), Some(2)));
    let last = world.call(&app, "GET", &format!("/v2/messages?cursor={cursor}"), None).await.expect(200);
    assert_eq!((last["count"].as_u64(), last.get("cursor")), (Some(1), None));
}

#[tokio::test]
async fn conformance_11_a_body_of_a_delete_counts() {
    let (world, app) = people(&["alice", "bob", "carol", "dave"]).await;
    let room = json!({"owner_username": "alice", "name": "r", "members_username": ["bob", "carol"]});
    let room = world.call(&app, "POST", "/v1/chatroom", Some(room)).await.expect(201)["chatroom_id"].clone();
    world.call(&app, "PUT", "/v1/users/alice/blacklist", Some(json!(["bob", "carol"]))).await.expect(204);
    world.call(&app, "POST", "/v1/users/alice/friends", Some(json!(["bob", "carol"]))).await.expect(201);
    world.call(&app, "POST", "/v1/sensitiveword", Some(json!(["heron", "stork"]))).await.expect(204);

    let members = format!("/v1/chatroom/{room}/members");
    for (path, body, status) in [
        (members.as_str(), json!(["bob"]), 204),
        ("/v1/users/alice/blacklist", json!(["bob"]), 204),
        ("/v1/users/alice/friends", json!(["bob"]), 204),
        ("/v1/sensitiveword", json!({"word": "heron"}), 204),
        ("/v1/users", json!(["dave"]), 200),
    ] {
        assert_eq!(world.call(&app, "DELETE", path, Some(body)).await.expect(status), Value::Null, "{path}");
    }

    let names = async |path: &str, list: &str| -> Vec<String> {
        let answer = world.call(&app, "GET", path, None).await.expect(200);
        let rows = if list.is_empty() { &answer } else { &answer[list] };
        let name = |row: &Value| row["username"].as_str().or(row["name"].as_str()).expect("a name").to_owned();
        rows.as_array().expect("a list").iter().map(name).collect()
    };
    assert_eq!(names(&members, "users").await, ["alice", "carol"]);
    assert_eq!(names("/v1/users/alice/blacklist", "").await, ["carol"]);
    assert_eq!(names("/v1/users/alice/friends", "").await, ["carol"]);
    assert_eq!(names("/v1/sensitiveword", "words").await, ["stork"]);
    assert_eq!(names("/v1/users", "users").await, ["alice", "bob", "carol"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn conformance_12_an_answer_without_a_body_leaves_the_connection_in_step() {
    let (world, app) = people(&["alice", "bob"]).await;
    let own = basic(&app.key, &app.secret);
    let sent = world.call(&app, "POST", "/v1/messages", Some(message("alice", "bob", "x"))).await.expect(201);
    block_in_place(|| {
        let head = |line: &str| format!("{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {own}\r\n");
        let body = r#"{"nickname":"Al"}"#;
        let requests = [
            (head("PUT /v1/users/alice"), format!("Content-Length: {}\r\n\r\n{body}", body.len()), 204),
            // The Java SDK sends this one with neither a body nor its length.
            (head(&format!("POST /v1/messages/alice/{}/retract", sent["msg_id"])), "\r\n".to_owned(), 204),
            (head("PUT /v1/users/alice/forbidden?disable=False"), "Content-Length: 0\r\n\r\n".to_owned(), 204),
            (head("GET /v1/users/alice"), "\r\n".to_owned(), 200),
        ];
        let mut stream = BufReader::new(dial(&world, b"http/1.1"));
        for (head, rest, status) in requests {
            stream.get_mut().write_all(format!("{head}{rest}").as_bytes()).expect("sent");
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).expect("a line");
                if line == "\r\n" {
                    break;
                }
                lines.push(line.to_ascii_lowercase());
            }
            // Had there been a body, the next answer would begin with it.
            assert!(lines[0].starts_with(&format!("http/1.1 {status} ")), "{lines:?}");
            let has_length = lines.iter().any(|line| line.starts_with("content-length:"));
            assert_eq!(has_length, status == 200, "{lines:?}");
            assert!(!lines.iter().any(|line| line.starts_with("transfer-encoding:")), "{lines:?}");
        }
    });
}

fn message(from: &str, to: &str, text: &str) -> Value {
    json!({
        "version": 1, "target_type": "single", "target_id": to, "from_type": "user", "from_id": from,
        "msg_type": "text", "msg_body": {"text": text},
    })
}
