#![no_main]

use aftertrace_fuzz::properties::packing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| packing::part(bytes));
