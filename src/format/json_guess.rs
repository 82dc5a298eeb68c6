//! Which key of a JSON log says what, found out by what its values look like in a sample of the lines.
//!
//! A name is a hint and no more: `host` is a virtual host here and the machine's name there, `time` may be a moment or a
//! duration. Each field goes to the key with the best sum of both; a field that no key fits is left out.

mod column;
mod names;

use crate::format::json_keys::{Keys, Take};
use crate::format::record::Field;
use crate::time::Unit;
use column::{Column, columns};
pub use names::nginx_variables;
use names::{Hint, aside, hint};

/// What was found out.
pub struct Guess {
    /// For the reader.
    pub keys: Keys,
    /// Each field that was found: its name for people, and its key.
    pub found: Vec<(String, String)>,
    /// Keys that bear names of nginx's variables.
    pub nginx_names: usize,
}

/// What a name weighs against what the values say.
const NAME: f64 = 3.0;
/// What a name weighs that tells of somebody else: the server behind, the proxy.
const ASIDE: f64 = -4.0;

/// The share of the values of a key that must look like the field's.
const FITS: f64 = 0.8;
/// The same for statuses and times, where every value must; a few lines may be broken.
const STRICT: f64 = 0.95;

/// Finds out what the keys of some lines say; `None` if they do not tell of requests: when, what was asked for, and
/// by whom or with which answer.
pub fn guess(lines: &[&[u8]]) -> Option<Guess> {
    let columns = columns(lines);
    let mut roles = Roles {
        taken: vec![None; columns.len()],
        columns: &columns,
        lines: lines.len(),
        found: Vec::new(),
    };
    roles.choose();
    let has = |fields: &[&str]| {
        roles
            .found
            .iter()
            .any(|(what, _)| fields.contains(&what.as_str()))
    };
    let asked = has(&["request", "target"]);
    if !(has(&["time"]) || has(&["clock"])) || !asked || !has(&["client", "status"]) {
        return None;
    }
    let nginx_names = nginx_variables(columns.iter().map(|column| column.name.as_slice()));
    let take = |(column, taken): (&Column, &Option<Take>)| {
        (column.name.clone(), taken.unwrap_or(Take::Search))
    };
    Some(Guess {
        keys: Keys::of(columns.iter().zip(&roles.taken).map(take), |_| Take::Search),
        found: roles.found,
        nginx_names,
    })
}

/// The choice of a key for each field.
struct Roles<'c> {
    columns: &'c [Column],
    lines: usize,
    taken: Vec<Option<Take>>,
    found: Vec<(String, String)>,
}

