//! Reads a report that was saved as JSON, so that it can be rendered again without the logs.
//!
//! Fields that this version does not know are passed over, as REPORT.md allows them to be added.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::report::view::{Report, SCHEMA_VERSION};

/// What tells a report of another version from something that is none.
#[derive(Deserialize)]
struct Head {
    schema_version: String,
}

/// Reads a report; `path` is what errors name.
///
/// # Errors
/// When this is no report, or one of another version; with line and column where it stops being one.
pub fn read(path: &Path, json: &[u8]) -> Result<Report> {
    let wrong = |what: String| Error::Report {
        path: path.to_path_buf(),
        what,
    };
    let head: Head = serde_json::from_slice(json).map_err(|error| {
        let advice = "expected what `aftertrace scan --format json` writes";
        wrong(format!("this is no report: {error}; {advice}"))
    })?;
    if head.schema_version != SCHEMA_VERSION {
        return Err(wrong(format!(
            "a report of schema version `{}`, and this is version `{SCHEMA_VERSION}`: render it with the aftertrace that wrote it",
            head.schema_version.escape_debug(),
        )));
    }
    serde_json::from_slice(json)
        .map_err(|error| wrong(format!("the report is damaged: {error}; save it again")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{json, sample};

    fn fault(json: &str) -> String {
        let error = read(Path::new("saved.json"), json.as_bytes());
        error.unwrap_err().to_string()
    }

    #[test]
    fn a_report_comes_back_as_it_was() {
        for report in [sample::rich(&str::to_string), sample::empty()] {
            let mut saved = Vec::new();
            json::render(&report, &mut saved).unwrap();
            let mut again = Vec::new();
            let read = read(Path::new("saved.json"), &saved).unwrap();
            json::render(&read, &mut again).unwrap();
            assert_eq!(String::from_utf8(saved), String::from_utf8(again));
        }
    }

    #[test]
    fn what_is_no_report_is_told_from_a_damaged_one_and_from_another_version() {
        let place = "line 1 column";
        let nothing = fault("{}");
        assert!(
            nothing.contains("no report") && nothing.contains(place),
            "{nothing}"
        );
        let other = fault(r#"{"schema_version": "2"}"#);
        assert!(other.contains("schema version `2`"), "{other}");
        let damaged = fault(r#"{"schema_version": "1"}"#);
        assert!(
            damaged.contains("damaged") && damaged.contains(place),
            "{damaged}"
        );
        assert!(damaged.starts_with("saved.json: "), "{damaged}");
    }
}
