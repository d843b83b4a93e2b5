//! The few DER shapes that are read by hand: raw ranges that a parser does not hand out.
//!
//! Everything here is total: any bytes give a value or `None`.

/// `SEQUENCE` and `SEQUENCE OF`.
pub(crate) const SEQUENCE: u8 = 0x30;
/// `SET` and `SET OF`.
pub(crate) const SET: u8 = 0x31;
/// `INTEGER`.
pub(crate) const INTEGER: u8 = 0x02;
/// `BIT STRING`.
pub(crate) const BIT_STRING: u8 = 0x03;
/// `OBJECT IDENTIFIER`.
pub(crate) const OID: u8 = 0x06;
/// `IA5String`.
pub(crate) const IA5_STRING: u8 = 0x16;
/// `UTCTime`.
pub(crate) const UTC_TIME: u8 = 0x17;
/// `GeneralizedTime`.
pub(crate) const GENERALIZED_TIME: u8 = 0x18;

/// One element: its first identifier octet, what it holds, and all of it.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// Walks the elements that stand one after the other in a slice.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tag of the next element, without reading it.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element; `None` at the end and where the bytes are not DER.
    pub(crate) fn element(&mut self) -> Option<Element<'a>> {
        let start = self.0;
        let (&tag, rest) = start.split_first()?;
        let (&first, rest) = rest.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => long_length(usize::from(first & 0x0f), rest)?,
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        let (whole, _) = start.split_at_checked(start.len().checked_sub(rest.len())?)?;
        self.0 = rest;
        Some(Element { tag, contents, whole })
    }

    /// What the next element holds, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element().filter(|element| element.tag == tag).map(|element| element.contents)
    }

    /// What the next element holds, if it has this tag; otherwise it stays where it is.
    pub(crate) fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.peek() == Some(tag) { self.expect(tag) } else { None }
    }
}

/// The only element in `bytes`, which must have this tag.
pub(crate) fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let mut reader = Reader::new(bytes);
    let contents = reader.expect(tag)?;
    reader.is_empty().then_some(contents)
}

/// An element of these contents, which are shorter than 16 MiB.
pub(crate) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let octets = magnitude(&length);
    let head = match u8::try_from(contents.len()) {
        Ok(short @ 0..=0x7f) => vec![tag, short],
        _ => [&[tag, 0x80 | u8::try_from(octets.len()).unwrap_or(0)], octets].concat(),
    };
    [head.as_slice(), contents].concat()
}

/// The bytes of a `BIT STRING`'s contents, with the unused bits of the last one cleared.
///
/// Clearing is what OpenSSL does: a key usage bit that hides among the unused ones does not count.
pub(crate) fn bits(contents: &[u8]) -> Option<Vec<u8>> {
    let (&unused, bytes) = contents.split_first()?;
    if unused > 7 || (bytes.is_empty() && unused != 0) {
        return None;
    }
    let mut bytes = bytes.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last &= 0xff << unused;
    }
    Some(bytes)
}

/// An unsigned number without its leading zero bytes.
pub(crate) fn magnitude(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    integer.split_at_checked(zeros).map_or(integer, |(_, rest)| rest)
}

fn long_length(octets: usize, rest: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = rest.split_at_checked(octets)?;
    Some((length.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_read_or_refused() {
        for (case, bytes, want) in [
            ("short form", &[0x02, 0x01, 0x05][..], Some(&[0x05][..])),
            ("long form", &[0x02, 0x81, 0x01, 0x05], Some(&[0x05])),
            ("nothing", &[], None),
            ("no length", &[0x02], None),
            ("cut off", &[0x02, 0x02, 0x05], None),
            ("indefinite length", &[0x30, 0x80, 0x00, 0x00], None),
            ("length of lengths cut off", &[0x30, 0x83, 0xff], None),
            ("a tag of several octets", &[0x1f, 0x01, 0x00], None),
        ] {
            let got = Reader::new(bytes).element().map(|element| element.contents);
            assert_eq!(got, want, "{case}");
        }
    }

    #[test]
    fn an_element_is_written_as_it_is_read() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
            let contents = vec![7; length];
            let written = element(SEQUENCE, &contents);
            assert_eq!(only(&written, SEQUENCE), Some(contents.as_slice()), "{length} octets");
        }
    }

    #[test]
    fn unused_bits_are_cleared() {
        for (case, contents, want) in [
            ("all used", &[0x00, 0xff][..], Some(vec![0xff])),
            ("three unused", &[0x03, 0xff], Some(vec![0xf8])),
            ("empty", &[0x00], Some(vec![])),
            ("more than a byte unused", &[0x08, 0xff], None),
            ("nothing to leave unused", &[0x01], None),
        ] {
            assert_eq!(bits(contents), want, "{case}");
        }
    }
}
