//! What every payload must be before anything is decoded from it: one well-formed CBOR value of bounded shape.
//!
//! ```text
//! payload -> check: heads, lengths, depth, map keys, UTF-8, nothing behind -> minicbor decodes the fields it knows
//! ```
//!
//! The check allocates nothing and reads each byte once; afterwards a decoder may skip unknown fields without a care.

// spec: WIRE.md#payloads

/// Deepest nesting of arrays, maps and tags: what a payload may hold, unknown fields included.
const DEPTH: u8 = 8;

/// Largest map key, known or not.
const KEY_MAX: u64 = 65_535;

/// A payload that is not one bounded, well-formed CBOR value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// It ends in the middle of the value.
    #[error("the payload ends in the middle of a value")]
    Truncated,
    /// Something follows the value.
    #[error("{extra} bytes follow the value")]
    Trailing {
        /// Bytes behind the value.
        extra: usize,
    },
    /// An initial byte of indefinite length, a reserved one, or a break.
    #[error("the initial byte {0:#04x} is not allowed")]
    Head(u8),
    /// Arrays, maps and tags nested too deeply.
    #[error("values are nested more than {DEPTH} deep")]
    Depth,
    /// A map key that is no unsigned integer up to 65,535.
    #[error("a map key is not an unsigned integer up to {KEY_MAX}")]
    Key,
    /// A map key twice.
    #[error("the map key {0} occurs twice")]
    Duplicate(u64),
    /// A map key behind a greater one.
    #[error("the map key {0} is out of ascending order")]
    Order(u64),
    /// A text string that is not UTF-8.
    #[error("a text string is not UTF-8")]
    Utf8,
}

/// Checks that `payload` is exactly one value within the bounds.
pub(crate) fn check(payload: &[u8]) -> Result<(), CborError> {
    let mut walk = Walk { rest: payload };
    walk.value(0)?;
    match walk.rest.len() {
        0 => Ok(()),
        extra => Err(CborError::Trailing { extra }),
    }
}

/// The bytes not walked over yet. Each step of the walk takes at least one, so it ends.
struct Walk<'a> {
    rest: &'a [u8],
}

/// The first byte of a value: its major type, and the argument behind it.
struct Head {
    byte: u8,
    argument: u64,
}

impl Head {
    fn major(&self) -> u8 {
        self.byte >> 5
    }
}

impl<'a> Walk<'a> {
    fn take(&mut self, len: u64) -> Result<&'a [u8], CborError> {
        let len = usize::try_from(len).map_err(|_| CborError::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(CborError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn head(&mut self) -> Result<Head, CborError> {
        let (&byte, rest) = self.rest.split_first().ok_or(CborError::Truncated)?;
        self.rest = rest;
        let argument = match byte & 0x1f {
            small @ 0..=23 => u64::from(small),
            24 => self.argument(1)?,
            25 => self.argument(2)?,
            26 => self.argument(4)?,
            27 => self.argument(8)?,
            _ => return Err(CborError::Head(byte)),
        };
        Ok(Head { byte, argument })
    }

    fn argument(&mut self, len: u64) -> Result<u64, CborError> {
        Ok(self.take(len)?.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)))
    }

    /// Walks over one value that stands `depth` containers deep.
    fn value(&mut self, depth: u8) -> Result<(), CborError> {
        let head = self.head()?;
        match head.major() {
            2 => self.take(head.argument).map(|_| ()),
            3 => self.text(head.argument),
            4 => {
                let depth = deeper(depth)?;
                (0..head.argument).try_for_each(|_| self.value(depth))
            }
            5 => self.map(head.argument, deeper(depth)?),
            6 => self.value(deeper(depth)?),
            7 => simple(&head),
            _ => Ok(()), // 0 and 1: an integer is its head
        }
    }

    fn text(&mut self, len: u64) -> Result<(), CborError> {
        match std::str::from_utf8(self.take(len)?) {
            Ok(_) => Ok(()),
            Err(_) => Err(CborError::Utf8),
        }
    }

