//! Honest programs: search engines' crawlers, the monitor, a partner's client, a feed reader.

use super::agents;
use super::clock::{MINUTE, Millis, SECOND};
use super::shop::page_bytes;
use super::story::{Answer, Story, Who};

/// The crawlers' addresses.
const BOT_NETWORK: &str = "198.51.100";
/// The monitor's address.
pub const MONITOR_ADDRESS: &str = "192.0.2.10";
const API_ADDRESS: &str = "192.0.2.77";
const FEED_ADDRESS: &str = "192.0.2.44";

/// All of them, with a monitor that asks every `monitor_period`.
pub fn robots(story: &mut Story, from: Millis, to: Millis, monitor_period: Millis) {
    monitor(story, from, to, monitor_period);
    search_bots(story, from, to);
    api_client(story, from, to);
    feed_reader(story, from, to);
}

fn monitor(story: &mut Story, from: Millis, to: Millis, period: Millis) {
    let who = Who {
        client: MONITOR_ADDRESS,
        agent: agents::MONITOR,
    };
    let mut at = from + 7 * SECOND;
    while at + SECOND < to {
        let took = story.rng.between(3, 20);
        let asked = at + story.rng.between(0, 90);
        story.ask(asked, who, "HEAD", "/health", "-", Answer(200, 0, took));
        at += period;
    }
}

fn search_bots(story: &mut Story, from: Millis, to: Millis) {
    for (number, agent) in agents::SEARCH_BOTS.into_iter().enumerate() {
        for at in story.moments(from, to, 0.12) {
            let client = format!(
                "{BOT_NETWORK}.{}",
                20 + 10 * number as u64 + story.rng.below(4)
            );
            let who = Who {
                client: &client,
                agent,
            };
            bot_request(story, who, at);
        }
    }
}

fn bot_request(story: &mut Story, who: Who, at: Millis) {
    let target = match story.rng.below(40) {
        0 => "/robots.txt".to_owned(),
        1 => "/sitemap.xml".to_owned(),
        2..=7 => story.shop.category(story.rng.skewed(12)),
        _ => {
            let item = story.rng.below(story.shop.items as u64) as usize;
            story.shop.item(item)
        }
    };
    let answer = match story.rng.below(20) {
        0 => Answer(404, 4_120, 40),
        1..=4 => Answer(304, 0, 40),
        _ => Answer(200, page_bytes(&mut story.rng, &target), 90),
    };
    story.get(at, who, &target, answer);
}

fn api_client(story: &mut Story, from: Millis, to: Millis) {
    let who = Who {
        client: API_ADDRESS,
        agent: agents::API_CLIENT,
    };
    let mut at = from + 40 * SECOND;
    while at + SECOND < to {
        let took = story.rng.between(40, 90);
        story.ask(
            at,
            who,
            "POST",
            "/api/v1/orders/export",
            "-",
            Answer(200, 612, took),
        );
        at += 10 * MINUTE;
    }
}

fn feed_reader(story: &mut Story, from: Millis, to: Millis) {
    let who = Who {
        client: FEED_ADDRESS,
        agent: agents::FEED_READER,
    };
    let mut at = from + 11 * MINUTE;
    while at + SECOND < to {
        story.get(at, who, "/feed.xml", Answer(304, 0, 8));
        at += 30 * MINUTE;
    }
}
