//! Which attackers act as one: from the same network or with the same user agent, at the same targets, at about
//! the same time.
//!
//! Only who and what is compared here; whether it amounts to an attack is for `detect`. Two who run the same common
//! tool at different hours, or against different pages, stay two.

use std::collections::BTreeMap;

use crate::client::Client;
use crate::time::Time;

/// Two of the same network or user agent whose attacks are further apart than this stay two, in seconds. Rented
/// addresses are exchanged within minutes or hours, and a slow campaign rests at night.
const ADJOINING_S: i64 = 6 * 3600;

/// The same for those that share nothing but the target, in seconds.
const CROWDED_S: i64 = 2 * 3600;

/// So many at one target at about the same time are no coincidence ...
const CROWD: usize = 5;

/// ... if none of them sent more than this: who attacks at length is somebody of its own, whoever else is there.
const CROWD_LINES: u64 = 30;

/// One attacker.
#[derive(Debug, Clone)]
pub struct Lead {
    /// Who.
    pub client: Client,
    /// First and last attack.
    pub span: (Time, Time),
    /// How many there were.
    pub lines: u64,
    /// What was attacked, by hash.
    pub targets: Vec<u64>,
    /// What sort of attacks, by hash: enough in common for neighbours.
    pub kinds: Vec<u64>,
    /// User agents, by hash.
    pub agents: Vec<u64>,
}

/// What two have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Common {
    /// The network and the sort of attack.
    Network(ipnet::IpNet, u64),
    /// The user agent and the target.
    Agent(u64, u64),
    /// The target alone.
    Target(u64),
}

impl Common {
    fn apart_s(self) -> i64 {
        match self {
            Common::Network(..) | Common::Agent(..) => ADJOINING_S,
            Common::Target(_) => CROWDED_S,
        }
    }

    /// How many it takes.
    fn company(self) -> usize {
        match self {
            Common::Network(..) | Common::Agent(..) => 2,
            Common::Target(_) => CROWD,
        }
    }
}

/// Groups attackers that act as one, as indices; every attacker is in one group. With `crowds`, many at one target
/// are one even if nothing else is common to them.
pub fn groups(leads: &[Lead], crowds: bool) -> Vec<Vec<usize>> {
    let mut shared: BTreeMap<Common, Vec<usize>> = BTreeMap::new();
    for (index, lead) in leads.iter().enumerate() {
        for common in traits(lead, crowds) {
            shared.entry(common).or_default().push(index);
        }
    }
    let mut groups = Groups((0..leads.len()).collect());
    for (common, mut members) in shared {
        members.sort_by_key(|index| (leads[*index].span, leads[*index].client));
        for run in runs(leads, &members, common.apart_s()) {
            if run.len() >= common.company() {
                run.windows(2)
                    .for_each(|pair| groups.join(pair[0], pair[1]));
            }
        }
    }
    groups.members()
}

/// Attackers that strew the same thing one after the other, as indices: at least `least` of them, and most of all
/// who were at it meanwhile. The background noise of the Internet is a mixture; a campaign stands out of it.
pub fn sprays(leads: &[Lead], least: usize) -> Vec<Vec<usize>> {
    let mut strewn: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, lead) in leads.iter().enumerate() {
        for target in &lead.targets {
            strewn.entry(*target).or_default().push(index);
        }
    }
    let mut groups = Groups((0..leads.len()).collect());
    for mut members in strewn.into_values() {
        members.sort_by_key(|index| (leads[*index].span, leads[*index].client));
        for run in runs(leads, &members, CROWDED_S) {
            if run.len() >= least && 2 * run.len() >= busy_meanwhile(leads, run) {
                run.windows(2)
                    .for_each(|pair| groups.join(pair[0], pair[1]));
            }
        }
    }
    let mut found = groups.members();
    found.retain(|group| group.len() >= least);
    found
}

/// How many were at work while a run was.
fn busy_meanwhile(leads: &[Lead], run: &[usize]) -> usize {
    let spans = run.iter().map(|index| leads[*index].span);
    let all = spans.reduce(|all, span| (all.0.min(span.0), all.1.max(span.1)));
    all.map_or(0, |(first, last)| {
        let meanwhile = |lead: &&Lead| lead.span.0 <= last && lead.span.1 >= first;
        leads.iter().filter(meanwhile).count()
    })
}

