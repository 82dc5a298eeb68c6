//! The JSON Schema (draft 2020-12) of what scripts read: the report, and the lines of `hits`. Made from the types themselves,
//! so that it cannot say anything else than they do.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::category::Category;
use crate::pattern::entry::Field;
use crate::report::view::Report;
use crate::severity::{Confidence, Severity};
use crate::time::{Time, UtcOffset};

/// The schema of a value as it is written.
pub fn of<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>()
}

/// The schema of the report.
pub fn report() -> Schema {
    of::<Report>()
}

/// A closed vocabulary.
fn names<'a>(names: impl Iterator<Item = &'a str>) -> Schema {
    json_schema!({ "type": "string", "enum": names.collect::<Vec<_>>() })
}

impl JsonSchema for Category {
    fn schema_name() -> Cow<'static, str> {
        "Category".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        names(Category::ALL.iter().map(|category| category.name()))
    }
}

impl JsonSchema for Severity {
    fn schema_name() -> Cow<'static, str> {
        "Severity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        use Severity::{Critical, High, Low, Medium};
        names(
            [Low, Medium, High, Critical]
                .iter()
                .map(|severity| severity.name()),
        )
    }
}

impl JsonSchema for Confidence {
    fn schema_name() -> Cow<'static, str> {
        "Confidence".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        use Confidence::{High, Low, Medium};
        names(
            [Low, Medium, High]
                .iter()
                .map(|confidence| confidence.name()),
        )
    }
}

impl JsonSchema for Field {
    fn schema_name() -> Cow<'static, str> {
        "Field".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        names(Field::ALL.iter().map(|field| field.name()))
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339 in UTC, with a fraction of a second where the log has one",
        })
    }
}

impl JsonSchema for UtcOffset {
    fn schema_name() -> Cow<'static, str> {
        "UtcOffset".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[+-][0-9]{2}:[0-9]{2}$",
            "description": "An offset from UTC, east positive",
        })
    }
}
