//! What the body of a message must look like, by its kind: one rule for devices and app servers.
//!
//! Loosely typed senders are forgiven: a number may come as a text of digits, `null` is as good as absent, and keys that
//! nobody knows are left alone. Nothing is rewritten: a reader gets the bytes that the sender gave, and must forgive as much.

use std::fmt;

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::extension::tag;
use anser_protocol::limits::MESSAGE_BODY_BYTES_MAX;
use serde_json::{Map, Value};

/// Why a content cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// Only the server makes messages of this kind, or nobody does.
    Kind,
    /// Body and `extras` have more than [`MESSAGE_BODY_BYTES_MAX`] bytes.
    TooLong,
    /// This is missing or wrong.
    Malformed(&'static str),
}

impl fmt::Display for BodyFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind => out.write_str("this kind of message cannot be sent"),
            Self::TooLong => write!(out, "the message is longer than {MESSAGE_BODY_BYTES_MAX} bytes"),
            Self::Malformed(what) => out.write_str(what),
        }
    }
}

impl std::error::Error for BodyFault {}

/// May this be sent? Kind first, then length, then shape.
pub fn check(content: &Content) -> Result<(), BodyFault> {
    if !content.kind.is_sendable() {
        return Err(BodyFault::Kind);
    }
    let extras = content.extensions.value(tag::EXTRAS);
    if content.body.len() + extras.map_or(0, <[u8]>::len) > MESSAGE_BODY_BYTES_MAX {
        return Err(BodyFault::TooLong);
    }
    if content.kind == ContentKind::TEXT {
        let is_text = !content.body.is_empty() && std::str::from_utf8(&content.body).is_ok();
        let are_extras = extras.is_none_or(|extras| parse(extras).is_some());
        return match (is_text, are_extras) {
            (false, _) => Err(BodyFault::Malformed("text must be a text that is not empty")),
            (_, false) => Err(BodyFault::Malformed("extras must be a JSON object")),
            _ => Ok(()),
        };
    }
    let body = parse(&content.body).ok_or(BodyFault::Malformed("the body must be a JSON object"))?;
    check_object(content.kind, &body).map_err(BodyFault::Malformed)
}

fn parse(bytes: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(bytes).ok()
}

fn check_object(kind: ContentKind, body: &Map<String, Value>) -> Result<(), &'static str> {
    match kind {
        ContentKind::IMAGE => {
            media(body)?;
            whole(body, "width", "width must be a whole number")?;
            whole(body, "height", "height must be a whole number")?;
            optional_text(body, "format", "format must be a text")?;
        }
        ContentKind::VOICE => {
            media(body)?;
            whole(body, "duration", "duration must be a whole number")?;
            optional_text(body, "format", "format must be a text")?;
        }
        ContentKind::FILE => {
            media(body)?;
            text(body, "fname", "fname must be a text")?;
        }
        ContentKind::VIDEO => video(body)?,
        ContentKind::LOCATION => {
            number(body, "latitude", "latitude must be a number")?;
            number(body, "longitude", "longitude must be a number")?;
            number(body, "scale", "scale must be a number")?;
            // The field list of JMessage has the second spelling.
            let is_named = ["label", "lable"].iter().any(|key| matches!(member(body, key), Some(Value::String(_))));
            if !is_named {
                return Err("label must be a text");
            }
        }
        // What is in it only the application knows.
        _ => return Ok(()),
    }
    match member(body, "extras") {
        None | Some(Value::Object(_)) => Ok(()),
        // PHP writes an empty object so.
        Some(Value::Array(items)) if items.is_empty() => Ok(()),
        Some(_) => Err("extras must be an object"),
    }
}

fn video(body: &Map<String, Value>) -> Result<(), &'static str> {
    let Some(Value::Object(file)) = member(body, "video") else { return Err("video must be an object") };
    media(file)?;
    text(file, "fname", "fname must be a text")?;
    number(body, "duration", "duration must be a number")?;
    match member(body, "thumb") {
        None => Ok(()),
        Some(Value::Object(thumb)) => {
            media(thumb)?;
            whole(thumb, "width", "width must be a whole number")?;
            whole(thumb, "height", "height must be a whole number")?;
            text(thumb, "format", "format must be a text")
        }
        Some(_) => Err("thumb must be an object"),
    }
}

/// What every uploaded file has.
fn media(object: &Map<String, Value>) -> Result<(), &'static str> {
    text(object, "media_id", "media_id must be a text")?;
    whole(object, "media_crc32", "media_crc32 must be a whole number")?;
    whole(object, "fsize", "fsize must be a whole number")?;
    optional_text(object, "hash", "hash must be a text")
}

fn member<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}

