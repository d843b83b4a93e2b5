//! Making all that is missing in a certificates' folder, and keeping the rest.
//!
//! look at every pair -> make the keys that are missing -> the CA -> each node's two certificates
//!
//! Nothing is written before everything has been looked at and every key is made.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Serialize, Serializer};

use super::authority::{AUTHORITY_DAYS, Authority};
use super::error::CertsError;
use super::folder::{Folder, Pair, Standing};
use super::found::{self, Difference, Wanted};
use super::identity::{Validity, self_signed_cert};
use super::key::{Key, KeyKind};
use super::name::Node;

/// The life of a node's certificate, in days, where nobody asks for another: what CAs long gave a server at most.
pub const DEFAULT_DAYS: u32 = 825;

/// What to make, and where.
#[derive(Debug, Clone)]
pub struct Issue {
    /// The certificates' folder; made where it is missing.
    pub dir: PathBuf,
    /// The kind of every new key.
    pub key: KeyKind,
    /// Whom for. Names must differ in more than case.
    pub nodes: Vec<Node>,
    /// Life of a node's new certificates, in days: 1 to [`AUTHORITY_DAYS`].
    pub days: u32,
    /// Replace what stands there: the certificates and keys of these nodes; the CA only if it is of no use.
    pub force: bool,
}

/// What stands in the folder now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issued {
    /// The lab CA.
    pub ca: IssuedPair,
    /// The nodes asked for, in that order.
    pub nodes: Vec<IssuedNode>,
}

/// The two certificates of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssuedNode {
    /// Its name and FQDN.
    #[serde(flatten)]
    pub node: Node,
    /// Signed by the lab CA.
    pub ca_signed: IssuedPair,
    /// Signed by itself.
    pub self_signed: IssuedPair,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssuedPair {
    /// The certificate, PEM.
    #[serde(serialize_with = "as_text")]
    pub cert: PathBuf,
    /// Its private key, PEM, readable by the owner alone.
    #[serde(serialize_with = "as_text")]
    pub key: PathBuf,
    /// What this run did.
    pub state: State,
    /// What the user should know about a pair that was kept.
    pub warnings: Vec<Difference>,
}

/// What a run did with a pair of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// There was nothing; both are new.
    Made,
    /// There was a key without a certificate, as a run leaves that is killed; the certificate is new.
    Completed,
    /// Both were there, and are untouched.
    Kept,
    /// Something was there, and both are new.
    Replaced,
}

/// Makes what is missing of `wish`. `progress` hears a line now and then while keys are made.
///
/// # Errors
/// What was asked for, the folder, or what stands in it; nothing that stands there is touched without `force`.
pub fn issue(wish: &Issue, now: SystemTime, progress: &mut dyn FnMut(&str)) -> Result<Issued, CertsError> {
    wish.check()?;
    let folder = Folder::open(&wish.dir)?;
    let ca = Slot::of_authority(folder.authority(), wish.force, now)?;
    let slots = wish.node_slots(&folder)?;
    let missing = slots.iter().flat_map(NodeSlots::both).chain([&ca]).filter(|slot| slot.is_empty()).count();
    let keys = Key::several(wish.key, missing, progress)?;
    let mut press = Press { keys: keys.into_iter(), wish, now };
    let (authority, ca) = press.authority(ca)?;
    let nodes = slots.into_iter().map(|slots| press.node(slots, &authority)).collect::<Result<_, _>>()?;
    Ok(Issued { ca, nodes })
}

impl Issued {
    /// Every pair: the CA's, then each node's two.
    pub fn pairs(&self) -> impl Iterator<Item = &IssuedPair> {
        let nodes = self.nodes.iter().flat_map(|node| [&node.ca_signed, &node.self_signed]);
        std::iter::once(&self.ca).chain(nodes)
    }
}

impl Issue {
    fn check(&self) -> Result<(), CertsError> {
        if self.nodes.is_empty() {
            return Err(CertsError::NoNode);
        }
        if !(1..=AUTHORITY_DAYS).contains(&self.days) {
            return Err(CertsError::Days { days: self.days, most: AUTHORITY_DAYS });
        }
        // Some file systems do not tell case apart.
        let mut names = HashSet::new();
        match self.nodes.iter().find(|node| !names.insert(node.name().to_ascii_lowercase())) {
            Some(twice) => Err(CertsError::NodeTwice { name: twice.name().to_owned() }),
            None => Ok(()),
        }
    }

    fn node_slots<'a>(&'a self, folder: &Folder) -> Result<Vec<NodeSlots<'a>>, CertsError> {
        let slots = |node: &'a Node| {
            let slot = |stem| Slot::look(folder.node(node.name(), stem), self.force);
            Ok(NodeSlots { node, ca_signed: slot("ca-signed")?, self_signed: slot("self-signed")? })
        };
        self.nodes.iter().map(slots).collect()
    }
}

/// A pair that is to stand in the folder, and what stands there before.
struct Slot {
    pair: Pair,
    standing: Standing,
    /// Something stands there that is to go.
    replaced: bool,
}

