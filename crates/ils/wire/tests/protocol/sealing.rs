//! Sealed conversations: what opens, and that nothing else does.

use crate::any::{cases, frame, frames, sealable};
use ils_wire::*;
use proptest::{collection::vec, prelude::*};

/// The keys of one conversation; `change` is a byte by which a conversation differs from another.
fn keys(change: [u8; 4]) -> ConnectionKeys {
    let [password, input, dialler, listener] = change;
    ConnectionKeys::derive(
        &NetworkKey::from_bytes([password; 32]),
        &SharedInput::from_exporter([input; 32]),
        &[dialler; 100],
        &[listener; 100],
    )
}

/// Both ends of a conversation: the dialler's and the listener's.
fn pair() -> ((Sealer, Opener), (Sealer, Opener)) {
    (keys([0; 4]).for_dialler(), keys([0; 4]).for_listener())
}

fn opens(bytes: &[u8]) -> Result<Message, OpenError> {
    pair().1.1.open(frame(bytes)).map(|opened| opened.message)
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn every_message_opens_at_the_other_end(messages in vec(sealable(), 1..6), dialled: bool) {
        let (dialler, listener) = pair();
        let (mut sealer, mut opener) =
            if dialled { (dialler.0, listener.1) } else { (listener.0, dialler.1) };
        for message in messages {
            let sealed = frame(&sealer.seal(&message).unwrap());
            let inlen = sealed.payload.len();
            let opened = opener.open(sealed).unwrap();
            prop_assert_eq!((&opened.message, opened.inlen, opened.outlen), (&message, inlen, inlen - TAG_LEN));
            if matches!(message, Message::Bye { .. }) {
                prop_assert_eq!(sealer.seal(&Message::Ping(1)), Err(SealError::Ended));
                break;
            }
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_does_not_open(message in sealable(), at: prop::sample::Index, bit in 0..8u8) {
        let mut bytes = pair().0.0.seal(&message).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let mut decoder = Decoder::new();
        decoder.joined();
        decoder.push(&bytes);
        if let Ok(Some(frame)) = decoder.next() {
            let error = pair().1.1.open(frame).unwrap_err();
            prop_assert!(matches!(error, OpenError::Decrypt | OpenError::NotSealed), "{error}");
        }
    }
}

#[test]
fn every_bit_of_a_sealed_frame_matters() {
    let sealed = frame(&pair().0.0.seal(&Message::Ping(7)).unwrap());
    for bit in 0..sealed.payload.len() * 8 {
        let mut frame = sealed.clone();
        frame.payload[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(pair().1.1.open(frame), Err(OpenError::Decrypt), "payload bit {bit}");
    }
    for bit in 0..sealed.header.len() * 8 {
        let mut frame = sealed.clone();
        frame.header[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(pair().1.1.open(frame), Err(OpenError::Decrypt), "header bit {bit}");
    }
    assert_eq!(pair().1.1.open(sealed).unwrap().message, Message::Ping(7), "unchanged, it opens");
}

#[test]
fn every_truncation_of_a_sealed_frame_fails() {
    let sealed = pair().0.0.seal(&Message::Ping(7)).unwrap();
    for len in 0..sealed.len() {
        assert_eq!(frames(&sealed[..len]), [], "{len} bytes are no frame");
    }
    for len in 0..sealed.len() - HEADER_LEN {
        let mut shorter = sealed[..HEADER_LEN + len].to_vec();
        shorter[8..12].copy_from_slice(&u32::try_from(len).unwrap().to_be_bytes());
        assert_eq!(opens(&shorter), Err(OpenError::Decrypt), "a payload of {len} bytes");
    }
}

#[test]
fn a_frame_opens_once_in_its_place_and_direction() {
    let ((mut dialler, mut dialler_opens), (mut listener, _)) = pair();
    let (first, second) =
        (dialler.seal(&Message::Ping(1)).unwrap(), dialler.seal(&Message::Ping(2)).unwrap());
    let back = listener.seal(&Message::Ping(1)).unwrap();
    for (name, sequence, good) in [
        ("in order", vec![&first, &second], 2),
        ("replayed", vec![&first, &first], 1),
        ("reordered", vec![&second, &first], 0),
        ("one left out", vec![&second], 0),
        ("reflected", vec![&back], 0),
        ("after a failure", vec![&second, &first, &second], 0),
    ] {
        let mut opener = pair().1.1;
        let opened = sequence.iter().filter(|bytes| opener.open(frame(bytes)).is_ok()).count();
        assert_eq!(opened, good, "{name}");
    }
    assert!(dialler_opens.open(frame(&back)).is_ok(), "at its own end, it opens");
}

#[test]
fn another_conversation_does_not_open() {
    let sealed = keys([0; 4]).for_dialler().0.seal(&Message::Ping(1)).unwrap();
    for (name, change) in [
        ("another password", [1, 0, 0, 0]),
        ("another secret or exporter", [0, 1, 0, 0]),
        ("another hello of the dialler", [0, 0, 1, 0]),
        ("another hello of the listener", [0, 0, 0, 1]),
    ] {
        assert_eq!(keys(change).for_listener().1.open(frame(&sealed)), Err(OpenError::Decrypt), "{name}");
    }
}

#[test]
fn a_bye_ends_a_direction_at_both_ends() {
    let ((mut sealer, _), (_, mut opener)) = pair();
    let bye = sealer.seal(&Message::bye(Reason::Shutdown, "the end")).unwrap();
    assert_eq!(sealer.seal(&Message::Ping(1)), Err(SealError::Ended));
    assert!(opener.open(frame(&bye)).is_ok());
    assert_eq!(opener.open(frame(&bye)), Err(OpenError::Ended));
}

#[test]
fn an_unsealed_frame_is_not_taken_and_nothing_is_taken_after_it() {
    let ((mut sealer, _), (_, mut opener)) = pair();
    let plain = Message::Ping(1).encode_frame().unwrap();
    assert_eq!(opener.open(frame(&plain)), Err(OpenError::NotSealed));
    let sealed = sealer.seal(&Message::Ping(1)).unwrap();
    assert_eq!(opener.open(frame(&sealed)), Err(OpenError::NotSealed));
}

#[test]
fn a_hello_is_never_sealed() {
    let boxes = Boxes { tls: false, password: true };
    let hello = Message::Hello(Hello { versions: vec![1], boxes, random: [0; 32], share: None });
    assert_eq!(pair().0.0.seal(&hello), Err(SealError::Hello));
}
