//! Runs a program and watches what it takes: time, processor time, and memory that no file stands behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Answer;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// Ticks a second of the times in `/proc/PID/stat`: the same on every Linux (proc_pid_stat(5), `sysconf(_SC_CLK_TCK)`).
const TICKS: f64 = 100.0;

/// Bytes of a kibibyte and of a mebibyte.
const KIB: u64 = 1 << 10;
const MIB: f64 = (1u64 << 20) as f64;

/// What runs of a program took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds of all processors in the program itself; 0 where the system does not tell.
    pub user: f64,
    /// The most anonymous memory that was seen, in bytes; 0 where the system does not tell.
    pub memory: u64,
    /// The exit status; that of `aftertrace` is 2 for what is no log.
    pub status: i32,
    /// It took longer than it may, and was ended.
    pub ended: bool,
}

impl Cost {
    pub fn mebibytes(&self) -> f64 {
        self.memory as f64 / MIB
    }
}

/// The fastest of some runs of a scan, and the most memory.
pub fn scan(
    program: &Path,
    options: &[&Path],
    log: &Path,
    runs: usize,
    limit: Duration,
) -> Answer<Cost> {
    fastest(runs, || {
        let mut command = Command::new(program);
        command.args(["scan", "--quiet", "--format", "json"]);
        command.args(options).arg(log);
        watch(&mut command, limit)
    })
}

/// The fastest of some runs of `wc -l`.
pub fn count_lines(log: &Path, runs: usize) -> Answer<Cost> {
    fastest(runs, || {
        watch(Command::new("wc").arg("-l").arg(log), Duration::MAX)
    })
}

fn fastest(runs: usize, mut run: impl FnMut() -> Answer<Cost>) -> Answer<Cost> {
    let mut best = run()?;
    for _ in 1..runs {
        if best.ended {
            break;
        }
        let cost = run()?;
        best.wall = best.wall.min(cost.wall);
        best.user = best.user.min(cost.user);
        best.memory = best.memory.max(cost.memory);
    }
    Ok(best)
}

/// Runs a command to its end.
fn watch(command: &mut Command, limit: Duration) -> Answer<Cost> {
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let (mut memory, mut user, mut ended) = (0, 0.0, false);
    // A process that ended stays as a zombie, with its times, until it is waited for.
    while let Some((zombie, ticks)) = state(child.id()) {
        if zombie {
            user = ticks / TICKS;
            break;
        }
        memory = memory.max(anonymous(child.id()).unwrap_or(0));
        if started.elapsed() > limit {
            child.kill()?;
            ended = true;
        }
        thread::sleep(LOOK);
    }
    let wall = started.elapsed();
    let status = child.wait()?;
    let status = match status.code() {
        Some(code) => code,
        None if ended => 0,
        None => return Err(format!("{command:?} died: {status}").into()),
    };
    Ok(Cost {
        wall: wall.as_secs_f64(),
        user,
        memory,
        status,
        ended,
    })
}

/// Whether a process has ended, and its ticks in user mode (proc_pid_stat(5)).
fn state(process: u32) -> Option<(bool, f64)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is a name, which may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let zombie = fields.next()? == "Z";
    // The 14th field is `utime`; the third was the state.
    let ticks = fields.nth(10)?.parse().ok()?;
    Some((zombie, ticks))
}

/// The anonymous memory of a process that is resident (proc_pid_status(5)).
fn anonymous(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    let kibibytes: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * KIB)
}
