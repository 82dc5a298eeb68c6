//! Unpacks streams into private temporary files, in the background: what is there can be read while the rest comes.
//!
//! A file has no name, so nobody else can change it and it is gone when the run ends. Bounded: neither a bomb nor an
//! endless pipe fills the disk beyond a stated limit.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use memmap2::Mmap;

use super::decompress::peel;
use super::map::{self, Growing};
use crate::error::Warning;

/// The code of the warning about an archive that ends early or holds nonsense.
pub const DAMAGED: &str = "damaged_archive";

/// The code of the warning about an input that was read in part.
pub const CUT_SHORT: &str = "input_cut_short";

/// The most that one input may unpack to, in bytes: 32 GiB, beyond a day of a busy shop's log.
pub const MAX_SPOOLED: u64 = 32 << 30;

/// Up to here nobody asks how well something was packed, in bytes.
pub const BOMB_FROM: u64 = 1 << 30;

/// A log packs this well at most, unless its lines are all the same: of 97 MB of mixed traffic gzip made a ninth. Beyond
/// it something that holds no lines is a bomb.
const LINES_RATIO: u64 = 200;

/// Nothing that was ever logged packs so well. A flood of one and the same line, 20,000 times a second, is the best case:
/// gzip made 295 times less of it, bzip2 2,000, xz 6,700 and zstd 10,600 times.
const BOMB_RATIO: u64 = 20_000;

/// So many bytes without a line end are no log.
const NO_LINES: u64 = 64 << 20;

/// Bytes unpacked at a time. When an archive is damaged, at most this much before the damage is lost.
const STEP: usize = 16 << 10;

/// Bytes written at a time at most. The system keeps what is written together in larger pieces of memory, and needs fewer of
/// them: unpacking 240 MB into files took 0.1 s of its time instead of 0.3 s with 16 KiB at a time.
const WRITTEN_TOGETHER: usize = 1 << 20;

/// What bounds an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that it may come to.
    pub most: u64,
    /// From how many bytes on a bomb is looked for.
    pub bomb_from: u64,
}

/// What is unpacked into a temporary file, as far as it has come.
pub struct Spool {
    name: String,
    limits: Limits,
    growing: OnceLock<Growing>,
    /// Where nothing can be read before all of it is there.
    whole: OnceLock<Whole>,
    /// Bytes that are there.
    len: AtomicUsize,
    /// Nobody wants it any more.
    abandoned: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

enum Whole {
    Mapped(Mmap),
    Memory(Vec<u8>),
}

#[derive(Default)]
struct State {
    /// Whether it is a tar archive, as soon as that is known.
    tar: Option<bool>,
    /// The warnings, when it is whole.
    ended: Option<Vec<Warning>>,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spool({}, {} bytes)", self.name, self.so_far().len())
    }
}

