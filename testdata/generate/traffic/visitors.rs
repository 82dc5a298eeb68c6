//! People: they come at their hours, look at pages that pull pictures and scripts, search, buy now
//! and then, and come back.

use super::address;
use super::agents;
use super::clock::{HOUR, MINUTE, Millis};
use super::rng::Rng;
use super::shop::{PAGE_ASSETS, page_bytes, picture_bytes, search_words};
use super::story::{Answer, Story, Who};

/// How busy each local hour is, in percent of the busiest: shops sleep at four and peak after
/// lunch and after supper.
const RHYTHM: [u8; 24] = [
    30, 20, 14, 11, 10, 13, 22, 38, 55, 68, 76, 80, 86, 90, 84, 80, 78, 80, 88, 96, 100, 94, 74, 48,
];

/// Where strangers come from.
const ENTRY_REFERERS: [&str; 6] = [
    "https://www.search.example/",
    "https://search.example/results?q=oak+stool",
    "https://news.example/living/ten-small-kitchens",
    "https://social.example/",
    "https://mail.example/",
    "https://blog.example/2021/our-favourite-lamps",
];

/// Somebody with a browser.
#[derive(Clone)]
pub struct Person {
    pub address: String,
    pub agent: String,
    /// Has been here before: the browser keeps styles and scripts.
    pub returning: bool,
}

/// How many of the shop's visits are by people who come again and again.
const REGULARS_SHARE: f64 = 0.3;
/// How many such people there are.
const REGULARS: usize = 40;

/// Visits from `from` to `to`, `per_hour` of them in the busiest hour.
pub fn visits(story: &mut Story, from: Millis, to: Millis, per_hour: f64) {
    let regulars: Vec<Person> = (0..REGULARS)
        .map(|_| {
            let mut person = stranger(story);
            person.returning = true;
            person
        })
        .collect();
    let starts = story.moments(from, to, per_hour / 60.0);
    for start in starts {
        let hour = story.zone.civil(start).hour as usize;
        if story.rng.chance(f64::from(RHYTHM[hour]) / 100.0) {
            let person = if story.rng.chance(REGULARS_SHARE) {
                regulars[story.rng.skewed(REGULARS)].clone()
            } else {
                stranger(story)
            };
            visit(story, &person, start);
        }
    }
    // Visits that began near the end go on; the log does not.
    story.requests.retain(|request| request.logged_at() < to);
}

/// Somebody new.
pub fn stranger(story: &mut Story) -> Person {
    Person {
        address: address::visitor(&mut story.rng),
        agent: agents::browser(&mut story.rng, &story.browsers).to_owned(),
        returning: false,
    }
}

/// The kinds of pages that a visit walks through.
enum Page {
    Home,
    Category(usize),
    Item(usize),
    Search,
    Cart,
    Account,
}

/// One visit.
pub fn visit(story: &mut Story, person: &Person, start: Millis) {
    let entry = if story.rng.chance(0.5) {
        "-".to_owned()
    } else {
        (*story.rng.pick(&ENTRY_REFERERS)).to_owned()
    };
    let first = first_page(story);
    let pages = 1 + story.rng.skewed(7);
    walk(story, person, start, entry, first, pages);
}

/// A visit that comes from a given place to a given item and looks at little else.
pub fn visit_item(story: &mut Story, person: &Person, start: Millis, referer: &str, item: usize) {
    let pages = 1 + story.rng.skewed(4);
    walk(
        story,
        person,
        start,
        referer.to_owned(),
        Page::Item(item),
        pages,
    );
}

fn walk(
    story: &mut Story,
    person: &Person,
    start: Millis,
    entry: String,
    first: Page,
    pages: usize,
) {
    let (mut at, mut referer, mut page) = (start, entry, first);
    for number in 0..pages {
        let target = show(story, person, at, &referer, &page, number == 0);
        referer = story.shop.url(&target);
        at += story.rng.between(4_000, 50_000);
        page = next_page(story, &page);
    }
}

fn first_page(story: &mut Story) -> Page {
    match story.rng.below(100) {
        0..=39 => Page::Home,
        40..=59 => Page::Category(story.rng.skewed(12)),
        60..=94 => Page::Item(story.rng.skewed(story.shop.items)),
        _ => Page::Account,
    }
}

fn next_page(story: &mut Story, page: &Page) -> Page {
    let item = story.rng.skewed(story.shop.items);
    let category = story.rng.skewed(12);
    match (page, story.rng.below(100)) {
        (_, 0..=17) => Page::Search,
        (Page::Item(_), 18..=32) => Page::Cart,
        (Page::Cart, 18..=60) => Page::Account,
        (Page::Home | Page::Account, 18..=64) => Page::Category(category),
        (_, 96..) => Page::Home,
        _ => Page::Item(item),
    }
}

