//! The least that a scan of an access log has to do, with the program's own reader and maps: each line is read once, and
//! the requests of its client, its path and its agent are counted exactly. Nothing is judged, nothing is looked at twice, and
//! there is no report. What a scan takes beyond it, it takes for its answers.
//!
//! ```console
//! $ cargo run --release --example bare -- [-j N] LOG
//! ```
//!
//! Prints the requests, and how many clients, paths and agents sent them. Two threads unless told otherwise.

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;

use aftertrace::ScanOptions;
use aftertrace::client::Client;
use aftertrace::event::Event;
use aftertrace::evidence::capped::{CappedMap, StableHash, hash_bytes};
use aftertrace::evidence::caps::Caps;
use aftertrace::format::spec::{Arena, Desk, LogKind};
use aftertrace::inputs::Inputs;
use aftertrace::merge::Merge;
use aftertrace::pass::{DEFAULT_CHUNK_BYTES, Log, Run, Task, merge_all, tasks, work};

/// Threads unless told otherwise.
const THREADS: usize = 2;

/// Requests whose places in the maps are looked for side by side.
const BATCH: usize = 64;

const USAGE: &str = "usage: bare [-j N] LOG";

type Answer<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Answer<()> {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    let mut threads = THREADS;
    if paths.first().is_some_and(|first| first == "-j") {
        threads = paths.get(1).ok_or(USAGE)?.parse()?;
        paths.drain(..2);
    }
    if paths.is_empty() {
        return Err(USAGE.into());
    }
    let paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
    let options = ScanOptions {
        threads: Some(threads),
        ..ScanOptions::default()
    };
    let pool = aftertrace::analysis::pool(options.threads)?;
    let counts = pool.install(|| count(&paths, &options))?;
    println!(
        "{} requests, {} clients, {} paths, {} agents",
        counts.requests,
        counts.clients.len(),
        counts.paths.len(),
        counts.agents.len(),
    );
    Ok(())
}

fn count(paths: &[PathBuf], options: &ScanOptions) -> Answer<Counts> {
    let inputs = Inputs::open(paths, &options.reading())?;
    let logs = inputs.logs(LogKind::Access);
    let run = Run {
        chunk_bytes: options.chunk_bytes.unwrap_or(DEFAULT_CHUNK_BYTES),
        caps: Caps::default(),
        advance: &|_| (),
        ledger: None,
    };
    let tasks = tasks(&logs, run.chunk_bytes);
    let workers = work(&tasks, &run, Counts::default, |counts, task| {
        counts.chunk(&logs, task);
    });
    merge_all(workers).ok_or_else(|| "no thread".into())
}

/// Requests by who sent them and for what.
struct Counts {
    requests: u64,
    clients: CappedMap<Client, u64>,
    paths: CappedMap<u64, u64>,
    agents: CappedMap<u64, u64>,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts {
            requests: 0,
            clients: CappedMap::new(usize::MAX),
            paths: CappedMap::new(usize::MAX),
            agents: CappedMap::new(usize::MAX),
        }
    }
}

impl Merge for Counts {
    fn merge(&mut self, other: Counts) {
        self.requests += other.requests;
        self.clients.merge(other.clients);
        self.paths.merge(other.paths);
        self.agents.merge(other.agents);
    }
}

impl Counts {
    fn chunk(&mut self, logs: &[Log<'_>], (log, range): &Task) {
        let log = &logs[*log];
        let arena = Arena::new();
        let mut desk = Desk::new(&arena);
        let mut batch = Vec::with_capacity(BATCH);
        for (offset, line) in aftertrace::chunk::lines(log.bytes.get(range.clone())) {
            let at = (range.start + offset) as u64;
            if let Ok(Event::Access(access)) = log.read(line, at, &mut desk) {
                let agent = hash_bytes(access.user_agent.unwrap_or_default());
                batch.push((access.client, hash_bytes(access.path()), agent));
                if batch.len() == BATCH {
                    self.add(&mut batch);
                }
            }
        }
        self.add(&mut batch);
    }

    fn add(&mut self, batch: &mut Vec<(Client, u64, u64)>) {
        let peeked = batch.iter().map(|(client, path, _)| {
            self.clients.peek(client.stable_hash()) ^ self.paths.peek(path.stable_hash())
        });
        black_box(peeked.fold(0, |all, one| all ^ one));
        self.requests += batch.len() as u64;
        for (client, path, agent) in batch.drain(..) {
            let client = self.clients.entry(client, || 0);
            let counts = [
                client,
                self.paths.entry(path, || 0),
                self.agents.entry(agent, || 0),
            ];
            for count in counts.into_iter().flatten() {
                *count += 1;
            }
        }
    }
}
