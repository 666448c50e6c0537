//! The contents that an application can send, each made so that the server takes it.
//!
//! Of what is uploaded the server has said what belongs in the body ([`Uploaded::body`](crate::shell::Uploaded)); the rest
//! is given here. Length and options are looked at when the message is handed over, as those of any content.

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::extension::{Extensions, tag};
use serde_json::{Map, Value, json};

use crate::session::SendError;

type Made = Result<Content, SendError>;

/// Not empty.
pub fn text(text: &str) -> Made {
    match text {
        "" => Err(SendError::Malformed("a text must not be empty")),
        text => Ok(Content::text(text)),
    }
}

/// `media` is the body of an uploaded image, which names its format, width and height.
pub fn image(media: &Value) -> Made {
    let media = uploaded(media)?;
    if !["width", "height"].iter().all(|key| media.contains_key(*key)) {
        return Err(SendError::Malformed("what was uploaded is no image"));
    }
    Ok(object(ContentKind::IMAGE, media.clone()))
}

/// `media` is the body of an uploaded recording.
pub fn voice(media: &Value, seconds: u32) -> Made {
    let mut body = uploaded(media)?.clone();
    body.insert("duration".into(), json!(seconds));
    Ok(object(ContentKind::VOICE, body))
}

/// `media` is the body of an uploaded file; `name` takes the place of its own unless it is empty.
pub fn file(media: &Value, name: &str) -> Made {
    let body = named(uploaded(media)?.clone(), name)?;
    Ok(object(ContentKind::FILE, body))
}

/// `media` is the body of an uploaded file, `thumb` that of an uploaded image.
pub fn video(media: &Value, name: &str, seconds: f64, thumb: Option<&Value>) -> Made {
    if !seconds.is_finite() || seconds < 0.0 {
        return Err(SendError::Malformed("a duration must be a number of seconds"));
    }
    let file = named(uploaded(media)?.clone(), name)?;
    let mut body = Map::from_iter([("video".to_owned(), file.into()), ("duration".to_owned(), json!(seconds))]);
    if let Some(thumb) = thumb {
        let thumb = uploaded(thumb)?;
        if !["width", "height", "format"].iter().all(|key| thumb.contains_key(*key)) {
            return Err(SendError::Malformed("what was uploaded as a small picture is no image"));
        }
        body.insert("thumb".into(), thumb.clone().into());
    }
    Ok(object(ContentKind::VIDEO, body))
}

/// Degrees, north and east above 0; `scale` is that of the map.
pub fn location(latitude: f64, longitude: f64, scale: f64, label: &str) -> Made {
    if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) || !scale.is_finite() {
        return Err(SendError::Malformed("a place has a latitude of -90 to 90 and a longitude of -180 to 180 degrees"));
    }
    let body = json!({"latitude": latitude, "longitude": longitude, "scale": scale, "label": label});
    Ok(object(ContentKind::LOCATION, body.as_object().cloned().unwrap_or_default()))
}

/// What is in it only the application knows.
pub fn custom(body: &Map<String, Value>) -> Content {
    object(ContentKind::CUSTOM, body.clone())
}

/// Puts a JSON object beside the content; a custom content has no such place.
pub fn with_extras(content: Content, extras: &Map<String, Value>) -> Made {
    match content.kind {
        ContentKind::TEXT => {
            let extensions =
                Extensions(content.extensions.0.into_iter().filter(|entry| entry.tag != tag::EXTRAS).collect());
            let extensions = extensions.with(tag::EXTRAS, Value::from(extras.clone()).to_string().into_bytes());
            Ok(Content { extensions, ..content })
        }
        ContentKind::CUSTOM => Err(SendError::Malformed("a custom message holds what it likes in its body")),
        kind => {
            let mut body: Map<String, Value> = serde_json::from_slice(&content.body)
                .map_err(|_| SendError::Malformed("the body must be a JSON object"))?;
            body.insert("extras".into(), extras.clone().into());
            Ok(Content { extensions: content.extensions, ..object(kind, body) })
        }
    }
}

fn uploaded(media: &Value) -> Result<&Map<String, Value>, SendError> {
    let media = media
        .as_object()
        .filter(|media| ["media_id", "media_crc32", "fsize"].iter().all(|key| media.contains_key(*key)));
    media.ok_or(SendError::Malformed("this is not what an upload gave"))
}

fn named(mut file: Map<String, Value>, name: &str) -> Result<Map<String, Value>, SendError> {
    if !name.is_empty() {
        file.insert("fname".into(), json!(name));
    }
    match file.get("fname").and_then(Value::as_str) {
        None | Some("") => Err(SendError::Malformed("a file must have a name")),
        Some(_) => Ok(file),
    }
}

fn object(kind: ContentKind, body: Map<String, Value>) -> Content {
    Content { kind, body: Value::from(body).to_string().into_bytes(), extensions: Extensions::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(made: Made) -> Value {
        serde_json::from_slice(&made.expect("well made").body).expect("an object")
    }

    fn media() -> Value {
        json!({"media_id": "qiniu/file/r/1", "media_crc32": 9, "fsize": 7, "fname": "goose.bin", "hash": "F"})
    }

    fn picture() -> Value {
        json!({"media_id": "qiniu/image/r/1", "media_crc32": 9, "fsize": 7, "width": 2, "height": 3, "format": "png"})
    }

    #[test]
    fn each_kind_has_the_keys_of_jmessage() {
        assert_eq!(body(image(&picture())), picture());
        assert_eq!(body(voice(&media(), 3))["duration"], 3);
        assert_eq!(body(file(&media(), "other.bin"))["fname"], "other.bin");
        let filmed = body(video(&media(), "", 2.5, Some(&picture())));
        assert_eq!(filmed, json!({"video": media(), "duration": 2.5, "thumb": picture()}));
        let place = body(location(22.5, -114.0, 16.0, "here"));
        assert_eq!(place, json!({"latitude": 22.5, "longitude": -114.0, "scale": 16.0, "label": "here"}));
        let anything = Map::from_iter([("a".to_owned(), json!([1]))]);
        assert_eq!(custom(&anything).body, br#"{"a":[1]}"#);
    }

    #[test]
    fn what_the_server_would_refuse_is_not_made() {
        let unnamed = json!({"media_id": "q", "media_crc32": 9, "fsize": 7});
        for made in [
            text(""),
            image(&media()),
            image(&json!("q")),
            voice(&json!({"media_id": "q"}), 1),
            file(&unnamed, ""),
            video(&media(), "", f64::NAN, None),
            video(&media(), "", 1.0, Some(&media())),
            location(91.0, 0.0, 1.0, "far"),
            location(0.0, f64::INFINITY, 1.0, "farther"),
            with_extras(custom(&Map::new()), &Map::new()),
        ] {
            assert!(matches!(made, Err(SendError::Malformed(_))), "{made:?}");
        }
    }

    #[test]
    fn extras_stand_beside_a_text_and_inside_other_bodies() {
        let extras = Map::from_iter([("k".to_owned(), json!("v"))]);
        let said = with_extras(text("hi").expect("well made"), &extras).expect("it has a place for them");
        assert_eq!((said.as_text(), said.extensions.value(tag::EXTRAS)), (Some("hi"), Some(&br#"{"k":"v"}"#[..])));
        let replaced = with_extras(said, &Map::new()).expect("it has a place for them");
        assert_eq!(replaced.extensions.value(tag::EXTRAS), Some(&b"{}"[..]));
        let shown = with_extras(image(&picture()).expect("well made"), &extras);
        assert_eq!(body(shown)["extras"], json!({"k": "v"}));
    }
}
