//! Values as TOML text.

use toml::Value;

/// A text in quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted += &format!("\\u{:04X}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A value on one line.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Boolean(truth) => truth.to_string(),
        Value::Datetime(datetime) => datetime.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => inline_table(table),
    }
}

/// A table on one line.
pub(crate) fn inline_table(table: &toml::Table) -> String {
    let pairs = table.iter().map(|(key, value)| format!("{} = {}", quoted(key), inline(value)));
    format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let text = "a = \"x\\\"\\\\\\n\\u0001ș\"\nb = { c = [1, 2.5, true], \"d e\" = 2024-06-09T07:00:00Z }\n";
        let table: toml::Table = toml::from_str(text).unwrap();
        let again: toml::Table = toml::from_str(&format!("t = {}", inline_table(&table))).unwrap();
        assert_eq!(again["t"], Value::Table(table));
    }
}
