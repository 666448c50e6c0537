//! Every field of every call of the push API with what cannot be in it, and bodies, paths and queries that are none. Each
//! is refused with a code of its family, and nothing of a refused call is carried out. The members of the push object
//! have tests of their own beside its parser.

use anser_protocol::content::Platform;
use anserd::clock::now_ms;
use serde_json::{Value, json};

use crate::world::{Answered, App, World};

/// A call that is right, the code of what is wrong in it, and what cannot be at places of its body.
struct Call {
    method: &'static str,
    path: String,
    code: u64,
    body: Value,
    wrong: Vec<(&'static str, Vec<Value>)>,
}

fn calls(at: &str, ends: &str) -> Vec<Call> {
    let single = json!({
        "name": "n", "enabled": true, "trigger": {"single": {"time": at}},
        "push": {"platform": "all", "audience": "all", "notification": {"alert": "x"}},
    });
    let mut periodical = single.clone();
    periodical["trigger"] = json!({"periodical": {
        "start": at, "end": ends, "time": "12:00:00", "time_unit": "week", "frequency": 1, "point": ["MON", "FRI"],
    }});
    let of_schedule = |body: Value, more: Vec<(&'static str, Vec<Value>)>| Call {
        method: "POST",
        path: "/v3/schedules".into(),
        code: 8100,
        body,
        wrong: more,
    };
    let both = json!({"single": {"time": at}, "periodical": periodical["trigger"]["periodical"]});
    let times = || {
        let soon = ["soon", "", "2031-1-01 00:00:00", "2031-01-01", "2031-02-30 00:00:00", "2031-01-01 24:00:00"];
        [soon.map(|time| json!(time)).into(), none_of(&["text"]), vec![json!("2001-01-01 00:00:00")]].concat()
    };
    vec![
        Call {
            method: "POST",
            path: "/v3/devices/r1".into(),
            code: 7002,
            body: json!({"tags": {"add": ["new"], "remove": ["kept"]}, "alias": "other", "mobile": "13900000000"}),
            wrong: vec![
                ("/tags", vec![json!("x"), json!(5), json!(true)]),
                ("/tags/add", lists(100, &words())),
                ("/tags/remove", lists(100, &words())),
                ("/alias", [none_of(&["text"]), words().into_iter().filter(|word| *word != "").collect()].concat()),
                ("/mobile", vec![json!("x"), json!("+"), json!("1".repeat(21)), json!(true), json!([1]), json!("1 2")]),
            ],
        },
        Call {
            method: "POST",
            path: "/v3/aliases/me".into(),
            code: 7002,
            body: json!({"registration_ids": {"remove": ["r1"]}}),
            wrong: vec![
                ("/registration_ids", none_of(&["object"])),
                ("/registration_ids/remove", [lists(1000, &[]), vec![json!([])]].concat()),
            ],
        },
        Call {
            method: "POST",
            path: "/v3/tags/kept".into(),
            code: 7002,
            body: json!({"registration_ids": {"remove": ["r1"]}}),
            wrong: vec![
                ("/registration_ids", [none_of(&["object"]), vec![json!({})]].concat()),
                ("/registration_ids/remove", [lists(1000, &[]), vec![json!([])]].concat()),
                ("/registration_ids/add", lists(1000, &[])),
            ],
        },
        Call {
            method: "POST",
            path: "/v3/devices/status".into(),
            code: 7002,
            body: json!({"registration_ids": ["r1"]}),
            wrong: vec![("/registration_ids", [lists(1000, &[]), vec![json!([]), Value::Null]].concat())],
        },
        Call {
            method: "POST",
            path: "/v3/test/model/add".into(),
            code: 7002,
            body: json!({"device_name": "n", "registration_id": "r1"}),
            wrong: vec![
                ("/device_name", [none_of(&["text", "number"]), vec![json!(""), json!("x".repeat(1000))]].concat()),
                ("/registration_id", [none_of(&["text"]), vec![json!(""), json!("unknown")]].concat()),
            ],
        },
        Call {
            method: "POST",
            path: "/v3/status/message".into(),
            code: 3003,
            body: json!({"msg_id": 1, "registration_ids": ["r1"], "date": "2026-01-01"}),
            wrong: vec![
                ("/msg_id", [none_of(&["number"]), vec![json!(-1), json!(1.5), json!("1,2")]].concat()),
                ("/registration_ids", [lists(1000, &[]), vec![json!([]), Value::Null]].concat()),
                ("/date", vec![json!("yesterday"), json!("2026-13-01"), json!("2026-02-30"), json!(["x"])]),
            ],
        },
        of_schedule(
            single,
            vec![
                (
                    "/name",
                    [none_of(&["text", "number"]), vec![json!(""), json!("x".repeat(256)), Value::Null]].concat(),
                ),
                ("/enabled", vec![json!(false), json!("maybe"), json!(2), json!([1]), json!({}), Value::Null]),
                (
                    "/trigger",
                    [none_of(&["object"]), vec![json!({}), json!({"yearly": {}}), both, Value::Null]].concat(),
                ),
                ("/trigger/single", [none_of(&["object"]), vec![json!({})]].concat()),
                ("/trigger/single/time", [times(), vec![json!("2999-01-01 00:00:00")]].concat()),
                ("/push", [none_of(&["object"]), vec![json!({}), Value::Null]].concat()),
                ("/push/audience", vec![json!("everybody"), json!(5), json!({}), json!({"tag": "x"})]),
            ],
        ),
        of_schedule(
            periodical,
            vec![
                (
                    "/trigger/periodical/start",
                    times().into_iter().filter(|time| *time != "2001-01-01 00:00:00").collect(),
                ),
                ("/trigger/periodical/end", times()),
                (
                    "/trigger/periodical/time",
                    vec![json!("noon"), json!("12:00"), json!("24:00:00"), json!(12), json!({})],
                ),
                ("/trigger/periodical/time_unit", vec![json!("year"), json!(""), json!(7), json!([]), Value::Null]),
                (
                    "/trigger/periodical/frequency",
                    vec![json!(0), json!(101), json!(-1), json!(1.5), json!("x"), json!({})],
                ),
                (
                    "/trigger/periodical/point",
                    vec![json!([]), json!(["NEVER"]), json!([1]), json!(["01"]), json!({}), json!(7)],
                ),
            ],
        ),
        Call {
            method: "POST",
            path: "/v3/push/batch/regid/single".into(),
            code: 1003,
            body: json!({"pushlist": {}}),
            wrong: vec![("/pushlist", [none_of(&["object"]), vec![json!({}), many_items()]].concat())],
        },
        Call {
            method: "POST",
            path: "/v3/images/byurls".into(),
            code: 1003,
            body: json!({"image_type": 1, "image_url": "https://example.com/a.png"}),
            wrong: vec![
                ("/image_type", vec![json!(0), json!(4), json!("x"), json!(1.5), json!([1]), json!({})]),
                ("/image_url", [none_of(&["text"]), vec![json!("ftp://example.com/a"), json!("no address")]].concat()),
            ],
        },
    ]
}

#[tokio::test]
async fn every_field_with_what_cannot_be_in_it_is_refused_with_the_familys_code_and_changes_nothing() {
    let (world, app) = with_device().await;
    let before = state(&world, &app).await;
    let mut tried = 0;
    for Call { method, path, code, body, wrong } in calls(&days_ahead(2), &days_ahead(40)) {
        for (place, values) in wrong {
            for value in values {
                let mut body = body.clone();
                put(&mut body, place, value.clone());
                let answered = world.call(&app, method, &path, Some(body)).await;
                let shown: String = value.to_string().chars().take(60).collect();
                assert_eq!(told(&answered), (400, code), "{method} {path}: {place} = {shown}: {}", answered.text);
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
    assert_eq!(state(&world, &app).await, before);
}

#[tokio::test]
async fn a_call_whose_fields_are_right_is_carried_out() {
    let (world, app) = with_device().await;
    for Call { method, path, body, .. } in calls(&days_ahead(2), &days_ahead(40)) {
        // An empty batch is wrong by itself, and nobody reaches the image's host.
        if path.contains("/batch/") || path.contains("/images/") {
            continue;
        }
        let answered = world.call(&app, method, &path, Some(body)).await;
        assert_eq!(answered.status.as_u16(), 200, "{method} {path}: {}", answered.text);
    }
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused_by_every_call_that_reads_one() {
    let (world, app) = with_device().await;
    let own = crate::world::basic(&app.key, &app.secret);
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let bodies: Vec<Vec<u8>> =
        ["[", "{", "nul", "{\"a\":}", "[1,]", "{'a':1}", "7", "true", "\"text\"", "[1]", "{} {}"]
            .map(|body| body.as_bytes().to_vec())
            .into_iter()
            .chain([
                deep("[", "]").into_bytes(),
                deep("{\"a\":", "}").into_bytes(),
                b"{\"\xff\":1}".to_vec(),
                b"\0".to_vec(),
            ])
            .collect();
    let mut calls = calls(&days_ahead(2), &days_ahead(40));
    for path in ["/v3/push", "/v3/push/validate", "/v3/push/file"] {
        calls.push(Call { method: "POST", path: path.into(), code: 1003, body: json!({}), wrong: Vec::new() });
    }
    for Call { method, path, code, .. } in calls {
        for body in &bodies {
            let answered = world.call_as(Some(&own), method, &path, body.clone()).await;
            let shown: String = String::from_utf8_lossy(body).chars().take(30).collect();
            assert_eq!(told(&answered), (400, code), "{method} {path} with {shown}: {}", answered.text);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_in_a_path_or_query_is_refused() {
    let (world, app) = with_device().await;
    let before = state(&world, &app).await;
    let long = "x".repeat(65);
    let many_ids = vec!["7"; 101].join(",");
    let ids = ["".to_owned(), "x".into(), "1,x".into(), "-1".into(), "1.5".into(), "%20".into(), many_ids];
    for (path, code) in [
        (format!("/v3/devices/{long}"), 7002),
        ("/v3/devices/unknown".into(), 7002),
        ("/v3/devices/%FF".into(), 7002),
        ("/v3/devices/%00".into(), 7002),
        ("/v3/aliases/me?platform=blackberry".into(), 7002),
        ("/v3/aliases/me?platform=android,beos".into(), 7002),
        ("/v3/tags/kept/registration_ids/unknown".into(), 7002),
        ("/v3/test/model/list?page=x".into(), 7002),
        ("/v3/test/model/list?page_size=201".into(), 7002),
        ("/v3/test/model/list?page_size=-1".into(), 7002),
        ("/v3/push/cid?count=0".into(), 1003),
        ("/v3/push/cid?count=1001".into(), 1003),
        ("/v3/push/cid?count=-1".into(), 1003),
        ("/v3/push/cid?count=1.5".into(), 1003),
        ("/v3/push/cid?count=x".into(), 1003),
        ("/v3/push/cid?type=schedules".into(), 1003),
        ("/v3/schedules?page=x".into(), 8100),
        ("/v3/schedules?page=-1".into(), 8100),
        ("/v3/schedules?page=1.5".into(), 8100),
        ("/v3/users?time_unit=WEEK&start=2026-01-01&duration=1".into(), 3003),
        ("/v3/users?time_unit=DAY&start=2026-01-01&duration=0".into(), 3003),
        ("/v3/users?time_unit=DAY&start=2026-01-01&duration=x".into(), 3003),
        ("/v3/users?time_unit=DAY&start=2026-01&duration=1".into(), 3004),
        ("/v3/users?time_unit=HOUR&start=2026-01-01&duration=1".into(), 3004),
        ("/v3/users?time_unit=MONTH&start=2026-13&duration=1".into(), 3004),
        ("/v3/users?time_unit=DAY&start=2026-02-30&duration=1".into(), 3004),
        ("/v3/users?time_unit=DAY&start=2026-01-01&duration=61".into(), 3005),
        ("/v3/users?time_unit=MONTH&start=2026-01&duration=3".into(), 3005),
    ]
    .into_iter()
    .chain(
        ["received", "received/detail", "messages", "messages/detail"]
            .into_iter()
            .flat_map(|report| ids.iter().map(move |ids| (format!("/v3/{report}?msg_ids={ids}"), 3003))),
    ) {
        let answered = world.call(&app, "GET", &path, None).await;
        assert_eq!(told(&answered), (400, code), "GET {path}: {}", answered.text);
    }
    for (method, path, status, code) in [
        ("DELETE", "/v3/aliases/me?platform=beos", 400, 7002),
        ("DELETE", "/v3/tags/kept?platform=beos", 400, 7002),
        ("DELETE", "/v3/push/x", 400, 1003),
        ("DELETE", "/v3/push/-1", 400, 1003),
        ("DELETE", "/v3/push/99999999999999999999", 400, 1003),
        ("DELETE", "/v3/schedules/x", 404, 8104),
        ("GET", "/v3/schedules/%FF", 404, 8104),
        ("GET", "/v3/schedules/x/msg_ids", 404, 8104),
        ("PUT", "/v3/schedules/00000000-0000-0000-0000-000000000000", 404, 8104),
    ] {
        let body = (method == "PUT").then(|| json!({"name": "other"}));
        let answered = world.call(&app, method, path, body).await;
        assert_eq!(told(&answered), (status, code), "{method} {path}: {}", answered.text);
    }
    // A tag or an alias that cannot be is one that nobody has.
    for (method, path, answer) in [
        ("GET", format!("/v3/aliases/{long}"), json!({"registration_ids": []})),
        ("GET", "/v3/aliases/a%20b".into(), json!({"registration_ids": []})),
        ("GET", format!("/v3/tags/{long}/registration_ids/r1"), json!({"result": false})),
        ("DELETE", format!("/v3/aliases/{long}"), json!({})),
        ("DELETE", format!("/v3/tags/{long}"), json!({})),
    ] {
        assert_eq!(world.call(&app, method, &path, None).await.expect(200), answer, "{method} {path}");
    }
    assert_eq!(state(&world, &app).await, before);
}

async fn with_device() -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    world.device(&app, "r1", Platform::ANDROID).await;
    let change = json!({"tags": {"add": ["kept"]}, "alias": "me", "mobile": "13800000000"});
    world.call(&app, "POST", "/v3/devices/r1", Some(change)).await.expect(200);
    (world, app)
}

/// What the calls change, as other calls tell it.
async fn state(world: &World, app: &App) -> Vec<Value> {
    let mut told = Vec::new();
    for path in ["/v3/devices/r1", "/v3/tags", "/v3/aliases/me", "/v3/test/model/list", "/v3/schedules", "/v3/files"] {
        told.push(world.call(app, "GET", path, None).await.expect(200));
    }
    told
}

/// Every shape but those named: `text`, `number` or `object`.
fn none_of(right: &[&str]) -> Vec<Value> {
    let shapes = [
        ("text", json!("x")),
        ("number", json!(5)),
        ("switch", json!(true)),
        ("list", json!(["x"])),
        ("object", json!({"x": 1})),
    ];
    shapes.into_iter().filter(|(shape, _)| !right.contains(shape)).map(|(_, value)| value).collect()
}

/// What is no list, lists with such an item, with one that is no text, and with one item too many.
fn lists(most: usize, items: &[Value]) -> Vec<Value> {
    let many: Vec<String> = (0..=most).map(|number| format!("x{number}")).collect();
    let wrong_items = items.iter().map(|item| json!([item]));
    let shapes =
        [json!("x"), json!(5), json!(true), json!({"x": 1}), json!([[]]), json!([{}]), json!([null]), json!(many)];
    shapes.into_iter().chain(wrong_items).collect()
}

/// No tags and no aliases: 40 bytes at most, of a few characters.
fn words() -> Vec<Value> {
    ["", "a b", "a/b", "a\nb", "a\0b", "a-b", "<b>", "a,b"]
        .map(|word| json!(word))
        .into_iter()
        .chain([json!("x".repeat(41)), json!("雁".repeat(14))])
        .collect()
}

fn many_items() -> Value {
    (0..1001).map(|number| (format!("cid-{number}"), json!({}))).collect::<serde_json::Map<_, _>>().into()
}

fn put(body: &mut Value, place: &str, value: Value) {
    let (parent, name) = place.rsplit_once('/').expect("a place begins with a slash");
    body.pointer_mut(parent).expect("its parent is there")[name] = value;
}

/// So many days from now, as schedules are told their times.
fn days_ahead(days: u64) -> String {
    crate::schedule::at(now_ms() + days * 24 * 60 * 60 * 1000)
}

fn told(answered: &Answered) -> (u16, u64) {
    let body: Value = serde_json::from_str(&answered.text).unwrap_or_default();
    (answered.status.as_u16(), body["error"]["code"].as_u64().unwrap_or(0))
}
