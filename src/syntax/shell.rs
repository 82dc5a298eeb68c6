//! Shell syntax: separators, words with their quoting undone, and which commands they name.
//!
//! Reads POSIX shells and cmd.exe loosely: quotes, backslashes, carets, `$IFS`, `$@`, unset
//! variables and globs within words are undone the way a shell would undo them (POSIX.1-2017, XCU
//! 2.6). What a name is worth depends on its place: `; php` ends a list of interests as well as a
//! command line, `127.0.0.1; php` only the latter.

mod arguments;
mod names;
mod words;

use super::bytes::worth_reading;
use super::needs;
use arguments::{Strength, Takes};
use names::Kind;
use words::Word;

features! {
    /// A separator, then a command.
    Command = "command",
    /// A separator, then nothing but the name of a command that is also a word or a subject.
    LoneCommand = "lone_command",
    /// A separator, then a command with an argument: strong enough for headers.
    StrongCommand = "strong_command",
    /// A separator, then any word with a flag.
    FlaggedWord = "flagged_word",
    /// The text is itself a command line: a known command with an argument.
    CommandLine = "command_line",
    /// The text begins with a command of which no sentence has the name, with an argument.
    StrongLine = "strong_line",
    /// A known command was hidden by quotes, backslashes, globs or empty expansions.
    Obfuscated = "obfuscated",
    /// `$(...)` or backticks around a command.
    Substitution = "substitution",
    /// The text is nothing but one command's name.
    BareCommand = "bare_command",
    /// The path of a system's program.
    BinPath = "bin_path",
    /// A path of wildcards, as in `/???/c?t`.
    Glob = "glob",
}

/// Most words of a command line that begins with a word of the language: sentences are longer.
const MAX_PLAIN_LINE: usize = 6;

/// Most words behind a subject's name if the first of them is no argument.
const MAX_TOPIC_LINE: usize = 3;

/// Most words behind a lone name that are still taken for its arguments.
const MAX_SPOKEN: usize = 2;

/// Most words that the tools of a family are told.
const MAX_TOLD: usize = 4;

/// Names up to this length are also abbreviations.
const SHORT: usize = 3;

/// How many words behind a command may be its arguments.
const MAX_ARGUMENTS: usize = 12;

/// What is asked of the whole text once.
struct Scene<'t> {
    text: &'t [u8],
    /// More than one `|`: a list, if nothing else speaks for a pipe.
    pipes: bool,
    last_backtick: Option<usize>,
    last_bracket: Option<usize>,
}

/// What stands before a separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// Nothing but marks: the value begins with the separator.
    Opening,
    /// A number, an address, one letter, or a command of its own.
    Value,
    /// One word that is the name of a host, a file, a path or a mailbox.
    Name,
    /// A quotation mark or a bracket is closed right before.
    Broken,
    /// Words.
    Words,
}

/// The place of a separated word.
struct Place {
    lead: Lead,
    /// A blank stands between the separator and the word.
    gap: bool,
    /// `&&` or `||`.
    doubled: bool,
    broken_line: bool,
    /// The separator is no mark of a sentence.
    strict: bool,
    /// In "x & y" and "x; y" the mark may be a sentence's own.
    prose: bool,
}

/// A known command in its place.
struct Met<'w> {
    word: &'w Word<'w>,
    kind: Kind,
    takes: Takes,
    /// It is one of a family of tools.
    family: bool,
    /// The first argument's strength, and the best of all.
    first: Strength,
    best: Strength,
    /// How many words follow in the same command.
    count: usize,
    /// The words behind end like a command line and not like a sentence.
    tidy: bool,
    /// The first argument is no long flag, which a search engine would take for "without".
    terse: bool,
    /// The first argument is a path from the root.
    rooted: bool,
}