impl Spool {
    /// A spool to be filled.
    pub fn new(name: String, limits: Limits) -> Spool {
        Spool {
            name,
            limits,
            growing: OnceLock::new(),
            whole: OnceLock::new(),
            len: AtomicUsize::new(0),
            abandoned: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// The name of its input.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is there by now.
    pub fn so_far(&self) -> &[u8] {
        match (self.whole.get(), self.growing.get()) {
            (Some(Whole::Mapped(map)), _) => map,
            (Some(Whole::Memory(bytes)), _) => bytes,
            (None, Some(growing)) => growing.bytes(self.len.load(Ordering::Acquire)),
            (None, None) => &[],
        }
    }

    /// Whether nothing more will come.
    pub fn is_whole(&self) -> bool {
        self.state().ended.is_some()
    }

    /// Waits until there are more than `len` bytes, or all of them.
    pub fn wait_beyond(&self, len: usize) {
        self.wait(|spool, state| {
            (state.ended.is_some() || spool.so_far().len() > len).then_some(())
        });
    }

    /// Waits until nothing more will come; what went wrong on the way.
    pub fn warnings(&self) -> Vec<Warning> {
        self.wait(|_, state| state.ended.clone())
    }

    /// Waits until it is known whether this is a tar archive.
    pub fn is_tar(&self) -> bool {
        self.wait(|_, state| state.tar.or(state.ended.is_some().then_some(false)))
    }

    /// Lets whoever fills it stop.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Unpacks `reader` into it, up to its limits. Damage, an overlong input and a full disk are warnings: what came before
    /// is kept. Returns when everything is there, and never panics.
    pub fn fill(&self, reader: impl Read + Send) {
        self.end(|| self.unpack(reader));
    }

    /// Copies `reader` into it as it is; otherwise as [`Spool::fill`].
    pub fn fill_plain(&self, mut reader: impl Read) {
        self.end(|| {
            self.state().tar = Some(false);
            self.store(&mut reader, None)
        });
    }

    fn end(&self, fill: impl FnOnce() -> Result<(), Stop>) {
        let filled = catch_unwind(AssertUnwindSafe(fill));
        let stop = match filled {
            Ok(Ok(())) => None,
            Ok(Err(stop)) => Some(stop),
            Err(_) => Some(Stop::Read(io::Error::other("its decoder gave up"))),
        };
        let kept = self.so_far().len();
        let warning = stop.and_then(|stop| stop.warning(&self.name, kept));
        self.state().ended = Some(warning.into_iter().collect());
        self.changed.notify_all();
    }

    fn unpack(&self, reader: impl Read + Send) -> Result<(), Stop> {
        let packed = AtomicU64::new(0);
        let counted = Counted {
            reader,
            count: &packed,
        };
        let mut peeled = peel(counted).map_err(Stop::Read)?;
        self.state().tar = Some(peeled.tar);
        self.changed.notify_all();
        let bomb = (peeled.layers > 0).then_some(Bomb {
            packed: &packed,
            since_line: 0,
        });
        self.store(&mut peeled.reader, bomb)
    }

    fn store(&self, stream: &mut dyn Read, bomb: Option<Bomb<'_>>) -> Result<(), Stop> {
        let mut file = tempfile::tempfile().map_err(Stop::Write)?;
        if let Ok(growing) = Growing::new(&file, self.limits.most) {
            let _ = self.growing.set(growing);
        }
        let copied = self.copy(stream, &mut file, bomb);
        self.hold(file).map_err(Stop::Write)?;
        copied
    }

    fn copy(
        &self,
        stream: &mut dyn Read,
        file: &mut File,
        mut bomb: Option<Bomb<'_>>,
    ) -> Result<(), Stop> {
        let mut buffer = vec![0; WRITTEN_TOGETHER];
        let mut written: u64 = 0;
        while !self.abandoned.load(Ordering::Relaxed) {
            let (filled, stop) = self.gather(stream, &mut buffer, written, &mut bomb);
            file.write_all(&buffer[..filled]).map_err(Stop::Write)?;
            written += filled as u64;
            self.publish(written);
            if let Some(stop) = stop {
                return stop;
            }
        }
        Err(Stop::Abandoned)
    }

    /// Fills a buffer as far as the stream has bytes at hand and the limits go: how far that is, and how it ended if it did.
    fn gather(
        &self,
        stream: &mut dyn Read,
        buffer: &mut [u8],
        written: u64,
        bomb: &mut Option<Bomb<'_>>,
    ) -> (usize, Option<Result<(), Stop>>) {
        let mut filled = 0;
        while filled < buffer.len() && !self.abandoned.load(Ordering::Relaxed) {
            let (begins, most) = (filled, buffer.len().min(filled + STEP));
            let step = &mut buffer[begins..most];
            let count = match stream.read(step) {
                Ok(0) => return (filled, Some(Ok(()))),
                Ok(count) => count,
                Err(error) => return (filled, Some(Err(Stop::Read(error)))),
            };
            let room = self.limits.most - written - filled as u64;
            let kept = (count as u64).min(room) as usize;
            filled += kept;
            if kept < count {
                return (filled, Some(Err(Stop::Limit(self.limits.most))));
            }
            let all = written + filled as u64;
            let ratio = bomb
                .as_mut()
                .and_then(|bomb| bomb.ratio(&step[..kept], all));
            if let Some(ratio) = ratio.filter(|_| all > self.limits.bomb_from) {
                return (filled, Some(Err(Stop::Bomb(ratio))));
            }
            // Who waits for more may wait long: what is there is to be read meanwhile.
            if count < most - begins {
                break;
            }
        }
        (filled, None)
    }

    fn publish(&self, written: u64) {
        if self.growing.get().is_some() {
            self.len.store(written as usize, Ordering::Release);
            // The lock keeps a waiter from missing it between its look and its sleep.
            drop(self.state());
            self.changed.notify_all();
        }
    }

    /// Maps what was written, where it could not be mapped while it grew.
    fn hold(&self, mut file: File) -> io::Result<()> {
        if self.growing.get().is_some() {
            return Ok(());
        }
        let len = file.metadata()?.len();
        let whole = match map::whole(&file, len) {
            Ok(map) => Whole::Mapped(map),
            Err(_) => {
                let mut bytes = Vec::new();
                file.rewind()?;
                file.read_to_end(&mut bytes)?;
                Whole::Memory(bytes)
            }
        };
        let _ = self.whole.set(whole);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<T>(&self, ready: impl Fn(&Spool, &State) -> Option<T>) -> T {
        let mut state = self.state();
        loop {
            if let Some(answer) = ready(self, &state) {
                return answer;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Counts what is read.
struct Counted<'c, R> {
    reader: R,
    count: &'c AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Looks whether something is packed better than any log.
struct Bomb<'c> {
    packed: &'c AtomicU64,
    /// Bytes since the last line end.
    since_line: u64,
}

impl Bomb<'_> {
    /// How many times less it was when packed, if that is suspicious.
    fn ratio(&mut self, step: &[u8], unpacked: u64) -> Option<u64> {
        self.since_line = match memchr::memrchr(b'\n', step) {
            Some(at) => (step.len() - at - 1) as u64,
            None => self.since_line + step.len() as u64,
        };
        let ratio = unpacked / self.packed.load(Ordering::Relaxed).max(1);
        let lines = self.since_line < NO_LINES;
        (ratio >= BOMB_RATIO || ratio >= LINES_RATIO && !lines).then_some(ratio)
    }
}

/// Why copying ended before the stream did.
enum Stop {
    Read(io::Error),
    Write(io::Error),
    Limit(u64),
    Bomb(u64),
    Abandoned,
}

impl Stop {
    fn warning(self, name: &str, kept: usize) -> Option<Warning> {
        let (code, reason) = match self {
            Stop::Read(error) => (
                DAMAGED,
                format!("cannot be read to its end ({error}); check the file"),
            ),
            Stop::Write(error) => (
                CUT_SHORT,
                format!(
                    "does not fit into {} ({error}); free space there or set TMPDIR",
                    std::env::temp_dir().display()
                ),
            ),
            Stop::Limit(limit) => (
                CUT_SHORT,
                format!("is larger than {limit} bytes; unpack or split it first"),
            ),
            Stop::Bomb(ratio) => (
                CUT_SHORT,
                format!(
                    "unpacks to {ratio} times its size, as no log does; if it is one all the same, unpack it first"
                ),
            ),
            Stop::Abandoned => return None,
        };
        Some(Warning {
            code: code.into(),
            message: format!("{name} {reason}. Its first {kept} bytes were used"),
            input: Some(name.to_string()),
        })
    }
}

/// Something to do in the background.
pub type Job = Box<dyn FnOnce() + Send>;

/// Threads that do jobs in turn. They end when nothing is left to do.
pub struct Crew {
    most: usize,
    roster: Arc<Mutex<Roster>>,
}

#[derive(Default)]
struct Roster {
    jobs: VecDeque<Job>,
    working: usize,
}

impl Crew {
    /// A crew of so many threads at most.
    pub fn new(most: usize) -> Crew {
        Crew {
            most: most.max(1),
            roster: Arc::default(),
        }
    }

    /// Has a job done, after those that wait already or `first` of all.
    pub fn take_on(&self, job: Job, first: bool) {
        let mut roster = lock(&self.roster);
        match first {
            true => roster.jobs.push_front(job),
            false => roster.jobs.push_back(job),
        }
        if roster.working == self.most {
            return;
        }
        roster.working += 1;
        drop(roster);
        let roster = Arc::clone(&self.roster);
        if thread::Builder::new().spawn(move || work(&roster)).is_err() {
            // No thread to be had: then it is done here and now.
            work(&self.roster);
        }
    }

    /// Has a job done at once by a thread of its own, because it may wait for others for ever.
    pub fn set_apart(&self, job: Job) {
        let alone = Crew::new(1);
        alone.take_on(job, true);
    }
}

fn work(roster: &Mutex<Roster>) {
    loop {
        let mut free = lock(roster);
        let Some(job) = free.jobs.pop_front() else {
            free.working -= 1;
            return;
        };
        drop(free);
        job();
    }
}

fn lock(roster: &Mutex<Roster>) -> MutexGuard<'_, Roster> {
    roster.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
