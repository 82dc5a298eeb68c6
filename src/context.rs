//! What a line's surroundings say about it: its client's other requests, and what is usual on this site.
//!
//! No firewall has this: the whole log is at hand. From the survey's counts follows who attacks, who visits, and
//! which odd values are a habit here. A line of an attacker counts one step more, a line of a visitor one step
//! less. Context never makes a line `high`, because that is said of a line which needs no context, and never
//! takes `high` away. Not for judging text: patterns do that.

use hashbrown::{HashMap, HashSet};
use schemars::JsonSchema;
use serde::Serialize;

use crate::client::Client;
use crate::counts::AccessCounts;
use crate::event::Access;
use crate::evidence::capped::hash_bytes;
use crate::evidence::clients::ClientStats;
use crate::evidence::conduct::{Conduct, Habit};
use crate::pattern::set::PatternSet;
use crate::pattern::verdict::{Match, Verdict};
use crate::severity::Confidence;

/// Odd lines among a client's pages from which it can be an attacker at all. Behind one address of an
/// office hundreds of people may work, and one of them may play.
const ATTACKER_SHARE: f64 = 0.1;

/// Lines that are attacks by themselves and make their client an attacker. One may be a visitor's experiment.
const SURE_LINES: u64 = 2;

/// Different kinds of attack that no visitor sends, together with [`MANIFOLD_LINES`].
const MANIFOLD: u32 = 3;

/// Lines of at least medium confidence over which the kinds are spread.
const MANIFOLD_LINES: u64 = 5;

/// Odd lines, on as many different paths, from which a client probes if it meets mostly rejections.
const PROBED_PATHS: usize = 5;

/// Rejections among a prober's pages.
const PROBER_REJECTED: f64 = 0.5;

/// Seconds around an attacker's plainer lines in which its other lines belong to the attack. An address may be
/// somebody else's before and after (RFC 6269, 13.1).
const AROUND_S: i64 = 600;

/// User agents of such lines from which a client makes them up, so that another one says nothing.
const MADE_UP_AGENTS: usize = 3;

/// Requests from which it shows that somebody uses a browser.
const VISITOR_REQUESTS: u64 = 20;

/// The same, where many do alike.
const HABIT_REQUESTS: u64 = 5;

/// Odd lines of a visitor at most, and their share.
const VISITOR_ODD: u64 = 2;
const VISITOR_SHARE: f64 = 0.05;

/// Clients from which something is a habit on this site rather than one client's own.
const HABIT_CLIENTS: usize = 5;

/// How many of them must have a browser and load what pages consist of. Bots may send the same oddity from
/// everywhere.
const HABIT_VISITORS: f64 = 0.8;

/// Why a line counts more or less than its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The client's user agent names a tool of attackers.
    AttackTool,
    /// The client sent attacks that leave no doubt.
    SureAttacks,
    /// The client sent many kinds of attacks.
    ManyCategories,
    /// The client asked for many odd paths, mostly in vain.
    Probing,
    /// The client browses the site, and this is its only oddity.
    OrdinaryVisitor,
    /// Visitors of this site send this again and again.
    SiteHabit,
}

/// What changed a line's confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Shift {
    /// What its own words say; `null` if they say nothing.
    pub from: Option<Confidence>,
    /// Why that changed.
    pub because: Because,
}

/// The confidence of a line in its context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighed {
    /// How sure it is now.
    pub confidence: Confidence,
    /// What context did to it.
    pub shift: Option<Shift>,
}

impl Weighed {
    /// A line that speaks for itself.
    pub fn alone(verdict: &Verdict) -> Weighed {
        Weighed {
            confidence: verdict.confidence,
            shift: None,
        }
    }
}

/// What a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Attacker(Attacker),
    Visitor,
}

/// A client that attacks, or one of those behind its address.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attacker {
    because: Because,
    /// From when to when, seconds since the epoch.
    span: (i64, i64),
    /// The user agents of its plainer lines, by hash; empty if it makes them up or has no such lines.
    agents: Box<[u64]>,
}

impl Attacker {
    fn new(conduct: &Conduct, because: Because) -> Attacker {
        let mut agents: Vec<u64> = conduct.agents().collect();
        if agents.len() >= MADE_UP_AGENTS {
            agents.clear();
        }
        let (first, last) = conduct.span().unwrap_or((i64::MIN, i64::MAX));
        Attacker {
            because,
            span: (
                first.saturating_sub(AROUND_S),
                last.saturating_add(AROUND_S),
            ),
            agents: agents.into(),
        }
    }

    /// Whether a line of this client belongs to the attack: sent meanwhile, with the same user agent.
    fn sent(&self, access: &Access<'_>) -> bool {
        let agent = || hash_bytes(access.user_agent.unwrap_or_default());
        let (first, last) = self.span;
        (first..=last).contains(&access.time.secs())
            && (self.agents.is_empty() || self.agents.contains(&agent()))
    }
}

