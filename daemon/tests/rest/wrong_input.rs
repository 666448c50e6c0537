//! Every field of every call of the IM API with what cannot be in it: another type, too long in bytes and in characters,
//! nothing, too many. Nothing of a refused call is carried out.

use serde_json::{Value, json};

use crate::world::{Answered, App, World};

/// What a field holds, and so what is wrong in it.
#[derive(Clone, Copy)]
enum Field {
    /// A username that must be there.
    Name,
    /// A list of so many usernames at most, which may be left out; one name alone is a list of one.
    Names(usize),
    /// A text of so many bytes at most, which may be left out.
    Text(usize),
    /// The same in one line.
    Line(usize),
    /// The same, and it must be there.
    Title(usize),
    Password,
    Birthday,
    /// A whole number of these at most.
    Number(i64),
    Object,
    /// A list of numbers, which may be left out.
    Numbers,
    Switch,
    /// So many characters, at least one.
    Word(usize),
    /// One of a few words.
    Choice,
}

use Field::{Birthday, Choice, Line, Name, Names, Number, Numbers, Object, Password, Switch, Text, Title, Word};

impl Field {
    fn wrong(self) -> Vec<Value> {
        let never = vec![json!(true), json!({}), json!([[]])];
        let more = match self {
            Name => names_that_cannot_be(),
            Names(most) => {
                let many: Vec<String> = (0..=most).map(|number| format!("user{number}")).collect();
                names_that_cannot_be().into_iter().skip(1).map(|name| json!([name])).chain([json!(many)]).collect()
            }
            Text(bytes) => too_long(bytes),
            Line(bytes) => [too_long(bytes), vec![json!("two\nlines"), json!("two\rlines")]].concat(),
            Title(bytes) => {
                [too_long(bytes), vec![Value::Null, json!(""), json!("two\nlines"), json!("two\rlines")]].concat()
            }
            Password => [too_long(128), vec![Value::Null, json!(""), json!("abc"), json!("鸿")]].concat(),
            Birthday => ["yesterday", "1992-13-01", "1992-02-30", "92-1-1", "1992-03-08T00:00:00", "0000-00-00"]
                .map(|text| json!(text))
                .into(),
            Number(most) => vec![json!(-1), json!(most + 1), json!(1.5), json!("x"), json!(""), json!(1e300)],
            Object => return vec![json!("x"), json!(1), json!(true), json!(["x"])],
            Numbers => vec![json!("7"), json!(["x"]), json!([-1]), json!([1.5]), json!([null]), json!(vec![7; 501])],
            Switch => vec![json!(2), json!(-1), json!("maybe"), json!("")],
            Word(characters) => {
                vec![Value::Null, json!(""), json!("x".repeat(characters + 1)), json!("鸿".repeat(characters + 1))]
            }
            Choice => vec![Value::Null, json!(""), json!("smoke"), json!("TEXT"), json!("x".repeat(10_000))],
        };
        match self {
            // Of these one is right: a boolean, and for lists what is in them is looked at above.
            Switch => [more, vec![json!({}), json!([])]].concat(),
            _ => [never, more].concat(),
        }
    }
}

fn names_that_cannot_be() -> Vec<Value> {
    let names = ["", "_x", ".x", "-x", "@x", "a b", "a/b", "a\nb", "a\0b", "鸿雁", "a'b", "<b>", "a%20b"];
    [vec![Value::Null], names.map(|name| json!(name)).into(), vec![json!("x".repeat(129)), json!("x".repeat(100_000))]]
        .concat()
}

/// A byte too many, and as many characters as there may be bytes: each of these has three.
fn too_long(bytes: usize) -> Vec<Value> {
    vec![json!("x".repeat(bytes + 1)), json!("雁".repeat(bytes)), json!("雁".repeat(bytes / 3 + 1))]
}

const PROFILE: [(&str, Field); 8] = [
    ("/nickname", Line(64)),
    ("/avatar", Text(250)),
    ("/birthday", Birthday),
    ("/signature", Text(250)),
    ("/gender", Number(2)),
    ("/region", Text(250)),
    ("/address", Text(250)),
    ("/extras", Object),
];

