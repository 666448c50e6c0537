//! Users and admins.

use anserd::password::Verdict;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_batch_answers_item_by_item_in_the_order_of_the_call() {
    let world = World::new().await;
    world.covers(&["POST /v1/users"]);
    let app = world.app("one").await;
    world.users(&app, &["alice"]).await;
    let batch = json!([
        {"username": "carol", "password": "secret"},
        {"username": "alice", "password": "secret"},
        {"username": "bob", "password": "abc"},
        {"username": "carol", "password": "secret"},
        {"username": "d d", "password": "secret"},
        "nobody",
    ]);
    let rows = world.call(&app, "POST", "/v1/users/", Some(batch)).await.expect(201);
    let codes: Vec<_> = rows.as_array().expect("rows").iter().map(|row| row["error"]["code"].as_u64()).collect();
    assert_eq!(codes, [None, Some(899_001), Some(899_003), Some(899_001), Some(899_003), Some(899_003)]);
    assert_eq!(rows[1], json!({"username": "alice", "error": {"code": 899_001, "message": "user exist"}}));
    assert_eq!(rows[0], json!({"username": "carol"}));
}

#[tokio::test]
async fn when_nobody_was_registered_the_call_failed_with_the_same_rows() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice"]).await;
    let taken = world.call(&app, "POST", "/v1/users", Some(json!([{"username": "alice", "password": "secret"}]))).await;
    assert_eq!(taken.expect(403)[0]["error"]["code"], 899_001);
    let short = world.call(&app, "POST", "/v1/users", Some(json!([{"username": "bob", "password": "x"}]))).await;
    assert_eq!(short.expect(400)[0]["error"]["code"], 899_003);
}

#[tokio::test]
async fn five_hundred_users_go_in_one_call_and_more_do_not() {
    let world = World::new().await;
    let app = world.app("one").await;
    let many = |count: usize| -> serde_json::Value {
        (0..count).map(|number| json!({"username": format!("user{number}"), "password": "secret"})).collect()
    };
    world.call(&app, "POST", "/v1/users", Some(many(501))).await.refused(403, 899_013);
    assert_eq!(
        world.call(&app, "POST", "/v1/users", Some(many(500))).await.expect(201).as_array().map(Vec::len),
        Some(500)
    );
    world.call(&app, "POST", "/v1/users", Some(json!([]))).await.refused(400, 899_003);
    world.call(&app, "POST", "/v1/users", Some(json!({"username": "x"}))).await.refused(400, 899_003);
}

#[tokio::test]
async fn a_user_is_shown_with_what_is_set_and_nothing_else() {
    let world = World::new().await;
    world.covers(&["GET /v1/users/{username}"]);
    let app = world.app("one").await;
    let alice = json!([{
        "username": "alice", "password": "secret", "nickname": "Alice", "birthday": "1992-03-08", "gender": 2,
        "extras": {"level": {"n": 3}}, "region": null, "unknown": 1,
    }]);
    world.call(&app, "POST", "/v1/users", Some(alice)).await.expect(201);
    let mut shown = world.call(&app, "GET", "/v1/users/alice", None).await.expect(200);
    let (ctime, mtime) = (shown["ctime"].take(), shown["mtime"].take());
    assert_eq!(ctime, mtime);
    assert_eq!(ctime.as_str().map(str::len), Some("2024-05-01 09:30:00".len()));
    let expected = json!({
        "username": "alice", "nickname": "Alice", "birthday": "1992-03-08 00:00:00", "gender": 2,
        "extras": {"level": {"n": 3}}, "ctime": null, "mtime": null,
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn an_absent_user_is_403_and_a_name_that_cannot_be_is_400() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.call(&app, "GET", "/v1/users/ghost", None).await.refused(403, 899_002);
    world.call(&app, "GET", "/v1/users/a%20b", None).await.refused(400, 899_003);
    world.call(&app, "GET", "/v1/users/%ff", None).await.refused(400, 899_003);
}

#[tokio::test]
async fn an_admin_is_registered_with_an_empty_answer_and_once_only() {
    let world = World::new().await;
    world.covers(&["POST /v1/admins"]);
    let app = world.app("one").await;
    let admin = json!({"username": "boss", "password": "secret"});
    let answer = world.call(&app, "POST", "/v1/admins/", Some(admin.clone())).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (201, ""));
    world.call(&app, "POST", "/v1/admins", Some(json!([admin]))).await.refused(403, 899_001);
    world.call(&app, "GET", "/v1/users/boss", None).await.expect(200);
}

#[tokio::test]
async fn strict_names_are_a_setting() {
    let strict = World::with(|config| config.users.strict_names = true).await;
    let app = strict.app("one").await;
    let short = json!([{"username": "abc", "password": "secret"}]);
    strict.call(&app, "POST", "/v1/users", Some(short.clone())).await.expect(400);
    let lenient = World::new().await;
    let app = lenient.app("one").await;
    lenient.call(&app, "POST", "/v1/users", Some(short)).await.expect(201);
}

#[tokio::test]
async fn a_quick_hash_is_replaced_by_a_slow_one_while_the_daemon_runs() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice"]).await;
    let number = app.number;
    let stored = loop {
        let found = world.daemon.context().ledger.read(move |snapshot| snapshot.user_by_name(number, "alice")).await;
        let (_, alice) = found.expect("readable").expect("registered");
        if alice.password.starts_with("$argon2id$") {
            break alice.password;
        }
        tokio::task::yield_now().await;
    };
    let verdict = world.daemon.context().passwords.verify("secret", Some(&stored)).await;
    assert_eq!(verdict, Ok(Verdict::Right));
}
