//! Name constraints (RFC 5280 §4.2.1.10), matched as OpenSSL 3.0 matches them.
//!
//! Every name of a certificate -> every constraint of every certificate above it: at least one permitted
//! subtree of its type must hold it, no excluded one may.

use crate::der::{self, Reader};
use crate::name::DistinguishedName;
use crate::verdict::code;

/// Names times constraints that are compared at most (OpenSSL's `NAME_CHECK_MAX`).
const COMPARISONS_MAX: usize = 1 << 20;
/// 1.3.6.1.5.5.7.8.9, an internationalised mailbox.
const SMTP_UTF8_MAILBOX: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x09];

/// One name of a certificate, or the base of a subtree.
pub(crate) enum GeneralName {
    /// The OID of its type; what it says is not read.
    Other(Vec<u8>),
    Email(Vec<u8>),
    Dns(Vec<u8>),
    Directory(DistinguishedName),
    Uri(Vec<u8>),
    /// 4 or 16 octets; twice that with a mask as a subtree's base.
    Ip(Vec<u8>),
    /// X.400, EDI and registered identifiers, by tag number: no constraint of theirs is supported.
    Unsupported(u8),
}

impl GeneralName {
    fn parse(element: der::Element<'_>) -> Option<Self> {
        let raw = element.contents.to_vec();
        Some(match element.tag {
            0xa0 => GeneralName::Other(Reader::new(element.contents).expect(der::OID)?.to_vec()),
            0x81 => GeneralName::Email(raw),
            0x82 => GeneralName::Dns(raw),
            0xa4 => {
                GeneralName::Directory(DistinguishedName::parse(der::only(element.contents, der::SEQUENCE)?)?)
            }
            0x86 => GeneralName::Uri(raw),
            0x87 => GeneralName::Ip(raw),
            0xa3 | 0xa5 | 0x88 => GeneralName::Unsupported(element.tag & 0x1f),
            _ => return None,
        })
    }

    /// The bytes of a DNS name.
    pub(crate) fn as_dns(&self) -> Option<&[u8]> {
        if let GeneralName::Dns(name) = self { Some(name) } else { None }
    }

    /// Whether a constraint on `base` speaks about this name at all.
    fn is_of_type(&self, base: &GeneralName) -> bool {
        match (self, base) {
            (GeneralName::Other(oid), GeneralName::Email(_)) => oid == SMTP_UTF8_MAILBOX,
            (GeneralName::Other(oid), GeneralName::Other(base)) => oid == base && oid != SMTP_UTF8_MAILBOX,
            (GeneralName::Email(_), GeneralName::Email(_))
            | (GeneralName::Dns(_), GeneralName::Dns(_))
            | (GeneralName::Directory(_), GeneralName::Directory(_))
            | (GeneralName::Uri(_), GeneralName::Uri(_))
            | (GeneralName::Ip(_), GeneralName::Ip(_)) => true,
            (GeneralName::Unsupported(left), GeneralName::Unsupported(right)) => left == right,
            _ => false,
        }
    }

    /// Whether the subtree of `base` holds this name, which is of its type.
    fn is_within(&self, base: &GeneralName) -> Result<bool, u16> {
        match (self, base) {
            (GeneralName::Directory(name), GeneralName::Directory(base)) => Ok(name.is_within(base)),
            (GeneralName::Dns(name), GeneralName::Dns(base)) => Ok(dns_is_within(name, base)),
            (GeneralName::Email(name), GeneralName::Email(base)) => email_is_within(name, base),
            (GeneralName::Uri(name), GeneralName::Uri(base)) => uri_is_within(name, base),
            (GeneralName::Ip(name), GeneralName::Ip(base)) => ip_is_within(name, base),
            // An internationalised mailbox under an e-mail constraint would need IDNA: refused as if the
            // type were unsupported.
            _ => Err(code::UNSUPPORTED_CONSTRAINT_TYPE),
        }
    }
}

/// Reads the value of a subject alternative name extension.
pub(crate) fn general_names(value: &[u8]) -> Option<Vec<GeneralName>> {
    let mut reader = Reader::new(der::only(value, der::SEQUENCE)?);
    let mut names = Vec::new();
    while !reader.is_empty() {
        names.push(GeneralName::parse(reader.element()?)?);
    }
    Some(names)
}

/// What a CA allows those below it to be called.
pub(crate) struct NameConstraints {
    permitted: Vec<Subtree>,
    excluded: Vec<Subtree>,
}

