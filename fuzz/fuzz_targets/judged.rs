#![no_main]

use aftertrace_fuzz::properties::telling;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| telling::judged(bytes));
