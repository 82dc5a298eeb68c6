//! Filling, reading meanwhile, and the limits.

use std::sync::mpsc;

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

const NO_LIMIT: Limits = Limits {
    most: MAX_SPOOLED,
    bomb_from: BOMB_FROM,
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn filled(bytes: &[u8], limits: Limits) -> (Vec<u8>, Vec<Warning>) {
    let spool = Spool::new("x.gz".to_string(), limits);
    spool.fill(bytes);
    assert!(spool.is_whole());
    (spool.so_far().to_vec(), spool.warnings())
}

/// Text that does not pack to nothing.
fn log(lines: u32) -> Vec<u8> {
    (0..lines)
        .flat_map(|n| format!("line {n} {}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
        .collect()
}

#[test]
fn plain_and_packed_streams_arrive_alike() {
    let text = log(20_000);
    for stream in [&text, &gzip(&text)] {
        assert!(filled(stream, NO_LIMIT) == (text.clone(), vec![]));
    }
    assert_eq!(filled(b"", NO_LIMIT), (vec![], vec![]));
}

#[test]
fn damage_is_said_and_what_precedes_it_kept() {
    let text = log(50_000);
    let mut torn = gzip(&text);
    torn.truncate(torn.len() / 2);
    let (bytes, warnings) = filled(&torn, NO_LIMIT);
    assert!(bytes.len() > text.len() / 3 && text.starts_with(&bytes));
    assert_eq!(warnings[0].code, DAMAGED);
    assert!(
        warnings[0]
            .message
            .contains(&format!("Its first {} bytes", bytes.len()))
    );
}

#[test]
fn nothing_grows_beyond_its_limit() {
    let packed = gzip(&vec![b'a'; 10 << 20]);
    let most = |most| Limits { most, ..NO_LIMIT };
    let (bytes, warnings) = filled(&packed, most(1000));
    assert_eq!((bytes.len(), &*warnings[0].code), (1000, CUT_SHORT));
    let (bytes, warnings) = filled(&packed, most(10 << 20));
    assert_eq!((bytes.len(), warnings.len()), (10 << 20, 0));
}

#[test]
fn a_bomb_is_stopped_and_a_flood_of_one_line_is_not() {
    let limits = Limits {
        bomb_from: 1 << 20,
        ..NO_LIMIT
    };
    let zeros = vec![0; (NO_LINES + (8 << 20)) as usize];
    let (bytes, warnings) = filled(&gzip(&zeros), limits);
    assert!(bytes.len() < zeros.len());
    assert!(
        warnings[0].message.contains("times its size"),
        "{warnings:?}"
    );
    let flood = b"192.0.2.1 - - \"GET / HTTP/1.1\"\n".repeat(300_000);
    let (bytes, warnings) = filled(&gzip(&flood), limits);
    assert_eq!((bytes.len(), warnings.len()), (flood.len(), 0));
    // Not packed, it is whatever its owner has.
    let (bytes, warnings) = filled(&zeros[..4 << 20], limits);
    assert_eq!((bytes.len(), warnings.len()), (4 << 20, 0));
}

#[test]
fn a_reader_that_panics_is_damage() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            std::panic::resume_unwind(Box::new("broken"))
        }
    }
    let spool = Spool::new("x".to_string(), NO_LIMIT);
    spool.fill(b"one\n".as_slice().chain(Broken));
    assert_eq!(spool.so_far(), b"one\n");
    assert_eq!(spool.warnings()[0].code, DAMAGED);
}

/// Gives what it is sent, block after block.
struct Blocks {
    blocks: mpsc::Receiver<Vec<u8>>,
    left: Vec<u8>,
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left.is_empty() {
            match self.blocks.recv() {
                Ok(block) => self.left = block,
                Err(_) => return Ok(0),
            }
        }
        let count = self.left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.left[..count]);
        self.left.drain(..count);
        Ok(count)
    }
}

#[test]
fn what_is_there_can_be_read_while_the_rest_comes() {
    let (sender, blocks) = mpsc::channel();
    let spool = Arc::new(Spool::new("-".to_string(), NO_LIMIT));
    assert_eq!(spool.so_far(), b"");
    let crew = Crew::new(1);
    let filling = Arc::clone(&spool);
    let left = Vec::new();
    crew.set_apart(Box::new(move || filling.fill(Blocks { blocks, left })));
    let mut sent = Vec::new();
    for block in log(2000).chunks(9000) {
        let seen = sent.len();
        sent.extend(block);
        sender.send(block.to_vec()).unwrap();
        if cfg!(all(target_os = "linux", target_pointer_width = "64")) {
            spool.wait_beyond(seen);
            let so_far = spool.so_far();
            assert!(so_far.len() > seen && sent.starts_with(so_far));
        }
        assert!(!spool.is_whole());
    }
    assert!(!spool.is_tar());
    drop(sender);
    spool.wait_beyond(usize::MAX);
    assert!(spool.is_whole() && spool.so_far() == sent);
}

#[test]
fn what_nobody_wants_is_not_filled() {
    let spool = Spool::new("-".to_string(), NO_LIMIT);
    spool.abandon();
    spool.fill(io::repeat(b'a'));
    assert!(spool.is_whole());
    assert_eq!(spool.warnings(), []);
}

#[test]
fn a_crew_does_every_job() {
    for threads in [1, 3] {
        let crew = Crew::new(threads);
        let (sender, done) = mpsc::channel();
        for job in 0..20 {
            let sender = sender.clone();
            crew.take_on(Box::new(move || sender.send(job).unwrap()), job % 5 == 0);
        }
        drop(sender);
        let mut jobs: Vec<i32> = done.iter().collect();
        jobs.sort_unstable();
        assert_eq!(jobs, (0..20).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_bytes_are_the_same_whatever_the_steps(
        blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40_000), 0..6),
        packed in any::<bool>(),
    ) {
        let text: Vec<u8> = [b"a log\n".to_vec()].into_iter().chain(blocks.clone()).flatten().collect();
        let stream = if packed { gzip(&text) } else { text.clone() };
        let (sender, receiver) = mpsc::channel();
        let mut rest = stream.as_slice();
        for block in &blocks {
            let (now, later) = rest.split_at(block.len().min(rest.len()));
            sender.send(now.to_vec()).unwrap();
            rest = later;
        }
        sender.send(rest.to_vec()).unwrap();
        drop(sender);
        let spool = Spool::new("-".to_string(), NO_LIMIT);
        spool.fill(Blocks { blocks: receiver, left: Vec::new() });
        prop_assert!(spool.so_far() == text);
    }
}
