//! Lines of a fixed width: text with tones, wrapped or cut, written with or without colour.
//!
//! Every string becomes a `Text`, and every `Text` is escaped: no renderer above this file can let a
//! log byte through. Knows nothing of reports.

use std::io::{self, Write};

use anstyle::{Ansi256Color, Style};

use crate::report::escape;

/// Prose wider than this is hard to read; charts and log lines use the whole width.
const READING_COLUMNS: usize = 120;

/// A blank that a line is not broken at. Escaping lets none through, so every one in a `Text` is ours;
/// it is written as an ordinary blank.
const NO_BREAK: char = '\u{a0}';

/// Colours of the 256 that terminals agree on, in the middle between dark and light: each stands out from a black, a white
/// and the usual dark and cream backgrounds at 3 to 1 (WCAG 2.2, 1.4.11). The sixteen named colours are what a terminal
/// makes of them, and yellow and cyan are hardly seen on white in most.
const RED: Ansi256Color = Ansi256Color(196);
const ORANGE: Ansi256Color = Ansi256Color(166);
const GREEN: Ansi256Color = Ansi256Color(28);
const BLUE: Ansi256Color = Ansi256Color(31);

/// What a piece of text wants to say beyond its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary.
    Plain,
    /// Read this first.
    Strong,
    /// Read this last.
    Quiet,
    /// The verdict's badge when there is an attack.
    AlarmBadge,
    /// The verdict's badge when there is none.
    CalmBadge,
    /// Critical.
    Alarm,
    /// Needs attention.
    Warn,
    /// Who and where.
    Accent,
    /// Fine.
    Good,
}

impl Tone {
    fn style(self) -> Style {
        let colour = |colour: Ansi256Color| Style::new().fg_color(Some(colour.into()));
        match self {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().bold(),
            Tone::Quiet => Style::new().dimmed(),
            Tone::AlarmBadge => colour(RED).bold().invert(),
            Tone::CalmBadge => colour(GREEN).bold().invert(),
            Tone::Alarm => colour(RED).bold(),
            Tone::Warn => colour(ORANGE),
            Tone::Accent => colour(BLUE),
            Tone::Good => colour(GREEN),
        }
    }
}

/// Safe text with tones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(Vec<(char, Tone)>);

impl Text {
    /// Nothing yet.
    pub fn new() -> Text {
        Text::default()
    }

    /// Adds text in the ordinary tone.
    pub fn plain(self, text: &str) -> Text {
        self.toned(Tone::Plain, text)
    }

    /// Adds text in the tone for what is read last.
    pub fn quiet(self, text: &str) -> Text {
        self.toned(Tone::Quiet, text)
    }

    /// Adds text in the tone for what is read first.
    pub fn strong(self, text: &str) -> Text {
        self.toned(Tone::Strong, text)
    }

    /// Adds text in a tone.
    pub fn toned(mut self, tone: Tone, text: &str) -> Text {
        let safe = escape::terminal(text);
        self.0
            .extend(safe.chars().map(|character| (character, tone)));
        self
    }

    /// Adds text in a tone that a line end never tears apart.
    pub fn kept(mut self, tone: Tone, text: &str) -> Text {
        let safe = escape::terminal(text);
        let whole = safe.chars().map(|character| {
            if character == ' ' {
                NO_BREAK
            } else {
                character
            }
        });
        self.0.extend(whole.map(|character| (character, tone)));
        self
    }

    /// Adds another text.
    pub fn text(mut self, other: Text) -> Text {
        self.0.extend(other.0);
        self
    }

    /// Adds blanks until the text is `columns` wide.
    pub fn padded(self, columns: usize) -> Text {
        let missing = columns.saturating_sub(self.width());
        self.plain(&" ".repeat(missing))
    }

    /// Columns on the terminal.
    pub fn width(&self) -> usize {
        columns_of(&self.0)
    }

    /// True when there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Cut at the end so that it takes at most `columns`.
    pub fn fit(mut self, columns: usize) -> Text {
        if self.width() > columns {
            let kept = prefix_that_fits(&self.0, columns.saturating_sub(1));
            self.0.truncate(kept);
            self.0.extend((columns > 0).then_some(('…', Tone::Quiet)));
        }
        self
    }