/// A page with all that its browser pulls; returns the page's target.
fn show(
    story: &mut Story,
    person: &Person,
    at: Millis,
    referer: &str,
    page: &Page,
    fresh: bool,
) -> String {
    let who = Who {
        client: &person.address,
        agent: &person.agent,
    };
    let shop = story.shop;
    let target = match page {
        Page::Home => "/".to_owned(),
        Page::Category(index) => shop.category(*index),
        Page::Item(index) => shop.item(*index),
        Page::Search => shop.search(search_words(&mut story.rng)),
        Page::Cart => shop.cart().to_owned(),
        Page::Account => shop.account().to_owned(),
    };
    act_before(story, who, at, referer, page);
    let answer = page_answer(story, &target);
    let failed = answer.0 >= 400;
    let ready = at + answer.2;
    story.ask(at, who, "GET", &target, referer, answer);
    if failed {
        return target;
    }
    let here = shop.url(&target);
    if fresh {
        pull_assets(story, person, ready, &here);
    }
    pull_pictures(story, who, ready, &here, page);
    if let Page::Item(index) = page {
        let took = story.rng.between(15, 70);
        let asked = ready + story.rng.between(300, 900);
        let bytes = 84 + story.rng.below(9);
        story.ask(
            asked,
            who,
            "GET",
            &shop.stock(*index),
            &here,
            Answer(200, bytes, took),
        );
    }
    target
}

/// What is posted on the way to a page.
fn act_before(story: &mut Story, who: Who, at: Millis, referer: &str, page: &Page) {
    let shop = story.shop;
    match page {
        Page::Cart => {
            let took = story.rng.between(30, 120);
            story.ask(
                at - 900,
                who,
                "POST",
                shop.add_to_cart(),
                referer,
                Answer(302, 0, took),
            );
        }
        Page::Account => {
            let form = shop.url(shop.login());
            if story.rng.chance(0.08) {
                // A forgotten password: the form comes back.
                story.ask(
                    at - 9_000,
                    who,
                    "POST",
                    shop.login(),
                    &form,
                    Answer(200, 5_310, 180),
                );
            }
            story.ask(
                at - 900,
                who,
                "POST",
                shop.login(),
                &form,
                Answer(302, 0, 190),
            );
        }
        _ => {}
    }
}

/// Old links and rare faults are part of every ordinary day.
fn page_answer(story: &mut Story, target: &str) -> Answer {
    let took = story.rng.between(40, 260);
    match story.rng.below(1_000) {
        0..=9 => Answer(404, 4_120, took),
        10 => Answer(500, 1_873, took),
        _ => Answer(200, page_bytes(&mut story.rng, target), took),
    }
}

fn pull_assets(story: &mut Story, person: &Person, at: Millis, page: &str) {
    let who = Who {
        client: &person.address,
        agent: &person.agent,
    };
    for (target, bytes) in PAGE_ASSETS {
        let answer = match person.returning {
            true if story.rng.chance(0.7) => continue,
            true => Answer(304, 0, 2),
            false => Answer(200, bytes, 4),
        };
        let asked = at + story.rng.between(20, 400);
        story.ask(asked, who, "GET", target, page, answer);
    }
}

fn pull_pictures(story: &mut Story, who: Who, at: Millis, page_url: &str, page: &Page) {
    let (indices, size): (Vec<usize>, &str) = match page {
        Page::Item(index) => (vec![*index], "800"),
        Page::Home | Page::Category(_) | Page::Search => {
            let count = if agents::is_mobile(who.agent) { 2 } else { 4 };
            (some_items(&mut story.rng, story.shop.items, count), "240")
        }
        Page::Cart | Page::Account => (Vec::new(), ""),
    };
    for index in indices {
        let target = story.shop.picture(index, size);
        let asked = at + story.rng.between(60, 700);
        let bytes = picture_bytes(&target);
        story.ask(asked, who, "GET", &target, page_url, Answer(200, bytes, 6));
    }
}

fn some_items(rng: &mut Rng, items: usize, count: usize) -> Vec<usize> {
    (0..count).map(|_| rng.skewed(items)).collect()
}

/// The mean number of log lines that a visit writes, for planning rates (measured over a day).
pub const LINES_PER_VISIT: f64 = 14.5;

/// Visits in the busiest hour that give about `per_minute` lines in an hour as busy as `hour`.
pub fn visits_for(per_minute: f64, hour: usize) -> f64 {
    per_minute * (HOUR / MINUTE) as f64 / LINES_PER_VISIT * 100.0 / f64::from(RHYTHM[hour])
}
