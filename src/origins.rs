//! Where addresses are: countries and autonomous systems, as databases in the MaxMind DB format say that the user gives.
//!
//! The format is public (maxmind.github.io/MaxMind-DB); the fields are each vendor's own. A database is a file from
//! elsewhere: whatever is wrong with it becomes an error or a warning that names it, and its texts are no safer than a log's.

mod record;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions};

use crate::error::{Error, Result, Warning};
use crate::report::view::{self, Origin};
use crate::time::Time;
use record::{Fields, Record, cut};

/// The largest database that is read, in bytes: they are kept in memory, and those of countries and systems take some ten MiB.
const MAX_BYTES: u64 = 1 << 30;

/// Networks at the beginning of a database in which a country or a system is looked for, to tell a database that can
/// answer from one that cannot.
const PROBED: usize = 10_000;

/// The end of the year 9999, beyond which RFC 3339 has no times; in seconds since the epoch.
const MAX_EPOCH: u64 = 253_402_300_799;

/// Characters of a library's message that are shown: it may quote the file.
const MAX_REASON: usize = 200;

/// The databases of a run, in the order in which they are asked. Empty if there are none.
#[derive(Clone, Default)]
pub struct Databases(Arc<Vec<Database>>);

struct Database {
    path: PathBuf,
    reader: Reader<Vec<u8>>,
}

impl fmt::Debug for Databases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.0.iter().map(|database| &database.path);
        f.debug_list().entries(paths).finish()
    }
}

impl Databases {
    /// Reads databases. Where several know something of an address, the first is believed.
    ///
    /// # Errors
    /// With the file and what to do: when it cannot be read, is in another format or damaged, or tells neither countries
    /// nor autonomous systems.
    pub fn open(paths: &[PathBuf]) -> Result<Databases> {
        let databases: Result<Vec<Database>> =
            paths.iter().map(|path| Database::open(path)).collect();
        Ok(Databases(Arc::new(databases?)))
    }

    /// A database that is in memory; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`Databases::open`].
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Result<Databases> {
        let database = Database::from_bytes(&name.into(), bytes)?;
        Ok(Databases(Arc::new(vec![database])))
    }

    /// True when nothing is looked up.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the report says of them.
    pub fn described(&self) -> Vec<view::Database> {
        self.0.iter().map(Database::described).collect()
    }
}

impl Database {
    fn open(path: &Path) -> Result<Database> {
        let file = File::open(path).map_err(|error| Error::io(path, "cannot open", error))?;
        let mut bytes = Vec::new();
        let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| Error::io(path, "cannot read", error))?;
        if bytes.len() as u64 > MAX_BYTES {
            let what =
                "longer than 1 GiB: give a database of countries or of autonomous systems alone";
            return Err(wrong(path, what.to_owned()));
        }
        Database::from_bytes(path, bytes)
    }

    fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Database> {
        let reader = Reader::from_source(bytes).map_err(|error| {
            wrong(path, format!(
                "this is no database in the MaxMind DB format, or a part of one ({}); give an unpacked .mmdb file such as \
                 GeoLite2-ASN.mmdb, downloaded whole",
                reason(&error)
            ))
        })?;
        let database = Database {
            path: path.to_path_buf(),
            reader,
        };
        database.probe()?;
        Ok(database)
    }

    /// Makes sure that the database can say what is asked of it.
    fn probe(&self) -> Result<()> {
        let damaged = |error: &MaxMindDbError| {
            wrong(
                &self.path,
                format!(
                    "the database is damaged ({}); download it again",
                    reason(error)
                ),
            )
        };
        let options = WithinOptions::default().include_networks_without_data();
        let networks = self
            .reader
            .networks(options)
            .map_err(|error| damaged(&error))?;
        let mut seen = Fields::default();
        for network in networks.take(PROBED) {
            let network = network.map_err(|error| damaged(&error))?;
            match network.decode::<Record<'_>>() {
                Ok(Some(record)) if record.place() != Place::default() => return Ok(()),
                Ok(Some(_)) => seen.add(network.decode().ok().flatten()),
                Ok(None) => {}
                Err(error) => return Err(damaged(&error)),
            }
        }
        Err(wrong(
            &self.path,
            format!(
                "neither countries nor autonomous systems are in this database (its type is {}, {}); give one with \
             country.iso_code, country_code, autonomous_system_number or asn",
                quoted(&self.reader.metadata().database_type),
                seen
            ),
        ))
    }

    fn described(&self) -> view::Database {
        let metadata = self.reader.metadata();
        let built = Some(metadata.build_epoch).filter(|epoch| (1..=MAX_EPOCH).contains(epoch));
        view::Database {
            path: self.path.to_string_lossy().into_owned(),
            kind: cut(&metadata.database_type).to_owned(),
            built: built.map(|epoch| Time::from_secs(epoch as i64)),
        }
    }

    /// The record of an address; `None` where the database has none.
    fn find(
        &self,
        address: IpAddr,
    ) -> std::result::Result<Option<LookupResult<'_, Vec<u8>>>, MaxMindDbError> {
        /// As the metadata says it of a tree without IPv6.
        const IPV4_ONLY: u16 = 4;
        if address.is_ipv6() && self.reader.metadata().ip_version == IPV4_ONLY {
            return Ok(None);
        }
        self.reader.lookup(address).map(Some)
    }
}