    /// Broken at blanks into lines of at most `columns`, words that are longer at any place; what
    /// does not fit into `max_lines` is cut.
    fn wrap(self, columns: usize, max_lines: usize) -> Vec<Text> {
        let columns = columns.max(1);
        let mut lines = Vec::new();
        let mut rest = self.0.as_slice();
        while lines.len() + 1 < max_lines && columns_of(rest) > columns {
            let (line, after) = rest.split_at(break_point(rest, columns));
            lines.push(Text(line.to_vec()));
            rest = skip_blanks(after);
        }
        lines.push(Text(rest.to_vec()).fit(columns));
        lines
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::new().plain(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text::new().plain(&text)
    }
}

fn columns_of(characters: &[(char, Tone)]) -> usize {
    characters
        .iter()
        .map(|&(character, _)| escape::char_width(character))
        .sum()
}

/// How many leading characters fit into `columns`.
fn prefix_that_fits(characters: &[(char, Tone)], columns: usize) -> usize {
    let mut used = 0;
    characters
        .iter()
        .take_while(|&&(character, _)| {
            used += escape::char_width(character);
            used <= columns
        })
        .count()
}

/// Where a line of at most `columns` ends: at the last blank, else after as much as fits, and after
/// one character at least.
fn break_point(characters: &[(char, Tone)], columns: usize) -> usize {
    let fits = prefix_that_fits(characters, columns);
    (1..=fits.min(characters.len() - 1))
        .rev()
        .find(|&at| characters[at].0 == ' ' && !belongs_together(characters, at))
        .unwrap_or(fits.max(1))
}

/// Whether the blank at `at` stands inside a quantity: `8 s`, `4.2 GB`, `4 h 12 m`.
fn belongs_together(characters: &[(char, Tone)], at: usize) -> bool {
    const LONGEST_UNIT: usize = 2;
    let character = |index: usize| {
        characters
            .get(index)
            .map_or(' ', |&(character, _)| character)
    };
    let before = character(at - 1);
    let unit = (at + 1..)
        .take_while(|&index| character(index).is_ascii_alphabetic())
        .take(LONGEST_UNIT + 1)
        .count();
    let before_unit = before.is_ascii_digit() && (1..=LONGEST_UNIT).contains(&unit);
    let after_unit = at >= 2 && character(at - 2) == ' ' && "dhm".contains(before);
    before_unit || (after_unit && character(at + 1).is_ascii_digit())
}

fn skip_blanks(characters: &[(char, Tone)]) -> &[(char, Tone)] {
    let blanks = characters
        .iter()
        .take_while(|&&(character, _)| character == ' ')
        .count();
    &characters[blanks..]
}

/// A sink for lines that are never wider than they may be.
pub struct Page<'a> {
    out: &'a mut dyn Write,
    width: usize,
    color: bool,
}

