//! Which rules can say something about a line of an access log, and why the others cannot.

use std::panic::{AssertUnwindSafe, catch_unwind};

use regex::RegexBuilder;
use rsigma_eval::{CompiledRule, compile_rule};
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Detections, Modifier, Quantifier, SigmaRule,
    SigmaValue, Status, parse_sigma_yaml,
};
use yaml_serde::Value;

use super::classify;
use super::clue::{self, Clues};
use super::record::Field;
use crate::pattern::entry::Pattern;

/// Longest condition in bytes. The grammar of conditions recurses.
const MAX_CONDITION: usize = 2048;

/// Limit on one compiled regular expression in bytes, as for the packs' own.
const MAX_COMPILED: usize = 1 << 20;

/// Fields of a time: in every log, but no clue of an attack by itself.
const TIMES: [&str; 4] = ["date", "time", "timestamp", "@timestamp"];

/// A rule that applies.
pub(super) struct Checked {
    pub(super) entry: Pattern,
    pub(super) compiled: CompiledRule,
    pub(super) clues: Clues,
    /// How many regular expressions it has.
    pub(super) expressions: usize,
    /// The part of it that cannot apply, if there is one.
    pub(super) note: Option<String>,
}

/// Reads a rule from its document, or says why it cannot apply.
pub(super) fn check(document: &Value) -> Result<Checked, String> {
    let form = || "is no Sigma rule: it is no mapping".to_string();
    document.as_mapping().ok_or_else(form)?;
    check_kind(document)?;
    check_source(document.get("logsource"))?;
    check_conditions(document)?;
    let text = yaml_serde::to_string(document).map_err(|error| error.to_string())?;
    let mut rule = guarded("reading it", || read(&text))?;
    if let Some(status @ (Status::Deprecated | Status::Unsupported)) = rule.status {
        let status = format!("{status:?}").to_lowercase();
        return Err(format!("its author marked it as {status}"));
    }
    for detection in rule.detection.named.values_mut() {
        adapt(detection);
    }
    let missing = rule
        .detection
        .conditions
        .iter()
        .map(|condition| obstacle(condition, &rule.detection))
        .collect::<Option<Vec<String>>>();
    if let Some(reason) = missing.and_then(|reasons| reasons.into_iter().next()) {
        return Err(reason);
    }
    let expressions = check_expressions(&rule.detection)?;
    let compiled = guarded("compiling it", || {
        compile_rule(&rule).map_err(|error| one_line(&error.to_string()))
    })?;
    Ok(Checked {
        entry: classify::entry(&rule),
        clues: Clues::of(&rule.detection),
        note: first_fault(&rule.detection),
        compiled,
        expressions,
    })
}

/// Runs the library, which reads what strangers wrote; a panic in it costs the rule and no more.
fn guarded<T>(doing: &str, run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(format!("makes the Sigma library fail when {doing}")))
}

fn read(text: &str) -> Result<SigmaRule, String> {
    let mut read = parse_sigma_yaml(text).map_err(|error| one_line(&error.to_string()))?;
    match read.rules.pop() {
        Some(rule) => Ok(rule),
        None => Err(one_line(&read.errors.join("; "))),
    }
}

/// The first line of a message; the library draws pictures below it.
fn one_line(message: &str) -> String {
    message
        .lines()
        .next()
        .unwrap_or_default()
        .trim()
        .to_string()
}

/// Documents that are no rules about single events.
fn check_kind(document: &Value) -> Result<(), String> {
    let has = |key: &str| document.get(key).is_some();
    if has("correlation") {
        return Err("correlates several events, and lines are judged one by one".into());
    }
    if has("filter") {
        return Err("is a filter for other rules".into());
    }
    if has("action") {
        return Err("uses `action`, a form of collections that Sigma 2 gave up".into());
    }
    Ok(())
}

