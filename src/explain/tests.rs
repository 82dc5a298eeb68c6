//! Explanations agree with verdicts, whatever is pasted.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::pattern::load;

static SET: LazyLock<PatternSet> = LazyLock::new(|| load::embedded().unwrap());

fn explained(input: &str) -> Explanation {
    explain(&SET, input.as_bytes(), &Given::default())
}

#[test]
fn inputs_are_told_apart() {
    let combined = crate::format::combined::COMBINED.samples[0];
    for (input, kind, target) in [
        (combined, InputKind::AccessLine, None),
        (
            "GET /a?b=c HTTP/1.1",
            InputKind::RequestLine,
            Some("/a?b=c"),
        ),
        ("POST /a b", InputKind::RequestLine, Some("/a b")),
        ("PROPFIND * HTTP/1.1\r\n", InputKind::RequestLine, Some("*")),
        ("/a?b= c", InputKind::Target, Some("/a?b= c")),
        ("?b=c", InputKind::Target, Some("/?b=c")),
        (
            "https://shop.example/a?b=c#d",
            InputKind::Url,
            Some("/a?b=c"),
        ),
        ("HTTP://shop.example", InputKind::Url, Some("/")),
        ("http://shop.example?b=c", InputKind::Url, Some("/?b=c")),
        ("hello world", InputKind::Unknown, None),
        ("", InputKind::Unknown, None),
    ] {
        let understood = explained(input).understood;
        assert_eq!(understood.kind, kind, "{input}");
        if target.is_some() {
            assert_eq!(understood.target.as_deref(), target, "{input}");
        }
    }
    let url = explained("https://shop.example:8443/a#frag").understood;
    assert_eq!(url.host.as_deref(), Some("shop.example:8443"));
    assert_eq!(url.fragment.as_deref(), Some("frag"));
}

#[test]
fn every_format_is_read() {
    for format in crate::format::ALL {
        for sample in format.samples {
            let understood = explained(sample).understood;
            assert_eq!(understood.format, Some(format.name), "{sample}");
        }
    }
}

#[test]
fn what_is_given_goes_before_what_the_line_says() {
    let given = Given {
        user_agent: Some(b"sqlmap/1.7"),
        referer: Some(b"https://shop.example/"),
        status: Some(404),
        ..Given::default()
    };
    let line = crate::format::combined::COMBINED.samples[0];
    let explanation = explain(&SET, line.as_bytes(), &given);
    assert_eq!(
        explanation.understood.user_agent.as_deref(),
        Some("sqlmap/1.7")
    );
    assert_eq!(explanation.understood.status, Some(404));
    assert!(
        explanation
            .matches
            .iter()
            .any(|fired| fired.field == Field::UserAgent)
    );
}

#[test]
fn layers_are_shown_one_by_one() {
    let explanation = explained("/i?id=1%2527%20UNION%20SELECT%20a%20FROM%20b--");
    let value = explanation
        .places
        .iter()
        .find(|place| place.what == What::Value)
        .unwrap();
    let steps: Vec<&str> = value.steps.iter().map(|step| step.text.as_str()).collect();
    assert_eq!(
        steps,
        [
            "1%2527%20UNION%20SELECT%20a%20FROM%20b--",
            "1%27 UNION SELECT a FROM b--",
            "1' UNION SELECT a FROM b--"
        ]
    );
    assert_eq!(value.rounds, 2);
    let union = explanation
        .matches
        .iter()
        .find(|fired| fired.pattern == "sql-union")
        .unwrap();
    assert_eq!(union.parameter.as_deref(), Some("id"));
    assert!(union.before.starts_with('1'), "{union:?}");
    assert_eq!(
        format!("{}{}{}", union.before, union.matched, union.after),
        value.text
    );
}

#[test]
fn every_part_of_a_request_is_named() {
    let explanation = explained(
        r"/a%27b/c?%3Cb%3E\x22&next=%2Fx%3Fy%3D1%26z%3D2&p=PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==&a[$ne]=1&j=%7B%22k%22%3A%22%3Cb%3E%22%7D&n=a%00b",
    );
    for what in [
        What::AsLogged,
        What::Whole,
        What::Segment,
        What::ParameterName,
        What::Value,
        What::BareValue,
        What::Wrapped,
        What::Json,
        What::JsonString,
        What::AroundNul,
        What::Url,
        What::UrlPart,
    ] {
        assert!(
            explanation.places.iter().any(|place| place.what == what),
            "{what:?}: {explanation:#?}"
        );
    }
}

#[test]
fn a_miss_names_what_came_near() {
    let ordinary = explained("/search?q=garden+chair");
    assert_eq!((ordinary.verdict, ordinary.near), (None, Vec::new()));
    let union = explained("/search?q=western+union+select+comfort");
    assert_eq!(union.near[0].pattern, "sql-union");
    assert_eq!(union.near[0].literal, "union");
    // every near miss of an entry was tried, as far as its literals are there
    let near = SET
        .patterns()
        .iter()
        .flat_map(|pattern| &pattern.ignores)
        .map(|miss| explained(miss))
        .find(|explanation| !explanation.near.is_empty())
        .expect("near misses come near");
    assert!(near.verdict.is_none());
    assert!(near.near.len() <= MAX_NEAR);
    assert!(
        near.near
            .iter()
            .all(|near| near.literal.len() >= MIN_NEAR_LITERAL)
    );
}

/// An explanation says exactly what the ordinary judge, gate and all, says.
fn agrees(input: &[u8]) {
    let explanation = explain(&SET, input, &Given::default());
    let arena = Arena::new();
    let reading = understand::read(input, &Given::default(), &arena);
    let mut gated = Inspector::new(&SET);
    let verdict = reading.judge(&mut gated);
    assert_eq!(explanation.verdict, verdict.map(summary));
    let said: Vec<(&str, Field)> = explanation
        .matches
        .iter()
        .map(|fired| (fired.pattern.as_str(), fired.field))
        .collect();
    let made: Vec<(&str, Field)> = verdict.map_or_else(Vec::new, |verdict| {
        let hits = verdict.matches.iter();
        hits.map(|hit| (SET.pattern(hit.pattern).id.as_str(), hit.field))
            .collect()
    });
    assert_eq!(said, made, "{}", visible(input));
}

#[test]
fn explanations_agree_with_verdicts_on_every_sample() {
    for pattern in SET.patterns() {
        for sample in pattern.matches.iter().chain(&pattern.ignores) {
            agrees(sample.as_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn explanations_agree_with_verdicts_on_anything(
        start in prop::sample::select(vec!["", "/?a=", "GET /", "http://h/?", "/x?b=%27&c="]),
        bytes in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        agrees(&[start.as_bytes(), &bytes].concat());
    }
}