/// A call that is right, and the fields of its body.
struct Call {
    method: &'static str,
    path: String,
    body: Value,
    fields: Vec<(String, Field)>,
}

fn call(method: &'static str, path: impl Into<String>, body: Value, fields: &[(&str, Field)]) -> Call {
    let fields = fields.iter().map(|(place, field)| ((*place).to_owned(), *field)).collect();
    Call { method, path: path.into(), body, fields }
}

fn calls(gid: &Value, room: &Value) -> Vec<Call> {
    let profile = json!({
        "nickname": "n", "avatar": "a", "birthday": "1992-03-08", "signature": "s", "gender": 1, "region": "r",
        "address": "a", "extras": {"k": 1},
    });
    let mut newcomer = profile.clone();
    newcomer["username"] = json!("newcomer");
    newcomer["password"] = json!("secret");
    let of_newcomer = [&PROFILE[..], &[("/username", Name), ("/password", Password)]].concat();
    let mut new_admin = newcomer.clone();
    new_admin["username"] = json!("new_admin");
    let in_list: Vec<(String, Field)> =
        of_newcomer.iter().map(|(place, field)| (format!("/0{place}"), *field)).collect();
    let message = json!({
        "version": 1, "target_type": "single", "target_id": "bob", "from_type": "user", "from_id": "alice",
        "msg_type": "text", "msg_body": {"text": "x", "extras": {}}, "from_name": "f", "target_name": "t",
        "no_offline": false, "no_notification": false, "notification": {"title": "t", "alert": "a"},
    });
    vec![
        Call { method: "POST", path: "/v1/users".into(), body: json!([newcomer]), fields: in_list },
        call("POST", "/v1/admins", new_admin, &of_newcomer),
        call("PUT", "/v1/users/alice", profile, &PROFILE),
        call("PUT", "/v1/users/alice/password", json!({"new_password": "other"}), &[("/new_password", Password)]),
        call("POST", "/v1/users/userstat", json!(["alice"]), &[("", Names(500)), ("/0", Name)]),
        call("POST", "/v2/users/statuser", json!(["alice"]), &[("", Names(500)), ("/0", Name)]),
        call("PUT", "/v1/users/alice/blacklist", json!(["dave"]), &[("", Names(500)), ("/0", Name)]),
        call("DELETE", "/v1/users/alice/blacklist", json!(["dave"]), &[("", Names(500)), ("/0", Name)]),
        call("POST", "/v1/users/alice/friends", json!(["bob"]), &[("", Names(500)), ("/0", Name)]),
        call(
            "PUT",
            "/v1/users/alice/friends",
            json!([{"username": "bob", "note_name": "n", "others": "o"}]),
            &[("/0/username", Name), ("/0/note_name", Line(64)), ("/0/others", Text(250))],
        ),
        call("DELETE", "/v1/users/alice/friends", json!(["bob"]), &[("", Names(500)), ("/0", Name)]),
        call(
            "POST",
            "/v1/users/alice/nodisturb",
            json!({"single": {"add": ["bob"], "remove": []}, "group": {"add": [gid], "remove": []}, "global": 1}),
            &[
                ("/single/add", Names(500)),
                ("/single/remove", Names(500)),
                ("/group/add", Numbers),
                ("/group/remove", Numbers),
                ("/global", Switch),
                ("/single", Object),
                ("/group", Object),
            ],
        ),
        call(
            "POST",
            "/v1/users/alice/groupsShield",
            json!({"add": [gid], "remove": []}),
            &[("/add", Numbers), ("/remove", Numbers)],
        ),
        call(
            "POST",
            "/v1/messages",
            message,
            &[
                ("/version", Number(1)),
                ("/target_type", Choice),
                ("/target_id", Name),
                ("/from_type", Choice),
                ("/from_id", Name),
                ("/msg_type", Choice),
                ("/msg_body", Object),
                ("/msg_body/extras", Object),
                ("/from_name", Text(250)),
                ("/target_name", Text(250)),
                ("/no_offline", Switch),
                ("/no_notification", Switch),
                ("/notification", Object),
                ("/notification/title", Text(250)),
                ("/notification/alert", Text(250)),
            ],
        ),
        call(
            "POST",
            "/v1/groups",
            json!({"owner_username": "alice", "name": "g", "members_username": ["bob"], "desc": "d", "avatar": "a", "flag": 1}),
            &[
                ("/owner_username", Name),
                ("/name", Title(64)),
                ("/members_username", Names(500)),
                ("/desc", Text(250)),
                ("/avatar", Text(250)),
                ("/flag", Number(2)),
            ],
        ),
        call(
            "PUT",
            format!("/v1/groups/{gid}"),
            json!({"name": "g", "desc": "d", "avatar": "a"}),
            &[("/name", Line(64)), ("/desc", Text(250)), ("/avatar", Text(250))],
        ),
        call(
            "POST",
            format!("/v1/groups/{gid}/members"),
            json!({"add": ["carol"], "remove": ["bob"]}),
            &[("/add", Names(500)), ("/remove", Names(500))],
        ),
        call("POST", format!("/v2/groups/{gid}/addMembers"), json!(["bob"]), &[("", Names(500)), ("/0", Name)]),
        call("POST", format!("/v2/groups/{gid}/delMembers"), json!(["bob"]), &[("", Names(500)), ("/0", Name)]),
        call(
            "PUT",
            format!("/v1/groups/messages/{gid}/silence?status=true"),
            json!(["carol"]),
            &[("", Names(500)), ("/0", Name)],
        ),
        call("PUT", format!("/v1/groups/owner/{gid}"), json!({"username": "carol"}), &[("/username", Name)]),
        call(
            "POST",
            "/v1/chatroom",
            json!({"owner_username": "alice", "name": "r", "description": "d", "members_username": ["bob"], "flag": 0}),
            &[
                ("/owner_username", Name),
                ("/name", Title(64)),
                ("/description", Text(250)),
                ("/members_username", Names(3000)),
            ],
        ),
        call("POST", "/v1/chatroom/batch", json!([room]), &[("", Numbers)]),
        call(
            "PUT",
            format!("/v1/chatroom/{room}"),
            json!({"owner_username": "alice", "name": "r", "description": "d"}),
            &[("/name", Line(64)), ("/description", Text(250))],
        ),
        call("PUT", format!("/v1/chatroom/{room}/members"), json!(["bob"]), &[("", Names(3000)), ("/0", Name)]),
        call("DELETE", format!("/v1/chatroom/{room}/members"), json!(["bob"]), &[("", Names(3000)), ("/0", Name)]),
        call("POST", "/v1/sensitiveword", json!(["heron"]), &[("/0", Word(10))]),
        call(
            "PUT",
            "/v1/sensitiveword",
            json!({"old_word": "heron", "new_word": "stork"}),
            &[("/old_word", Word(10)), ("/new_word", Word(10))],
        ),
        call("DELETE", "/v1/sensitiveword", json!({"word": "stork"}), &[("/word", Word(10))]),
        call("DELETE", "/v1/users", json!(["eve"]), &[("", Names(100)), ("/0", Name)]),
    ]
}

