//! Archives of every dialect, torn ones, and ones made to do harm.

use super::*;
use proptest::prelude::*;
use tar::Builder;

fn header(size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(size as u64);
    header
}

fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, bytes) in members {
        let mut header = header(bytes.len());
        builder.append_data(&mut header, path, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn contents<'a>(archive: &'a [u8], listing: &Listing) -> Vec<(String, &'a [u8])> {
    let member = |member: &Member| {
        let path = String::from_utf8(member.path.clone()).unwrap();
        (path, &archive[member.range.clone()])
    };
    listing.members.iter().map(member).collect()
}

/// A header and contents with any name and kind.
fn raw(name: &[u8], kind: EntryType, bytes: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    let mut block = header.as_bytes().to_vec();
    block.extend(bytes);
    block.resize(block.len().next_multiple_of(BLOCK), 0);
    block
}

#[test]
fn files_are_found_and_all_else_is_skipped() {
    let long = format!("{}/access.log", "deep/".repeat(40));
    let mut builder = Builder::new(Vec::new());
    builder
        .append_data(&mut header(4), "a.log", &b"one\n"[..])
        .unwrap();
    let mut folder = header(0);
    folder.set_entry_type(EntryType::Directory);
    builder
        .append_data(&mut folder, "folder/", &b""[..])
        .unwrap();
    let mut link = header(0);
    link.set_entry_type(EntryType::Symlink);
    builder
        .append_link(&mut link, "link", "/etc/passwd")
        .unwrap();
    builder
        .append_data(&mut header(8), &long, &b"two\nthr\n"[..])
        .unwrap();
    let pax = [("path", &b"pax/named.log"[..]), ("size", b"5")];
    builder.append_pax_extensions(pax).unwrap();
    builder
        .append_data(&mut header(5), "short", &b"four\n"[..])
        .unwrap();
    let archive = builder.into_inner().unwrap();
    assert!(is_tar(&archive));
    let listing = list(&archive, 100);
    assert_eq!(listing.damage, None);
    assert_eq!(
        contents(&archive, &listing),
        [
            ("a.log".to_string(), &b"one\n"[..]),
            (long, b"two\nthr\n"),
            ("pax/named.log".to_string(), b"four\n"),
        ]
    );
}

#[test]
fn a_text_is_no_archive() {
    assert!(!is_tar(
        &b"192.0.2.1 - - [19/May/2026] \"GET / HTTP/1.1\"\n".repeat(20)
    ));
    assert!(!is_tar(&[0; 2 * BLOCK]));
    assert!(!is_tar(b"a.log"));
    let mut changed = archive(&[("a.log", b"one\n")]);
    changed[10] ^= 1;
    assert!(!is_tar(&changed));
}

#[test]
fn a_torn_archive_gives_what_it_has() {
    let whole = archive(&[("a.log", &[b'a'; 700]), ("b.log", &[b'b'; 700])]);
    for len in 0..whole.len() {
        let torn = &whole[..len];
        let listing = list(torn, 100);
        let second = 3 * BLOCK;
        let complete = [0, second, 2 * second].contains(&len) || len >= second + BLOCK + 700;
        assert_eq!(
            listing.damage.is_none(),
            complete || (BLOCK + 700..second).contains(&len),
            "{len}"
        );
        let found: usize = listing
            .members
            .iter()
            .map(|member| member.range.len())
            .sum();
        let first = len.saturating_sub(BLOCK).min(700);
        let both = first + len.saturating_sub(second + BLOCK).min(700);
        assert_eq!(found, both, "{len}");
    }
}

#[test]
fn what_follows_a_broken_header_is_left_out() {
    let mut broken = archive(&[("a.log", b"one\n"), ("b.log", b"two\n")]);
    broken[2 * BLOCK + 5] ^= 0x40;
    let listing = list(&broken, 100);
    assert_eq!(
        contents(&broken, &listing),
        [("a.log".to_string(), &b"one\n"[..])]
    );
    assert_eq!(listing.damage, Some(Damage::Header));
}

#[test]
fn claims_allocate_nothing_and_names_are_only_names() {
    let mut huge = Header::new_gnu();
    huge.as_old_mut().name[..5].copy_from_slice(b"a.log");
    huge.set_size(u64::MAX >> 1);
    huge.set_cksum();
    let listing = list(huge.as_bytes(), 100);
    assert_eq!(listing.damage, Some(Damage::Torn));
    assert_eq!(listing.members[0].range, BLOCK..BLOCK);
    let mut odd = raw(b"../../etc/x", EntryType::Regular, b"one\n");
    odd.extend(raw(b"L", EntryType::GNULongName, &vec![b'x'; 1 << 20]));
    odd.extend(raw(b"short", EntryType::Regular, b"two\n"));
    odd.extend(raw(b"holes", EntryType::GNUSparse, b"three\n"));
    odd.extend(raw(b"dev", EntryType::Char, b""));
    let listing = list(&odd, 100);
    assert_eq!(
        (listing.members.len(), listing.sparse, listing.damage),
        (2, 1, None)
    );
    assert_eq!(listing.members[0].path, b"../../etc/x");
    assert_eq!(listing.members[1].path.len(), MAX_NAME);
}

#[test]
fn members_are_counted() {
    let files: Vec<(String, &[u8])> = (0..50).map(|n| (format!("{n}.log"), &b"x\n"[..])).collect();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), *bytes))
        .collect();
    let archive = archive(&files);
    let some = list(&archive, 20);
    assert_eq!((some.members.len(), some.too_many), (20, true));
    let all = list(&archive, 50);
    assert_eq!((all.members.len(), all.too_many), (50, false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_it_panic_or_leave_the_archive(
        at in 0usize..4096,
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut archive = archive(&[("a.log", b"one\n"), (&"d/".repeat(80), b""), ("b.log", b"two\n")]);
        for (offset, byte) in bytes.iter().enumerate() {
            let len = archive.len();
            archive[(at + offset) % len] = *byte;
        }
        let listing = list(&archive, 10);
        for member in listing.members {
            prop_assert!(archive.get(member.range).is_some());
        }
    }
}
