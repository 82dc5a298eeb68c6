//! Tables that a reader sorts and searches: whole ones as HTML, long ones as their first rows and, for the script, as data.

use maud::{Markup, html};
use serde::Serialize;

use super::markup::{moment, text};
use crate::report::escape;
use crate::report::words::{self, Clock};
use crate::time::Time;

/// Rows that are written as HTML. A page with fifty thousand would be slow for everybody.
pub const ROWS: usize = 100;

/// Rows that the script is given at most, so that the file stays small enough for a mail.
const MOST: usize = 200_000;

/// What a column sorts by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The text, numbers within it by their value.
    Text,
    /// A number: the cell's key, largest first.
    Number,
    /// A time, a grade: the cell's key.
    Key,
}

/// A cell: what is shown, and what it sorts by where that is not its text.
pub struct Cell {
    shown: Markup,
    key: Option<f64>,
}

impl Cell {
    /// A cell that sorts by a number.
    pub fn new(shown: Markup, key: f64) -> Cell {
        Cell {
            shown,
            key: Some(key),
        }
    }
}

/// A cell that sorts by its text.
pub fn cell(shown: Markup) -> Cell {
    Cell { shown, key: None }
}

/// A number as text.
pub fn keyed(shown: &str, key: f64) -> Cell {
    Cell::new(html! { (text(shown)) }, key)
}

/// A time.
pub fn when(time: Time, clock: &Clock) -> Cell {
    Cell::new(moment(time, &clock.moment(time)), time.secs() as f64)
}

/// A count.
pub fn number(count: u64) -> Cell {
    keyed(&words::count(count), count as f64)
}

/// A table.
pub struct Table {
    /// Its place in the page.
    pub id: String,
    /// What it lists.
    pub caption: &'static str,
    /// Titles and kinds of its columns.
    pub columns: Vec<(&'static str, Kind)>,
    /// Its rows, or the first of them.
    pub rows: Vec<Vec<Cell>>,
    /// How many there are.
    pub all: usize,
}

impl Table {
    /// The table, within a frame that scrolls where it is too wide.
    pub fn render(&self) -> Markup {
        html! {
            div.list data-list=(self.id) {
                div.tools.js-only {
                    label { span { "Search" } input type="search" autocomplete="off" spellcheck="false"; }
                    output.found {}
                    span.pages {
                        button.back type="button" aria-label="Rows before" { "‹" }
                        button.forth type="button" aria-label="Rows behind" { "›" }
                    }
                }
                (self.frame())
                @if self.all > self.rows.len() {
                    p.more.no-js {
                        "The first " (words::count(self.rows.len() as u64)) " of " (words::count(self.all as u64))
                        "; with JavaScript all can be searched here, and they are in the report as JSON."
                    }
                }
            }
        }
    }

    /// The table alone, for what is too short to be searched.
    pub fn frame(&self) -> Markup {
        html! {
            div.frame role="region" tabindex="0" aria-labelledby={ (self.id) "-caption" } {
                table #(self.id) {
                    caption id={ (self.id) "-caption" } { (self.caption) }
                    thead { tr {
                        @for (title, kind) in &self.columns {
                            th scope="col" class=[(*kind == Kind::Number).then_some("number")] { (title) }
                        }
                    } }
                    tbody { @for row in &self.rows { (self.row(row)) } }
                }
            }
        }
    }

    fn row(&self, row: &[Cell]) -> Markup {
        html! {
            tr {
                @for (cell, (_, kind)) in row.iter().zip(&self.columns) {
                    td class=[(*kind == Kind::Number).then_some("number")] data-key=[cell.key] { (cell.shown) }
                }
            }
        }
    }
}

/// Rows with the same cells behind a first one that differs: text that is safe to show.
#[derive(Serialize)]
struct Group {
    first: Vec<String>,
    rest: Vec<String>,
}

/// A long list as the script reads it.
#[derive(Serialize)]
pub struct List {
    id: String,
    groups: Vec<Group>,
    /// Rows that there are, some of which may have been left out.
    all: usize,
    #[serde(skip)]
    kept: usize,
}

impl List {
    /// An empty one, for the table of that id.
    pub fn new(id: &str) -> List {
        List {
            id: id.to_owned(),
            groups: Vec::new(),
            all: 0,
            kept: 0,
        }
    }

    /// Adds rows that differ in their first cell only.
    pub fn add(&mut self, first: &[String], rest: &[String]) {
        let room = MOST - self.kept;
        let visible = |value: &str| escape::terminal(value).into_owned();
        let kept = first.iter().take(room);
        let kept: Vec<String> = kept.map(|value| visible(value)).collect();
        self.all += first.len();
        self.kept += kept.len();
        self.groups.push(Group {
            first: kept,
            rest: rest.iter().map(|value| visible(value)).collect(),
        });
    }
}

/// The long lists of a page.
#[derive(Default, Serialize)]
#[serde(transparent)]
pub struct Lists(pub Vec<List>);

impl Lists {
    /// The table of a list: all of its rows, or the first ones and the rest for the script.
    pub fn table(&mut self, list: List, caption: &'static str, columns: &[&'static str]) -> Markup {
        let rows = list.groups.iter().flat_map(|group| {
            group.first.iter().map(|first| {
                let first = cell(html! { code { (text(first)) } });
                let rest = group.rest.iter().map(|value| cell(html! { (text(value)) }));
                [first].into_iter().chain(rest).collect()
            })
        });
        let table = Table {
            id: list.id.clone(),
            caption,
            columns: columns.iter().map(|title| (*title, Kind::Text)).collect(),
            rows: rows.take(ROWS).collect(),
            all: list.all,
        };
        if list.all > ROWS {
            self.0.push(list);
        }
        table.render()
    }
}
