//! What is behind a burst: an attack, a crowd of real people, a robot, or a server that fails?
//!
//! Several signs are weighed, each by how much likelier it is with people (or honest robots) than with a
//! botnet, in natural logarithms: a *log-odds sum* (I. J. Good, "Probability and the Weighing of Evidence",
//! 1950). The weights are judgements, rounded: 1 is "three times as likely", 3 is "twenty times". What a
//! log does not show (no images, no referers, no user agents) weighs nothing, so that the sum is nearer to
//! zero and the confidence lower.

use std::collections::BTreeMap;

use crate::client::Client;
use crate::crowd::Ordinary;
use crate::evidence::clients::ClientStats;
use crate::evidence::endpoints::Text;
use crate::finding::Case;
use crate::focus::WindowCounts;
use crate::manners::{MACHINE_PACE, Manners, Surplus, Variety};
use crate::pattern::words::Meaning;
use crate::plan::Stretch;
use crate::suspects::Excess;
use crate::terms::Cause;
use crate::text::{count, counted};

/// From this many sources on, a flood is distributed. Blocking ten addresses by hand is still easy.
const DISTRIBUTED: usize = 10;

/// Of what is ordinary, people bring at least the upper share, and who brings less than the lower one
/// does not behave like them. Caches and failing pages cost a crowd half of its images.
const LIKE_PEOPLE: f64 = 0.4;
const UNLIKE_PEOPLE: f64 = 0.1;

/// Below this share a log does not show a thing: nothing can be said from its absence.
const SHOWN: f64 = 0.1;

/// Robots that name themselves send this share of a crawl's excess.
const CRAWLER_SHARE: f64 = 0.6;

/// A monitor sends this share of what it sends too much of.
const MONITOR_SHARE: f64 = 0.8;

/// Failures that began this many seconds before the burst make it the consequence, not the cause.
const FAILED_FIRST_S: i64 = 60;

/// Share of the requests in the burst that must have failed for it to be retries.
const RETRY_FAILED: f64 = 0.3;

/// Retries come from clients that are also there before or after: at least this share of the surplus...
const RETRY_RETURNING: f64 = 0.5;

/// ... or from the visitors of the hour, and not from more than this multiple of the new ones that come anyway.
const RETRY_ARRIVALS: f64 = 2.0;

/// As many equally busy clients make retries a matter of everybody, not of one that floods.
const RETRY_SOURCES: f64 = 5.0;

/// User agents of an address from which several people share it.
const SHARED_AGENTS: f64 = 2.5;

/// Few clients that meet client errors (or send probes) with at least this share of their requests scan.
const SCAN_SHARE: f64 = 0.5;

/// What weighs for or against something, and the sentence that says why.
struct Sign {
    weight: f64,
    reason: String,
}

fn sign(weight: f64, reason: String) -> Option<Sign> {
    Some(Sign { weight, reason })
}

/// What tells an attack from a crowd.
pub struct Signs {
    manners: Manners,
    surplus: Surplus,
    robots: f64,
    failed_first: bool,
    probing: f64,
}

impl Signs {
    /// Weighs what the second look saw of a burst, and its excess beside everybody else.
    pub fn new(
        case: &Case<'_>,
        stretch: &Stretch,
        counts: &WindowCounts,
        (excess, ordinary): (&Excess, Ordinary),
    ) -> Signs {
        let failures = &case.plan.failures;
        Signs {
            manners: Manners::new(case, stretch, counts, excess, ordinary),
            surplus: Surplus::new(case, stretch, counts),
            robots: robot_share(case, counts, stretch),
            probing: probing_share(case, counts, &excess.suspects),
            failed_first: failures.iter().any(|failed| {
                failed.start + FAILED_FIRST_S <= stretch.start && failed.end >= stretch.start
            }),
        }
    }

    /// What it is, with the sentences that say why.
    pub fn cause(&self) -> (Cause, Vec<String>) {
        if let Some(known) = self.monitor().or_else(|| self.declared()) {
            return known;
        }
        if let Some(retries) = self.retries() {
            return retries;
        }
        if self.is_shared() {
            return (Cause::FlashCrowd, self.shared());
        }
        let few = self.is_few();
        if self.is_scan() {
            let reason = format!(
                "{:.0}% of the requests of its {} met client errors or are known probes (at least {:.0}% make it a scan)",
                self.probing * 100.0,
                counted(self.manners.sources as u64, "client", "clients"),
                SCAN_SHARE * 100.0
            );
            return (Cause::Scan, vec![reason]);
        }
        let (signs, quiet, loud) = match (few || self.is_walk(), few) {
            (true, few) => {
                let loud = if few { Cause::Dos } else { Cause::Ddos };
                (self.for_honest_robot(), Cause::Crawler, loud)
            }
            (false, _) => (self.for_people(), Cause::FlashCrowd, Cause::Ddos),
        };
        let sum: f64 = signs.iter().map(|sign| sign.weight).sum();
        let cause = if sum > 0.0 { quiet } else { loud };
        (cause, self.told(cause, sum, signs))
    }

