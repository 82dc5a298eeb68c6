//! What follows from a rule's conditions about every record that matches: literals, one of which is in it.
//!
//! The same idea as `need`, from whose walk over expressions it borrows. Also says what to quote of a match.

use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SelectorPattern,
    SigmaString, SigmaValue, StringPart,
};

use super::record::{Field, Record};
use crate::pattern::need::{self, Need};

/// Most literals of one rule: beyond, asking the rule itself is as cheap.
const MAX_LITERALS: usize = 2000;

/// Modifiers after which a value is no longer a text that a field contains.
const OPAQUE: [Modifier; 19] = [
    Modifier::Base64,
    Modifier::Base64Offset,
    Modifier::Wide,
    Modifier::Utf16be,
    Modifier::Utf16,
    Modifier::WindAsh,
    Modifier::Cidr,
    Modifier::Exists,
    Modifier::FieldRef,
    Modifier::Gt,
    Modifier::Gte,
    Modifier::Lt,
    Modifier::Lte,
    Modifier::Neq,
    Modifier::Expand,
    Modifier::Hour,
    Modifier::Minute,
    Modifier::Day,
    Modifier::Week,
];

/// What is known of a rule before it is asked.
#[derive(Debug, Default)]
pub(super) struct Clues {
    /// One of these lower-case ASCII texts is in every record that matches; `None` if nothing follows.
    pub(super) need: Option<Need>,
    /// The fields that it looks at, most telling first.
    pub(super) fields: Vec<Field>,
    /// Whether it looks at the whole line.
    pub(super) line: bool,
    /// Lower-case texts that it looks for, longest first: what to quote.
    quotes: Vec<String>,
}

impl Clues {
    /// The clues of a rule whose fields are all known.
    pub(super) fn of(detections: &Detections) -> Clues {
        let mut clues = Clues::default();
        let conditions = detections.conditions.iter();
        clues.need = any(conditions.map(|condition| of_condition(condition, detections)))
            .filter(|need| need.len() <= MAX_LITERALS);
        for detection in detections.named.values() {
            clues.note(detection);
        }
        clues.fields.sort_unstable();
        clues.fields.dedup();
        clues.quotes.sort_by(|a, b| (b.len(), a).cmp(&(a.len(), b)));
        clues.quotes.dedup();
        clues
    }

    fn note(&mut self, detection: &Detection) {
        match detection {
            Detection::AllOf(items) => items.iter().for_each(|item| self.note_item(item)),
            Detection::AnyOf(parts) | Detection::And(parts) => {
                parts.iter().for_each(|part| self.note(part));
            }
            Detection::Keywords(values) => {
                self.line = true;
                values.iter().for_each(|value| self.note_value(value));
            }
            Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {}
        }
    }

    fn note_item(&mut self, item: &DetectionItem) {
        match &item.field.name {
            Some(name) => self.fields.extend(Field::named(name)),
            None => self.line = true,
        }
        if !is_opaque(item) && !item.field.has_modifier(Modifier::Re) {
            item.values.iter().for_each(|value| self.note_value(value));
        }
    }

    fn note_value(&mut self, value: &SigmaValue) {
        if let SigmaValue::String(text) = value {
            let plain = text.parts.iter().filter_map(plain);
            self.quotes.extend(plain.map(str::to_lowercase));
        }
    }

    /// What to quote of a record that matched, and from where: the longest text that the rule looks for, else
    /// the first field that it looks at.
    pub(super) fn quote(&self, record: &Record<'_>) -> (Option<Field>, String) {
        for quote in &self.quotes {
            for field in &self.fields {
                let text = record.text(*field);
                if let Some(found) = find_ignoring_case(&text, quote) {
                    return (Some(*field), found.to_owned());
                }
            }
            if self.line
                && let Some(found) = find_ignoring_case(record.line(), quote)
            {
                return (None, found.to_owned());
            }
        }
        let texts = self.fields.iter().map(|field| (field, record.text(*field)));
        match texts.into_iter().find(|(_, text)| !text.is_empty()) {
            Some((field, text)) => (Some(*field), text.into_owned()),
            None => (None, record.line().to_owned()),
        }
    }
}

/// Where `text` has `lower` in ASCII letters of any case.
fn find_ignoring_case<'t>(text: &'t str, lower: &str) -> Option<&'t str> {
    let at = text.to_ascii_lowercase().find(lower)?;
    text.get(at..at + lower.len())
}

fn plain(part: &StringPart) -> Option<&str> {
    match part {
        StringPart::Plain(text) => Some(text),
        StringPart::Special(_) => None,
    }
}

fn is_opaque(item: &DetectionItem) -> bool {
    OPAQUE
        .iter()
        .any(|modifier| item.field.has_modifier(*modifier))
        || item.field.has_modifier(Modifier::Month)
        || item.field.has_modifier(Modifier::Year)
}