/// Finds commands.
pub fn analyse(text: &[u8]) -> Facts {
    let mut facts = Facts::default();
    if !worth_reading(text, needs::SHELL) {
        return facts;
    }
    let cuts = words::cut(text);
    let words = cuts.words();
    let scene = Scene {
        text,
        pipes: memchr::memchr_iter(b'|', text).nth(1).is_some(),
        last_backtick: memchr::memrchr(b'`', text),
        last_bracket: memchr::memrchr(b')', text),
    };
    for (at, word) in words.iter().enumerate() {
        let cut = word.cut;
        let next = words.get(at + 1).filter(|next| !next.cut.first);
        if word.text.starts_with(b"/") && arguments::is_glob_path(word.text) {
            facts.note(Feature::Glob, cut.start, cut.end);
        }
        if cut.first && cut.separator != 0 && next.is_some_and(|next| scene.flags(word, next)) {
            facts.note(Feature::FlaggedWord, cut.start, cut.end);
        }
        // a call is code and no command
        let called = text.get(cut.end) == Some(&b'(');
        let Some(kind) = word.kind.filter(|_| !called) else {
            continue;
        };
        let met = Met::new(word, kind, &words[at + 1..]);
        scene.judge(&met, at, words.len(), &mut facts);
    }
    facts
}

