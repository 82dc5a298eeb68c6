//! Where a log line is found: `file:line` or `file@offset`, and as much of the line as helps.
//!
//! A file is named without its directory where that is unambiguous; the list of inputs has the
//! whole path.

use std::collections::BTreeMap;

use super::page::Text;
use crate::report::escape;
use crate::report::phrases;
use crate::report::view::{Evidence, Input};

/// A locator takes at most this part of a line; the log text needs the rest.
const LOCATOR_SHARE: usize = 2;

/// The short name of every input.
pub struct Places(BTreeMap<String, String>);

impl Places {
    /// Finds the names that are unambiguous.
    pub fn new(inputs: &[Input]) -> Places {
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        for input in inputs {
            *uses.entry(file_name(&input.path)).or_default() += 1;
        }
        let names = inputs.iter().map(|input| {
            let short = file_name(&input.path);
            let name = if uses[short] == 1 { short } else { &input.path };
            (input.path.clone(), name.to_string())
        });
        Places(names.collect())
    }

    /// `file:line` or `file@offset` in at most `columns`.
    pub fn locator(&self, evidence: &Evidence, columns: usize) -> String {
        let name = self.0.get(&evidence.source).unwrap_or(&evidence.source);
        let number = phrases::line_number(evidence);
        let name = escape::terminal(name).into_owned();
        format!(
            "{}{number}",
            escape::fit_start(&name, columns.saturating_sub(number.len()))
        )
    }

    /// The locator and the line, in at most `columns`.
    pub fn quote(&self, evidence: &Evidence, columns: usize) -> Text {
        let locator = self.locator(evidence, columns / LOCATOR_SHARE);
        let place = Text::new().plain(&locator).plain("  ");
        let room = columns.saturating_sub(place.width());
        place.text(
            Text::new()
                .quiet(essence(&evidence.text, room).as_str())
                .fit(room),
        )
    }

    /// The locators of further lines, in at most `columns`; only the number when the file repeats.
    pub fn further(&self, evidence: &[Evidence], columns: usize) -> String {
        let Some((first, rest)) = evidence.split_first() else {
            return String::new();
        };
        let named: Vec<String> = rest
            .iter()
            .map(|line| match line.source == first.source {
                true => phrases::line_number(line),
                false => self.locator(line, columns / LOCATOR_SHARE),
            })
            .collect();
        crate::report::words::list(&named, 0, columns)
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The line when it fits; otherwise without the time and the bracketed fields before the message,
/// which the reader already knows or needs less. An `…` stands for them.
fn essence(line: &str, columns: usize) -> String {
    if escape::width(&escape::terminal(line)) <= columns {
        return line.to_string();
    }
    if line.starts_with('[') {
        return format!("… {}", after_brackets(line));
    }
    let (start, after) = match (line.find(" ["), line.find("] ")) {
        (Some(start), Some(end)) if start < end => (start, end + "] ".len()),
        _ => return line.to_string(),
    };
    let client = line[..start].split(' ').next().unwrap_or_default();
    format!("{client} … {}", &line[after..])
}

/// An Apache error line after its leading `[..]` fields.
fn after_brackets(line: &str) -> &str {
    let mut rest = line;
    while let Some((_, after)) = rest
        .strip_prefix('[')
        .and_then(|inner| inner.split_once("] "))
    {
        rest = after;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_lose_what_the_reader_knows() {
        let access = "203.0.113.7 - - [19/May/2026:14:02:11 +0000] \"GET /a HTTP/1.1\" 200 5";
        assert_eq!(essence(access, 200), access);
        assert_eq!(
            essence(access, 40),
            "203.0.113.7 … \"GET /a HTTP/1.1\" 200 5"
        );
        let apache = "[Tue May 19 14:25:58 2026] [mpm_event:error] [pid 1:tid 2] AH00484: server";
        assert_eq!(essence(apache, 40), "… AH00484: server");
        let nginx = "2026/05/19 14:26:03 [error] 7#7: *1 upstream timed out";
        assert_eq!(
            essence(nginx, 40),
            "2026/05/19 … 7#7: *1 upstream timed out"
        );
        assert_eq!(essence("] [ no log at all", 5), "] [ no log at all");
    }
}
