//! What a message from an app server contains, and how it is to be handled.
//!
//! A device gets the body as the app server wrote it: keys in their order, numbers in their form, texts to the letter. Only
//! white space between them goes, and escapes that need none.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::extension::{Extensions, tag};
use anser_protocol::limits::{MESSAGE_BODY_BYTES_MAX, OPTION_TEXT_BYTES_MAX};
use anser_protocol::options::{NoticeOverride, SendOptions};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{field, invalid, refusal};
use crate::body::{self, BodyFault};
use crate::rest::fault::Fault;
use crate::rest::lenient::{Object, as_bool, as_object, member};

const KINDS: [(&str, ContentKind); 7] = [
    ("text", ContentKind::TEXT),
    ("image", ContentKind::IMAGE),
    ("voice", ContentKind::VOICE),
    ("file", ContentKind::FILE),
    ("video", ContentKind::VIDEO),
    ("location", ContentKind::LOCATION),
    ("custom", ContentKind::CUSTOM),
];

/// The type of this name.
pub fn kind_of(name: &str) -> Option<ContentKind> {
    KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// The name of a type; what app servers have no name for is told as custom.
pub fn name_of(kind: ContentKind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("custom", |(name, _)| name)
}

/// The content of the message that `object` describes; `text` is the JSON that it was read from.
pub fn parse(object: &Object, text: &[u8]) -> Result<Content, Fault> {
    let name = field::required(object, "msg_type")?;
    let kind = kind_of(&name)
        .ok_or_else(|| invalid("msg_type must be text, image, voice, file, video, location or custom"))?;
    let given = member(object, "msg_body").and_then(as_object);
    let given = given.ok_or_else(|| invalid("msg_body must be an object"))?;
    let written = members(text).get("msg_body").map_or_else(|| "{}".to_owned(), |body| compact(body.get()));
    if written.len() > MESSAGE_BODY_BYTES_MAX {
        return Err(refusal::body_too_long());
    }
    let content = match kind {
        ContentKind::TEXT => text_content(&given, &written)?,
        // PHP writes an empty object so.
        _ if written == "[]" => Content { kind, body: b"{}".to_vec(), extensions: Extensions::default() },
        _ => Content { kind, body: written.into_bytes(), extensions: Extensions::default() },
    };
    body::check(&content).map_err(|fault| match fault {
        BodyFault::TooLong => refusal::body_too_long(),
        BodyFault::Malformed(what) => invalid(format!("msg_body: {what}")),
        BodyFault::Kind => invalid("msg_type is not supported"),
    })?;
    Ok(options(object)?.add_to(content))
}

fn text_content(given: &Object, written: &str) -> Result<Content, Fault> {
    let text = member(given, "text").and_then(Value::as_str);
    let mut content = Content::text(text.ok_or_else(|| invalid("msg_body.text must be a text"))?);
    if let Some(extras) = member(given, "extras") {
        let extras = as_object(extras).ok_or_else(|| invalid("msg_body.extras must be an object"))?;
        let written = members(written.as_bytes()).get("extras").map(|extras| extras.get().as_bytes().to_vec());
        if let Some(written) = written.filter(|_| !extras.is_empty()) {
            content.extensions = content.extensions.with(tag::EXTRAS, written);
        }
    }
    Ok(content)
}

fn options(object: &Object) -> Result<SendOptions, Fault> {
    let switch = |key: &str| match member(object, key) {
        None => Ok(false),
        Some(value) => as_bool(value).ok_or_else(|| invalid(format!("{key} must be true or false"))),
    };
    let no_notification = switch("no_notification")?;
    Ok(SendOptions {
        no_offline: switch("no_offline")?,
        no_notification,
        notice: if no_notification { NoticeOverride::default() } else { notice(object)? },
        needs_receipt: switch("need_receipt")?,
        from_name: field::text(object, "from_name", OPTION_TEXT_BYTES_MAX)?,
        target_name: field::text(object, "target_name", OPTION_TEXT_BYTES_MAX)?,
        ..SendOptions::default()
    })
}

fn notice(object: &Object) -> Result<NoticeOverride, Fault> {
    let Some(notice) = member(object, "notification") else { return Ok(NoticeOverride::default()) };
    let notice = as_object(notice).ok_or_else(|| invalid("notification must be an object"))?;
    Ok(NoticeOverride {
        title: field::text(&notice, "title", OPTION_TEXT_BYTES_MAX)?,
        alert: field::text(&notice, "alert", OPTION_TEXT_BYTES_MAX)?,
        at_prefix: String::new(),
    })
}

/// The members of an object as they are written. Of doubles the last counts, as everywhere.
fn members(text: &[u8]) -> BTreeMap<Cow<'_, str>, &RawValue> {
    serde_json::from_slice(text).unwrap_or_default()
}

