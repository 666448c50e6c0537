//! JSON values as loosely typed clients send them: numbers as text, booleans as numbers, null for absent.

use serde_json::{Map, Value};

pub type Object = Map<String, Value>;

/// A member that is there and not null.
pub fn member<'a>(object: &'a Object, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}

/// `5`, `"5"`, `"+1"`, `5.0`.
pub fn as_int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn whole(number: f64) -> Option<i64> {
    // 2^53: beyond it a double no longer says which integer was meant.
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

/// `true`, `1`, `"true"`, `"True"`, `"1"` and their opposites.
pub fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(on) => Some(*on),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A string, or a number as a string: ids come in both forms.
pub fn as_name(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An object; PHP encodes an empty one as `[]`.
pub fn as_object(value: &Value) -> Option<Object> {
    match value {
        Value::Object(object) => Some(object.clone()),
        Value::Array(items) if items.is_empty() => Some(Object::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_come_in_several_forms() {
        for five in [json!(5), json!("5"), json!("+5"), json!(5.0)] {
            assert_eq!(as_int(&five), Some(5), "{five}");
        }
        for none in [json!(5.5), json!("five"), json!(true), json!([]), json!(1e300)] {
            assert_eq!(as_int(&none), None, "{none}");
        }
    }

    #[test]
    fn booleans_come_in_several_forms() {
        for on in [json!(true), json!(1), json!("TRUE"), json!("1")] {
            assert_eq!(as_bool(&on), Some(true), "{on}");
        }
        assert_eq!(as_bool(&json!("false")), Some(false));
        assert_eq!(as_bool(&json!(2)), None);
    }
}
