//! The decoder against bytes of any kind, in pieces of any size.

use crate::any::{cases, frames, message};
use ils_wire::*;
use proptest::{collection::vec, prelude::*};

/// Pushes `bytes` in pieces, asks for frames after each, and checks the bound on what is held.
fn in_pieces(bytes: &[u8], sizes: &[usize], joined: bool) -> (Vec<RawFrame>, Option<FrameError>) {
    let mut decoder = Decoder::new();
    let mut cap = CAP_UNJOINED;
    if joined {
        decoder.joined();
        cap = CAP_JOINED;
    }
    let (mut found, mut rest, mut sizes) = (Vec::new(), bytes, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = rest.len().min(*sizes.next().expect("at least one size"));
        let (piece, left) = rest.split_at(size);
        rest = left;
        decoder.push(piece);
        assert!(decoder.buffered() < HEADER_LEN + cap + piece.len(), "more is held than the bound");
        loop {
            match decoder.next() {
                Ok(Some(frame)) => found.push(frame),
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
        assert!(decoder.buffered() < HEADER_LEN + cap, "more is held than one frame can need");
    }
    (found, None)
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn any_bytes_give_frames_or_an_error_and_pieces_change_nothing(
        bytes in vec(any::<u8>(), 0..4096),
        prefix in prop::sample::select(vec![&b""[..], b"ILSL", b"ILSL\x01\x09\0\0\0\0", b"ILSL\x01\x02\x01\0\0\0"]),
        sizes in vec(1usize..600, 1..8),
        joined: bool,
    ) {
        let bytes = [prefix, &bytes].concat();
        prop_assert_eq!(in_pieces(&bytes, &sizes, joined), in_pieces(&bytes, &[usize::MAX], joined));
    }

    #[test]
    fn messages_come_back_from_a_stream_in_pieces(
        messages in vec(message(), 1..6),
        sizes in vec(1usize..3000, 1..8),
    ) {
        let stream: Vec<u8> = messages.iter().flat_map(|m| m.encode_frame().unwrap()).collect();
        let (frames, error) = in_pieces(&stream, &sizes, true);
        prop_assert_eq!(error, None);
        let back: Vec<Message> = frames.iter().map(|f| Message::decode(f.kind, &f.payload).unwrap()).collect();
        prop_assert_eq!(&back, &messages);
        prop_assert_eq!(frames.iter().flat_map(RawFrame::bytes).collect::<Vec<_>>(), stream);
    }

    #[test]
    fn any_payload_gives_a_message_or_an_error(
        payload in vec(any::<u8>(), 0..512),
        map in any::<bool>(),
    ) {
        let payload = if map { [&[0xa4][..], &payload].concat() } else { payload };
        for &kind in Kind::ALL {
            if let Ok(message) = Message::decode(kind, &payload) {
                prop_assert_eq!(message.kind(), kind);
                prop_assert!(message.encode_frame().is_ok());
            }
        }
    }

    #[test]
    fn a_damaged_payload_gives_a_message_or_an_error(
        message in message(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut payload = frames(&message.encode_frame().unwrap()).remove(0).payload;
        let whole = payload.len();
        prop_assert!(Message::decode(message.kind(), &payload[..cut.index(whole)]).is_err(), "cut off");
        for (at, byte) in damage {
            payload[at.index(whole)] = byte;
        }
        if let Ok(other) = Message::decode(message.kind(), &payload) {
            prop_assert!(other.encode_frame().is_ok(), "what is accepted can be said");
        }
    }
}