/// Whether a rule is about access logs of web servers: `category: webserver`, or the products nginx and
/// Apache httpd.
fn check_source(source: Option<&Value>) -> Result<(), String> {
    let text = |key: &str| {
        let value = source.and_then(|source| source.get(key));
        value.and_then(Value::as_str).map(str::to_lowercase)
    };
    let (category, product, service) = (text("category"), text("product"), text("service"));
    let is_server =
        |name: &Option<String>| matches!(name.as_deref(), Some("nginx" | "apache" | "httpd"));
    let fits = match category.as_deref() {
        Some("webserver") => true,
        None => is_server(&product) || is_server(&service),
        Some(_) => false,
    };
    if !fits {
        let named = [
            ("category", &category),
            ("product", &product),
            ("service", &service),
        ];
        let named = named
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key}: {}", value.as_ref()?)));
        return Err(match named.collect::<Vec<_>>().join(", ") {
            all if all.is_empty() => "names no log source".into(),
            all => format!("is for the log source `{all}`, no web server's"),
        });
    }
    match service.as_deref() {
        Some(service) if service.contains("error") => {
            Err("is for error logs, and only access logs are searched".into())
        }
        _ => Ok(()),
    }
}

/// Conditions that the library would not read, or only at length.
fn check_conditions(document: &Value) -> Result<(), String> {
    let condition = document
        .get("detection")
        .and_then(|detection| detection.get("condition"));
    let conditions = match condition {
        Some(Value::Sequence(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect::<Vec<_>>(),
        None => Vec::new(),
    };
    if conditions.iter().map(|text| text.len()).sum::<usize>() > MAX_CONDITION {
        return Err(format!(
            "its condition is longer than {MAX_CONDITION} bytes"
        ));
    }
    match conditions.iter().find_map(|text| text.split_once('|')) {
        Some((_, counts)) => Err(format!(
            "its condition counts over several lines (`{}`), and lines are judged one by one",
            one_line(counts)
        )),
        None => Ok(()),
    }
}

/// Brings a detection into the form that the library evaluates as the specification wants it.
fn adapt(detection: &mut Detection) {
    match detection {
        Detection::AllOf(items) => items.iter_mut().for_each(adapt_item),
        Detection::AnyOf(parts) | Detection::And(parts) => parts.iter_mut().for_each(adapt),
        _ => {}
    }
}

fn adapt_item(item: &mut DetectionItem) {
    let is_operator = |modifier: &Modifier| {
        use Modifier::{Contains, EndsWith, Re, StartsWith};
        matches!(modifier, Contains | EndsWith | Re | StartsWith)
    };
    match &item.field.name {
        // keywords are looked for anywhere in the line
        None if !item.field.modifiers.iter().any(is_operator) => {
            item.field.modifiers.insert(0, Modifier::Contains);
        }
        // a `-` in a log stands for nothing
        Some(_) if item.field.modifiers.is_empty() => {
            let is_dash = |value: &SigmaValue| matches!(value, SigmaValue::String(text) if text.original == "-");
            if item.values.iter().any(is_dash) {
                item.values.push(SigmaValue::Null);
            }
        }
        _ => {}
    }
}

/// Why no line can fulfil a condition; `None` if one can.
fn obstacle(condition: &ConditionExpr, detections: &Detections) -> Option<String> {
    let each = |parts: &[ConditionExpr]| -> Vec<Option<String>> {
        parts
            .iter()
            .map(|part| obstacle(part, detections))
            .collect()
    };
    match condition {
        ConditionExpr::And(parts) => each(parts).into_iter().flatten().next(),
        ConditionExpr::Or(parts) => common(each(parts).into_iter()),
        ConditionExpr::Identifier(name) => fault(detections.named.get(name)?),
        // what cannot be seen cannot be ruled out either
        ConditionExpr::Not(part) => mentioned_fault(part, detections),
        ConditionExpr::Selector {
            quantifier,
            pattern,
        } => {
            let mut faults: Vec<_> = clue::chosen(pattern, detections).map(fault).collect();
            faults.sort_unstable();
            match quantifier {
                Quantifier::All => faults.into_iter().flatten().next(),
                Quantifier::Any => common(faults.into_iter()),
                Quantifier::Count(wanted) => {
                    let possible = faults.iter().filter(|fault| fault.is_none()).count() as u64;
                    let first = faults.into_iter().flatten().next();
                    first.filter(|_| possible < *wanted)
                }
            }
        }
    }
}

/// The first of the faults if all have one.
fn common(faults: impl Iterator<Item = Option<String>>) -> Option<String> {
    faults.collect::<Option<Vec<_>>>()?.into_iter().next()
}

/// The first fault of anything that a condition mentions.
fn mentioned_fault(condition: &ConditionExpr, detections: &Detections) -> Option<String> {
    match condition {
        ConditionExpr::And(parts) | ConditionExpr::Or(parts) => parts
            .iter()
            .find_map(|part| mentioned_fault(part, detections)),
        ConditionExpr::Not(part) => mentioned_fault(part, detections),
        ConditionExpr::Identifier(name) => any_fault(detections.named.get(name)?),
        ConditionExpr::Selector { pattern, .. } => clue::chosen(pattern, detections)
            .filter_map(any_fault)
            .min(),
    }
}

/// Why no line can match a detection; `None` if one can.
fn fault(detection: &Detection) -> Option<String> {
    match detection {
        Detection::AllOf(items) => items.iter().find_map(fault_of_item),
        Detection::And(parts) => parts.iter().find_map(fault),
        Detection::AnyOf(parts) => common(parts.iter().map(fault)),
        Detection::Keywords(_) => None,
        Detection::ArrayMatch { field, .. } => Some(format!(
            "looks into the list `{field}`, and a line has no lists"
        )),
        Detection::Conditional { .. } => Some("has a condition within a selection".into()),
    }
}

/// The first fault anywhere in a detection.
fn any_fault(detection: &Detection) -> Option<String> {
    match detection {
        Detection::AnyOf(parts) | Detection::And(parts) => parts.iter().find_map(any_fault),
        other => fault(other),
    }
}

/// The part of an applicable rule that never matches.
fn first_fault(detections: &Detections) -> Option<String> {
    detections.named.values().filter_map(any_fault).min()
}

fn fault_of_item(item: &DetectionItem) -> Option<String> {
    let unknown = |name: &str| match TIMES.iter().any(|time| name.eq_ignore_ascii_case(time)) {
        true => format!("asks for the time (`{name}`), which rules are not given here"),
        false => format!("uses the field `{name}`, which access logs do not carry"),
    };
    if let Some(name) = item.field.name.as_deref()
        && Field::named(name).is_none()
    {
        return Some(unknown(name));
    }
    if item.field.has_modifier(Modifier::FieldRef) {
        let other = |value: &SigmaValue| {
            Some(value.to_string()).filter(|name| Field::named(name).is_none())
        };
        return item
            .values
            .iter()
            .find_map(other)
            .map(|name| unknown(&name));
    }
    item.field.modifiers.iter().find_map(|modifier| {
        let reason = match modifier {
            Modifier::Expand => "has placeholders that only the user's own tools can fill",
            Modifier::Minute
            | Modifier::Hour
            | Modifier::Day
            | Modifier::Week
            | Modifier::Month
            | Modifier::Year => "asks for a part of a time, and no field of the rules is one",
            _ => return None,
        };
        Some(format!(
            "uses the modifier `{}`: {reason}",
            format!("{modifier:?}").to_lowercase()
        ))
    })
}

/// Makes sure that every regular expression is right and not too large; returns how many there are.
fn check_expressions(detections: &Detections) -> Result<usize, String> {
    let mut items = Vec::new();
    let mut named: Vec<_> = detections.named.iter().collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    for (_, detection) in named {
        collect_items(detection, &mut items);
    }
    let expressions = items
        .into_iter()
        .filter(|item| item.field.has_modifier(Modifier::Re))
        .flat_map(|item| &item.values);
    let mut count = 0;
    for value in expressions {
        count += 1;
        RegexBuilder::new(&value.to_string())
            .size_limit(MAX_COMPILED)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => {
                    "has a regular expression that is too large".to_string()
                }
                // the message draws the expression; its last line says what is wrong
                other => format!(
                    "has a regular expression that is wrong: {}",
                    other.to_string().lines().last().unwrap_or_default()
                ),
            })?;
    }
    Ok(count)
}

fn collect_items<'d>(detection: &'d Detection, items: &mut Vec<&'d DetectionItem>) {
    match detection {
        Detection::AllOf(own) => items.extend(own),
        Detection::AnyOf(parts) | Detection::And(parts) => {
            parts.iter().for_each(|part| collect_items(part, items));
        }
        _ => {}
    }
}
