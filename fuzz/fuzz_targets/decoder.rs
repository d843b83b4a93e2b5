//! Frames and messages from a peer's bytes, in any pieces.
#![no_main]

#[path = "../properties/choices.rs"]
mod choices;
#[path = "../properties/decoder.rs"]
mod decoder;
#[path = "../properties/messages.rs"]
mod messages;

libfuzzer_sys::fuzz_target!(|data: &[u8]| decoder::check(data));
