//! Which networks a file is to hold: those that the report advises or every attacking address, without anybody whom the
//! user knows and without what is not on the internet.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::space::{joined, meant, single, without};
use crate::addresses::parse_networks;
use crate::error::{Error, Result};
use crate::report::view::{Actor, Incident, KnownParty, Origin, RateLimit, Report, Target};
use crate::report::words;
use crate::time::Time;

/// What is never written, whoever asks for it: this host and this network (RFC 1122), link-local (RFC 3927, RFC 4291),
/// multicast and what is behind it (RFC 1112), and their like in IPv6. Nobody on the internet has such an address, and a
/// server that refuses its own does not work.
const NEVER: [&str; 9] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "fe80::/10",
    "ff00::/8",
];

/// The word for networks behind routers and balancers; see [`parse_networks`].
const PRIVATE: &str = "private";

/// An actor of no more clients than this is blocked client by client where no network is advised.
const FEW: u64 = 10;

/// Names and networks that a note spells out.
const SPELLED_OUT: usize = 5;

/// What the user asks for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Incidents by id; all attacks if none is named.
    pub incidents: Vec<u32>,
    /// Every attacking address and nobody else, rather than the networks that are advised.
    pub exact: bool,
    /// Private networks as well.
    pub private: bool,
    /// Networks that are known, beside those of the report.
    pub known: Vec<IpNet>,
}

/// A network of attackers.
pub struct Entry<'r> {
    /// What is left of it.
    pub left: Vec<IpNet>,
    /// Attacking addresses within.
    pub attackers: u64,
    /// Its share of the attack's requests, if the report tells it.
    pub attack_share: Option<f64>,
    /// Addresses within that did not attack, if the report tells them.
    pub innocent_clients: Option<u64>,
    /// Their share of the other requests.
    pub innocent_share: Option<f64>,
    /// The first request of the attack from within.
    pub from: Option<Time>,
    /// What its attackers do.
    pub roles: Vec<&'static str>,
    /// Whose.
    pub incident: &'r Incident,
    /// Where it is.
    pub origins: &'r [Origin],
    network: IpNet,
}

impl Entry<'_> {
    /// Whether nobody was cut out of the network that the report names.
    pub fn is_whole(&self) -> bool {
        self.left == [self.network]
    }
}

/// What a file is made from.
pub struct Plan<'r> {
    /// Where the report was read from, as the user calls it.
    pub path: String,
    /// The report.
    pub report: &'r Report,
    incidents: Vec<&'r Incident>,
    entries: Vec<Entry<'r>>,
    known: Vec<IpNet>,
    private: bool,
    notes: Vec<String>,
    networks: OnceCell<Vec<IpNet>>,
}

