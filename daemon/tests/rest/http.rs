//! What every call can meet: paths as clients write them, wrong methods, unknown paths, bodies that are none.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn slashes_and_the_case_of_the_method_do_not_matter() {
    let world = World::new().await;
    let app = world.app("one").await;
    world
        .call(&app, "post", "//v1//users/", Some(json!([{"username": "alice", "password": "secret"}])))
        .await
        .expect(201);
    world.call(&app, "GET", "/v1/users/alice/", None).await.expect(200);
    world.call(&app, "get", "/v3//push/cid/?count=1", None).await.expect(200);
}

#[tokio::test]
async fn a_wrong_method_is_405_with_the_familys_envelope() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.call(&app, "DELETE", "/v3/push", None).await.refused(405, 1001);
    world.call(&app, "PUT", "/v3/devices/x", None).await.refused(405, 7002);
    world.call(&app, "PATCH", "/v1/users", None).await.refused(405, 800_008);
}

#[tokio::test]
async fn an_unknown_path_is_404_and_im_asks_for_credentials_first() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.call(&app, "GET", "/v3/nothing", None).await.refused(404, 1003);
    world.call_as(None, "GET", "/v3/nothing", "").await.refused(404, 1003);
    world.call(&app, "GET", "/v1/nothing", None).await.refused(404, 800_008);
    world.call_as(None, "GET", "/v1/nothing", "").await.refused(401, 899_007);
    world.call_as(None, "GET", "/nothing", "").await.refused(401, 899_007);
    world.call(&app, "POST", "/v2/push", None).await.refused(410, 1000);
}

#[tokio::test]
async fn every_answer_tells_the_rate_limit() {
    let world = World::new().await;
    let app = world.app("one").await;
    let answers = [
        world.call(&app, "GET", "/v3/push/cid", None).await,
        world.call(&app, "GET", "/v3/devices/unknown", None).await,
        world.call_as(None, "POST", "/v3/push", "").await,
        world.call(&app, "GET", "/v3/nothing", None).await,
        world.call(&app, "GET", "/v3/push", None).await,
        world.call_as(None, "POST", "/v1/app", "").await,
        world.call_as(Some(&world.developer("dev").await), "POST", "/v1/app", "{}").await,
        world.call(&app, "GET", "/v1/users/nobody", None).await,
        world.call(&app, "GET", "/v2/nothing", None).await,
    ];
    for answer in answers {
        for name in ["x-rate-limit-limit", "x-rate-limit-quota", "x-rate-limit-remaining", "x-rate-limit-reset"] {
            let value = answer.headers.get(name).unwrap_or_else(|| panic!("{name} is missing: {}", answer.text));
            value.to_str().expect("text").parse::<u64>().expect("an integer");
        }
    }
}

#[tokio::test]
async fn an_empty_object_of_the_im_api_may_be_left_out() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice"]).await;
    let basic = crate::world::basic(&app.key, &app.secret);
    world.call_as(Some(&basic), "PUT", "/v1/users/alice", "").await.expect(204);
    world.call_as(Some(&basic), "POST", "/v1/users/alice/nodisturb", "").await.expect(204);
    world.call_as(Some(&basic), "POST", "/v1/messages", "").await.refused(400, 899_003);
    world.call_as(Some(&basic), "POST", "/v3/push", "").await.refused(400, 1003);
}

#[tokio::test]
async fn only_a_push_that_is_really_encrypted_is_refused_for_it() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.device(&app, "phone", anser_protocol::content::Platform::ANDROID).await;
    let basic = crate::world::basic(&app.key, &app.secret);
    for (path, body, status) in [
        ("/v3/push", r#"{"audience": "all", "payload": "BGx7"}"#, 400),
        ("/v3/push", r#"{"platform": "all", "audience": "all", "notification": {"alert": "x"}}"#, 200),
        ("/v3/devices/phone", r#"{"alias": "me"}"#, 200),
    ] {
        let request = Request::post(path).header("authorization", &basic).header("x-encrypt-type", "SM2");
        let answer = world.rest.answer(request.body(Body::from(body)).expect("a request")).await;
        assert_eq!(answer.status(), status, "{path} {body}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_or_too_large_or_encrypted_is_told_so() {
    let world = World::new().await;
    let app = world.app("one").await;
    let basic = crate::world::basic(&app.key, &app.secret);
    world.call_as(Some(&basic), "POST", "/v3/push", "{").await.refused(400, 1003);
    world.call_as(Some(&basic), "POST", "/v3/push", vec![0xff, 0xfe]).await.refused(400, 1003);
    world.call_as(Some(&basic), "POST", "/v3/push", " ".repeat((1 << 20) + 1)).await.refused(400, 1005);
    world.call_as(Some(&basic), "POST", "/v3/devices/x", "[").await.refused(400, 7002);
    world.call_as(Some(&basic), "POST", "/v1/users", "").await.refused(400, 899_003);
    world.call_as(Some(&basic), "POST", "/v1/users", " ".repeat((2 << 20) + 1)).await.refused(400, 899_003);
    let nested = "[".repeat(100_000);
    world.call_as(Some(&basic), "POST", "/v1/users", nested).await.refused(400, 899_003);
}