fn wrong(path: &Path, what: String) -> Error {
    Error::Database {
        path: path.to_path_buf(),
        what,
    }
}

fn reason(error: &MaxMindDbError) -> String {
    error.to_string().chars().take(MAX_REASON).collect()
}

fn quoted(text: &str) -> String {
    format!("\u{201c}{}\u{201d}", cut(text))
}

/// What is known of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place {
    country: Option<String>,
    asn: Option<u32>,
    organization: Option<String>,
}

impl Place {
    /// Fills in what is not known yet. A system and who runs it come from one database.
    fn complete(&mut self, other: &Place) {
        if self.country.is_none() {
            self.country.clone_from(&other.country);
        }
        if self.asn.is_none() && (self.organization.is_none() || other.asn.is_some()) {
            self.asn = other.asn;
            self.organization.clone_from(&other.organization);
        }
    }
}

/// The databases of one analysis, and what went wrong in them.
pub struct Atlas<'a> {
    databases: &'a Databases,
    /// The first address, by its number, whose record could not be read, by the place of the database.
    faults: Mutex<BTreeMap<usize, (IpAddr, String)>>,
}

/// Addresses with the same records: one offset for each database that has one.
type Records = Vec<Option<usize>>;

impl<'a> Atlas<'a> {
    /// Asks these databases.
    pub fn new(databases: &'a Databases) -> Atlas<'a> {
        Atlas {
            databases,
            faults: Mutex::default(),
        }
    }

    /// Addresses with their requests, by country and system; most requests first. Nothing without databases.
    pub fn origins(&self, clients: impl Iterator<Item = (IpAddr, u64)>) -> Vec<Origin> {
        if self.databases.is_empty() {
            return Vec::new();
        }
        let mut decoded: HashMap<(usize, usize), Place> = HashMap::new();
        let mut grouped: HashMap<Records, (u64, u64)> = HashMap::new();
        for (address, requests) in clients {
            let records = self.records(address, &mut decoded);
            let (members, sum) = grouped.entry(records).or_default();
            *members += 1;
            *sum += requests;
        }
        let mut places: BTreeMap<Place, (u64, u64)> = BTreeMap::new();
        for (records, (members, sum)) in grouped {
            let mut place = Place::default();
            let found = records.iter().enumerate();
            let found = found.filter_map(|(index, offset)| decoded.get(&(index, (*offset)?)));
            found.for_each(|known| place.complete(known));
            let (clients, requests) = places.entry(place).or_default();
            *clients += members;
            *requests += sum;
        }
        let origin = |(place, (clients, requests)): (Place, (u64, u64))| Origin {
            country: place.country,
            asn: place.asn,
            organization: place.organization,
            clients,
            requests,
        };
        let mut origins: Vec<Origin> = places.into_iter().map(origin).collect();
        // Stable: what has as much stays in the order of places.
        origins.sort_by_key(|origin| std::cmp::Reverse((origin.requests, origin.clients)));
        origins
    }

    /// Where the records of an address stand; each is decoded once.
    fn records(&self, address: IpAddr, decoded: &mut HashMap<(usize, usize), Place>) -> Records {
        let databases = self.databases.0.iter().enumerate();
        let record = |(index, database): (usize, &Database)| {
            let found = self
                .heard(index, address, database.find(address))
                .flatten()?;
            let offset = found.offset()?;
            if !decoded.contains_key(&(index, offset)) {
                let record = self
                    .heard(index, address, found.decode::<Record<'_>>())
                    .flatten();
                let place = record.map(|record| record.place()).unwrap_or_default();
                decoded.insert((index, offset), place);
            }
            Some(offset)
        };
        databases.map(record).collect()
    }

    /// What a database answered, unless it could not.
    fn heard<T>(
        &self,
        index: usize,
        address: IpAddr,
        answer: std::result::Result<T, MaxMindDbError>,
    ) -> Option<T> {
        let error = match answer {
            Ok(answer) => return Some(answer),
            Err(error) => error,
        };
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        match faults.get(&index) {
            Some((first, _)) if *first <= address => {}
            _ => drop(faults.insert(index, (address, reason(&error)))),
        }
        None
    }

    /// Says which databases could not answer. Analysis goes on without them.
    pub fn warnings(&self) -> Vec<Warning> {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let warning = |(index, (address, reason)): (&usize, &(IpAddr, String))| {
            let path = self.databases.0[*index].path.to_string_lossy().into_owned();
            Warning {
                code: "database_damaged".into(),
                message: format!(
                    "{path}: the record of {address} cannot be read ({reason}); where clients are is not complete: \
                     download the database again"
                ),
                input: Some(path),
            }
        };
        faults.iter().map(warning).collect()
    }
}
