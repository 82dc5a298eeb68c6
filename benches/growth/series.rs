//! One thing grows at a time: the size, the hits, the clients, the patterns, the windows.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::child::{self, Cost};
use crate::traffic::large::{self, Mix, Size};
use crate::{Answer, Bench};

const SEED: u64 = 20_240_311;

/// About how long a line is, in bytes.
const LINE: u64 = 240;

/// Bytes of a megabyte.
const MB: f64 = 1e6;

/// The sizes of logs, in bytes.
const SIZES: [u64; 5] = [
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    20_000_000_000,
];

/// Lines of the logs in which something else than the size grows.
const LINES: u64 = 420_000;

/// Lines of those with many clients, when the largest log may have as many.
const CLIENT_LINES: u64 = 10_000_000;

/// Lines of those with many windows, of a week at a request a second.
const WINDOW_LINES: u64 = 1_000_000;

/// Lines for each client, as the log of 5 million lines has them.
const LINES_PER_CLIENT: u64 = 3;

/// Larger logs are scanned once only.
const ONCE_FROM: u64 = 2_000_000_000;

/// Added time below this share of the whole says nothing about growth: it is within what runs differ by.
const NOISE: f64 = 0.1;

/// A row: how much there is of what grows, and what the scan took.
struct Point {
    label: String,
    amount: f64,
    bytes: u64,
    lines: Cost,
    scan: Cost,
}

/// Where the growth of time begins.
enum Base {
    /// What starting costs, whatever is read, in seconds of processor time.
    StartUp(f64),
    /// What the first row takes; only what is added grows.
    FirstRow,
}

/// Time and memory against the size of the log.
pub fn size(bench: &Bench) -> Answer<()> {
    let start = bench.start()?;
    let start_up = bench.scan(&[], &start)?;
    let mut points = Vec::new();
    for bytes in SIZES.into_iter().filter(|bytes| *bytes <= bench.max_size) {
        let lines = bytes / LINE;
        let log = bench.generate(lines, lines / LINES_PER_CLIENT, Mix::default())?;
        points.push(bench.point(format!("{} MB", bytes / 1_000_000), bytes as f64, &[], &log)?);
    }
    println!(
        "\n### Size\n\nThree lines take {:.0} ms and {:.0} ms of processor time, which the exponent leaves out.",
        start_up.wall * 1e3,
        start_up.user * 1e3
    );
    print(&points, &Base::StartUp(start_up.user));
    Ok(())
}

/// Against the share of lines that are attacks, no two of them alike.
pub fn hits(bench: &Bench) -> Answer<()> {
    let mut points = Vec::new();
    for attacks in [0, 1, 10, 100, 500, 1_000] {
        let mix = Mix {
            attacks,
            numbered: true,
            ..Mix::default()
        };
        let log = bench.generate(LINES, LINES / LINES_PER_CLIENT, mix)?;
        points.push(bench.point(
            format!("{}%", attacks as f64 / 10.0),
            attacks as f64,
            &[],
            &log,
        )?);
    }
    println!("\n### Hits\n\nOf {LINES} lines.");
    print(&points, &Base::FirstRow);
    Ok(())
}

/// Against the number of distinct clients.
pub fn clients(bench: &Bench) -> Answer<()> {
    let lines = CLIENT_LINES.min(bench.max_size / LINE);
    let mut points = Vec::new();
    for clients in [1_000, 10_000, 100_000, 1_000_000, 10_000_000] {
        if clients <= lines {
            let log = bench.generate(lines, clients, Mix::default())?;
            points.push(bench.point(format!("{clients}"), clients as f64, &[], &log)?);
        }
    }
    println!("\n### Clients\n\nIn {lines} lines.");
    print(&points, &Base::FirstRow);
    Ok(())
}

/// Against the number of patterns, on three lines and on a log.
pub fn patterns(bench: &Bench) -> Answer<()> {
    for lines in [3, LINES] {
        let mut points = Vec::new();
        for times in [1, 2, 5, 10] {
            let packs = bench.folder.join("packs");
            fs::create_dir_all(&packs)?;
            let count = copy_packs(&packs, times)?;
            let log = bench.generate(lines, lines / LINES_PER_CLIENT, Mix::default())?;
            let copies = [Path::new("--patterns"), &packs];
            let options = if times > 1 { &copies[..] } else { &[] };
            let label = format!("{count} (×{times})");
            points.push(bench.point(label, count as f64, options, &log)?);
            fs::remove_dir_all(&packs)?;
        }
        println!("\n### Patterns, {lines} lines");
        print(&points, &Base::FirstRow);
    }
    Ok(())
}

/// Against the number of floods, which have the same lines together.
pub fn windows(bench: &Bench) -> Answer<()> {
    let mut points = Vec::new();
    for floods in [1, 10, 100, 1_000] {
        let mix = Mix {
            floods,
            rate: 1,
            ..Mix::default()
        };
        let log = bench.generate(WINDOW_LINES, WINDOW_LINES / 10, mix)?;
        points.push(bench.point(format!("{floods}"), floods as f64, &[], &log)?);
    }
    println!(
        "\n### Windows\n\nFloods that have 40% of {WINDOW_LINES} lines together, over a week."
    );
    print(&points, &Base::FirstRow);
    Ok(())
}