    /// The reasons, weightiest first, and what they come to.
    fn told(&self, cause: Cause, sum: f64, signs: Vec<Sign>) -> Vec<String> {
        let mut reasons = weighed(sum, signs);
        let quiet = match cause {
            Cause::FlashCrowd | Cause::Ddos if !self.is_walk() => "people",
            _ => "an honest robot",
        };
        let (likely, unlikely) = match cause.is_attack() {
            true => ("a flood", quiet),
            false => (quiet, "a flood"),
        };
        reasons.push(format!(
            "these signs together make {likely} {} as likely as {unlikely}",
            odds(sum)
        ));
        if cause.is_attack() {
            reasons.push(format!(
                "{} behaved like the excess and unlike ordinary visitors",
                counted(self.manners.sources as u64, "client", "clients")
            ));
        }
        reasons
    }

    /// A monitor gone wild, or health checks.
    fn monitor(&self) -> Option<(Cause, Vec<String>)> {
        let is_monitor = self.manners.sources > 0
            && self.manners.sources <= DISTRIBUTED
            && self.manners.monitoring >= MONITOR_SHARE;
        is_monitor.then(|| {
            let reason = format!(
                "{:.0}% of what its {} asked for is a monitor's, by user agent or path (at least {:.0}% make it one)",
                self.manners.monitoring * 100.0,
                counted(self.manners.sources as u64, "client", "clients"),
                MONITOR_SHARE * 100.0
            );
            (Cause::Crawler, vec![reason])
        })
    }

    /// A robot that says so, and is believed.
    fn declared(&self) -> Option<(Cause, Vec<String>)> {
        let claim = self.claim()?;
        let sum: f64 = claim.iter().map(|sign| sign.weight).sum();
        (sum > 0.0).then(|| {
            let mut reasons = weighed(sum, claim);
            reasons.push(format!(
                "these signs together make the name {} as likely to be true as to be borrowed",
                odds(sum)
            ));
            (Cause::Crawler, reasons)
        })
    }

    /// What speaks for and against the name, where enough of the excess names itself a robot. Anybody can claim it:
    /// Google, Microsoft and others publish the few networks their robots come from
    /// (<https://developers.google.com/crawling/docs/crawlers-fetchers/verify-google-requests>), an own crawl has few
    /// addresses, and all of them ask for pages that they have not seen.
    fn claim(&self) -> Option<Vec<Sign>> {
        if self.robots < CRAWLER_SHARE {
            return None;
        }
        let name = Sign {
            weight: 1.0,
            reason: format!(
                "{:.0}% of the excess names itself a robot (at least {:.0}% to be taken for a crawl), which anybody can",
                self.robots * 100.0,
                CRAWLER_SHARE * 100.0
            ),
        };
        Some(vec![
            name,
            self.claim_by_networks(),
            self.claim_by_pages(),
            self.claim_by_answers(),
        ])
    }

    fn claim_by_networks(&self) -> Sign {
        /// Share of the clients with others in their network.
        const TOGETHER: f64 = 0.5;
        let manners = &self.manners;
        let weight = match manners.company {
            _ if self.is_few() => 3.0,
            together if together >= TOGETHER => 2.0,
            _ => -2.0,
        };
        let reason = format!(
            "{} brought it, {:.0}% of them with neighbours among them in their network (a crawler has few addresses or few networks)",
            counted(manners.sources as u64, "client", "clients"),
            manners.company * 100.0
        );
        Sign { weight, reason }
    }

    fn claim_by_pages(&self) -> Sign {
        /// Requests for a page, by everybody: a walk, and what nobody needs who reads.
        const ONCE: f64 = 2.0;
        const AGAIN: f64 = 20.0;
        let repeats = match self.manners.numbered {
            Some(numbered) if self.is_numbered_walk() => numbered.repeats,
            _ => self.manners.page_repeats,
        };
        let weight = match repeats {
            repeats if repeats <= ONCE => 2.0,
            repeats if repeats >= AGAIN => -2.0,
            _ => 0.0,
        };
        let reason = format!(
            "each page was asked for {repeats:.0} times by all of them (a crawl at most {ONCE:.0}, a flood from {AGAIN:.0} on)"
        );
        Sign { weight, reason }
    }

