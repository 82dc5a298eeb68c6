//! Reads packs: the embedded ones, and folders that add or replace entries; proves entries right.
//!
//! Every fault of every file is reported at once, with file, line, entry and remedy.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::cost;
use super::entry::{Field, Pattern, PatternId};
use super::facts::{Facts, GateWords, TARGETS, TEXTS};
use super::gate::Gate;
use super::inspector::Inspector;
use super::ready;
use super::set::{Entry, PatternSet, compile_regex};
use super::watch::{Told, Watch};
use crate::client::Client;
use crate::decode::Decoded;
use crate::error::{Error, Result};
use crate::event::Access;
use crate::time::Time;

/// Most entries: a [`PatternId`](super::set::PatternId) has 16 bits.
const MAX_PATTERNS: usize = u16::MAX as usize;

/// The form of a pack.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    #[serde(default)]
    pattern: Vec<Spanned<Pattern>>,
}

/// An entry and where it stands.
struct Placed {
    pattern: Pattern,
    place: Cow<'static, str>,
    /// What the build script found out of it; nothing for what was read just now.
    ready: Option<Facts>,
}

/// Entries by id, and every fault met on the way.
#[derive(Default)]
struct Collection {
    entries: BTreeMap<String, Placed>,
    faults: Vec<String>,
    packs: usize,
}

/// The packs within the binary, compiled.
pub fn embedded() -> Result<PatternSet> {
    load(&[])
}

/// The embedded packs, with the `*.toml` files of `extra_dirs` adding entries, or replacing those of
/// the same id.
pub fn load(extra_dirs: &[PathBuf]) -> Result<PatternSet> {
    let mut collection = Collection::default();
    collection.add_embedded();
    for dir in extra_dirs {
        collection.add_dir(dir)?;
    }
    collection.compile().map(|(set, _)| set)
}

/// What `check` looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// Pack files read.
    pub packs: usize,
    /// Entries checked.
    pub patterns: usize,
    /// Positive samples that fired.
    pub matches: usize,
    /// Near misses that stayed silent.
    pub ignores: usize,
    /// Entries that are right and dear: what each costs and what would help.
    pub notes: Vec<String>,
}

/// Proves every entry of the embedded packs, or of `dir` alone: each `matches` fires its own entry,
/// each `ignores` does not, none lacks either, none is far from linear ([`cost::MAX_STATES`]), and the
/// files are sorted by id.
///
/// # Errors
/// [`Error::Patterns`] with every fault, or [`Error::Io`] for what cannot be read.
pub fn check(dir: Option<&Path>) -> Result<CheckReport> {
    check_set(dir).map(|(report, _)| report)
}

/// The same, with the entries that were proved.
///
/// # Errors
/// As [`check`].
pub fn check_set(dir: Option<&Path>) -> Result<(CheckReport, PatternSet)> {
    let mut collection = Collection::default();
    match dir {
        Some(dir) => collection.add_dir(dir)?,
        None => {
            for (name, text) in ready::packs() {
                collection.add_pack(name, text);
            }
        }
    }
    let packs = collection.packs;
    let (set, places) = collection.compile()?;
    let mut faults = Vec::new();
    let mut report = CheckReport {
        packs,
        patterns: set.patterns().len(),
        matches: 0,
        ignores: 0,
        notes: Vec::new(),
    };
    let mut inspector = Inspector::new(&set);
    for (pattern, place) in set.patterns().iter().zip(&places) {
        let mut fault =
            |text: String| faults.push(format!("{place}: entry {}: {text}", pattern.id));
        let note = cost::note(pattern);
        report
            .notes
            .extend(note.map(|note| format!("{place}: entry {}: {note}", pattern.id)));
        for sample in &pattern.matches {
            report.matches += 1;
            if !fires(&mut inspector, &set, pattern, sample) {
                fault(format!(
                    "does not match {sample:?}; change the rule or the sample"
                ));
            }
        }
        for sample in &pattern.ignores {
            report.ignores += 1;
            if fires(&mut inspector, &set, pattern, sample) {
                fault(format!(
                    "matches {sample:?}, which it must ignore; narrow the rule"
                ));
            }
        }
    }
    if faults.is_empty() {
        Ok((report, set))
    } else {
        Err(Error::Patterns(faults))
    }
}

