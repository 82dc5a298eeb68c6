//! The prefixes that syslog and `journalctl` put before a message.
//!
//! RFC 3164 (`May  9 14:26:03 host prog[pid]: `, in files without its `<PRI>`), the same with the time of RFC 3339 as
//! rsyslog's RSYSLOG_FileFormat writes it, RFC 5424, and the `short` family of journalctl(1).

use crate::event::Unparsed;
use crate::format::envelope::{Peeled, SEVERITIES, When};
use crate::format::spec::Desk;
use crate::time::annual::parse_annual;
use crate::time::zone::is_zone;
use crate::time::{LocalTime, Time, UtcOffset, parse_epoch, parse_iso};

/// The highest `<PRI>`: facility 23, severity 7 (RFC 5424, 6.2.1).
const MAX_PRI: u8 = 191;

/// The longest program name looked for; RFC 5424 allows 48 bytes, the journal more.
const MAX_TAG: usize = 128;

/// The longest host name (RFC 1035, 2.3.4; RFC 5424, 6).
const MAX_HOST: usize = 255;

/// Takes a line of RFC 3164 or of rsyslog's file format apart.
pub fn peel_bsd<'a>(line: &'a [u8], _desk: &mut Desk<'a>) -> Result<Peeled<'a>, Unparsed> {
    let (level, rest) = cut_pri(line);
    if let Some((date, rest)) = parse_annual(rest) {
        let rest = rest.strip_prefix(b" ").ok_or(Unparsed::Truncated)?;
        return Ok(cut_host(When::Annual(date), level, rest));
    }
    let (time, rest) = cut_iso(rest).ok_or(Unparsed::NotThisFormat)?;
    tagged(When::At(time.0, time.1), level, rest).ok_or(Unparsed::NotThisFormat)
}

/// Takes a line apart that only a time of RFC 3339 stands before, as HAProxy's `format iso` has it.
pub fn peel_time<'a>(line: &'a [u8], _desk: &mut Desk<'a>) -> Result<Peeled<'a>, Unparsed> {
    let (level, rest) = cut_pri(line);
    let ((time, zone), message) = cut_iso(rest).ok_or(Unparsed::NotThisFormat)?;
    Ok(Peeled {
        when: When::At(time, zone),
        host: b"",
        program: b"",
        level,
        message,
    })
}

/// Takes a line of RFC 5424 apart: `<134>1 TIME HOST APP PID MSGID [DATA] MESSAGE`, also without `<PRI>`.
pub fn peel_5424<'a>(line: &'a [u8], _desk: &mut Desk<'a>) -> Result<Peeled<'a>, Unparsed> {
    /// Before a message in UTF-8 (RFC 5424, 6.4).
    const BOM: &[u8] = b"\xef\xbb\xbf";
    let (level, rest) = cut_pri(line);
    let rest = rest.strip_prefix(b"1 ").ok_or(Unparsed::NotThisFormat)?;
    let (stamp, rest) = word(rest).ok_or(Unparsed::NotThisFormat)?;
    let (time, zone) = parse_iso(stamp).ok_or(Unparsed::NotThisFormat)?;
    let (host, rest) = word(rest).ok_or(Unparsed::Truncated)?;
    let (program, rest) = word(rest).ok_or(Unparsed::Truncated)?;
    let (_pid, rest) = word(rest).ok_or(Unparsed::Truncated)?;
    let (_id, rest) = word(rest).ok_or(Unparsed::Truncated)?;
    let rest = skip_data(rest).ok_or(Unparsed::Truncated)?;
    // One blank belongs to the header, a second to messages that came by RFC 3164.
    let message = rest.strip_prefix(b" ").unwrap_or(rest);
    let message = message.strip_prefix(b" ").unwrap_or(message);
    Ok(Peeled {
        when: When::At(time, zone),
        host: unless_nil(host),
        program: unless_nil(program),
        level,
        message: message.strip_prefix(BOM).unwrap_or(message),
    })
}