    fn claim_by_answers(&self) -> Sign {
        /// Share answered without a server error where nobody is harmed, and where somebody is.
        const HARMLESS: f64 = 0.95;
        const HARM: f64 = 0.8;
        let answered = self.manners.answered;
        let weight = match answered {
            answered if answered >= HARMLESS => 1.0,
            answered if answered <= HARM => -1.0,
            _ => 0.0,
        };
        let reason = format!(
            "{:.0}% were answered without a server error (at least {:.0}% where nobody is harmed)",
            answered * 100.0,
            HARMLESS * 100.0
        );
        Sign { weight, reason }
    }

    /// A robot's name that is not believed: no person's browser bears one.
    fn disbelieved(&self) -> Option<Sign> {
        let claim = self.claim()?;
        let sum: f64 = claim.iter().map(|sign| sign.weight).sum();
        let against = claim.into_iter().filter(|sign| sign.weight < 0.0);
        let against: Vec<String> = against.map(|sign| sign.reason).collect();
        (sum <= 0.0).then(|| Sign {
            weight: -2.0,
            reason: format!(
                "{:.0}% of the excess names itself a robot, which anybody can, but {}",
                self.robots * 100.0,
                against.join(", and ")
            ),
        })
    }

    /// Clients that try again because the server fails: failures first, nobody new, from everywhere.
    fn retries(&self) -> Option<(Cause, Vec<String>)> {
        let surplus = &self.surplus;
        let returning = surplus.returning >= RETRY_RETURNING;
        let nobody_new = surplus.arrivals <= RETRY_ARRIVALS && surplus.sources >= RETRY_SOURCES;
        // Without failures that were there first, everything else must speak for it.
        let first = match self.failed_first {
            true => returning || nobody_new,
            false => returning && nobody_new && surplus.failed >= SCAN_SHARE,
        };
        (first && surplus.failed >= RETRY_FAILED).then(|| {
            let began = match self.failed_first {
                true => "failures began before the burst",
                false => "failures came with the burst",
            };
            let reasons = vec![
                format!(
                    "{began}, and {:.0}% of its requests failed (at least {:.0}% for retries)",
                    surplus.failed * 100.0,
                    RETRY_FAILED * 100.0
                ),
                format!(
                    "{:.0}% of the surplus is from clients that are also there before or after (at least {:.0}% for retries), and {:.1} times as many new clients as usual came (at most {RETRY_ARRIVALS:.1})",
                    surplus.returning * 100.0,
                    RETRY_RETURNING * 100.0,
                    surplus.arrivals
                ),
            ];
            (Cause::ServerFault, reasons)
        })
    }

    /// Few sources, or few that matter.
    fn is_few(&self) -> bool {
        /// So many equally busy clients would send as much.
        const MATTER: f64 = 3.0;
        self.manners.sources <= DISTRIBUTED || self.manners.effective <= MATTER
    }

    /// Few clients that look for what there is, all over the site.
    fn is_scan(&self) -> bool {
        /// Requests for each path, from which it is no search.
        const AGAIN: f64 = 10.0;
        self.is_few() && self.probing >= SCAN_SHARE && self.manners.repeats <= AGAIN
    }

    /// Many people behind few addresses: an office, a school, a carrier.
    fn is_shared(&self) -> bool {
        let manners = &self.manners;
        let likes = [
            (manners.assets, manners.ordinary_assets),
            (manners.referred, manners.ordinary_referred),
        ];
        let like_people = likes
            .iter()
            .all(|(share, ordinary)| *share >= SHOWN && likeness(*share, *ordinary) > 0.0);
        self.is_few() && like_people && manners.agents_each >= SHARED_AGENTS
    }

    fn shared(&self) -> Vec<String> {
        let people = format!(
            "{} with {:.1} user agents each: people who share an address",
            counted(self.manners.sources as u64, "client", "clients"),
            self.manners.agents_each
        );
        let signs = [self.assets(), self.referers()];
        let reasons = signs.into_iter().flatten().map(|sign| sign.reason);
        reasons.chain([people]).collect()
    }

    /// Addresses of few networks that share out the pages among them, each once: how a crawler walks that is
    /// spread over many machines.
    fn is_walk(&self) -> bool {
        /// Requests for a page, by everybody.
        const ONCE: f64 = 2.0;
        /// Share of the clients with others in their network.
        const TOGETHER: f64 = 0.5;
        /// Guessed addresses do not exist.
        const MISSED: f64 = 0.2;
        let manners = &self.manners;
        let once = manners.page_repeats <= ONCE || self.is_numbered_walk();
        once && manners.company >= TOGETHER && manners.missed <= MISSED
    }

