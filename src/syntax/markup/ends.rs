//! Where tags end: at the first `>` outside of the quotes of their attributes, or with the text.
//!
//! Linear in the text, however many tags stand within each other.

/// Where the tags of one text end.
#[derive(Default)]
pub(super) struct Ends {
    /// How many bytes were read to find ends one by one.
    read: usize,
    /// For every place outside of quotes where the tag ends that goes on there, once tags were found to stand within
    /// tags: each of them would read on to the same end.
    known: Vec<u32>,
}

impl Ends {
    /// The length of the tag at `at`, of which `length` bytes are looked at and whose name takes the first `named`.
    pub(super) fn of(&mut self, text: &[u8], at: usize, length: usize, named: usize) -> usize {
        if self.read > text.len() {
            if self.known.is_empty() {
                self.known = ends(text);
            }
            return (self.known[at + named] as usize - at).min(length);
        }
        let end = tag_end(&text[at..at + length], named);
        self.read += end;
        end
    }
}

/// The end of a tag: `>` outside quotes, or the text's.
fn tag_end(rest: &[u8], from: usize) -> usize {
    let mut quote = 0u8;
    let mut previous = 0u8;
    for (at, &byte) in rest.iter().enumerate().skip(from) {
        if quote != 0 {
            if byte == quote {
                quote = 0;
            }
        } else if matches!(byte, b'"' | b'\'' | b'`') && matches!(previous, b'=') {
            quote = byte;
        } else if byte == b'>' {
            return at + 1;
        }
        if byte > b' ' {
            previous = byte;
        }
    }
    rest.len()
}

/// What [`tag_end`] finds from every place of a text, and from its end: read backwards, because the end from one
/// place is that from the next, or from behind the quotes that begin there.
fn ends(text: &[u8]) -> Vec<u32> {
    // texts are no longer than what is looked at of a field
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let mut ends = vec![place(text.len()); text.len() + 1];
    // where the next quote of each kind stands
    let mut next = [None; 3];
    for (at, &byte) in text.iter().enumerate().rev() {
        let kind = b"\"'`".iter().position(|quote| *quote == byte);
        ends[at] = match (byte, kind) {
            (b'>', _) => place(at + 1),
            (_, Some(kind)) if behind_equals(&text[..at]) => {
                next[kind].map_or(place(text.len()), |close: usize| ends[close + 1])
            }
            _ => ends[at + 1],
        };
        if let Some(kind) = kind {
            next[kind] = Some(at);
        }
    }
    ends
}

/// Whether the last sign of a text is `=`.
fn behind_equals(before: &[u8]) -> bool {
    before.iter().rev().find(|byte| **byte > b' ') == Some(&b'=')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ends_known_from_behind_are_those_read_forwards(text in "(<a|>|=| |\"|'|`|x){0,60}") {
            let text = text.as_bytes();
            let known = ends(text);
            for at in memchr::memchr_iter(b'a', text).map(|at| at + 1) {
                prop_assert_eq!(known[at] as usize, tag_end(text, at));
            }
        }
    }
}
