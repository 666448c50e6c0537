//! The audience of a push: everybody, or kinds that are intersected.

use anser_storage::command::{Audience, Selection};
use serde_json::Value;

use crate::label::is_label;
use crate::rest::lenient::{Object, as_name, member};

use super::findings::Findings;

/// Kinds of the contract that this server does not resolve.
const NOT_SERVED: [&str; 4] = ["segment", "abtest", "file", "live_activity_id"];
const TAGS_MAX: usize = 20;
const IDS_MAX: usize = 1000;

pub(super) fn parse(object: &Object, findings: &mut Findings) -> Audience {
    match member(object, "audience") {
        None => findings.missing("audience is missing"),
        Some(Value::String(word)) if word == "all" => return Audience::All,
        Some(Value::Object(kinds)) => return Audience::Selected(parse_kinds(kinds, findings)),
        Some(_) => findings.invalid("audience must be \"all\" or an object"),
    }
    Audience::All
}

fn parse_kinds(kinds: &Object, findings: &mut Findings) -> Selection {
    let mut selection = Selection::default();
    for (kind, value) in kinds.iter().filter(|(_, value)| !value.is_null()) {
        match kind.as_str() {
            "tag" => selection.tag = labels(kind, value, TAGS_MAX, findings),
            "tag_and" => selection.tag_and = labels(kind, value, TAGS_MAX, findings),
            "tag_not" => selection.tag_not = labels(kind, value, TAGS_MAX, findings),
            "alias" => selection.alias = labels(kind, value, IDS_MAX, findings),
            "registration_id" => selection.registration_id = values(kind, value, IDS_MAX, findings),
            other if NOT_SERVED.contains(&other) => {
                findings.invalid(format!("audience.{kind} is not supported by this server"));
            }
            _ => findings.invalid(format!("audience.{} is unknown", kind.chars().take(60).collect::<String>())),
        }
    }
    if selection == Selection::default() {
        findings.invalid("audience names nobody: give \"all\" or at least one non-empty kind");
    }
    selection
}

fn labels(kind: &str, value: &Value, max: usize, findings: &mut Findings) -> Vec<String> {
    let labels = values(kind, value, max, findings);
    if labels.iter().any(|label| !label.is_empty() && !is_label(label)) {
        findings.invalid(format!(
            "audience.{kind}: each must be 1 to 40 bytes of letters, digits, Chinese characters or _@!#$&*+=.|￥"
        ));
    }
    labels
}

/// Numbers are read as texts: loosely typed clients send them.
fn values(kind: &str, value: &Value, max: usize, findings: &mut Findings) -> Vec<String> {
    let Value::Array(items) = value else {
        findings.invalid("Audience value must be JSON Array format!");
        return Vec::new();
    };
    if items.len() > max {
        findings.invalid(format!("audience.{kind} has more than {max} values"));
    }
    let texts: Vec<_> = items.iter().map_while(as_name).filter(|text| !text.is_empty()).collect();
    if texts.len() < items.len() {
        findings.invalid(format!("audience.{kind}: each must be a text that is not empty"));
    }
    texts
}