/// Whether the entry fires on a sample, put where the entry looks.
fn fires(inspector: &mut Inspector<'_>, set: &PatternSet, pattern: &Pattern, sample: &str) -> bool {
    let sample = sample.as_bytes();
    // a sample that is a target stays out of the headers, unless that is all the entry looks at
    let targets = [Field::Target, Field::Path, Field::Query];
    let target = sample.starts_with(b"/") && pattern.fields.iter().any(|f| targets.contains(f));
    let placed = pattern
        .fields
        .iter()
        .filter(|field| !target || targets.contains(field));
    let quoted = [b"\"", sample, b"\""].concat();
    placed.into_iter().any(|field| {
        let mut access = blank_access();
        let verdict = match field {
            Field::Target | Field::Path | Field::Query => {
                access.method = b"GET";
                access.target = sample;
                inspector.inspect(&access)
            }
            Field::Referer => {
                access.method = b"GET";
                access.referer = Some(sample);
                inspector.inspect(&access)
            }
            Field::UserAgent => {
                access.method = b"GET";
                access.user_agent = Some(sample);
                inspector.inspect(&access)
            }
            Field::Extra => {
                access.method = b"GET";
                access.extras = &quoted;
                inspector.inspect(&access)
            }
            Field::Request => {
                access.request = sample;
                inspector.inspect(&access)
            }
            Field::Line => inspector.inspect_line(sample),
        };
        verdict.is_some_and(|verdict| {
            verdict
                .matches
                .iter()
                .any(|hit| set.pattern(hit.pattern).id == pattern.id)
        })
    })
}

/// The decoded texts of an entry's own samples and near misses that the entry is tried on.
pub fn sample_texts(set: &PatternSet, id: PatternId) -> Vec<Decoded> {
    let pattern = set.pattern(id);
    let mut tried = TriedTexts {
        id,
        current: None,
        texts: Vec::new(),
    };
    let mut inspector = Inspector::without_gate(set).watched(&mut tried);
    for sample in pattern.matches.iter().chain(&pattern.ignores) {
        fires(&mut inspector, set, pattern, sample);
    }
    tried.texts
}

/// Collects the texts that one entry is tried on.
struct TriedTexts {
    id: PatternId,
    current: Option<Decoded>,
    texts: Vec<Decoded>,
}

impl Watch for TriedTexts {
    fn told(&mut self, event: Told<'_>) {
        match event {
            Told::Text(look) => self.current = Some(look.view.clone()),
            Told::Tried(id) if id == self.id => self.texts.extend(self.current.take()),
            _ => {}
        }
    }
}

/// A record that says nothing.
pub(crate) fn blank_access() -> Access<'static> {
    Access {
        time: Time::default(),
        utc_offset: None,
        client: Client::parse(b"-"),
        client_text: b"-",
        vhost: None,
        user: None,
        request: b"",
        method: b"",
        target: b"",
        protocol: b"",
        status: None,
        bytes: None,
        referer: None,
        user_agent: None,
        duration_us: None,
        forwarded: None,
        extras: b"",
    }
}

impl Collection {
    /// The packs within the binary. The build script has read them, and this crate's tests prove them.
    fn add_embedded(&mut self) {
        for (pattern, facts, place) in ready::entries() {
            let placed = Placed {
                pattern,
                place: place.into(),
                ready: Some(facts),
            };
            self.entries.insert(placed.pattern.id.clone(), placed);
        }
    }

