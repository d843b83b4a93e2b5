//! An honest chain, and what can be done to it.

use rand::RngExt;
use rand::rngs::StdRng;

use ilslab_trust::Certificate;

use crate::common::oracle::Oracle;
use crate::common::{
    Basic, Blueprint, KU_CERT_SIGN, KU_CRL_SIGN, KU_DIGITAL_SIGNATURE, KU_KEY_AGREEMENT, Key, NOW, Purpose,
    Spelling, judge, tlv,
};

/// What is wrong with a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Twist {
    Nothing,
    Expired,
    NotYetValid,
    NoRoot,
    RootOnlySent,
    NoIntermediate,
    StoreWithoutRoot,
    SelfSigned,
    SelfSignedPinned,
    LeafPinned,
    RekeyedRoot,
    WrongSigner,
    Tampered,
    NotCa,
    PathLength,
    LeafPurpose,
    LeafUsage,
    CaPurpose,
    UnknownCritical,
    Permitted,
    Excluded,
    WeakLeaf,
    WeakCa,
    Sha1,
    SameNames,
    CrossSigned,
    Rollover,
    CaAsLeaf,
    ImportedIssuer,
    Spelled,
    NonAscii,
    OldRoot,
    HabitRoot,
    OldLeaf,
    PssCa,
    SmallRsa,
    Policies,
    Directory,
    Renewed,
}

/// All of them.
pub(crate) const TWISTS: [Twist; 39] = [
    Twist::Nothing,
    Twist::Expired,
    Twist::NotYetValid,
    Twist::NoRoot,
    Twist::RootOnlySent,
    Twist::NoIntermediate,
    Twist::StoreWithoutRoot,
    Twist::SelfSigned,
    Twist::SelfSignedPinned,
    Twist::LeafPinned,
    Twist::RekeyedRoot,
    Twist::WrongSigner,
    Twist::Tampered,
    Twist::NotCa,
    Twist::PathLength,
    Twist::LeafPurpose,
    Twist::LeafUsage,
    Twist::CaPurpose,
    Twist::UnknownCritical,
    Twist::Permitted,
    Twist::Excluded,
    Twist::WeakLeaf,
    Twist::WeakCa,
    Twist::Sha1,
    Twist::SameNames,
    Twist::CrossSigned,
    Twist::Rollover,
    Twist::CaAsLeaf,
    Twist::ImportedIssuer,
    Twist::Spelled,
    Twist::NonAscii,
    Twist::OldRoot,
    Twist::HabitRoot,
    Twist::OldLeaf,
    Twist::PssCa,
    Twist::SmallRsa,
    Twist::Policies,
    Twist::Directory,
    Twist::Renewed,
];

/// A chain before it is made: `path[0]` is the leaf, its last the root.
pub(crate) struct World {
    pub(crate) path: Vec<Blueprint>,
    /// Which of the path is sent after the leaf, and which is in the store, by index.
    sent: Vec<usize>,
    stored: Vec<usize>,
    more_sent: Vec<Blueprint>,
    more_stored: Vec<Blueprint>,
    purpose: Purpose,
}

impl World {
    pub(crate) fn honest(dice: &mut StdRng, levels: usize) -> World {
        let keys: Vec<Key> = (0..levels).map(|level| any_key(dice, level)).collect();
        let name = |level: usize| {
            if level == 0 { "peer.example.com".into() } else { format!("Lab CA {level}") }
        };
        let mut path = Vec::new();
        for level in 0..levels {
            let up = (level + 1).min(levels - 1);
            let (key, signer) = (keys[level], keys[up]);
            path.push(match level {
                0 if levels > 1 => Blueprint::leaf(&name(0), key, &name(up), signer),
                0 => Blueprint::self_signed(&name(0), key),
                _ => Blueprint::ca(&name(level), key, &name(up), signer),
            });
        }
        let purpose = if dice.random() { Purpose::Client } else { Purpose::Server };
        let mut world = World {
            sent: (1..levels.saturating_sub(1)).collect(),
            stored: vec![levels - 1],
            path,
            more_sent: Vec::new(),
            more_stored: Vec::new(),
            purpose,
        };
        world.vary(dice);
        world
    }

