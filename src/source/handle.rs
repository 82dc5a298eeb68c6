//! Files that are read or looked at later: their descriptors are kept, but for those beyond [`MAX_KEPT`], which are opened
//! again when it comes to it.
//!
//! A descriptor is the better way, because a rotated log keeps it and changes its name. A file that is opened again is
//! therefore known by its number in the file system, and another one under its name is an error.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Descriptors that are kept at most: half of the 256 that macOS grants a process, and less than a quarter of the usual
/// 1024 of Linux.
pub const MAX_KEPT: usize = 128;

/// How many descriptors are kept by those who share it.
#[derive(Debug, Clone, Default)]
pub struct Kept(Arc<()>);

/// A file to come back to.
#[derive(Debug)]
pub struct Handle {
    path: PathBuf,
    /// Device and number of the file; `None` where there are none, and then the descriptor is kept.
    id: Option<(u64, u64)>,
    file: Option<(File, Kept)>,
}

impl Handle {
    /// Takes over a file that was opened by this path.
    ///
    /// # Errors
    /// When the file cannot be asked for its number.
    pub fn new(path: &Path, file: File, kept: &Kept) -> io::Result<Handle> {
        let id = id(&file.metadata()?);
        let room = Arc::strong_count(&kept.0) <= MAX_KEPT;
        Ok(Handle {
            path: path.to_path_buf(),
            id,
            file: (room || id.is_none()).then(|| (file, kept.clone())),
        })
    }

    /// What the file system says of the file now.
    ///
    /// # Errors
    /// When it cannot be asked, and when the descriptor was not kept and another file has the name.
    pub fn metadata(&self) -> io::Result<Metadata> {
        match &self.file {
            Some((file, _)) => file.metadata(),
            None => self.checked(self.path.metadata()?),
        }
    }

    /// Whether the file is known by its path alone.
    pub fn is_closed(&self) -> bool {
        self.file.is_none()
    }

    /// Does something with the file, which stands anywhere.
    ///
    /// # Errors
    /// As [`Handle::metadata`], and what `action` returns.
    pub fn with<T>(&self, action: impl FnOnce(&File) -> io::Result<T>) -> io::Result<T> {
        match &self.file {
            Some((file, _)) => action(file),
            None => action(&self.open()?),
        }
    }

    /// The file from its beginning on; it is opened when it is read, if need be. One that was kept must stand there.
    pub fn into_reader(self) -> Later {
        Later {
            handle: self,
            opened: None,
        }
    }

    fn open(&self) -> io::Result<File> {
        let file = File::open(&self.path)?;
        self.checked(file.metadata()?)?;
        Ok(file)
    }

    fn checked(&self, found: Metadata) -> io::Result<Metadata> {
        match id(&found) == self.id {
            true => Ok(found),
            false => Err(io::Error::other(
                "another file took its place while it waited its turn; run again",
            )),
        }
    }
}

#[cfg(unix)]
fn id(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn id(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// Reads a file when its turn comes.
#[derive(Debug)]
pub struct Later {
    handle: Handle,
    opened: Option<File>,
}

impl Read for Later {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some((file, _)) = &mut self.handle.file {
            return file.read(buffer);
        }
        if self.opened.is_none() {
            self.opened = Some(self.handle.open()?);
        }
        self.opened.as_mut().map_or(Ok(0), |file| file.read(buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn beyond_so_many_files_are_opened_when_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::default();
        let handle = |n: usize| {
            let path = folder.path().join(n.to_string());
            fs::write(&path, n.to_string()).unwrap();
            Handle::new(&path, File::open(&path).unwrap(), &kept).unwrap()
        };
        let mut handles: Vec<Handle> = (0..MAX_KEPT + 20).map(handle).collect();
        let closed = handles.iter().filter(|handle| handle.is_closed());
        assert_eq!(closed.count(), if cfg!(unix) { 20 } else { 0 });
        // One that was renamed, and a new one under its name.
        let last = folder.path().join((handles.len() - 1).to_string());
        fs::rename(&last, folder.path().join("rotated")).unwrap();
        fs::write(&last, "new").unwrap();
        if cfg!(unix) {
            let handle = handles.pop().unwrap();
            assert!(handle.metadata().is_err());
            assert!(handle.into_reader().read(&mut [0; 8]).is_err());
        }
        for (n, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.metadata().unwrap().len(), n.to_string().len() as u64);
            let mut text = String::new();
            handle.into_reader().read_to_string(&mut text).unwrap();
            assert_eq!(text, n.to_string());
        }
    }
}
