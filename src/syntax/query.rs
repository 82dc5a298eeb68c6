//! How a query is cut into parameters, and how a value that is a URL is told from one that is not.
//!
//! Cuts raw text (RFC 3986 and the WHATWG URL standard's form encoding), before any decoding. Not for
//! judging what the parts mean.

/// Longest plausible parameter name in bytes.
const MAX_NAME: usize = 96;

/// Longest name of a parameter behind `;` in bytes.
const MAX_WORD: usize = 32;

/// Percent codes of blanks, quotes, brackets and separators: no name has them.
const ODD_CODES: [&[u8]; 12] = [
    b"20", b"22", b"27", b"28", b"29", b"3c", b"3e", b"60", b"7c", b"26", b"0a", b"0d",
];

/// Where the first parameter ends: at the next `&` that is followed by a plausible name.
pub fn part_end(rest: &[u8]) -> usize {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'&', &rest[from..]).map(|n| from + n) {
        let after = &rest[at + 1..];
        let name_end = after
            .iter()
            .take(MAX_NAME)
            .position(|&b| matches!(b, b'=' | b'&'));
        match name_end {
            Some(end) if plausible_name(&after[..end]) => return at,
            None if after.len() < MAX_NAME && plausible_name(after) => return at,
            _ => from = at + 1,
        }
    }
    rest.len()
}

/// Whether raw text can be a parameter's name: no blanks, quotes or operators, also not encoded.
pub fn plausible_name(raw: &[u8]) -> bool {
    let odd = |b: &u8| {
        matches!(
            b,
            b'\'' | b'"' | b'<' | b'>' | b'+' | b' ' | b'(' | b')' | b'`' | b'|' | b'\\' | b'/'
        )
    };
    let encoded_odd = |at: usize| {
        let code = raw.get(at + 1..at + 3).unwrap_or_default();
        ODD_CODES.iter().any(|odd| odd.eq_ignore_ascii_case(code))
    };
    !raw.is_empty()
        && raw.len() <= MAX_NAME
        && !raw.iter().any(odd)
        && !memchr::memchr_iter(b'%', raw).any(encoded_odd)
}

/// Every `name=value` behind a `;`, as start and end: matrix parameters of a path (RFC 3986, 3.3), and what
/// old forms wrote instead of `&` (HTML 4.01, B.2.2). A value ends at the next of them, or where the
/// segment ends. Names are short words, so that code is not taken for parameters.
pub fn path_parameters(text: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut next = named_after_semicolon(text, 0);
    std::iter::from_fn(move || {
        let start = next?;
        next = named_after_semicolon(text, start);
        // a slash within the last value belongs to it; before a further one it ends the segment
        let end = next.map_or(text.len(), |next| next - 1);
        let slash = next.and_then(|_| memchr::memchr(b'/', &text[start..end]));
        Some((start, slash.map_or(end, |at| start + at)))
    })
}

/// Where the next `name=` behind a `;` begins, from `from` on.
fn named_after_semicolon(text: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b';', &text[from..]).find_map(|at| {
        let start = from + at + 1;
        let name = text[start..]
            .iter()
            .take(MAX_WORD)
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            .count();
        (name > 0 && text.get(start + name) == Some(&b'=')).then_some(start)
    })
}

/// Where a comment `/*` begins that is closed, if at all, only behind the next parameter's name. Reads
/// raw text: tools leave the signs as they are.
pub fn open_comment(query: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let open = from + memchr::memmem::find(&query[from..], b"/*")?;
        let rest = &query[open + 2..];
        let close = memchr::memmem::find(rest, b"*/");
        if memchr::memchr(b'&', &rest[..close.unwrap_or(rest.len())]).is_some() {
            return Some(open);
        }
        from = open + 2 + close? + 2;
    }
}

/// Where the query of a value begins that is a URL or a path with a query.
pub fn inner_query(value: &[u8]) -> Option<usize> {
    let at = memchr::memchr(b'?', value)?;
    let head = &value[..at];
    let url =
        head.starts_with(b"http://") || head.starts_with(b"https://") || head.starts_with(b"/");
    let plain = head.iter().all(|b| {
        b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'/' | b'.' | b'-' | b'_' | b':' | b'%' | b'~' | b'@' | b',' | 0x80..
            )
    });
    let name = &value[at + 1..];
    let equals = memchr::memchr(b'=', name)?;
    (url && plain && plausible_name(&name[..equals])).then_some(at)
}

