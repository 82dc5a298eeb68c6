//! The structural features of `syntax` by name, and what the grammars say about one text.
//!
//! The only place that knows every grammar. Not for deciding what a feature means: entries do.

use crate::decode::Decoded;
use crate::syntax::bytes::{self, Signs};
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

/// A grammar, which is asked once for all of its features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grammar {
    Sql,
    Markup,
    Script,
    Shell,
    Path,
    Lookup,
}

impl Grammar {
    pub(super) const ALL: [Grammar; 6] = [
        Grammar::Sql,
        Grammar::Markup,
        Grammar::Script,
        Grammar::Shell,
        Grammar::Path,
        Grammar::Lookup,
    ];
}

impl Syntax {
    /// The grammar that knows the feature; `None` where decoding has told it.
    pub(super) fn grammar(self) -> Option<Grammar> {
        match self {
            Syntax::Sql(_) => Some(Grammar::Sql),
            Syntax::Markup(_) => Some(Grammar::Markup),
            Syntax::Script(_) => Some(Grammar::Script),
            Syntax::Shell(_) => Some(Grammar::Shell),
            Syntax::Path(_) => Some(Grammar::Path),
            Syntax::Lookup(_) => Some(Grammar::Lookup),
            Syntax::Nul | Syntax::References => None,
        }
    }

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
    signs: Option<Signs>,
    sql: Option<sql::Facts>,
    markup: Option<markup::Facts>,
    script: Option<script::Facts>,
    shell: Option<shell::Facts>,
    path: Option<path::Facts>,
    lookup: Option<lookup::Facts>,
}

impl Analyses {
    /// The signs of the text.
    #[inline]
    pub(super) fn signs(&mut self, view: &Decoded) -> Signs {
        *self.signs.get_or_insert_with(|| bytes::signs(&view.lower))
    }

    /// Whether a grammar sees any of its features in `view`.
    pub(super) fn sees(&mut self, grammar: Grammar, view: &Decoded) -> bool {
        let text = &view.lower;
        match grammar {
            Grammar::Sql => self.sql(text).any(),
            Grammar::Markup => self.markup(text).any(),
            Grammar::Script => self.script(text).any(),
            Grammar::Shell => self.shell(text).any(),
            Grammar::Path => self.path(text).any(),
            Grammar::Lookup => self.lookup(text).any(),
        }
    }

    fn sql(&mut self, text: &[u8]) -> &sql::Facts {
        self.sql.get_or_insert_with(|| sql::analyse(text))
    }

    fn markup(&mut self, text: &[u8]) -> &markup::Facts {
        self.markup.get_or_insert_with(|| markup::analyse(text))
    }

    fn script(&mut self, text: &[u8]) -> &script::Facts {
        self.script.get_or_insert_with(|| script::analyse(text))
    }

    fn shell(&mut self, text: &[u8]) -> &shell::Facts {
        self.shell.get_or_insert_with(|| shell::analyse(text))
    }

    fn path(&mut self, text: &[u8]) -> &path::Facts {
        self.path.get_or_insert_with(|| path::analyse(text))
    }

    fn lookup(&mut self, text: &[u8]) -> &lookup::Facts {
        self.lookup.get_or_insert_with(|| lookup::analyse(text))
    }

    /// Where `feature` was seen in `view`.
    pub(super) fn span(&mut self, feature: Syntax, view: &Decoded) -> Option<(usize, usize)> {
        let text = &view.lower;
        match feature {
            Syntax::Sql(f) => self.sql(text).span(f),
            Syntax::Markup(f) => self.markup(text).span(f),
            Syntax::Script(f) => self.script(text).span(f),
            Syntax::Shell(f) => self.shell(text).span(f),
            Syntax::Path(f) => self.path(text).span(f),
            Syntax::Lookup(f) => self.lookup(text).span(f),
            Syntax::References => view.references.then_some((0, text.len())),
            Syntax::Nul => view.nul.then_some((0, text.len())),
        }
    }
}
