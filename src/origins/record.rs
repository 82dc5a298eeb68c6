//! The fields of a record that say where an address is, whoever made the database.
//!
//! MaxMind (GeoLite2 and GeoIP2: dev.maxmind.com/geoip/docs/databases) and DB-IP (db-ip.com/db/format), which writes the same
//! structure, have `country.iso_code`, `autonomous_system_number` and `autonomous_system_organization`, in some databases
//! below `traits`. IPinfo (ipinfo.io/developers) has flat texts: `country_code`, in some databases `country` with the code,
//! `asn` as in `AS64496`, and `as_name` or `name`.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Place;

/// Bytes of a text that are kept: names of organisations are shorter.
const MAX_TEXT: usize = 200;

/// Fields that are named where none of them serves.
const NAMED: usize = 16;

/// A text without what is beyond [`MAX_TEXT`] bytes.
pub fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The fields that may say where an address is. Anything else is passed over.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Record<'a> {
    #[serde(borrow)]
    country: Value<'a>,
    #[serde(borrow)]
    country_code: Value<'a>,
    #[serde(borrow)]
    autonomous_system_number: Value<'a>,
    #[serde(borrow)]
    autonomous_system_organization: Value<'a>,
    #[serde(borrow)]
    asn: Value<'a>,
    #[serde(borrow)]
    as_name: Value<'a>,
    #[serde(borrow)]
    name: Value<'a>,
    #[serde(borrow)]
    traits: Value<'a>,
}

impl Record<'_> {
    /// What the record says.
    pub fn place(&self) -> Place {
        let (country, traits) = (self.country.inner(), self.traits.inner());
        let flat = [&self.country_code, &self.country];
        let codes = flat.into_iter().filter_map(Value::text);
        let country = codes.chain(country.iso_code).find_map(code);
        let numbers = [&self.autonomous_system_number, &self.asn];
        let asn = numbers.into_iter().find_map(Value::asn).or(traits.asn);
        let by_number = asn.is_some().then_some(&self.name);
        let names = [&self.autonomous_system_organization, &self.as_name];
        let names = names.into_iter().chain(by_number).filter_map(Value::text);
        let mut names = names.chain(traits.organization);
        let organization = names.find(|name| !name.trim().is_empty());
        Place {
            country,
            asn,
            organization: organization.map(|name| cut(name).to_owned()),
        }
    }
}

/// Two letters of ISO 3166-1, if that is what the text is.
fn code(text: &str) -> Option<String> {
    let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| text.to_ascii_uppercase())
}

/// A value of a field, as far as it matters.
#[derive(Default)]
enum Value<'a> {
    #[default]
    Other,
    Text(&'a str),
    Number(u64),
    Map(Inner<'a>),
}

/// What stands one level deeper: of `country` the code, of `traits` the system.
#[derive(Clone, Copy, Default)]
struct Inner<'a> {
    iso_code: Option<&'a str>,
    asn: Option<u32>,
    organization: Option<&'a str>,
}

impl<'a> Value<'a> {
    fn text(&self) -> Option<&'a str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn inner(&self) -> Inner<'a> {
        match self {
            Value::Map(inner) => *inner,
            _ => Inner::default(),
        }
    }

    /// The number of a system, also written as a text. 0 is nobody's (RFC 7607).
    fn asn(&self) -> Option<u32> {
        let number = match self {
            Value::Number(number) => u32::try_from(*number).ok(),
            Value::Text(text) => {
                let digits = text.strip_prefix("AS").or_else(|| text.strip_prefix("as"));
                digits.unwrap_or(text).parse().ok()
            }
            _ => None,
        };
        number.filter(|number| *number != 0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value<'a>, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(u64::try_from(number).map_or(Value::Other, Value::Number))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value<'de>, A::Error> {
        /// Of deeper levels nothing is kept.
        struct Leaf<'a>(Option<&'a str>, Option<u64>);
        impl<'de: 'a, 'a> Deserialize<'de> for Leaf<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Leaf<'a>, D::Error> {
                Ok(match deserializer.deserialize_any(ValueVisitor)? {
                    Value::Text(text) => Leaf(Some(text), None),
                    Value::Number(number) => Leaf(None, Some(number)),
                    _ => Leaf(None, None),
                })
            }
        }
        let mut inner = Inner::default();
        while let Some(key) = fields.next_key::<&str>()? {
            match key {
                "iso_code" => inner.iso_code = fields.next_value::<Leaf<'_>>()?.0,
                "autonomous_system_organization" => {
                    inner.organization = fields.next_value::<Leaf<'_>>()?.0
                }
                "autonomous_system_number" => {
                    let number = fields.next_value::<Leaf<'_>>()?.1;
                    inner.asn = number.map(Value::Number).and_then(|number| number.asn());
                }
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Value::Map(inner))
    }
}

/// The names of some fields, for saying why a database does not serve.
#[derive(Default)]
pub struct Fields(Vec<String>);

impl Fields {
    /// Adds those of another record.
    pub fn add(&mut self, names: Option<Names>) {
        for name in names.into_iter().flat_map(|names| names.0) {
            if self.0.len() < NAMED && !self.0.contains(&name) {
                self.0.push(name);
            }
        }
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("and its first networks have no fields"),
            false => write!(f, "and its fields are {}", self.0.join(", ")),
        }
    }
}

/// The names of a record's own fields.
pub struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record with named fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, _)) = fields.next_entry::<&str, IgnoredAny>()? {
                    if names.len() < NAMED {
                        names.push(cut(name).to_owned());
                    }
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}
