//! Paths and queries as callers really send them, made regular before routing.

use std::borrow::Cow;

use anser_protocol::content::Platform;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

use super::family::Family;
use super::fault::Fault;

/// Platforms that the push API has names for.
const PLATFORMS: [Platform; 5] =
    [Platform::ANDROID, Platform::IOS, Platform::WINPHONE, Platform::QUICKAPP, Platform::HMOS];

/// Collapses repeated slashes and drops a trailing one, as several official clients need it.
pub fn normalised(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let clean = format!("/{}", path.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>().join("/"));
    if clean == path {
        return None;
    }
    let with_query = match uri.query() {
        Some(query) => format!("{clean}?{query}"),
        None => clean,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(with_query).ok()?);
    Uri::from_parts(parts).ok()
}

/// The platforms that `platform` names, in one list or in several; none named means all.
pub fn query_platforms(uri: &Uri, family: Family) -> Result<Vec<Platform>, Fault> {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let mut platforms = Vec::new();
    for (_, value) in pairs.filter(|(key, _)| *key == "platform") {
        let value = decoded(value).ok_or_else(|| family.invalid("the query is not UTF-8"))?;
        for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let known = Platform::from_name(name).filter(|platform| PLATFORMS.contains(platform));
            let platform = known.ok_or_else(|| {
                family.invalid("platform must be a list of android, ios, winphone, quickapp and hmos")
            })?;
            if !platforms.contains(&platform) {
                platforms.push(platform);
            }
        }
    }
    Ok(platforms)
}

/// The value of one query parameter; `+` and `%20` are both a space. An empty value counts as absent.
pub fn query_value<'a>(uri: &'a Uri, name: &str) -> Option<Cow<'a, str>> {
    uri.query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| decoded(value))
        .filter(|value| !value.is_empty())
}

/// Percent-decoded text; nothing when it is not UTF-8.
pub(crate) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        bytes.push(match (first, tail) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            (byte, _) => *byte,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_collapsed_and_a_trailing_one_is_dropped() {
        let normal = |text: &str| {
            let uri: Uri = text.parse().expect("a path");
            normalised(&uri).unwrap_or(uri).to_string()
        };
        assert_eq!(normal("/v3//push/validate"), "/v3/push/validate");
        assert_eq!(normal("/v1/users/"), "/v1/users");
        assert_eq!(normal("/v3/received/?msg_ids=1//2"), "/v3/received?msg_ids=1//2");
        assert_eq!(normal("//"), "/");
        assert_eq!(normal("/v3/push"), "/v3/push");
    }

    #[test]
    fn platforms_come_in_one_list_or_in_several() {
        let platforms = |query: &str| {
            let uri: Uri = format!("/x?{query}").parse().expect("a path");
            query_platforms(&uri, Family::Device).map_err(|fault| fault.code)
        };
        assert_eq!(platforms("platform=android,ios"), Ok(vec![Platform::ANDROID, Platform::IOS]));
        assert_eq!(platforms("platform=android%2Cios"), Ok(vec![Platform::ANDROID, Platform::IOS]));
        assert_eq!(platforms("platform=ios&a=b&platform=hmos,ios"), Ok(vec![Platform::IOS, Platform::HMOS]));
        assert_eq!(platforms("platform="), Ok(vec![]));
        assert_eq!(platforms("new_format=true"), Ok(vec![]));
        for wrong in ["platform=all", "platform=web", "platform=%ff", "platform=ios,symbian"] {
            assert_eq!(platforms(wrong), Err(7002), "{wrong}");
        }
    }

    #[test]
    fn query_values_are_decoded_and_empty_ones_are_absent() {
        let uri: Uri = "/x?count=3&type=&name=a+b%20%E4%BA%AC%zz".parse().expect("a path");
        assert_eq!(query_value(&uri, "count").as_deref(), Some("3"));
        assert_eq!(query_value(&uri, "type"), None);
        assert_eq!(query_value(&uri, "name").as_deref(), Some("a b 京%zz"));
        assert_eq!(query_value(&uri, "other"), None);
    }
}