impl<'r> Plan<'r> {
    /// Chooses what to write. `path` is what comments and errors name.
    ///
    /// # Errors
    /// When the report's addresses are pseudonyms, when an incident is named that is none, or no attack, and when the
    /// report's networks cannot be read.
    pub fn new(path: &str, report: &'r Report, options: &Options) -> Result<Plan<'r>> {
        if report.pseudonymized {
            return Err(Error::Usage(format!(
                "{path} was written with --pseudonymize: its addresses belong to others than the attackers. Export the \
                 report that `aftertrace scan --format json` writes without it"
            )));
        }
        let mut plan = Plan {
            path: path.to_string(),
            report,
            incidents: incidents(report, &options.incidents)?,
            entries: Vec::new(),
            known: options.known.iter().copied().flat_map(meant).collect(),
            private: options.private,
            notes: Vec::new(),
            networks: OnceCell::new(),
        };
        for party in &report.known {
            plan.know(party)?;
        }
        plan.known = joined(std::mem::take(&mut plan.known));
        for incident in plan.incidents.clone() {
            let before = plan.entries.len();
            match options.exact {
                true => plan.take_all(incident),
                false => plan.take_advice(incident)?,
            }
            if plan.entries.len() == before && !options.exact {
                plan.notes.push(format!(
                    "the report advises no network and no client to block for incident {}; --exact takes each of its \
                     attacking addresses",
                    incident.id
                ));
            }
            plan.tell_names(incident);
        }
        plan.spare();
        Ok(plan)
    }

    /// The networks of attackers, by incident, those with most of the attack first.
    pub fn entries(&self) -> &[Entry<'r>] {
        &self.entries
    }

    /// Everything to block, as few networks as possible, IPv4 first.
    pub fn networks(&self) -> &[IpNet] {
        self.networks
            .get_or_init(|| joined(self.entries.iter().flat_map(|entry| entry.left.clone())))
    }

    /// The same, IPv4 and IPv6 apart.
    pub fn families(&self) -> (Vec<IpNet>, Vec<IpNet>) {
        let networks = self.networks().iter();
        networks.partition(|network| matches!(network, IpNet::V4(_)))
    }

    /// Networks that no limit may hold for: the known ones and, unless they are asked for, the private ones, where a
    /// balancer would be taken for one client.
    pub fn spared(&self) -> Vec<IpNet> {
        joined(self.known.iter().copied().chain(self.private()))
    }

    /// Private networks, unless they are asked for.
    fn private(&self) -> Vec<IpNet> {
        match self.private {
            true => Vec::new(),
            false => parse_networks(PRIVATE).unwrap_or_default(),
        }
    }

    /// What the reader must know: who was left out, and why.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The limit for each client that is advised for the gravest of the incidents, the earliest of equal ones; with that
    /// incident's id.
    ///
    /// # Errors
    /// When none is advised.
    pub fn limit(&self) -> Result<(u32, &'r RateLimit)> {
        let advised = |incident: &&'r Incident| -> Option<&'r RateLimit> {
            let measures = incident.mitigations.iter();
            let mut limits = measures.flat_map(|measure| &measure.limits);
            limits.find(|limit| limit.advised)
        };
        let incidents = self.incidents.iter();
        let found = incidents.filter_map(|incident| Some((incident, advised(incident)?)));
        let gravest = found.rev().max_by_key(|(incident, _)| incident.severity);
        let found = gravest.map(|(incident, limit)| (incident.id, limit));
        found.ok_or_else(|| {
            let measures = self.incidents.iter().flat_map(|one| &one.mitigations);
            let tried = measures.map(|one| one.limits.len()).sum::<usize>() > 0;
            let why = match (self.incidents.is_empty(), tried) {
                (true, _) => "there is no limit to set, as the report has no attack",
                (false, false) => {
                    "no limit for each client was tried, as no attack in the report is one of volume; block clients \
                     instead (--to nginx-deny)"
                }
                (false, true) => {
                    "the report advises no limit for each client, as none would have kept off most of an attack without \
                     refusing visitors; block networks instead (--to nginx-deny), or set one of the limits that \
                     `aftertrace report --format markdown` lists by hand"
                }
            };
            Error::Usage(format!("{}: {why}", self.path))
        })
    }

    /// A sentence: `whom` is what happens, up to the networks.
    pub fn does(&self, whom: &str) -> String {
        let networks = self.networks().len() as u64;
        if networks == 0 {
            return "What it does: nothing, as there is nobody to block.".to_string();
        }
        let kept = || self.entries.iter().filter(|entry| !entry.left.is_empty());
        let attackers: u64 = kept().map(|entry| entry.attackers).sum();
        let innocent: u64 = kept().filter_map(|entry| entry.innocent_clients).sum();
        let ids: BTreeSet<u32> = kept().map(|entry| entry.incident.id).collect();
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let others = match innocent {
            0 => String::new(),
            some => format!(
                ", and of {} not attack",
                words::counted(some, "other that did", "others that did")
            ),
        };
        format!(
            "What it does: {whom} {}, the addresses of {} in incident {}{others}.",
            words::counted(networks, "network", "networks"),
            words::counted(attackers, "attacker", "attackers"),
            ids.join(", "),
        )
    }

    fn know(&mut self, party: &KnownParty) -> Result<()> {
        for text in &party.networks {
            let network = self.parse(text)?;
            self.known.extend(meant(network));
        }
        Ok(())
    }

    fn parse(&self, text: &str) -> Result<IpNet> {
        let address = || text.parse::<IpAddr>().map(single);
        let network = text.parse::<IpNet>().or_else(|_| address());
        network.map_err(|_| Error::Report {
            path: self.path.clone().into(),
            what: format!("`{text}` is no network: the report was changed; save it again"),
        })
    }

    /// The networks and clients that are advised, and those actors beside them that have few addresses.
    fn take_advice(&mut self, incident: &'r Incident) -> Result<()> {
        for target in incident
            .mitigations
            .iter()
            .flat_map(|measure| &measure.details)
        {
            let network = self.parse(&target.target)?;
            self.entries.push(advised(incident, target, network));
        }
        let few = attackers(incident).filter(|actor| actor.client_count <= FEW);
        for (actor, address) in few.flat_map(addresses) {
            self.take(incident, actor, address);
        }
        Ok(())
    }

    /// One address of an actor, unless it is within a network that was taken.
    fn take(&mut self, incident: &'r Incident, actor: &'r Actor, address: IpAddr) {
        let taken = |entry: &Entry<'_>| {
            entry.incident.id == incident.id && entry.network.contains(&address.to_canonical())
        };
        if !self.entries.iter().any(taken) {
            self.entries.push(Entry {
                attackers: 1,
                from: (actor.client_count == 1).then_some(actor.first),
                roles: vec![actor.role.name()],
                ..bare(incident, single(address))
            });
        }
    }

