//! Configuration files, variables and flags.
#![no_main]

#[path = "../properties/choices.rs"]
mod choices;
#[path = "../properties/configuration.rs"]
mod configuration;

libfuzzer_sys::fuzz_target!(|data: &[u8]| configuration::check(data));