impl<'a> Page<'a> {
    /// A page of `width` columns.
    pub fn new(out: &'a mut dyn Write, width: usize, color: bool) -> Page<'a> {
        Page { out, width, color }
    }

    /// Columns of the page.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Columns that a line of prose has at an indentation.
    pub fn room(&self, indent: usize) -> usize {
        self.width.min(READING_COLUMNS).saturating_sub(indent)
    }

    /// An empty line.
    pub fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// One line, cut at the page's width.
    pub fn line(&mut self, indent: usize, text: Text) -> io::Result<()> {
        let line = Text::new().padded(indent).text(text).fit(self.width);
        self.write(&line)
    }

    /// Prose, wrapped to at most `max_lines` lines.
    pub fn paragraph(&mut self, indent: usize, text: Text, max_lines: usize) -> io::Result<()> {
        self.hanging(indent, Text::new(), 0, text, max_lines)
    }

    /// A label in a column of its own, and prose beside it.
    pub fn hanging(
        &mut self,
        indent: usize,
        label: Text,
        label_columns: usize,
        body: Text,
        max_lines: usize,
    ) -> io::Result<()> {
        let left = indent + label_columns;
        let mut label = Some(label.fit(label_columns.saturating_sub(1)));
        for line in body.wrap(self.room(left), max_lines) {
            let margin = Text::new()
                .padded(indent)
                .text(label.take().unwrap_or_default());
            self.write(&margin.padded(left).text(line).fit(self.width))?;
        }
        Ok(())
    }

    /// A title in a rule across the page.
    pub fn rule(&mut self, title: Text) -> io::Result<()> {
        let title = Text::new()
            .quiet("── ")
            .text(title)
            .fit(self.width.saturating_sub(4));
        let filler = "─".repeat(self.width.saturating_sub(title.width() + 1));
        self.write(&title.plain(" ").quiet(&filler))
    }

    fn write(&mut self, line: &Text) -> io::Result<()> {
        let blanks = line
            .0
            .iter()
            .rev()
            .take_while(|(character, _)| *character == ' ')
            .count();
        let shown = &line.0[..line.0.len() - blanks];
        for run in shown.chunk_by(|left, right| left.1 == right.1) {
            let text: String = run
                .iter()
                .map(|&(character, _)| written(character))
                .collect();
            let style = run[0].1.style();
            if self.color && run[0].1 != Tone::Plain {
                write!(self.out, "{style}{text}{style:#}")?;
            } else {
                self.out.write_all(text.as_bytes())?;
            }
        }
        writeln!(self.out)
    }
}

/// The character as the terminal gets it.
fn written(character: char) -> char {
    if character == NO_BREAK {
        ' '
    } else {
        character
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, columns: usize, max_lines: usize) -> Vec<String> {
        Text::from(text)
            .wrap(columns, max_lines)
            .iter()
            .map(|line| line.0.iter().map(|(character, _)| character).collect())
            .collect()
    }

    #[test]
    fn text_wraps_at_blanks_and_long_words_anywhere() {
        assert_eq!(wrapped("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh ij", 4, 9), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("one two three", 7, 1), ["one tw…"]);
        assert_eq!(wrapped("東京都 x", 4, 9), ["東京", "都 x"]);
        assert_eq!(wrapped("", 4, 9), [""]);
    }

    #[test]
    fn quantities_stay_in_one_piece() {
        assert_eq!(
            wrapped("took 4 h 12 m in all", 9, 9),
            ["took", "4 h 12 m", "in all"]
        );
        assert_eq!(
            wrapped("sent 42 GB, twice", 8, 9),
            ["sent", "42 GB,", "twice"]
        );
        assert_eq!(wrapped("at 7 people", 5, 9), ["at 7", "peopl", "e"]);
        let kept = Text::from("a ").kept(Tone::Plain, "b c d");
        assert_eq!(kept.wrap(6, 9).len(), 2);
    }

    /// Relative luminance (WCAG 2.2) of an sRGB colour.
    fn luminance(rgb: [u8; 3]) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            match value <= 0.040_45 {
                true => value / 12.92,
                false => ((value + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2])
    }

    /// The colour of an index into the cube of six steps in each of red, green and blue (xterm's 256colres).
    fn cube(color: Ansi256Color) -> [u8; 3] {
        const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        let place = usize::from(color.0 - 16);
        [place / 36, place / 6 % 6, place % 6].map(|step| STEPS[step])
    }

    #[test]
    fn colours_can_be_read_on_dark_and_on_light() {
        let backgrounds = [
            [0, 0, 0],
            [0x1e, 0x1e, 0x1e],
            [0x00, 0x2b, 0x36],
            [255, 255, 255],
            [0xfd, 0xf6, 0xe3],
        ];
        for color in [RED, ORANGE, GREEN, BLUE] {
            for background in backgrounds {
                let (a, b) = (luminance(cube(color)), luminance(background));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(
                    contrast >= 3.0,
                    "{color:?} on {background:?}: {contrast:.2}"
                );
            }
        }
    }

    #[test]
    fn colour_is_written_only_when_asked() {
        let write = |color| {
            let mut out = Vec::new();
            let text = Text::new().toned(Tone::Alarm, "red").plain(" \x1b[0m  ");
            Page::new(&mut out, 80, color).line(1, text).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(write(false), " red \\x1b[0m\n");
        assert_eq!(
            write(true),
            " \u{1b}[1m\u{1b}[38;5;196mred\u{1b}[0m \\x1b[0m\n"
        );
    }
}
