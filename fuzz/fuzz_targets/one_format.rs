#![no_main]

use aftertrace_fuzz::properties::reading;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| reading::one_format(bytes));
