//! Every packing, whole and damaged, once and over again.

use std::io::Write;

use super::*;
use proptest::prelude::*;

/// Packs bytes.
type Pack = fn(&[u8]) -> Vec<u8>;

const PACKINGS: [(Packing, Pack); 4] = [
    (Packing::Gzip, gzip),
    (Packing::Zstd, zstd_frame),
    (Packing::Bzip2, bzip2),
    (Packing::Xz, xz),
];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd_frame(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    // The smallest blocks, so that damage leaves something before it.
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(1));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Text that does not pack to nothing.
fn log(lines: u32) -> Vec<u8> {
    (0..lines)
        .flat_map(|n| format!("line {n} {}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
        .collect()
}

/// What came out, in steps of so many bytes, and what went wrong then.
fn unpacked(packed: &[u8], step: usize) -> (Vec<u8>, Option<io::Error>) {
    let mut reader = peel(packed).unwrap().reader;
    let mut out = Vec::new();
    let mut buffer = vec![0; step];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return (out, None),
            Ok(count) => out.extend(&buffer[..count]),
            Err(error) => return (out, Some(error)),
        }
    }
}

#[test]
fn a_packing_is_told_by_its_first_bytes() {
    for (packing, pack) in PACKINGS {
        for text in [&b""[..], b"one\n"] {
            assert_eq!(Packing::of(&pack(text)), Some(packing));
        }
        let packed = pack(b"one\n");
        for len in 0..3 {
            assert_eq!(Packing::of(&packed[..len]), None);
        }
    }
    for text in [
        "",
        "B",
        "BZh9 is no bzip2",
        "P*M\x17",
        "192.0.2.1 - -",
        "(\u{b5}/",
    ] {
        assert_eq!(Packing::of(text.as_bytes()), None, "{text}");
    }
    assert_eq!(foreign(b"PK\x03\x04rest"), Some("a zip archive"));
    assert_eq!(foreign(b"PKs"), None);
}

#[test]
fn every_packing_gives_back_what_was_packed() {
    let text = log(20_000);
    for (packing, pack) in PACKINGS {
        let (out, error) = unpacked(&pack(&text), 1 << 14);
        assert!(error.is_none(), "{packing:?}: {error:?}");
        assert!(out == text, "{packing:?}");
        assert_eq!(unpacked(&pack(b""), 10).0, b"", "{packing:?}");
    }
    assert_eq!(unpacked(b"", 10).0, b"");
    assert_eq!(unpacked(&text, 777).0, text);
    // The first bytes of a packing, and no more.
    assert_eq!(unpacked(b"\x1f", 10).0, b"\x1f");
}

#[test]
fn members_in_a_row_and_padding_are_read() {
    for (packing, pack) in PACKINGS {
        let mut packed = pack(b"one\n");
        packed.extend(pack(b"two\n"));
        packed.extend([0; 512]);
        let (out, error) = unpacked(&packed, 100);
        assert_eq!(
            (out.as_slice(), error.is_none()),
            (&b"one\ntwo\n"[..], true),
            "{packing:?}"
        );
    }
    // A skippable frame before, between and behind.
    let skippable = b"\x53\x2a\x4d\x18\x03\0\0\0abc";
    let mut packed = skippable.to_vec();
    for text in ["one\n", "two\n"] {
        packed.extend(zstd_frame(text.as_bytes()));
        packed.extend(skippable);
    }
    let (out, error) = unpacked(&packed, 100);
    assert_eq!(
        (out.as_slice(), error.is_none()),
        (&b"one\ntwo\n"[..], true)
    );
}