/// The same JSON without white space between its parts and without escapes that need not be.
fn compact(json: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(start) = rest.find('"') {
        out.extend(rest[..start].chars().filter(|c| !c.is_ascii_whitespace()));
        let length = string_length(&rest[start..]);
        let written = &rest[start..start + length];
        match serde_json::from_str::<String>(written) {
            Ok(text) => out.push_str(&Value::String(text).to_string()),
            Err(_) => out.push_str(written),
        }
        rest = &rest[start + length..];
    }
    out.extend(rest.chars().filter(|c| !c.is_ascii_whitespace()));
    out
}

/// Bytes of the JSON string that stands at the beginning, both quotes with it.
fn string_length(json: &str) -> usize {
    let mut is_escaped = false;
    for (index, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use anser_protocol::options::Mentions;
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> Result<Content, Fault> {
        let value: Value = serde_json::from_str(text).expect("JSON");
        parse(value.as_object().expect("an object"), text.as_bytes())
    }

    #[test]
    fn a_text_keeps_its_extras_as_they_were_written() {
        let content =
            parsed(r#"{"msg_type": "text", "msg_body": {"text": "h\u0069", "extras": {"z": 1.50, "a": [ ]}}}"#);
        let content = content.expect("valid");
        assert_eq!(content.as_text(), Some("hi"));
        assert_eq!(content.extensions.value(tag::EXTRAS), Some(br#"{"z":1.50,"a":[]}"#.as_slice()));
    }

    #[test]
    fn another_body_stays_as_it_was_written() {
        let body = r#"{"z":"\u9e3f \"\ud83d\ude00\n","extra":{"b":[1,2.0],"a":12345678901234567890123}}"#;
        let content = parsed(&format!(r#"{{"msg_type":"custom","msg_body":{body}}}"#)).expect("valid");
        assert_eq!(
            String::from_utf8_lossy(&content.body),
            "{\"z\":\"鸿 \\\"😀\\n\",\"extra\":{\"b\":[1,2.0],\"a\":12345678901234567890123}}"
        );
        let empty = parsed(r#"{"msg_type":"custom","msg_body":[]}"#).expect("valid");
        assert_eq!(empty.body, b"{}");
    }

    #[test]
    fn a_body_that_is_too_long_has_a_code_of_its_own() {
        let text =
            |length: usize| json!({"msg_type": "text", "msg_body": {"text": "鸿".repeat(length / 3)}}).to_string();
        assert_eq!(parsed(&text(4098)).expect_err("too long").code, 803_007);
        assert!(parsed(&text(4083)).is_ok());
        for wrong in [
            json!({"msg_type": "text", "msg_body": "x"}),
            json!({"msg_type": "text", "msg_body": {}}),
            json!({"msg_type": "image", "msg_body": {"media_id": "q"}}),
            json!({"msg_type": "smoke", "msg_body": {}}),
        ] {
            assert_eq!(parsed(&wrong.to_string()).expect_err("wrong").code, 899_003, "{wrong}");
        }
    }

    #[test]
    fn options_are_read_as_loosely_as_everything_else() {
        let content = parsed(
            r#"{"msg_type":"text","msg_body":{"text":"hi"},"no_offline":"True","no_notification":0,"from_name":null,
                "notification":{"title":"t","alert":"a"},"need_receipt":1,"at_list":[],"create_time":1}"#,
        );
        let options = SendOptions::of(&content.expect("valid"));
        assert!(options.no_offline && !options.no_notification && options.needs_receipt);
        assert_eq!((options.notice.title.as_str(), options.notice.alert.as_str()), ("t", "a"));
        assert_eq!((options.mentions, options.count), (Mentions::Nobody, 1));

        let quiet = r#"{"msg_type":"text","msg_body":{"text":"hi"},"no_notification":true,"notification":7}"#;
        assert!(SendOptions::of(&parsed(quiet).expect("valid")).no_notification);
        for wrong in [r#""no_offline":"perhaps""#, r#""notification":7"#, r#""from_name":{}"#] {
            let message = format!(r#"{{"msg_type":"text","msg_body":{{"text":"hi"}},{wrong}}}"#);
            assert_eq!(parsed(&message).expect_err("wrong").code, 899_003, "{wrong}");
        }
    }
}
