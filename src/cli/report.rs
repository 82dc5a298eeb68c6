//! `aftertrace report`: prints a saved report again, and `aftertrace schema`: what scripts may expect in one.

use std::io::{self, Read};
use std::path::Path;

use aftertrace::error::{Error, Result};
use aftertrace::origins::Databases;
use aftertrace::report::{json, saved, schema};
use aftertrace::{ScanOptions, hits, report::view::Report};

use super::{Outcome, ReportArguments, SchemaOf};
use super::{messages, output, scan, stages};

/// Why a saved report cannot be completed by a database.
const NOT_LOOKED_UP: &str = "--mmdb needs the logs, because a saved report does not say what each client sent: give it \
    to `aftertrace scan`, and save that report";

/// Runs the command.
pub fn run(arguments: &ReportArguments) -> Result<Outcome> {
    let report = match stages::is_evidence(&arguments.file) {
        true => of_evidence(arguments)?,
        false if !arguments.databases.is_empty() => {
            return Err(Error::Usage(NOT_LOOKED_UP.to_string()));
        }
        false => read(&arguments.file)?,
    };
    arguments.print.print(&report)?;
    Ok(scan::judge(&report, arguments.fail_on))
}

/// Makes the report of what `map` and `merge` counted.
fn of_evidence(arguments: &ReportArguments) -> Result<Report> {
    arguments.print.check()?;
    let databases = Databases::open(&arguments.databases)?;
    let tz = arguments.print.tz.offset();
    let report = stages::report(&arguments.file, |options| {
        Ok(ScanOptions {
            tz,
            databases,
            ..options
        })
    })?;
    messages::warnings(
        &report.warnings,
        arguments.print.table_is_on_screen(),
        false,
    );
    Ok(report)
}

/// Reads a saved report; `-` is standard input.
pub fn read(path: &Path) -> Result<Report> {
    let json = match path.as_os_str() == "-" {
        true => {
            let mut json = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut json);
            read.map(|_| json)
        }
        false => std::fs::read(path),
    };
    let json = json.map_err(|error| Error::io(path, "cannot read", error))?;
    saved::read(path, &json)
}

/// Prints a schema.
pub fn schema(of: SchemaOf) -> Result<Outcome> {
    let schema = match of {
        SchemaOf::Report => schema::report(),
        SchemaOf::Hits => schema::of::<hits::HitLine<'_>>(),
    };
    output::write_to(None, |out| json::write_pretty(&schema, out))?;
    Ok(Outcome::Finished)
}