impl<'w> Met<'w> {
    /// Looks at what follows a command.
    fn new(word: &'w Word<'w>, kind: Kind, rest: &[Word<'_>]) -> Met<'w> {
        let mut met = Met {
            word,
            kind,
            takes: Takes::of(word.text),
            family: names::is_family(word.text),
            first: Strength::Word,
            best: Strength::Word,
            count: 0,
            tidy: true,
            terse: false,
            rooted: false,
        };
        let mut after_flag = false;
        let mut quoted = false;
        let own = |word: &&Word<'_>| !word.cut.first && word.text.first() != Some(&b'#');
        for argument in rest.iter().take_while(own).take(MAX_ARGUMENTS) {
            let mut strength = met.takes.strength(argument);
            if met.count > 0 && met.takes.launches() && argument.kind.is_some() {
                strength = Strength::Word;
            }
            if met.count == 0 {
                met.first = strength;
                met.rooted = argument.text.starts_with(b"/") && argument.text.len() > SHORT;
                met.terse =
                    !arguments::is_flag(argument.text) || arguments::is_terse_flag(argument.text);
            }
            met.best = met.best.max(strength);
            met.count += 1;
            let program = argument.text.len() > SHORT && argument.kind == Some(Kind::Rare);
            quoted |= argument.cut.quoted;
            // the tools of a family are told what to do in words
            let told = met.family && argument.text.len() > 1;
            met.tidy = strength > Strength::Word || after_flag || quoted || program || told;
            after_flag = arguments::is_letter_flag(argument.text);
        }
        met
    }

    fn ends(&self) -> bool {
        self.count == 0
    }

    fn is_short(&self) -> bool {
        self.word.text.len() <= SHORT
    }
}

impl Scene<'_> {
    /// Notes what a known command in its place means.
    fn judge(&self, met: &Met<'_>, at: usize, count: usize, facts: &mut Facts) {
        let word = met.word;
        let cut = word.cut;
        let path = has_path(word.text);
        let mut note = |feature| facts.note(feature, cut.start.saturating_sub(1), cut.end);
        match cut.separator {
            b'`' | b'(' => {
                if let Some(feature) = self.substituted(met) {
                    note(feature);
                }
            }
            b'{' if self.text.get(cut.end) == Some(&b',') && met.first > Strength::Word => {
                note(Feature::Command);
            }
            b'{' | 0 => {}
            _ if cut.first => {
                let separated = self.separated(met, path);
                if let Some(feature) = separated {
                    note(feature);
                }
                let telling = met.kind != Kind::Plain || met.rooted;
                if telling && met.first == Strength::Strong || path {
                    note(Feature::StrongCommand);
                }
            }
            _ => {}
        }
        if at == 0 && cut.separator == 0 {
            self.line(met, count, &mut note);
        }
        let separated = cut.first && cut.separator != 0;
        let hidden = cut.disguised && word.text.len() > 1;
        if hidden
            && (met.first > Strength::Word
                || separated
                || (met.kind != Kind::Plain && !met.is_short()))
        {
            note(Feature::Obfuscated);
        }
        if path && (met.ends() || met.first > Strength::Word) {
            note(Feature::BinPath);
        }
    }

    /// A command at the beginning of the text.
    fn line(&self, met: &Met<'_>, count: usize, note: &mut impl FnMut(Feature)) {
        let plain = met.kind == Kind::Plain;
        let spoken = met.takes.launches() && met.first == Strength::Strong;
        let near = met.kind == Kind::Rare || met.kind == Kind::Topic && met.count <= MAX_TOPIC_LINE;
        let argued = if near { met.best } else { met.first };
        let told = met.family && (1..=MAX_TOLD).contains(&met.count);
        if told {
            note(Feature::CommandLine);
        }
        let sentence = plain && (count > MAX_PLAIN_LINE || !met.terse || met.word.text.len() == 1);
        if argued > Strength::Word && met.tidy && !sentence {
            note(Feature::CommandLine);
        }
        let brief = plain && met.tidy && met.count <= MAX_SPOKEN && met.rooted;
        if met.first == Strength::Strong && (!plain || spoken || brief) {
            note(Feature::StrongLine);
        }
        if count == 1 && !plain && (met.kind == Kind::Rare || met.word.text.starts_with(b"/")) {
            note(Feature::BareCommand);
        }
        let rest = &self.text[met.word.cut.end..];
        let closed = matches!(rest.first(), Some(b';' | b'|' | b'&'));
        if closed && met.kind == Kind::Rare && is_closing(rest) {
            note(Feature::LoneCommand);
        }
    }

    /// What a command within backticks or `$(` means, if the bracket is closed.
    fn substituted(&self, met: &Met<'_>) -> Option<Feature> {
        let word = met.word;
        let cut = word.cut;
        let backtick = cut.separator == b'`';
        let (last, close) = if backtick {
            (self.last_backtick, b'`')
        } else {
            (self.last_bracket, b')')
        };
        if last.is_none_or(|last| last < cut.end) {
            return None;
        }
        let next = self.text.get(cut.end);
        let closed = next == Some(&close);
        if met.first > Strength::Word {
            return Some(Feature::Substitution);
        }
        if backtick && closed && met.is_short() && self.is_identifier(word) {
            return None;
        }
        // a word of three letters before a mark is found in every random text
        let whole = closed || matches!(next, Some(b' ' | b'|'));
        let telling = match met.kind {
            Kind::Rare => !met.is_short() || whole,
            Kind::Topic => !backtick,
            Kind::Plain => false,
        };
        if telling {
            return Some(Feature::Substitution);
        }
        let all =
            self.lead(word) == Lead::Opening && closed && is_closing(&self.text[cut.end + 1..])
                || !backtick && closed;
        let argued =
            !met.ends() && met.count <= MAX_SPOKEN && (met.kind == Kind::Topic || !backtick);
        (all || argued).then_some(Feature::LoneCommand)
    }

    /// Whether backticks quote a name of SQL or of a sentence: what is around them stands apart.
    fn is_identifier(&self, word: &Word<'_>) -> bool {
        let cut = word.cut;
        let before = cut.separated_at.checked_sub(1).map(|at| self.text[at]);
        let after = self.text.get(cut.end + 1);
        let apart = |b: u8| matches!(b, b' ' | b',' | b'.' | b'(' | b')' | b'=');
        before.is_some_and(apart) || after.is_some_and(|b| apart(*b))
    }

    /// What a command behind a separator means.
    fn separated(&self, met: &Met<'_>, path: bool) -> Option<Feature> {
        let place = self.place(met.word);
        let rest = &self.text[met.word.cut.end..];
        if path {
            return Some(Feature::Command);
        }
        // a data address names its encoding behind the same mark
        if rest.first() == Some(&b',') {
            return None;
        }
        let argued = match (met.kind, met.first) {
            (Kind::Plain, Strength::Strong) => !place.prose || met.terse,
            (_, Strength::Strong) => true,
            (_, Strength::Weak) => !place.prose,
            (Kind::Plain, Strength::Word) => false,
            (_, Strength::Word) => !place.prose && met.best == Strength::Strong,
        };
        if argued {
            return Some(Feature::Command);
        }
        let closing = is_closing(rest);
        let more = rest.is_empty() || rest[0] == b'|' && !closing;
        if met.is_short() && self.pipes && !place.doubled && more {
            return None;
        }
        let ended = closing || matches!(rest[0], b';' | b'&' | b'\n' | b'\r');
        Self::alone(met, &place, ended)
    }

    /// What a command behind a separator means if nothing behind it is its argument.
    fn alone(met: &Met<'_>, place: &Place, closing: bool) -> Option<Feature> {
        let free = place.lead != Lead::Words;
        let tight = !place.gap || place.doubled;
        let spoken = met.count <= MAX_SPOKEN;
        let lone = match met.kind {
            Kind::Rare if place.prose => {
                !met.is_short() && (met.ends() || met.family && met.count <= MAX_TOLD)
            }
            Kind::Rare if met.ends() && (free || !met.is_short() || tight && place.strict) => {
                return Some(Feature::Command);
            }
            Kind::Rare if !met.is_short() && spoken => return Some(Feature::Command),
            // `name|id` is a list of columns
            Kind::Rare => met.ends() && (met.word.cut.separator != b'|' || met.word.text != b"id"),
            // "x; docker run -d y": talk about commands is itself made of them
            Kind::Topic if place.prose => met.best == Strength::Strong && met.tidy,
            Kind::Topic => {
                place.lead == Lead::Opening && spoken && !place.broken_line
                    || met.ends() && free && tight
            }
            Kind::Plain => {
                let opening = place.lead == Lead::Opening;
                let broken = matches!(place.lead, Lead::Value | Lead::Broken);
                met.ends() && closing && (opening || broken && tight && met.word.text.len() > 1)
            }
        };
        lone.then_some(Feature::LoneCommand)
    }

    /// Describes where a separated word stands.
    fn place(&self, word: &Word<'_>) -> Place {
        let cut = word.cut;
        let lead = self.lead(word);
        let gap = self.text.get(cut.separated_at + 1) == Some(&b' ');
        let doubled = cut.separated_at > 0
            && matches!(cut.separator, b'&' | b'|')
            && self.text[cut.separated_at - 1] == cut.separator;
        let broken_line = matches!(cut.separator, b'\n' | b'\r');
        Place {
            lead,
            gap,
            doubled,
            broken_line,
            strict: doubled || broken_line,
            prose: lead == Lead::Words
                && !doubled
                && (gap || broken_line && self.is_sentence(word)),
        }
    }

    /// What stands before a word's separator.
    fn lead(&self, word: &Word<'_>) -> Lead {
        let before = &self.text[..word.cut.separated_at];
        let mark = |b: &u8| !b.is_ascii_alphanumeric() && *b < 0x80 && *b != b'/';
        let trimmed = before.trim_ascii_end();
        if trimmed.iter().all(mark) {
            return Lead::Opening;
        }
        let segment = trimmed
            .iter()
            .rposition(|b| matches!(b, b';' | b'|' | b'&' | b'\n'))
            .map_or(trimmed, |at| &trimmed[at + 1..])
            .trim_ascii();
        match segment.last() {
            Some(b'\'' | b'"' | b')' | b'`') => return Lead::Broken,
            Some(_) => {}
            // two separators in a row
            None => return Lead::Opening,
        }
        let command = segment.len() > SHORT && names::kind(segment) == Some(Kind::Rare);
        let number = segment
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':' | b'-'));
        if segment.len() == 1 || number || command {
            return Lead::Value;
        }
        let plain = |b: &u8| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'.' | b'-' | b'_' | b'/' | b'@' | b'%' | b'\\')
        };
        let named = segment
            .iter()
            .any(|b| matches!(b, b'.' | b'/' | b'@' | b'\\') || b.is_ascii_digit());
        if named && segment.iter().all(plain) {
            Lead::Name
        } else {
            Lead::Words
        }
    }

    /// Whether the line before a separated word has more than one word.
    fn is_sentence(&self, word: &Word<'_>) -> bool {
        let line = self.text[..word.cut.separated_at].trim_ascii();
        let start = memchr::memrchr(b'\n', line).map_or(0, |at| at + 1);
        line[start..].contains(&b' ')
    }

    /// Whether a separated word and the one behind it are a command and its flag.
    fn flags(&self, word: &Word<'_>, next: &Word<'_>) -> bool {
        if !arguments::is_flag(next.text) || !is_plain_word(word.text) {
            return false;
        }
        let gap = self.text.get(word.cut.separated_at + 1) == Some(&b' ');
        let prose = gap && self.lead(word) == Lead::Words;
        !prose || arguments::is_terse_flag(next.text)
    }
}

