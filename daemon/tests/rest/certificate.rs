//! Push certificates of apps, as developers upload them.

use anser_storage::ids::AppNumber;
use rcgen::KeyPair;
use serde_json::json;

use crate::push_certificate::{Cipher, Made};
use crate::world::{Answered, Part, World};

#[tokio::test]
async fn an_uploaded_certificate_is_kept_with_its_key_and_its_chain() {
    let world = World::new().await;
    world.covers(&["POST /v1/app/{app_key}/certificate"]);
    let developer = world.developer("dev").await;
    let (app, path) = make(&world, &developer).await;
    let (development, production) = (Made::new("dev cert", 2099), Made::new("pro cert", 2099));
    let form: [Part<'_>; 4] = [
        ("devCertificatePassword", None, b"secret"),
        ("devCertificateFile", Some("dev.p12"), &development.archive("secret", Cipher::Old)),
        ("proCertificatePassword", None, "密码".as_bytes()),
        ("proCertificateFile", Some("pro.p12"), &production.archive("密码", Cipher::New)),
    ];
    let answer = call(&world, &developer, &path, &form).await.expect(200);
    assert_eq!(answer, json!({"success": "Synchronized success"}));
    call(&world, &developer, &path, &form).await.refused(200, 1010);

    let world = world.restarted().await;
    assert_eq!(kept(&world, app, false).await, Some(development.kept()));
    assert_eq!(kept(&world, app, true).await, Some(production.kept()));

    let renewed = Made::new("pro cert", 2100);
    let form: [Part<'_>; 4] = [
        form[0],
        form[1],
        ("proCertificateFile", Some("pro.p12"), &renewed.archive("", Cipher::New)),
        ("proCertificatePassword", None, b""),
    ];
    call(&world, &developer, &path, &form).await.expect(200);
    assert_eq!(kept(&world, app, true).await, Some(renewed.kept()));
    assert_eq!(kept(&world, app, false).await, Some(development.kept()));
}

#[tokio::test]
async fn each_mistake_has_its_code_and_status_200() {
    let world = World::new().await;
    let (developer, rival) = (world.developer("dev").await, world.developer("rival").await);
    let (app, path) = make(&world, &developer).await;
    let (good, expired) = (Made::new("x", 2099), Made::new("x", 2020));
    let (archive, old) = (good.archive("secret", Cipher::New), expired.archive("secret", Cipher::New));
    let mixed =
        Made { key: KeyPair::generate().expect("a key"), ..Made::new("x", 2099) }.archive("secret", Cipher::New);
    let password: Part<'_> = ("devCertificatePassword", None, b"secret");
    let forms: [(&[Part<'_>], u64); 8] = [
        (&[], 1014),
        (&[password], 1014),
        (&[("devCertificateFile", None, b""), ("devCertificatePassword", None, b"")], 1014),
        (&[("devCertificateFile", None, &archive)], 1012),
        (&[("devCertificateFile", None, &archive), ("devCertificatePassword", None, b"wrong")], 1012),
        (&[("devCertificateFile", None, b"no archive"), password], 1012),
        (&[("devCertificateFile", None, &old), password], 1012),
        (&[("devCertificateFile", None, &mixed), password], 1012),
    ];
    for (form, code) in forms {
        call(&world, &developer, &path, form).await.refused(200, code);
    }
    // One that is wrong keeps the other one out.
    let half: [Part<'_>; 3] =
        [("devCertificateFile", None, &archive), password, ("proCertificatePassword", None, b"x")];
    call(&world, &developer, &path, &half).await.refused(200, 1014);
    assert_eq!(kept(&world, app, false).await, None);

    let right: [Part<'_>; 2] = [("devCertificateFile", None, &archive), password];
    call(&world, &rival, &path, &right).await.refused(200, 1013);
    call(&world, &developer, "/v1/app/ffffffffffffffffffffffff/certificate", &right).await.refused(200, 1013);
    world.call_form(None, "POST", &path, &right).await.refused(401, 4006);
    world.call_as(Some(&developer), "GET", &path, "").await.refused(405, 4001);
    world.call_as(Some(&developer), "POST", &path, "{}").await.refused(400, 4003);
    let large = vec![0; 300 << 10];
    call(&world, &developer, &path, &[("devCertificateFile", None, &large)]).await.refused(400, 4003);
}

async fn make(world: &World, developer: &str) -> (AppNumber, String) {
    let body = json!({"app_name": "Made", "android_package": "com.example"}).to_string();
    let made = world.call_as(Some(developer), "POST", "/v1/app", body).await.expect(200);
    let key = made["app_key"].as_str().expect("a text").to_owned();
    let asked = key.clone();
    let found = world.daemon.context().ledger.read(move |snapshot| snapshot.app_by_key(&asked)).await;
    (found.expect("readable").expect("it was made").0, format!("/v1/app/{key}/certificate"))
}

async fn call(world: &World, developer: &str, path: &str, form: &[Part<'_>]) -> Answered {
    world.call_form(Some(developer), "POST", path, form).await
}

async fn kept(world: &World, app: AppNumber, production: bool) -> Option<(Vec<Vec<u8>>, Vec<u8>)> {
    let kept = world.daemon.context().ledger.read(move |snapshot| snapshot.push_certificate(app, production)).await;
    kept.expect("readable").map(|kept| (kept.chain, kept.key))
}
