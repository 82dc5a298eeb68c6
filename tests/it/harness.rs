//! What the tests share: where things are, how the program is run, how a report is read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

use crate::traffic::scenarios::ALL;

/// The top of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The built program.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_aftertrace"))
}

/// The program, free of the surroundings' wishes about colour and width.
pub fn aftertrace() -> Command {
    let mut command = Command::new(program());
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "TERM"] {
        command.env_remove(variable);
    }
    command
}

/// Runs the program in a folder, whatever comes of it.
pub fn run_in<A: AsRef<str>>(folder: &Path, arguments: &[A]) -> Output {
    let mut command = aftertrace();
    command.current_dir(folder);
    for argument in arguments {
        command.arg(argument.as_ref());
    }
    command.output().expect("the program starts")
}

/// Runs `scan --format json` in a folder and reads the report.
pub fn report_in<A: AsRef<str>>(folder: &Path, arguments: &[A]) -> Value {
    let mut all = vec!["scan", "--format", "json", "--quiet"];
    all.extend(arguments.iter().map(AsRef::as_ref));
    let output = run_in(folder, &all);
    parse(&output)
}

/// The report on standard output.
pub fn parse(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "standard output is no JSON: {error}; standard error: {}",
            text(&output.stderr)
        )
    })
}

/// Bytes as text for messages and searches.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A scenario as it lies in the tree.
pub struct Scenario {
    pub name: String,
    /// Where its story and its expected reports lie.
    pub home: PathBuf,
    /// Where its logs lie, and where the program is run.
    pub folder: PathBuf,
    /// The log files, in order of name.
    pub inputs: Vec<String>,
    /// More arguments, from the file `args`.
    pub arguments: Vec<String>,
}

impl Scenario {
    /// Inputs, then the other arguments.
    pub fn command_line(&self) -> Vec<String> {
        self.inputs.iter().chain(&self.arguments).cloned().collect()
    }

    /// The report as JSON.
    pub fn report(&self) -> Value {
        report_in(&self.folder, &self.command_line())
    }
}

/// Every scenario that the tree holds.
pub fn scenarios() -> Vec<Scenario> {
    let folder = repository().join("testdata/scenarios");
    let names = names_in(&folder);
    assert!(names.len() >= ALL.len(), "scenarios are missing: {names:?}");
    names.into_iter().map(|name| scenario(&name)).collect()
}

/// One scenario.
pub fn scenario(name: &str) -> Scenario {
    let home = repository().join("testdata/scenarios").join(name);
    let folder = home.join("logs");
    let inputs = names_in(&folder);
    let arguments = fs::read_to_string(home.join("args")).unwrap_or_default();
    Scenario {
        name: name.to_owned(),
        home,
        folder,
        inputs,
        arguments: arguments.lines().map(str::to_owned).collect(),
    }
}

/// The names in a folder, sorted.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A file's bytes, unpacked if it is a gzip file.
pub fn read_log(path: &Path) -> Vec<u8> {
    use std::io::Read;
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    unpacked
}

/// The lines of a log as `sed -n Np` counts them, without their ends.
pub fn lines(log: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = log.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines
}

/// The client, the user agent and the target of a line in the combined format, for counting what
/// the report must say. Lines that are otherwise give none.
pub fn fields(line: &str) -> Option<(&str, &str, &str)> {
    let client = line.split(' ').next()?;
    let mut quoted = line.split('"');
    let request = quoted.nth(1)?;
    let agent = quoted.nth(3)?;
    Some((client, agent, request.split(' ').nth(1)?))
}

/// Every element that a pointer with `*` for "each" leads to: `/incidents/*/actors`.
pub fn each<'a>(value: &'a Value, pointer: &str) -> Vec<&'a Value> {
    let mut found = vec![value];
    for key in pointer.split('/').filter(|key| !key.is_empty()) {
        found = found
            .into_iter()
            .flat_map(|value| match (value, key) {
                (Value::Array(items), "*") => items.iter().collect(),
                _ => value
                    .pointer(&format!("/{key}"))
                    .into_iter()
                    .collect::<Vec<_>>(),
            })
            .collect();
    }
    found
}

/// A number of the report.
pub fn number(value: &Value, pointer: &str) -> u64 {
    value
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("no number at {pointer}"))
}
