#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sekisho_testkit::fuzz::policy(bytes));
