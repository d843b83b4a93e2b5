//! Sealed frames: only the genuine next one opens.
#![no_main]

#[path = "../properties/choices.rs"]
mod choices;
#[path = "../properties/messages.rs"]
mod messages;
#[path = "../properties/opener.rs"]
mod opener;

libfuzzer_sys::fuzz_target!(|data: &[u8]| opener::check(data));
