//! The decoder and the messages: total on any bytes, the same in any pieces, bounded in what is held, and whatever is
//! accepted can be said again.

use ils_wire::*;

use crate::choices::Choices;
use crate::messages::message;

/// Raw: the bytes are a stream, and a payload of every kind. Structured: messages, damaged or not, in chosen pieces.
pub(crate) fn check(data: &[u8]) {
    match Choices::of(data) {
        Some(mut choices) => stream_of_messages(&mut choices),
        None => {
            for joined_after in [0, usize::MAX] {
                pieces_change_nothing(data, &[1, 5, 13, 600], joined_after);
            }
            Kind::ALL.iter().for_each(|&kind| payload_is_total(kind, data));
        }
    }
}

fn stream_of_messages(choices: &mut Choices<'_>) {
    let sent: Vec<Message> = (0..1 + choices.below(5)).map(|_| message(choices)).collect();
    let frames = sent.iter().map(|message| message.encode_frame().expect("what may be said is encoded"));
    let mut stream = frames.collect::<Vec<_>>().concat();
    let edits = choices.below(6);
    (0..edits).for_each(|_| choices.edit(&mut stream));
    let sizes = [0; 3].map(|_: u8| 1 + choices.below(700));
    let joined_after = choices.below(4);
    let (frames, error) = pieces_change_nothing(&stream, &sizes, joined_after);
    if edits == 0 {
        assert_eq!(error, None, "a good stream has no error");
        let got = frames.iter().map(|frame| Message::decode(frame.kind, &frame.payload));
        assert_eq!(got.collect::<Result<Vec<_>, _>>().as_ref(), Ok(&sent), "every message, in order");
    }
}

/// Decodes a stream whole and in pieces; both must find the same.
fn pieces_change_nothing(
    stream: &[u8], sizes: &[usize], joined_after: usize,
) -> (Vec<RawFrame>, Option<FrameError>) {
    let whole = in_pieces(stream, &[usize::MAX], joined_after);
    assert_eq!(in_pieces(stream, sizes, joined_after), whole, "pieces change nothing");
    let (frames, error) = &whole;
    let found = frames.iter().map(RawFrame::bytes).collect::<Vec<_>>().concat();
    assert!(stream.starts_with(&found), "frames are what was sent, and nothing is left out");
    for frame in frames.iter().filter(|frame| !frame.sealed) {
        payload_is_total(frame.kind, &frame.payload);
    }
    if let Some(error) = error {
        fit_to_show(&error.to_string());
    }
    whole
}

fn in_pieces(stream: &[u8], sizes: &[usize], joined_after: usize) -> (Vec<RawFrame>, Option<FrameError>) {
    let mut decoder = Decoder::new();
    let (mut found, mut rest, mut sizes) = (Vec::new(), stream, sizes.iter().cycle());
    let mut cap = CAP_UNJOINED;
    while !rest.is_empty() {
        let size = rest.len().min(*sizes.next().expect("a cycle has no end"));
        let (piece, left) = rest.split_at(size);
        rest = left;
        decoder.push(piece);
        loop {
            if found.len() >= joined_after {
                decoder.joined();
                cap = CAP_JOINED;
            }
            match decoder.next() {
                Ok(Some(frame)) => found.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!((decoder.next(), decoder.buffered()), (Err(error), 0), "an error is for ever");
                    return (found, Some(error));
                }
            }
        }
        assert!(decoder.buffered() < HEADER_LEN + cap, "no more is held than one frame can need");
    }
    (found, None)
}

/// A payload is a message that can be said again, or an error that can be shown.
fn payload_is_total(kind: Kind, payload: &[u8]) {
    match Message::decode(kind, payload) {
        Err(error) => fit_to_show(&error.to_string()),
        Ok(message) => {
            assert_eq!(message.kind(), kind);
            let frame = message.encode_frame().expect("what is accepted can be said");
            let mut decoder = Decoder::new();
            decoder.joined();
            decoder.push(&frame);
            let again = decoder.next().expect("our own frame").expect("a whole one");
            assert_eq!(
                Message::decode(again.kind, &again.payload).as_ref(),
                Ok(&message),
                "said again, it is the same"
            );
        }
    }
}

/// An error goes to logs and terminals.
fn fit_to_show(text: &str) {
    assert!(!text.contains(char::is_control), "a control character in {text:?}");
    assert!(text.len() < 400, "an error of {} bytes", text.len());
}
