//! Values in a payload, as they are written and read.

use minicbor::{Decode, Decoder, Encode, decode};

use crate::error::MessageError;

/// The CBOR of a value.
pub(crate) fn encoded<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing to a vector cannot fail, and no encoder here refuses a value")
}

/// Decodes an array of at most `max` values; its length is checked before the first is decoded.
pub(crate) fn bounded<'b, C, T: Decode<'b, C>>(
    d: &mut Decoder<'b>, ctx: &mut C, what: &'static str, max: usize,
) -> Result<Vec<T>, decode::Error> {
    let at = d.position();
    let len = d.array()?.ok_or_else(|| decode::Error::message("an array of indefinite length").at(at))?;
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    if len > max {
        return Err(decode::Error::custom(MessageError::TooMany { what, len, max }).at(at));
    }
    (0..len).map(|_| T::decode(d, ctx)).collect()
}
