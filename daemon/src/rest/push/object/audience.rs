//! The audience of a push: everybody, or kinds that are intersected.

use anser_storage::command::{Audience, FileAudience, Selection};
use anser_storage::ids::SegmentId;
use serde_json::Value;

use crate::label::is_label;
use crate::rest::file::parse_name;
use crate::rest::lenient::{Object, as_name, member};

use super::findings::Findings;

use super::{Form, TargetKind};

const TAGS_MAX: usize = 20;
const IDS_MAX: usize = 1000;
/// Of a registration id; their form is nobody else's business.
const ID_BYTES_MAX: usize = 64;
/// Of the name of a live activity.
const ACTIVITY_BYTES_MAX: usize = 256;

pub(super) fn parse(object: &Object, form: Form, findings: &mut Findings) -> Audience {
    match form {
        Form::Push | Form::FilePush | Form::Later => parse_audience(object, form, findings),
        Form::Single(kind) => Audience::Selected(parse_target(object, kind, findings)),
    }
}

/// The one device or alias that an item of a batch is for.
fn parse_target(object: &Object, kind: TargetKind, findings: &mut Findings) -> Selection {
    let Some(value) = member(object, "target") else {
        findings.missing("target is missing");
        return Selection::default();
    };
    let target = as_name(value).filter(|target| match kind {
        TargetKind::RegistrationId => !target.is_empty() && target.len() <= ID_BYTES_MAX,
        TargetKind::Alias => is_label(target),
    });
    let Some(target) = target else {
        findings.invalid("target must be one registration id or alias");
        return Selection::default();
    };
    match kind {
        TargetKind::RegistrationId => Selection { registration_id: vec![target], ..Selection::default() },
        TargetKind::Alias => Selection { alias: vec![target], ..Selection::default() },
    }
}

fn parse_audience(object: &Object, form: Form, findings: &mut Findings) -> Audience {
    let audience = member(object, "audience");
    let file = audience.and_then(Value::as_object).and_then(|kinds| member(kinds, "file").map(|file| (kinds, file)));
    match (form, file) {
        (Form::FilePush | Form::Later, Some((kinds, file))) => return parse_file(kinds, file, findings),
        (Form::FilePush, None) if audience.is_some() => {
            findings.invalid("audience must be an object with file: everybody else is pushed to by POST /v3/push");
            return Audience::All;
        }
        _ => {}
    }
    match audience {
        None => findings.missing("audience is missing"),
        Some(Value::String(word)) if word == "all" => return Audience::All,
        Some(Value::Object(kinds)) => {
            return match member(kinds, "live_activity_id") {
                Some(name) => parse_activity(kinds, name, findings),
                None => Audience::Selected(parse_kinds(kinds, findings)),
            };
        }
        Some(_) => findings.invalid("audience must be \"all\" or an object"),
    }
    Audience::All
}

/// Whom the list names is looked up when the push is sent.
fn parse_file(kinds: &Object, file: &Value, findings: &mut Findings) -> Audience {
    if kinds.values().filter(|value| !value.is_null()).count() > 1 {
        findings.invalid("audience.file excludes other kinds");
    }
    let id = file.as_object().and_then(|file| member(file, "file_id"));
    match id.and_then(Value::as_str).and_then(parse_name) {
        Some(file) => Audience::File(FileAudience { file, devices: Vec::new() }),
        None => {
            findings.invalid("audience.file must be an object whose file_id was given by POST /v3/files");
            Audience::All
        }
    }
}

/// Devices say with the token of an activity which one it is.
fn parse_activity(kinds: &Object, name: &Value, findings: &mut Findings) -> Audience {
    let is_alone = kinds.values().filter(|value| !value.is_null()).count() == 1;
    let name = name.as_str().filter(|name| is_alone && (1..=ACTIVITY_BYTES_MAX).contains(&name.len()));
    if name.is_none() {
        findings.invalid("audience.live_activity_id must be a text, and excludes other kinds");
    }
    Audience::Activity(name.unwrap_or_default().to_owned())
}

fn parse_kinds(kinds: &Object, findings: &mut Findings) -> Selection {
    let mut selection = Selection::default();
    for (kind, value) in kinds.iter().filter(|(_, value)| !value.is_null()) {
        match kind.as_str() {
            "tag" => selection.tag = labels(kind, value, TAGS_MAX, findings),
            "tag_and" => selection.tag_and = labels(kind, value, TAGS_MAX, findings),
            "tag_not" => selection.tag_not = labels(kind, value, TAGS_MAX, findings),
            "alias" => selection.alias = labels(kind, value, IDS_MAX, findings),
            "registration_id" => selection.registration_id = ids(kind, value, findings),
            "segment" => selection.segment = segments(kind, value, findings),
            "abtest" => {
                if !values(kind, value, 1, findings).is_empty() {
                    findings.invalid("audience.abtest names none that this server knows");
                }
            }
            "file" => findings.invalid("audience.file belongs to pushes to a file"),
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

fn segments(kind: &str, value: &Value, findings: &mut Findings) -> Vec<SegmentId> {
    let texts = values(kind, value, 1, findings);
    let ids: Vec<_> = texts.iter().filter_map(|text| text.parse().ok().map(SegmentId)).collect();
    if ids.len() < texts.len() {
        findings.invalid("audience.segment names none of this app");
    }
    ids
}

fn ids(kind: &str, value: &Value, findings: &mut Findings) -> Vec<String> {
    let ids = values(kind, value, IDS_MAX, findings);
    if ids.len() == 1 && ids[0].len() > ID_BYTES_MAX {
        findings.invalid(format!("audience.{kind}: the registration id is too long"));
    }
    ids
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
