//! Messages to bytes and frames to messages, sealed exactly where this node has a password set.
//!
//! Message -> [`Codec::encode`] -> bytes        RawFrame -> [`Codec::decode`] -> Message, [`Sizes`]

use ils_wire::{Message, OpenError, Opener, RawFrame, Sealer};

use crate::outcome::Outcome;
use crate::refusal::Refusal;
pub use crate::refusal::Sizes;

/// Seals and opens where a password is set; passes frames on where none is.
pub struct Codec(pub(crate) Option<(Sealer, Opener)>);

impl Codec {
    /// The bytes of a message, as this connection sends it.
    ///
    /// # Errors
    /// After a sealed Bye, at the end of the counter, or for a message over the frame cap.
    pub fn encode(&mut self, message: &Message) -> Result<Vec<u8>, Refusal> {
        let bytes = match &mut self.0 {
            Some((sealer, _)) => sealer.seal(message).map_err(|error| error.to_string()),
            None => message.encode_frame().map_err(|error| error.to_string()),
        };
        bytes.map_err(|error| Refusal::protocol(format!("this node cannot send it: {error}")))
    }

    /// The message in a frame, and its sizes where it was sealed.
    ///
    /// # Errors
    /// [`Outcome::PasswordMismatch`] for any frame that does not open where a password is set,
    /// [`Outcome::ProtocolError`] for one that holds no message of its kind.
    pub fn decode(&mut self, frame: RawFrame) -> Result<(Message, Option<Sizes>), Refusal> {
        match &mut self.0 {
            Some((_, opener)) => match opener.open(frame) {
                Ok(opened) => {
                    let sizes = Sizes { inlen: opened.inlen, outlen: opened.outlen };
                    Ok((opened.message, Some(sizes)))
                }
                Err(OpenError::Message(error)) => Err(Refusal::protocol(error.to_string())),
                Err(OpenError::Ended) => Err(Refusal::protocol("a frame after the last one".to_owned())),
                Err(error) => Err(Refusal::silent(Outcome::PasswordMismatch, error.to_string())),
            },
            None if frame.sealed => {
                Err(Refusal::protocol("a sealed frame where no password is set".to_owned()))
            }
            None => match Message::decode(frame.kind, &frame.payload) {
                Ok(message) => Ok((message, None)),
                Err(error) => Err(Refusal::protocol(error.to_string())),
            },
        }
    }
}
