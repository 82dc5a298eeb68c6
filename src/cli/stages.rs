//! `aftertrace map`, `merge` and `plan`: the stages of a scan that several machines or processes do together.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use aftertrace::error::{Error, Result, Warning};
use aftertrace::part;
use aftertrace::pattern::set::PatternSet;
use aftertrace::report::json;
use aftertrace::source::discover::{UNREADABLE, repeated, search};
use aftertrace::source::open::{OpenOptions, open_all};
use aftertrace::stages::{self, Head, Here, Next, Partial};
use aftertrace::time::Time;
use aftertrace::{Observer, ScanOptions, Silent};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, Parser, ValueEnum, ValueHint};

use super::{Arguments, Command, CountingArguments, Outcome, messages, output, sigma, values};

/// Which stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// Every line once, by what each log seems to be
    Survey,
    /// What a plan asks for
    Focus,
}

/// What to count, and of which bytes.
#[derive(Debug, Args)]
pub struct MapArguments {
    /// Log files, plain or compressed, or directories of them; `-` for standard input, which needs a --name
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// What to do with them
    #[arg(long, value_enum)]
    stage: Stage,
    /// What `aftertrace plan` wrote; it holds the options of the survey
    #[arg(long, value_name = "PLAN", value_hint = ValueHint::FilePath, required_if_eq("stage", "focus"))]
    plan: Option<PathBuf>,
    /// Write to PART instead of standard output, all of it or nothing
    #[arg(long, short, value_name = "PART", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Only the lines that begin from byte A on and before byte B, of one file that is not compressed. Standard input then begins
    /// with the byte before A (or with byte 0), and may end behind the line that byte B - 1 is in
    #[arg(long, value_name = "A..B", value_parser = values::byte_range)]
    range: Option<Range<usize>>,
    /// What reports call standard input
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Bytes of the whole input: what was appended later is not read. Standard input of which there is a --range needs it
    #[arg(long, value_name = "N")]
    size: Option<usize>,
    /// When standard input was last written, which tells the year of logs that write none, as RFC 3339
    #[arg(long, value_name = "TIME", value_parser = values::point_in_time)]
    modified: Option<Time>,
    /// Read nothing: note that the input --name, or a --range of it, could not be read, and why
    #[arg(
        long,
        value_name = "REASON",
        requires = "name",
        conflicts_with = "paths"
    )]
    lost: Option<String>,
    /// Read nothing: note that the input --name was named more than once
    #[arg(long, requires = "name", conflicts_with_all = ["paths", "lost", "range"])]
    repeated: bool,
    #[command(flatten)]
    pub counting: CountingArguments,
}

/// Which parts to unite.
#[derive(Debug, Args)]
pub struct MergeArguments {
    /// What `map` and `merge` wrote
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,
    /// Write to WHOLE instead of standard output, all of it or nothing
    #[arg(long, short, value_name = "WHOLE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
}

/// Of what to make a plan.
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// What `merge` wrote of all parts
    #[arg(value_name = "WHOLE")]
    whole: PathBuf,
    /// Write the plan to PLAN. What has to be read for it is printed, one JSON object a line
    #[arg(long, short, value_name = "PLAN", value_hint = ValueHint::FilePath)]
    output: PathBuf,
    /// The longest range that is printed, where it can be divided: 64M, 1G
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = values::size)]
    split: u64,
    /// Worker threads [default: one for each core]
    #[arg(long, short = 'j', value_name = "N", value_parser = values::threads)]
    threads: Option<std::num::NonZeroUsize>,
}

/// Runs `map`.
pub fn map(arguments: &MapArguments, observer: &dyn Observer) -> Result<Outcome> {
    output::check(arguments.output.as_deref())?;
    let (part, known) = match arguments.stage {
        Stage::Survey => (survey(arguments, observer)?, BTreeSet::new()),
        Stage::Focus => focus(arguments, observer)?,
    };
    write(&part, arguments.output.as_deref())?;
    if arguments.reads_nothing() {
        return Ok(Outcome::Finished);
    }
    let here = part.warnings().filter(|warning| !known.contains(*warning));
    let here: Vec<Warning> = here.cloned().collect();
    messages::warnings(&here, arguments.counting.reading.quiet, false);
    match here.iter().any(|warning| warning.code == UNREADABLE) {
        true => Ok(Outcome::Incomplete),
        false => Ok(Outcome::Finished),
    }
}

