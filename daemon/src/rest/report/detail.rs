//! One row of `GET /v3/messages/detail`.

use anser_protocol::content::Platform;
use anser_storage::{PlatformReport, Told};
use serde_json::{Value, json};

use super::counters::{Counters, is_androidlike};
use super::winphone;
use crate::rest::lenient::Object;

const ANDROID_VENDORS: [&str; 9] = [
    "xm_detail",
    "hw_detail",
    "honor_detail",
    "mz_detail",
    "oppo_detail",
    "vivo_detail",
    "asus_detail",
    "fcm_detail",
    "nio_detail",
];

/// Channels below each platform's block of `details`; the first of each list that is ours is named beside it.
const SUB_ANDROID: [&str; 11] =
    ["jg_android", "xiaomi", "huawei", "honor", "meizu", "oppo", "vivo", "asus", "fcm", "tuibida", "nio"];
const SUB_IOS: [&str; 3] = ["jg_ios", "voip", "apns"];
const SUB_QUICKAPP: [&str; 4] = ["quick_jg", "quick_xiaomi", "quick_huawei", "quick_oppo"];
const SUB_HMOS: [&str; 2] = ["jg_hmos", "hmpns"];

pub fn row(msg_id: &str, counters: &Counters) -> Value {
    named("msg_id", msg_id, counters)
}

/// The same of a push to a group.
pub fn group_row(group_msgid: &str, counters: &Counters) -> Value {
    named("group_msgid", group_msgid, counters)
}

fn named(name: &str, id: &str, counters: &Counters) -> Value {
    json!({
        name: id,
        "jpush": own_channel(counters, is_androidlike),
        "android_pns": android_pns(counters),
        "ios": ios(counters),
        "winphone": winphone(counters),
        "quickapp_jpush": own_channel(counters, |of| of.platform == Platform::QUICKAPP),
        "quickapp_pns": {
            "pns_target": counters.bridge_targets_of(Platform::QUICKAPP),
            "pns_sent": counters.bridged_of(Platform::QUICKAPP),
            "pns_received": null,
            "pns_display": null,
        },
        "details": {
            "notification": with_sent(kind(counters, NOTIFICATION), &["sub_ios", "voip"], counters.calls_bridged()),
            "message": kind(counters, MESSAGE),
            "inapp": kind(counters, NONE),
            "live_activity": live_activity(counters),
        },
    })
}

fn own_channel(counters: &Counters, is_counted: fn(&PlatformReport) -> bool) -> Value {
    json!({
        "target": counters.sum(is_counted, |of| of.targets),
        "online_push": counters.sum(is_counted, |of| of.reached),
        "received": counters.sum(is_counted, |of| of.received),
        "click": counters.sum(|of| is_counted(of) && of.has_notification, |of| of.clicked),
        "msg_click": counters.sum(|of| is_counted(of) && of.has_message, |of| of.message_clicked),
        "sent": counters.sum(is_counted, |of| of.sent),
        "display": counters.sum_if_told(|of| is_counted(of) && of.has_notification, |of| of.shown),
    })
}

fn android_pns(counters: &Counters) -> Value {
    let mut block = Object::new();
    for (key, value) in [
        ("pns_target", counters.bridge_targets_of(Platform::ANDROID)),
        ("pns_sent", counters.bridged_of(Platform::ANDROID)),
        ("pns_received", counters.of_bridged(Platform::ANDROID, |told| told.received)),
        ("pns_display", counters.of_bridged(Platform::ANDROID, |told| told.shown)),
    ] {
        block.insert(key.to_owned(), value);
    }
    // Which of the vendors it was is not counted, but for the one that is a bridge of its own.
    for vendor in ANDROID_VENDORS {
        let four = match vendor {
            "fcm_detail" => four(counters),
            _ => json!({"target": null, "sent": null, "received": null, "display": null}),
        };
        block.insert(vendor.to_owned(), four);
    }
    Value::Object(block)
}

fn four(counters: &Counters) -> Value {
    let (sent, told) = counters.by_fcm().unzip();
    let (received, display) = (told.map(|told| told.received), told.map(|told| told.shown));
    json!({"target": sent, "sent": sent, "received": received, "display": display})
}