    /// Reads `*.toml` of a folder, in order of name; subfolders are not entered.
    fn add_dir(&mut self, dir: &Path) -> Result<()> {
        let failed = |source| Error::io(dir, "cannot read the folder of patterns", source);
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                files.push(path);
            }
        }
        if files.is_empty() {
            self.faults.push(format!(
                "{}: no *.toml in this folder; name one that holds packs",
                dir.display()
            ));
        }
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file)
                .map_err(|source| Error::io(&file, "cannot read the pack", source))?;
            self.add_pack(&file.display().to_string(), &text);
        }
        Ok(())
    }

    /// Reads one pack. An id may stand once in a pack; over several packs the last one counts.
    fn add_pack(&mut self, name: &str, text: &str) {
        self.packs += 1;
        let pack: Pack = match toml::from_str(text) {
            Ok(pack) => pack,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                self.faults.push(format!(
                    "{name}:{line}: {}; see an embedded pack for the form",
                    error.message()
                ));
                return;
            }
        };
        let mut last = String::new();
        for spanned in pack.pattern {
            let line = line_of(text, spanned.span().start);
            let place = format!("{name}:{line}");
            let pattern = spanned.into_inner();
            for fault in faults_of(&pattern, &last) {
                self.faults
                    .push(format!("{place}: entry {}: {fault}", pattern.id));
            }
            last.clone_from(&pattern.id);
            let placed = Placed {
                pattern,
                place: place.into(),
                ready: None,
            };
            self.entries.insert(placed.pattern.id.clone(), placed);
        }
    }

    /// Compiles what was collected; also gives the place of each entry.
    fn compile(self) -> Result<(PatternSet, Vec<Cow<'static, str>>)> {
        let mut faults = self.faults;
        if self.entries.len() > MAX_PATTERNS {
            faults.push(format!("more than {MAX_PATTERNS} entries; drop some packs"));
        }
        if !faults.is_empty() {
            return Err(Error::Patterns(faults));
        }
        let gate = gate_of(self.entries.values());
        let ids: Vec<String> = self.entries.keys().cloned().collect();
        let mut places = Vec::with_capacity(self.entries.len());
        let mut entries = Vec::with_capacity(self.entries.len());
        for placed in self.entries.into_values() {
            places.push(placed.place);
            entries.push(Entry {
                proved: placed.ready.is_some(),
                facts: placed.ready.unwrap_or_else(|| Facts::of(&placed.pattern)),
                pattern: placed.pattern,
            });
        }
        let told = |(index, fault): (usize, String)| {
            format!("{}: entry {}: {fault}", places[index], ids[index])
        };
        let set = PatternSet::compile(entries, gate)
            .map_err(|faults| Error::Patterns(faults.into_iter().map(told).collect()))?;
        Ok((set, places))
    }
}

/// The gate for some entries: what the build script made of those within the binary, if there are any, and
/// what follows from the others. That an entry may have been replaced lets more pass, and changes nothing.
fn gate_of<'p>(entries: impl Iterator<Item = &'p Placed> + Clone) -> Gate {
    let embedded = entries.clone().any(|placed| placed.ready.is_some());
    let others = || {
        let read = entries.clone().filter(|placed| placed.ready.is_none());
        read.map(|placed| &placed.pattern)
    };
    let mut parts = Vec::new();
    parts.extend(embedded.then(ready::gate));
    if others().next().is_some() || !embedded {
        parts.push([TARGETS, TEXTS].map(|fields| GateWords::of(others(), fields)));
    }
    Gate::new(&parts)
}

/// What is wrong with an entry by itself.
fn faults_of(pattern: &Pattern, previous: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut demand = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_string());
        }
    };
    demand(
        previous < pattern.id.as_str(),
        "ids must be unique and sorted within a pack; move the entry",
    );
    demand(
        !pattern.fields.is_empty(),
        "`fields` is empty; name a field",
    );
    demand(
        !pattern.matches.is_empty(),
        "`matches` is empty; give a sample",
    );
    demand(
        !pattern.ignores.is_empty(),
        "`ignores` is empty; give a near miss",
    );
    demand(
        !pattern.why.is_empty(),
        "`why` is empty; say why a match matters",
    );
    demand(
        !pattern.references.is_empty(),
        "`references` is empty; give a CWE, CAPEC, ATT&CK or CVE number",
    );
    demand(
        pattern.syntax.is_none() || !pattern.fields.contains(&Field::Target),
        "grammars read single values, not whole targets; name path and query instead",
    );
    faults.extend(cost::fault(pattern));
    if let Some(expression) = &pattern.regex {
        if let Err(error) = compile_regex(expression) {
            faults.push(format!("regex: {error}; shorten or split it"));
        } else if expression.bytes().any(|b| b.is_ascii_uppercase())
            && has_upper_literal(expression)
        {
            faults.push("regex: upper-case letters never match the lower-case view".into());
        }
    }
    faults
}

