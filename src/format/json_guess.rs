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
use names::{Hint, aside, hint, is_client_header};

/// What was found out.
pub struct Guess {
    /// For the reader.
    pub keys: Keys,
    /// The key that by its name says who connected, whoever was taken for the client by its values.
    pub connection: Option<Box<[u8]>>,
    /// Each field that was found: its name for people, and its key.
    pub found: Vec<(String, String)>,
    /// Those of them that no name hinted at.
    pub by_value: Vec<(String, String)>,
    /// Keys that are no field of the record.
    pub unread: Vec<String>,
    /// Keys that bear names of nginx's variables.
    pub nginx_names: usize,
}

impl Guess {
    /// What a report says of these fields and of the keys that are none.
    pub fn note(&self, fields: &[(String, String)]) -> String {
        let named = fields
            .iter()
            .map(|(what, key)| format!("{key:?} as the {what}"));
        let named: Vec<String> = named.collect();
        let mut note = format!(
            "its keys were read by what their values look like: {}",
            named.join(", ")
        );
        if !self.unread.is_empty() {
            let shown = self.unread.iter().take(MOST_UNREAD);
            let shown: Vec<String> = shown.map(|key| format!("{key:?}")).collect();
            note += &format!("; no field was found for {}", shown.join(", "));
        }
        if let Some(more @ 1..) = self.unread.len().checked_sub(MOST_UNREAD) {
            note += &format!(" and {more} more");
        }
        note
    }
}

/// Keys that a note lists although nothing was read from them.
const MOST_UNREAD: usize = 8;

/// Characters of a key that a note shows.
const MAX_SHOWN: usize = 64;

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
        by_value: Vec::new(),
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
    let free = columns.iter().zip(&roles.taken);
    let free = free.filter(|(_, taken)| taken.is_none());
    Some(Guess {
        unread: free.map(|(column, _)| shown(&column.name)).collect(),
        keys: Keys::of(columns.iter().zip(&roles.taken).map(take), |_| Take::Search),
        connection: connection(&columns),
        found: roles.found,
        by_value: roles.by_value,
        nginx_names,
    })
}

/// See [`Guess::connection`].
fn connection(columns: &[Column]) -> Option<Box<[u8]>> {
    let strength = |column: &Column| match hint(&column.name) {
        Some((Hint::Client, strength)) if !is_client_header(&column.name) => Some(strength),
        _ => None,
    };
    let fits = |column: &&Column| column.share(column::is_address) >= FITS && !aside(&column.name);
    let named = columns.iter().filter(fits);
    let named = named.filter_map(|column| Some((strength(column)?, column)));
    let best = named.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.map(|(_, column)| column.name.as_slice().into())
}

/// The header of a request that a path may hold: its last key, unless it is said to be an answer's.
pub fn header_of(path: &[u8]) -> Option<&[u8]> {
    let mut keys = path.rsplit(|byte| *byte == b'.');
    let last = keys.next();
    let answer = |key: &[u8]| key.len() >= 4 && key[..4].eq_ignore_ascii_case(b"resp");
    last.filter(|_| !keys.any(answer))
}

/// A key as a note shows it.
fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key)
        .chars()
        .take(MAX_SHOWN)
        .collect()
}

/// The choice of a key for each field.
struct Roles<'c> {
    columns: &'c [Column],
    lines: usize,
    taken: Vec<Option<Take>>,
    found: Vec<(String, String)>,
    by_value: Vec<(String, String)>,
}