    /// Pages asked for by number, nearly each once, from numbers that lie close together: what exists is read. Numbers by
    /// chance, as they get past a cache, lie far apart or come again.
    fn is_numbered_walk(&self) -> bool {
        /// Requests for a page.
        const ONCE: f64 = 1.5;
        /// Pages for each number between the least and the greatest: much of what was once written is deleted.
        const DENSE: f64 = 0.2;
        /// What is long has several pages; a number that never changes, beside chance, has any number of them.
        const PAGES_EACH: f64 = 10.0;
        let numbered = self.manners.numbered;
        numbered.is_some_and(|numbered| {
            numbered.repeats <= ONCE && (DENSE..=PAGES_EACH).contains(&numbered.density)
        })
    }

    /// Requests for each page that a robot asks for.
    fn walked(&self) -> f64 {
        match self.manners.numbered {
            Some(numbered) if self.is_numbered_walk() => numbered.repeats,
            _ => self.manners.repeats,
        }
    }

    /// People who are there every day, behind one address or few, and whose busy hour it is: nobody new, and nobody
    /// who behaves unlike what is usual, or many browsers behind each address. No incident, unless it harms.
    pub fn is_everyday(&self) -> bool {
        /// Share of the surplus from clients that are also there before or after.
        const RETURNING: f64 = 0.9;
        /// First-time clients, as a multiple of those that come in any such time.
        const NOBODY_NEW: f64 = 2.0;
        let surplus = &self.surplus;
        let manners = &self.manners;
        let like_people = |referred: f64| {
            referred >= SHOWN && likeness(referred, manners.ordinary_referred) > 0.0
        };
        let shared =
            self.is_few() && manners.agents_each >= SHARED_AGENTS && like_people(manners.referred);
        let nobody = manners.sources == 0 && like_people(surplus.referred);
        self.monitor().is_none()
            && self.declared().is_none()
            && surplus.returning >= RETURNING
            && surplus.arrivals <= NOBODY_NEW
            && (nobody || shared)
    }

    fn for_people(&self) -> Vec<Sign> {
        let signs = [
            self.assets(),
            self.loading(),
            self.uncached(),
            self.relays(),
            self.referers(),
            self.company(),
            self.agents(),
            self.changing_agents(),
            self.pace(),
            self.single_requests(),
            self.disbelieved(),
        ];
        signs.into_iter().flatten().collect()
    }

    /// Browsers load what pages consist of. Hard to fake, since a flood wants pages.
    fn assets(&self) -> Option<Sign> {
        let manners = &self.manners;
        if manners.ordinary_assets < SHOWN && manners.assets < SHOWN {
            return None;
        }
        let weight = 3.0 * likeness(manners.assets, manners.ordinary_assets);
        // A page that fails pulls nothing: where most failed, the rest says little.
        let weight = weight * (manners.answered * 2.0).min(1.0);
        // Programs other than browsers load no images, good or bad.
        let weight = weight * if weight < 0.0 { manners.browsers } else { 1.0 };
        sign(
            weight,
            format!(
                "{:.0}% of the answered requests are images, styles and scripts ({:.0}% ordinarily; people bring at least {:.0}%)",
                manners.assets * 100.0,
                manners.ordinary_assets * 100.0,
                LIKE_PEOPLE * manners.ordinary_assets * 100.0
            ),
        )
    }

    /// A crowd that reloads one page again and again loads little with each; but nearly everybody loads something
    /// once.
    fn loading(&self) -> Option<Sign> {
        /// Share of the clients.
        const MOST: f64 = 0.4;
        let manners = &self.manners;
        let shown = manners.ordinary_assets >= SHOWN && manners.loading >= MOST;
        shown.then(|| Sign {
            weight: 1.5,
            reason: format!(
                "{:.0}% of the clients loaded images, styles or scripts at all (at least {:.0}% of people)",
                manners.loading * 100.0,
                MOST * 100.0
            ),
        })
    }

    /// Headless browsers load what pages consist of as well, but keep none of it.
    fn uncached(&self) -> Option<Sign> {
        /// Share of the clients.
        const MOST: f64 = 0.5;
        let again = self.manners.uncached;
        (again >= MOST).then(|| Sign {
            weight: -5.0,
            reason: format!(
                "{:.0}% of the clients loaded the same styles and scripts again and again, as no browser with a cache does (people less than {:.0}%)",
                again * 100.0,
                MOST * 100.0
            ),
        })
    }