    /// Differences that are no fault.
    fn vary(&mut self, dice: &mut StdRng) {
        for (level, blueprint) in self.path.iter_mut().enumerate() {
            blueprint.serial = dice.random_range(1..u64::MAX / 2);
            if one_in(dice, 3) {
                blueprint.subject_key_id = None;
            }
            if one_in(dice, 3) {
                blueprint.authority_key_id = None;
            }
            if one_in(dice, 4) {
                blueprint.key_usage = None;
            }
            if level > 0 && one_in(dice, 4) {
                let spare = u8::try_from(level).expect("few levels") + dice.random_range(0..3);
                blueprint.basic = Basic::PathLength(spare);
            }
            if level > 0 && one_in(dice, 5) {
                (blueprint.client_auth, blueprint.server_auth) = (true, true);
            }
            if level == 0 && one_in(dice, 3) {
                (blueprint.client_auth, blueprint.server_auth) = (false, false);
            }
            if level == 0 && one_in(dice, 4) {
                blueprint.basic = Basic::Absent;
            }
        }
        self.add_strangers(dice);
    }

    /// Certificates that have nothing to do with the chain, sent or stored.
    fn add_strangers(&mut self, dice: &mut StdRng) {
        if one_in(dice, 4) {
            self.more_sent.push(Blueprint::ca("Stranger", Key::Ec(20), "Stranger Root", Key::Ec(21)));
        }
        if one_in(dice, 4) {
            self.more_stored.push(Blueprint::root("Stranger Root", Key::Ec(21)));
        }
        if one_in(dice, 4) {
            self.more_stored.push(Blueprint::self_signed("other.example.com", Key::Ec(22)));
        }
    }

    fn root(&self) -> usize {
        self.path.len() - 1
    }

    /// A CA of the path.
    fn any_ca(&self, dice: &mut StdRng) -> usize {
        dice.random_range(1..self.path.len())
    }

    pub(crate) fn twist(&mut self, twist: Twist, dice: &mut StdRng) {
        let root = self.root();
        match twist {
            Twist::Nothing => {}
            Twist::Expired => self.any(dice).years = (2010, dice.random_range(2020..2026)),
            Twist::NotYetValid => self.any(dice).years = (dice.random_range(2027..2030), 2040),
            Twist::NoRoot => self.stored.retain(|index| *index != root),
            Twist::RootOnlySent => {
                self.stored.retain(|index| *index != root);
                self.sent.push(root);
            }
            Twist::NoIntermediate => self.drop_intermediate(dice),
            Twist::StoreWithoutRoot => self.stored = vec![dice.random_range(1..root.max(2))],
            Twist::SelfSigned => self.stand_alone(false),
            Twist::SelfSignedPinned => self.stand_alone(true),
            Twist::LeafPinned => self.stored.push(0),
            Twist::RekeyedRoot => self.rekey(dice),
            Twist::WrongSigner => self.swap_signer(dice),
            Twist::Tampered => {
                let index = dice.random_range(0..root.max(1));
                self.path[index].tampered = true;
            }
            Twist::NotCa => self.forbid_ca(dice),
            Twist::PathLength => self.shorten(dice),
            Twist::LeafPurpose => self.forbid_purpose(0),
            Twist::LeafUsage => {
                let usages = [KU_CERT_SIGN, KU_CRL_SIGN, KU_KEY_AGREEMENT];
                self.path[0].key_usage = Some(usages[dice.random_range(0..3)]);
            }
            Twist::CaPurpose => {
                let index = self.any_ca(dice);
                self.forbid_purpose(index);
            }
            Twist::UnknownCritical => self.any(dice).critical_unknown = true,
            Twist::Permitted => self.constrain(dice, true),
            Twist::Excluded => self.constrain(dice, false),
            Twist::WeakLeaf => self.path[0].key = Key::Weak,
            Twist::WeakCa => self.weaken_ca(dice),
            Twist::Sha1 => self.use_sha1(dice),
            Twist::SameNames => self.add_namesakes(dice),
            Twist::CrossSigned => self.cross_sign(dice),
            Twist::Rollover => self.roll_over(),
            Twist::CaAsLeaf => self.path[0].basic = Basic::Ca,
            Twist::ImportedIssuer => self.issue_from_import(dice),
            Twist::Spelled => self.spell(dice),
            Twist::NonAscii => self.use_umlauts(dice),
            Twist::OldRoot => self.path[root].version = 1,
            Twist::HabitRoot => self.path[root].basic = Basic::Absent,
            Twist::OldLeaf => self.path[0].version = [1, 2][dice.random_range(0..2)],
            Twist::PssCa => self.use_key(dice, |dice| Key::Pss(dice.random_range(0..4))),
            Twist::SmallRsa => self.use_key(dice, |dice| Key::Small(dice.random_range(0..3))),
            Twist::Policies => self.add_policies(dice),
            Twist::Directory => self.constrain_directory(dice),
            Twist::Renewed => self.renew_root(dice),
        }
    }