/// Writes `times` - 1 copies of the packs: other ids, and expressions that also look for a word of their own, so that
/// the gate has as many more to look for. Returns how many patterns there are with those in the program.
fn copy_packs(folder: &Path, times: usize) -> Answer<usize> {
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns");
    let mut count = 0;
    for entry in fs::read_dir(packs)? {
        let path = entry?.path();
        let (Some(name), Some("toml")) = (
            path.file_stem(),
            path.extension().and_then(|end| end.to_str()),
        ) else {
            continue;
        };
        let text = fs::read_to_string(&path)?;
        count += text.matches("[[pattern]]").count();
        for copy in 1..times {
            let to = folder.join(format!("{}-{copy}.toml", name.display()));
            fs::write(to, copied(&text, copy))?;
        }
    }
    Ok(count * times)
}

/// A pack with other ids and expressions.
fn copied(pack: &str, copy: usize) -> String {
    let mut id = String::new();
    let mut copied = String::with_capacity(pack.len() * 2);
    for line in pack.lines() {
        let quoted = |before, after| line.strip_prefix(before)?.strip_suffix(after);
        if let Some(own) = quoted("id = \"", "\"") {
            id = format!("copy{copy}-{own}");
            copied.push_str(&format!("id = \"{id}\"\n"));
        } else if let Some(regex) = quoted("regex = '''", "'''") {
            let word: String = id.split('-').rev().collect();
            copied.push_str(&format!("regex = '''(?:{regex})|{word}'''\n"));
        } else {
            copied.push_str(line);
            copied.push('\n');
        }
    }
    copied
}

impl Bench {
    /// Writes a log of the generator's.
    fn generate(&self, lines: u64, clients: u64, mix: Mix) -> Answer<PathBuf> {
        self.log("grown", |file| {
            large::write_mix(Size { lines, clients }, mix, SEED, file)
        })
    }

    /// Writes a log.
    pub fn log(
        &self,
        name: &str,
        write: impl FnOnce(&mut File) -> std::io::Result<()>,
    ) -> Answer<PathBuf> {
        let path = self.folder.join(format!("{name}.log"));
        let mut file = File::create(&path)?;
        write(&mut file).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// Three lines: what they take is what starting costs.
    pub fn start(&self) -> Answer<PathBuf> {
        const LINES: Size = Size {
            lines: 3,
            clients: 1,
        };
        self.log("start", |file| large::write(LINES, SEED, file))
    }

    fn scan(&self, options: &[&Path], log: &Path) -> Answer<Cost> {
        let large = fs::metadata(log)?.len() >= ONCE_FROM;
        let runs = if large { 1 } else { self.runs };
        let cost = child::scan(&self.program, options, log, runs, Duration::MAX)?;
        match cost.status {
            0 => Ok(cost),
            status => Err(format!("the scan of {} ended with {status}", log.display()).into()),
        }
    }

    /// Scans a log, and removes it.
    fn point(&self, label: String, amount: f64, options: &[&Path], log: &Path) -> Answer<Point> {
        let lines = child::count_lines(log, self.runs)?;
        let scan = self.scan(options, log)?;
        let bytes = fs::metadata(log)?.len();
        fs::remove_file(log)?;
        Ok(Point {
            label,
            amount,
            bytes,
            lines,
            scan,
        })
    }
}

fn print(points: &[Point], base: &Base) {
    println!(
        "\n| | MB | `wc -l` | scan | to `wc -l` | MB/s | processor | ns a byte | memory beside the map | exponent |\n\
         |---|---|---|---|---|---|---|---|---|---|"
    );
    for (row, point) in points.iter().enumerate() {
        let before = row.checked_sub(1).map(|row| &points[row]);
        let exponent = before.and_then(|before| exponent(&points[0], before, point, base));
        println!(
            "| {} | {:.0} | {:.3} s | {:.3} s | {:.1}× | {:.0} | {:.2} s | {:.2} | {:.0} MiB | {} |",
            point.label,
            point.bytes as f64 / MB,
            point.lines.wall,
            point.scan.wall,
            point.scan.wall / point.lines.wall,
            point.bytes as f64 / MB / point.scan.wall,
            point.scan.user,
            point.scan.user * 1e9 / point.bytes as f64,
            point.scan.mebibytes(),
            exponent.map_or("–".to_owned(), |exponent| format!("{exponent:.2}"))
        );
    }
}

/// The power of the amount with which processor time grows from one row to the next: 1 is linear.
fn exponent(first: &Point, before: &Point, point: &Point, base: &Base) -> Option<f64> {
    let (amount, time) = match base {
        Base::StartUp(time) => (0.0, *time),
        Base::FirstRow => (first.amount, first.scan.user),
    };
    let added = |point: &Point| (point.amount - amount, point.scan.user - time);
    let ((less, shorter), (more, longer)) = (added(before), added(point));
    let told = less > 0.0 && shorter > time * NOISE && longer > time * NOISE;
    told.then(|| (longer / shorter).ln() / (more / less).ln())
}