/// Who is who, and what is usual.
#[derive(Debug, Clone, Default)]
pub struct Context {
    standings: HashMap<Client, Standing>,
    habits: HashSet<u64>,
}

impl Context {
    /// No context: every line speaks for itself.
    pub fn none() -> Context {
        Context::default()
    }

    /// The context that the survey's counts give.
    pub fn of(counts: &AccessCounts) -> Context {
        let standings: HashMap<Client, Standing> = counts
            .conduct
            .iter()
            .filter_map(|(client, conduct)| {
                let stats = counts.clients.get(client)?;
                Some((*client, standing(stats, conduct)?))
            })
            .collect();
        let visits = |client: &Client| {
            let stats = counts.clients.get(client);
            let browses =
                stats.is_some_and(|stats| stats.requests() >= HABIT_REQUESTS && stats.browses());
            browses && !matches!(standings.get(client), Some(Standing::Attacker(_)))
        };
        let habits = counts
            .habits
            .iter()
            .filter(|(_, habit)| is_usual(habit, visits))
            .map(|(key, _)| *key)
            .collect();
        Context { standings, habits }
    }

    /// Weighs a record of an access log in its context; `None` when neither its words nor its surroundings
    /// make it suspicious.
    pub fn weigh(
        &self,
        access: &Access<'_>,
        verdict: Option<&Verdict>,
        set: &PatternSet,
    ) -> Option<Weighed> {
        let standing = self.standings.get(&access.client);
        let Some(verdict) = verdict else {
            return self.without_words(access, standing);
        };
        let from = verdict.confidence;
        let shifted = |confidence, because| Weighed {
            confidence,
            shift: Some(Shift {
                from: Some(from),
                because,
            }),
        };
        Some(match (from, standing) {
            (Confidence::Low, Some(Standing::Attacker(attacker))) if attacker.sent(access) => {
                shifted(Confidence::Medium, attacker.because)
            }
            (Confidence::Medium, Some(Standing::Visitor)) => {
                shifted(Confidence::Low, Because::OrdinaryVisitor)
            }
            (Confidence::Medium, None) if self.is_habit(access, verdict, set) => {
                shifted(Confidence::Low, Because::SiteHabit)
            }
            _ => Weighed::alone(verdict),
        })
    }

    /// A line without a known payload is part of a scan if its client is an attacker, and the server had nothing
    /// for it or it carries syntax in its query.
    fn without_words(&self, access: &Access<'_>, standing: Option<&Standing>) -> Option<Weighed> {
        let Some(Standing::Attacker(attacker)) = standing else {
            return None;
        };
        let probes = access.is_rejected_page() || access.has_syntax();
        (probes && attacker.sent(access)).then_some(Weighed {
            confidence: Confidence::Medium,
            shift: Some(Shift {
                from: None,
                because: attacker.because,
            }),
        })
    }

    /// Whether everything that makes the line suspicious is usual there.
    fn is_habit(&self, access: &Access<'_>, verdict: &Verdict, set: &PatternSet) -> bool {
        let path = hash_bytes(access.path());
        let counts = |found: &&Match| found.confidence(set, access.status) == verdict.confidence;
        let mut sure = verdict.matches.iter().filter(counts);
        !self.habits.is_empty()
            && sure.all(|found| {
                self.habits
                    .contains(&Habit::key(path, found.place(), found.pattern.0))
            })
    }
}

fn is_usual(habit: &Habit, visits: impl Fn(&Client) -> bool) -> bool {
    let visitors = habit.clients().filter(visits).count();
    habit.clients().len() >= HABIT_CLIENTS
        && visitors as f64 >= HABIT_VISITORS * habit.clients().len() as f64
}

fn standing(stats: &ClientStats, conduct: &Conduct) -> Option<Standing> {
    let attacker = |because| Some(Standing::Attacker(Attacker::new(conduct, because)));
    if conduct.names_tool() {
        return attacker(Because::AttackTool);
    }
    let requests = stats.requests().max(1);
    let pages = requests.saturating_sub(u64::from(stats.assets)).max(1) as f64;
    let odd = conduct.lines_from(Confidence::Low);
    let sure = conduct.lines_from(Confidence::High);
    if odd as f64 >= ATTACKER_SHARE * pages {
        let manifold = conduct.categories() >= MANIFOLD
            && conduct.lines_from(Confidence::Medium) >= MANIFOLD_LINES;
        let probing = conduct.paths() >= PROBED_PATHS
            && f64::from(stats.by_class[3]) >= PROBER_REJECTED * pages;
        let because = [
            (sure >= SURE_LINES, Because::SureAttacks),
            (manifold, Because::ManyCategories),
            (probing, Because::Probing),
        ];
        if let Some((_, because)) = because.into_iter().find(|(holds, _)| *holds) {
            return attacker(because);
        }
    }
    let visits = requests >= VISITOR_REQUESTS
        && stats.browses()
        && sure == 0
        && odd <= VISITOR_ODD
        && odd as f64 <= VISITOR_SHARE * requests as f64;
    visits.then_some(Standing::Visitor)
}