    /// Every address of every attacker, joined where nobody else is between them.
    fn take_all(&mut self, incident: &'r Incident) {
        for actor in attackers(incident) {
            let all: BTreeSet<IpNet> = addresses(actor)
                .map(|(_, address)| single(address))
                .collect();
            let named = actor.clients.len() as u64;
            if named < actor.client_count {
                self.notes.push(format!(
                    "of about {} of {} the report names {}, since memory did not suffice for all; scan again with a larger \
                     --memory-limit",
                    words::counted(actor.client_count, "client", "clients"),
                    actor.id,
                    words::count(named),
                ));
            }
            for network in joined(all.iter().copied()) {
                let within = all
                    .range(IpNet::from(network.network())..)
                    .take_while(|one| network.contains(*one));
                self.entries.push(Entry {
                    attackers: within.count() as u64,
                    innocent_clients: Some(0),
                    innocent_share: Some(0.0),
                    from: (all.len() == 1).then_some(actor.first),
                    roles: vec![actor.role.name()],
                    ..bare(incident, network)
                });
            }
        }
    }

    /// Says which attackers have no address.
    fn tell_names(&mut self, incident: &Incident) {
        let clients = attackers(incident).flat_map(|actor| &actor.clients);
        let names: Vec<&str> = clients
            .filter(|client| client.parse::<IpAddr>().is_err())
            .map(String::as_str)
            .collect();
        if !names.is_empty() {
            self.notes.push(format!(
                "{} of incident {} cannot be blocked by address, as the log has host names: {}",
                words::counted(names.len() as u64, "client", "clients"),
                incident.id,
                listed(&names)
            ));
        }
    }