    fn any(&mut self, dice: &mut StdRng) -> &mut Blueprint {
        let index = dice.random_range(0..self.path.len());
        &mut self.path[index]
    }

    fn drop_intermediate(&mut self, dice: &mut StdRng) {
        if !self.sent.is_empty() {
            let at = dice.random_range(0..self.sent.len());
            self.sent.remove(at);
        }
    }

    fn stand_alone(&mut self, pinned: bool) {
        let key = self.path[0].key;
        let years = self.path[0].years;
        let basic = self.path[0].basic;
        self.path = vec![
            Blueprint::self_signed("peer.example.com", key).with(|b| (b.years, b.basic) = (years, basic)),
        ];
        self.sent.clear();
        self.stored = if pinned { vec![0] } else { vec![] };
    }

    /// The store has the root's name with another key; without identifiers only the signature tells.
    fn rekey(&mut self, dice: &mut StdRng) {
        let root = self.root();
        let twin_key = if self.path[root].key.is_rsa() { Key::Rsa(7) } else { Key::Ec(30) };
        let with_ids: bool = dice.random();
        let twin = Blueprint::root(&self.path[root].subject, twin_key);
        self.more_stored.push(if with_ids { twin } else { twin.without_key_ids() });
        self.stored.retain(|index| *index != root);
        if !with_ids {
            self.path[root.saturating_sub(1)].authority_key_id = None;
        }
    }

    /// Somebody else's key of the right kind signs one certificate.
    fn swap_signer(&mut self, dice: &mut StdRng) {
        let index = dice.random_range(0..self.root().max(1));
        let blueprint = &mut self.path[index];
        blueprint.signer = if blueprint.signer.is_rsa() { Key::Rsa(7) } else { Key::Ec(31) };
    }

    fn forbid_ca(&mut self, dice: &mut StdRng) {
        let index = self.any_ca(dice);
        let choices = [
            (Basic::NotCa, None),
            (Basic::NotCa, Some(KU_CERT_SIGN)),
            (Basic::Absent, None),
            (Basic::Ca, Some(KU_CRL_SIGN)),
            (Basic::Ca, Some(KU_DIGITAL_SIGNATURE)),
        ];
        (self.path[index].basic, self.path[index].key_usage) = choices[dice.random_range(0..choices.len())];
    }

    fn shorten(&mut self, dice: &mut StdRng) {
        let index = dice.random_range(self.root().min(2)..=self.root());
        let allowed = u8::try_from(index.saturating_sub(2)).expect("few levels");
        self.path[index].basic = Basic::PathLength(dice.random_range(0..=allowed));
    }

    fn forbid_purpose(&mut self, index: usize) {
        let wrong = self.purpose == Purpose::Client;
        (self.path[index].server_auth, self.path[index].client_auth) = (wrong, !wrong);
    }

    fn constrain(&mut self, dice: &mut StdRng, permit: bool) {
        let index = self.any_ca(dice);
        let ca = &mut self.path[index];
        match permit {
            true => ca.permitted = Some(["example.org", "other.example.com"][dice.random_range(0..2)]),
            false => ca.excluded = Some(["example.com", "peer.example.com"][dice.random_range(0..2)]),
        }
    }

    /// The CA's key is too weak; what it "signed" is signed by a stronger one, which nobody gets to see.
    fn weaken_ca(&mut self, dice: &mut StdRng) {
        let index = self.any_ca(dice);
        let ca = &mut self.path[index];
        ca.key = Key::Weak;
        if ca.subject == ca.issuer {
            ca.signer = Key::Rsa(7);
        }
        (ca.subject_key_id, ca.authority_key_id) = (None, None);
        self.path[index - 1].signer = Key::Rsa(7);
        self.path[index - 1].authority_key_id = None;
    }

    fn use_sha1(&mut self, dice: &mut StdRng) {
        let index = dice.random_range(0..self.root().max(1));
        let up = (index + 1).min(self.root());
        self.path[up].key = Key::Rsa(6);
        if self.path[up].subject == self.path[up].issuer {
            self.path[up].signer = Key::Rsa(6);
        }
        (self.path[up].subject_key_id, self.path[up].authority_key_id) = (None, None);
        self.path[index].signer = Key::Rsa(6);
        self.path[index].authority_key_id = None;
        self.path[index].sha1 = true;
    }