    fn relays(&self) -> Option<Sign> {
        /// Share of the requests.
        const MOST: f64 = 0.5;
        let share = self.manners.relays;
        (share >= MOST).then(|| Sign {
            weight: -5.0,
            reason: format!(
                "{:.0}% of the requests are by sites that fetch pages for somebody else, as in pingback floods (at least {:.0}%)",
                share * 100.0,
                MOST * 100.0
            ),
        })
    }

    /// People follow links and click on. Easy to fake: whoever names referers and loads nothing else is not
    /// believed.
    fn referers(&self) -> Option<Sign> {
        /// Share of the requests that name a referer ordinarily, from which nobody doing so is telling.
        const MOSTLY: f64 = 0.5;
        /// Share that counts as nobody.
        const NEVER: f64 = 0.02;
        let manners = &self.manners;
        if manners.ordinary_referred < SHOWN && manners.referred < SHOWN {
            return None;
        }
        let likeness_of_referers = likeness(manners.referred, manners.ordinary_referred);
        let bare = manners.ordinary_assets >= SHOWN
            && likeness(manners.assets, manners.ordinary_assets) < 0.0;
        if bare && likeness_of_referers > 0.0 {
            return sign(0.0, "referers without images are easily faked".to_string());
        }
        let believed = match likeness_of_referers < 0.0 {
            true => manners.browsers,
            false => 1.0,
        };
        // Browsers name the page with every picture of it and every link that is followed: where most requests do so
        // ordinarily, people who never do are hard to imagine, wherever they come from.
        let never = manners.ordinary_referred >= MOSTLY && manners.referred <= NEVER;
        let strength = if never { 2.5 } else { 1.0 };
        sign(
            strength * likeness_of_referers * believed,
            format!(
                "{:.0}% name a referer ({:.0}% ordinarily; people bring at least {:.0}%)",
                manners.referred * 100.0,
                manners.ordinary_referred * 100.0,
                LIKE_PEOPLE * manners.ordinary_referred * 100.0
            ),
        )
    }

    /// Rented machines stand side by side; people live apart.
    fn company(&self) -> Option<Sign> {
        /// Clients that chance does not put together.
        const ENOUGH: usize = 30;
        /// Share of neighbours beyond the ordinary that speaks against people, and below which it speaks for them.
        const CROWDED: f64 = 0.3;
        const APART: f64 = 0.1;
        let manners = &self.manners;
        let more = manners.company - manners.ordinary_company;
        let weight = match more {
            more if more >= CROWDED => -2.0,
            more if more <= APART && manners.ordinary_company < CROWDED => 0.5,
            _ => return None,
        };
        (manners.sources >= ENOUGH).then(|| Sign {
            weight,
            reason: format!(
                "{:.0}% of the clients have neighbours among them in their network ({:.0}% ordinarily; {:.0} points more speak against people)",
                manners.company * 100.0,
                manners.ordinary_company * 100.0,
                CROWDED * 100.0
            ),
        })
    }

    /// A tool carries a short list of user agents; a crowd brings what its visitors have.
    fn agents(&self) -> Option<Sign> {
        /// Of the ordinary variety.
        const VARIED: f64 = 0.3;
        const UNIFORM: f64 = 0.15;
        /// User agents of a client: whoever keeps one, in a crowd as varied as any, has a browser.
        const STEADY: f64 = 1.2;
        let Variety {
            share: variety,
            ordinary,
        } = self.manners.agents?;
        // A log that cuts user agents short, or a site of few programs: one alone is as varied as that.
        if ordinary * UNIFORM <= 1.0 {
            let reason = format!(
                "visitors ordinarily bring {ordinary:.1} different user agents: too few to tell a tool by its own"
            );
            return sign(0.0, reason);
        }
        let steady = self.manners.agents_each <= STEADY;
        let weight = match variety {
            variety if variety >= 2.0 * VARIED && steady => 2.0,
            variety if variety >= VARIED => 1.0,
            variety if variety <= UNIFORM => -2.0,
            _ => 0.0,
        };
        sign(
            weight,
            format!(
                "the variety of user agents is {:.0}% of the ordinary (people bring at least {:.0}%, a tool at most {:.0}%)",
                variety * 100.0,
                VARIED * 100.0,
                UNIFORM * 100.0
            ),
        )
    }

    fn changing_agents(&self) -> Option<Sign> {
        /// Mean user agents of an address with several requests: households and offices share one.
        const CHANGING: f64 = 2.5;
        let each = self.manners.agents_each;
        let reason = format!(
            "a client names {each:.1} user agents on average (people at most {CHANGING:.1})"
        );
        (each > CHANGING).then_some(Sign {
            weight: -3.0,
            reason,
        })
    }