struct Subtree {
    base: GeneralName,
    /// Minimum and maximum are absent (or zero): OpenSSL supports no others.
    is_plain: bool,
    /// The element as it stands.
    raw: Vec<u8>,
}

impl NameConstraints {
    /// Reads the extension's value.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(der::only(value, der::SEQUENCE)?);
        let permitted = reader.optional(0xa0).map_or(Some(Vec::new()), subtrees)?;
        let excluded = reader.optional(0xa1).map_or(Some(Vec::new()), subtrees)?;
        reader.is_empty().then_some(NameConstraints { permitted, excluded })
    }

    /// Whether some of it is about names that webpki does not compare, and therefore refuses.
    pub(crate) fn is_foreign_to_webpki(&self) -> bool {
        self.permitted.iter().chain(&self.excluded).any(|subtree| !subtree.is_known_to_webpki())
    }

    /// The contents of `NameConstraints` with what webpki compares, and nothing else.
    pub(crate) fn known_to_webpki(&self) -> Vec<u8> {
        let known = |subtrees: &[Subtree]| -> Vec<u8> {
            subtrees
                .iter()
                .filter(|subtree| subtree.is_known_to_webpki())
                .flat_map(|s| s.raw.clone())
                .collect()
        };
        let parts = [(0xa0, known(&self.permitted)), (0xa1, known(&self.excluded))];
        let full = parts.into_iter().filter(|(_, subtrees)| !subtrees.is_empty());
        full.flat_map(|(tag, subtrees)| der::element(tag, &subtrees)).collect()
    }

    /// Whether every name is allowed; else OpenSSL's number for the first that is not.
    ///
    /// `common_names_too`: an end entity without DNS names has its host-like common names checked as such.
    pub(crate) fn check(
        &self, subject: &DistinguishedName, alternatives: &[GeneralName], common_names_too: bool,
    ) -> Result<(), u16> {
        let names = subject.len() + alternatives.len();
        let constraints = self.permitted.len() + self.excluded.len();
        if names.saturating_mul(constraints) > COMPARISONS_MAX {
            return Err(code::UNSPECIFIED);
        }
        self.check_subject(subject)?;
        alternatives.iter().try_for_each(|name| self.check_one(name))?;
        let hosts = subject.common_names().filter(|_| common_names_too);
        for host in hosts {
            if let Some(host) = dns_id(host)? {
                self.check_one(&GeneralName::Dns(host))?;
            }
        }
        Ok(())
    }

    fn check_subject(&self, subject: &DistinguishedName) -> Result<(), u16> {
        if subject.len() == 0 {
            return Ok(());
        }
        self.check_one(&GeneralName::Directory(subject.clone()))?;
        subject.email_addresses().try_for_each(|(tag, address)| match tag {
            der::IA5_STRING => self.check_one(&GeneralName::Email(address.to_vec())),
            _ => Err(code::UNSUPPORTED_NAME_SYNTAX),
        })
    }

    fn check_one(&self, name: &GeneralName) -> Result<(), u16> {
        let (mut is_constrained, mut is_permitted) = (false, false);
        for subtree in self.permitted.iter().filter(|subtree| name.is_of_type(&subtree.base)) {
            subtree.require_plain()?;
            is_constrained = true;
            is_permitted = is_permitted || name.is_within(&subtree.base)?;
        }
        if is_constrained && !is_permitted {
            return Err(code::PERMITTED_VIOLATION);
        }
        for subtree in self.excluded.iter().filter(|subtree| name.is_of_type(&subtree.base)) {
            subtree.require_plain()?;
            if name.is_within(&subtree.base)? {
                return Err(code::EXCLUDED_VIOLATION);
            }
        }
        Ok(())
    }
}

impl Subtree {
    fn parse(element: der::Element<'_>) -> Option<Self> {
        let mut reader = Reader::new(element.contents);
        let base = GeneralName::parse(reader.element()?)?;
        let minimum = reader.optional(0x80);
        let maximum = reader.optional(0x81);
        let is_plain = maximum.is_none() && minimum.is_none_or(|number| der::magnitude(number).is_empty());
        reader.is_empty().then(|| Subtree { base, is_plain, raw: element.whole.to_vec() })
    }

    /// A kind of name that webpki compares: it knows DNS names and addresses.
    fn is_known_to_webpki(&self) -> bool {
        matches!(self.base, GeneralName::Dns(_) | GeneralName::Ip(_)) && self.is_plain
    }

    fn require_plain(&self) -> Result<(), u16> {
        if self.is_plain { Ok(()) } else { Err(code::SUBTREE_MINMAX) }
    }
}

