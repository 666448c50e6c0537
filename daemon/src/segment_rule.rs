//! The rule of a segment as an operator writes it: a JSON object, each member a condition.

use anser_protocol::content::Platform;
use anser_protocol::traits::{TRAIT_BYTES_MAX, TraitKind};
use anser_storage::segment::{Compare, Condition, DAYS_MAX, Version};
use serde_json::{Map, Value, json};

use crate::label::is_label;

/// Values that one condition lists.
const VALUES_MAX: usize = 100;

/// What is wrong is said in words.
pub fn parse(text: &str) -> Result<Vec<Condition>, String> {
    let rule: Value = serde_json::from_str(text).map_err(|error| format!("the rule is no JSON: {error}"))?;
    let Value::Object(members) = rule else {
        return Err("the rule is a JSON object like {\"app_version\": {\">=\": \"2.0\"}}".to_owned());
    };
    let mut conditions = Vec::new();
    for (name, value) in &members {
        conditions.extend(condition(name, value)?);
    }
    match conditions.is_empty() {
        true => Err("the rule is empty; a push to everybody has the audience \"all\"".to_owned()),
        false => Ok(conditions),
    }
}

fn condition(name: &str, value: &Value) -> Result<Vec<Condition>, String> {
    let one = |condition| Ok(vec![condition]);
    match name {
        "platform" => one(Condition::Platform(platforms(value)?)),
        "tag" => one(Condition::AnyTag(labels(name, value)?)),
        "tag_and" => one(Condition::AllTags(labels(name, value)?)),
        "tag_not" => one(Condition::NoTag(labels(name, value)?)),
        "seen_within_days" => one(Condition::SeenWithin { days: days(name, value)? }),
        "not_seen_for_days" => one(Condition::NotSeenFor { days: days(name, value)? }),
        "registered_within_days" => one(Condition::RegisteredWithin { days: days(name, value)? }),
        _ => match TraitKind::ALL.into_iter().find(|kind| kind.name() == name) {
            Some(of @ (TraitKind::AppVersion | TraitKind::OsVersion)) => versions(of, value),
            Some(of) => one(Condition::Trait { of, any: traits(name, value)? }),
            None => Err(format!(
                "{name:?} is no condition: there are platform, app_version, os_version, model, language, channel, tag, \
                 tag_and, tag_not, seen_within_days, not_seen_for_days and registered_within_days"
            )),
        },
    }
}

fn versions(of: TraitKind, value: &Value) -> Result<Vec<Condition>, String> {
    let name = of.name();
    let wrong = || format!("{name} compares with versions: {{\"{name}\": {{\">=\": \"2.0\", \"<\": \"3\"}}}}");
    let comparisons = value.as_object().filter(|members| !members.is_empty()).ok_or_else(wrong)?;
    let one = |(sign, with): (&String, &Value)| {
        let known = Compare::NAMES.into_iter().find(|(_, known)| known == sign);
        let (compare, _) = known.ok_or_else(|| format!("{name}: {sign:?} is none of <, <=, =, >= and >"))?;
        let with = with.as_str().ok_or_else(wrong)?;
        if with.len() > TRAIT_BYTES_MAX || Version::parse(with).is_none() {
            return Err(format!("{name}: {with:?} is no version; numbers with dots between them are"));
        }
        Ok(Condition::Version { of, compare, with: with.to_owned() })
    };
    comparisons.iter().map(one).collect()
}

fn platforms(value: &Value) -> Result<Vec<Platform>, String> {
    let known = |name: &String| match name.as_str() {
        "other" => Ok(Platform::OTHER),
        name => Platform::from_name(name).ok_or_else(|| {
            let names: Vec<_> = Platform::NAMES.iter().map(|(_, known)| *known).collect();
            format!("platform: {name:?} is none of {} and other", names.join(", "))
        }),
    };
    texts("platform", value)?.iter().map(known).collect()
}

fn traits(name: &str, value: &Value) -> Result<Vec<String>, String> {
    let texts = texts(name, value)?;
    match texts.iter().find(|text| text.is_empty() || text.len() > TRAIT_BYTES_MAX) {
        Some(text) => Err(format!("{name}: {text:?} is not 1 to {TRAIT_BYTES_MAX} bytes long")),
        None => Ok(texts),
    }
}

