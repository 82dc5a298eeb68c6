//! Did somebody guess passwords, or try stolen ones?
//!
//! What shows in an access log: many POST requests to one login, far above its own baseline, or from
//! clients that do nothing else, most of them refused or answered like a wrong password. Accounts and
//! passwords are not visible.

use crate::client::Client;
use crate::evidence::clients::ClientStats;
use crate::evidence::first::Locator;
use crate::finding::{Case, Finding, Kind};
use crate::focus::{Presence, WindowCounts};
use crate::nature::is_password_guessing;
use crate::pattern::words::Meaning;
use crate::plan::Stretch;
use crate::terms::Role;
use crate::text::{count, counted, visible};
use crate::time::Time;

/// Attempts from one client that no person makes at a login form within one burst.
const ATTEMPTS: u64 = 5;

/// The same over the whole log: somebody who forgot a password gives up or is locked out sooner (OWASP's
/// authentication cheat sheet locks after 3 to 10 failures).
const LASTING_ATTEMPTS: u64 = 20;

/// A burst spread over more clients than this, each with few attempts, is credential stuffing.
const SPREAD_CLIENTS: usize = 50;

/// Wrong passwords in all from which slow guessing is told: a client or a herd that tries fewer gets nowhere.
const LASTING_FAILED: u64 = 100;

/// Slow guessing fails with at least this share of its attempts; people who log in fail with a tenth.
const LASTING_FAILED_SHARE: f64 = 0.7;

/// Those who do nothing but log in must bring this share of a burst's attempts. Where customers bring them,
/// the login is in demand, or broken for everybody.
const STRANGERS_SHARE: f64 = 0.5;

/// A burst at a login that is less than this share of a burst of everything is a part of that.
const FLOOD_PART: f64 = 0.3;

/// An answer is rare when at most this share of the attempts get it: stolen passwords work in 0.1% to
/// 2% of the attempts (OWASP, Credential stuffing), guessed ones less often.
const RARE_ANSWER: f64 = 0.1;

/// Share of the surer claim below which it stands, where expired credentials would look the same.
const DOUBTED: f64 = 0.7;

/// One finding for each burst of POST requests to a login path, and for each login that somebody was slowly at.
pub fn detect(case: &Case<'_>) -> Vec<Finding> {
    let first = case.plan.bursts.len();
    let windows = &case.windows[first.min(case.windows.len())..];
    let bursts = case.plan.posts.iter().zip(windows).enumerate();
    let told = bursts.filter_map(|(index, ((hash, stretch), counts))| {
        let path = &case.access.paths.get(hash)?.text;
        if !case.is_login(*hash) || is_part_of_flood(case, stretch) {
            return None;
        }
        let attempts = Attempts::new(case, path, stretch, counts);
        let finding = attempts.finding(first + index)?;
        Some((*hash, stretch.is_lasting(), finding))
    });
    once(told.collect())
}

/// What is told of a login by its bursts and again by its totals is told once: by the bursts, if they hold most of it.
fn once(told: Vec<(u64, bool, Finding)>) -> Vec<Finding> {
    let attempts = |finding: &Finding| match &finding.kind {
        Kind::BruteForce { stretch, .. } => stretch.count,
        _ => 0,
    };
    let sum = |login: u64, wanted: bool| -> u64 {
        let same = told
            .iter()
            .filter(|(at, lasting, _)| *at == login && *lasting == wanted);
        same.map(|(_, _, finding)| attempts(finding)).sum()
    };
    let kept: Vec<bool> = told
        .iter()
        .map(|(login, lasting, _)| *lasting != (2 * sum(*login, false) >= sum(*login, true)))
        .collect();
    let told = told.into_iter().zip(kept).filter(|(_, kept)| *kept);
    told.map(|((_, _, finding), _)| finding).collect()
}

/// True when a flood of everything also reached the login form.
fn is_part_of_flood(case: &Case<'_>, stretch: &Stretch) -> bool {
    let overlaps = |burst: &Stretch| burst.start <= stretch.end && burst.end >= stretch.start;
    let mut floods = case.plan.bursts.iter().zip(case.windows);
    floods.any(|(burst, counts)| {
        let drowned = (stretch.count as f64) < FLOOD_PART * burst.excess as f64;
        overlaps(burst)
            && !stretch.is_lasting()
            && (drowned || burst.excess > stretch.count)
            && !is_password_guessing(case, burst, counts)
    })
}

