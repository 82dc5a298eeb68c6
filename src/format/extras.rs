//! What people append to the known fields of an access log, cut into columns.
//!
//! A column ends at a blank, unless it stands in quotes. Lists that nginx writes bare (`$upstream_response_time`,
//! `$http_x_forwarded_for`) have blanks behind their commas and around the colons between groups; such a list is one
//! column, so that what follows it stands in the same column on every line.

/// Columns looked at by those who vote on one. Longer formats are met, but what is looked for stands early in them.
pub const MAX_COLUMNS: usize = 12;

/// The columns, as they are written.
pub fn columns(extras: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = extras;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return None;
        }
        let (column, after) = rest.split_at(end(rest));
        rest = after;
        Some(column)
    })
}

/// Where the first column ends.
fn end(text: &[u8]) -> usize {
    let mut at = 0;
    let mut quoted = false;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' if quoted => quoted = false,
            // In front, or behind a name: `xff="203.0.113.7"`.
            b'"' => quoted = at == 0 || matches!(text[at - 1], b'=' | b':' | b'['),
            b' ' if quoted => {}
            b' ' => match list_goes_on(&text[..at], &text[at..]) {
                0 => return at,
                blanks => at += blanks - 1,
            },
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// How many bytes stand between two entries of one list: `a, b` and `a : b`; 0 where the list ends.
fn list_goes_on(before: &[u8], after: &[u8]) -> usize {
    match after {
        _ if before.ends_with(b"\"") => 0,
        [b' ', b':', b' ', next, ..] if *next != b'"' => 3,
        [b' ', next, ..] if before.ends_with(b",") && *next != b'"' => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_end_at_blanks_outside_quotes_and_lists() {
        for (text, expected) in [
            ("", &[][..]),
            ("  1532 ", &["1532"]),
            ("0.412 0.409 .", &["0.412", "0.409", "."]),
            (r#""a, b" 0.1"#, &[r#""a, b""#, "0.1"]),
            (r#""a \" b\\" 0.1"#, &[r#""a \" b\\""#, "0.1"]),
            (r#"xff="a, b" rt=0.1"#, &[r#"xff="a, b""#, "rt=0.1"]),
            ("0.1, 0.2 : 0.3 - 200", &["0.1, 0.2 : 0.3", "-", "200"]),
            (
                "203.0.113.7, 10.0.0.2 0.1",
                &["203.0.113.7, 10.0.0.2", "0.1"],
            ),
            (
                r#"[shop-web-80] [] "never ends"#,
                &["[shop-web-80]", "[]", r#""never ends"#],
            ),
            (r#""a", "b""#, &[r#""a","#, r#""b""#]),
        ] {
            let found: Vec<_> = columns(text.as_bytes()).collect();
            let expected: Vec<_> = expected.iter().map(|text| text.as_bytes()).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn columns_are_parts_in_order_and_only_blanks_are_lost(
            text in proptest::collection::vec(
                proptest::sample::select(&b"a\", :\\-="[..]), 0..40),
        ) {
            let mut rest = &text[..];
            for column in columns(&text) {
                prop_assert!(!column.is_empty());
                let blanks = column.as_ptr() as usize - rest.as_ptr() as usize;
                prop_assert!(rest[..blanks].iter().all(|byte| *byte == b' '));
                rest = &rest[blanks + column.len()..];
            }
            prop_assert!(rest.iter().all(|byte| *byte == b' '));
        }
    }
}
