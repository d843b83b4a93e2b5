//! Keys and certificates of a run: each made once, and only those that some scenario needs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::catalogue::{Carried, Scenario, Trusted};
use crate::certs::{AUTHORITY_DAYS, Authority, CertsError, DEFAULT_DAYS, Identity, Key, KeyKind, Validity};
use crate::process::Side;

/// The FQDN of a lab's node, in its certificates and its options.
pub(crate) fn fqdn(side: Side) -> &'static str {
    match side {
        Side::Hub => "hub.lab.example",
        Side::Spoke => "spoke.lab.example",
    }
}

/// The lab CA's root and the nodes' certificates with their keys.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// The CA, where some scenario needs it: whoever repairs a pair has it sign.
    root: Option<Identity>,
    identities: BTreeMap<(Side, Carried), Identity>,
}

/// What some scenarios need.
#[derive(Debug, Default, PartialEq, Eq)]
struct Needed {
    root: bool,
    identities: BTreeSet<(Side, Carried)>,
}

impl Needed {
    fn by<'a>(scenarios: impl IntoIterator<Item = &'a Scenario>) -> Self {
        let mut needed = Self::default();
        for scenario in scenarios {
            for side in Side::BOTH {
                let equipment = scenario.equipment(side);
                let signed = equipment.carried == Carried::CaSigned;
                needed.root |= signed || equipment.trusted.contains(&Trusted::Root);
                if equipment.carried != Carried::Nothing {
                    needed.identities.insert((side, equipment.carried));
                }
            }
        }
        needed
    }

    fn keys(&self) -> usize {
        self.identities.len().saturating_add(usize::from(self.root))
    }
}

impl Credentials {
    /// Makes what these scenarios need; `progress` hears of each key.
    ///
    /// # Errors
    /// Those of making keys and certificates.
    pub(crate) fn make<'a>(
        scenarios: impl IntoIterator<Item = &'a Scenario>, kind: KeyKind, now: SystemTime,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, CertsError> {
        let needed = Needed::by(scenarios);
        let mut keys = Key::several(kind, needed.keys(), progress)?.into_iter();
        let mut next = || keys.next().map_or_else(|| Key::make(kind), Ok);
        let life = Validity::starting(now, AUTHORITY_DAYS)?;
        let authority = match needed.root {
            true => Some(Authority::make(next()?, life)?),
            false => None,
        };
        let validity = Validity::starting(now, DEFAULT_DAYS)?;
        let mut identities = BTreeMap::new();
        for (side, carried) in needed.identities {
            let key = next()?;
            let identity = match (&authority, carried) {
                (Some(authority), Carried::CaSigned) => authority.identity(fqdn(side), &key, validity)?,
                _ => Identity::self_signed(fqdn(side), &key, validity)?,
            };
            identities.insert((side, carried), identity);
        }
        let root = authority.map(|authority| Identity {
            cert_pem: authority.root_pem().to_owned(),
            key_pem: authority.key_pem(),
        });
        Ok(Self { root, identities })
    }

    /// The lab CA with its key, where some scenario needed one.
    pub(crate) fn root(&self) -> Option<&Identity> {
        self.root.as_ref()
    }

    /// The certificate and key that this side carries in a scenario.
    pub(crate) fn carried(&self, scenario: &Scenario, side: Side) -> Option<&Identity> {
        self.identities.get(&(side, scenario.equipment(side).carried))
    }

    /// The tomcat-trust of this side in a scenario: file names and PEM.
    pub(crate) fn trusted(&self, scenario: &Scenario, side: Side) -> Vec<(String, &str)> {
        let other = self.carried(scenario, side.other());
        let entry = |trusted: &Trusted| match trusted {
            Trusted::Root => Some(("lab-root.pem".to_owned(), self.root.as_ref()?.cert_pem.as_str())),
            Trusted::OtherSide => Some((format!("{}.pem", side.other()), other?.cert_pem.as_str())),
        };
        scenario.equipment(side).trusted.iter().filter_map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::catalogue::CATALOGUE;
    use super::*;

    fn scenario(id: &str) -> &'static Scenario {
        Scenario::find(id).expect("a scenario")
    }

    #[test]
    fn only_keys_that_are_needed_are_made() {
        for (ids, want) in [
            (&["password/joined", "password/mismatch"][..], 0),
            (&["tls/joined"], 2),
            (&["tls/joined", "tls/hub-not-imported"], 2),
            (&["tls/spoke-not-imported"], 3),
            (&["tls-password/joined"], 3),
            (&["tls-password/both-self-signed"], 3),
            (&["tls-password/joined", "tls-password/spoke-self-signed"], 4),
        ] {
            let needed = Needed::by(ids.iter().map(|id| scenario(id)));
            assert_eq!(needed.keys(), want, "{ids:?}");
        }
        assert_eq!(Needed::by(CATALOGUE).keys(), 5);
    }

    #[test]
    fn each_side_carries_and_trusts_what_its_scenario_says() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let mut told = 0;
        let made = Credentials::make(CATALOGUE, KeyKind::P256, now, &mut |_| told += 1).expect("made");
        assert_eq!(told, 5);
        for scenario in CATALOGUE {
            for side in Side::BOTH {
                let equipment = scenario.equipment(side);
                let carries = made.carried(scenario, side).is_some();
                assert_eq!(carries, equipment.carried != Carried::Nothing, "{} {side}", scenario.id);
                let trusted = made.trusted(scenario, side);
                assert_eq!(trusted.len(), equipment.trusted.len(), "{} {side}", scenario.id);
            }
        }
        let exchanged = scenario("tls/joined");
        let hub = made.carried(exchanged, Side::Hub).expect("carried");
        assert_eq!(made.trusted(exchanged, Side::Spoke), [("hub.pem".to_owned(), hub.cert_pem.as_str())]);
        let signed = made.carried(scenario("tls-password/joined"), Side::Hub).expect("carried");
        assert_ne!(signed.cert_pem, hub.cert_pem);
    }
}
