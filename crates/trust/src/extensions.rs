//! What the extensions of a certificate say, as far as a verdict depends on it.
//!
//! OpenSSL reads all of them when it first looks at a certificate. One that it cannot read makes the
//! certificate *invalid*: it has issued nothing, and nobody has issued it.

use std::collections::HashSet;

use x509_parser::extensions::{
    AuthorityKeyIdentifier, GeneralName as ParsedName, ParsedExtension, X509Extension,
};

use crate::constraints::{GeneralName, NameConstraints, general_names};
use crate::der;
use crate::name::DistinguishedName;

/// Key usage bits, first octet (RFC 5280 §4.2.1.3).
const DIGITAL_SIGNATURE: u8 = 0x80;
const KEY_ENCIPHERMENT: u8 = 0x20;
const KEY_AGREEMENT: u8 = 0x08;
const KEY_CERT_SIGN: u8 = 0x04;
/// Netscape certificate type bits.
const NS_SSL_CLIENT: u8 = 0x80;
const NS_SSL_SERVER: u8 = 0x40;
const NS_SSL_CA: u8 = 0x04;
const NS_ANY_CA: u8 = 0x07;

/// Extensions that OpenSSL's verification takes into account; any other that is critical is unhandled.
const HANDLED: [&str; 15] = [
    "2.16.840.1.113730.1.1",
    "2.5.29.15",
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.32",
    "2.5.29.31",
    "2.5.29.37",
    IP_ADDRESS_BLOCKS,
    AUTONOMOUS_SYSTEMS,
    "1.3.6.1.5.5.7.48.1.5",
    "2.5.29.36",
    PROXY_CERTIFICATE,
    "2.5.29.30",
    "2.5.29.33",
    "2.5.29.54",
];
/// Those of them that webpki reads; any other that is critical is one that it does not know.
const READ_BY_WEBPKI: [&str; 6] =
    ["2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.31", "2.5.29.37"];
/// "Server gated crypto" of Microsoft and of Netscape: to OpenSSL as good as a server's usage.
const SERVER_GATED: [&str; 2] = ["1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1"];
const IP_ADDRESS_BLOCKS: &str = "1.3.6.1.5.5.7.1.7";
const AUTONOMOUS_SYSTEMS: &str = "1.3.6.1.5.5.7.1.8";
const PROXY_CERTIFICATE: &str = "1.3.6.1.5.5.7.1.14";

/// The role of the certificate that is judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// A dialler's certificate, judged by the hub (`-purpose sslclient`).
    Client,
    /// A listener's certificate, judged by the spoke (`-purpose sslserver`).
    Server,
}

/// How far a certificate is a CA's (OpenSSL's `check_ca`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CaKind {
    No,
    /// Basic constraints say so.
    Yes,
    /// Only an old habit says so: v1 and self-signed, key usage alone, or a Netscape bit. Good enough for
    /// the last certificate of a chain.
    Legacy,
}

/// Key identifier, issuer and serial that name the issuer's key.
#[derive(Default, Clone)]
pub(crate) struct AuthorityKey {
    pub(crate) key_id: Option<Vec<u8>>,
    pub(crate) issuer: Option<DistinguishedName>,
    pub(crate) serial: Option<Vec<u8>>,
}

/// The facts.
#[derive(Default)]
pub(crate) struct Extensions {
    pub(crate) is_invalid: bool,
    pub(crate) has_unhandled_critical: bool,
    /// A critical extension that OpenSSL takes into account and webpki does not know.
    pub(crate) has_foreign_critical: bool,
    pub(crate) is_proxy: bool,
    pub(crate) has_resources: bool,
    pub(crate) subject_key_id: Option<Vec<u8>>,
    pub(crate) authority_key: Option<AuthorityKey>,
    pub(crate) alternative_names: Option<Vec<GeneralName>>,
    pub(crate) name_constraints: Option<NameConstraints>,
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<u8>,
    extended_usage: Option<ExtendedUsage>,
    netscape_type: Option<u8>,
}

struct BasicConstraints {
    ca: bool,
    path_length: Option<usize>,
}

struct ExtendedUsage {
    client: bool,
    server: bool,
    /// An old usage that OpenSSL takes for a server's.
    is_gated: bool,
}

