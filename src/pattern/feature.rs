//! The structural features of `syntax` by name, and what the grammars say about one text.
//!
//! The only place that knows every grammar. Not for deciding what a feature means: entries do.

use crate::decode::Decoded;
use crate::syntax::{lookup, markup, path, script, shell, sql};

/// A structural feature that an entry can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Sql(sql::Feature),
    Markup(markup::Feature),
    Script(script::Feature),
    Shell(shell::Feature),
    Path(path::Feature),
    Lookup(lookup::Feature),
    /// A NUL byte was in the text: it ends a name in the eyes of C, and nowhere else.
    Nul,
    /// Letters or brackets were written as numeric character references.
    References,
}

impl Syntax {
    /// What the feature is, in words.
    fn about(self) -> &'static str {
        match self {
            Syntax::Sql(feature) => feature.about(),
            Syntax::Markup(feature) => feature.about(),
            Syntax::Script(feature) => feature.about(),
            Syntax::Shell(feature) => feature.about(),
            Syntax::Path(feature) => feature.about(),
            Syntax::Lookup(feature) => feature.about(),
            Syntax::Nul => {
                "A NUL byte in the text: it ends a name in the eyes of C, and nowhere else."
            }
            Syntax::References => {
                "Letters, digits or brackets written as numeric character references."
            }
        }
    }

    /// Reads `grammar.feature`.
    pub(super) fn parse(name: &str) -> Option<Syntax> {
        let (grammar, feature) = name.split_once('.')?;
        match grammar {
            "sql" => sql::Feature::parse(feature).map(Syntax::Sql),
            "markup" => markup::Feature::parse(feature).map(Syntax::Markup),
            "script" => script::Feature::parse(feature).map(Syntax::Script),
            "shell" => shell::Feature::parse(feature).map(Syntax::Shell),
            "path" => path::Feature::parse(feature).map(Syntax::Path),
            "text" => match feature {
                "nul" => Some(Syntax::Nul),
                "references" => Some(Syntax::References),
                _ => None,
            },
            "lookup" => lookup::Feature::parse(feature).map(Syntax::Lookup),
            _ => None,
        }
    }
}

/// What a feature is, in words; `None` when there is none of that name.
pub fn syntax_about(name: &str) -> Option<&'static str> {
    Syntax::parse(name).map(Syntax::about)
}

/// Every feature that an entry's `syntax` may name.
pub fn syntax_names() -> Vec<String> {
    let list = |grammar: &str, names: Vec<&'static str>| {
        names
            .into_iter()
            .map(|name| format!("{grammar}.{name}"))
            .collect::<Vec<_>>()
    };
    [
        list("sql", sql::Feature::names()),
        list("markup", markup::Feature::names()),
        list("script", script::Feature::names()),
        list("shell", shell::Feature::names()),
        list("path", path::Feature::names()),
        list("lookup", lookup::Feature::names()),
        list("text", vec!["nul", "references"]),
    ]
    .concat()
}

/// What the grammars say about one text; each is asked at most once.
#[derive(Default)]
pub(super) struct Analyses {
    sql: Option<sql::Facts>,
    markup: Option<markup::Facts>,
    script: Option<script::Facts>,
    shell: Option<shell::Facts>,
    path: Option<path::Facts>,
    lookup: Option<lookup::Facts>,
}

impl Analyses {
    /// Where `feature` was seen in `view`.
    pub(super) fn span(&mut self, feature: Syntax, view: &Decoded) -> Option<(usize, usize)> {
        let text = &view.lower;
        match feature {
            Syntax::Sql(f) => self.sql.get_or_insert_with(|| sql::analyse(text)).span(f),
            Syntax::Markup(f) => self
                .markup
                .get_or_insert_with(|| markup::analyse(text))
                .span(f),
            Syntax::Script(f) => self
                .script
                .get_or_insert_with(|| script::analyse(text))
                .span(f),
            Syntax::Shell(f) => self
                .shell
                .get_or_insert_with(|| shell::analyse(text))
                .span(f),
            Syntax::Path(f) => self.path.get_or_insert_with(|| path::analyse(text)).span(f),
            Syntax::References => view.references.then_some((0, text.len())),
            Syntax::Nul => view.nul.then_some((0, text.len())),
            Syntax::Lookup(f) => self
                .lookup
                .get_or_insert_with(|| lookup::analyse(text))
                .span(f),
        }
    }
}
