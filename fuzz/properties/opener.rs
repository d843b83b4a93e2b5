//! The opener: of all that can be done to a sealed conversation, only the genuine next frame opens, and after the first
//! one that does not, none does.

use ils_wire::*;

use crate::choices::Choices;
use crate::messages::message;

/// Raw: whatever frames the bytes hold, none opens. Structured: a conversation and a meddler.
pub(crate) fn check(data: &[u8]) {
    match Choices::of(data) {
        Some(mut choices) => conversation(data, &mut choices),
        None => strangers(data),
    }
}

/// The keys of one conversation; another `password` gives another network key.
///
/// The input is part of what they are made from. With keys that stay the same a fuzzer, which sees both sides of every
/// comparison, reads the right tag out of the opener and puts it into the next input.
fn keys(data: &[u8], password: u8) -> ConnectionKeys {
    let network = NetworkKey::from_bytes([password; 32]);
    ConnectionKeys::derive(&network, &SharedInput::from_exporter([2; 32]), data, b"hello back")
}

fn strangers(data: &[u8]) {
    let as_payload =
        RawFrame { kind: Kind::Register, sealed: true, header: [0; HEADER_LEN], payload: data.to_vec() };
    for frame in frames(data).into_iter().chain([as_payload]) {
        let (_, mut opener) = keys(data, 1).for_listener();
        let sealed = frame.sealed;
        let error = opener.open(frame).expect_err("nobody has the key");
        assert_eq!(error, if sealed { OpenError::Decrypt } else { OpenError::NotSealed });
    }
}

fn conversation(data: &[u8], choices: &mut Choices<'_>) {
    let (mut sealer, _) = keys(data, 1).for_dialler();
    let (mut back, mut opener) = keys(data, 1).for_listener();
    let (mut wrong, _) = keys(data, 2).for_dialler();
    let said: Vec<Message> = (0..1 + choices.below(5)).map(|_| message(choices)).collect();
    let said: Vec<Message> = said.into_iter().filter(|message| message.kind() != Kind::Hello).collect();
    // A Bye ends the direction: what follows it is not sealed, and so never delivered.
    let sealed: Vec<Vec<u8>> = said.iter().map_while(|message| sealer.seal(message).ok()).collect();
    let mut next = 0;
    for _ in 0..1 + choices.below(8) {
        let genuine = sealed.get(next).cloned().unwrap_or_default();
        let bytes = match choices.below(8) {
            0..=3 => genuine.clone(),
            4 => sealed.get(choices.below(sealed.len())).cloned().unwrap_or_default(),
            5 => altered(genuine.clone(), choices),
            6 => {
                let sealer = if choices.flag() { &mut back } else { &mut wrong };
                sealer.seal(&message(choices)).unwrap_or_default()
            }
            _ => message(choices).encode_frame().expect("what may be said is encoded"),
        };
        let Some(frame) = frames(&bytes).into_iter().next() else { continue };
        if !judged_right(&mut opener, frame, &genuine, said.get(next)) {
            break;
        }
        next += 1;
    }
}

/// Delivers a frame; whether it opened, which it must if and only if it is the genuine next one.
fn judged_right(opener: &mut Opener, frame: RawFrame, genuine: &[u8], want: Option<&Message>) -> bool {
    let is_genuine = frame.bytes() == genuine && !genuine.is_empty();
    let inlen = frame.payload.len();
    let first = opener.open(frame);
    let Ok(opened) = first else {
        assert!(!is_genuine, "the genuine frame opens");
        let error = first.expect_err("it is none");
        for genuine in frames(genuine) {
            assert_eq!(opener.open(genuine), Err(error.clone()), "nothing opens after a failure");
        }
        return false;
    };
    assert!(is_genuine, "only the genuine frame opens");
    assert_eq!((Some(&opened.message), opened.inlen, opened.outlen), (want, inlen, inlen - TAG_LEN));
    true
}

fn altered(mut frame: Vec<u8>, choices: &mut Choices<'_>) -> Vec<u8> {
    (0..1 + choices.below(3)).for_each(|_| choices.edit(&mut frame));
    // With a length that fits again, so that the seal and not the decoder has to notice.
    if let Some(len) = frame.len().checked_sub(HEADER_LEN).filter(|_| choices.flag()) {
        frame[8..HEADER_LEN].copy_from_slice(&u32::try_from(len).expect("frames are small").to_be_bytes());
    }
    frame
}

/// The frames in these bytes, up to the first that is none.
fn frames(bytes: &[u8]) -> Vec<RawFrame> {
    let mut decoder = Decoder::new();
    decoder.joined();
    decoder.push(bytes);
    std::iter::from_fn(|| decoder.next().ok().flatten()).collect()
}
