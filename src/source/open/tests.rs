//! Every way of holding, archives in archives, and files that change under our hands.

use super::*;
use crate::source::discover::{UNREADABLE, discover};
use crate::source::spool::{CUT_SHORT, DAMAGED};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::PathBuf;

fn inputs(path: &Path) -> Vec<Input> {
    discover(&[path.to_path_buf()]).unwrap().0
}

fn opened(path: &Path, options: &OpenOptions) -> (Vec<Source>, Vec<Warning>) {
    open_all(&inputs(path), options)
}

fn open(path: &Path) -> Source {
    opened(path, &OpenOptions::default()).0.remove(0)
}

fn file(contents: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(contents).unwrap();
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Names below the archive's, and bytes.
fn contents(sources: &[Source]) -> Vec<(String, Vec<u8>)> {
    let content = |source: &Source| {
        let name = source.name.split_once(':').map_or("", |(_, name)| name);
        (name.to_string(), source.bytes().to_vec())
    };
    sources.iter().map(content).collect()
}

#[test]
fn every_way_of_holding_gives_the_same_bytes() {
    let text = b"one\ntwo\n".repeat(1000);
    for contents in [text.clone(), gzip(&text)] {
        let file = file(&contents);
        for mmap in [true, false] {
            let options = OpenOptions {
                mmap,
                ..OpenOptions::default()
            };
            let (sources, warnings) = opened(file.path(), &options);
            let source = &sources[0];
            assert_eq!(source.bytes(), text);
            assert_eq!(source.so_far(), text);
            assert!(source.is_whole());
            assert_eq!(source.name, file.path().to_str().unwrap());
            assert!(source.shortened().is_none() && source.change().is_none());
            assert!(warnings.is_empty() && source.warnings().is_empty());
            let shared = matches!(*source.held, Held::Mapped(_));
            assert_eq!(shared, mmap && contents == text);
        }
    }
}

#[test]
fn an_empty_file_is_no_error() {
    assert_eq!(open(file(b"").path()).bytes(), b"");
}

#[test]
fn growth_is_told_and_not_seen() {
    let mut growing = file(b"one\n");
    let source = open(growing.path());
    growing.write_all(b"two\n").unwrap();
    assert_eq!(source.bytes(), b"one\n");
    assert_eq!(source.change().unwrap().code, CHANGED);
    assert_eq!(source.shortened(), None);
}

#[test]
fn a_file_that_is_renamed_or_deleted_is_read_on() {
    let file = file(&b"one\n".repeat(5000));
    let source = open(file.path());
    drop(file);
    assert_eq!(source.bytes(), b"one\n".repeat(5000));
    assert_eq!(source.shortened(), None);
}

#[cfg(unix)]
#[test]
fn a_file_cut_short_under_our_hands_reads_as_zeros_and_what_is_left_is_kept() {
    for left in [0, 10, 4096, 70_000] {
        let shrinking = file(&b"one\n".repeat(100_000));
        let source = open(shrinking.path());
        assert_eq!(source.bytes()[..4], *b"one\n");
        shrinking.as_file().set_len(left).unwrap();
        // Touches every page, and so those that are gone.
        let sum: usize = source.bytes().iter().map(|byte| usize::from(*byte)).sum();
        assert!(sum > 0 || left == 0);
        assert_eq!(source.shortened(), Some(left));
        assert!(
            source
                .loss()
                .unwrap()
                .message
                .contains("shortened from 400000")
        );
        let warning = source.keep_what_is_left().unwrap();
        let told = format!("from 400000 to {left} bytes");
        assert!(warning.message.contains(&told), "{}", warning.message);
        assert_eq!(source.bytes(), &b"one\n".repeat(100_000)[..left as usize]);
        assert!(source.shortened().is_none() && source.change().is_none());
        shrinking.as_file().set_len(0).unwrap();
        assert_eq!(source.bytes().len(), left as usize);
        assert!(source.keep_what_is_left().is_none());
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_lost_its_end_and_grew_again_is_known_by_the_fault() {
    let file = file(&b"one\n".repeat(100_000));
    let source = open(file.path());
    file.as_file().set_len(5000).unwrap();
    assert_eq!(source.bytes()[399_999], 0);
    file.as_file().set_len(500_000).unwrap();
    assert!(source.shortened().is_some_and(|left| left < 400_000));
}

#[test]
fn an_unreadable_file_leaves_the_others() {
    let present = file(b"x\n");
    let gone = Input::File {
        path: PathBuf::from("no/such/file"),
    };
    let mut all = vec![gone];
    all.extend(inputs(present.path()));
    let (sources, warnings) = open_all(&all, &OpenOptions::default());
    assert_eq!(sources.len(), 1);
    assert_eq!(warnings[0].code, UNREADABLE);
    assert_eq!(warnings[0].input.as_deref(), Some("no/such/file"));
}

#[test]
fn members_of_archives_are_sources_whatever_they_are_packed_in() {
    let inner = tar(&[("x.log", b"five\n"), ("y.log.gz", &gzip(b"six\n"))]);
    let archive = tar(&[
        ("a.log", b"one\n"),
        ("b.log.gz", &gzip(b"two\n")),
        (".hidden/c.log", b"three\n"),
        ("../../d.log", b"four\n"),
        ("inner.tar", &inner),
        ("inner.tgz", &gzip(&inner)),
        ("e.log", b"seven\n"),
    ]);
    let expected = [
        ("a.log", "one\n"),
        ("b.log.gz", "two\n"),
        ("../../d.log", "four\n"),
        ("inner.tar:x.log", "five\n"),
        ("inner.tar:y.log.gz", "six\n"),
        ("inner.tgz:x.log", "five\n"),
        ("inner.tgz:y.log.gz", "six\n"),
        ("e.log", "seven\n"),
    ]
    .map(|(name, text)| (name.to_string(), text.as_bytes().to_vec()));
    for packed in [archive.clone(), gzip(&archive), gzip(&gzip(&archive))] {
        let file = file(&packed);
        for (mmap, threads) in [(true, None), (false, Some(1))] {
            let options = OpenOptions {
                mmap,
                threads,
                ..OpenOptions::default()
            };
            let (sources, warnings) = opened(file.path(), &options);
            assert_eq!(contents(&sources), expected);
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert_eq!(warnings[0].code, members::ODD_NAME);
        }
    }
}

#[test]
fn archives_have_bounds() {
    let mut nested = tar(&[("a.log", b"one\n")]);
    for _ in 0..5 {
        nested = tar(&[("n.tar", &nested)]);
    }
    let deep = file(&nested);
    let (sources, warnings) = opened(deep.path(), &OpenOptions::default());
    assert_eq!((sources.len(), &*warnings[0].code), (0, CUT_SHORT));
    let many: Vec<(String, &[u8])> = (0..30).map(|n| (format!("{n}"), &b"x\n"[..])).collect();
    let many: Vec<(&str, &[u8])> = many
        .iter()
        .map(|(name, bytes)| (name.as_str(), *bytes))
        .collect();
    let many = file(&gzip(&tar(&many)));
    let few = OpenOptions {
        max_members: 7,
        ..OpenOptions::default()
    };
    let (sources, warnings) = opened(many.path(), &few);
    assert_eq!((sources.len(), &*warnings[0].code), (7, CUT_SHORT));
    let zeros = gzip(&vec![b'0'; 1 << 20]);
    let bombs = file(&tar(&[
        ("1.gz", &zeros),
        ("2.gz", &zeros),
        ("a.log", b"one\n"),
    ]));
    let small = OpenOptions {
        max_spooled: 100_000,
        ..OpenOptions::default()
    };
    let (sources, _) = opened(bombs.path(), &small);
    let lens: Vec<usize> = sources.iter().map(|source| source.bytes().len()).collect();
    assert_eq!(lens, [50_000, 50_000, 4]);
    assert_eq!(sources[0].warnings()[0].code, CUT_SHORT);
}

#[test]
fn a_damaged_archive_gives_what_precedes_the_damage() {
    let text: Vec<u8> = (0..20_000u32)
        .flat_map(|n| format!("{}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
        .collect();
    let whole = tar(&[("a.log", &text), ("b.log", &text)]);
    for packed in [whole.clone(), gzip(&whole)] {
        let torn = file(&packed[..packed.len() * 3 / 4]);
        let (sources, warnings) = opened(torn.path(), &OpenOptions::default());
        assert_eq!(sources.len(), 2);
        assert!(sources[0].bytes() == text);
        let second = sources[1].bytes();
        assert!(second.len() > 1000 && text.starts_with(second));
        let about = warnings
            .iter()
            .find(|warning| warning.message.contains("b.log"));
        assert_eq!(about.unwrap().code, DAMAGED);
    }
}
