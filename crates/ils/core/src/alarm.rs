//! The alarm catalogue `UC_ILS`, and which alarms stand.
//!
//! Event -> [`crate::intent`] -> [`Standing::raise`] -> Some(Alarm) once per key while it stands

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::limits;
use crate::listing::Listing;
use crate::time::Timestamp;

/// Names in the catalogue. Texts and severities are Cisco's; see `sdl` for how they are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum AlarmName {
    /// The hub cannot be reached.
    #[serde(rename = "ILSHubClusterUnreachable")]
    HubClusterUnreachable,
    /// A payload did not decrypt.
    #[serde(rename = "ILSPwdAuthenticationFailed")]
    PwdAuthenticationFailed,
    /// A certificate is not trusted.
    #[serde(rename = "ILSTLSAuthenticationFailed")]
    TlsAuthenticationFailed,
    /// One cluster ID twice, or the default one.
    #[serde(rename = "ILSDuplicateClusterID")]
    DuplicateClusterId,
    /// Connected, then silent.
    #[serde(rename = "ILSRemoteHostUnresponsive")]
    RemoteHostUnresponsive,
    /// An incoming connection was rejected.
    #[serde(rename = "ILSUnacceptableConnectionAttempt")]
    UnacceptableConnectionAttempt,
    /// Incompatible version.
    #[serde(rename = "ILSProtocolVersion")]
    ProtocolVersion,
    /// Database error.
    #[serde(rename = "ILSDBLException")]
    DblException,
    /// More than 200 peers.
    #[serde(rename = "ILSPeerLimitExceeded")]
    PeerLimitExceeded,
    /// 90 % of 200.
    #[serde(rename = "ILSPeerLimitApproachingWarning")]
    PeerLimitApproachingWarning,
    /// Port taken at start.
    #[serde(rename = "ILSTCPInUse")]
    TcpInUse,
    /// Port cannot be opened.
    #[serde(rename = "ILSTCPListenError")]
    TcpListenError,
}

impl AlarmName {
    /// As the catalogue spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HubClusterUnreachable => "ILSHubClusterUnreachable",
            Self::PwdAuthenticationFailed => "ILSPwdAuthenticationFailed",
            Self::TlsAuthenticationFailed => "ILSTLSAuthenticationFailed",
            Self::DuplicateClusterId => "ILSDuplicateClusterID",
            Self::RemoteHostUnresponsive => "ILSRemoteHostUnresponsive",
            Self::UnacceptableConnectionAttempt => "ILSUnacceptableConnectionAttempt",
            Self::ProtocolVersion => "ILSProtocolVersion",
            Self::DblException => "ILSDBLException",
            Self::PeerLimitExceeded => "ILSPeerLimitExceeded",
            Self::PeerLimitApproachingWarning => "ILSPeerLimitApproachingWarning",
            Self::TcpInUse => "ILSTCPInUse",
            Self::TcpListenError => "ILSTCPListenError",
        }
    }

    /// What its key names.
    pub fn key_of(self) -> KeyOf {
        match self {
            Self::DuplicateClusterId => KeyOf::Cluster,
            Self::DblException
            | Self::PeerLimitExceeded
            | Self::PeerLimitApproachingWarning
            | Self::TcpInUse
            | Self::TcpListenError => KeyOf::Service,
            Self::HubClusterUnreachable
            | Self::PwdAuthenticationFailed
            | Self::TlsAuthenticationFailed
            | Self::RemoteHostUnresponsive
            | Self::UnacceptableConnectionAttempt
            | Self::ProtocolVersion => KeyOf::Host,
        }
    }

    /// Counted in `mAlarmedConnections`: an alarm about who may connect.
    fn is_of_a_connection(self) -> bool {
        matches!(self, Self::PwdAuthenticationFailed | Self::TlsAuthenticationFailed)
    }
}

impl fmt::Display for AlarmName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the key of an alarm names. They are kept apart, since a cluster ID may read like an address, or `database`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOf {
    /// Where a connection came from or went to: an address, a host name, the FQDN of a certificate.
    Host,
    /// A cluster ID.
    Cluster,
    /// A part of the service itself.
    Service,
}

/// An alarm that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Its name.
    pub name: AlarmName,
    /// What it stands for: remote address, FQDN, cluster ID, port. One alarm a name and key.
    pub key: String,
    /// Its parameters, in the catalogue's order.
    pub parameters: Vec<(&'static str, String)>,
    /// Since when.
    pub since: Timestamp,
}

/// The alarms that stand, oldest first; at most [`limits::ALARMED_CONNECTIONS`].
#[derive(Debug, Default)]
pub struct Standing {
    alarms: VecDeque<Alarm>,
    listed: Listing<Alarm>,
}

impl Standing {
    /// Lets an alarm stand. `true` where it did not stand before: only then is it written anywhere.
    pub fn raise(&mut self, alarm: Alarm) -> bool {
        if self.alarms.iter().any(|old| old.name == alarm.name && old.key == alarm.key) {
            return false;
        }
        while self.alarms.len() >= limits::ALARMED_CONNECTIONS {
            // Strangers with many addresses push out one another's alarms, not those of the service.
            let oldest = self.alarms.iter().position(|old| old.name.key_of() != KeyOf::Service);
            self.alarms.remove(oldest.unwrap_or(0));
        }
        self.alarms.push_back(alarm);
        self.listed.stale();
        true
    }

    /// Ends every alarm with one of these keys; answers whether any stood.
    pub fn clear(&mut self, of: KeyOf, keys: &[&str]) -> bool {
        self.keep(|alarm| alarm.name.key_of() != of || !keys.contains(&alarm.key.as_str()))
    }

    /// The network has so many clusters: ends the alarms whose bound it is under again.
    pub fn clear_peer_limits(&mut self, count: usize) {
        self.keep(|alarm| match alarm.name {
            AlarmName::PeerLimitExceeded => count > limits::PEERS_ADVERTISED,
            AlarmName::PeerLimitApproachingWarning => count >= limits::PEERS_WARNING,
            _ => true,
        });
    }

    /// Ends all of them: a service restart.
    pub fn clear_all(&mut self) {
        self.keep(|_| false);
    }

    /// Ends the others; answers whether there were any.
    fn keep(&mut self, stays: impl FnMut(&Alarm) -> bool) -> bool {
        let before = self.alarms.len();
        self.alarms.retain(stays);
        let ended = self.alarms.len() != before;
        if ended {
            self.listed.stale();
        }
        ended
    }

    /// Those that stand, oldest first, as snapshots share them.
    pub(crate) fn listed(&self) -> Arc<Vec<Alarm>> {
        self.listed.share(|| self.alarms.iter().cloned())
    }

    /// Those that stand, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.iter()
    }

    /// `mAlarmedConnections`: keys of connections with an alarm standing.
    pub fn alarmed_connections(&self) -> usize {
        let mut keys: Vec<&str> = self
            .alarms
            .iter()
            .filter(|alarm| alarm.name.is_of_a_connection())
            .map(|alarm| alarm.key.as_str())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys.len()
    }
}

#[cfg(test)]
#[path = "alarm_tests.rs"]
mod tests;