/// At least one character.
fn text(object: &Map<String, Value>, key: &str, wrong: &'static str) -> Result<(), &'static str> {
    let is_text = member(object, key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if is_text { Ok(()) } else { Err(wrong) }
}

fn optional_text(object: &Map<String, Value>, key: &str, wrong: &'static str) -> Result<(), &'static str> {
    if member(object, key).is_none_or(Value::is_string) { Ok(()) } else { Err(wrong) }
}

/// `5`, `"5"` or `5.0`, not below zero.
fn whole(object: &Map<String, Value>, key: &str, wrong: &'static str) -> Result<(), &'static str> {
    let is_whole = match member(object, key) {
        Some(Value::Number(number)) => {
            number.as_u64().is_some() || number.as_f64().is_some_and(|number| number >= 0.0 && number % 1.0 == 0.0)
        }
        Some(Value::String(text)) => text.trim().parse::<u64>().is_ok(),
        _ => false,
    };
    if is_whole { Ok(()) } else { Err(wrong) }
}

/// `1.5` or `"1.5"`.
fn number(object: &Map<String, Value>, key: &str, wrong: &'static str) -> Result<(), &'static str> {
    let is_number = match member(object, key) {
        Some(Value::Number(_)) => true,
        Some(Value::String(text)) => text.trim().parse::<f64>().is_ok_and(f64::is_finite),
        _ => false,
    };
    if is_number { Ok(()) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use anser_protocol::extension::Extensions;

    use super::*;

    fn checked(kind: ContentKind, body: &str) -> Result<(), BodyFault> {
        let extensions = Extensions::default();
        check(&Content { kind, body: body.as_bytes().to_vec(), extensions })
    }

    #[test]
    fn each_kind_takes_what_jmessage_sends() {
        for (kind, body) in [
            (ContentKind::IMAGE, r#"{"media_id":"q","media_crc32":3735928559,"width":640,"height":480,"fsize":1}"#),
            (
                ContentKind::IMAGE,
                r#"{"media_id":"q","media_crc32":"9","width":"640","height":480.0,"fsize":1,"format":null,"hash":null,"fname":7}"#,
            ),
            (ContentKind::VOICE, r#"{"media_id":"q","media_crc32":1,"duration":3,"fsize":9,"extras":[]}"#),
            (ContentKind::FILE, r#"{"media_id":"q","media_crc32":1,"fsize":9,"fname":"a.txt","hash":"F"}"#),
            (
                ContentKind::VIDEO,
                r#"{"video":{"media_id":"q","media_crc32":1,"fsize":9,"fname":"a.mp4"},"duration":2.5,
                    "thumb":{"media_id":"q","media_crc32":1,"fsize":9,"width":1,"height":1,"format":"png"}}"#,
            ),
            (ContentKind::LOCATION, r#"{"latitude":22.5,"longitude":"-114.0","scale":16,"label":"here"}"#),
            (ContentKind::LOCATION, r#"{"latitude":22.5,"longitude":114,"scale":16,"lable":"here"}"#),
            (ContentKind::CUSTOM, r#"{"extras":"what the application likes"}"#),
            (ContentKind::CUSTOM, "{}"),
        ] {
            assert_eq!(checked(kind, body), Ok(()), "{body}");
        }
    }

    #[test]
    fn what_is_missing_or_of_a_wrong_type_is_named() {
        for (kind, body, wrong) in [
            (ContentKind::TEXT, "", "text must be a text that is not empty"),
            (ContentKind::CUSTOM, "[]", "the body must be a JSON object"),
            (ContentKind::CUSTOM, "{", "the body must be a JSON object"),
            (ContentKind::IMAGE, r#"{"media_crc32":1}"#, "media_id must be a text"),
            (
                ContentKind::IMAGE,
                r#"{"media_id":"q","media_crc32":1,"fsize":1,"height":1}"#,
                "width must be a whole number",
            ),
            (
                ContentKind::IMAGE,
                r#"{"media_id":"q","media_crc32":1,"fsize":-1,"height":1,"width":1}"#,
                "fsize must be a whole number",
            ),
            (ContentKind::VOICE, r#"{"media_id":"q","media_crc32":1,"fsize":1}"#, "duration must be a whole number"),
            (ContentKind::FILE, r#"{"media_id":"q","media_crc32":1,"fsize":1}"#, "fname must be a text"),
            (ContentKind::VIDEO, r#"{"duration":1}"#, "video must be an object"),
            (ContentKind::LOCATION, r#"{"latitude":1,"longitude":1,"scale":1}"#, "label must be a text"),
            (
                ContentKind::FILE,
                r#"{"media_id":"q","media_crc32":1,"fsize":1,"fname":"a","extras":"x"}"#,
                "extras must be an object",
            ),
        ] {
            assert_eq!(checked(kind, body), Err(BodyFault::Malformed(wrong)), "{body}");
        }
        assert_eq!(checked(ContentKind::EVENT, "{}"), Err(BodyFault::Kind));
    }

    #[test]
    fn body_and_extras_share_one_limit() {
        let with = |text: usize, extras: &str| {
            let extras: Vec<u8> = extras.as_bytes().to_vec();
            let content = Content::text(&"x".repeat(text));
            check(&Content { extensions: content.extensions.with(tag::EXTRAS, extras), ..content })
        };
        assert_eq!(with(MESSAGE_BODY_BYTES_MAX - 2, "{}"), Ok(()));
        assert_eq!(with(MESSAGE_BODY_BYTES_MAX - 1, "{}"), Err(BodyFault::TooLong));
        assert_eq!(with(1, "7"), Err(BodyFault::Malformed("extras must be a JSON object")));
    }
}
