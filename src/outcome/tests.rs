//! The signs, each on attempts made for it.

use super::*;
use crate::client::Client;
use crate::evidence::endpoints::Attempt;
use crate::evidence::tries::Asked;
use crate::time::Time;

/// An attempt: (question, true or false, wait in ms, status, bytes, microseconds).
type Row = (u64, Option<bool>, Option<u32>, u16, u64, Option<u64>);

fn endpoint(category: Category, rows: &[Row]) -> Endpoint {
    let attempt = |(number, row): (usize, &Row)| Attempt {
        category,
        path: b"/item",
        parameter: Some(b"id"),
        high: true,
        client: Client::parse(b"192.0.2.1"),
        at: Locator {
            time: Time::from_secs(1_000 + number as i64),
            source: 0,
            offset: 100 * number as u64,
        },
        status: Some(row.3),
        bytes: Some(row.4),
        micros: row.5,
        asked: Asked {
            length: 60 + number as u32 % 2,
            shape: row.0,
            text: number as u64,
            truth: row.1,
            delay_ms: row.2,
            reads: row.1.is_none() && row.2.is_none(),
            means: None,
        },
    };
    let attempts: Vec<Attempt<'_>> = rows.iter().enumerate().map(attempt).collect();
    let mut endpoint = Endpoint::new(&attempts[0]);
    for attempt in &attempts {
        let class = usize::from(attempt.status.unwrap_or(100) / 100 - 1);
        endpoint.note(attempt, class, std::iter::empty());
    }
    endpoint
}

fn scene(endpoint: &Endpoint) -> Scene<'_> {
    Scene {
        endpoint,
        tries: endpoint.tries.as_slice(),
        norm: None,
        own: true,
    }
}

/// Sixteen attempts of one question, true and false in turn, answered as `bytes` says.
fn asked_both_ways(bytes: impl Fn(usize, bool) -> u64) -> Endpoint {
    let rows: Vec<Row> = (0..16)
        .map(|n| (1, Some(n % 2 == 0), None, 200, bytes(n, n % 2 == 0), None))
        .collect();
    endpoint(Category::SqlInjection, &rows)
}

#[test]
fn answers_that_follow_the_condition_prove_it() {
    let follows = asked_both_ways(|n, truth| if truth { 5_200 + n as u64 } else { 1_300 });
    let sign = pairs::sign(&scene(&follows)).unwrap();
    assert_eq!(sign.weight, Weight::Proof, "{}", sign.reason);
    assert_eq!(sign.lines.len(), 2);
    let alike = asked_both_ways(|n, _| 5_200 + n as u64 % 5);
    assert!(
        pairs::sign(&scene(&alike)).is_none(),
        "alike but for some digits"
    );
    let by_lot = asked_both_ways(|n, _| [5_200, 1_300][n / 3 % 2]);
    assert!(
        pairs::sign(&scene(&by_lot)).is_none(),
        "different, whatever the condition"
    );
}

#[test]
fn a_login_that_sends_few_on_is_a_hint_and_one_that_sends_all_nothing() {
    let told = |path: &[u8], moved: usize| {
        let answer = |n: usize| if n < moved { 302 } else { 200 };
        let rows: Vec<Row> = (0..8)
            .map(|n| (n as u64, None, None, answer(n), 900, None))
            .collect();
        let mut endpoint = endpoint(Category::SqlInjection, &rows);
        endpoint.path = path.into();
        login::sign(&scene(&endpoint)).map(|sign| sign.weight)
    };
    assert_eq!(told(b"/login.php", 1), Some(Weight::Hint));
    assert_eq!(told(b"/login.php", 0), None);
    assert_eq!(told(b"/login.php", 8), None);
    assert_eq!(told(b"/item.php", 1), None);
}

#[test]
fn two_pairs_are_a_hint_one_and_refused_ones_nothing() {
    let pairs_of = |many: usize, status| {
        let yes = (1, Some(true), None, 200, 5_000, None);
        let no = (1, Some(false), None, status, 900, None);
        let rows: Vec<Row> = [yes, no].repeat(many);
        endpoint(Category::SqlInjection, &rows)
    };
    assert_eq!(
        pairs::sign(&scene(&pairs_of(2, 200))).unwrap().weight,
        Weight::Hint
    );
    assert!(pairs::sign(&scene(&pairs_of(1, 200))).is_none(), "chance");
    assert!(
        pairs::sign(&scene(&pairs_of(2, 403))).is_none(),
        "a firewall's rule, not the condition"
    );
}

#[test]
fn waits_prove_it_unless_the_server_was_slow_anyway() {
    let rows = |slow: u64, plain: u64| -> Vec<Row> {
        let waits = (0..3).map(|_| (2, None, Some(5_000), 200, 900, Some(slow)));
        let others = (0..6).map(|_| (1, Some(true), None, 200, 900, Some(plain)));
        waits.chain(others).collect()
    };
    let of = |slow, plain| {
        let endpoint = endpoint(Category::SqlInjection, &rows(slow, plain));
        delay::sign(&scene(&endpoint)).map(|sign| sign.weight)
    };
    assert_eq!(of(5_020_000, 40_000), Some(Weight::Proof));
    assert_eq!(of(5_020_000, 6_000_000), None, "an overload");
    assert_eq!(of(40_000, 40_000), None, "in vain");
}

#[test]
fn a_read_that_goes_on_with_changing_answers_proves_it() {
    let read = |bytes: fn(u64) -> u64, status: u16| {
        let rows: Vec<Row> = (0..40)
            .map(|n| (7, None, None, status, bytes(n), None))
            .collect();
        let endpoint = endpoint(Category::SqlInjection, &rows);
        extraction::sign(&scene(&endpoint)).map(|sign| sign.weight)
    };
    assert_eq!(
        read(|n| if n % 3 == 0 { 5_200 } else { 1_300 }, 200),
        Some(Weight::Proof)
    );
    assert_eq!(read(|_| 1_300, 200), None, "always the same answer");
    assert_eq!(read(|n| 400 + 90 * n, 403), None, "refused");
}

#[test]
fn what_a_sign_weighs_decides() {
    let of = |weights: &[Weight]| {
        let sign = |weight: &Weight| Sign {
            weight: *weight,
            reason: String::new(),
            lines: Vec::new(),
        };
        weigh(&weights.iter().map(sign).collect::<Vec<_>>())
    };
    use Weight::{Hint, Proof, Reached};
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[Reached, Reached]), Some(Outcome::Suspected));
    assert_eq!(of(&[Hint]), Some(Outcome::Suspected));
    assert_eq!(of(&[Hint, Reached]), Some(Outcome::Likely));
    assert_eq!(of(&[Proof]), Some(Outcome::Likely));
}

#[test]
fn refusals_are_blocked_and_missing_pages_are_not() {
    let of = |status| {
        let rows: Vec<Row> = (0..10)
            .map(|_| (1, None, None, status, 500, None))
            .collect();
        let endpoint = endpoint(Category::Xss, &rows);
        unsuccessful(&scene(&endpoint)).outcome
    };
    assert_eq!(of(403), Outcome::Blocked);
    assert_eq!(of(406), Outcome::Blocked);
    assert_eq!(of(404), Outcome::NoEvidence);
    assert_eq!(of(200), Outcome::NoEvidence);
}