impl Extensions {
    /// Reads them all; never fails, but [`Extensions::is_invalid`] may be set.
    pub(crate) fn read(extensions: &[X509Extension<'_>]) -> Self {
        let mut facts = Extensions::default();
        let mut seen = HashSet::new();
        let mut alternative_issuer = false;
        for extension in extensions {
            let oid = extension.oid.to_id_string();
            facts.has_unhandled_critical |= extension.critical && !HANDLED.contains(&oid.as_str());
            facts.has_foreign_critical |= extension.critical && !READ_BY_WEBPKI.contains(&oid.as_str());
            alternative_issuer |= oid == "2.5.29.18";
            facts.is_proxy |= oid == PROXY_CERTIFICATE;
            facts.has_resources |= [IP_ADDRESS_BLOCKS, AUTONOMOUS_SYSTEMS].contains(&oid.as_str());
            let is_known = facts.note(&oid, extension);
            // Of an extension that OpenSSL reads there may be one.
            facts.is_invalid |= is_known == Some(false) || (is_known.is_some() && !seen.insert(oid));
        }
        let has_alternatives = alternative_issuer || facts.alternative_names.is_some();
        facts.is_invalid |= facts.is_proxy && (facts.is_ca() || has_alternatives);
        facts
    }

    /// Basic constraints with `CA:TRUE`.
    pub(crate) fn is_ca(&self) -> bool {
        self.basic_constraints.as_ref().is_some_and(|basic| basic.ca)
    }

    /// The DNS names among the alternative names, as text where they are text; `None` = no DNS name.
    pub(crate) fn dns_names(&self) -> Option<Vec<&str>> {
        let names = self.alternative_names.iter().flatten().filter_map(GeneralName::as_dns);
        let names: Vec<&[u8]> = names.collect();
        (!names.is_empty()).then(|| names.iter().filter_map(|name| str::from_utf8(name).ok()).collect())
    }

    /// The first DNS name as it stands, host name or not; octets that are no text are read as Latin-1.
    pub(crate) fn first_dns_name(&self) -> Option<String> {
        let name = self.alternative_names.iter().flatten().find_map(GeneralName::as_dns)?;
        let latin_1 = || name.iter().map(|octet| char::from(*octet)).collect();
        Some(str::from_utf8(name).map_or_else(|_| latin_1(), str::to_owned))
    }

    /// Whether key usage, if there is any, lets the key sign certificates.
    pub(crate) fn may_sign(&self) -> bool {
        self.key_usage.is_none_or(|usage| usage & KEY_CERT_SIGN != 0)
    }

    /// The path length constraint, if there is one.
    pub(crate) fn path_length(&self) -> Option<usize> {
        self.basic_constraints.as_ref().and_then(|basic| basic.path_length)
    }

    /// OpenSSL's `check_ca`; `is_v1_root` = version 1 and self-signed.
    pub(crate) fn ca_kind(&self, is_v1_root: bool) -> CaKind {
        let netscape_ca = self.netscape_type.is_some_and(|bits| bits & NS_ANY_CA != 0);
        match &self.basic_constraints {
            _ if !self.may_sign() => CaKind::No,
            Some(basic) if basic.ca => CaKind::Yes,
            Some(_) => CaKind::No,
            None if is_v1_root || self.key_usage.is_some() || netscape_ca => CaKind::Legacy,
            None => CaKind::No,
        }
    }

    /// Whether an issuer's certificate may stand above one of this purpose.
    pub(crate) fn suits_issuer(&self, purpose: Purpose, is_v1_root: bool) -> bool {
        let netscape_only = !is_v1_root && self.basic_constraints.is_none() && self.key_usage.is_none();
        let netscape_fits = self.netscape_type.is_none_or(|bits| bits & NS_SSL_CA != 0);
        self.allows(purpose) && (!netscape_only || netscape_fits)
    }

    /// Whether an end entity's certificate may be used for this purpose.
    pub(crate) fn suits_end_entity(&self, purpose: Purpose) -> bool {
        let (usage, netscape) = match purpose {
            Purpose::Client => (DIGITAL_SIGNATURE | KEY_AGREEMENT, NS_SSL_CLIENT),
            Purpose::Server => (DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT, NS_SSL_SERVER),
        };
        self.allows(purpose)
            && self.key_usage.is_none_or(|bits| bits & usage != 0)
            && self.netscape_type.is_none_or(|bits| bits & netscape != 0)
    }

    fn allows(&self, purpose: Purpose) -> bool {
        self.extended_usage.as_ref().is_none_or(|usage| match purpose {
            Purpose::Client => usage.client,
            Purpose::Server => usage.server || usage.is_gated,
        })
    }

    /// Whether only "server gated crypto" lets a server use it.
    pub(crate) fn is_only_gated(&self) -> bool {
        self.extended_usage.as_ref().is_some_and(|usage| usage.is_gated && !usage.server)
    }

    /// Takes one extension in: `None` = OpenSSL does not read it, `Some(false)` = it cannot.
    fn note(&mut self, oid: &str, extension: &X509Extension<'_>) -> Option<bool> {
        let done = match oid {
            "2.5.29.14" | "2.5.29.19" | "2.5.29.35" | "2.5.29.37" | "2.5.29.31" => {
                self.note_parsed(extension.parsed_extension())
            }
            "2.5.29.15" => self.note_key_usage(extension.value),
            "2.16.840.1.113730.1.1" => bit_octet(extension.value).map(|bits| self.netscape_type = Some(bits)),
            "2.5.29.17" => general_names(extension.value).map(|names| self.alternative_names = Some(names)),
            "2.5.29.30" => {
                NameConstraints::parse(extension.value).map(|found| self.name_constraints = Some(found))
            }
            PROXY_CERTIFICATE | IP_ADDRESS_BLOCKS | AUTONOMOUS_SYSTEMS => Some(()),
            _ => return None,
        };
        Some(done.is_some())
    }

    fn note_parsed(&mut self, extension: &ParsedExtension<'_>) -> Option<()> {
        match extension {
            ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key_id = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(key) => self.authority_key = Some(authority_key(key)?),
            ParsedExtension::BasicConstraints(basic) => {
                let path_length = basic.path_len_constraint.map(usize::try_from).transpose().ok()?;
                self.basic_constraints = Some(BasicConstraints { ca: basic.ca, path_length });
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                let gated = |oid: &String| SERVER_GATED.contains(&oid.as_str());
                let is_gated = usage.other.iter().map(|oid| oid.to_id_string()).any(|oid| gated(&oid));
                let (client, server) = (usage.client_auth, usage.server_auth);
                self.extended_usage = Some(ExtendedUsage { client, server, is_gated });
            }
            // A distribution point that names neither a place nor an issuer is not one.
            ParsedExtension::CRLDistributionPoints(points) => {
                let named = points.iter().all(|p| p.distribution_point.is_some() || p.crl_issuer.is_some());
                return named.then_some(());
            }
            _ => return None,
        }
        Some(())
    }

    fn note_key_usage(&mut self, value: &[u8]) -> Option<()> {
        let bits = der::bits(der::only(value, der::BIT_STRING)?)?;
        let is_empty = bits.iter().take(2).all(|octet| *octet == 0);
        self.key_usage = Some(bits.first().copied().unwrap_or(0));
        (!is_empty).then_some(())
    }
}

fn bit_octet(value: &[u8]) -> Option<u8> {
    der::bits(der::only(value, der::BIT_STRING)?).map(|bits| bits.first().copied().unwrap_or(0))
}

fn authority_key(key: &AuthorityKeyIdentifier<'_>) -> Option<AuthorityKey> {
    let directory = key.authority_cert_issuer.iter().flatten().find_map(|name| match name {
        ParsedName::DirectoryName(name) => Some(name.as_raw()),
        _ => None,
    });
    let issuer = match directory {
        Some(name) => Some(DistinguishedName::parse(der::only(name, der::SEQUENCE)?)?),
        None => None,
    };
    let key_id = key.key_identifier.as_ref().map(|id| id.0.to_vec());
    let serial = key.authority_cert_serial.map(|serial| der::magnitude(serial).to_vec());
    Some(AuthorityKey { key_id, issuer, serial })
}
