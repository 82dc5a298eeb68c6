//! Mapped files: the user's, which may change, and private ones, which may still grow.

use std::fs::File;
use std::io;
use std::slice;

#[cfg(unix)]
use memmap2::Advice;
use memmap2::{Mmap, MmapOptions, MmapRaw};

use super::fault::{self, Watch};

/// How the bytes of a map are going to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Here and there, some lines at a time.
    Places,
    /// From some place on.
    Through,
}

/// A map of a file that others may write, of the length that it had when it was mapped. Reading what was cut off
/// since gives zeros, and [`Shared::lost_from`] tells.
#[derive(Debug)]
pub struct Shared {
    // before the map, so that it is dropped first
    watch: Watch,
    map: Mmap,
}

impl Shared {
    /// Maps the first `len` bytes of `file`.
    ///
    /// # Errors
    /// For an empty file, which cannot be mapped everywhere; and when the operating system refuses, or the map cannot be
    /// watched. The file can still be read.
    pub fn new(file: &File, len: u64) -> io::Result<Shared> {
        let map = whole(file, len)?;
        let watch =
            fault::watch(&map).ok_or_else(|| io::Error::other("too many files are mapped"))?;
        Ok(Shared { watch, map })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Says how the bytes are going to be read: the operating system reads ahead by up to megabytes around every place
    /// unless it knows better.
    pub fn expect(&self, manner: Manner) {
        // Advice that is not taken costs time and nothing else.
        #[cfg(unix)]
        let _ = self.map.advise(match manner {
            Manner::Places => Advice::Random,
            Manner::Through => Advice::Normal,
        });
        #[cfg(not(unix))]
        let _ = manner;
    }

    /// The offset from which on the bytes are known to be gone.
    pub fn lost_from(&self) -> Option<u64> {
        self.watch.lost_from().map(|offset| offset as u64)
    }
}

/// Maps the first `len` bytes of a file.
///
/// # Errors
/// For an empty file, and when the operating system refuses.
pub fn whole(file: &File, len: u64) -> io::Result<Mmap> {
    let len = usize::try_from(len).map_err(io::Error::other)?;
    if len == 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    // SAFETY: the map is read-only and its length is frozen here. Bytes of a temporary file cannot change: it has
    // no name, and what was written once is not written again. Bytes of a user's file could be changed by another
    // process. Servers append, which a frozen length does not see; truncation is caught by `fault`; and for a
    // file that is rewritten in place, the code that reads maps treats all bytes as hostile and relies on none
    // staying the same. `OpenOptions::mmap` turns the maps of users' files off.
    #[allow(unsafe_code)]
    unsafe {
        MmapOptions::new().len(len).map(file)
    }
}

/// A map of a temporary file that its only owner still appends to. More is reserved than the file has; only what
/// was written is ever looked at.
#[derive(Debug)]
pub struct Growing {
    map: MmapRaw,
}

impl Growing {
    /// Reserves addresses for `most` bytes of `file`; costs no memory.
    ///
    /// # Errors
    /// Where a map cannot be longer than its file, where the address space is too small or limited, and when the
    /// operating system refuses.
    pub fn new(file: &File, most: u64) -> io::Result<Growing> {
        let most = usize::try_from(most).map_err(io::Error::other)?;
        if !can_grow() || most == 0 {
            return Err(io::Error::from(io::ErrorKind::Unsupported));
        }
        let map = MmapOptions::new().len(most).map_raw_read_only(file)?;
        Ok(Growing { map })
    }

    /// The first `len` bytes. They must have been written to the file before, by this process.
    pub fn bytes(&self, len: usize) -> &[u8] {
        let len = len.min(self.map.len());
        // SAFETY: `len` bytes lie within the map. The caller publishes a length only after these bytes were written
        // (mmap and write see the same pages on the systems that `can_grow` names); the file is an unnamed one
        // of this process, which only appends to it, so these bytes never change.
        #[allow(unsafe_code)]
        unsafe {
            slice::from_raw_parts(self.map.as_ptr(), len)
        }
    }
}

/// Whether a map may be longer than its file, sees what is written to it, and finds enough addresses.
fn can_grow() -> bool {
    let known = cfg!(any(
        target_os = "linux",
        target_os = "android",
        target_os = "macos",
        target_os = "freebsd"
    ));
    known && cfg!(target_pointer_width = "64") && !addresses_are_limited()
}

/// Whether somebody limited the address space (`ulimit -v`): then reserving much would take it from everything else.
#[cfg(unix)]
fn addresses_are_limited() -> bool {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: the pointer is to a live rlimit.
    #[allow(unsafe_code)]
    let told = unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) };
    told != 0 || limit.rlim_cur != libc::RLIM_INFINITY
}

#[cfg(not(unix))]
fn addresses_are_limited() -> bool {
    true
}
