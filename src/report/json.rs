//! The report as one JSON object, always in the same shape: indented, fields in a fixed order, runs of
//! numbers on one line, a newline at the end.
//!
//! Also writes single values as JSON lines. Everything that `escape` calls unsafe is written as
//! `\uXXXX`, so that the text means the same to a parser and does nothing to a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use crate::report::escape;
use crate::report::view::Report;

/// Writes the report.
///
/// # Errors
/// Whatever the writer returns.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write_pretty(report, out)
}

/// Writes any value in the report's style.
///
/// # Errors
/// Whatever the writer returns.
pub fn write_pretty<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(
        &mut *out,
        Pretty::default(),
    ))?;
    out.write_all(b"\n")
}

/// Writes a value on one line.
///
/// # Errors
/// Whatever the writer returns.
pub fn write_line<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Compact))?;
    out.write_all(b"\n")
}

/// Writes a value on one line, as it may stand in a `script` element of HTML.
///
/// # Errors
/// Whatever the writer returns.
pub fn write_in_html<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, InHtml))?;
    Ok(())
}

/// One line, safe strings.
struct Compact;

impl Formatter for Compact {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        out.write_all(escape::json(text).as_bytes())
    }
}

/// One line, strings that are safe in HTML as well.
struct InHtml;

impl Formatter for InHtml {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        out.write_all(escape::json_in_html(text).as_bytes())
    }
}

/// Indented, safe strings; numbers in an array share a line, so that a series of a day is four
/// lines and not six thousand.
#[derive(Default)]
struct Pretty {
    /// One entry for each open array or object: whether anything in it began a line.
    open: Vec<bool>,
    /// The separator owed to an array's next value: its kind decides between a blank and a new line.
    owed: Option<Separator>,
}

/// What stands before a value in an array.
struct Separator {
    first: bool,
}

const INDENT: &[u8] = b"  ";

impl Pretty {
    fn new_line<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        self.open.iter().try_for_each(|_| out.write_all(INDENT))
    }

    /// Begins a line for a value that is no number.
    fn before_block<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.owed.take().is_none() {
            return Ok(());
        }
        self.mark_broken();
        self.new_line(out)
    }

    /// Stays on the line for a number.
    fn before_number<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        match self.owed.take() {
            Some(Separator { first: false }) => out.write_all(b" "),
            _ => Ok(()),
        }
    }

    fn mark_broken(&mut self) {
        if let Some(innermost) = self.open.last_mut() {
            *innermost = true;
        }
    }

    fn close<W: ?Sized + Write>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        if self.open.pop() == Some(true) {
            self.new_line(out)?;
        }
        out.write_all(bracket)
    }
}

/// Every number is written as serde_json does, after the separator for numbers.
macro_rules! numbers {
    ($($name:ident: $number:ty),+ $(,)?) => {$(
        fn $name<W: ?Sized + Write>(&mut self, out: &mut W, value: $number) -> io::Result<()> {
            self.before_number(out)?;
            CompactFormatter.$name(out, value)
        }
    )+};
}

impl Formatter for Pretty {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        out.write_all(escape::json(text).as_bytes())
    }

    fn begin_string<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.before_block(out)?;
        out.write_all(b"\"")
    }

    fn write_null<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.before_number(out)?;
        out.write_all(b"null")
    }

    fn write_bool<W: ?Sized + Write>(&mut self, out: &mut W, value: bool) -> io::Result<()> {
        self.before_number(out)?;
        CompactFormatter.write_bool(out, value)
    }

    numbers! {
        write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64, write_u128: u128,
        write_i8: i8, write_i16: i16, write_i32: i32, write_i64: i64, write_i128: i128,
        write_f32: f32, write_f64: f64,
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.before_block(out)?;
        self.open.push(false);
        out.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.owed = Some(Separator { first });
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.before_block(out)?;
        self.open.push(false);
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.mark_broken();
        self.new_line(out)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use serde_json::{Value, json};

    fn pretty(value: &Value) -> String {
        let mut out = Vec::new();
        write_pretty(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_layout_is_indented_with_numbers_in_a_row() {
        let value = json!({"a": [1, 2.5, null], "b": [], "c": {}, "d": ["x", "y"], "e": [{"f": [[1], [2]]}]});
        let expected = r#"{
  "a": [1, 2.5, null],
  "b": [],
  "c": {},
  "d": [
    "x",
    "y"
  ],
  "e": [
    {
      "f": [
        [1],
        [2]
      ]
    }
  ]
}
"#;
        assert_eq!(pretty(&value), expected);
        assert_eq!(serde_json::from_str::<Value>(expected).unwrap(), value);
    }

    #[test]
    fn the_report_has_its_documented_fields_in_order_and_a_newline_at_the_end() {
        let mut out = Vec::new();
        render(&sample::rich(&str::to_string), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let fields: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("  \"")?.split_once('"'))
            .map(|(name, _)| name)
            .collect();
        let documented = [
            "schema_version",
            "tool",
            "pseudonymized",
            "verdict",
            "inputs",
            "window",
            "totals",
            "known",
            "databases",
            "series",
            "incidents",
            "warnings",
        ];
        assert_eq!(fields, documented);
        assert!(text.ends_with("}\n"));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["incidents"][1]["start"], "2021-09-05T13:58:03Z");
        assert_eq!(value["series"]["requests"].as_array().unwrap().len(), 1440);
    }

    #[test]
    fn hostile_text_is_inert_and_keeps_its_meaning() {
        let hostile = "\x1b]8;;x\x07 \u{9b}2J \u{7f} \u{202e}abc \u{2028} \u{e0041} \"\\ é 東";
        let value = json!({ "text": hostile, hostile: [hostile] });
        let mut line = Vec::new();
        write_line(&value, &mut line).unwrap();
        for text in [pretty(&value), String::from_utf8(line).unwrap()] {
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
            assert_eq!(
                escape::terminal(text.replace('\n', "").as_str()),
                text.replace('\n', "")
            );
        }
    }
}