/// From 0.6, just above the threshold, towards 0.95; two hundred attempts are two thirds of the way. Less where
/// it may be a program whose credentials expired.
fn confidence(attempts: u64, expired: bool) -> f64 {
    let sure = 0.6 + 0.35 * (1.0 - (-(attempts as f64) / 200.0).exp());
    match expired {
        true => DOUBTED * sure,
        false => sure,
    }
}

/// What the answers of a login say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    /// Wrong passwords are refused with 4xx.
    Refuses,
    /// The form comes again with 2xx, and who may enter is sent on with 3xx.
    Redirects,
    /// All attempts are answered alike.
    Silent,
    /// There is nothing here to log in to: a guess at a path.
    Nothing,
}

/// The attempts at one login within one stretch of time.
struct Attempts<'a> {
    case: &'a Case<'a>,
    path: &'a [u8],
    stretch: &'a Stretch,
    counts: &'a WindowCounts,
    language: Language,
}

impl<'a> Attempts<'a> {
    fn new(
        case: &'a Case<'a>,
        path: &'a [u8],
        stretch: &'a Stretch,
        counts: &'a WindowCounts,
    ) -> Attempts<'a> {
        Attempts {
            case,
            path,
            stretch,
            counts,
            language: language(counts),
        }
    }

    fn finding(&self, window: usize) -> Option<Finding> {
        let strangers: Vec<(Client, &Presence)> = self
            .counts
            .clients
            .iter()
            .filter(|(client, here)| !self.is_customer(**client, here))
            .map(|(client, here)| (*client, here))
            .collect();
        let mut guessers = match self.stretch.is_lasting() {
            true => self.slow(&strangers),
            false => self.fast(&strangers),
        };
        if guessers.is_empty() || self.is_broken() || self.language == Language::Nothing {
            return None;
        }
        guessers.sort_unstable_by_key(|(client, _)| *client);
        let clients: Vec<Client> = guessers.iter().map(|(client, _)| *client).collect();
        let expired = self.may_be_expired(&guessers);
        let successes = match expired {
            true => Vec::new(),
            false => self.successes(&clients),
        };
        let attempts: u64 = guessers
            .iter()
            .map(|(_, here)| u64::from(here.requests))
            .sum();
        let spans = || guessers.iter().filter_map(|(_, here)| here.span);
        let edge = |bucket: i64, time: Option<Time>| match (self.stretch.is_lasting(), time) {
            (true, Some(time)) => time,
            _ => Time::from_secs(bucket),
        };
        Some(Finding {
            kind: Kind::BruteForce {
                path: self.path.into(),
                stretch: self.told_stretch(attempts, spans().map(|(first, _)| first).min()),
                window,
                successes,
            },
            start: edge(self.stretch.start, spans().map(|(first, _)| first).min()),
            end: edge(self.stretch.end, spans().map(|(_, last)| last).max()),
            reasons: self.reasons(&guessers, attempts, expired),
            samples: self.first_attempts(&clients),
            confidence: confidence(attempts, expired),
            clients,
            role: Some(Role::BruteForcer),
        })
    }

    /// True when few programs that name themselves, and that the site had answered before, are all refused now: what a
    /// partner does whose token has expired.
    fn may_be_expired(&self, guessers: &[(Client, &Presence)]) -> bool {
        /// Nearly all: what was answered before counts as well where the whole log is looked at.
        const REFUSED: f64 = 0.9;
        /// More programs than this do not lose their credentials at once.
        const FEW: usize = 5;
        let served = |(client, here): &(Client, &Presence)| {
            let stats = self.case.access.clients.get(client);
            let began = here.span.map(|(first, _)| first);
            stats.is_some_and(|stats| stats.by_class[1] > 0 && Some(stats.first()) <= began)
        };
        let refused = |(_, here): &(Client, &Presence)| {
            self.failed(here) as f64 >= REFUSED * f64::from(here.requests)
        };
        self.language == Language::Refuses
            && guessers.len() <= FEW
            && guessers.iter().all(|guesser| {
                served(guesser) && refused(guesser) && !self.claims_to_browse(guesser.1)
            })
    }

    /// The burst as far as those who guess made it. What goes on over the whole log has no buckets of its own: it
    /// begins with the first attempt, and what others send is its baseline.
    fn told_stretch(&self, attempts: u64, first: Option<Time>) -> Stretch {
        let all = Stretch {
            count: attempts,
            excess: self.stretch.excess.min(attempts),
            ..*self.stretch
        };
        match first {
            Some(first) if self.stretch.is_lasting() => Stretch {
                excess: attempts,
                peak_at: first.secs(),
                baseline_rps: self.counts.requests.saturating_sub(attempts) as f64
                    / (self.stretch.end - self.stretch.start + 1) as f64,
                ..all
            },
            _ => all,
        }
    }

    /// Who tries often within a burst; where many try seldom, all of them.
    fn fast<'p>(&self, strangers: &[(Client, &'p Presence)]) -> Vec<(Client, &'p Presence)> {
        let attempts: u64 = strangers
            .iter()
            .map(|(_, here)| u64::from(here.requests))
            .sum();
        if (attempts as f64) < STRANGERS_SHARE * self.counts.requests as f64 {
            return Vec::new();
        }
        let often = |(_, here): &&(Client, &Presence)| u64::from(here.requests) >= ATTEMPTS;
        let busy: Vec<_> = strangers.iter().filter(often).copied().collect();
        let spread = strangers.len() >= SPREAD_CLIENTS && busy.len() * 2 < strangers.len();
        if busy.is_empty() || spread {
            return strangers.to_vec();
        }
        busy
    }

    /// Who fails often over the whole log, or many who fail and do nothing else. Where the answers do not tell failure
    /// from success, what says it is a browser and does nothing but log in counts as failing; other programs
    /// log in all day.
    fn slow<'p>(&self, strangers: &[(Client, &'p Presence)]) -> Vec<(Client, &'p Presence)> {
        let enough = |few: &[(Client, &Presence)]| {
            let tried: u64 = few.iter().map(|(_, here)| u64::from(here.requests)).sum();
            let failed: u64 = few.iter().map(|(_, here)| self.failed(here)).sum();
            failed >= LASTING_FAILED && failed as f64 >= LASTING_FAILED_SHARE * tried as f64
        };
        let often = |(_, here): &&(Client, &'p Presence)| {
            let tried = u64::from(here.requests);
            tried >= LASTING_ATTEMPTS
                && self.failed(here) as f64 >= LASTING_FAILED_SHARE * tried as f64
        };
        let busy: Vec<_> = strangers.iter().filter(often).copied().collect();
        if enough(&busy) {
            return busy;
        }
        let failing: Vec<_> = strangers
            .iter()
            .filter(|(_, here)| self.failed(here) > 0)
            .copied()
            .collect();
        let herd = failing.len() >= SPREAD_CLIENTS && enough(strangers);
        if herd { failing } else { Vec::new() }
    }

    /// Attempts of a client that were answered like a wrong password.
    fn failed(&self, here: &Presence) -> u64 {
        let refused = u64::from(here.missed);
        match self.language {
            Language::Refuses => refused,
            Language::Redirects => u64::from(here.requests)
                .saturating_sub(u64::from(here.moved) + u64::from(here.errors_5xx)),
            Language::Silent if self.claims_to_browse(here) => u64::from(here.requests),
            Language::Silent | Language::Nothing => 0,
        }
    }

    fn claims_to_browse(&self, here: &Presence) -> bool {
        let mut agents = here.agents.iter();
        agents.all(|(hash, _)| {
            let known = self.counts.agents.get(&hash);
            known.is_some_and(|agent| Meaning::Browser.is_in(&agent.text))
        })
    }

    /// A customer looks at pages, with what belongs to them, before logging in once or twice, and after. Who tries
    /// dozens of times is no customer, whatever else comes from the same address.
    fn is_customer(&self, client: Client, here: &Presence) -> bool {
        /// Pages beside the login that a visit has; a tool asks for the form, and for where it is sent.
        const OTHER_PAGES: u64 = 3;
        /// Seconds on the site before the first attempt: nobody types faster who came to look.
        const LOOKED_AROUND_S: i64 = 10;
        let Some(stats) = self.case.access.clients.get(&client) else {
            return false;
        };
        let tried = u64::from(here.requests);
        let others = stats.requests().saturating_sub(tried);
        let lead = here
            .span
            .map_or(0, |(first, _)| first.secs() - stats.first().secs());
        if tried >= LASTING_ATTEMPTS && others < OTHER_PAGES * tried {
            return false;
        }
        let visited = lead >= LOOKED_AROUND_S && others >= OTHER_PAGES * tried;
        ClientStats::browses(stats) || visited
    }

    /// A login that fails with 5xx is broken, or flooded; nobody learns a password from it.
    fn is_broken(&self) -> bool {
        const BROKEN: f64 = 0.5;
        self.counts.errors_5xx as f64 >= BROKEN * self.counts.requests as f64
    }

    fn reasons(
        &self,
        guessers: &[(Client, &Presence)],
        attempts: u64,
        expired: bool,
    ) -> Vec<String> {
        let who = counted(guessers.len() as u64, "client", "clients");
        let path = visible(self.path);
        let posts = counted(attempts, "POST request", "POST requests");
        let size = match self.stretch.is_lasting() {
            true => format!(
                "{posts} to {path} from {who} that did little else (at least {LASTING_FAILED} make it slow guessing)"
            ),
            false => format!(
                "{posts} to {path} ({:.0} times its baseline) from {who} that did little else",
                self.stretch.ratio
            ),
        };
        let failed: u64 = guessers.iter().map(|(_, here)| self.failed(here)).sum();
        let share = failed as f64 / attempts.max(1) as f64 * 100.0;
        let answers = match self.language {
            Language::Refuses => format!("{share:.0}% of them were refused with 4xx"),
            Language::Redirects => format!(
                "{share:.0}% of them got the form again instead of a redirect"
            ),
            Language::Silent | Language::Nothing => {
                "right and wrong passwords get the same answer here, so the log cannot tell which attempts worked"
                    .to_string()
            }
        };
        let others = self.counts.requests.saturating_sub(attempts);
        let customers = format!(
            "{} by customers, who looked at other pages as well, are left out; which accounts were tried is not in the log",
            match others {
                1 => "1 attempt".to_string(),
                others => format!("{} attempts", count(others)),
            }
        );
        let doubt = "all were answered before, and name themselves as programs: a token or a password that expired \
                       would look the same";
        let doubt = expired.then(|| doubt.to_string());
        [size, answers, customers]
            .into_iter()
            .chain(doubt)
            .collect()
    }

    /// Their first attempts, whatever the answer.
    fn first_attempts(&self, clients: &[Client]) -> Vec<Locator> {
        /// Lines shown.
        const SHOWN: usize = 3;
        self.first_of(clients, |_| true, SHOWN)
    }

    /// The answer that most attempts get means "wrong password". A rare other one that lets the client go on
    /// (2xx or 3xx), given to one of those who guess, probably means "welcome".
    fn successes(&self, clients: &[Client]) -> Vec<Locator> {
        let answers = self.counts.answers.iter();
        let most = answers.max_by_key(|(status, answers)| (answers.count, **status));
        let Some((failure, _)) = most else {
            return Vec::new();
        };
        let welcome = |status: u16| match self.language {
            Language::Refuses => (200..400).contains(&status),
            Language::Redirects => (300..400).contains(&status),
            Language::Silent | Language::Nothing => false,
        };
        let ours = |status: u16| status != *failure && welcome(status);
        let found = self.first_of(clients, ours, usize::MAX);
        if found.len() as f64 > RARE_ANSWER * self.counts.requests as f64 {
            return Vec::new();
        }
        found
    }

    /// The first attempts of some clients whose answers are wanted.
    fn first_of(
        &self,
        clients: &[Client],
        wanted: impl Fn(u16) -> bool,
        most: usize,
    ) -> Vec<Locator> {
        let answers = self.counts.answers.iter();
        let mut found: Vec<Locator> = answers
            .filter(|(status, _)| wanted(**status))
            .flat_map(|(_, answers)| answers.first.as_slice())
            .filter(|(_, client)| clients.binary_search(client).is_ok())
            .map(|(at, _)| *at)
            .collect();
        found.sort_unstable();
        found.truncate(most);
        found
    }
}

/// How this login says no. Refusals must be more than the odd malformed request to be its way of saying it.
fn language(counts: &WindowCounts) -> Language {
    const SOME: f64 = 0.05;
    const MISSING: f64 = 0.5;
    let of = |class: u16| {
        let answers = counts.answers.range(class * 100..(class + 1) * 100);
        answers.map(|(_, answers)| answers.count).sum::<u64>()
    };
    let (ok, moved, refused) = (of(2), of(3), of(4));
    let missing = [404, 405, 410].map(|status| counts.answers.get(&status));
    let missing: u64 = missing
        .into_iter()
        .flatten()
        .map(|answers| answers.count)
        .sum();
    match () {
        () if missing as f64 >= MISSING * counts.requests as f64 => Language::Nothing,
        () if refused as f64 >= SOME * counts.requests as f64 => Language::Refuses,
        () if ok > 0 && moved > 0 => Language::Redirects,
        () => Language::Silent,
    }
}