fn survey(arguments: &MapArguments, observer: &dyn Observer) -> Result<Partial> {
    if arguments.plan.is_some() {
        return Err(Error::Usage(
            "--plan is for `--stage focus`: a survey comes before all plans".to_string(),
        ));
    }
    let labels = labels(&matches())?;
    if arguments.reads_nothing() {
        return arguments.note(Partial::new(labels));
    }
    let options = arguments.counting.options()?;
    let patterns = sigma::patterns(&arguments.counting.reading)?;
    let opened = arguments.open(&options)?;
    let mut part = stages::survey(&opened.here, (&options, &patterns), labels, observer)?;
    part.notice(opened.missing, false);
    part.notice(opened.troubles, true);
    Ok(part)
}

/// Answers a plan; returns also what that warns of, which is none of what this process met.
fn focus(
    arguments: &MapArguments,
    observer: &dyn Observer,
) -> Result<(Partial, BTreeSet<Warning>)> {
    let given = labels(&matches())?;
    if let Some(option) = given.first() {
        return Err(Error::Usage(format!(
            "`{option}` belongs to the survey: the plan holds its options"
        )));
    }
    let path = arguments.plan.as_deref().unwrap_or(Path::new("-"));
    let plan = read(path)?;
    let known = plan.warnings().cloned().collect();
    if arguments.reads_nothing() {
        return Ok((arguments.note(plan.bare())?, known));
    }
    let (mut options, patterns) = asked(plan.head())?;
    options.threads = arguments.counting.reading.options()?.threads;
    let opened = arguments.open(&options)?;
    let mut part = stages::focus(plan, opened.here, (&options, &patterns), observer)?;
    for (warnings, found) in [(opened.missing, false), (opened.troubles, true)] {
        for warning in warnings {
            vanished(&mut part, warning, found, arguments.range.clone())?;
        }
    }
    Ok((part, known))
}

/// Notes that an input cannot be read any more; one that was not surveyed never could.
fn vanished(
    part: &mut Partial,
    warning: Warning,
    found: bool,
    range: Option<Range<usize>>,
) -> Result<()> {
    match &warning.input {
        _ if warning.code != UNREADABLE => Ok(()),
        Some(input) if part.has(input) => {
            let reason = warning.message.strip_prefix(&format!("{input}: "));
            let reason = reason.and_then(|reason| reason.strip_prefix("cannot read: "));
            part.lose(input, range, None, reason.unwrap_or(&warning.message))
        }
        _ => {
            part.notice([warning], found);
            Ok(())
        }
    }
}

/// What is to be read, and what could not be opened.
struct Opened {
    here: Vec<Here>,
    /// What is not there, or named twice.
    missing: Vec<Warning>,
    /// What was found, but cannot be read.
    troubles: Vec<Warning>,
}

