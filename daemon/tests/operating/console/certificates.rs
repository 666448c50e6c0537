//! Push certificates of an app, from file to removal.

use data_encoding::BASE64;

use super::*;
use crate::push_certificate::{Cipher, Made};

#[tokio::test(flavor = "multi_thread")]
async fn a_push_certificate_is_uploaded_shown_without_its_key_replaced_and_removed() {
    let land = Land::new().await;
    let bob = land.browser("bob").await;
    let path = format!("/console/v1/apps/{}/push-certificates", land.own);
    assert_eq!(bob.get(&path).await, json!({"development": null, "production": null}));

    let made = Made::new("Apple Push Services: org.example.geese", 2099);
    let upload = |made: &Made| {
        let file = made.archive("the file's password", Cipher::New);
        json!({"p12_base64": BASE64.encode(&file), "password": "the file's password"})
    };
    for _ in 0..2 {
        bob.call("PUT", &format!("{path}/production"), Some(&upload(&made))).await.ok();
    }
    let shown = bob.get(&path).await;
    let production = &shown["production"];
    assert_eq!(shown["development"], Value::Null);
    assert_eq!(production["subject"], "CN=Apple Push Services: org.example.geese");
    assert_eq!(production["expires_ms"], 4_070_908_800_000_u64, "the first of January 2099");
    assert!(production["added_ms"].as_u64().is_some_and(|added| added > 0));
    assert_eq!(production.as_object().map(serde_json::Map::len), Some(4), "and nothing else: {production}");
    let number = land.number(&land.own).await;
    let read = land.world.daemon.context().ledger.read(move |snapshot| snapshot.push_certificate(number, true)).await;
    assert_eq!(read.expect("readable").map(|kept| (kept.chain, kept.key)), Some(made.kept()));

    let renewed = Made::new("renewed", 2100);
    bob.call("PUT", &format!("{path}/production"), Some(&upload(&renewed))).await.ok();
    assert_eq!(bob.get(&path).await["production"]["subject"], "CN=renewed");
    let left = bob.call("DELETE", &format!("{path}/production"), None).await.ok();
    assert_eq!(left, json!({"development": null, "production": null}));
    bob.call("DELETE", &format!("{path}/production"), None).await.ok();

    let audit = bob.get("/console/v1/audit").await.to_string();
    assert!(audit.contains("certificate_upload") && audit.contains("certificate_remove"), "{audit}");
    assert!(!audit.contains("the file's password"), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_push_certificate_is_refused_and_changes_nothing() {
    let land = Land::new().await;
    let bob = land.browser("bob").await;
    let path = format!("/console/v1/apps/{}/push-certificates", land.own);
    let (good, old) = (Made::new("x", 2099), Made::new("x", 2020));
    let body = |file: &[u8], password: &str| json!({"p12_base64": BASE64.encode(file), "password": password});
    let archive = good.archive("secret", Cipher::Old);
    for wrong in [
        nothing(),
        json!({"p12_base64": "?", "password": ""}),
        body(b"", ""),
        body(b"no archive", "secret"),
        body(&archive, "wrong"),
        body(&old.archive("secret", Cipher::Old), "secret"),
        body(&vec![0; 257 << 10], "secret"),
    ] {
        bob.call("PUT", &format!("{path}/production"), Some(&wrong)).await.refused(400, "invalid");
    }
    let right = body(&archive, "secret");
    bob.call("PUT", &format!("{path}/elsewhere"), Some(&right)).await.refused(400, "invalid");
    assert_eq!(bob.get(&path).await, json!({"development": null, "production": null}));
}