impl Roles<'_> {
    fn choose(&mut self) {
        self.choose_time();
        self.pick("request", Hint::Request, Field::Request, |column| {
            by_value(column.share(column::is_request), 0.5)
        });
        self.pick(
            "forwarded addresses",
            Hint::Forwarded,
            Field::Forwarded,
            |column| {
                let named = hint(&column.name).is_some_and(|(hint, _)| hint == Hint::Forwarded);
                (named || column.share(column::is_address_list) >= FITS).then_some(0.0)
            },
        );
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
        let name = &self.columns[index].name;
        let field = (what.to_string(), shown(name));
        if hint(name).is_none() {
            self.by_value.push(field.clone());
        }
        self.found.push(field);
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
        // where the request stands whole, only a name tells of a target beside it: URLs are referers, paths are files
        let whole = self.found.iter().any(|(what, _)| what == "request");
        let target = self.best(Hint::Target, |column| {
            let named = hint(&column.name).is_some_and(|(hint, _)| hint == Hint::Target);
            if whole && !named {
                return None;
            }
            let path = column.share(column::is_path);
            let fits = by_value(path.max(column.share(column::is_target)), FITS)?;
            let query = column.share(|value| value.contains(&b'?'));
            Some(fits + path + 0.5 * query + 0.5 * column.variety())
        });
        let Some(target) = target else {
            return;
        };
        // who asks a proxy for another site sends a URL as well: that stays as it is
        let urls = self.columns[target].share(column::is_url) > 0.5;
        let marks = self.columns[target].share(|value| value.contains(&b'?'));
        let bare = !whole && !urls && marks <= 1.0 - STRICT;
        let lines = self.lines;
        self.pick("query", Hint::Query, Field::Query, |column| {
            if hint(&column.name).is_some_and(|(hint, _)| hint == Hint::Query) {
                return Some(0.0);
            }
            // what is the same on every line is a label
            let changes = column.count() < lines || column.variety() > 0.0;
            let fits = by_value(column.share(column::is_query), FITS)?;
            (bare && changes).then_some(fits + 0.5 * column.variety())
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
            let telling = column.share(column::tells_duration) >= FITS || column.has_thousandths();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in lines that `line` makes of their number.
    fn found(line: impl Fn(usize) -> String) -> Vec<(String, String)> {
        let lines: Vec<String> = (0..60).map(line).collect();
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        guess(&lines).map_or_else(Vec::new, |guess| guess.found)
    }

    #[track_caller]
    fn expect(line: impl Fn(usize) -> String, expected: &[(&str, &str)]) {
        let found = found(line);
        for (what, key) in expected {
            let is = found.iter().find(|(name, _)| name == what);
            assert_eq!(
                is.map(|(_, key)| key.as_str()),
                Some(*key),
                "{what}: {found:?}"
            );
        }
    }

    const AGENTS: [&str; 2] = ["Mozilla/5.0 (X11; Linux x86_64)", "probe/1.0"];

    #[test]
    fn names_in_no_known_language_are_no_hindrance() {
        let line = |n: usize| {
            format!(
                r#"{{"zeit":{}.25,"nr":{},"lb":"10.0.0.7","adr":"203.0.113.{n}","wo":"/item?id={n}","wie":"GET","erg":{},"dauer":0.{:03},"womit":"{}","woher":"https://a.example/","port":443,"pid":811}}"#,
                1_779_199_331 + n,
                1_100_000_000 + n * 7 % 60,
                [200, 404][n % 2],
                n * 3,
                AGENTS[n % 2],
            )
        };
        expect(
            line,
            &[
                ("time", "zeit"),
                ("client", "adr"),
                ("target", "wo"),
                ("method", "wie"),
                ("status", "erg"),
                ("duration in seconds", "dauer"),
                ("user agent", "womit"),
                ("referer", "woher"),
            ],
        );
    }

    #[test]
    fn the_elastic_common_schema_is_read() {
        let line = |n: usize| {
            format!(
                r#"{{"@timestamp":"2026-05-19T14:02:{n:02}.5Z","event":{{"created":"2026-05-19T14:03:{n:02}.5Z","duration":{}}},"source":{{"ip":"203.0.113.{n}","port":51000}},"destination":{{"ip":"192.0.2.1"}},"url":{{"path":"/item","original":"/item?id={n}","query":"id={n}"}},"http":{{"request":{{"method":"GET","bytes":310}},"response":{{"status_code":200,"body":{{"bytes":{n}12}}}}}},"user_agent":{{"original":"{}"}}}}"#,
                n * 1_000_000,
                AGENTS[n % 2],
            )
        };
        expect(
            line,
            &[
                ("time", "@timestamp"),
                ("client", "source.ip"),
                ("target", "url.original"),
                ("status", "http.response.status_code"),
                ("size", "http.response.body.bytes"),
                ("user agent", "user_agent.original"),
                ("duration in nanoseconds", "event.duration"),
            ],
        );
    }

    #[test]
    fn a_load_balancer_of_google_is_read() {
        let line = |n: usize| {
            format!(
                r#"{{"httpRequest":{{"requestMethod":"GET","requestUrl":"https://shop.example/a?b={n}","requestSize":"212","status":502,"responseSize":"{n}41","userAgent":"{}","remoteIp":"203.0.113.{n}","serverIp":"10.1.0.4","latency":"0.031s"}},"insertId":"1a{n}","timestamp":"2026-05-19T14:02:{n:02}.520411Z","receiveTimestamp":"2026-05-19T14:02:{n:02}.9Z"}}"#,
                AGENTS[n % 2],
            )
        };
        expect(
            line,
            &[
                ("time", "timestamp"),
                ("client", "httpRequest.remoteIp"),
                ("target", "httpRequest.requestUrl"),
                ("status", "httpRequest.status"),
                ("size", "httpRequest.responseSize"),
            ],
        );
    }

    #[test]
    fn of_two_addresses_the_varied_one_is_the_client_unless_it_is_a_header() {
        let line = |key: &str, n: usize| {
            format!(
                r#"{{"t":{},"ip":"10.0.0.1","{key}":"203.0.113.{n}","request":"GET / HTTP/1.1","status":200}}"#,
                1_779_199_331 + n
            )
        };
        expect(|n| line("visitor", n), &[("client", "visitor")]);
        expect(
            |n| line("x_forwarded_for", n),
            &[("client", "ip"), ("forwarded addresses", "x_forwarded_for")],
        );
        expect(|n| line("upstream_addr", n), &[("client", "ip")]);
    }

    #[test]
    fn date_and_clock_may_be_two_keys() {
        let line = |n: usize| {
            format!(
                r#"{{"d":"2026-05-19","c":"14:02:{n:02}","ip":"203.0.113.7","verb":"GET","path":"/a","code":200}}"#
            )
        };
        expect(
            line,
            &[
                ("date", "d"),
                ("clock", "c"),
                ("target", "path"),
                ("status", "code"),
            ],
        );
    }

    #[test]
    fn units_are_told_by_name_and_by_size() {
        for (key, value, unit) in [
            ("took", "12", "milliseconds"),
            ("took", "0.012", "seconds"),
            ("took", "48211", "microseconds"),
            ("took", "48211000", "nanoseconds"),
            ("took", "31.25", "milliseconds"),
            ("elapsed_usec", "12", "microseconds"),
            ("latency_ms", "0.5", "milliseconds"),
        ] {
            let line = |n: usize| {
                format!(
                    r#"{{"time":"2026-05-19T14:02:{n:02}Z","ip":"203.0.113.7","url":"/a","{key}":{value}}}"#
                )
            };
            expect(line, &[(&format!("duration in {unit}"), key)]);
        }
    }

    /// A line of requests with a key for the path and what else is given.
    fn with_path(n: usize, more: &str) -> String {
        let time = format!("2026-05-19T14:02:{n:02}Z");
        let path = ["/item", "/static/app.js"][n % 2];
        format!(
            r#"{{"zeit":"{time}","adr":"203.0.113.{n}","wie":"GET","wo":"{path}","erg":200{more}}}"#
        )
    }

    #[test]
    fn a_query_beside_bare_paths_is_found_by_its_values() {
        for key in ["q", "consulta", "x"] {
            let line = |n: usize| {
                let query = [format!("id={n}%27&b="), String::new()];
                with_path(n, &format!(r#","{key}":"{}""#, query[n % 2]))
            };
            expect(line, &[("query", key), ("target", "wo")]);
        }
        let absent = |more: fn(usize) -> String| {
            let found = found(|n| with_path(n, &more(n)));
            assert!(found.iter().any(|(what, _)| what == "target"), "{found:?}");
            assert!(!found.iter().any(|(what, _)| what == "query"), "{found:?}");
        };
        absent(|_| r#","etikett":"env=prod""#.into());
        absent(|n| format!(r#","cookie":"sid={n}""#));
        absent(|n| format!(r#","kekse":"sid={n}; b=c""#));
        absent(|n| format!(r#","text":"a = {n}""#));
    }

    #[test]
    fn urls_beside_a_path_or_a_whole_request_are_the_referer() {
        let referer = |n: usize| ["https://search.example/", "-", "https://a.example/?b"][n % 3];
        expect(
            |n| with_path(n, &format!(r#","rf":"{}""#, referer(n))),
            &[("target", "wo"), ("referer", "rf")],
        );
        let whole = |n: usize| {
            format!(
                r#"{{"t":{},"c":"203.0.113.{n}","r":"GET /item?id={n} HTTP/1.1","s":"200","rf":"{}","datei":"/srv/{n}"}}"#,
                1_779_199_331 + n,
                referer(n)
            )
        };
        expect(whole, &[("request", "r"), ("referer", "rf")]);
        let found = found(whole);
        assert!(!found.iter().any(|(what, _)| what == "target"), "{found:?}");
    }

    #[test]
    fn sizes_by_a_part_of_the_name_and_durations_by_their_values() {
        let line = |n: usize| {
            let took = ["0.05", "0.003", "0.1"][n % 3];
            with_path(
                n,
                &format!(r#","bytes_recv":7{n},"bytes_enviados":{n}41,"duracion":{took}"#),
            )
        };
        expect(
            line,
            &[
                ("size", "bytes_enviados"),
                ("duration in seconds", "duracion"),
            ],
        );
        // amounts of money have no thousandths
        let found = found(|n| with_path(n, &format!(r#","betrag":{n}.25"#)));
        assert!(!found.iter().any(|(what, _)| what.starts_with("duration")));
    }

    #[test]
    fn what_tells_of_no_requests_is_not_read() {
        let log = |n: usize| {
            format!(
                r#"{{"level":"info","ts":{},"msg":"hello","ip":"203.0.113.7"}}"#,
                1_779_199_331 + n
            )
        };
        assert!(found(log).is_empty());
        assert!(found(|n| format!(r#"{{"a":{n}}}"#)).is_empty());
        assert!(guess(&[]).is_none());
    }
}