/// Each of `needs` may be the one that holds: all of them together, if each is known.
fn any(needs: impl Iterator<Item = Option<Need>>) -> Option<Need> {
    let mut together = Need::new();
    for need in needs {
        together.extend(need?);
    }
    together.sort_unstable();
    together.dedup();
    (!together.is_empty()).then_some(together)
}

/// All of `needs` hold: the one that ordinary records meet least.
fn all(needs: impl Iterator<Item = Option<Need>>) -> Option<Need> {
    needs.flatten().max_by_key(need::by_length)
}

fn of_condition(condition: &ConditionExpr, detections: &Detections) -> Option<Need> {
    let each = |parts: &[ConditionExpr]| -> Vec<Option<Need>> {
        let needs = parts.iter().map(|part| of_condition(part, detections));
        needs.collect()
    };
    match condition {
        ConditionExpr::And(parts) => all(each(parts).into_iter()),
        ConditionExpr::Or(parts) => any(each(parts).into_iter()),
        ConditionExpr::Not(_) => None,
        ConditionExpr::Identifier(name) => of_detection(detections.named.get(name)?),
        ConditionExpr::Selector {
            quantifier,
            pattern,
        } => {
            let needs = chosen(pattern, detections).map(of_detection);
            match quantifier {
                Quantifier::All => all(needs),
                Quantifier::Any => any(needs),
                Quantifier::Count(0) => None,
                Quantifier::Count(_) => any(needs),
            }
        }
    }
}

/// The detections that a selector such as `selection_*` means.
pub(super) fn chosen<'d>(
    pattern: &'d SelectorPattern,
    detections: &'d Detections,
) -> impl Iterator<Item = &'d Detection> {
    let named = detections.named.iter();
    named
        .filter(|(name, _)| pattern.matches_detection_name(name))
        .map(|(_, detection)| detection)
}

fn of_detection(detection: &Detection) -> Option<Need> {
    match detection {
        Detection::AllOf(items) => all(items.iter().map(of_item)),
        Detection::And(parts) => all(parts.iter().map(of_detection)),
        Detection::AnyOf(parts) => any(parts.iter().map(of_detection)),
        Detection::Keywords(values) => any(values.iter().map(of_keyword)),
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => None,
    }
}

fn of_item(item: &DetectionItem) -> Option<Need> {
    if is_opaque(item) {
        return None;
    }
    let field = match &item.field.name {
        Some(name) => Some(Field::named(name)?),
        None => None,
    };
    let searched = [
        Field::Query,
        Field::Stem,
        Field::Uri,
        Field::UserAgent,
        Field::Referer,
    ];
    if field.is_some_and(|field| !searched.contains(&field)) {
        return None;
    }
    let is_expression = item.field.has_modifier(Modifier::Re);
    let ignore_case = item.field.has_modifier(Modifier::IgnoreCase);
    let needs = item.values.iter().map(|value| match (value, field) {
        (SigmaValue::String(text), Some(_)) if is_expression => {
            of_expression(&text.original, ignore_case)
        }
        (SigmaValue::String(text), Some(_)) => of_text(text),
        (value, None) if !is_expression => of_keyword(value),
        _ => None,
    });
    match item.field.has_modifier(Modifier::All) {
        true => all(needs),
        false => any(needs),
    }
}

/// The longest run of ASCII in a text with wildcards. Rules ignore the case of other letters as well.
fn of_text(text: &SigmaString) -> Option<Need> {
    let parts = text.parts.iter().filter_map(plain);
    let runs = parts.flat_map(|part| part.split(|c: char| !c.is_ascii()));
    one(runs.max_by_key(|run| run.len())?)
}

/// The longest word of a keyword that lies within a field: the line is put together from fields, and numbers
/// in it are not searched.
fn of_keyword(value: &SigmaValue) -> Option<Need> {
    let SigmaValue::String(text) = value else {
        return None;
    };
    let parts = text.parts.iter().filter_map(plain);
    let words =
        parts.flat_map(|part| part.split(|c: char| !c.is_ascii() || matches!(c, ' ' | '"')));
    one(words
        .filter(|word| word.bytes().any(|b| b.is_ascii_alphabetic()))
        .max_by_key(|word| word.len())?)
}

fn one(text: &str) -> Option<Need> {
    (!text.is_empty()).then(|| vec![text.to_ascii_lowercase().into_bytes()])
}

fn of_expression(expression: &str, ignore_case: bool) -> Option<Need> {
    let need = need::of_text_expression(expression, ignore_case, need::by_length)?;
    let ascii = |literal: &Vec<u8>| {
        let runs = literal.split(|b| !b.is_ascii());
        let longest = runs.max_by_key(|run| run.len())?;
        (!longest.is_empty()).then(|| vec![longest.to_ascii_lowercase()])
    };
    any(need.iter().map(ascii))
}
