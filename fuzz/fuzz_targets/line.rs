//! Trace lines, their escapes and golden templates.
#![no_main]

#[path = "../properties/choices.rs"]
mod choices;
#[path = "../properties/line.rs"]
mod line;

libfuzzer_sys::fuzz_target!(|data: &[u8]| line::check(data));