    fn map(&mut self, len: u64, depth: u8) -> Result<(), CborError> {
        let mut before = None;
        for _ in 0..len {
            let head = self.head()?;
            let key = head.argument;
            match before {
                _ if head.major() != 0 || key > KEY_MAX => return Err(CborError::Key),
                Some(last) if key == last => return Err(CborError::Duplicate(key)),
                Some(last) if key < last => return Err(CborError::Order(key)),
                _ => before = Some(key),
            }
            self.value(depth)?;
        }
        Ok(())
    }
}

fn deeper(depth: u8) -> Result<u8, CborError> {
    if depth < DEPTH { Ok(depth + 1) } else { Err(CborError::Depth) }
}

/// Refuses a two-byte simple value below 32, which RFC 8949 §3.3 calls not well-formed.
fn simple(head: &Head) -> Result<(), CborError> {
    if head.byte == 0xf8 && head.argument < 32 { Err(CborError::Head(head.byte)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(head: u8, levels: usize) -> Vec<u8> {
        let mut bytes = vec![head; levels];
        bytes.push(0);
        bytes
    }

    #[test]
    fn a_payload_is_one_bounded_value() {
        let rows: &[(&str, &[u8], Result<(), CborError>)] = &[
            ("nothing", &[], Err(CborError::Truncated)),
            ("an empty map", &[0xa0], Ok(())),
            ("a map of two", &[0xa2, 0, 1, 1, 0x61, b'x'], Ok(())),
            ("a long head where a short one would do", &[0xa1, 0x18, 1, 0], Ok(())),
            ("two values", &[0, 0, 0], Err(CborError::Trailing { extra: 2 })),
            ("a text cut off", &[0x63, b'a', b'b'], Err(CborError::Truncated)),
            ("a head cut off", &[0x19, 1], Err(CborError::Truncated)),
            ("a map without its value", &[0xa1, 0], Err(CborError::Truncated)),
            (
                "an array longer than memory",
                &[0x9b, 255, 255, 255, 255, 255, 255, 255, 255],
                Err(CborError::Truncated),
            ),
            (
                "bytes longer than memory",
                &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255, 0],
                Err(CborError::Truncated),
            ),
            ("an array of indefinite length", &[0x9f, 0, 0xff], Err(CborError::Head(0x9f))),
            ("a map of indefinite length", &[0xbf, 0xff], Err(CborError::Head(0xbf))),
            ("a text of indefinite length", &[0x7f, 0xff], Err(CborError::Head(0x7f))),
            ("a break", &[0xff], Err(CborError::Head(0xff))),
            ("a reserved argument", &[0x1c], Err(CborError::Head(0x1c))),
            ("a simple value in a byte too many", &[0xf8, 0x14], Err(CborError::Head(0xf8))),
            ("a simple value", &[0xf8, 0x20], Ok(())),
            ("a float", &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0], Ok(())),
            ("a key twice", &[0xa2, 4, 0, 4, 0], Err(CborError::Duplicate(4))),
            ("a key behind a greater one", &[0xa2, 5, 0, 4, 0], Err(CborError::Order(4))),
            ("the same key in two maps", &[0x82, 0xa1, 4, 0, 0xa1, 4, 0], Ok(())),
            ("a text as key", &[0xa1, 0x60, 0], Err(CborError::Key)),
            ("a negative key", &[0xa1, 0x20, 0], Err(CborError::Key)),
            ("the largest key", &[0xa1, 0x19, 0xff, 0xff, 0], Ok(())),
            ("a key too large", &[0xa1, 0x1a, 0, 1, 0, 0, 0], Err(CborError::Key)),
            ("not UTF-8", &[0x61, 0xff], Err(CborError::Utf8)),
        ];
        for (name, payload, want) in rows {
            assert_eq!(check(payload), *want, "{name}");
        }
    }

    #[test]
    fn nesting_is_bounded_in_every_container() {
        for (name, head) in [("arrays", 0x81), ("tags", 0xc1)] {
            assert_eq!(check(&nested(head, 8)), Ok(()), "eight {name}");
            assert_eq!(check(&nested(head, 9)), Err(CborError::Depth), "nine {name}");
            assert_eq!(check(&nested(head, 1_000_000)), Err(CborError::Depth), "a million {name}");
        }
        let maps = |levels: usize| [[0xa1, 0].repeat(levels), vec![0]].concat();
        assert_eq!(check(&maps(8)), Ok(()));
        assert_eq!(check(&maps(9)), Err(CborError::Depth));
    }
}
