//! What `[[bridge]]` says, and how mistakes in it are told.

use proptest::prelude::*;

use super::*;
use crate::config::{Config, Flags, Mistake, read_text};

fn parse(text: &str) -> Result<Config, Vec<String>> {
    read_text(text, "anserd.toml".to_owned(), &Flags::default(), std::iter::empty())
        .map_err(|mistakes| mistakes.iter().map(Mistake::to_string).collect())
}

fn mistakes(text: &str) -> Vec<String> {
    parse(text).expect_err(text)
}

const WEBHOOK: &str =
    "[[bridge]]\nkind = 'webhook'\napp = '*'\nurl = 'https://example.com/x'\nsecret_file = 's'\nvendors = ['xiaomi']\n";

#[test]
fn there_is_no_bridge_by_default() {
    assert!(parse("").expect("valid").bridges.is_empty());
}

#[test]
fn each_kind_is_read_with_its_own_settings() {
    let text = format!(
        "[[bridge]]\nkind = 'apns'\napp = '0123456789abcdef01234567'\ntopic = 'com.example'\nkey = 'k.p8'\n\
         key_id = 'ABC123DEFG'\nteam_id = 'DEF123GHIJ'\nwake_for_chat = true\n\
         [[bridge]]\nkind = 'apns'\napp = '*'\ntopic = 'com.example'\ncertificate = 'c.pem'\nkey = 'k.pem'\n\
         url = 'https://localhost:1'\n\
         [[bridge]]\nkind = 'fcm'\napp = '*'\nservice_account = 'a.json'\nca = 'ca.pem'\n\
         [[bridge]]\nkind = 'web_push'\napp = '*'\nsubject = 'mailto:a@example.com'\n{WEBHOOK}"
    );
    let bridges = parse(&text).expect("valid").bridges;
    assert_eq!(bridges.len(), 5);
    assert_eq!(bridges[0].app.as_deref(), Some("0123456789abcdef01234567"));
    assert!(bridges[0].wake_for_chat && !bridges[1].wake_for_chat && bridges[1].app.is_none());
    let BridgeKind::Apns(token) = &bridges[0].kind else { panic!("{bridges:?}") };
    assert_eq!(token.url.to_string(), "https://api.push.apple.com/");
    assert_eq!(token.sandbox_url.to_string(), "https://api.sandbox.push.apple.com/");
    assert!(matches!(&token.auth, ApnsAuth::Token { key_id, .. } if key_id == "ABC123DEFG"));
    let BridgeKind::Apns(certificate) = &bridges[1].kind else { panic!("{bridges:?}") };
    assert_eq!(certificate.url.to_string(), "https://localhost:1/");
    assert!(matches!(&certificate.auth, ApnsAuth::Certificate { .. }));
    assert_eq!(bridges[2].ca, Some("ca.pem".into()));
    assert!(matches!(&bridges[3].kind, BridgeKind::WebPush(web_push) if !web_push.allow_private));
    assert!(matches!(&bridges[4].kind, BridgeKind::Webhook(webhook) if webhook.vendors == ["xiaomi"] && !webhook.sms));
    let text_messages = parse(&WEBHOOK.replace("vendors = ['xiaomi']", "sms = true")).expect("valid").bridges;
    assert!(
        matches!(&text_messages[0].kind, BridgeKind::Webhook(webhook) if webhook.vendors.is_empty() && webhook.sms)
    );
}

#[test]
fn a_bridge_to_apple_needs_no_key_of_its_own_where_developers_upload_theirs() {
    let with = |more: &str| {
        let text = format!("[[bridge]]\nkind = 'apns'\napp = '*'\ntopic = 'com.example'\n{more}");
        parse(&text).map(|config| config.bridges[0].kind.clone())
    };
    let BridgeKind::Apns(alone) = with("uploaded_certificates = true").expect("valid") else { panic!("of Apple") };
    assert_eq!((alone.auth, alone.uploaded_certificates), (ApnsAuth::Uploaded, true));
    let both = with("uploaded_certificates = true\ncertificate = 'c.pem'\nkey = 'k.pem'").expect("valid");
    let BridgeKind::Apns(both) = both else { panic!("of Apple") };
    assert!(both.uploaded_certificates && matches!(both.auth, ApnsAuth::Certificate { .. }));
    assert!(with("").is_err() && with("uploaded_certificates = true\nkey_id = 'ABC123DEFG'").is_err());
}