/// Whether a URL is a page of a search engine: what people search for elsewhere is no attack here.
pub fn is_search_engine(address: &[u8]) -> bool {
    const ENGINES: [&[u8]; 12] = [
        b"google.",
        b"bing.",
        b"duckduckgo.",
        b"yahoo.",
        b"yandex.",
        b"baidu.",
        b"ecosia.",
        b"qwant.",
        b"startpage.",
        b"ask.",
        b"search.",
        b"naver.",
    ];
    let host = address.splitn(4, |b| *b == b'/').nth(2).unwrap_or_default();
    let labels = [host, host.strip_prefix(b"www.").unwrap_or_default()];
    ENGINES.iter().any(|engine| {
        let inner =
            memchr::memmem::find(host, engine).is_some_and(|at| at > 0 && host[at - 1] == b'.');
        inner || labels.iter().any(|label| label.starts_with(engine))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_end_where_a_name_follows() {
        for (query, first) in [
            ("a=1&b=2", "a=1"),
            ("a=1&&b=2", "a=1&"),
            ("a=x+%26+y&b=2", "a=x+%26+y"),
            ("q=1'+&&+'1'='1", "q=1'+&&+'1'='1"),
            ("cmd=id&%20whoami", "cmd=id&%20whoami"),
            ("flag", "flag"),
        ] {
            let end = part_end(query.as_bytes());
            assert_eq!(&query[..end], first, "{query}");
        }
    }

    #[test]
    fn parameters_follow_semicolons() {
        let found = |text: &str| -> Vec<String> {
            path_parameters(text.as_bytes())
                .map(|(start, end)| text[start..end].to_owned())
                .collect()
        };
        assert_eq!(found("1;b=2;c=3"), ["b=2", "c=3"]);
        assert_eq!(found("/a;x=1/b;y=2/c"), ["x=1", "y=2/c"]);
        assert_eq!(found("/a;x=../../etc"), ["x=../../etc"]);
        for text in ["a;b", "a; b=1", "x;alert(1)=2", ";=1"] {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn comments_that_swallow_a_name_are_found() {
        assert_eq!(open_comment(b"a=1/*&b=*/2"), Some(3));
        assert_eq!(open_comment(b"a=/*x*/1/*&b=2"), Some(8));
        for text in ["a=/*x*/1&b=2", "a=1&b=/*", "a=1&b=2"] {
            assert_eq!(open_comment(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn values_that_are_urls_are_told_apart() {
        assert_eq!(inner_query(b"/search?q=a"), Some(7));
        assert_eq!(inner_query(b"https://shop.example/p?id=1"), Some(22));
        for text in [&b"what? a=b"[..], b"/a?", b"a?b=c", b"/a b?c=d", b"/a?'x=1"] {
            assert_eq!(inner_query(text), None, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn search_engines_are_known_by_their_host() {
        assert!(is_search_engine(b"https://www.google.co.uk/search"));
        assert!(is_search_engine(b"https://duckduckgo.com/"));
        assert!(is_search_engine(b"https://images.search.yahoo.com/x"));
        assert!(!is_search_engine(b"https://shop.example/google."));
        assert!(!is_search_engine(b"https://notgoogle.example/"));
    }

    proptest! {
        #[test]
        fn cuts_lie_within_any_query(text in "(a|b1|=|&|;|/|[?]|%20|[+]|'|/[*]|[*]/|http://x){0,60}") {
            let text = text.as_bytes();
            prop_assert!(part_end(text) <= text.len());
            let mut last = 0;
            for (start, end) in path_parameters(text) {
                prop_assert!(last <= start && start <= end && end <= text.len());
                prop_assert_eq!(text[start - 1], b';');
                last = end;
            }
            prop_assert!(open_comment(text).is_none_or(|at| text[at..].starts_with(b"/*")));
            prop_assert!(inner_query(text).is_none_or(|at| text[at] == b'?'));
        }
    }
}