    /// Other CAs of the same name: expired, future or current; other keys; sent or stored, first or last.
    fn add_namesakes(&mut self, dice: &mut StdRng) {
        for number in 0..dice.random_range(1..4) {
            let index = self.any_ca(dice);
            let original = self.path[index].clone();
            let mut twin = original.clone();
            twin.serial += 1 + number;
            twin.years = [(2010, 2020), (2010, 2022), (2028, 2030), (2025, 2040)][dice.random_range(0..4)];
            if dice.random() {
                twin.key = if original.key.is_rsa() { Key::Rsa(7) } else { Key::Ec(32) };
                twin.subject_key_id = original.subject_key_id.map(|_| twin.key.id());
                if twin.subject == twin.issuer {
                    twin.signer = twin.key;
                    twin.authority_key_id = original.authority_key_id.map(|_| twin.key.id());
                }
            }
            let place = if dice.random() { &mut self.more_sent } else { &mut self.more_stored };
            place.push(twin);
        }
    }

    /// A CA of the path has a second certificate, from another root; the store has one root or both.
    fn cross_sign(&mut self, dice: &mut StdRng) {
        let other = Blueprint::root("Other Root", Key::Ec(33));
        let index = self.any_ca(dice);
        let original = &self.path[index];
        let crossed = Blueprint::ca(&original.subject, original.key, "Other Root", Key::Ec(33));
        self.more_sent.push(crossed);
        if dice.random() {
            let root = self.root();
            self.stored.retain(|index| *index != root);
        }
        if dice.random() {
            self.more_stored.push(other);
        }
    }

    /// The root has a new key, certified by its old one; the store still has the old one.
    fn roll_over(&mut self) {
        let root = self.root();
        let new = self.path[root].clone();
        let old_key = Key::Ec(34);
        let bridge =
            Blueprint::ca(&new.subject, new.key, &new.subject, old_key).with(|b| b.years = new.years);
        self.more_stored.push(Blueprint::root(&new.subject, old_key));
        self.more_sent.push(bridge);
        self.stored.retain(|index| *index != root);
    }

    /// The leaf was issued by somebody's imported self-signed certificate, CA or not.
    fn issue_from_import(&mut self, dice: &mut StdRng) {
        let name = "imported.example.com";
        let import = Blueprint::self_signed(name, Key::Ec(35)).with(|b| {
            (b.basic, b.key_usage) = [(Basic::NotCa, None), (Basic::Ca, None)][dice.random_range(0..2)];
        });
        self.more_stored.push(import);
        let leaf = &mut self.path[0];
        (leaf.issuer, leaf.signer) = (name.to_owned(), Key::Ec(35));
        leaf.authority_key_id = leaf.authority_key_id.map(|_| Key::Ec(35).id());
    }

    /// Names that are the same as text and not as bytes.
    fn spell(&mut self, dice: &mut StdRng) {
        let spellings =
            [Spelling::Printable, Spelling::Bmp, Spelling::UpperCase, Spelling::Spaced, Spelling::Plain];
        for blueprint in &mut self.path {
            let mut any = || spellings[dice.random_range(0..spellings.len())];
            blueprint.spelling = (any(), any());
        }
    }

    /// A CA with a letter in its name that each string type writes in its own way.
    fn use_umlauts(&mut self, dice: &mut StdRng) {
        let spellings = [Spelling::Teletex, Spelling::Bmp, Spelling::Plain];
        let mut any = || spellings[dice.random_range(0..spellings.len())];
        let name = |name: &str| name.replace("CA", "Züri");
        for blueprint in &mut self.path {
            (blueprint.subject, blueprint.issuer) = (name(&blueprint.subject), name(&blueprint.issuer));
            blueprint.spelling = (any(), any());
        }
    }

    /// A certificate of the path has this key, and with it signs what is below it.
    fn use_key(&mut self, dice: &mut StdRng, key: impl Fn(&mut StdRng) -> Key) {
        let index = dice.random_range(0..self.path.len());
        let key = key(dice);
        self.path[index].key = key;
        self.path[index].subject_key_id = None;
        if self.path[index].subject == self.path[index].issuer {
            (self.path[index].signer, self.path[index].authority_key_id) = (key, None);
        }
        if index > 0 {
            (self.path[index - 1].signer, self.path[index - 1].authority_key_id) = (key, None);
        }
    }

    /// Policies that OpenSSL takes note of and, without being asked, does not enforce.
    fn add_policies(&mut self, dice: &mut StdRng) {
        let any_policy = vec![0x30, 8, 0x30, 6, 6, 4, 0x55, 0x1d, 0x20, 0];
        let choices = [(32, any_policy), (36, vec![0x30, 3, 0x80, 1, 0]), (54, vec![2, 1, 0])];
        let (last, content) = choices[dice.random_range(0..choices.len())].clone();
        self.any(dice).critical_extensions.push((vec![2, 5, 29, last], content));
    }

