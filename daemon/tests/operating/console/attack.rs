//! What another site in the operator's browser can do: nothing.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_another_site_makes_is_refused_although_the_cookie_goes_along() {
    let land = Land::new().await;
    let ann = land.browser("ann").await;
    let new = json!({"name": "stolen"});
    let header = ("x-anser-console", "1");
    for (marks, code) in [
        (vec![], "no_console_header"),
        (vec![("origin", "https://push.example.com:8443")], "no_console_header"),
        (vec![header, ("origin", "https://evil.example")], "foreign_origin"),
        (vec![header, ("origin", "null")], "foreign_origin"),
        (vec![header, ("origin", "https://push.example.com")], "foreign_origin"),
        (vec![header, ("origin", "https://push.example.com:8443.evil.example")], "foreign_origin"),
        (vec![header, ("origin", "ftp://push.example.com:8443")], "foreign_origin"),
        (vec![header, ("sec-fetch-site", "cross-site")], "foreign_origin"),
        (vec![header, ("sec-fetch-site", "same-site")], "foreign_origin"),
    ] {
        for (method, path) in [("POST", "/console/v1/apps".to_owned()), ("GET", "/console/v1/apps".to_owned())] {
            let body = (method == "POST").then_some(&new);
            ann.call_with(method, &path, body, &marks).await.refused(403, code);
        }
        let push = format!("/console/v1/apps/{}/rest/v3/push", land.own);
        ann.call_with("POST", &push, Some(&new), &marks).await.refused(403, code);
    }
    // What a form can send, even if it could send the header.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let marks = [header, ("content-type", kind)];
        ann.call_with("POST", "/console/v1/apps", Some(&new), &marks).await.refused(415, "not_json");
    }
    let apps = ann.get("/console/v1/apps").await;
    assert!(!apps.to_string().contains("stolen"), "{apps}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_lets_another_site_read_it() {
    let land = Land::new().await;
    let ann = land.browser("ann").await;
    for path in ["/console/v1/session", "/console/v1/nothing", "/", "/im", "/im/apps", "/assets/nothing.js"] {
        for (method, marks) in [
            ("GET", vec![("origin", "https://evil.example")]),
            (
                "OPTIONS",
                vec![("origin", "https://evil.example"), ("access-control-request-headers", "x-anser-console")],
            ),
        ] {
            let answered = ann.call_with(method, path, None, &marks).await;
            assert!(
                answered.headers.keys().all(|name| !name.as_str().starts_with("access-control")),
                "{method} {path}"
            );
            assert_eq!(answered.headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(answered.headers["cross-origin-resource-policy"], "same-origin", "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_for_this_host_over_tls_and_for_no_script() {
    let land = Land::new().await;
    let mut browser = Browser::new(&land.world);
    let answered = browser.log_in("ann", PASSWORD).await;
    let cookie = answered.headers[header::SET_COOKIE].to_str().expect("a text");
    let mut parts: Vec<&str> = cookie.split(';').map(str::trim).collect();
    assert!(parts.remove(0).starts_with("__Host-anser-console="));
    parts.sort_unstable();
    assert_eq!(parts, ["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Strict", "Secure"]);
    assert_eq!(answered.headers[header::CACHE_CONTROL], "no-store");
    assert!(!answered.text.contains(browser.cookie.as_ref().expect("kept").rsplit('=').next().expect("a token")));

    let good = browser.cookie.clone().expect("kept");
    let token = good.split('=').nth(1).expect("a token").to_owned();
    for odd in [
        format!("{good}; {good}"),
        format!("__Host-anser-console={}", &token[1..]),
        format!("__Host-anser-console={token}0"),
        format!("anser-console={token}"),
        "__Host-anser-console=".to_owned(),
        format!("__Host-anser-console={}", "g".repeat(64)),
    ] {
        browser.cookie = Some(odd);
        browser.call("GET", "/console/v1/session", None).await.refused(401, "no_session");
    }
    browser.cookie = Some(format!("theme=dark; {good}; other=1"));
    browser.call("GET", "/console/v1/session", None).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_logins_are_answered_alike_and_not_written_down_with_what_was_typed() {
    let land = Land::new().await;
    let mut browser = Browser::new(&land.world);
    let wrong = browser.log_in("ann", "not her password").await;
    let unknown = browser.log_in("somebody-else", "not her password").await;
    assert_eq!(wrong.text, unknown.text);
    wrong.refused(401, "wrong_password");
    let ann = land.browser("ann").await;
    let audit = ann.get("/console/v1/audit").await.to_string();
    assert!(!audit.contains("somebody-else") && !audit.contains("not her password"), "{audit}");
    for odd in [json!(null), json!([]), json!({"name": "ann"}), json!({"name": 1, "password": 2})] {
        browser.call("POST", "/console/v1/session", Some(&odd)).await.refused(400, "invalid");
    }
    let long = json!({"name": "a".repeat(1 << 20), "password": "x"});
    browser.call("POST", "/console/v1/session", Some(&long)).await.refused(413, "too_large");
}