fn traits(lead: &Lead, crowds: bool) -> Vec<Common> {
    let network = lead.client.network().into_iter();
    let near = network.flat_map(|network| {
        lead.kinds
            .iter()
            .map(move |kind| Common::Network(network, *kind))
    });
    let targets = || lead.targets.iter().copied();
    let alike = lead
        .agents
        .iter()
        .flat_map(|agent| targets().map(move |target| Common::Agent(*agent, target)));
    let crowded = targets().filter(|_| crowds && lead.lines <= CROWD_LINES);
    near.chain(alike)
        .chain(crowded.map(Common::Target))
        .collect()
}

/// Cuts members, in the order of their beginnings, where nobody was at work for so long.
fn runs<'a>(leads: &[Lead], members: &'a [usize], apart_s: i64) -> Vec<&'a [usize]> {
    let mut runs = Vec::new();
    let mut from = 0;
    let mut busy_until = i64::MIN;
    for (at, member) in members.iter().enumerate() {
        let (first, last) = leads[*member].span;
        if at > from && first.secs() > busy_until.saturating_add(apart_s) {
            runs.push(&members[from..at]);
            from = at;
        }
        busy_until = busy_until.max(last.secs());
    }
    runs.push(&members[from..]);
    runs
}

/// Disjoint sets by the smallest member (Tarjan 1975, with path halving).
struct Groups(Vec<usize>);

impl Groups {
    fn root(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }

    fn members(mut self) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for index in 0..self.0.len() {
            let root = self.root(index);
            groups.entry(root).or_default().push(index);
        }
        groups.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(client: &str, minutes: (i64, i64), target: u64, agent: u64) -> Lead {
        Lead {
            client: Client::parse(client.as_bytes()),
            span: (
                Time::from_secs(minutes.0 * 60),
                Time::from_secs(minutes.1 * 60),
            ),
            lines: 10,
            targets: vec![target],
            kinds: vec![target % 2],
            agents: vec![agent],
        }
    }

    #[test]
    fn the_same_tool_at_other_hours_or_pages_is_somebody_else() {
        let one = lead("192.0.2.1", (0, 10), 1, 7);
        let later = lead("203.0.113.1", (600, 610), 1, 7);
        let elsewhere = lead("203.0.113.1", (0, 10), 3, 7);
        let same = lead("203.0.113.1", (30, 40), 1, 7);
        assert_eq!(groups(&[one.clone(), later], true).len(), 2);
        assert_eq!(groups(&[one.clone(), elsewhere], true).len(), 2);
        assert_eq!(groups(&[one, same], true).len(), 1);
    }

    #[test]
    fn a_spray_stands_out_of_the_noise() {
        let stray = |n: i64, target: u64| lead(&format!("{n}.9.2.5"), (n * 20, n * 20), target, 0);
        let spray: Vec<Lead> = (0..30).map(|n| stray(n, 5)).collect();
        assert_eq!(sprays(&spray, 20), vec![(0..30).collect::<Vec<_>>()]);
        assert!(sprays(&spray[..19], 20).is_empty());
        let noise: Vec<Lead> = (0..90).map(|n| stray(n, n as u64 % 3)).collect();
        assert!(sprays(&noise, 20).is_empty(), "a third each is a mixture");
    }

    #[test]
    fn neighbours_with_the_same_sort_of_attack_are_one() {
        let leads: Vec<Lead> = (0..9)
            .map(|n| {
                lead(
                    &format!("2001:db8:1:{n}::5"),
                    (n * 60, n * 60 + 9),
                    2 * n as u64,
                    n as u64,
                )
            })
            .collect();
        assert_eq!(groups(&leads, false).len(), 1);
    }

    #[test]
    fn a_crowd_at_one_target_is_one_but_not_with_who_attacks_at_length() {
        let mut leads: Vec<Lead> = (0..9)
            .map(|n| lead(&format!("{n}.0.2.5"), (n * 60, n * 60), 5, 100 + n as u64))
            .collect();
        leads.push(Lead {
            lines: 900,
            ..lead("198.51.100.9", (30, 300), 5, 300)
        });
        assert_eq!(groups(&leads, true), vec![(0..9).collect(), vec![9]]);
        assert_eq!(groups(&leads, false).len(), 10);
        assert_eq!(groups(&leads[..4], true).len(), 4);
    }
}