    /// A CA that permits or excludes a directory name.
    fn constrain_directory(&mut self, dice: &mut StdRng) {
        let index = self.any_ca(dice);
        let name = ["peer.example.com", "other.example.com"][dice.random_range(0..2)];
        let attribute = [tlv(6, &[0x55, 4, 3]), tlv(0x0c, name.as_bytes())].concat();
        let directory = tlv(0x30, &tlv(0x31, &tlv(0x30, &attribute)));
        let subtree = tlv(0x30, &tlv(0xa4, &directory));
        let content = tlv(0x30, &tlv([0xa0, 0xa1][dice.random_range(0..2)], &subtree));
        self.path[index].critical_extensions.push((vec![2, 5, 29, 30], content));
    }

    /// The store has the root under several dates and keys, one of which works.
    fn renew_root(&mut self, dice: &mut StdRng) {
        let root = self.path[self.root()].clone();
        for number in 0..3 {
            let mut other = root.clone();
            other.serial += 1 + number;
            other.years = (dice.random_range(2015..2026), dice.random_range(2027..2040));
            if dice.random() {
                other.key = if root.key.is_rsa() { Key::Rsa(7) } else { Key::Ec(36) };
                other.signer = other.key;
                (other.subject_key_id, other.authority_key_id) = (None, None);
            }
            self.more_stored.push(other);
        }
    }

    /// What two twists together made impossible to sign: nobody has the weak key, and only RSA claims SHA-1.
    fn settle(&mut self) {
        let all = [&mut self.path, &mut self.more_sent, &mut self.more_stored];
        for blueprint in all.into_iter().flatten() {
            if blueprint.signer == Key::Weak {
                blueprint.signer = Key::Rsa(7);
            }
            blueprint.sha1 &= blueprint.signer.is_rsa();
        }
    }

    /// Makes the certificates, asks both, and says what OpenSSL said.
    pub(crate) fn judge(&mut self, dice: &mut StdRng, oracle: &Oracle, case: &str) -> (u16, u8) {
        self.settle();
        let made: Vec<_> = self.path.iter().map(Blueprint::make).collect();
        let mut sent: Vec<_> = self.sent.iter().filter_map(|index| made.get(*index).cloned()).collect();
        sent.extend(self.more_sent.iter().map(Blueprint::make));
        let mut stored: Vec<_> = self.stored.iter().filter_map(|index| made.get(*index).cloned()).collect();
        stored.extend(self.more_stored.iter().map(Blueprint::make));
        shuffle(dice, &mut sent);
        shuffle(dice, &mut stored);
        let chain = [vec![made[0].clone()], sent].concat();
        let live = oracle.verify(&chain, &stored, self.purpose, NOW, &[]);
        let ours = judge(&chain, &stored, self.purpose, NOW);
        assert!(live.0 != 0 || ours.is_ok(), "{case}: openssl accepts, we say {ours}");
        // Where OpenSSL's verdict hangs on the order of the store, ours is the one of some order.
        let same = |live: (u16, u8)| (ours.code(), ours.depth()) == live;
        let mut orders = Orders::of(stored);
        let agrees =
            same(live) || orders.any(|stored| same(oracle.verify(&chain, &stored, self.purpose, NOW, &[])));
        assert!(agrees, "{case}: openssl says {live:?}, we {ours}, whatever the order of the store");
        (ours.code(), ours.depth())
    }
}

/// The orders of a store, each of its certificates as far to the front as it goes.
struct Orders(Vec<Vec<Certificate>>);

impl Orders {
    fn of(stored: Vec<Certificate>) -> Orders {
        let mut all = vec![Vec::new()];
        for certificate in stored {
            let places = |order: &Vec<Certificate>| {
                let insert = |at: usize| {
                    let mut longer = order.clone();
                    longer.insert(at, certificate.clone());
                    longer
                };
                (0..=order.len()).map(insert).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(places).collect();
        }
        Orders(all)
    }
}

impl Iterator for Orders {
    type Item = Vec<Certificate>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.pop()
    }
}

fn any_key(dice: &mut StdRng, level: usize) -> Key {
    let number = u8::try_from(level).expect("few levels") + 1;
    match dice.random_range(0..8) {
        0 => Key::Rsa(number),
        1 => Key::P384(number),
        2 => Key::Ed25519(number),
        _ => Key::Ec(number),
    }
}

fn one_in(dice: &mut StdRng, sides: u32) -> bool {
    dice.random_range(0..sides) == 0
}

fn shuffle<T>(dice: &mut StdRng, items: &mut [T]) {
    for at in (1..items.len()).rev() {
        items.swap(at, dice.random_range(0..=at));
    }
}