impl MapArguments {
    fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| "-".to_string())
    }

    fn reads_nothing(&self) -> bool {
        self.lost.is_some() || self.repeated
    }

    /// Notes in a part what the caller knows of an input.
    fn note(&self, mut part: Partial) -> Result<Partial> {
        if self.repeated {
            part.notice([repeated(self.name())], false);
        }
        if let Some(reason) = &self.lost {
            part.lose(&self.name(), self.range.clone(), self.size, reason)?;
        }
        Ok(part)
    }

    /// Opens what is to be read, and says what could not be.
    fn open(&self, options: &ScanOptions) -> Result<Opened> {
        match (&self.paths[..], &self.name) {
            ([], _) => Err(Error::Usage(
                "name a log file, or - for standard input".to_string(),
            )),
            ([path], Some(name)) if path.as_os_str() == "-" => {
                let share = match (self.range.clone(), self.size) {
                    (None, None) => None,
                    (range, Some(size)) => Some((range.unwrap_or(0..size), size)),
                    (Some(_), None) => {
                        return Err(Error::Usage(
                            "--range of standard input needs --size, the bytes of the whole input"
                                .to_string(),
                        ));
                    }
                };
                Ok(Opened {
                    here: Here::stream(io::stdin(), name, share, self.modified)?,
                    missing: Vec::new(),
                    troubles: Vec::new(),
                })
            }
            (paths, _) if paths.iter().any(|path| path.as_os_str() == "-") => Err(Error::Usage(
                "standard input needs a --name of its own, and is read alone".to_string(),
            )),
            (_, Some(_)) => Err(Error::Usage(
                "--name is for standard input: files are called by their paths".to_string(),
            )),
            (paths, None) => self.open_files(paths, options),
        }
    }

    fn open_files(&self, paths: &[PathBuf], options: &ScanOptions) -> Result<Opened> {
        let (found, missing) = search(paths);
        if found.is_empty() && missing.is_empty() {
            return Err(Error::NoInput("there are no files in it".to_string()));
        }
        let opening = OpenOptions {
            mmap: options.mmap,
            ..OpenOptions::default()
        };
        let (sources, troubles) = open_all(&found, &opening);
        let here = match (&self.range, self.size) {
            _ if sources.is_empty() => Vec::new(),
            (None, None) => sources.into_iter().map(Here::whole).collect(),
            (range, size) => {
                let range = range.clone().unwrap_or(0..usize::MAX);
                vec![Here::range_of(sources, range, size)?]
            }
        };
        Ok(Opened {
            here,
            missing,
            troubles,
        })
    }
}

/// Runs `merge`.
pub fn merge(arguments: &MergeArguments) -> Result<Outcome> {
    output::check(arguments.output.as_deref())?;
    let mut all: Option<Partial> = None;
    let (mut answers, mut void) = (0, 0);
    for path in &arguments.parts {
        let part = read(path)?;
        answers += usize::from(part.is_answer());
        void += usize::from(part.is_void());
        all = Some(match all {
            None => part,
            Some(all) => stages::unite(all, part)
                .map_err(|error| Error::Usage(format!("{}: {error}", path.display())))?,
        });
    }
    // Answers alone are on the way to where the rest is.
    if answers > 0 && answers == void && answers < arguments.parts.len() {
        return Err(Error::Usage(
            "none of these parts answers anything of what the plan asks for: read what `aftertrace plan` lists, or note it as --lost"
                .to_string(),
        ));
    }
    if let Some(all) = all {
        write(&all, arguments.output.as_deref())?;
    }
    Ok(Outcome::Finished)
}

/// Runs `plan`.
pub fn plan(arguments: &PlanArguments) -> Result<Outcome> {
    output::check(Some(&arguments.output))?;
    if arguments.output.as_os_str() == "-" {
        return Err(Error::Usage(
            "what has to be read is printed on standard output: name a file for the plan"
                .to_string(),
        ));
    }
    let (mut options, patterns) = asked(&head(&arguments.whole)?)?;
    options.threads = arguments.threads.map(std::num::NonZeroUsize::get);
    let load = || read(&arguments.whole);
    let plan = match stages::plan(load, (&options, &patterns), &Silent)? {
        Next::Report(_) => return Ok(Outcome::Failed),
        Next::Read(plan) => plan,
    };
    let whole = open(&arguments.whole)?;
    let name = arguments.output.display().to_string();
    output::write_to(Some(&arguments.output), |out| {
        plan.write_plan(whole, out, &name).map_err(as_io)
    })?;
    output::write_to(None, |out| {
        let pieces = plan.pieces(arguments.split);
        pieces
            .iter()
            .try_for_each(|piece| json::write_line(piece, out))
    })?;
    Ok(Outcome::Finished)
}