#[tokio::test]
async fn what_cannot_be_in_a_field_is_refused_and_the_call_without_it_is_not() {
    let (world, app) = flock().await;
    let (gid, room) = group_and_room(&world, &app).await;
    for Call { method, path, body, fields } in calls(&gid, &room) {
        for (place, field) in fields {
            for wrong in field.wrong() {
                let mut told = body.clone();
                *told.pointer_mut(&place).expect("the body has the field") = wrong.clone();
                let answered = world.call(&app, method, &path, Some(told)).await;
                let shown: String = wrong.to_string().chars().take(60).collect();
                assert_eq!(
                    code(&answered),
                    (400, 899_003),
                    "{method} {path} with {place} = {shown}: {}",
                    answered.text
                );
            }
        }
        let answered = world.call(&app, method, &path, Some(body)).await;
        assert!(answered.status.is_success(), "{method} {path}: {}", answered.text);
    }
}

#[tokio::test]
async fn texts_may_have_their_last_byte() {
    let (world, app) = flock().await;
    let (gid, room) = group_and_room(&world, &app).await;
    for Call { method, path, body, fields } in calls(&gid, &room) {
        let mut body = body;
        for (place, field) in fields {
            let text = match field {
                Text(bytes) | Line(bytes) | Title(bytes) => {
                    format!("{}{}", "雁".repeat(bytes / 3), "x".repeat(bytes % 3))
                }
                Password => "雁".repeat(42) + "xx",
                _ => continue,
            };
            *body.pointer_mut(&place).expect("the body has the field") = json!(text);
        }
        let answered = world.call(&app, method, &path, Some(body)).await;
        assert!(answered.status.is_success(), "{method} {path}: {}", answered.text);
    }
}

