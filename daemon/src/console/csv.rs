//! Tables as CSV (RFC 4180), which a spreadsheet takes for nothing but text and numbers.

use serde_json::Value;

pub struct Csv(String);

impl Csv {
    pub fn new(columns: impl IntoIterator<Item = &'static str>) -> Self {
        // Without the mark some spreadsheets take the text for another encoding.
        let mut csv = Self("\u{feff}".to_owned());
        csv.line(columns.into_iter().map(str::to_owned));
        csv
    }

    pub fn row<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>) {
        self.line(values.into_iter().map(|value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }));
    }

    pub fn into_text(self) -> String {
        self.0
    }

    fn line(&mut self, fields: impl Iterator<Item = String>) {
        let fields: Vec<String> = fields.map(|field| quoted(&field)).collect();
        self.0.push_str(&fields.join(","));
        self.0.push_str("\r\n");
    }
}

/// A text that begins like a formula would be carried out by whoever opens the file.
fn quoted(field: &str) -> String {
    let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']) && field.parse::<f64>().is_err();
    let field = if is_formula { format!("'{field}") } else { field.to_owned() };
    match field.contains([',', '"', '\n', '\r', '\'']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_would_be_a_formula_is_a_text() {
        let mut csv = Csv::new(["a", "b"]);
        csv.row(&[json!("=1+1"), json!(-3)]);
        csv.row(&[json!("say \"hi\", all"), Value::Null]);
        assert_eq!(csv.into_text(), "\u{feff}a,b\r\n\"'=1+1\",-3\r\n\"say \"\"hi\"\", all\",\r\n");
    }
}