    fn pace(&self) -> Option<Sign> {
        /// Share of the requests.
        const PACED: f64 = 0.3;
        let paced = self.manners.machine_paced;
        let weight = if paced >= PACED { -2.0 } else { 0.5 };
        sign(
            weight,
            format!(
                "{:.0}% of the requests are from clients that asked for more than {MACHINE_PACE:.0} pages a minute (people bring less than {:.0}%)",
                paced * 100.0,
                PACED * 100.0
            ),
        )
    }

    /// Who comes for one request and never again has not looked at a page.
    fn single_requests(&self) -> Option<Sign> {
        /// Points more than ordinarily.
        const MORE: f64 = 0.3;
        let manners = &self.manners;
        let reason = format!(
            "{:.0}% of the clients made a single request ({:.0}% ordinarily; {:.0} points more speak against people)",
            manners.once * 100.0,
            manners.ordinary_once * 100.0,
            MORE * 100.0
        );
        let weight = if manners.once - manners.ordinary_once >= MORE {
            -1.5
        } else {
            0.5
        };
        sign(weight, reason)
    }

    /// One or few programs: a crawler that does not say so, a partner's export, or somebody who wants to do harm?
    fn for_honest_robot(&self) -> Vec<Sign> {
        let manners = &self.manners;
        let share = |part: f64| part * 100.0;
        let (each_once, again) = (1.5, 10.0);
        let repeats = self.walked();
        let walking = match repeats {
            repeats if repeats <= each_once => 2.0,
            repeats if repeats >= again => -2.0,
            _ => 0.0,
        };
        let (polite, hasty) = (2.0, 10.0);
        let pace = match manners.fastest_rps {
            rps if rps <= polite => 1.0,
            rps if rps >= hasty => -2.0,
            _ => 0.0,
        };
        let (harmless, harm) = (0.95, 0.8);
        let answers = match manners.answered {
            answered if answered >= harmless => 1.0,
            answered if answered <= harm => -2.0,
            _ => -0.5,
        };
        let asked = vec![
            Sign {
                weight: walking,
                reason: format!(
                    "each page was asked for {repeats:.1} times on average (a walk at most {each_once}, a flood from {again:.0} on)"
                ),
            },
            Sign {
                weight: pace,
                reason: format!(
                    "the fastest client sent {:.1} requests a second (polite up to {polite:.0}, harmful from {hasty:.0} on)",
                    manners.fastest_rps
                ),
            },
            Sign {
                weight: answers,
                reason: format!(
                    "{:.0}% were answered without a server error (at least {:.0}% where nobody is harmed)",
                    share(manners.answered),
                    share(harmless)
                ),
            },
        ];
        asked.into_iter().chain(self.openness()).collect()
    }

    /// Whether few programs show who they are.
    fn openness(&self) -> [Sign; 3] {
        let manners = &self.manners;
        let robots = match manners.read_robots {
            true => (2.0, "robots.txt was read"),
            false => (-0.5, "robots.txt was not read"),
        };
        [
            Sign {
                weight: if manners.known > 0.5 { 2.0 } else { -1.0 },
                reason: format!(
                    "{:.0}% of the requests are by clients that are also there before or after (more than half for a partner or a known robot)",
                    manners.known * 100.0
                ),
            },
            Sign {
                weight: if manners.browsers < 0.5 { 0.5 } else { -0.5 },
                reason: format!(
                    "{:.0}% of the requests say that a browser sends them (less than half where a program says what it is)",
                    manners.browsers * 100.0
                ),
            },
            Sign {
                weight: robots.0,
                reason: robots.1.to_string(),
            },
        ]
    }

    /// Grows with the size of the burst: from a bit above even at the threshold to nearly certain; five times
    /// the baseline are two thirds of the way. Less by a third when nobody can be named, and up to two
    /// fifths less where the signs contradict each other.
    pub fn confidence(&self, stretch: &Stretch) -> f64 {
        let size = 1.0 - (-stretch.ratio / 5.0).exp();
        let clear = if self.manners.sources > 0 || self.robots > 0.0 {
            1.0
        } else {
            0.7
        };
        (0.5 + 0.49 * size) * clear * self.clarity()
    }

