//! What holds for the whole table: it fits, it is safe, and it says what matters.

use super::*;
use crate::report::escape;
use crate::report::sample::{empty, quiet, rich};

const WIDTHS: [usize; 4] = [60, 80, 120, 200];

fn table(report: &Report, width: usize) -> String {
    with_options(
        report,
        TableOptions {
            width,
            tz: None,
            color: false,
        },
    )
}

fn with_options(report: &Report, options: TableOptions) -> String {
    let mut out = Vec::new();
    render(report, &options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn assert_fits_and_is_safe(text: &str, width: usize) {
    for line in text.lines() {
        assert_eq!(escape::terminal(line), line);
        assert!(escape::width(line) <= width, "{width} columns: {line}");
        assert_eq!(line.trim_end(), line);
    }
}

#[test]
fn every_line_fits_at_every_width() {
    for width in WIDTHS {
        for report in [rich(&str::to_string), quiet(&str::to_string), empty()] {
            assert_fits_and_is_safe(&table(&report, width), width);
        }
    }
}

#[test]
fn hostile_log_text_changes_neither_width_nor_terminal() {
    let attacks = [
        "\x1b]8;;http://evil.example\x07",
        "\u{202e}",
        "\r\n\x1b[2J",
        "\u{9b}31m",
        "東京",
        "\u{200b}",
        "&id=%27",
    ];
    for attack in attacks {
        let hostile = |text: &str| format!("{attack}{text}{}", attack.repeat(300));
        for width in WIDTHS {
            assert_fits_and_is_safe(&table(&rich(&hostile), width), width);
        }
    }
}

#[test]
fn the_page_is_used_where_the_terminal_has_it() {
    let report = rich(&str::to_string);
    for width in WIDTHS {
        let longest = table(&report, width).lines().map(escape::width).max();
        assert_eq!(longest, Some(width));
    }
}

#[test]
fn the_answer_comes_first_and_the_gravest_incident_before_the_older_one() {
    let text = table(&rich(&str::to_string), 80);
    let first = text.lines().next().unwrap();
    assert!(first.contains("ATTACK") && first.contains("93%"), "{first}");
    let position = |needle: &str| {
        text.find(needle)
            .unwrap_or_else(|| panic!("no {needle:?} in\n{text}"))
    };
    assert!(position("Incident 2") < position("Incident 1"));
    assert!(position("Incident 1") < position("Other incidents"));
    for fact in [
        "13:58:03 – 15:47:12 (1 h 49 min)",
        "shop.access.log:811904",
        "shop.error.log:7001",
        "16/s → 482/s",
        "42,613 clients",
        "parameter id",
        "suspected: 120 answers",
        "connections exhausted",
        "14:10:02 – 14:20:59 (10 min 57 s)",
        "about 11,200 requests",
        "Blocking three networks",
        "1,812,345 records + 14 unparsed + 1 blank",
    ] {
        position(fact);
    }
}

#[test]
fn times_follow_the_chosen_zone_and_name_it() {
    let tz = Some(UtcOffset(-4 * 3600));
    let text = with_options(
        &rich(&str::to_string),
        TableOptions {
            width: 80,
            tz,
            color: false,
        },
    );
    assert!(
        text.contains("2021-09-05 09:58:03 – 11:47:12 (1 h 49 min), times in UTC-04:00"),
        "{text}"
    );
    assert!(
        text.contains("2021-09-04 20:00:01"),
        "the day changes with the zone:\n{text}"
    );
}

#[test]
fn a_quiet_report_says_what_was_looked_at_and_how_sure_it_is() {
    let text = table(&quiet(&str::to_string), 80);
    assert!(text.contains("NO ATTACK FOUND"));
    let prose = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        prose.contains("Looked at 1,812,345 requests and 8,123 lines of error logs."),
        "{text}"
    );
    assert!(
        prose.contains("14 of 1,820,483 lines (<0.1%) could not be read"),
        "{text}"
    );
}

#[test]
fn without_a_readable_request_there_is_no_verdict() {
    let text = table(&empty(), 80);
    assert!(text.contains("NO VERDICT"));
    assert!(!text.contains("NO ATTACK"));
}

#[test]
fn colour_adds_nothing_but_colour() {
    let report = rich(&str::to_string);
    let coloured = with_options(
        &report,
        TableOptions {
            width: 80,
            tz: None,
            color: true,
        },
    );
    assert!(coloured.contains('\x1b'));
    let bare = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(bare, table(&report, 80));
}
