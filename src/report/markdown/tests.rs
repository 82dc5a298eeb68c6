//! What holds for every draft: its sections stand, nothing in a log means anything to Markdown, and it says what matters.

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::*;
use crate::report::sample::{empty, quiet, rich};

const SECTIONS: [&str; 7] = [
    "Summary",
    "Timeline",
    "Root cause and evidence",
    "Impact",
    "What would have helped",
    "Indicators",
    "Appendix: evidence",
];

fn markdown(report: &Report) -> String {
    let mut out = Vec::new();
    render(report, None, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn parsed(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::all())
}

/// The kinds of blocks and spans, in order: all that a reader sees besides text.
fn shape(text: &str) -> Vec<String> {
    let shape = parsed(text).filter_map(|event| match event {
        Event::Start(tag) => Some(format!("{tag:?}")),
        Event::Text(_) | Event::Code(_) | Event::End(_) | Event::SoftBreak => None,
        other => Some(format!("{other:?}")),
    });
    shape.collect()
}

fn prose(text: &str) -> String {
    let pieces = parsed(text).map(|event| match event {
        Event::Text(text) | Event::Code(text) => text.to_string(),
        Event::Start(Tag::TableCell | Tag::Item | Tag::Paragraph) => " ".to_owned(),
        _ => String::new(),
    });
    pieces.collect()
}

#[test]
fn every_section_stands_in_its_order_even_if_there_is_nothing_to_say() {
    for report in [rich(&str::to_string), quiet(&str::to_string), empty()] {
        let text = markdown(&report);
        let headings = text.lines().filter_map(|line| line.strip_prefix("## "));
        assert_eq!(headings.collect::<Vec<_>>(), SECTIONS);
        for section in text.split("\n## ").skip(1) {
            assert!(section.lines().count() > 2, "{section}");
        }
    }
}

#[test]
fn hostile_log_text_means_nothing() {
    let attacks = [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](http://evil.example/p)",
        "http://evil.example www.evil.example a@evil.example",
        "`` ` ```",
        "a | b | c",
        "\r\n\n# heading\n| a |\n|---|\n\n- item\n\n    code",
        "\x1b]8;;http://evil.example\x07\u{202e}\u{9b}31m",
        "$x$ **b** _i_ ~~s~~ &lt; <!-- --> @someone #1 :+1: [^1] [[wiki]] {.a} ^a^ \\",
        "---",
        "===",
        "1. one",
        "+ plus",
        "> quote",
        "Term\n: definition",
    ];
    let harmless = shape(&markdown(&rich(&str::to_string)));
    for attack in attacks {
        for hostile in [
            &|text: &str| format!("{attack}{text}") as String,
            &|text: &str| format!("{text}{attack}"),
        ] as [&dyn Fn(&str) -> String; 2]
        {
            let text = markdown(&rich(hostile));
            assert_eq!(shape(&text), harmless, "{attack}");
            for line in text.lines() {
                assert_eq!(crate::report::escape::terminal(line), line);
            }
        }
    }
    let links = harmless
        .iter()
        .filter(|kind| kind.contains("Link") || kind.contains("Html"));
    assert_eq!(links.count(), 0);
}

#[test]
fn the_draft_says_what_a_postmortem_says() {
    let report = rich(&str::to_string);
    let text = prose(&markdown(&report));
    for fact in [
        "Postmortem: injection attempts with a traffic surge on 2021-09-05",
        "13:58:03 – 15:47:12 UTC (1 hour 49 minutes)",
        "All times in UTC.",
        "44,000 clients sent 1.50 million requests meanwhile. 31,900 of them met a server error",
        "connections exhausted",
        "suspected",
        "who was called, and when",
        "Blocking three networks",
        "/var/log/nginx/shop.access.log, line 811904",
    ] {
        assert!(text.contains(fact), "no {fact:?} in\n{text}");
    }
}

#[test]
fn every_number_of_a_line_stands_in_the_appendix_once() {
    let text = markdown(&rich(&str::to_string));
    let (story, appendix) = text.split_once("## Appendix").unwrap();
    let listed: Vec<&str> = appendix
        .lines()
        .filter_map(|line| line.strip_prefix("- **E")?.split("**").next())
        .collect();
    assert!(!listed.is_empty());
    for (number, expected) in listed.iter().zip(1..) {
        assert_eq!(*number, expected.to_string());
        assert!(story.contains(&format!("E{number}")));
    }
    assert!(!story.contains(&format!("E{}", listed.len() + 1)));
}

#[test]
fn times_follow_the_chosen_zone() {
    let mut out = Vec::new();
    let zone = Some(UtcOffset(-4 * 3600));
    render(&rich(&str::to_string), zone, &mut out).unwrap();
    let text = prose(std::str::from_utf8(&out).unwrap());
    assert!(text.contains("09:58:03 – 11:47:12 UTC-04:00"), "{text}");
}
