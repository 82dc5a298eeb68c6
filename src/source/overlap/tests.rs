//! What is taken for a repetition, and what only looks like one.

use super::*;
use crate::chunk;
use proptest::prelude::*;

/// The number at the beginning of a line.
fn time(line: &[u8]) -> Option<i64> {
    let digits = line.split(|byte| *byte == b' ').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn piece(bytes: &[u8]) -> Piece<'_> {
    Piece {
        bytes: bytes.into(),
        format: "test",
        time: &time,
    }
}

fn found(pieces: &[&[u8]]) -> Vec<Option<Repeat>> {
    find(&pieces.iter().map(|bytes| piece(bytes)).collect::<Vec<_>>())
}

/// Lines of a busy server, one or two a second.
fn log(lines: std::ops::Range<usize>) -> Vec<u8> {
    let words = ["cart", "item", "search", "login", "image"];
    lines
        .flat_map(|n| {
            let word = words[n * n % words.len()];
            format!(
                "{} GET /{word}/{} \"agent {}\"\n",
                1000 + n * 2 / 3,
                n * 7919 % 1000,
                n % 3
            )
            .into_bytes()
        })
        .collect()
}

/// What is left of pieces, sorted.
fn left(pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let repeats = found(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let mut left: Vec<Vec<u8>> = pieces
        .iter()
        .zip(repeats)
        .map(|(bytes, repeat)| bytes[repeat.map_or(0, |repeat| repeat.bytes)..].to_vec())
        .filter(|bytes| !bytes.is_empty())
        .collect();
    left.sort();
    left
}

#[test]
fn twins_are_read_once() {
    let log = log(0..500);
    let all = Some(Repeat {
        bytes: log.len(),
        lines: 500,
        of: 0,
    });
    assert_eq!(found(&[&log, &log, &log]), [None, all, all]);
    let small = b"1 one\n2 two\n";
    assert!(found(&[small, small])[1].is_some());
}

#[test]
fn a_torn_twin_and_a_part_are_left_out_whole() {
    let log = log(0..500);
    let torn = &log[..log.len() / 2 + 7];
    assert_eq!(found(&[torn, &log])[0].unwrap().bytes, torn.len());
    assert_eq!(found(&[&log, torn])[1].unwrap().bytes, torn.len());
    let middle = self::log(100..200);
    assert_eq!(found(&[&log, &middle])[1].unwrap().lines, 100);
}

#[test]
fn the_tail_of_one_is_the_head_of_the_next() {
    let (old, new) = (log(0..500), log(450..900));
    let repeat = found(&[&new, &old])[0].unwrap();
    assert_eq!((repeat.lines, repeat.of), (50, 1));
    assert_eq!(new[repeat.bytes..], log(500..900));
    // Copied within a line: the line is read where it is whole.
    let torn = &old[..old.len() - 5];
    let repeat = found(&[torn, &new])[1].unwrap();
    assert_eq!(
        (repeat.lines, &new[repeat.bytes..]),
        (49, &log(499..900)[..])
    );
}

#[test]
fn what_goes_on_differently_is_no_repetition() {
    let mut other = log(0..250);
    other.extend(b"5000 GET /elsewhere\n");
    assert_eq!(found(&[&log(0..500), &other]), [None, None]);
}

#[test]
fn lines_that_are_equal_for_a_reason_stay() {
    let health = |from: usize, to: usize| -> Vec<u8> {
        (from..to)
            .flat_map(|n| format!("{} GET /health 200\n", n * 10).into_bytes())
            .collect()
    };
    // The balancer asks both servers at the same seconds.
    assert_eq!(found(&[&health(0, 500), &health(400, 900)]), [None, None]);
    // The same line, and no more than that.
    let same = b"1000 GET / 200\n".repeat(300);
    assert_eq!(found(&[&same, &same]), [None, None]);
    assert_eq!(found(&[b"1 started\n", b"1 started\n"]), [None, None]);
    // Two servers start with the same words.
    let start = b"1 notice starting\n1 notice ready\n";
    let (mut a, mut b) = (start.to_vec(), start.to_vec());
    a.extend(log(0..50));
    b.extend(log(60..90));
    assert_eq!(found(&[&a, &b]), [None, None]);
    let other = Piece {
        format: "other",
        ..piece(&a)
    };
    assert_eq!(find(&[piece(&a), other]), [None, None]);
    assert_eq!(
        found(&[b"no time\n", b"no time\n", b""]),
        [None, None, None]
    );
}

#[test]
fn a_ring_of_pieces_loses_nothing() {
    let (x, y, z) = (log(0..100), log(200..300), log(400..500));
    let ring = [
        [&x[..], &y].concat(),
        [&y[..], &z].concat(),
        [&z[..], &x].concat(),
    ];
    let parts = left(&ring).concat();
    let lines: HashSet<&[u8]> = chunk::lines(&parts).map(|(_, line)| line).collect();
    assert_eq!(lines.len(), 300);
    // Where a ring is cut, something stays twice.
    assert_eq!(chunk::lines(&parts).count(), 400);
}

#[test]
fn an_overlap_deep_in_a_large_log_is_found_by_its_time() {
    let (old, new) = (log(0..600_000), log(590_000..600_500));
    assert!(old.len() > 2 * MARGIN);
    let repeat = found(&[&old, &new])[1].unwrap();
    assert_eq!(repeat.lines, 10_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_pieces_does_not_change_what_is_left(
        cuts in proptest::collection::vec((0usize..300, 1usize..200), 1..5),
        turn in 0usize..5,
    ) {
        let mut pieces: Vec<Vec<u8>> = cuts.iter().map(|(from, len)| log(*from..from + len)).collect();
        let forth = left(&pieces);
        let len = pieces.len();
        pieces.rotate_left(turn % len);
        prop_assert_eq!(&left(&pieces), &forth);
        // And no line is lost.
        let mut before: Vec<&[u8]> = pieces.iter().flat_map(|bytes| chunk::lines(bytes)).map(|(_, line)| line).collect();
        let mut after: Vec<&[u8]> = forth.iter().flat_map(|bytes| chunk::lines(bytes)).map(|(_, line)| line).collect();
        before.sort_unstable();
        before.dedup();
        after.sort_unstable();
        after.dedup();
        prop_assert_eq!(before, after);
    }
}
