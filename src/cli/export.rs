//! `aftertrace export`: a saved report becomes a file for the programs that refuse requests.

use std::path::{Path, PathBuf};

use aftertrace::error::Result;
use aftertrace::export::{self, Form, Options, Plan};
use aftertrace::known;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueHint};

use super::{Outcome, messages, output, report, values};

/// What to make of which report.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// A report as `scan --format json` writes it; `-` for standard input
    #[arg(value_name = "REPORT.json")]
    pub file: PathBuf,
    /// For which program
    #[arg(long, value_name = "PROGRAM", value_parser = form())]
    to: Form,
    /// Write to FILE instead of standard output, all of it or nothing
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Only the attackers of this incident; may be repeated [default: all attacks]
    #[arg(long = "incident", value_name = "N")]
    incidents: Vec<u32>,
    /// Every attacking address and nobody else, rather than the networks that the report advises to block
    #[arg(long)]
    exact: bool,
    /// Never these networks, beside those that the report says are known; written as for `scan --exclude`
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = values::networks)]
    exclude: Vec<values::Networks>,
    /// The same for the networks in FILE, one a line; may be repeated
    #[arg(long, value_name = "FILE")]
    known: Vec<PathBuf>,
    /// Private addresses as well: on networks without a proxy in front
    #[arg(long)]
    private: bool,
    /// Nothing on standard error about what was left out
    #[arg(long, short)]
    quiet: bool,
}

/// The forms by name.
fn form() -> impl TypedValueParser<Value = Form> {
    PossibleValuesParser::new(Form::ALL.map(Form::name)).try_map(|name| {
        Form::ALL
            .into_iter()
            .find(|form| form.name() == name)
            .ok_or("no such form")
    })
}

/// Runs the command.
pub fn run(arguments: &ExportArguments) -> Result<Outcome> {
    let report = report::read(&arguments.file)?;
    let plan = Plan::new(&name(&arguments.file), &report, &arguments.options()?)?;
    let file = export::file(&plan, arguments.to)?;
    output::write_to(arguments.output.as_deref(), |out| {
        out.write_all(file.as_bytes())
    })?;
    if !arguments.quiet {
        messages::notes(plan.notes());
        if plan.networks().is_empty() && arguments.to != Form::NginxLimit {
            messages::notes(&["nothing to block: the file blocks nobody".to_string()]);
        }
    }
    Ok(Outcome::Finished)
}

/// What the comment calls the report.
fn name(file: &Path) -> String {
    match file.as_os_str() == "-" {
        true => "standard input".to_string(),
        false => file.display().to_string(),
    }
}

impl ExportArguments {
    /// The files of known clients are read here.
    fn options(&self) -> Result<Options> {
        let mut known: Vec<_> = self
            .exclude
            .iter()
            .flat_map(|some| some.0.clone())
            .collect();
        for file in &self.known {
            let parties = known::read(file)?.into_iter();
            known.extend(parties.flat_map(|party| party.networks));
        }
        Ok(Options {
            incidents: self.incidents.clone(),
            exact: self.exact,
            private: self.private,
            known,
        })
    }
}
