//! Scores detection on labelled corpora: `corpora FOLDER` searches each `FOLDER/NAME.log` as `aftertrace hits`
//! does, with context and without, compares with the labels of `FOLDER/NAME.tsv`, and prints tables in Markdown.
//!
//! The columns of a TSV, with a heading line: line, label (attack or benign), class, source; others are not
//! read. A tool for measuring, not part of the program.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aftertrace::hits::HitLine;
use aftertrace::pattern::load;
use aftertrace::pattern::set::PatternSet;
use aftertrace::severity::Confidence;
use aftertrace::{ScanOptions, Silent};

/// The categories that are right for a class of attacks.
const RIGHT: [(&str, &[&str]); 21] = [
    ("cmdi", &["command_injection"]),
    ("codei", &["code_injection"]),
    ("crlf", &["crlf_injection"]),
    ("infoleak", &["sensitive_file"]),
    ("ldapi", &["ldap_injection"]),
    ("lfi", &["path_traversal"]),
    ("log4shell", &["jndi_injection"]),
    ("nosqli", &["nosql_injection"]),
    ("proto", &["protocol_abuse"]),
    ("redirect", &["open_redirect"]),
    ("rfi", &["file_inclusion"]),
    ("scanner", &["scanner"]),
    ("shellshock", &["command_injection"]),
    ("sqli", &["sql_injection"]),
    ("ssi", &["ssi_injection"]),
    ("ssrf", &["ssrf"]),
    ("ssti", &["template_injection"]),
    ("webshell", &["webshell"]),
    ("xpath", &["xpath_injection"]),
    ("xss", &["xss"]),
    ("xxe", &["xml_injection"]),
];

/// Classes of attack lines without an injection: a scanner's ordinary requests, guesses of passwords, odd but
/// harmless values. Shown, and left out of the overall figures.
const ASIDE: [&str; 3] = ["scan_noise", "bruteforce", "anomaly_other"];

/// Classes with fewer lines than this do not count in the mean of the classes.
const MIN_CLASS: u32 = 10;

/// Judged with context, and without.
const WAYS: usize = 2;
const CONFIDENCES: [Confidence; 3] = [Confidence::Low, Confidence::Medium, Confidence::High];

/// Lines of one sort, and how many were flagged: by way, then by confidence.
#[derive(Clone, Copy, Default)]
struct Tally {
    lines: u32,
    flagged: [[u32; CONFIDENCES.len()]; WAYS],
    /// Of those flagged at medium confidence with context, how many under a right category.
    right: u32,
}

/// Tallies by name, for attack and benign lines.
#[derive(Default)]
struct Score {
    classes: BTreeMap<String, Tally>,
    sources: BTreeMap<String, Tally>,
    corpora: BTreeMap<String, Tally>,
    benign_sources: BTreeMap<String, Tally>,
    benign_corpora: BTreeMap<String, Tally>,
}

/// What was found in one line, and how sure it is.
type Found = BTreeMap<u64, (Confidence, Vec<&'static str>)>;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: corpora FOLDER")?;
    let set = load::embedded()?;
    let mut score = Score::default();
    for labels in labels_in(Path::new(&folder))? {
        add(&mut score, &labels, &set).map_err(|error| format!("{}: {error}", labels.display()))?;
    }
    print(&score);
    Ok(())
}

/// The TSV files of a folder that have a log beside them, by name.
fn labels_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let labels = path.extension().is_some_and(|extension| extension == "tsv");
        if labels && path.with_extension("log").exists() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Adds a corpus to the score.
fn add(score: &mut Score, labels: &Path, set: &PatternSet) -> Result<(), Box<dyn Error>> {
    let log = labels.with_extension("log");
    let found = [search(&log, set, true)?, search(&log, set, false)?];
    let corpus = labels.file_stem().unwrap_or_default().to_string_lossy();
    for row in String::from_utf8_lossy(&fs::read(labels)?).lines().skip(1) {
        let mut cells = row.split('\t');
        let mut cell = || cells.next().ok_or("a row with fewer than four columns");
        let line: u64 = cell()?.parse()?;
        let (attack, class, source) = (cell()? == "attack", cell()?, cell()?);
        let mut once = Tally {
            lines: 1,
            ..Tally::default()
        };
        for (flagged, found) in once.flagged.iter_mut().zip(&found) {
            let sure = found.get(&line).map(|(confidence, _)| *confidence);
            *flagged = CONFIDENCES.map(|least| u32::from(sure >= Some(least)));
        }
        if let Some((Confidence::Medium | Confidence::High, categories)) = found[0].get(&line) {
            once.right = u32::from(is_right(class, categories));
        }
        let aside = ASIDE.contains(&class);
        let groups: &mut [(&mut BTreeMap<String, Tally>, &str)] = &mut match attack {
            true if aside => vec![(&mut score.classes, class)],
            true => vec![
                (&mut score.classes, class),
                (&mut score.sources, source),
                (&mut score.corpora, &corpus),
            ],
            false => vec![
                (&mut score.benign_sources, source),
                (&mut score.benign_corpora, &corpus),
            ],
        };
        for (group, name) in groups {
            group.entry((*name).to_string()).or_default().add(&once);
        }
    }
    Ok(())
}

