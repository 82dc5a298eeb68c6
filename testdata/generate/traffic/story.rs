//! A story being written: the requests and the error messages so far, and the dice.

use super::agents;
use super::clock::{Millis, Zone};
use super::errors::Message;
use super::rng::Rng;
use super::shop::Shop;
use super::writers::{Layout, Request, Server, access_log};

/// Everything a scenario adds to and edits.
pub struct Story {
    pub rng: Rng,
    pub shop: Shop,
    pub server: Server,
    pub zone: Zone,
    pub browsers: Vec<String>,
    pub requests: Vec<Request>,
    pub messages: Vec<Message>,
}

/// Who asks.
#[derive(Clone, Copy)]
pub struct Who<'a> {
    pub client: &'a str,
    pub agent: &'a str,
}

/// What the server answers: status, bytes, and milliseconds it takes.
#[derive(Clone, Copy)]
pub struct Answer(pub u16, pub u64, pub Millis);

impl Story {
    /// An empty story.
    pub fn new(seed: u64, shop: Shop, server: Server, zone: Zone) -> Story {
        Story {
            rng: Rng::new(seed),
            shop,
            server,
            zone,
            browsers: agents::browsers(),
            requests: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// Adds a GET without a referer.
    pub fn get(&mut self, at: Millis, who: Who, target: &str, answer: Answer) {
        self.ask(at, who, "GET", target, "-", answer);
    }

    /// Adds a request.
    pub fn ask(
        &mut self,
        at: Millis,
        who: Who,
        method: &str,
        target: &str,
        referer: &str,
        answer: Answer,
    ) {
        let line = format!("{method} {target} HTTP/1.1");
        self.raw(at, who, line, referer, answer);
    }

    /// Adds a request whose request line is anything at all, escaped as the server logs it.
    pub fn raw(&mut self, at: Millis, who: Who, line: String, referer: &str, answer: Answer) {
        let Answer(status, bytes, took) = answer;
        self.requests.push(Request {
            at,
            took,
            client: who.client.to_owned(),
            line,
            status,
            bytes,
            referer: referer.to_owned(),
            agent: who.agent.to_owned(),
        });
    }

    /// Walks over the requests that came from `from` on and before `to`: what the function does to
    /// one stands, and those for which it returns false never reached the log.
    pub fn edit(
        &mut self,
        from: Millis,
        to: Millis,
        mut keep: impl FnMut(&mut Rng, &mut Request) -> bool,
    ) {
        let rng = &mut self.rng;
        self.requests
            .retain_mut(|request| !(from..to).contains(&request.at) || keep(rng, request));
    }

    /// Nothing is answered, and so nothing is logged, from `from` on and before `to`.
    pub fn silence(&mut self, from: Millis, to: Millis) {
        self.requests
            .retain(|request| request.logged_at() < from || request.at >= to);
    }

    /// Moments from `from` to `to`, `per_minute` on average and as irregular as independent people
    /// are (a Poisson process).
    pub fn moments(&mut self, from: Millis, to: Millis, per_minute: f64) -> Vec<Millis> {
        let gap = super::clock::MINUTE as f64 / per_minute;
        let mut moments = Vec::new();
        let mut at = from as f64 + self.rng.waiting() * gap;
        while at < to as f64 {
            moments.push(at as Millis);
            at += self.rng.waiting() * gap;
        }
        moments
    }

    /// The access log so far.
    pub fn access_log(&self) -> Vec<u8> {
        self.access_log_as(Layout::Combined)
    }

    /// The access log so far, in a given layout.
    pub fn access_log_as(&self, layout: Layout) -> Vec<u8> {
        access_log(self.requests.clone(), self.server, layout, self.zone)
    }

    /// The error log so far.
    pub fn error_log(&self) -> Vec<u8> {
        super::errors::error_log(&self.messages, self.server, self.zone)
    }
}