/// Whether an expression asks for an upper-case letter.
fn has_upper_literal(expression: &str) -> bool {
    let mut escaped = false;
    expression.bytes().any(|byte| {
        let upper = byte.is_ascii_uppercase() && !escaped;
        escaped = byte == b'\\' && !escaped;
        upper
    })
}

/// The 1-based line of a byte offset.
fn line_of(text: &str, offset: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..offset.min(text.len())]).count()
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use proptest::prelude::*;

    use super::*;

    /// One set for all tests of this module: compiling it is the slow part.
    fn set() -> &'static PatternSet {
        static SET: OnceLock<PatternSet> = OnceLock::new();
        SET.get_or_init(|| embedded().unwrap())
    }

    #[test]
    fn every_sample_of_the_embedded_packs_holds() {
        match check(None) {
            Ok(report) => assert!(report.matches >= report.patterns && report.patterns > 200),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn the_build_script_read_the_packs_as_others_are_read() {
        let mut collection = Collection::default();
        for (name, text) in ready::packs() {
            collection.add_pack(name, text);
        }
        let read = collection.entries.values();
        let others: Vec<&Pattern> = read.clone().map(|placed| &placed.pattern).collect();
        let gate = |fields| GateWords::of(others.iter().copied(), fields);
        assert_eq!(ready::gate(), [TARGETS, TEXTS].map(gate));
        assert!(ready::entries().count() == others.len());
        for ((pattern, facts, place), placed) in ready::entries().zip(read) {
            assert_eq!(format!("{pattern:?}"), format!("{:?}", placed.pattern));
            assert_eq!(facts, Facts::of(&placed.pattern), "{}", pattern.id);
            assert_eq!(place, placed.place);
        }
    }

    #[test]
    fn every_category_has_patterns() {
        for category in crate::category::Category::ALL {
            assert!(
                set().patterns().iter().any(|p| p.category == category),
                "{}",
                category.name()
            );
        }
    }

    /// Judges one text in every place, with gate and memory and without.
    fn same_verdict(gated: &mut Inspector<'_>, bare: &mut Inspector<'_>, text: &[u8]) {
        let mut access = blank_access();
        access.method = b"GET";
        let fields: [fn(&mut Access<'static>, &'static [u8]); 3] = [
            |access, text| access.target = text,
            |access, text| access.referer = Some(text),
            |access, text| access.user_agent = Some(text),
        ];
        // the records of a test live as long as the test
        let text: &'static [u8] = Box::leak(text.to_vec().into_boxed_slice());
        for put in fields {
            let mut access = access;
            put(&mut access, text);
            let shown = String::from_utf8_lossy(text);
            assert_eq!(gated.inspect(&access), bare.inspect(&access), "{shown}");
        }
        assert_eq!(gated.inspect_line(text), bare.inspect_line(text));
    }

    #[test]
    fn gate_and_memory_never_change_a_verdict_on_samples() {
        let mut gated = Inspector::new(set());
        let mut bare = Inspector::without_gate(set());
        let samples = set()
            .patterns()
            .iter()
            .flat_map(|pattern| pattern.matches.iter().chain(&pattern.ignores));
        // twice, so that the second round comes from memory
        for _ in 0..2 {
            for sample in samples.clone() {
                same_verdict(&mut gated, &mut bare, sample.as_bytes());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]
        #[test]
        fn gate_never_changes_a_verdict(parts in prop::collection::vec(prop::sample::select(PARTS), 1..9)) {
            let mut gated = Inspector::new(set());
            let mut bare = Inspector::without_gate(set());
            same_verdict(&mut gated, &mut bare, parts.concat().as_bytes());
        }

        #[test]
        fn any_bytes_are_judged_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut gated = Inspector::new(set());
            let mut bare = Inspector::without_gate(set());
            same_verdict(&mut gated, &mut bare, &bytes);
        }
    }

    /// Pieces of which requests are made, harmless and not.
    const PARTS: &[&str] = &[
        "/",
        "?",
        "&",
        "=",
        "a",
        "id",
        "q",
        "1",
        "=1",
        "&b=",
        "?q=",
        "?cmd=",
        "&ant=",
        "&a%6Et=",
        "?z0=",
        "+",
        "%20",
        "%26",
        "%27",
        "'",
        "\"",
        "(",
        ")",
        "--",
        ";",
        "or",
        " or ",
        "+or+",
        "%20and%20",
        "union",
        "+select+",
        "1=1",
        "..",
        "../",
        "%2e%2e/",
        "..%2f",
        "<",
        "%3C",
        "script",
        "svg",
        "onload",
        "alert(1)",
        "etc",
        "passwd",
        ".php",
        "cmd",
        "cat",
        "whoami",
        "id",
        "|",
        "%7C",
        "http://",
        "//",
        ".example",
        ":",
        "@",
        "@@version",
        "order by",
        "%00",
        "\u{e9}",
        "%C3%A9",
        "%c0%af",
        "&lt",
        "&lt;",
        "&#60;",
        "\\x3c",
        "%u0027",
        "$",
        "{",
        "}",
        "${jndi:",
        "{{7*7}}",
        ".env",
        ".git",
        "wp-login.php",
        "sleep",
        "#",
        "%23",
        "*",
        "/*",
        "*/",
        "%25",
        "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
        "\n",
        "%0a",
        "%0d%0a",
        "Set-Cookie:",
    ];

    #[test]
    fn faults_name_file_line_entry_and_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let pack = r#"
[[pattern]]
id = "b"
title = "t"
category = "xss"
severity = "low"
confidence = "low"
fields = ["query"]
regex = "("
why = "w"
references = ["CWE-79"]
matches = ["/?a=x"]
ignores = []

[[pattern]]
id = "a"
title = "t"
category = "xss"
severity = "low"
confidence = "low"
fields = ["query"]
syntax = "sql.nothing"
why = "w"
references = ["CWE-79"]
matches = ["/?a=x"]
ignores = ["/?a=y"]
"#;
        std::fs::write(dir.path().join("bad.toml"), pack).unwrap();
        let Err(Error::Patterns(faults)) = load(&[dir.path().to_path_buf()]) else {
            panic!("a bad pack was loaded");
        };
        let text = faults.join("\n");
        for piece in [
            "bad.toml:2: entry b: regex",
            "entry b: `ignores` is empty",
            "bad.toml:15: entry a: ids must be",
        ] {
            assert!(text.contains(piece), "{piece} is not in:\n{text}");
        }
    }

    #[test]
    fn a_folder_adds_and_replaces_entries() {
        let dir = tempfile::tempdir().unwrap();
        let entry = |id: &str, regex: &str| {
            format!(
                "[[pattern]]\nid = \"{id}\"\ntitle = \"t\"\ncategory = \"scanner\"\nseverity = \"low\"\nconfidence = \"high\"\nfields = [\"path\"]\nregex = '{regex}'\nwhy = \"w\"\nreferences = [\"CAPEC-310\"]\nmatches = [\"/house-rule\"]\nignores = [\"/\"]\n"
            )
        };
        let pack = entry("house-rule", "house-rule") + &entry("sql-union", "house-rule");
        std::fs::write(dir.path().join("own.toml"), pack).unwrap();
        let own = load(&[dir.path().to_path_buf()]).unwrap();
        assert_eq!(own.patterns().len(), set().patterns().len() + 1);
        let mut inspector = Inspector::new(&own);
        let mut access = blank_access();
        access.method = b"GET";
        access.target = b"/house-rule";
        let verdict = inspector.inspect(&access).unwrap();
        let ids: Vec<&str> = verdict
            .matches
            .iter()
            .map(|hit| own.pattern(hit.pattern).id.as_str())
            .collect();
        assert_eq!(ids, ["house-rule", "sql-union"]);
    }

    #[test]
    fn long_and_hostile_targets_are_bounded() {
        let mut inspector = Inspector::new(set());
        for piece in [
            "'", "(", "<a ", "%25", "../", "&x", "${", "`", "or 1=1 ", "{{", "/*", "\\",
        ] {
            let target = format!("/?q={}", piece.repeat(200_000 / piece.len()));
            let mut access = blank_access();
            access.method = b"GET";
            access.target = target.as_bytes();
            let started = std::time::Instant::now();
            let _ = inspector.inspect(&access);
            // an unoptimised build on a busy machine is slow, but not quadratic
            assert!(started.elapsed().as_secs() < 20, "{piece}");
        }
    }
}
