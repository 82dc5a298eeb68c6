//! The shapes of a site's addresses: folders in which it has many pages that no file is behind, such as
//! `/api/v1/stock/LF-0042`. There an attack stands in the path itself, and every attempt has a path of its own.

use hashbrown::{HashMap, HashSet};

use crate::event::is_asset;
use crate::evidence::capped::hash_bytes;
use crate::evidence::endpoints::{PathStats, TextMap};

/// Pages that make a folder one of values rather than of names. The folder `/` holds all of a site's pages, so more
/// are needed there.
const LEAST_PAGES: u32 = 5;
const LEAST_AT_ROOT: u32 = 50;

/// What stands for the value in a shape.
pub const VALUE: &[u8] = b"{}";

/// The folders of values, by hash of their path up to the last slash.
#[derive(Debug, Clone, Default)]
pub struct Shapes {
    folders: HashSet<u64>,
}

impl Shapes {
    /// Learns them from the paths at which ordinary visitors got answers.
    pub fn of(paths: &TextMap<PathStats>) -> Shapes {
        let mut pages: HashMap<u64, (u32, bool)> = HashMap::new();
        let own = paths.iter().map(|(_, path)| path);
        for path in own.filter(|path| path.stats.ordinary > 0) {
            let Some((folder, name)) = split(&path.text) else {
                continue;
            };
            if !name.is_empty() && !name.contains(&b'.') && !is_asset(name) && !is_odd(name) {
                let entry = pages.entry(hash_bytes(folder)).or_default();
                *entry = (entry.0.saturating_add(1), folder == b"/");
            }
        }
        let many = |(folder, (count, root)): (u64, (u32, bool))| {
            let least = if root { LEAST_AT_ROOT } else { LEAST_PAGES };
            (count >= least).then_some(folder)
        };
        Shapes {
            folders: pages.into_iter().filter_map(many).collect(),
        }
    }

    /// True when visitors get answers for values in this folder.
    pub fn is_own(&self, folder: &[u8]) -> bool {
        self.folders.contains(&hash_bytes(folder))
    }

    /// The folder of a shape: `/stock/` for `/stock/{}`.
    pub fn folder(shape: &[u8]) -> Option<&[u8]> {
        shape.strip_suffix(VALUE)
    }

    /// The folder that a path is a value in, if it is one.
    pub fn folder_of<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        let (folder, name) = split(path)?;
        (!name.is_empty() && self.is_own(folder)).then_some(folder)
    }
}

/// The part of a path before the first segment that no visitor's address has: with quotes, brackets, codes or
/// steps upwards. `None` when it has no such segment.
pub fn before_payload(path: &[u8]) -> Option<&[u8]> {
    let mut start = 0;
    for segment in path.split(|byte| *byte == b'/') {
        if is_odd(segment) {
            return Some(&path[..start]).filter(|folder| folder.ends_with(b"/"));
        }
        start += segment.len() + 1;
    }
    None
}

fn is_odd(segment: &[u8]) -> bool {
    let odd = |byte: &u8| b"'\"`<>(){}|;$\\%+*! ".contains(byte);
    segment == b".." || segment.iter().any(odd)
}

fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = memchr::memrchr(b'/', path)?;
    Some(path.split_at(slash + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::capped::CappedMap;
    use crate::evidence::endpoints::Text;

    #[test]
    fn a_payload_in_a_path_is_cut_off_where_it_begins() {
        let before = |path: &'static str| before_payload(path.as_bytes());
        assert_eq!(
            before("/api/stock/5'%20OR%201/**/x"),
            Some(&b"/api/stock/"[..])
        );
        assert_eq!(before("/cgi-bin/.%2e/.%2e/bin/sh"), Some(&b"/cgi-bin/"[..]));
        assert_eq!(before("/../../etc/passwd"), Some(&b"/"[..]));
        assert_eq!(before("/plain/page-1.html"), None);
        assert_eq!(before("'"), None);
    }

    #[test]
    fn folders_of_values_are_known_by_their_pages() {
        let mut paths = CappedMap::new(100);
        for n in 0..6 {
            for path in [
                format!("/stock/LF-{n}"),
                format!("/img/{n}.jpg"),
                format!("/page{n}"),
            ] {
                let entry = paths.entry(hash_bytes(path.as_bytes()), || {
                    Text::<PathStats>::new(path.as_bytes())
                });
                entry.unwrap().stats.ordinary = 2;
            }
        }
        let shapes = Shapes::of(&paths);
        assert!(shapes.is_own(b"/stock/"));
        assert!(!shapes.is_own(b"/img/") && !shapes.is_own(b"/"));
        assert_eq!(shapes.folder_of(b"/stock/LF-9"), Some(&b"/stock/"[..]));
        assert_eq!(Shapes::folder(b"/stock/{}"), Some(&b"/stock/"[..]));
    }
}
