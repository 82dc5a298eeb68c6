//! The command line: what people may type, and which command that is.
//!
//! Belongs to `main`; the library knows nothing of it. Exit status: 0 the run finished, 1 only with
//! `--fail-on`, 2 bad usage or an input that could not be read.

mod explain;
mod export;
mod formats;
mod hint;
mod hits;
mod messages;
mod output;
mod patterns;
mod print;
mod report;
mod scan;
mod shell;
mod sigma;
mod stages;
mod timing;
mod values;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use aftertrace::addresses::AddressMap;
use aftertrace::category::Category;
use aftertrace::error::Result;
use aftertrace::evidence::caps::Caps;
use aftertrace::known::{self, Known, Party};
use aftertrace::origins::Databases;
use aftertrace::pass::Who;
use aftertrace::proxies::HeaderName;
use aftertrace::readers::FormatOptions;
use aftertrace::report::escape;
use aftertrace::severity::{Confidence, Severity};
use aftertrace::time::Zone as LogZone;
use aftertrace::{Observer, ScanOptions, TimeBound};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use print::PrintArguments;

const EXAMPLES: &str = "\
Examples:
  aftertrace scan /var/log/nginx                    what happened, as a table
  aftertrace scan access.log error.log --since -3h  the last three hours of the logs
  aftertrace scan logs/ --format json -o out.json   the whole report, for scripts
  aftertrace report out.json --format markdown      the same as the draft of a postmortem
  aftertrace scan logs/ --format html -o page.html  one page with charts, to be mailed
  aftertrace export out.json --to nginx-deny        a file that keeps the attackers off
  aftertrace scan logs/ --fail-on high              exit status 1 for grave incidents
  zcat old/*.gz | aftertrace scan -                 standard input
  aftertrace hits access.log | jq .matched          every suspicious line, as JSON lines
  aftertrace explain '/item?id=1%27+or+1=1'         why a request is suspicious, step by step
  aftertrace formats --explain access.log           how a log is read, and why
  aftertrace patterns explain sql-union             what one pattern looks for

Exit status: 0 the run finished, whatever it found; 1 with --fail-on, an incident at or above
it; 2 bad usage, or an input that could not be read.";

const SCAN_EXAMPLES: &str = "\
Examples:
  aftertrace scan /var/log/nginx
  aftertrace scan access.log error.log --since '2021-09-05 13:00' --until '2021-09-05 16:00'
  aftertrace scan access.log --since -90m --bucket 10s --tz -04:00
  aftertrace scan logs/ --format json -o report.json
  aftertrace scan logs/ --format html -o report.html";

const REPORT_EXAMPLES: &str = "\
Examples:
  aftertrace report report.json
  aftertrace report report.json --format markdown --tz UTC -o postmortem.md
  ssh host aftertrace scan /var/log/nginx --format json | aftertrace report -";

const EXPORT_EXAMPLES: &str = "\
Examples:
  aftertrace export report.json --to nginx-deny -o /etc/nginx/conf.d/aftertrace-deny.conf
  aftertrace export report.json --to nftables --known offices.txt | nft -f -
  aftertrace export report.json --to nginx-limit      the limit that the report advises
  aftertrace export report.json --to cidr --exact     every attacking address, nobody else
  aftertrace scan logs/ --format json | aftertrace export - --to csv --incident 2";

const MAP_EXAMPLES: &str = "\
Examples:
  aftertrace map --stage survey web1/access.log -o web1.part
  aftertrace map --stage survey --range 0..268435456 huge.log -o huge-0.part
  aftertrace map --stage focus --plan next.plan web1/access.log -o web1.part
  aws s3 cp s3://logs/a.gz - | aftertrace map --stage survey --name s3://logs/a.gz - -o a.part";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  aftertrace explain '/item?id=1%27%20UNION%20SELECT%20password%20FROM%20users--'
  aftertrace explain 'GET /.git/config HTTP/1.1' --status 404 --user-agent 'Mozilla/5.0'
  grep 203.0.113.9 access.log | aftertrace explain - --format json";

const FORMATS_EXAMPLES: &str = "\
Examples:
  aftertrace formats                            every format with an example
  aftertrace formats --explain access.log       how its first lines are read, field by field
  aftertrace formats --explain logs/ --lines 1 --format json | jq .fields";

/// Server log forensics: from access and error logs to a reconstructed attack timeline
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = EXAMPLES, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reconstruct what happened: incidents, actors, timeline, impact
    #[command(after_help = SCAN_EXAMPLES)]
    Scan(ScanArguments),
    /// Print a saved report again, in any format, without the logs
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArguments),
    /// Write the attackers of a saved report as a file for nginx, Apache, nftables, ipset, fail2ban or a list
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(export::ExportArguments),
    /// Print one JSON object for each suspicious log line
    Hits(HitsArguments),
    /// Count a share of some logs, for a scan that several machines or processes do together
    #[command(after_help = MAP_EXAMPLES)]
    Map(stages::MapArguments),
    /// Unite what several runs of `map` counted
    Merge(stages::MergeArguments),
    /// Find out what `map` has to count next; status 1 when nothing is missing and `report` can be printed
    Plan(stages::PlanArguments),
    /// Show how a line is decoded and judged, step by step: a line of a log, a request, a URL
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArguments),
    /// List the log formats, or show how files are read and why
    #[command(after_help = FORMATS_EXAMPLES)]
    Formats(FormatsArguments),
    /// List, explain or check the attack patterns
    #[command(subcommand)]
    Patterns(PatternsCommand),
    /// Print the JSON Schema of what is written for scripts
    Schema {
        /// Of which output
        #[arg(value_enum, default_value_t = SchemaOf::Report)]
        of: SchemaOf,
    },
    /// Print a script that completes commands and options in a shell
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page, for `man -l -`
    Man,
}

/// What options are about, where a command has many.
mod heading {
    pub const TIME: &str = "Which time";
    pub const READING: &str = "How logs are read";
    pub const CLIENTS: &str = "Who is who";
    pub const JUDGING: &str = "What is looked for";
    pub const RESOURCES: &str = "Resources";
}

/// Formats that are not told by content.
#[derive(Debug, Args)]
struct FormatArguments {
    /// The format of access logs, as it stands in the configuration: an Apache LogFormat such as
    /// '%h %t "%r" %>s' or an nginx log_format such as '$remote_addr [$time_local] "$request"'
    #[arg(long, value_name = "STRING", allow_hyphen_values = true, help_heading = heading::READING)]
    access_format: Option<String>,
    /// Read the formats of logs from httpd.conf or nginx.conf, with what they include; each is
    /// used for the logs that it names; may be repeated
    #[arg(long = "server-config", value_name = "FILE", help_heading = heading::READING)]
    server_configs: Vec<PathBuf>,
}

impl FormatArguments {
    fn options(&self) -> FormatOptions {
        FormatOptions {
            access_format: self.access_format.clone(),
            server_configs: self.server_configs.clone(),
        }
    }
}

/// Who asked, where proxies stand in front.
#[derive(Debug, Args)]
struct ProxyArguments {
    /// Who asked, where proxies stand in front: the header that names the client, such as X-Forwarded-For,
    /// X-Real-IP, CF-Connecting-IP or Forwarded
    #[arg(long, value_name = "HEADER", value_parser = HeaderName::parse, help_heading = heading::CLIENTS)]
    client_from: Option<HeaderName>,
    /// Proxies whose word on the client is taken: the client is the right-most address that is none of them. A
    /// network, an address, or `private`; several with commas, or repeated
    #[arg(long = "trusted-proxy", value_name = "CIDR", value_delimiter = ',', requires = "client_from", value_parser = values::networks, help_heading = heading::CLIENTS)]
    trusted_proxies: Vec<values::Networks>,
}

impl ProxyArguments {
    /// Who the clients are, where nobody is known.
    fn who(&self) -> Who {
        let trusted = self.trusted_proxies.iter().flat_map(|networks| &networks.0);
        let trusted = trusted.map(|network| (*network, 0));
        Who {
            client_from: self.client_from.clone(),
            trusted: (!self.trusted_proxies.is_empty()).then(|| AddressMap::new(trusted)),
            ..Who::default()
        }
    }
}

/// How logs are read, and what of them.
#[derive(Debug, Args)]
struct ReadingArguments {
    /// Only what happened from TIME on: RFC 3339, `YYYY-MM-DD HH:MM` in the log's zone, or
    /// relative to the log's end, such as -3h, -90m, -2d
    #[arg(long, visible_alias = "from", value_name = "TIME", allow_hyphen_values = true, value_parser = values::time_bound, help_heading = heading::TIME)]
    since: Option<TimeBound>,
    /// Only what happened up to TIME and in that second, written as for --since; a date alone means
    /// its 00:00:00
    #[arg(long, visible_alias = "to", value_name = "TIME", allow_hyphen_values = true, value_parser = values::time_bound, help_heading = heading::TIME)]
    until: Option<TimeBound>,
    #[command(flatten)]
    formats: FormatArguments,
    #[command(flatten)]
    proxies: ProxyArguments,
    /// Count the requests of these networks, and accuse them of nothing; written as for --trusted-proxy
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = values::networks, help_heading = heading::CLIENTS)]
    exclude: Vec<values::Networks>,
    /// The same for the networks in FILE, one a line with a name behind it; may be repeated
    #[arg(long, value_name = "FILE", help_heading = heading::CLIENTS)]
    known: Vec<PathBuf>,
    /// Add the patterns of DIR/*.toml, or replace those of the same id; may be repeated
    #[arg(long = "patterns", value_name = "DIR", help_heading = heading::JUDGING)]
    pattern_dirs: Vec<PathBuf>,
    /// Use the Sigma rules for web servers below DIR as well; may be repeated
    #[arg(long = "sigma", value_name = "DIR", help_heading = heading::JUDGING)]
    sigma_dirs: Vec<PathBuf>,
    /// Judge each line alone, not by what else its client did and what is usual on this site
    #[arg(long, help_heading = heading::JUDGING)]
    no_context: bool,
    /// Worker threads [default: one for each core]
    #[arg(long, short = 'j', value_name = "N", value_parser = values::threads, help_heading = heading::RESOURCES)]
    threads: Option<NonZeroUsize>,
    /// Memory that the counts may take, such as 512M or 2G, beside the mapped files: above it a part of the figures are
    /// estimates, and the report says which and how good
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = values::memory_limit, help_heading = heading::RESOURCES)]
    memory_limit: Caps,
    /// Read files instead of mapping them into memory; for logs that may be truncated meanwhile
    #[arg(long, help_heading = heading::RESOURCES)]
    no_mmap: bool,
    /// No progress bar, no warnings on standard error
    #[arg(long, short)]
    quiet: bool,
    /// Size of the pieces that are read in parallel; the answer does not depend on it
    #[arg(long, value_name = "N", hide = true)]
    chunk_bytes: Option<NonZeroUsize>,
}

/// What a scan counts.
#[derive(Debug, Args)]
struct CountingArguments {
    /// Width of a step in the series: 10s, 1m, 5m, 1h
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = values::bucket)]
    bucket: u64,
    /// Zone of logs that write none, as most error logs and HAProxy do, such as +02:00 or
    /// Europe/Berlin; by default the one that aligns them best with the access logs
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, value_parser = values::log_zone, help_heading = heading::TIME)]
    error_tz: Option<LogZone>,
    #[command(flatten)]
    reading: ReadingArguments,
}

#[derive(Debug, Args)]
struct ScanArguments {
    /// Log files, plain or compressed, or directories of them; `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    print: PrintArguments,
    /// Say in which countries and autonomous systems clients are, by a database in the MaxMind DB format such as
    /// GeoLite2-ASN.mmdb, DB-IP's or IPinfo's; may be repeated: the first that knows is believed
    #[arg(long = "mmdb", value_name = "FILE", help_heading = heading::CLIENTS)]
    databases: Vec<PathBuf>,
    /// Exit with status 1 when there is an incident of this severity or above
    #[arg(long, value_name = "SEVERITY", value_parser = values::severity())]
    fail_on: Option<Severity>,
    #[command(flatten)]
    counting: CountingArguments,
}

#[derive(Debug, Args)]
struct ReportArguments {
    /// A report as `scan --format json` writes it, `-` for one on standard input; or what `merge` wrote of all parts
    #[arg(value_name = "REPORT")]
    file: PathBuf,
    #[command(flatten)]
    print: PrintArguments,
    /// Exit with status 1 when there is an incident of this severity or above
    #[arg(long, value_name = "SEVERITY", value_parser = values::severity())]
    fail_on: Option<Severity>,
    /// Look up the clients of what `merge` wrote in this database (see `scan`); a saved report says where they are if `scan` was
    /// asked
    #[arg(long = "mmdb", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    databases: Vec<PathBuf>,
}

/// What is written for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchemaOf {
    /// `scan --format json`
    Report,
    /// One line of `hits`
    Hits,
}

#[derive(Debug, Args)]
struct HitsArguments {
    /// Log files, plain or compressed, or directories of them; `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Leave out what is less sure
    #[arg(long, value_name = "CONFIDENCE", default_value = "medium", value_parser = values::confidence())]
    min_confidence: Confidence,
    #[command(flatten)]
    reading: ReadingArguments,
}

#[derive(Debug, Args)]
struct ExplainArguments {
    /// A line of a log, a request line, a target such as `/a?b=c`, or a URL; `-` for the lines of
    /// standard input
    #[arg(required = true, value_name = "LINE")]
    inputs: Vec<OsString>,
    /// The user agent, if the line has none or another one is meant
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    user_agent: Option<OsString>,
    /// The referer, likewise
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    referer: Option<OsString>,
    /// The status of the answer, likewise
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(100..1000))]
    status: Option<u16>,
    #[command(flatten)]
    formats: FormatArguments,
    /// How to print it; JSON is one object a line
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// When to colour it; NO_COLOR is respected
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Add the patterns of DIR/*.toml, or replace those of the same id; may be repeated
    #[arg(long = "patterns", value_name = "DIR")]
    pattern_dirs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct FormatsArguments {
    /// Show how these files or directories are read: the format that won, how the others fared, the
    /// first lines field by field
    #[arg(long, value_name = "PATH", num_args = 1..)]
    explain: Vec<PathBuf>,
    /// How many lines of each file to show
    #[arg(long, value_name = "N", default_value_t = 3, requires = "explain")]
    lines: usize,
    #[command(flatten)]
    given: FormatArguments,
    #[command(flatten)]
    proxies: ProxyArguments,
    /// How to print it; JSON is one object a line
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// When to colour it; NO_COLOR is respected
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum PatternsCommand {
    /// Print the catalogue
    List {
        /// How to print it
        #[arg(long, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
        /// Only the patterns of this category
        #[arg(long, value_name = "NAME", value_parser = values::category())]
        category: Option<Category>,
        /// Add the patterns of DIR/*.toml, or replace those of the same id; may be repeated
        #[arg(long = "patterns", value_name = "DIR", action = ArgAction::Append)]
        pattern_dirs: Vec<PathBuf>,
    },
    /// Print everything about one pattern
    Explain {
        /// Its id, as `patterns list` shows it
        id: String,
        /// How to print it
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// When to colour it; NO_COLOR is respected
        #[arg(long, value_enum, default_value_t = Color::Auto)]
        color: Color,
        /// Add the patterns of DIR/*.toml, or replace those of the same id; may be repeated
        #[arg(long = "patterns", value_name = "DIR", action = ArgAction::Append)]
        pattern_dirs: Vec<PathBuf>,
    },
    /// Prove that every pattern matches what it must, ignores what it must, and costs no more than
    /// it may
    Check(CheckArguments),
    /// Print which Sigma rules apply to access logs, and why the others do not
    Sigma {
        /// How to print it
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// Directories of Sigma rules
        #[arg(required = true, value_name = "DIR")]
        dirs: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct CheckArguments {
    /// A directory of packs; those within the program when not given
    dir: Option<PathBuf>,
    /// Print what each pattern costs: on its samples, on a worst case, and on LOGs when given
    #[arg(long, value_name = "LOG", num_args = 0..)]
    timing: Option<Vec<PathBuf>>,
    /// How to print the costs
    #[arg(long, value_enum, default_value_t = Format::Table, requires = "timing")]
    format: Format,
}

/// Shapes of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// One line for each pattern
    Table,
    /// For scripts
    Json,
    /// A document
    Markdown,
}

/// Shapes of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For scripts
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal that can
    Auto,
    /// Also into files and pipes
    Always,
    /// Not at all
    Never,
}

/// How a run ended, when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Everything that was named was read.
    Finished,
    /// `--fail-on` found what it asked for.
    Failed,
    /// Something that was named could not be read.
    Incomplete,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Finished => 0,
            Outcome::Failed => 1,
            Outcome::Incomplete => 2,
        })
    }
}

impl ReadingArguments {
    fn options(&self) -> Result<ScanOptions> {
        Ok(ScanOptions {
            since: self.since,
            until: self.until,
            threads: self.threads.map(NonZeroUsize::get),
            chunk_bytes: self.chunk_bytes.map(NonZeroUsize::get),
            mmap: !self.no_mmap,
            context: !self.no_context,
            formats: self.formats.options(),
            who: self.who()?,
            caps: self.memory_limit,
            ..ScanOptions::default()
        })
    }

    /// Who the clients are. The files of known clients are read here.
    fn who(&self) -> Result<Who> {
        let mut parties = Vec::new();
        for file in &self.known {
            parties.extend(known::read(file)?);
        }
        parties.extend(self.exclude.iter().map(|networks| Party {
            name: None,
            networks: networks.0.clone(),
        }));
        Ok(Who {
            known: Arc::new(Known::new(parties)),
            ..self.proxies.who()
        })
    }
}

impl CountingArguments {
    fn options(&self) -> Result<ScanOptions> {
        Ok(ScanOptions {
            bucket_s: self.bucket,
            error_tz: self.error_tz,
            ..self.reading.options()?
        })
    }
}

impl ScanArguments {
    fn options(&self) -> Result<ScanOptions> {
        Ok(ScanOptions {
            tz: self.print.tz.offset(),
            databases: Databases::open(&self.databases)?,
            ..self.counting.options()?
        })
    }
}

/// Reads the command line; on bad usage explains it and ends with status 2.
pub fn parse() -> Arguments {
    Arguments::parse()
}

/// Whether a progress bar would help: not when asked for quiet, and not while the same terminal
/// shows a stream of hits.
pub fn wants_progress(arguments: &Arguments) -> bool {
    match &arguments.command {
        Command::Scan(scan) => !scan.counting.reading.quiet,
        Command::Map(map) => !map.counting.reading.quiet,
        Command::Hits(hits) => !hits.reading.quiet && !io::stdout().is_terminal(),
        Command::Report(_)
        | Command::Merge(_)
        | Command::Plan(_)
        | Command::Export(_)
        | Command::Explain(_)
        | Command::Formats(_)
        | Command::Patterns(_)
        | Command::Schema { .. }
        | Command::Completions { .. }
        | Command::Man => false,
    }
}

/// Runs the command and says what stopped it, if anything did.
pub fn run(arguments: &Arguments, observer: &dyn Observer) -> ExitCode {
    let result = dispatch(&arguments.command, observer);
    observer.finish();
    match result {
        Ok(outcome) => outcome.into(),
        Err(error) if output::is_closed_pipe(&error) => Outcome::Finished.into(),
        Err(error) => {
            messages::error(&error, inputs(&arguments.command));
            Outcome::Incomplete.into()
        }
    }
}

fn dispatch(command: &Command, observer: &dyn Observer) -> Result<Outcome> {
    match command {
        Command::Scan(arguments) => scan::run(arguments, observer),
        Command::Report(arguments) => report::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Hits(arguments) => hits::run(arguments, observer),
        Command::Map(arguments) => stages::map(arguments, observer),
        Command::Merge(arguments) => stages::merge(arguments),
        Command::Plan(arguments) => stages::plan(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Formats(arguments) => formats::run(arguments),
        Command::Patterns(command) => patterns::run(command),
        Command::Schema { of } => report::schema(*of),
        Command::Completions { shell } => shell::completions(*shell),
        Command::Man => shell::man(),
    }
}

fn inputs(command: &Command) -> &[PathBuf] {
    match command {
        Command::Scan(scan) => &scan.paths,
        Command::Map(map) => &map.paths,
        Command::Hits(hits) => &hits.paths,
        Command::Formats(formats) => &formats.explain,
        Command::Report(_)
        | Command::Merge(_)
        | Command::Plan(_)
        | Command::Export(_)
        | Command::Explain(_)
        | Command::Patterns(_)
        | Command::Schema { .. }
        | Command::Completions { .. }
        | Command::Man => &[],
    }
}

/// Writes rows in columns as wide as their widest cell, escaped.
fn columns(rows: &[Vec<String>], out: &mut dyn Write) -> io::Result<()> {
    /// Blanks between columns.
    const GAP: usize = 2;
    let safe = |row: &Vec<String>| -> Vec<String> {
        let cells = row.iter().map(|cell| escape::terminal(cell).into_owned());
        cells.collect()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(safe).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| escape::width(cell)).max().unwrap_or(0) + GAP
    };
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| {
            let missing = width.saturating_sub(escape::width(cell));
            format!("{cell}{}", " ".repeat(missing))
        });
        writeln!(out, "{}", cells.collect::<String>().trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aftertrace::time::UtcOffset;
    use clap::CommandFactory;

    fn scan(arguments: &[&str]) -> ScanArguments {
        let line = ["aftertrace", "scan"].iter().chain(arguments);
        match Arguments::try_parse_from(line).unwrap().command {
            Command::Scan(scan) => scan,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn values_may_begin_with_a_hyphen() {
        let parsed = scan(&[
            "a.log",
            "--from",
            "-3h",
            "--to",
            "-90m",
            "--tz",
            "-04:00",
            "--error-tz",
            "-0330",
            "-j",
            "3",
        ]);
        assert_eq!(
            parsed.counting.reading.since,
            Some(TimeBound::BeforeEnd(10_800))
        );
        assert_eq!(
            parsed.counting.reading.until,
            Some(TimeBound::BeforeEnd(5_400))
        );
        assert_eq!(parsed.print.tz, values::Zone::At(UtcOffset(-14_400)));
        assert_eq!(
            parsed.counting.error_tz,
            Some(LogZone::Fixed(UtcOffset(-12_600)))
        );
        assert_eq!(parsed.options().unwrap().threads, Some(3));
    }

    #[test]
    fn defaults_are_a_table_by_minutes_in_the_logs_zone() {
        let parsed = scan(&["-", "b.log"]);
        assert_eq!(parsed.print.format, print::ReportFormat::Table);
        assert_eq!(parsed.counting.bucket, 60);
        assert_eq!(parsed.print.tz, values::Zone::Log);
        assert_eq!(parsed.fail_on, None);
        assert_eq!(parsed.paths.len(), 2);
        assert!(parsed.options().unwrap().mmap);
    }

    #[test]
    fn nonsense_is_bad_usage() {
        for arguments in [
            &["scan"][..],
            &["scan", "a", "--bucket", "0"],
            &["scan", "a", "--since", "yesterday"],
            &["scan", "a", "--tz", "Mars"],
            &["scan", "a", "--threads", "0"],
            &["scan", "a", "--fail-on", "huge"],
            &["hits", "a", "--min-confidence", "certain"],
            &["patterns"],
            &["patterns", "explain"],
            &["patterns", "list", "--category", "magic"],
            &["patterns", "check", "--format", "json"],
            &["explain"],
            &["explain", "/", "--status", "99"],
        ] {
            let line = ["aftertrace"].iter().chain(arguments);
            assert_eq!(
                Arguments::try_parse_from(line).unwrap_err().exit_code(),
                2,
                "{arguments:?}"
            );
        }
    }
}