/// The report of everything that was counted; `options` changes what is only of the report.
pub fn report(
    path: &Path,
    options: impl FnOnce(ScanOptions) -> Result<ScanOptions>,
) -> Result<aftertrace::report::view::Report> {
    let (asked, patterns) = asked(&head(path)?)?;
    let options = options(asked)?;
    match stages::plan(|| read(path), (&options, &patterns), &Silent)? {
        Next::Report(report) => Ok(*report),
        Next::Read(_) => Err(Error::Usage(format!(
            "{} is not complete: `aftertrace plan {} -o PLAN` says what has to be read next",
            path.display(),
            path.display()
        ))),
    }
}

/// Whether a file is evidence, and no saved report.
pub fn is_evidence(path: &Path) -> bool {
    let head = File::open(path).and_then(|file| {
        let mut head = Vec::new();
        file.take(part::HEAD as u64).read_to_end(&mut head)?;
        Ok(head)
    });
    path.as_os_str() != "-" && head.is_ok_and(|head| part::begins(&head))
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| Error::io(path, "cannot read", error))
}

/// Without what was counted: of a file, which is read once more for that.
fn head(path: &Path) -> Result<Head> {
    match path.as_os_str() == "-" {
        true => Err(Error::Usage(
            "evidence is read more than once here: name a file".to_string(),
        )),
        false => Head::read(open(path)?, &path.display().to_string()),
    }
}

fn read(path: &Path) -> Result<Partial> {
    match path.as_os_str() == "-" {
        true => Partial::read(io::stdin().lock(), "standard input"),
        false => Partial::read(open(path)?, &path.display().to_string()),
    }
}

fn write(part: &Partial, target: Option<&Path>) -> Result<()> {
    let to_screen =
        target.is_none_or(|target| target.as_os_str() == "-") && io::stdout().is_terminal();
    if to_screen {
        return Err(Error::Usage(
            "parts are not for a terminal: name a file with --output".to_string(),
        ));
    }
    let name = target.map_or_else(
        || output::STDOUT.to_string(),
        |path| path.display().to_string(),
    );
    output::write_to(target, |out| part.write(out, &name).map_err(as_io))
}

/// As what writes reports hands it on.
fn as_io(error: Error) -> io::Error {
    match error {
        Error::Io { source, .. } => source,
        other => io::Error::other(other.to_string()),
    }
}

/// The options and patterns of the survey, from what a part says of its command line.
fn asked(head: &Head) -> Result<(ScanOptions, PatternSet)> {
    let line = ["aftertrace", "map", "--stage", "survey"].map(str::to_string);
    let line = line.into_iter().chain(head.options.iter().cloned());
    let parsed = Arguments::try_parse_from(line).map_err(|error| {
        Error::Usage(format!("the options of the survey make no sense: {error}"))
    })?;
    match parsed.command {
        Command::Map(map) => Ok((
            map.counting.options()?,
            sigma::patterns(&map.counting.reading)?,
        )),
        _ => Err(Error::Usage(
            "the options of the survey make no sense".to_string(),
        )),
    }
}

/// What was typed.
fn matches() -> ArgMatches {
    let matches = Arguments::command().get_matches();
    let map = matches.subcommand_matches("map");
    map.cloned().unwrap_or_default()
}

/// Options that change nothing of what is counted.
const OWN: [&str; 4] = ["threads", "no_mmap", "quiet", "chunk_bytes"];

/// The options that were given of those that say what is counted, as they stand on a command line.
fn labels(map: &ArgMatches) -> Result<Vec<String>> {
    let counting = CountingArguments::augment_args(clap::Command::new("map"));
    let mut labels = Vec::new();
    for option in counting.get_arguments() {
        let (id, Some(long)) = (option.get_id().as_str(), option.get_long()) else {
            continue;
        };
        if OWN.contains(&id) || map.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        if !option.get_action().takes_values() {
            labels.push(format!("--{long}"));
            continue;
        }
        for value in map.get_raw(id).into_iter().flatten() {
            let value = value
                .to_str()
                .ok_or_else(|| Error::Usage(format!("--{long}: {} is no text", value.display())))?;
            labels.push(format!("--{long}={value}"));
        }
    }
    Ok(labels)
}