/// Takes a line of `journalctl -o short-iso`, `-o short-iso-precise`, `-o short-full` or `-o short-unix` apart. (What
/// `-o short` and `-o short-precise` write is RFC 3164.)
pub fn peel_journal<'a>(line: &'a [u8], _desk: &mut Desk<'a>) -> Result<Peeled<'a>, Unparsed> {
    if [
        &b"-- Journal begins "[..],
        b"-- Logs begin ",
        b"-- Boot ",
        b"-- Reboot --",
    ]
    .iter()
    .any(|start| line.starts_with(start))
    {
        return Err(Unparsed::Header);
    }
    let (time, rest) = cut_weekday(line)
        .and_then(cut_full)
        .or_else(|| cut_compact(line))
        .or_else(|| cut_unix(line))
        .ok_or(Unparsed::NotThisFormat)?;
    tagged(When::At(time.0, time.1), b"", rest).ok_or(Unparsed::NotThisFormat)
}

type Stamp = (Time, Option<UtcOffset>);

/// `<134>`: the severity are the three low bits.
fn cut_pri(line: &[u8]) -> (&'static [u8], &[u8]) {
    let cut = || {
        let inner = line.strip_prefix(b"<")?;
        let end = inner.iter().take(4).position(|byte| *byte == b'>')?;
        let number: u8 = std::str::from_utf8(&inner[..end]).ok()?.parse().ok()?;
        let level = SEVERITIES[usize::from(number & 7)];
        (number <= MAX_PRI).then_some((level, &inner[end + 1..]))
    };
    cut().unwrap_or((b"", line))
}

/// A word and what follows the blank behind it.
fn word(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b' ', rest)?;
    (end > 0).then(|| (&rest[..end], &rest[end + 1..]))
}

fn unless_nil(word: &[u8]) -> &[u8] {
    match word {
        b"-" => b"",
        _ => word,
    }
}

/// `-`, or elements in brackets in whose quoted values `"`, `\` and `]` are escaped (RFC 5424, 6.3.3).
fn skip_data(mut rest: &[u8]) -> Option<&[u8]> {
    if let Some(after) = rest.strip_prefix(b"-") {
        return Some(after);
    }
    if !rest.starts_with(b"[") {
        return None;
    }
    while rest.starts_with(b"[") {
        let mut at = 1;
        let mut quoted = false;
        loop {
            match rest.get(at)? {
                b'\\' if quoted => at += 1,
                b'"' => quoted = !quoted,
                b']' if !quoted => break,
                _ => {}
            }
            at += 1;
        }
        rest = &rest[at + 1..];
    }
    Some(rest)
}

/// `2026-05-19T14:26:03.123456+02:00 `.
fn cut_iso(line: &[u8]) -> Option<(Stamp, &[u8])> {
    let (stamp, rest) = word(line)?;
    Some((parse_iso(stamp)?, rest))
}

/// `2026-05-19T14:26:03+0200 `: systemd's zone had no colon before version 255; rsyslog's always has one.
fn cut_compact(line: &[u8]) -> Option<(Stamp, &[u8])> {
    let (stamp, rest) = word(line)?;
    let sign = *stamp.get(stamp.len().checked_sub(5)?)?;
    if !matches!(sign, b'+' | b'-') || stamp.contains(&b'Z') {
        return None;
    }
    Some((parse_iso(stamp)?, rest))
}

/// `Tue ` of `-o short-full`.
fn cut_weekday(line: &[u8]) -> Option<&[u8]> {
    let (day, rest) = word(line)?;
    let days: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    days.contains(&day).then_some(rest)
}

/// `2026-05-19 14:26:03 UTC `, also with a zone of which nothing more is known than that it is local.
fn cut_full(rest: &[u8]) -> Option<(Stamp, &[u8])> {
    const LEN: usize = 19;
    let (stamp, after) = rest.split_at_checked(LEN)?;
    let (time, _) = parse_iso(stamp)?;
    let (zone, rest) = word(after.strip_prefix(b" ")?)?;
    is_zone(zone).then_some(())?;
    let offset = UtcOffset::named(zone);
    let local = LocalTime::from_micros(time.micros());
    Some((
        (offset.map_or(time, |offset| local.at(offset)), offset),
        rest,
    ))
}

/// `1779199331.520000 `.
fn cut_unix(line: &[u8]) -> Option<(Stamp, &[u8])> {
    /// Seconds since 1970 have ten digits from 2001 to 2286, behind the point stand six.
    const LEN: usize = 17;
    let (stamp, rest) = word(line)?;
    (stamp.len() == LEN && stamp[10] == b'.').then_some(())?;
    Some(((parse_epoch(stamp)?, Some(UtcOffset::UTC)), rest))
}