fn ios(counters: &Counters) -> Value {
    let has_message = |of: &PlatformReport| of.platform == Platform::IOS && of.has_message;
    json!({
        "apns_target": counters.bridge_targets_of(Platform::IOS),
        "apns_sent": counters.bridged_of(Platform::IOS),
        "apns_received": counters.of_bridged(Platform::IOS, |told| told.received),
        "apns_click": counters.of_bridged(Platform::IOS, |told| told.clicked),
        "apns_display": counters.of_bridged(Platform::IOS, |told| told.shown),
        "msg_target": counters.sum(has_message, |of| of.targets),
        "msg_received": counters.sum(has_message, |of| of.received),
        "msg_click": counters.sum(has_message, |of| of.message_clicked),
        "msg_display": counters.sum_if_told(has_message, |of| of.message_shown),
    })
}

/// A kind of content: who was sent it, and what counts as its display and its click.
#[derive(Clone, Copy)]
struct Kind {
    /// The kind that bridges take.
    is_notification: bool,
    is_sent: fn(&PlatformReport) -> bool,
    shown: fn(&PlatformReport) -> u64,
    clicked: fn(&PlatformReport) -> u64,
}

const NOTIFICATION: Kind =
    Kind { is_notification: true, is_sent: |of| of.has_notification, shown: |of| of.shown, clicked: |of| of.clicked };
const MESSAGE: Kind = Kind {
    is_notification: false,
    is_sent: |of| of.has_message,
    shown: |of| of.message_shown,
    clicked: |of| of.message_clicked,
};
/// Kinds that nothing is sent as.
const NONE: Kind = Kind { is_notification: false, is_sent: |_| false, shown: |_| 0, clicked: |_| 0 };

fn kind(counters: &Counters, kind: Kind) -> Value {
    let mut block = five(counters, kind, |_| true);
    for (name, platform, channels) in [
        ("sub_android", Platform::ANDROID, SUB_ANDROID.as_slice()),
        ("sub_ios", Platform::IOS, &SUB_IOS),
        ("sub_quickapp", Platform::QUICKAPP, &SUB_QUICKAPP),
        ("sub_hmos", Platform::HMOS, &SUB_HMOS),
    ] {
        let mut subs = Object::new();
        for channel in channels {
            // The first is ours; of the others we count those that are bridges of their own.
            let is_ours = *channel == channels[0];
            let numbers = match (*channel, kind.is_notification) {
                ("apns" | "hmpns", true) => bridged(counters, platform),
                ("fcm", true) => by_fcm(counters),
                _ => five(counters, kind, |of| is_ours && of.platform == platform),
            };
            subs.insert((*channel).to_owned(), Value::Object(numbers));
        }
        block.insert(name.to_owned(), Value::Object(subs));
    }
    Value::Object(block)
}

fn live_activity(counters: &Counters) -> Value {
    let block = with_sent(kind(counters, NONE), &[], counters.activities_bridged());
    with_sent(block, &["sub_ios", "apns"], counters.activities_bridged())
}

/// What only Apple brings has no number but this.
fn with_sent(mut block: Value, path: &[&str], sent: Value) -> Value {
    path.iter().fold(&mut block, |block, name| &mut block[*name])["sent"] = sent;
    block
}

fn bridged(counters: &Counters, platform: Platform) -> Object {
    object([
        ("target", counters.bridge_targets_of(platform)),
        ("sent", counters.bridged_of(platform)),
        ("received", counters.of_bridged(platform, |told| told.received)),
        ("display", counters.of_bridged(platform, |told| told.shown)),
        ("click", counters.of_bridged(platform, |told| told.clicked)),
    ])
}

fn by_fcm(counters: &Counters) -> Object {
    let (sent, told) = counters.by_fcm().unzip();
    let of = |pick: fn(Told) -> u64| json!(told.map(pick));
    object([
        ("target", json!(sent)),
        ("sent", json!(sent)),
        ("received", of(|told| told.received)),
        ("display", of(|told| told.shown)),
        ("click", of(|told| told.clicked)),
    ])
}

fn object(members: [(&str, Value); 5]) -> Object {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn five(counters: &Counters, kind: Kind, is_of: impl Fn(&PlatformReport) -> bool) -> Object {
    let is_counted = |of: &PlatformReport| (kind.is_sent)(of) && is_of(of);
    object([
        ("target", counters.sum(is_counted, |of| of.targets)),
        ("sent", counters.sum(is_counted, |of| of.sent)),
        ("received", counters.sum(is_counted, |of| of.received)),
        ("display", counters.sum_if_told(is_counted, kind.shown)),
        ("click", counters.sum(is_counted, kind.clicked)),
    ])
}