fn labels(name: &str, value: &Value) -> Result<Vec<String>, String> {
    let texts = texts(name, value)?;
    match texts.iter().find(|text| !is_label(text)) {
        Some(text) => Err(format!("{name}: {text:?} cannot be a tag")),
        None => Ok(texts),
    }
}

fn texts(name: &str, value: &Value) -> Result<Vec<String>, String> {
    let wrong = || format!("{name} is a list of 1 to {VALUES_MAX} texts");
    let items = value.as_array().filter(|items| (1..=VALUES_MAX).contains(&items.len())).ok_or_else(wrong)?;
    items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

fn days(name: &str, value: &Value) -> Result<u16, String> {
    let days = value.as_u64().and_then(|days| u16::try_from(days).ok());
    days.filter(|days| (1..=DAYS_MAX).contains(days))
        .ok_or_else(|| format!("{name} is a whole number from 1 to {DAYS_MAX}"))
}

/// The rule again.
pub fn shown(conditions: &[Condition]) -> Value {
    let mut rule = Map::new();
    for condition in conditions {
        let (name, value) = match condition {
            Condition::Platform(platforms) => {
                ("platform", platforms.iter().map(|platform| platform.name()).collect::<Vec<_>>().into())
            }
            Condition::Version { of, compare, with } => {
                let sign = Compare::NAMES.into_iter().find(|(known, _)| known == compare).map_or("", |(_, sign)| sign);
                let comparisons = rule.entry(of.name()).or_insert_with(|| json!({}));
                comparisons[sign] = with.as_str().into();
                continue;
            }
            Condition::Trait { of, any } => (of.name(), any.clone().into()),
            Condition::AnyTag(tags) => ("tag", tags.clone().into()),
            Condition::AllTags(tags) => ("tag_and", tags.clone().into()),
            Condition::NoTag(tags) => ("tag_not", tags.clone().into()),
            Condition::SeenWithin { days } => ("seen_within_days", (*days).into()),
            Condition::NotSeenFor { days } => ("not_seen_for_days", (*days).into()),
            Condition::RegisteredWithin { days } => ("registered_within_days", (*days).into()),
        };
        rule.insert(name.to_owned(), value);
    }
    Value::Object(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_is_shown_as_it_was_written() {
        let rule = json!({
            "platform": ["android", "other"], "app_version": {">=": "2.0", "<": "3"}, "os_version": {"=": "14"},
            "model": ["Pixel 8"], "language": ["de", "zh-CN"], "channel": ["a store"], "tag": ["a"], "tag_and": ["b"],
            "tag_not": ["c"], "seen_within_days": 60, "not_seen_for_days": 1, "registered_within_days": 7,
        });
        let conditions = parse(&rule.to_string()).expect("a rule");
        assert_eq!(conditions.len(), 13);
        assert_eq!(shown(&conditions), rule);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (rule, named) in [
            ("", "no JSON"),
            ("[]", "a JSON object"),
            ("{}", "empty"),
            (r#"{"colour": ["red"]}"#, "\"colour\" is no condition"),
            (r#"{"platform": ["symbian"]}"#, "symbian"),
            (r#"{"platform": []}"#, "platform is a list"),
            (r#"{"app_version": "2"}"#, "app_version compares"),
            (r#"{"app_version": {}}"#, "app_version compares"),
            (r#"{"app_version": {"~": "2"}}"#, "\"~\" is none of"),
            (r#"{"os_version": {"=": "two"}}"#, "\"two\" is no version"),
            (r#"{"model": [1]}"#, "model is a list"),
            (r#"{"model": [""]}"#, "1 to 64 bytes"),
            (r#"{"tag": ["no blanks"]}"#, "cannot be a tag"),
            (r#"{"seen_within_days": 61}"#, "from 1 to 60"),
            (r#"{"not_seen_for_days": 0}"#, "from 1 to 60"),
        ] {
            let error = parse(rule).expect_err(rule);
            assert!(error.contains(named), "{rule}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = parse(&text);
        }
    }
}