#[test]
fn a_mistake_names_the_bridge_the_key_and_what_is_allowed() {
    for (text, expected) in [
        ("[[bridge]]\napp = '*'", "bridge[1].kind is missing: must name the kind of bridge: one of apns, fcm"),
        (
            "[[bridge]]\nkind = 'gcm'\napp = '*'\nurl = 'x'",
            "bridge[1].kind = \"gcm\" (anserd.toml): must be one of apns",
        ),
        ("[[bridge]]\nkind = 'fcm'\napp = '*'", "bridge[1].service_account is missing"),
        ("[[bridge]]\nkind = 'fcm'\nservice_account = 'x'", "bridge[1].app is missing"),
        ("[[bridge]]\nkind = 'fcm'\nservice_account = 'x'\napp = 'a b'", "must be an app key"),
        (
            &format!("{WEBHOOK}[[bridge]]\nkind = 'fcm'\napp = '*'\nservice_account = 'x'\ntopic = 'y'"),
            "bridge[2].topic = \"y\" (anserd.toml): not a setting of kind fcm, which has service_account, url",
        ),
        (&format!("{WEBHOOK}wake_for_chet = true"), "did you mean bridge.wake_for_chat?"),
        (&format!("{WEBHOOK}colour = 'red'"), "unknown setting; `anserd check --list`"),
        (&WEBHOOK.replace("https://", "http://"), "must be an https:// address, or http:// on this machine"),
        (&WEBHOOK.replace("vendors = ['xiaomi']", ""), "bridge[1].vendors is missing"),
        ("[[bridge]]\nkind = 'web_push'\napp = '*'\nsubject = 'me'", "must begin with \"mailto:\""),
        ("[bridge]\nkind = 'fcm'", "must be written [[bridge]]"),
        ("bridge = 7", "must be tables"),
        ("bridge = [7]", "must be tables"),
    ] {
        let found = mistakes(text);
        assert_eq!(found.len(), 1, "{text}\n{found:#?}");
        assert!(found[0].contains(expected), "{text}\n{found:#?}");
    }
}

#[test]
fn all_mistakes_of_all_bridges_are_told_together() {
    let text = "[[bridge]]\nkind = 'apns'\napp = '*'\nkey_id = 'short'\n[[bridge]]\nkind = 'webhook'\napp = '*'\nvendors = ['x']";
    let found = mistakes(text);
    for key in [
        "bridge[1].topic",
        "bridge[1].key ",
        "bridge[1].key_id",
        "bridge[1].team_id",
        "bridge[2].url",
        "bridge[2].secret_file",
    ] {
        assert!(found.iter().any(|mistake| mistake.starts_with(key)), "{key}: {found:#?}");
    }
    assert_eq!(found.len(), 6, "{found:#?}");
}

#[test]
fn every_example_of_the_shipped_file_is_valid() {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/anserd.toml");
    let shipped = std::fs::read_to_string(shipped).expect("the file is there");
    let begin = shipped.find("# [[bridge]]").expect("examples");
    let examples: String = shipped[begin..]
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.starts_with("[[") || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(parse(&examples).expect(&examples).bridges.len(), 5);
}

proptest! {
    #[test]
    fn no_bridge_makes_it_panic(
        kind in prop::sample::select(vec!["apns", "fcm", "web_push", "webhook", "x"]),
        settings in prop::collection::btree_map(prop::sample::select(keys()), prop_oneof![
            any::<i64>().prop_map(|number| number.to_string()),
            "[a-z0-9:./*\\[\\]+ -]{0,20}".prop_map(|text| format!("'{text}'")),
            "[a-z0-9:.,+ -]{0,20}".prop_map(|text| format!("['{text}', 7, true]")),
            Just("{ a = { b = [{ c = 1 }] } }".to_owned()),
        ], 0..8),
    ) {
        let mut text = format!("[[bridge]]\nkind = '{kind}'\n");
        for (key, value) in settings.iter().filter(|(key, _)| *key != "bridge.kind") {
            text += &format!("{} = {value}\n", key.trim_start_matches("bridge."));
        }
        let _ = parse(&text);
    }
}