    /// From 0.6, where the signs say nothing, to 1, where they leave no doubt.
    fn clarity(&self) -> f64 {
        let decided = self.monitor().is_some()
            || self.declared().is_some()
            || self.retries().is_some()
            || self.is_scan()
            || self.is_shared();
        if decided {
            return 1.0;
        }
        let signs = if self.is_few() || self.is_walk() {
            self.for_honest_robot()
        } else {
            self.for_people()
        };
        let sum: f64 = signs.iter().map(|sign| sign.weight).sum();
        // tanh(x/2) is 2p - 1 for the probability p that the log-odds x stand for.
        0.6 + 0.4 * (sum.abs() / 2.0).tanh()
    }
}

/// The reasons, weightiest first; then what speaks against the outcome.
fn weighed(sum: f64, mut signs: Vec<Sign>) -> Vec<String> {
    let for_it = |sign: &Sign| if sum > 0.0 { sign.weight } else { -sign.weight };
    signs.sort_by(|a, b| for_it(b).total_cmp(&for_it(a)));
    let telling = signs.into_iter().filter(|sign| sign.weight != 0.0);
    telling
        .map(|sign| match for_it(&sign) > 0.0 {
            true => sign.reason,
            false => format!("against it: {}", sign.reason),
        })
        .collect()
}

/// How many times as likely the outcome is as its opposite, for a sum of log-odds.
fn odds(sum: f64) -> String {
    /// Nobody can tell larger factors apart, and the signs are not as independent as a product takes them to be.
    const LARGEST: f64 = 1000.0;
    match sum.abs().exp() {
        factor if factor >= LARGEST => format!("more than {} times", count(LARGEST as u64)),
        factor if factor >= 10.0 => format!("about {factor:.0} times"),
        factor => format!("{factor:.1} times"),
    }
}

/// From -1, unlike people, to 1, like them: where a share stands compared with the ordinary one.
fn likeness(share: f64, ordinary: f64) -> f64 {
    let relative = share / ordinary.max(SHOWN);
    let middle = (LIKE_PEOPLE + UNLIKE_PEOPLE) / 2.0;
    ((relative - middle) / (LIKE_PEOPLE - middle)).clamp(-1.0, 1.0)
}

/// True when a burst is somebody who logs in again and again, which is told elsewhere: most of it goes to login pages,
/// much of it by POST, and the server answers. A login that only fails under it is flooded.
pub fn is_password_guessing(case: &Case<'_>, stretch: &Stretch, counts: &WindowCounts) -> bool {
    /// Share of the excess that asks for login pages.
    const LOGIN_SHARE: f64 = 0.7;
    /// Share of the excess that is posted to one of them; a tool may fetch the form before and after.
    const POSTED_SHARE: f64 = 0.25;
    /// Share of answers with 5xx from which the login is flooded.
    const FAILED_SHARE: f64 = 0.5;
    let excess = stretch.excess.max(1) as f64;
    let paths = counts.paths.iter();
    let logins: u64 = paths
        .filter(|(_, path)| Meaning::Login.is_in(&path.text))
        .map(|(_, path)| path.stats)
        .sum();
    let posted = || {
        case.plan.posts.iter().any(|(path, posts)| {
            let overlaps = posts.start <= stretch.end && posts.end >= stretch.start;
            let enough = posts.count as f64 >= POSTED_SHARE * excess;
            overlaps && enough && !posts.is_lasting() && case.is_login(*path)
        })
    };
    logins as f64 >= LOGIN_SHARE * excess
        && (counts.errors_5xx as f64) < FAILED_SHARE * counts.requests as f64
        && posted()
}

/// Share of some clients' requests, over the whole log, that met client errors or are hits. What a server refused in the
/// window because it had too much to do was no guess.
pub fn probing_share(case: &Case<'_>, counts: &WindowCounts, clients: &[Client]) -> f64 {
    let (mut requests, mut probes) = (0, 0);
    for client in clients {
        let stats = case.access.clients.get(client);
        let hits = case.access.hit_clients.get(client);
        let here = counts.clients.get(client);
        let refused = here.map_or(0, |here| u64::from(here.refused));
        let missed = stats.map_or(0, |stats| u64::from(stats.by_class[3]));
        requests += stats.map_or(0, ClientStats::requests);
        probes += missed
            .saturating_sub(refused)
            .max(hits.map_or(0, |hits| hits.lines));
    }
    probes as f64 / requests.max(1) as f64
}

/// Share of the excess that user agents with a robot's name bring beyond their own baseline.
fn robot_share(case: &Case<'_>, counts: &WindowCounts, stretch: &Stretch) -> f64 {
    let outside_s = (case.log_seconds() - (stretch.end - stretch.start + 1)).max(1) as f64;
    let window_s = (stretch.end - stretch.start + 1) as f64;
    let beyond_own = |(hash, text): (&u64, &Text<u64>)| {
        let all = case.access.agents.get(hash).map_or(0, |known| known.stats);
        let usual = all.saturating_sub(text.stats) as f64 / outside_s * window_s;
        (text.stats as f64 - usual).max(0.0)
    };
    let mut robots: BTreeMap<bool, f64> = BTreeMap::new();
    for entry in counts.agents.iter() {
        *robots.entry(is_robot(&entry.1.text)).or_default() += beyond_own(entry);
    }
    robots.get(&true).copied().unwrap_or(0.0) / stretch.excess.max(1) as f64
}

