//! Distinguished names as OpenSSL compares them, and which of their texts are host names.
//!
//! Name (DER) -> [`DistinguishedName`], canonical: text in UTF-8, ASCII lower case, runs of white space
//! one space, none at the ends. Two names are the same issuer where these forms are equal.

use ilslab_names::HostName;

use crate::der::{self, Reader};
use ilslab_names::escape_bytes;

/// 2.5.4.3, `commonName`, in its DER contents.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 1.2.840.113549.1.9.1, `emailAddress`, in its DER contents.
const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01];

/// A subject or issuer name, and the parts of it that somebody asks for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DistinguishedName {
    /// One entry per RDN, each its canonical attributes in sorted order.
    rdns: Vec<Vec<Vec<u8>>>,
    attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Eq)]
struct Attribute {
    oid: Vec<u8>,
    tag: u8,
    raw: Vec<u8>,
    text: Option<String>,
}

impl DistinguishedName {
    /// Reads the contents of a `Name`; `None` where a text is not what its type says.
    pub(crate) fn parse(contents: &[u8]) -> Option<Self> {
        let mut name = DistinguishedName { rdns: Vec::new(), attributes: Vec::new() };
        let mut reader = Reader::new(contents);
        while !reader.is_empty() {
            let rdn = name.rdn(reader.expect(der::SET)?)?;
            name.rdns.push(rdn);
        }
        Some(name)
    }

    /// Whether both are the same name to OpenSSL.
    pub(crate) fn matches(&self, other: &DistinguishedName) -> bool {
        self.rdns == other.rdns
    }

    /// Whether this name lies below `base`, as `directoryName` constraints mean it.
    pub(crate) fn is_within(&self, base: &DistinguishedName) -> bool {
        self.rdns.starts_with(&base.rdns)
    }

    /// Number of attributes.
    pub(crate) fn len(&self) -> usize {
        self.attributes.len()
    }

    /// Every common name, as text where it is text.
    pub(crate) fn common_names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.attributes.iter().filter(|a| a.oid == COMMON_NAME).filter_map(|a| a.text.as_deref())
    }

    /// Every e-mail address with its string type's tag and raw bytes.
    pub(crate) fn email_addresses(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.attributes.iter().filter(|a| a.oid == EMAIL_ADDRESS).map(|a| (a.tag, a.raw.as_slice()))
    }

    /// One line, `CN=hub.example.com, O=Lab`, escaped for displays.
    pub(crate) fn display(&self) -> String {
        self.line(Attribute::shown)
    }

    /// The same as it stands, for whoever escapes it later: once is enough.
    pub(crate) fn as_it_stands(&self) -> String {
        self.line(|a| a.text.clone().unwrap_or_else(|| escape_bytes(&a.raw)))
    }

    fn line(&self, value: impl Fn(&Attribute) -> String) -> String {
        let part = |a: &Attribute| format!("{}={}", label(&a.oid), value(a));
        self.attributes.iter().map(part).collect::<Vec<_>>().join(", ")
    }

    fn rdn(&mut self, contents: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut set = Vec::new();
        let mut reader = Reader::new(contents);
        while !reader.is_empty() {
            let attribute = Attribute::parse(reader.expect(der::SEQUENCE)?)?;
            set.push(attribute.canonical());
            self.attributes.push(attribute);
        }
        set.sort();
        Some(set)
    }
}

impl Attribute {
    fn parse(contents: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(contents);
        let oid = reader.expect(der::OID)?.to_vec();
        let value = reader.element()?;
        let text = if is_text(value.tag) { Some(text(value.tag, value.contents)?) } else { None };
        reader.is_empty().then(|| Attribute { oid, tag: value.tag, raw: value.contents.to_vec(), text })
    }

    /// Unambiguous by construction: lengths stand before what they measure.
    fn canonical(&self) -> Vec<u8> {
        let (tag, value) = match &self.text {
            // All text is one type once it is canonical, so that its encoding does not matter.
            Some(text) => (UTF8_STRING, canonical_text(text).into_bytes()),
            None => (self.tag, self.raw.clone()),
        };
        let mut out = self.oid.len().to_be_bytes().to_vec();
        out.extend_from_slice(&self.oid);
        out.push(tag);
        out.extend(value);
        out
    }