fn search(log: &Path, set: &PatternSet, context: bool) -> Result<Found, Box<dyn Error>> {
    let options = ScanOptions {
        context,
        ..ScanOptions::default()
    };
    let mut found = Found::new();
    let mut keep = |hit: &HitLine<'_>| {
        let categories = hit.categories.iter().map(|category| category.name());
        found.insert(
            hit.line.unwrap_or_default(),
            (hit.confidence, categories.collect()),
        );
        Ok(())
    };
    let paths = [log.to_path_buf()];
    aftertrace::hits(&paths, &options, set, Confidence::Low, &Silent, &mut keep)?;
    Ok(found)
}

fn is_right(class: &str, categories: &[&str]) -> bool {
    RIGHT
        .iter()
        .any(|(known, right)| *known == class && categories.iter().any(|c| right.contains(c)))
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.lines += other.lines;
        self.right += other.right;
        for (mine, theirs) in self
            .flagged
            .iter_mut()
            .flatten()
            .zip(other.flagged.iter().flatten())
        {
            *mine += theirs;
        }
    }

    fn share(&self, way: usize, confidence: usize) -> f64 {
        f64::from(self.flagged[way][confidence]) / f64::from(self.lines.max(1))
    }
}

fn sum<'t>(tallies: impl Iterator<Item = &'t Tally>) -> Tally {
    let mut all = Tally::default();
    tallies.for_each(|tally| all.add(tally));
    all
}

fn percent(share: f64, digits: usize) -> String {
    format!("{:.digits$}%", share * 100.0)
}

fn print(score: &Score) {
    let counted: Vec<&Tally> = score
        .classes
        .iter()
        .filter(|(class, _)| !ASIDE.contains(&class.as_str()))
        .map(|(_, tally)| tally)
        .collect();
    let attacks = sum(counted.iter().copied());
    let benign = sum(score.benign_corpora.values());
    println!("## Overall\n");
    println!(
        "{} attack lines, {} benign lines; the right category on {} of the attack lines flagged at medium.\n",
        attacks.lines,
        benign.lines,
        percent(
            f64::from(attacks.right) / f64::from(attacks.flagged[0][1].max(1)),
            1
        )
    );
    println!(
        "| `--min-confidence` | context | recall, all lines | recall, mean of classes | false positives |"
    );
    println!("|---|---|---|---|---|");
    for (way, context) in ["yes", "no"].into_iter().enumerate() {
        for (at, confidence) in CONFIDENCES.into_iter().enumerate() {
            let large = || counted.iter().filter(|tally| tally.lines >= MIN_CLASS);
            let mean = large().map(|tally| tally.share(way, at)).sum::<f64>()
                / large().count().max(1) as f64;
            println!(
                "| {} | {context} | {} | {} | {} ({}) |",
                confidence.name(),
                percent(attacks.share(way, at), 1),
                percent(mean, 1),
                percent(benign.share(way, at), 3),
                benign.flagged[way][at],
            );
        }
    }
    table("Attack lines by class", &score.classes, 1, true);
    table("Attack lines by corpus", &score.corpora, 1, true);
    table("Attack lines by source", &score.sources, 1, true);
    table("Benign lines by corpus", &score.benign_corpora, 3, false);
    table("Benign lines by source", &score.benign_sources, 3, false);
}

fn table(title: &str, tallies: &BTreeMap<String, Tally>, digits: usize, attacks: bool) {
    println!("\n## {title}\n");
    println!(
        "Flagged at low, medium and high confidence, with context and without.{}\n",
        match attacks {
            true => " Right: category, of those flagged at medium.",
            false => "",
        }
    );
    let (heading, rule) = match attacks {
        true => (" right |", "---|"),
        false => ("", ""),
    };
    println!(
        "| | lines | low | medium | high | low, alone | medium, alone | high, alone |{heading}"
    );
    println!("|---|---|---|---|---|---|---|---|{rule}");
    for (name, tally) in tallies {
        let shares = (0..WAYS).flat_map(|way| (0..CONFIDENCES.len()).map(move |at| (way, at)));
        let mut cells: Vec<String> = shares
            .map(|(way, at)| percent(tally.share(way, at), digits))
            .collect();
        if attacks {
            let flagged = f64::from(tally.flagged[0][1].max(1));
            cells.push(percent(f64::from(tally.right) / flagged, 1));
        }
        println!("| {name} | {} | {} |", tally.lines, cells.join(" | "));
    }
}
