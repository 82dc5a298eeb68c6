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

/// Makes the schema of a closed vocabulary out of its terms.
macro_rules! vocabulary {
    ($name:ident, $terms:expr) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let terms: Vec<&str> = $terms.iter().map(|term| term.name()).collect();
                json_schema!({ "type": "string", "enum": terms })
            }
        }
    };
}

vocabulary!(Category, Category::ALL);
vocabulary!(Field, Field::ALL);
vocabulary!(
    Severity,
    [
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical
    ]
);
vocabulary!(
    Confidence,
    [Confidence::Low, Confidence::Medium, Confidence::High]
);

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