/// Whether a user agent names itself a robot.
pub fn is_robot(agent: &[u8]) -> bool {
    Meaning::Robot.is_in(agent) || Meaning::Monitor.is_in(agent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manners::Numbered;

    fn signs(manners: Manners, surplus: Surplus) -> Signs {
        Signs {
            manners,
            surplus,
            robots: 0.0,
            failed_first: false,
            probing: 0.0,
        }
    }

    /// Two hundred machines of two networks that ask one script for numbers, each once.
    fn walk(repeats: f64, density: f64) -> Signs {
        let manners = Manners {
            sources: 250,
            effective: 250.0,
            company: 1.0,
            answered: 1.0,
            page_repeats: 4000.0,
            repeats: 400.0,
            browsers: 1.0,
            ordinary_assets: 0.3,
            ordinary_referred: 0.8,
            numbered: Some(Numbered { repeats, density }),
            ..Manners::default()
        };
        signs(manners, Surplus::default())
    }

    #[test]
    fn numbered_pages_read_once_each_are_a_walk() {
        assert_eq!(walk(1.1, 0.9).cause().0, Cause::Crawler);
        assert_eq!(walk(1.0, 2.2).cause().0, Cause::Crawler);
    }

    #[test]
    fn numbers_by_chance_and_numbers_again_and_again_are_a_flood() {
        for (repeats, density) in [(1.0, 0.0001), (40.0, 0.9), (1.0, 5000.0)] {
            let cause = walk(repeats, density).cause().0;
            assert_eq!(cause, Cause::Ddos, "{repeats} {density}");
        }
    }

    /// Clients that call themselves robots, all of them.
    fn robots(sources: usize, company: f64, page_repeats: f64, answered: f64) -> Cause {
        let manners = Manners {
            sources,
            effective: sources as f64,
            company,
            page_repeats,
            repeats: page_repeats,
            answered,
            browsers: 1.0,
            ordinary_assets: 0.5,
            ordinary_referred: 0.9,
            ..Manners::default()
        };
        let named = Signs {
            robots: 1.0,
            ..signs(manners, Surplus::default())
        };
        named.cause().0
    }

    #[test]
    fn a_robots_name_is_believed_only_of_few_networks_or_many_pages() {
        let scattered = |repeats, answered| robots(300, 0.0, repeats, answered);
        assert_eq!(scattered(7_000.0, 0.4), Cause::Ddos);
        assert_eq!(scattered(7_000.0, 1.0), Cause::Ddos);
        assert_eq!(scattered(1.2, 1.0), Cause::Crawler);
        assert_eq!(robots(40, 1.0, 60.0, 1.0), Cause::Crawler);
        assert_eq!(robots(2, 0.0, 600.0, 0.4), Cause::Crawler);
    }

    #[test]
    fn few_ordinary_user_agents_tell_nothing_of_a_tool() {
        let variety = |share, ordinary| {
            let manners = Manners {
                agents: Some(Variety { share, ordinary }),
                agents_each: 1.0,
                ..Manners::default()
            };
            let sign = signs(manners, Surplus::default()).agents();
            sign.expect("agents are known").weight
        };
        assert_eq!(variety(0.36, 2.8), 0.0);
        assert_eq!(variety(0.7, 3.0), 0.0);
        assert_eq!(variety(0.05, 20.0), -2.0);
        assert_eq!(variety(0.7, 20.0), 2.0);
    }

    #[test]
    fn everyday_visitors_of_a_shared_address_are_told_from_newcomers() {
        let office = |returning, arrivals, agents_each| {
            let manners = Manners {
                sources: 3,
                effective: 3.0,
                agents_each,
                referred: 0.8,
                ordinary_referred: 0.7,
                ..Manners::default()
            };
            let surplus = Surplus {
                returning,
                arrivals,
                ..Surplus::default()
            };
            signs(manners, surplus).is_everyday()
        };
        assert!(office(0.99, 1.0, 12.0));
        assert!(!office(0.2, 1.0, 12.0));
        assert!(!office(0.99, 30.0, 12.0));
        assert!(!office(0.99, 1.0, 1.0));
    }
}