/// Whether nothing follows but marks that end a command line.
fn is_closing(rest: &[u8]) -> bool {
    rest.iter().take_while(|b| **b != b'#').all(|b| {
        matches!(
            b,
            b'|' | b'"' | b'\'' | b';' | b'&' | b' ' | b')' | b'\n' | b'\r' | b'`' | b'}' | b'/'
        )
    })
}

fn has_path(word: &[u8]) -> bool {
    let folders = [&b"/bin/"[..], b"/sbin/", b"\\system32\\", b"/system32/"];
    memchr::memchr2_iter(b'/', b'\\', word)
        .any(|at| folders.iter().any(|folder| word[at..].starts_with(folder)))
}

fn is_plain_word(word: &[u8]) -> bool {
    word.len() > 1
        && word.first().is_some_and(u8::is_ascii_alphabetic)
        && word
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pieces of command lines, and any bytes.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let known = prop::sample::select(vec![
            ";",
            "|",
            "&&",
            "`",
            "$(",
            "${",
            "}",
            ")",
            "<(",
            "'",
            "\"",
            "\\",
            "^",
            "$@",
            "$ifs",
            "${ifs",
            " ",
            "\n",
            "\\n",
            "id",
            "cat",
            "/etc/passwd",
            "/???/",
            "-la",
            "http://x",
            "a=",
            "#",
            ",",
        ]);
        prop_oneof![
            known.prop_map(|text| text.as_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..4),
        ]
    }

    proptest! {
        #[test]
        fn any_text_is_read(pieces in prop::collection::vec(piece(), 0..40)) {
            let text = pieces.concat();
            for word in words::cut(&text).words() {
                let cut = word.cut;
                prop_assert!(cut.start < cut.end && cut.end <= text.len());
                prop_assert!(cut.separated_at <= cut.start);
                prop_assert!(word.text.len() <= cut.end - cut.start);
            }
            prop_assert!(analyse(&text).stay_within(text.len()));
        }
    }

    #[test]
    fn commands_are_told_from_sentences() {
        let has = |text: &str, feature| analyse(text.as_bytes()).span(feature).is_some();
        for (text, feature) in [
            ("x;whoami", Feature::Command),
            ("127.0.0.1|cat /etc/passwd", Feature::Command),
            ("127.0.0.1; ls", Feature::Command),
            (";a=1 ls -l", Feature::Command),
            (";date", Feature::LoneCommand),
            ("a);set", Feature::LoneCommand),
            ("|env&|env=x", Feature::Command),
            ("shoes;env;", Feature::LoneCommand),
            ("'|bash|'", Feature::LoneCommand),
            ("x;c''at /etc/passwd", Feature::Obfuscated),
            ("x;who\\ami", Feature::Obfuscated),
            ("x;ca${u}t /etc/passwd", Feature::Obfuscated),
            ("$(id)", Feature::Substitution),
            ("`uname -a`", Feature::Substitution),
            ("cat$ifs/etc/passwd", Feature::CommandLine),
            ("grep -r password /var/www", Feature::CommandLine),
            ("/???/c?t /???/p?ss??", Feature::Glob),
            ("whoami", Feature::BareCommand),
            ("a;foo --version", Feature::FlaggedWord),
        ] {
            assert!(has(text, feature), "{text}: {feature:?}");
        }
        for text in [
            "ping pong table ; paddles",
            "cat and dog & mouse",
            "smith; john",
            "items=a|b|c",
            "find my phone",
            "tom & jerry; the movie",
            "php & mysql tutorial",
            "ftp; ssh; telnet",
            "net 30; net 60",
            "top 10 | best of",
            "mind your p's and q's; i'd do",
            "cats & shoes -red",
            "shop:home|list",
            "data:image/png;base64,ivborw0kg//8",
            "update -refurbished",
            "name|id",
        ] {
            assert_eq!(analyse(text.as_bytes()), Facts::default(), "{text}");
        }
        assert!(!has("rm -rf explained", Feature::CommandLine));
    }
}