    /// Cuts out who is known, and what is not on the internet.
    fn spare(&mut self) {
        let read = |texts: &[&str]| -> Vec<IpNet> {
            texts.iter().filter_map(|text| text.parse().ok()).collect()
        };
        let private = self.private();
        let never = read(&NEVER);
        let (mut known, mut inner) = (BTreeSet::new(), BTreeSet::new());
        for entry in &mut self.entries {
            let meets = |spared: &&IpNet| {
                spared.contains(&entry.network) || entry.network.contains(*spared)
            };
            known.extend(self.known.iter().filter(meets).copied());
            inner.extend(
                never
                    .iter()
                    .chain(&private)
                    .filter(meets)
                    .map(|_| entry.network),
            );
            let spared: Vec<IpNet> = [&self.known, &never, &private]
                .into_iter()
                .flatten()
                .filter(meets)
                .copied()
                .collect();
            entry.left = without(entry.network, &spared);
        }
        let texts = |networks: BTreeSet<IpNet>| -> Vec<String> {
            networks.iter().map(ToString::to_string).collect()
        };
        if !known.is_empty() {
            self.notes.push(format!(
                "known clients within networks of attackers are spared (--known, --exclude): {}",
                listed(&texts(known))
            ));
        }
        if !inner.is_empty() {
            let advice = match self.private {
                true => "a server that refuses them does not work",
                false => {
                    "a proxy in front may stand there, for which scan has --client-from; --private takes private ones"
                }
            };
            self.notes.push(format!(
                "nothing is done to private and local addresses in {}: {advice}",
                listed(&texts(inner))
            ));
        }
    }
}

/// The incidents that are asked for.
fn incidents<'r>(report: &'r Report, ids: &[u32]) -> Result<Vec<&'r Incident>> {
    if ids.is_empty() {
        let all = report.incidents.iter();
        return Ok(all.filter(|incident| incident.attack).collect());
    }
    let ids: BTreeSet<&u32> = ids.iter().collect();
    let chosen = ids.into_iter().map(|id| {
        let found = report.incidents.iter().find(|incident| incident.id == *id);
        match found {
            Some(incident) if incident.attack => Ok(incident),
            Some(incident) => Err(Error::Usage(format!(
                "incident {id} is no attack ({}): nobody is blocked for it; name others with --incident",
                words::cause_in_words(incident.cause)
            ))),
            None => Err(Error::Usage(format!(
                "the report has no incident {id}: it has {}",
                words::counted(report.incidents.len() as u64, "incident", "incidents")
            ))),
        }
    });
    chosen.collect()
}

fn attackers(incident: &Incident) -> impl Iterator<Item = &Actor> {
    let actors = incident.actors.iter();
    actors.filter(|actor| actor.role.is_attack())
}

fn addresses(actor: &Actor) -> impl Iterator<Item = (&Actor, IpAddr)> {
    let clients = actor.clients.iter();
    clients.filter_map(move |client| Some((actor, client.parse().ok()?)))
}

fn bare(incident: &Incident, network: IpNet) -> Entry<'_> {
    Entry {
        left: Vec::new(),
        attackers: 0,
        attack_share: None,
        innocent_clients: None,
        innocent_share: None,
        from: None,
        roles: Vec::new(),
        incident,
        origins: &[],
        network,
    }
}

/// A network that the report advises to block.
fn advised<'r>(incident: &'r Incident, target: &'r Target, network: IpNet) -> Entry<'r> {
    let within = |actor: &&Actor| {
        let mut addresses = addresses(actor);
        addresses.any(|(_, address)| network.contains(&address.to_canonical()))
    };
    let roles: BTreeSet<&str> = attackers(incident)
        .filter(within)
        .map(|actor| actor.role.name())
        .collect();
    Entry {
        attackers: target.clients,
        attack_share: target.attack_share,
        innocent_clients: Some(target.innocent_clients),
        innocent_share: target.innocent_share,
        from: target.from,
        roles: roles.into_iter().collect(),
        origins: &target.origins,
        ..bare(incident, network)
    }
}

/// The first of some, and how many more there are.
fn listed(texts: &[impl AsRef<str>]) -> String {
    let shown = texts.iter().take(SPELLED_OUT).map(AsRef::as_ref);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match texts.len().saturating_sub(SPELLED_OUT) {
        0 => shown,
        more => format!("{shown} and {} more", words::count(more as u64)),
    }
}
