#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rolecall_bodies::run("cloudformation", bytes));