#[tokio::test]
async fn what_is_no_body_of_a_call_is_refused() {
    let (world, app) = flock().await;
    let (gid, room) = group_and_room(&world, &app).await;
    let own = crate::world::basic(&app.key, &app.secret);
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let bodies: Vec<Vec<u8>> = ["[", "{", "nul", "{\"a\":}", "[1,]", "alice", "{'a':1}", "\u{feff}[]", "[] []"]
        .map(|body| body.as_bytes().to_vec())
        .into_iter()
        .chain([deep("[", "]").into_bytes(), deep("{\"a\":", "}").into_bytes(), b"[\"\xff\"]".to_vec(), b"\0".to_vec()])
        .chain(["7", "true", "\"text\"", "null"].map(|body| body.as_bytes().to_vec()))
        .collect();
    for Call { method, path, .. } in calls(&gid, &room) {
        for body in &bodies {
            let answered = world.call_as(Some(&own), method, &path, body.clone()).await;
            let shown: String = String::from_utf8_lossy(body).chars().take(30).collect();
            assert_eq!(code(&answered), (400, 899_003), "{method} {path} with {shown}: {}", answered.text);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_in_a_path_is_refused() {
    let (world, app) = flock().await;
    let (gid, room) = group_and_room(&world, &app).await;
    let names =
        ["_x", "a%20b", "%E9%B8%BF", "%00", "%2e%2e%2fetc", "a%2Fb", "%FF", &"x".repeat(129)].map(str::to_owned);
    let numbers = ["x", "-1", "1.5", "0x10", "1e3", "%20", "+7", "%EF%BC%97"].map(str::to_owned);
    for (method, path, wrong) in [
        ("GET", "/v1/users/{}", &names[..]),
        ("PUT", "/v1/users/{}", &names),
        ("DELETE", "/v1/users/{}", &names),
        ("GET", "/v1/users/{}/userstat", &names),
        ("PUT", "/v1/users/{}/password", &names),
        ("GET", "/v1/users/{}/blacklist", &names),
        ("PUT", "/v1/users/{}/forbidden?disable=true", &names),
        ("GET", "/v1/users/{}/groups", &names),
        ("GET", "/v1/users/{}/friends", &names),
        ("GET", "/v1/users/{}/chatroom", &names),
        ("POST", "/v1/messages/{}/1/retract", &names),
        ("POST", "/v1/messages/alice/{}/retract", &numbers),
        ("GET", "/v1/groups/{}", &numbers),
        ("DELETE", "/v1/groups/{}", &numbers),
        ("GET", "/v1/groups/{}/members", &numbers),
        ("PUT", "/v1/groups/owner/{}", &numbers),
        ("PUT", "/v1/groups/messages/{}/silence?status=true", &numbers),
        ("DELETE", "/v1/chatroom/{}", &numbers),
        ("GET", "/v1/chatroom/{}/members", &numbers),
        ("PUT", "/v1/chatroom/{}/forbidden/alice?status=1", &numbers),
    ] {
        for wrong in wrong {
            let path = path.replace("{}", wrong);
            // A body that would do, so that it is the path that is refused.
            let body = match path.as_str() {
                path if path.contains("password") => json!({"new_password": "other"}),
                path if path.contains("/owner/") => json!({"username": "bob"}),
                path if path.contains("/silence") => json!(["bob"]),
                _ => json!({}),
            };
            let answered = world.call(&app, method, &path, Some(body)).await;
            assert_eq!(code(&answered), (400, 899_003), "{method} {path}: {}", answered.text);
        }
    }
    let names = names.map(|name| format!("/v1/chatroom/{room}/forbidden/{name}?status=1"));
    for path in names {
        let answered = world.call(&app, "PUT", &path, None).await;
        assert_eq!(code(&answered), (400, 899_003), "PUT {path}: {}", answered.text);
    }
    world.call(&app, "GET", &format!("/v1/groups/{gid}"), None).await.expect(200);
}

#[tokio::test]
async fn what_cannot_be_in_a_query_is_refused() {
    let (world, app) = flock().await;
    let (gid, room) = group_and_room(&world, &app).await;
    for path in ["/v1/users", "/v1/admins", "/v1/groups", "/v1/chatroom", "/v1/sensitiveword"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("/v1/chatroom/{room}/members")])
    {
        let most = if path.ends_with("word") { 2000 } else { 500 };
        for wrong in ["start=-1", "start=x", "start=1.5", "count=0", "count=-1", "count=x", "count=1e2"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("count={}", most + 1), "start=99999999999999999999".to_owned()])
        {
            let answered = world.call(&app, "GET", &format!("{path}?{wrong}"), None).await;
            assert_eq!(code(&answered), (400, 899_003), "GET {path}?{wrong}: {}", answered.text);
        }
        world.call(&app, "GET", &format!("{path}?start=0&count={most}"), None).await.expect(200);
        let beyond = world.call(&app, "GET", &format!("{path}?start=18446744073709551615&count=1"), None).await;
        assert_eq!(beyond.expect(200)["count"], 0, "{path}");
    }
    let silence = format!("/v1/groups/messages/{gid}/silence");
    let in_room = format!("/v1/chatroom/{room}/forbidden/alice");
    for (path, key) in [
        ("/v1/users/alice/forbidden", "disable"),
        (silence.as_str(), "status"),
        (&in_room, "status"),
        ("/v1/sensitiveword/status", "status"),
        ("/v1/sdkregister/status", "status"),
    ] {
        let body = path.ends_with("silence").then(|| json!(["bob"]));
        for wrong in ["", "2", "-1", "yes", "null", "truefalse", "%00"] {
            let path = format!("{path}?{key}={wrong}");
            let answered = world.call(&app, "PUT", &path, body.clone()).await;
            assert_eq!(code(&answered), (400, 899_003), "PUT {path}: {}", answered.text);
        }
        let missing = world.call(&app, "PUT", path, body).await;
        assert_eq!(code(&missing), (400, 899_003), "PUT {path}: {}", missing.text);
    }
    for wrong in ["", "?type=", "?type=film", "?type=IMAGE", "?type=image%00"] {
        let own = crate::world::basic(&app.key, &app.secret);
        let form = [("file", Some("a.txt"), &b"x"[..])];
        world.call_form(Some(&own), "POST", &format!("/v1/resource{wrong}"), &form).await.refused(400, 899_003);
    }
    for wrong in ["", "?mediaId=", "?mediaId=..%2F..%2Fetc%2Fpasswd", "?mediaId=qiniu/file/r/x", "?mediaId=%00"] {
        world.call(&app, "GET", &format!("/v1/resource{wrong}"), None).await.refused(400, 899_003);
    }
}

async fn flock() -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob", "carol", "dave", "eve"]).await;
    (world, app)
}

/// Both alice's; bob is in the group.
async fn group_and_room(world: &World, app: &App) -> (Value, Value) {
    let group = json!({"owner_username": "alice", "name": "g", "members_username": ["bob"]});
    let gid = world.call(app, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].clone();
    let room = json!({"owner_username": "alice", "name": "r"});
    let room = world.call(app, "POST", "/v1/chatroom", Some(room)).await.expect(201)["chatroom_id"].clone();
    (gid, room)
}

/// Of the envelope, or of the first row of a registration.
fn code(answered: &Answered) -> (u16, u64) {
    let body: Value = serde_json::from_str(&answered.text).unwrap_or_default();
    let error = if body.is_array() { &body[0]["error"] } else { &body["error"] };
    (answered.status.as_u16(), error["code"].as_u64().unwrap_or(0))
}