struct NodeSlots<'a> {
    node: &'a Node,
    ca_signed: Slot,
    self_signed: Slot,
}

impl NodeSlots<'_> {
    fn both(&self) -> [&Slot; 2] {
        [&self.ca_signed, &self.self_signed]
    }
}

impl Slot {
    fn look(pair: Pair, force: bool) -> Result<Self, CertsError> {
        pair.sweep()?;
        if force {
            return Ok(Self::emptied(pair));
        }
        let standing = pair.standing()?;
        Ok(Self { pair, standing, replaced: false })
    }

    /// The CA is replaced only where it is of no use: what it signed for other nodes depends on it.
    fn of_authority(pair: Pair, force: bool, now: SystemTime) -> Result<Self, CertsError> {
        pair.sweep()?;
        let usable = |standing| match standing {
            Standing::Both { ref cert_der, .. } => {
                found::check_authority(cert_der, &pair.cert, now).map(|()| standing)
            }
            other => Ok(other),
        };
        match pair.standing().and_then(usable) {
            Ok(standing) => Ok(Self { pair, standing, replaced: false }),
            Err(error) if force && error.is_cured_by_force() => Ok(Self::emptied(pair)),
            Err(error) => Err(error),
        }
    }

    fn emptied(pair: Pair) -> Self {
        Self { replaced: pair.is_there(), standing: Standing::Nothing, pair }
    }

    fn is_empty(&self) -> bool {
        matches!(self.standing, Standing::Nothing)
    }
}

/// What certificates are made from, once everything has been looked at.
struct Press<'a> {
    keys: std::vec::IntoIter<Key>,
    wish: &'a Issue,
    now: SystemTime,
}

/// Signs for a key: one of the two ways a node's certificate is made.
type Sign<'a> = &'a dyn Fn(&Key, Validity) -> Result<String, CertsError>;

impl Press<'_> {
    fn authority(&mut self, slot: Slot) -> Result<(Authority, IssuedPair), CertsError> {
        let Slot { pair, standing, replaced } = slot;
        let validity = Validity::starting(self.now, AUTHORITY_DAYS)?;
        let (authority, state) = match standing {
            Standing::Both { cert_pem, cert_der, key } => {
                (Authority::new(cert_pem, cert_der, key, &pair.cert)?, State::Kept)
            }
            Standing::KeyOnly(key) => {
                let authority = Authority::make(key, validity)?;
                pair.write_cert(authority.root_pem())?;
                (authority, State::Completed)
            }
            Standing::Nothing => {
                let authority = Authority::make(self.next_key()?, validity)?;
                pair.write(authority.root_pem(), &authority.key_pem())?;
                (authority, made(replaced))
            }
        };
        let warnings = pair.open_to_others();
        Ok((authority, IssuedPair::new(pair, state, warnings)))
    }

    fn node(&mut self, slots: NodeSlots<'_>, authority: &Authority) -> Result<IssuedNode, CertsError> {
        let NodeSlots { node, ca_signed, self_signed } = slots;
        let fqdn = node.fqdn();
        let mut wanted = Wanted { fqdn, key: self.wish.key, issuer: Some(authority.der()), now: self.now };
        let by_authority = |key: &Key, validity| authority.sign(fqdn, key, validity);
        let ca_signed = self.leaf(ca_signed, &wanted, &by_authority)?;
        wanted.issuer = None;
        let by_itself = |key: &Key, validity| self_signed_cert(fqdn, key, validity);
        let self_signed = self.leaf(self_signed, &wanted, &by_itself)?;
        Ok(IssuedNode { node: node.clone(), ca_signed, self_signed })
    }

    fn leaf(&mut self, slot: Slot, wanted: &Wanted<'_>, sign: Sign<'_>) -> Result<IssuedPair, CertsError> {
        let Slot { pair, standing, replaced } = slot;
        let validity = Validity::starting(self.now, self.wish.days)?;
        let (state, mut warnings) = match standing {
            Standing::Both { cert_der, .. } => (State::Kept, wanted.differences(&cert_der, &pair.cert)?),
            Standing::KeyOnly(key) => {
                pair.write_cert(&sign(&key, validity)?)?;
                (State::Completed, Vec::new())
            }
            Standing::Nothing => {
                let key = self.next_key()?;
                pair.write(&sign(&key, validity)?, &key.to_pem())?;
                (made(replaced), Vec::new())
            }
        };
        warnings.extend(pair.open_to_others());
        Ok(IssuedPair::new(pair, state, warnings))
    }

    /// A key was made beforehand for every empty slot; should one be missing, it is made now.
    fn next_key(&mut self) -> Result<Key, CertsError> {
        self.keys.next().map_or_else(|| Key::make(self.wish.key), Ok)
    }
}

impl IssuedPair {
    fn new(pair: Pair, state: State, warnings: Vec<Difference>) -> Self {
        Self { cert: pair.cert, key: pair.key, state, warnings }
    }
}

fn made(replaced: bool) -> State {
    if replaced { State::Replaced } else { State::Made }
}

/// A path that is not UTF-8 is shown as well as it can be, rather than spoil the report.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}
