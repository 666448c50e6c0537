//! What the paths of the pages answer, and the links of the demo.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_served_with_a_strict_policy_and_nothing_else_is() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    for path in ["/", "/im"] {
        let page = browser.call_with("GET", path, None, &[]).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert_eq!(page.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-cache");
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("a text");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!page.text.contains("<script>") && !page.text.contains("style="), "nothing inline");
        browser.call_with("POST", path, None, &[]).await.refused(405, "method");
    }
    for odd in [
        "/assets/../../etc/passwd",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/assets/",
        "/assets/x",
        "/console",
        "/console/v2/x",
    ] {
        let answered = browser.call_with("GET", odd, None, &[]).await;
        assert_eq!(answered.status, StatusCode::NOT_FOUND, "{odd}: {}", answered.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_the_demo_logs_its_user_in_once() {
    let world = World::new().await;
    let key = world.app("demo").await;
    let browser = Browser::new(&world);
    let asked = key.clone();
    let context = world.daemon.context();
    let app = context.ledger.read(move |snapshot| snapshot.app_by_key(&asked)).await;
    let (app, _) = app.expect("readable").expect("it is there");
    let links = context.demo.begin(context, app).await.expect("it is made");
    assert_eq!(links.len(), 2);
    for (user, token) in &links {
        let used = browser.call_with("POST", "/im/demo", Some(&json!({"token": token})), &[]).await.ok();
        assert_eq!((&used["username"], &used["app_key"]), (&json!(user), &json!(key)));
        assert_eq!(used["login_token"].as_str().map(|token| token.split('.').count()), Some(3));
        browser.call_with("POST", "/im/demo", Some(&json!({"token": token})), &[]).await.refused(410, "demo_over");
    }
    let again = context.demo.begin(context, app).await.expect("it is made again");
    let foreign = [("origin", "https://evil.example")];
    let body = json!({"token": again[0].1});
    browser.call_with("POST", "/im/demo", Some(&body), &foreign).await.refused(403, "foreign_origin");
    browser.call_with("POST", "/im/demo", Some(&json!({"token": links[0].1})), &[]).await.refused(410, "demo_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_learns_of_an_only_app_and_of_several_none() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    let apps = async || browser.call_with("GET", "/im/apps", None, &[]).await.ok()["apps"].clone();
    assert_eq!(apps().await, json!([]));
    let key = world.app("one").await;
    assert_eq!(apps().await, json!([{"app_key": key, "name": "one", "is_registration_open": true}]));
    let one = browser.call_with("GET", &format!("/im/apps/{key}"), None, &[]).await.ok();
    assert_eq!(one["is_registration_open"], true);
    world.app("two").await;
    assert_eq!(apps().await, json!([]));
    browser.call_with("GET", "/im/apps/none", None, &[]).await.refused(404, "unknown_app");
}