#[test]
fn what_precedes_damage_is_given() {
    let text = log(100_000);
    for (packing, pack) in PACKINGS {
        let packed = pack(&text);
        let middle = packed.len() / 2;
        let torn = packed[..middle].to_vec();
        let mut garbage_after = packed.clone();
        garbage_after.extend(b"nothing packed at all");
        let mut flipped = packed.clone();
        flipped[middle..middle + 64].fill(0xff);
        for (damaged, at_least) in [
            (torn, text.len() / 3),
            (garbage_after, text.len()),
            (flipped, text.len() / 3),
        ] {
            let (out, error) = unpacked(&damaged, 1 << 14);
            assert!(error.is_some(), "{packing:?}");
            assert!(
                out.len() >= at_least,
                "{packing:?} {} {at_least}",
                out.len()
            );
            assert!(out[..at_least] == text[..at_least], "{packing:?}");
        }
    }
}

#[test]
fn a_small_torn_file_is_not_lost() {
    let text = log(40_000);
    for packed in [zstd_frame(&text), xz(&text)] {
        let (out, error) = unpacked(&packed[..packed.len() - 9], 1 << 14);
        assert!(error.is_some());
        assert!(
            out.len() > text.len() / 2 && text.starts_with(&out),
            "{}",
            out.len()
        );
    }
}

#[test]
fn an_xz_file_is_given_up_to_the_byte_where_it_is_torn() {
    // One chunk.
    let text = log(2000);
    let packed = xz(&text);
    for share in 1..4 {
        let (out, error) = unpacked(&packed[..packed.len() / 4 * share], 1 << 14);
        assert!(error.is_some());
        assert!(out.len() > text.len() / 6 * share && text.starts_with(&out));
    }
}

#[test]
fn what_is_packed_over_is_unpacked_up_to_a_depth() {
    let text = log(500);
    let mut packed = text.clone();
    for (index, pack) in [gzip, xz, zstd_frame, bzip2].into_iter().enumerate() {
        packed = pack(&packed);
        let peeled = peel(packed.as_slice()).unwrap();
        assert_eq!(peeled.layers, index + 1);
        assert_eq!(unpacked(&packed, 1000).0, text);
    }
    let (out, error) = unpacked(&gzip(&packed), 1000);
    assert_eq!(out, b"");
    assert!(error.unwrap().to_string().contains("more than 4 times"));
}

#[test]
fn a_window_beyond_the_limit_is_refused() {
    // A frame header with a window of 2 GiB (exponent 21), and a dictionary size of 3 GiB in an xz block header.
    let mut window = ZSTD_MAGIC.to_vec();
    window.extend([0, 21 << 3, 1, 0, 0]);
    let (out, error) = unpacked(&window, 10);
    assert_eq!(out, b"");
    assert!(error.unwrap().to_string().to_lowercase().contains("window"));
    let mut options = lzma_rust2::XzOptions::with_preset(1);
    options.lzma_options.dict_size = 512 << 20;
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(b"one\n").unwrap();
    let (out, error) = unpacked(&writer.finish().unwrap(), 10);
    assert_eq!(out, b"");
    assert!(error.unwrap().to_string().contains("memory"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_come_back_in_any_steps(
        bytes in proptest::collection::vec(any::<u8>(), 0..5000),
        step in 1usize..3000,
        which in 0usize..4,
    ) {
        let (_, pack) = PACKINGS[which];
        let (out, error) = unpacked(&pack(&bytes), step);
        // What was packed may itself look packed.
        prop_assume!(Packing::of(&bytes).is_none());
        prop_assert!(error.is_none());
        prop_assert_eq!(out, bytes);
    }

    #[test]
    fn nothing_panics_on_damage(
        at in 0usize..4000,
        byte in any::<u8>(),
        cut in 0usize..8000,
        which in 0usize..4,
    ) {
        let text = log(600);
        let mut packed = PACKINGS[which].1(&text);
        let len = packed.len();
        packed[at % len] ^= byte;
        packed.truncate(packed.len().min(cut.max(1)));
        unpacked(&packed, 1000);
    }

    #[test]
    fn nothing_panics_on_noise(start in 0usize..4, noise in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut packed = PACKINGS[start].1(b"");
        packed.truncate(6);
        packed.extend(noise);
        unpacked(&packed, 100);
    }
}
