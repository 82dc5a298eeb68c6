//! Expressions, and texts in which something takes the place of what they match.

use std::borrow::Cow;

use regex::{Captures, Regex};

/// Puts what `write` makes of each match in its place.
pub fn rewrite(
    text: &mut String,
    expression: &Regex,
    mut write: impl FnMut(&Captures<'_>) -> String,
) {
    if let Cow::Owned(new) = expression.replace_all(text, |found: &Captures<'_>| write(found)) {
        *text = new;
    }
}

/// An expression that is compiled when it is first needed.
macro_rules! expression {
    ($name:ident, $text:expr) => {
        static $name: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
            regex::Regex::new($text).expect("an expression that compiles")
        });
    };
}
pub(super) use expression;
