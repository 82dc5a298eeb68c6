//! The closed vocabularies of the report: cause, phase, role, symptom kind, outcome, dimension.
//!
//! Scripts are written against these names; a name may be added, never changed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares a vocabulary: an enum whose variants serialise as the given names.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every term, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The term as reports and packs spell it.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }
    };
}

vocabulary! {
    /// Why an incident happened, as far as logs can tell.
    Cause {
        /// A flood from many sources.
        Ddos = "ddos",
        /// A flood from one or few sources.
        Dos = "dos",
        /// Injection attempts without a surge.
        Injection = "injection",
        /// Injection attempts together with a surge of traffic.
        InjectionAndSurge = "injection_and_surge",
        /// Password guessing or credential stuffing.
        BruteForce = "brute_force",
        /// Vulnerability or directory scanning.
        Scan = "scan",
        /// A web shell was used.
        Webshell = "webshell",
        /// A crowd of real visitors.
        FlashCrowd = "flash_crowd",
        /// A crawler or another busy but ordinary robot.
        Crawler = "crawler",
        /// The server failed without an attack in the logs.
        ServerFault = "server_fault",
    }
}

impl Cause {
    /// False for what is no attack at all.
    pub fn is_attack(self) -> bool {
        !matches!(
            self,
            Cause::FlashCrowd | Cause::Crawler | Cause::ServerFault
        )
    }
}

vocabulary! {
    /// How messages of an error log lie to actors and to other steps; never why.
    Relation {
        /// They were written while a request that is logged was answered.
        SameRequest = "same_request",
        /// They name a client of an actor.
        SameClient = "same_client",
        /// Both happen in the same time.
        Overlaps = "overlaps",
        /// The messages begin first.
        Precedes = "precedes",
    }
}

vocabulary! {
    /// The phases of an attack, in the order it usually takes.
    Phase {
        /// Looking around: probes without a payload.
        Recon = "recon",
        /// Injection attempts.
        Injection = "injection",
        /// Using what was won.
        Access = "access",
        /// Password guessing.
        BruteForce = "brute_force",
        /// Traffic far above the baseline.
        Surge = "surge",
        /// The server answers, but fails often.
        Degradation = "degradation",
        /// The server does not answer.
        Outage = "outage",
        /// The server was started again.
        Restart = "restart",
        /// Limits and blocks begin to bite.
        Mitigation = "mitigation",
        /// Back to normal.
        Recovery = "recovery",
    }
}

vocabulary! {
    /// The part an actor plays.
    Role {
        /// Sends injection payloads.
        Injector = "injector",
        /// Takes part in a flood.
        Flooder = "flooder",
        /// Looks for weak spots.
        Scanner = "scanner",
        /// Guesses passwords.
        BruteForcer = "brute_forcer",
        /// Uses a web shell.
        WebshellOperator = "webshell_operator",
        /// A busy, honest robot.
        Crawler = "crawler",
        /// Real visitors, many at once.
        Crowd = "crowd",
    }
}

impl Role {
    /// False for roles that accuse nobody.
    pub fn is_attack(self) -> bool {
        !matches!(self, Role::Crawler | Role::Crowd)
    }
}

vocabulary! {
    /// What an error log can show.
    SymptomKind {
        /// No worker process or thread was free.
        WorkersExhausted = "workers_exhausted",
        /// No connection (to the server or its database) was free.
        ConnectionsExhausted = "connections_exhausted",
        /// The backend answered too late.
        UpstreamTimeout = "upstream_timeout",
        /// The backend could not be reached or hung up.
        UpstreamDown = "upstream_down",
        /// A worker process died.
        ChildCrash = "child_crash",
        /// Memory ran out.
        OutOfMemory = "out_of_memory",
        /// The server started.
        Start = "start",
        /// The server stopped.
        Stop = "stop",
        /// The server reloaded its configuration.
        Reload = "reload",
        /// The database refused a statement or a connection.
        DatabaseError = "database_error",
        /// The server itself limited or refused clients.
        RateLimited = "rate_limited",
        /// The disk was full.
        DiskFull = "disk_full",
        /// Too many open files.
        FileLimit = "file_limit",
        /// Anything else worth counting.
        Other = "other",
    }
}

vocabulary! {
    /// Whether an injection worked.
    Outcome {
        /// The server refused the attempts.
        Blocked = "blocked",
        /// Nothing in the logs speaks for success.
        NoEvidence = "no_evidence",
        /// One sign of success.
        Suspected = "suspected",
        /// Several independent signs of success.
        Likely = "likely",
    }
}

vocabulary! {
    /// What a burst is a burst of.
    Dimension {
        /// All requests.
        Total = "total",
        /// One path.
        Path = "path",
        /// One network.
        Network = "network",
        /// One client.
        Client = "client",
        /// Answers with status 5xx.
        Status5xx = "status_5xx",
    }
}