fn subtrees(contents: &[u8]) -> Option<Vec<Subtree>> {
    let mut reader = Reader::new(contents);
    let mut found = Vec::new();
    while !reader.is_empty() {
        let element = reader.element().filter(|element| element.tag == der::SEQUENCE)?;
        found.push(Subtree::parse(element)?);
    }
    Some(found)
}

/// The name itself or anything left of it; an empty base holds all.
fn dns_is_within(name: &[u8], base: &[u8]) -> bool {
    let Some((left, right)) = name.len().checked_sub(base.len()).and_then(|at| name.split_at_checked(at))
    else {
        return false;
    };
    let at_a_label = left.is_empty() || base.first() == Some(&b'.') || left.last() == Some(&b'.');
    base.is_empty() || (at_a_label && right.eq_ignore_ascii_case(base))
}

/// `user@host`, `host` or `.domain`.
fn email_is_within(name: &[u8], base: &[u8]) -> Result<bool, u16> {
    let (user, host) = split_at_sign(name).ok_or(code::UNSUPPORTED_NAME_SYNTAX)?;
    match split_at_sign(base) {
        None if base.first() == Some(&b'.') => Ok(ends_with(name, base)),
        None => Ok(host.eq_ignore_ascii_case(base)),
        Some((base_user, base_host)) => {
            let same_length = base_user.len() == user.len();
            if !base_user.is_empty() && same_length && (base_user.contains(&0) || user.contains(&0)) {
                return Err(code::UNSUPPORTED_NAME_SYNTAX);
            }
            Ok((base_user.is_empty() || base_user == user) && host.eq_ignore_ascii_case(base_host))
        }
    }
}

/// The host of `scheme://host[:port][/…]`, or `.domain`.
fn uri_is_within(name: &[u8], base: &[u8]) -> Result<bool, u16> {
    let colon = name.iter().position(|byte| *byte == b':');
    let rest = colon.and_then(|at| name.split_at_checked(at)).and_then(|(_, rest)| rest.strip_prefix(b"://"));
    let rest = rest.ok_or(code::UNSUPPORTED_NAME_SYNTAX)?;
    let until = |mark: u8| rest.iter().position(|byte| *byte == mark);
    let end = until(b':').or_else(|| until(b'/')).unwrap_or(rest.len());
    let host = rest.split_at_checked(end).map_or(rest, |(host, _)| host);
    if host.is_empty() {
        return Err(code::UNSUPPORTED_NAME_SYNTAX);
    }
    if base.first() == Some(&b'.') { Ok(ends_with(host, base)) } else { Ok(host.eq_ignore_ascii_case(base)) }
}

/// An address under `network ‖ mask`; another version is outside.
fn ip_is_within(name: &[u8], base: &[u8]) -> Result<bool, u16> {
    if !matches!(name.len(), 4 | 16) || !matches!(base.len(), 8 | 32) {
        return Err(code::UNSUPPORTED_NAME_SYNTAX);
    }
    let (network, mask) = base.split_at_checked(name.len()).unwrap_or((base, &[]));
    let mut octets = name.iter().zip(network).zip(mask);
    Ok(mask.len() == name.len() && octets.all(|((name, network), mask)| name & mask == network & mask))
}

/// A proper suffix, whatever the letter case.
fn ends_with(name: &[u8], suffix: &[u8]) -> bool {
    let at = name.len().checked_sub(suffix.len()).filter(|at| *at > 0);
    at.and_then(|at| name.split_at_checked(at)).is_some_and(|(_, end)| end.eq_ignore_ascii_case(suffix))
}

fn split_at_sign(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = name.iter().rposition(|byte| *byte == b'@')?;
    let (user, rest) = name.split_at_checked(at)?;
    Some((user, rest.split_first()?.1))
}

/// A common name that looks like a host name of two labels or more (OpenSSL's `cn2dnsid`).
fn dns_id(common_name: &str) -> Result<Option<Vec<u8>>, u16> {
    let name = common_name.trim_end_matches('\0').as_bytes();
    if name.contains(&0) {
        return Err(code::UNSUPPORTED_NAME_SYNTAX);
    }
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let labels = name.split(|byte| *byte == b'.');
    let is_label = |label: &[u8]| {
        label.first().is_some_and(is_word)
            && label.last().is_some_and(is_word)
            && label.iter().all(|byte| is_word(byte) || *byte == b'-')
    };
    let looks_like_a_host = name.contains(&b'.') && labels.clone().all(is_label);
    Ok(looks_like_a_host.then(|| name.to_vec()))
}
