//! What clients call themselves: a few hundred browsers in use, and the usual robots.

use super::rng::Rng;

/// Systems of desktop browsers.
const DESKTOPS: [&str; 6] = [
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "Windows NT 6.1; Win64; x64",
    "X11; Linux x86_64",
    "Macintosh; Intel Mac OS X 10_14_6",
    "X11; CrOS x86_64 14268.67.0",
];

/// Android releases and models.
const HANDSETS: [&str; 14] = [
    "11; SM-G991B",
    "10; SM-A505FN",
    "11; Pixel 5",
    "9; SM-G960F",
    "10; SM-A217F",
    "12; Pixel 6",
    "8.0.0; SM-G930F",
    "10; M2003J15SC",
    "11; SM-A525F",
    "9; Redmi Note 8",
    "10; ELE-L29",
    "11; CPH2195",
    "7.0; SM-J530F",
    "12; SM-S901B",
];

/// iOS releases.
const APPLE: [(&str, &str); 7] = [
    ("14_7_1", "14.1.2"),
    ("14_6", "14.1.1"),
    ("15_0", "15.0"),
    ("14_4_2", "14.0.3"),
    ("13_6_1", "13.1.2"),
    ("12_5_4", "12.1.2"),
    ("15_4", "15.4"),
];

/// Monitors, feed readers, partners: honest programs.
pub const MONITOR: &str = "UptimeProbe/2.4 (+https://status.example/about)";
/// See [`MONITOR`].
pub const API_CLIENT: &str = "okhttp/4.9.1";
/// See [`MONITOR`].
pub const FEED_READER: &str = "FeedFetcher/1.3; (+https://reader.example/bot.html; 12 subscribers)";
/// A price-comparison crawler that tells who it is.
pub const PRICE_CRAWLER: &str =
    "Mozilla/5.0 (compatible; PriceHarvester/1.2; +https://prices.example/crawler)";

/// Search engines' crawlers, as they call themselves.
pub const SEARCH_BOTS: [&str; 3] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
];

/// Every browser, the most used ones first.
pub fn browsers() -> Vec<String> {
    let mut all = Vec::new();
    for version in (86..=93).rev() {
        all.extend(chromium(version));
    }
    for version in (78..=92).rev() {
        all.extend(firefox(version));
    }
    all.extend(apple());
    // Interleave, so that the skewed choice by index meets every family early.
    let count = all.len();
    let stride = coprime_stride(count);
    (0..count)
        .map(|index| all[index * stride % count].clone())
        .collect()
}

fn chromium(version: u32) -> Vec<String> {
    let build = 4000 + version * 7;
    let core = format!(
        "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.{build}.{}",
        version * 3 % 160
    );
    let mut list: Vec<String> = DESKTOPS
        .iter()
        .map(|system| format!("Mozilla/5.0 ({system}) {core} Safari/537.36"))
        .collect();
    list.extend(
        HANDSETS.iter().map(|model| {
            format!("Mozilla/5.0 (Linux; Android {model}) {core} Mobile Safari/537.36")
        }),
    );
    list.push(format!(
        "Mozilla/5.0 ({}) {core} Safari/537.36 Edg/{version}.0.961.{}",
        DESKTOPS[0],
        version % 60
    ));
    list
}

fn firefox(version: u32) -> Vec<String> {
    DESKTOPS[..4]
        .iter()
        .map(|system| {
            format!("Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
        })
        .collect()
}

fn apple() -> Vec<String> {
    let mut list = Vec::new();
    for (system, version) in APPLE {
        for device in ["iPhone; CPU iPhone OS", "iPad; CPU OS"] {
            list.push(format!(
                "Mozilla/5.0 ({device} {system} like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/{version} Mobile/15E148 Safari/604.1"
            ));
        }
        list.push(format!(
            "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} \
             Safari/605.1.15",
            DESKTOPS[1]
        ));
    }
    list
}

/// A step that visits every index of `count` once.
fn coprime_stride(count: usize) -> usize {
    let mut stride = count * 5 / 8;
    while gcd(stride, count) != 1 {
        stride += 1;
    }
    stride
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A visitor's browser.
pub fn browser<'a>(rng: &mut Rng, browsers: &'a [String]) -> &'a str {
    &browsers[rng.skewed(browsers.len())]
}

/// Whether a browser runs on a phone.
pub fn is_mobile(agent: &str) -> bool {
    agent.contains("Mobile")
}
