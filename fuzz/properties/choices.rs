//! Structured input: a fuzzer's bytes read as a row of choices.
//!
//! ```text
//! ff 03 81 …  -> Choices -> below(n), flag(), text(max), edit(bytes) … -> messages, chains, option files
//! anything else is raw: the very bytes go to the parser
//! ```
//!
//! Total and stable: bytes that have run out read as zeros, and a corpus file means the same with every release of the
//! tools, so that ordinary tests can replay it without them.

#![allow(dead_code, reason = "each target makes its own choices")]

/// The first byte of structured input. No frame, trace line, certificate or configuration file begins with it.
const STRUCTURED: u8 = 0xff;

/// Bytes that parsers are fond of: ends of ranges, tags and heads of DER and CBOR, delimiters of text.
const CURIOUS: &[u8] =
    &[0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0xff, 0x30, 0x31, 0x5f, 0x9f, 0xbf, 0x1b, b'|', b']', b'\n'];

/// What is left of the input.
pub(crate) struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    /// The choices of a structured input; `None` for a raw one.
    pub(crate) fn of(data: &'a [u8]) -> Option<Self> {
        match data {
            [STRUCTURED, rest @ ..] => Some(Self { rest }),
            _ => None,
        }
    }

    /// Whether all that follows would be zeros.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number below `limit`, 0 where there is none; two bytes where one would not reach all of them.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let low = usize::from(self.byte());
        let drawn = if limit > 256 { low | usize::from(self.byte()) << 8 } else { low };
        drawn.checked_rem(limit).unwrap_or(0)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    pub(crate) fn number(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let at = self.below(all.len());
        *all.get(at).expect("below its length, and never empty")
    }

    /// At most `max` bytes of the input itself.
    pub(crate) fn bytes(&mut self, max: usize) -> &'a [u8] {
        let len = self.below(max + 1).min(self.rest.len());
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    /// Any text of at most `max` bytes before what is no UTF-8 is replaced.
    pub(crate) fn text(&mut self, max: usize) -> String {
        String::from_utf8_lossy(self.bytes(max)).into_owned()
    }

    /// A text of 1 to `max` of these characters.
    pub(crate) fn word(&mut self, alphabet: &[char], max: usize) -> String {
        (0..1 + self.below(max)).map(|_| self.one_of(alphabet)).collect()
    }

    /// Changes `bytes` somewhere: cut off, a byte more or less or another, a bit, a piece twice.
    pub(crate) fn edit(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(7) {
            _ if bytes.is_empty() => bytes.push(self.byte()),
            0 => bytes.truncate(at),
            1 => bytes.insert(at, self.byte()),
            2 => drop(bytes.remove(at)),
            3 => bytes[at] = self.one_of(CURIOUS),
            4 => bytes[at] = bytes[at].wrapping_add(self.byte()),
            5 => bytes[at] ^= 1 << self.below(8),
            _ => {
                let end = bytes.len().min(at + 1 + self.below(32));
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}