/// A host, if one is named, and the message behind a program's name or without one.
fn cut_host<'a>(when: When, level: &'static [u8], rest: &'a [u8]) -> Peeled<'a> {
    tagged(when, level, rest).unwrap_or_else(|| {
        let (host, message) = word(rest).unwrap_or((b"", rest));
        Peeled {
            when,
            host,
            program: b"",
            level,
            message,
        }
    })
}

/// `host prog[pid]: message`, or without the host, as from a local socket. An empty host is two blanks.
fn tagged<'a>(when: When, level: &'static [u8], rest: &'a [u8]) -> Option<Peeled<'a>> {
    let of = |host, (program, message)| Peeled {
        when,
        host: unless_nil(host),
        program,
        level,
        message,
    };
    if let Some(tag) = cut_tag(rest) {
        return Some(of(b"", tag));
    }
    let (host, rest) = match rest.strip_prefix(b" ") {
        Some(rest) => (&b""[..], rest),
        None => word(rest)?,
    };
    let is_host = host.len() <= MAX_HOST && host.iter().all(u8::is_ascii_graphic);
    is_host.then(|| cut_tag(rest))?.map(|tag| of(host, tag))
}

/// `prog[pid]: ` or `prog: `.
fn cut_tag(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let reach = &rest[..rest.len().min(MAX_TAG)];
    let end = reach
        .iter()
        .position(|byte| matches!(byte, b':' | b'[') || !byte.is_ascii_graphic())?;
    let (program, mut rest) = rest.split_at(end);
    if program.is_empty() || program.contains(&b'"') {
        return None;
    }
    if let Some(inner) = rest.strip_prefix(b"[") {
        let digits = inner.iter().take_while(|byte| byte.is_ascii_digit());
        rest = inner[digits.count()..].strip_prefix(b"]")?;
        // rsyslog adds no colon to the name that came in a header of RFC 5424.
        if let Some(message) = rest.strip_prefix(b" ") {
            return Some((program, message));
        }
    }
    let message = rest.strip_prefix(b":")?;
    match message {
        [] => Some((program, message)),
        [b' ', message @ ..] => Some((program, message)),
        // `::1:51000 [...` and `10.0.0.1:80` are no programs.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::spec::Arena;
    use proptest::prelude::*;

    type Peel = for<'a> fn(&'a [u8], &mut Desk<'a>) -> Result<Peeled<'a>, Unparsed>;

    fn parts(peel: Peel, line: &str) -> [String; 5] {
        let arena = Arena::new();
        let peeled = peel(line.as_bytes(), &mut Desk::new(&arena)).expect(line);
        let when = match peeled.when {
            When::At(time, zone) => {
                let zone = zone.map_or("local".to_string(), UtcOffset::label);
                format!("{} {zone}", time.to_rfc3339())
            }
            When::Annual(date) => date.in_year(2026).unwrap().at(UtcOffset::UTC).to_rfc3339(),
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        [
            when,
            text(peeled.host),
            text(peeled.program),
            text(peeled.level),
            text(peeled.message),
        ]
    }

    #[test]
    fn bsd_prefixes_in_their_variants() {
        for (line, expected) in [
            (
                "May  9 14:26:03 lb1 haproxy[881]: x y",
                ["2026-05-09T14:26:03Z", "lb1", "haproxy", "", "x y"],
            ),
            (
                "<134>May  9 14:26:03 haproxy[881]: x",
                ["2026-05-09T14:26:03Z", "", "haproxy", "info", "x"],
            ),
            (
                "<131>May 19 14:26:03  nginx: x",
                ["2026-05-19T14:26:03Z", "", "nginx", "err", "x"],
            ),
            (
                "May  9 14:26:03 db1 kernel: [12.5] Out of memory: x",
                [
                    "2026-05-09T14:26:03Z",
                    "db1",
                    "kernel",
                    "",
                    "[12.5] Out of memory: x",
                ],
            ),
            (
                "May  9 14:26:03 db1 -- MARK --",
                ["2026-05-09T14:26:03Z", "db1", "", "", "-- MARK --"],
            ),
            (
                "2026-05-19T14:26:03+02:00 - haproxy[881] x: y",
                ["2026-05-19T12:26:03Z +02:00", "", "haproxy", "", "x: y"],
            ),
            (
                "2026-05-19T14:26:03.120001+02:00 web1 systemd[1]: Started x.",
                [
                    "2026-05-19T12:26:03.120001Z +02:00",
                    "web1",
                    "systemd",
                    "",
                    "Started x.",
                ],
            ),
        ] {
            assert_eq!(parts(peel_bsd, line), expected, "{line}");
        }
    }

    #[test]
    fn rfc_5424_with_and_without_its_parts() {
        for (line, expected) in [
            (
                "<134>1 2026-05-19T14:26:03.120Z lb1 haproxy 881 - - x y",
                [
                    "2026-05-19T14:26:03.120000Z +00:00",
                    "lb1",
                    "haproxy",
                    "info",
                    "x y",
                ],
            ),
            (
                "1 2026-05-19T14:26:03+02:00 - app - ID7 [a@1 b=\"]\\\"\"][c d=\"\"] \u{feff}x",
                ["2026-05-19T12:26:03Z +02:00", "", "app", "", "x"],
            ),
            (
                "<0>1 2026-05-19T14:26:03Z h - - - -",
                ["2026-05-19T14:26:03Z +00:00", "h", "", "emerg", ""],
            ),
        ] {
            assert_eq!(parts(peel_5424, line), expected, "{line}");
        }
    }

    #[test]
    fn journal_prefixes_in_their_variants() {
        for (line, time) in [
            ("2026-05-19T14:26:03+0200", "2026-05-19T12:26:03Z +02:00"),
            (
                "2026-05-19T14:26:03.000001-0430",
                "2026-05-19T18:56:03.000001Z -04:30",
            ),
            ("Tue 2026-05-19 14:26:03 UTC", "2026-05-19T14:26:03Z +00:00"),
            (
                "Tue 2026-05-19 14:26:03 CEST",
                "2026-05-19T12:26:03Z +02:00",
            ),
            ("Tue 2026-05-19 14:26:03 IST", "2026-05-19T14:26:03Z local"),
            ("1779199331.520000", "2026-05-19T14:02:11.520000Z +00:00"),
        ] {
            let line = format!("{line} web1 php-fpm8.2[7]: x");
            let expected = [time, "web1", "php-fpm8.2", "", "x"];
            assert_eq!(parts(peel_journal, &line), expected, "{line}");
        }
        let arena = Arena::new();
        let head = b"-- Journal begins at Mon 2026-05-04 06:00:01 UTC, ends at Tue 2026-05-19. --";
        assert_eq!(
            peel_journal(head, &mut Desk::new(&arena)),
            Err(Unparsed::Header)
        );
    }

    #[test]
    fn what_only_looks_like_a_prefix_is_none() {
        let arena = Arena::new();
        for line in [
            "",
            "2026-05-19T14:02:11.123456Z 0 [Warning] [MY-010055] [Server] x: y",
            "2026-05-19T14:26:03.120+00:00 ::1:51000 [19/May/2026:14:26:03.120] fe",
            "2026-05-19T14:26:03.120+00:00 203.0.113.7:51000 [19/May/2026:14:26:03.120] fe",
            "203.0.113.7 - - [19/May/2026:14:02:11 +0000] \"GET / HTTP/1.1\" 200 5",
            "<999>May  9 14:26:03 lb1 haproxy[881]: x",
            "2026/05/19 14:26:03 [error] 1#1: x",
            "1 2026-05-19T14:26:03Z h",
            "1 2026-05-19T14:26:03Z h a p i [x",
        ] {
            for peel in [peel_bsd as Peel, peel_5424, peel_journal] {
                let peeled = peel(line.as_bytes(), &mut Desk::new(&arena));
                assert!(peeled.is_err(), "{line}: {peeled:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn never_panics_wherever_a_line_is_cut(
            line in prop_oneof![
                Just("<134>May  9 14:26:03 lb1 haproxy[881]: x"),
                Just("<134>1 2026-05-19T14:26:03.120Z lb1 haproxy 881 - [a b=\"\\]\"] x"),
                Just("2026-05-19T14:26:03+0200 web1 php-fpm8.2[7]: x"),
                Just("Tue 2026-05-19 14:26:03 UTC web1 php-fpm8.2[7]: x"),
            ],
            cut in 0usize..80,
            tail in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let mut bytes = line.as_bytes()[..cut.min(line.len())].to_vec();
            bytes.extend(tail);
            let arena = Arena::new();
            for peel in [peel_bsd as Peel, peel_5424, peel_journal] {
                let _ = peel(&bytes, &mut Desk::new(&arena));
            }
        }
    }
}