    fn shown(&self) -> String {
        self.text.as_ref().map_or_else(|| escape_bytes(&self.raw), |text| ilslab_names::escape_name(text))
    }
}

/// A host name as ILS compares it; `None` for what is none, as wildcards and addresses.
pub(crate) fn fqdn(text: &str) -> Option<String> {
    text.parse::<HostName>().ok().map(String::from)
}

const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const T61_STRING: u8 = 0x14;
const VISIBLE_STRING: u8 = 0x1a;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

/// The string types that OpenSSL canonicalizes (`ASN1_MASK_CANON`).
fn is_text(tag: u8) -> bool {
    matches!(
        tag,
        UTF8_STRING
            | PRINTABLE_STRING
            | T61_STRING
            | der::IA5_STRING
            | VISIBLE_STRING
            | UNIVERSAL_STRING
            | BMP_STRING
    )
}

/// Text in any of those types; the one-byte types are read as Latin-1, as OpenSSL does.
fn text(tag: u8, raw: &[u8]) -> Option<String> {
    match tag {
        UTF8_STRING => String::from_utf8(raw.to_vec()).ok(),
        BMP_STRING => wide(raw, 2),
        UNIVERSAL_STRING => wide(raw, 4),
        _ => Some(raw.iter().map(|byte| char::from(*byte)).collect()),
    }
}

fn wide(raw: &[u8], width: usize) -> Option<String> {
    let chunks = raw.chunks_exact(width);
    if !chunks.remainder().is_empty() {
        return None;
    }
    chunks.map(|c| char::from_u32(c.iter().fold(0, |sum, byte| (sum << 8) | u32::from(*byte)))).collect()
}

fn canonical_text(text: &str) -> String {
    let is_space = |c: char| matches!(c, '\t'..='\r' | ' ');
    let words = text.split(is_space).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join(" ")
}

/// The short name of a common attribute, else its OID as hexadecimal DER.
fn label(oid: &[u8]) -> String {
    let known = match oid {
        [0x55, 0x04, 0x03] => "CN",
        [0x55, 0x04, 0x04] => "SN",
        [0x55, 0x04, 0x05] => "serialNumber",
        [0x55, 0x04, 0x06] => "C",
        [0x55, 0x04, 0x07] => "L",
        [0x55, 0x04, 0x08] => "ST",
        [0x55, 0x04, 0x09] => "street",
        [0x55, 0x04, 0x0a] => "O",
        [0x55, 0x04, 0x0b] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
        EMAIL_ADDRESS => "emailAddress",
        _ => return format!("oid-{}", ilslab_names::hex(oid)),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_openssl_canonicalises_them() {
        for (case, left, right, same) in [
            ("equal", (0x0c, "Lab CA"), (0x0c, "Lab CA"), true),
            ("letter case", (0x0c, "Lab CA"), (0x0c, "lab ca"), true),
            ("string type", (0x13, "Lab CA"), (0x0c, "Lab CA"), true),
            ("white space", (0x0c, "  Lab \t CA "), (0x0c, "Lab CA"), true),
            ("another word", (0x0c, "Lab CA"), (0x0c, "Lab CB"), false),
            ("not text", (0x04, "Lab CA"), (0x0c, "Lab CA"), false),
            ("Latin-1 is UTF-8 when canonical", (0x14, "\u{e9}"), (0x0c, "\u{e9}"), true),
        ] {
            let names =
                [left, right].map(|(tag, text)| DistinguishedName::parse(&one_cn(tag, text)).unwrap());
            assert_eq!(names[0].matches(&names[1]), same, "{case}");
        }
    }

    fn one_cn(tag: u8, text: &str) -> Vec<u8> {
        let value = match tag {
            0x14 => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(),
            _ => text.as_bytes().to_vec(),
        };
        let wrap = |tag: u8, inner: Vec<u8>| [vec![tag, u8::try_from(inner.len()).unwrap()], inner].concat();
        let attribute = [wrap(0x06, COMMON_NAME.to_vec()), wrap(tag, value)].concat();
        wrap(0x31, wrap(0x30, attribute))
    }
}
