//! Unpacks files as a scan does, and throws the bytes away: what the scan of packed logs is held against.
//!
//! ```console
//! $ cargo run --release --example unpack -- [-j N] FILE...
//! ```
//!
//! Prints how many bytes came out. Each thread takes one file after the other, two threads unless told otherwise.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use aftertrace::source::decompress::peel;

/// Threads unless told otherwise.
const THREADS: usize = 2;

/// Bytes taken at a time.
const BUFFER: usize = 1 << 20;

const USAGE: &str = "usage: unpack [-j N] FILE...";

type Answer<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Answer<()> {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let mut threads = THREADS;
    if files.first().is_some_and(|first| first == "-j") {
        threads = files.get(1).ok_or(USAGE)?.parse()?;
        files.drain(..2);
    }
    if files.is_empty() {
        return Err(USAGE.into());
    }
    let (files, next) = (&files, &AtomicUsize::new(0));
    let counts: Vec<Answer<u64>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| work(files, next)))
            .collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined
            .map(|done| done.unwrap_or_else(|_| Err("a thread died".into())))
            .collect()
    });
    let bytes: u64 = counts.into_iter().sum::<Answer<u64>>()?;
    println!("{bytes}");
    Ok(())
}

/// Unpacks one file after the other until none is left.
fn work(files: &[String], next: &AtomicUsize) -> Answer<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
        let mut reader = peel(File::open(file)?)?.reader;
        loop {
            match reader.read(&mut buffer)? {
                0 => break,
                count => bytes += count as u64,
            }
        }
    }
    Ok(bytes)
}
