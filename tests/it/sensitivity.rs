//! A small part of what `cargo run --release --example sensitivity` measures: what must be found is found, and quiet days
//! stay quiet. Times are not asserted, apart from how far off a burst's ends are told.

use crate::measure::{Minutes, by_counts, by_lines};
use crate::model::{Flood, Site};
use crate::rng::Rng;

const SEED: u64 = 0x0A11_DA75;

fn site(rate: f64, assets: bool) -> Site {
    Site {
        rate,
        assets,
        from: 0,
        hours: 24,
    }
}

#[test]
fn three_times_the_rate_for_two_minutes_is_found() {
    const TRIALS: usize = 40;
    for (rate, assets) in [(1.0, true), (1.0, false), (5.0, true), (5.0, false)] {
        let mut rng = Rng::new(SEED);
        let site = site(rate, assets);
        let found = (0..TRIALS).filter(|_| {
            let day = Minutes::of(&site, &mut rng);
            let flood = Flood {
                times: 3.0,
                start: rng.between(9 * 3600, 21 * 3600 - 120),
                seconds: 120,
                sources: 1,
            };
            let off = by_counts(&site, &day, &flood, &mut rng);
            off.is_some_and(|(start, end)| start <= 120 && end <= 120)
        });
        let found = found.count();
        assert!(
            found * 100 >= TRIALS * 95,
            "{rate}/s, assets {assets}: {found} of {TRIALS}"
        );
    }
}

#[test]
fn quiet_days_stay_quiet() {
    let mut alarms = Vec::new();
    let mut days = 0;
    for (rate, count) in [(0.05, 20), (0.2, 20), (1.0, 20), (5.0, 10)] {
        for assets in [true, false] {
            let mut rng = Rng::new(SEED);
            for _ in 0..count {
                days += 1;
                alarms.extend(Minutes::of(&site(rate, assets), &mut rng).bursts());
            }
        }
    }
    assert!(
        alarms.len() * 30 <= days,
        "{} in {days} days: {alarms:?}",
        alarms.len()
    );
}

#[test]
fn a_flood_is_told_to_the_second_from_few_sources_and_from_many() {
    let patterns = aftertrace::pattern::load::embedded().unwrap();
    for sources in [1, 1_000] {
        let mut rng = Rng::new(SEED);
        let site = Site {
            from: 9,
            hours: 4,
            ..site(1.0, true)
        };
        let flood = Flood {
            times: 10.0,
            start: 11 * 3600 + 137,
            seconds: 600,
            sources,
        };
        let (start, end) = by_lines(&site, &flood, &mut rng, &patterns)
            .unwrap()
            .expect("a burst where the flood is");
        assert!(
            start <= 5 && end <= 5,
            "{sources} sources: {start} s, {end} s off"
        );
    }
}
