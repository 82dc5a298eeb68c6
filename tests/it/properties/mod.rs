//! What must hold of every parser, whatever bytes it is given: nothing panics, nothing grows without bound, and the same
//! bytes are read in the same way wherever they stand.
//!
//! Shared with `fuzz/`, where each property is the target of a fuzzer; `parsers.rs` tries a bounded number of cases.
//! Uses nothing but the library, so that both can compile it.

pub mod packing;
pub mod reading;
pub mod seeds;
pub mod telling;

/// A property of one group of parsers.
pub struct Property {
    /// Also the name of the fuzzer's target.
    pub name: &'static str,
    /// Panics where it does not hold of these bytes.
    pub check: fn(&[u8]),
    /// Inputs to begin with: small and valid, so that what is made of them comes far.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every property.
pub static ALL: &[Property] = &[
    Property {
        name: "one_format",
        check: reading::one_format,
        seeds: seeds::of_formats,
    },
    Property {
        name: "whole_input",
        check: reading::whole_input,
        seeds: seeds::samples,
    },
    Property {
        name: "envelope",
        check: reading::envelope,
        seeds: seeds::in_envelopes,
    },
    Property {
        name: "json",
        check: reading::json,
        seeds: seeds::objects,
    },
    Property {
        name: "custom_format",
        check: reading::custom_format,
        seeds: seeds::custom_formats,
    },
    Property {
        name: "server_config",
        check: reading::server_config,
        seeds: seeds::server_configs,
    },
    Property {
        name: "packed",
        check: packing::packed,
        seeds: seeds::packed,
    },
    Property {
        name: "archive",
        check: packing::archive,
        seeds: seeds::archives,
    },
    Property {
        name: "part",
        check: packing::part,
        seeds: seeds::parts,
    },
    Property {
        name: "database",
        check: packing::database,
        seeds: seeds::databases,
    },
    Property {
        name: "decoded",
        check: telling::decoded,
        seeds: seeds::requests,
    },
    Property {
        name: "judged",
        check: telling::judged,
        seeds: seeds::requests,
    },
    Property {
        name: "report",
        check: telling::report,
        seeds: seeds::samples,
    },
];
