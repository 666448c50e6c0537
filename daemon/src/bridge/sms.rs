//! Text messages about pushes: what a push object says of them, and what the operator's server is told.

use anser_protocol::ids::Position;
use anser_storage::SmsOrder;
use serde_json::{Map, Value};

/// What `sms_message` of a push says.
#[derive(Clone, Debug, PartialEq)]
pub struct SmsText {
    pub temp_id: i64,
    pub temp_para: Map<String, Value>,
    /// 0 is the usual signature.
    pub signid: i64,
    pub delay_s: u32,
    pub only_active: bool,
}

/// A text message to a phone number.
#[derive(Clone, Debug)]
pub struct Sms<'a> {
    pub app_key: &'a str,
    pub msg_id: Position,
    pub registration_id: &'a str,
    pub mobile: &'a str,
    pub text: &'a SmsText,
}

impl SmsText {
    /// `kept` is what is kept of the push object. Nothing without a template: then the feature is not used.
    pub fn of(kept: &str) -> Option<Self> {
        if kept.is_empty() {
            return None;
        }
        let kept: Value = serde_json::from_str(kept).ok()?;
        let asked = kept.get("sms_message")?;
        Some(Self {
            temp_id: asked.get("temp_id")?.as_i64()?,
            temp_para: asked.get("temp_para").and_then(Value::as_object).cloned().unwrap_or_default(),
            signid: asked.get("signid").and_then(Value::as_i64).unwrap_or(0),
            delay_s: u32::try_from(asked.get("delay_time")?.as_u64()?).ok()?,
            only_active: asked.get("active_filter").and_then(Value::as_bool).unwrap_or(true),
        })
    }

    pub fn order(&self) -> SmsOrder {
        SmsOrder { delay_s: self.delay_s, only_active: self.only_active }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_makes_a_text_message_and_the_rest_has_its_usual_values() {
        let of = |block: Value| SmsText::of(&json!({ "sms_message": block }).to_string());
        let text = of(json!({"delay_time": 0, "temp_id": 7})).expect("a template");
        assert_eq!((text.temp_id, text.signid, text.delay_s, text.only_active), (7, 0, 0, true));
        let block =
            json!({"delay_time": 86_400, "temp_id": -1, "temp_para": {"code": 1}, "signid": 5, "active_filter": false});
        let text = of(block).expect("a template");
        assert_eq!(text.order(), SmsOrder { delay_s: 86_400, only_active: false });
        assert_eq!((text.temp_para["code"].clone(), text.signid), (json!(1), 5));
        for none in [json!({"delay_time": 5}), json!({"content": "x"}), json!({}), json!({"temp_id": 7})] {
            assert_eq!(of(none.clone()), None, "{none}");
        }
        assert_eq!((SmsText::of(""), SmsText::of("{}")), (None, None));
    }
}