impl Roles<'_> {
    fn choose(&mut self) {
        self.choose_time();
        self.pick("request", Hint::Request, Field::Request, |column| {
            by_value(column.share(column::is_request), 0.5)
        });
        self.pick("forwarded", Hint::Forwarded, Field::Forwarded, |column| {
            let named = hint(&column.name).is_some_and(|(hint, _)| hint == Hint::Forwarded);
            (named || column.share(column::is_address_list) >= FITS).then_some(0.0)
        });
        self.pick("client", Hint::Client, Field::Client, |column| {
            let fits = by_value(column.share(column::is_address), FITS)?;
            Some(fits + 2.0 * column.variety() + column.share(column::is_public))
        });
        self.pick("method", Hint::Method, Field::Method, |column| {
            by_value(column.share(column::is_method), FITS)
        });
        self.pick("protocol", Hint::Protocol, Field::Protocol, |column| {
            by_value(column.share(column::is_protocol), FITS)
        });
        self.pick("status", Hint::Status, Field::Status, |column| {
            by_value(column.share(column::is_status), STRICT)?;
            let usual = column.share(column::is_usual_status);
            let named = hint(&column.name).is_some_and(|(hint, _)| hint == Hint::Status);
            (named || usual >= STRICT).then_some(2.0 * usual)
        });
        self.choose_target();
        self.pick("user agent", Hint::UserAgent, Field::UserAgent, |column| {
            named_or(column, Hint::UserAgent, column.share(column::is_agent), 0.6)
        });
        self.pick("referer", Hint::Referer, Field::Referer, |column| {
            named_or(column, Hint::Referer, column.share(column::is_url), FITS)
        });
        self.pick("size", Hint::Bytes, Field::Bytes, |column| {
            let named = hint(&column.name).is_some_and(|(hint, _)| hint == Hint::Bytes);
            named.then(|| by_value(column.share(column::is_number), STRICT))?
        });
        self.choose_duration();
        for (what, wanted, field) in [
            ("virtual host", Hint::Host, Field::Host),
            ("user", Hint::User, Field::User),
        ] {
            self.pick(what, wanted, field, |column| {
                let named = hint(&column.name).is_some_and(|(hint, _)| hint == wanted);
                named.then_some(0.0)
            });
        }
    }

    /// Takes the best key that is still free; `score` is what the values say, `None` that they cannot be it.
    fn best(&self, wanted: Hint, score: impl Fn(&Column) -> Option<f64>) -> Option<usize> {
        let free = |index: &usize| self.taken[*index].is_none();
        let mut best: Option<(usize, f64)> = None;
        for index in (0..self.columns.len()).filter(free) {
            let column = &self.columns[index];
            let Some(by_value) = score(column) else {
                continue;
            };
            let by_name = match hint(&column.name) {
                Some((hint, strength)) if hint == wanted => NAME * strength,
                // the name is that of another field
                Some(_) => -NAME,
                None => 0.0,
            };
            let aside = if aside(&column.name) { ASIDE } else { 0.0 };
            let coverage = column.count() as f64 / self.lines as f64;
            let total = by_value + by_name + aside + coverage;
            if total > 0.0 && best.is_none_or(|(_, most)| total > most) {
                best = Some((index, total));
            }
        }
        best.map(|(index, _)| index)
    }

    fn pick(
        &mut self,
        what: &str,
        wanted: Hint,
        field: Field,
        score: impl Fn(&Column) -> Option<f64>,
    ) {
        if let Some(index) = self.best(wanted, score) {
            self.take(index, what, Take::Set(field));
        }
    }

    fn take(&mut self, index: usize, what: &str, take: Take) {
        self.taken[index] = Some(take);
        let key = String::from_utf8_lossy(&self.columns[index].name).into_owned();
        self.found.push((what.to_string(), key));
    }

    /// A time is a date and a clock in one, or in two keys.
    fn choose_time(&mut self) {
        let whole = self.best(Hint::Time, |column| {
            let fits = by_value(column.share(column::is_time), STRICT)?;
            let text = column.share(column::is_text_time);
            let named = hint(&column.name).is_some_and(|(hint, _)| hint == Hint::Time);
            let rising = column.rising();
            // a counter may look like an epoch, but only time goes on and is called so
            (named || text >= STRICT || rising >= FITS).then_some(fits + text + 2.0 * rising)
        });
        if let Some(index) = whole {
            return self.take(index, "time", Take::Set(Field::Time));
        }
        let of = |looks: fn(&[u8]) -> bool| {
            self.best(Hint::Time, |column| by_value(column.share(looks), STRICT))
        };
        if let (Some(date), Some(clock)) = (of(column::is_date), of(column::is_clock)) {
            self.take(date, "date", Take::Set(Field::Date));
            self.take(clock, "clock", Take::Set(Field::Clock));
        }
    }

    /// The target, and a query beside it.
    fn choose_target(&mut self) {
        let target = self.best(Hint::Target, |column| {
            let path = column.share(column::is_path);
            let fits = by_value(path.max(column.share(column::is_target)), FITS)?;
            let query = column.share(|value| value.contains(&b'?'));
            Some(fits + path + 0.5 * query + 0.5 * column.variety())
        });
        let Some(target) = target else {
            return;
        };
        let urls = self.columns[target].share(column::is_url) > 0.0;
        self.pick("query", Hint::Query, Field::Query, |column| {
            let named = hint(&column.name).is_some_and(|(hint, _)| hint == Hint::Query);
            named.then_some(0.0)
        });
        let take = match (self.found.iter().any(|(what, _)| what == "query"), urls) {
            (true, _) => Take::Set(Field::Path),
            (false, true) => Take::Url,
            (false, false) => Take::Set(Field::Target),
        };
        self.take(target, "target", take);
    }

    fn choose_duration(&mut self) {
        let index = self.best(Hint::Duration, |column| {
            let named = hint(&column.name).is_some_and(|(hint, _)| hint == Hint::Duration);
            let fits = by_value(column.share(column::is_duration), FITS)?;
            let telling = column.share(column::tells_duration) >= FITS;
            (named || telling).then_some(fits)
        });
        if let Some(index) = index {
            let unit = self.columns[index].unit();
            let name = match unit {
                Unit::Seconds => "seconds",
                Unit::Milliseconds => "milliseconds",
                Unit::Microseconds => "microseconds",
                Unit::Nanoseconds => "nanoseconds",
            };
            let what = format!("duration in {name}");
            self.take(index, &what, Take::Set(Field::Duration(unit)));
        }
    }
}

/// A share as a score, if it suffices.
fn by_value(share: f64, least: f64) -> Option<f64> {
    (share >= least).then_some(share)
}

/// As [`by_value`], but a name suffices.
fn named_or(column: &Column, wanted: Hint, share: f64, least: f64) -> Option<f64> {
    let named = hint(&column.name).is_some_and(|(hint, _)| hint == wanted);
    (named || share >= least).then_some(share)
}
