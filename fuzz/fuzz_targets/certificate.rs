//! Certificates and chains that no CA issued.
#![no_main]

#[path = "../properties/certificate.rs"]
mod certificate;
#[path = "../properties/choices.rs"]
mod choices;

libfuzzer_sys::fuzz_target!(|data: &[u8]| certificate::check(data));
