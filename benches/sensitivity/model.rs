//! Traffic to measure with: visits that pull pages with what they consist of, over a day's rhythm, and a flood of
//! given size, length and number of sources on top of it.
//!
//! Requests come in clumps, one visit at a time, so that a minute's count varies several times as much as a Poisson
//! count does. The same stream gives counts by the minute, for what would be too much text, and lines.

use std::fmt::Write;

use crate::rng::Rng;

/// Midnight of 19 May 2026, the day of all traffic, in seconds since the epoch.
pub const MIDNIGHT: i64 = 1_779_148_800;

/// Pages of a visit on average.
const PAGES: f64 = 5.0;
/// Pictures, styles and scripts of the first page, when nothing is in the browser's cache, and of the others.
const FIRST_ASSETS: i64 = 10;
const MORE_ASSETS: i64 = 4;
/// Of all requests, the share that robots send, and the pages that one of them reads at a time.
const ROBOTS: f64 = 0.05;
const ROBOT_PAGES: i64 = 30;

/// A site and a stretch of its day.
#[derive(Clone, Copy)]
pub struct Site {
    /// Requests a second, averaged over the day.
    pub rate: f64,
    /// Whether pictures, styles and scripts are logged; on many sites others serve them.
    pub assets: bool,
    /// Hours of the day: the first, and how many.
    pub from: i64,
    pub hours: i64,
}

/// A flood.
#[derive(Clone, Copy)]
pub struct Flood {
    /// Traffic meanwhile as a multiple of what is usual then.
    pub times: f64,
    /// Second of the day of its first request, and how long it lasts.
    pub start: i64,
    pub seconds: i64,
    /// Clients that send it.
    pub sources: u64,
}

/// Who sent a request, and for what.
#[derive(Clone, Copy, PartialEq)]
pub enum Asked {
    Page,
    Asset,
    Robot,
    Flood,
}

/// A request: second of the day, number of its client among its kind, what for.
pub type Request = (i64, u64, Asked);

impl Site {
    /// Usual requests a second at a second of the day: the afternoon is six times as busy as the night.
    pub fn rate_at(&self, second: i64) -> f64 {
        let turn = (second as f64 / 86_400.0 - 0.375) * std::f64::consts::TAU;
        self.rate * (1.0 + 0.7 * turn.sin())
    }

    /// Requests that a visit brings on average.
    fn per_visit(&self) -> f64 {
        match self.assets {
            true => PAGES + FIRST_ASSETS as f64 + (PAGES - 1.0) * MORE_ASSETS as f64,
            false => PAGES,
        }
    }

    /// First and last second of the day.
    pub fn span(&self) -> (i64, i64) {
        (self.from * 3600, (self.from + self.hours) * 3600 - 1)
    }

    /// Ordinary traffic.
    pub fn requests(&self, rng: &mut Rng, mut show: impl FnMut(Request)) {
        let (first, last) = self.span();
        let mut client = 0;
        for minute in first / 60 - 30..=last / 60 {
            let usual = self.rate_at(minute * 60) * 60.0;
            let mut seen = |request: Request| {
                if (first..=last).contains(&request.0) {
                    show(request);
                }
            };
            for _ in 0..poisson(rng, usual * (1.0 - ROBOTS) / self.per_visit()) {
                client += 1;
                let start = minute * 60 + rng_second(rng);
                visit(rng, client, start, self.assets, &mut seen);
            }
            for _ in 0..poisson(rng, usual * ROBOTS / ROBOT_PAGES as f64) {
                client += 1;
                let mut at = minute * 60 + rng_second(rng);
                for _ in 0..ROBOT_PAGES {
                    seen((at, client, Asked::Robot));
                    at += rng.between(2, 12);
                }
            }
        }
    }

    /// What a flood adds.
    pub fn flood(&self, rng: &mut Rng, flood: &Flood, mut show: impl FnMut(Request)) {
        for second in flood.start..flood.start + flood.seconds {
            for _ in 0..poisson(rng, self.rate_at(flood.start) * (flood.times - 1.0)) {
                show((second, rng.below(flood.sources), Asked::Flood));
            }
        }
    }
}

fn rng_second(rng: &mut Rng) -> i64 {
    rng.between(0, 59)
}

fn visit(rng: &mut Rng, client: u64, start: i64, assets: bool, show: &mut impl FnMut(Request)) {
    let mut at = start;
    let mut pulled = FIRST_ASSETS;
    loop {
        show((at, client, Asked::Page));
        for _ in 0..pulled * i64::from(assets) {
            show((at + rng.between(0, 3), client, Asked::Asset));
        }
        if rng.chance(1.0 / PAGES) {
            return;
        }
        pulled = MORE_ASSETS;
        at += rng.between(4, 60);
    }
}

/// A Poisson number: D. Knuth's product of uniforms for small means (The Art of Computer Programming 2, 3.4.1), a rounded
/// normal for large ones, from twelve uniforms.
pub fn poisson(rng: &mut Rng, mean: f64) -> u64 {
    const LARGE: f64 = 30.0;
    if mean > LARGE {
        let normal: f64 = (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
        return (mean + normal * mean.sqrt()).round().max(0.0) as u64;
    }
    let (limit, mut product, mut count) = ((-mean).exp(), rng.unit(), 0);
    while product > limit {
        product *= rng.unit();
        count += 1;
    }
    count
}

/// Requests as lines of the combined format, in time order.
pub fn lines(mut requests: Vec<Request>, rng: &mut Rng) -> String {
    requests.sort_by_key(|request| request.0);
    let mut text = String::with_capacity(requests.len() * 160);
    for (second, client, asked) in requests {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let time = format!("19/May/2026:{hour:02}:{minute:02}:{second:02} +0000");
        // The shared space of RFC 6598, a part of it for each kind: nobody real is named.
        let [a, b, c] = [client >> 16 & 0xf, client >> 8 & 0xff, client & 0xff];
        let item = rng.below(400);
        let (network, target, referer, agent) = match asked {
            Asked::Page => (
                64,
                format!("/item/{item}"),
                "https://shop.example/",
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ),
            Asked::Asset => (
                64,
                format!("/img/{item}.jpg"),
                "https://shop.example/item",
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ),
            Asked::Robot => (
                80,
                format!("/item/{item}"),
                "-",
                "Mozilla/5.0 (compatible; Findbot/2.1; +https://find.example/bot)",
            ),
            Asked::Flood => (
                96,
                format!("/search?q=w{item}"),
                "-",
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0",
            ),
        };
        let bytes = 2_000 + item;
        let _ = writeln!(
            text,
            "100.{}.{b}.{c} - - [{time}] \"GET {target} HTTP/1.1\" 200 {bytes} \"{referer}\" \"{agent}\"",
            network + a
        );
    }
    text
}
