//! The alarm catalogue `UC_ILS`: severities, texts, parameters and RTMT alerts, all of them Cisco's.
//!
//! The texts are literally those of Cisco's alarm lists (12.5 to 15), some with two full stops: collectors search for
//! them. What to do about an alarm is said elsewhere.

use ils_core::alarm::{Alarm, AlarmName};
use ilslab_trace::AlarmSource;

/// The service, as alarms name it.
pub const APP_ID: &str = "Cisco Intercluster Lookup Service";

/// How severe the RTMT alert of an alarm is: not the alarm's own severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtmtSeverity {
    /// RTMT's `Alert`.
    Alert,
    /// RTMT's `Critical`.
    Critical,
}

/// What the catalogue says of one alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: AlarmName,
    /// Syslog severity: 2 critical, 3 error, 4 warning.
    pub severity: u8,
    /// Its parameters, in the order in which they are printed.
    pub parameters: &'static [&'static str],
    /// Severity of its RTMT alert, if there is one.
    pub rtmt: Option<RtmtSeverity>,
    /// What happened, as Cisco's alarm list has it, full stops included.
    pub text: &'static str,
}

/// Every name that [`entry`] knows.
pub const NAMES: [AlarmName; 12] = [
    AlarmName::HubClusterUnreachable,
    AlarmName::PwdAuthenticationFailed,
    AlarmName::TlsAuthenticationFailed,
    AlarmName::DuplicateClusterId,
    AlarmName::RemoteHostUnresponsive,
    AlarmName::UnacceptableConnectionAttempt,
    AlarmName::ProtocolVersion,
    AlarmName::DblException,
    AlarmName::PeerLimitExceeded,
    AlarmName::PeerLimitApproachingWarning,
    AlarmName::TcpInUse,
    AlarmName::TcpListenError,
];

/// The entry of an alarm: the catalogue as a table.
pub const fn entry(name: AlarmName) -> Entry {
    use RtmtSeverity::{Alert, Critical};
    let (severity, parameters, rtmt, text): (u8, &'static [&'static str], _, _) = match name {
        AlarmName::HubClusterUnreachable => {
            (3, &["HubCluster", "ConnDetails"], Some(Alert), "Hub cluster unreachable..")
        }
        AlarmName::PwdAuthenticationFailed => (
            3,
            &["IPAddress"],
            Some(Alert),
            "Password authentication failure to cluster in this ILS network.",
        ),
        AlarmName::TlsAuthenticationFailed => {
            (3, &["Cluster1"], Some(Alert), "TLS authentication failure to cluster in this ILS network.")
        }
        AlarmName::DuplicateClusterId => {
            (3, &["EntClusterID"], None, "Duplicate Enterprise Cluster ID found in ILS network.")
        }
        AlarmName::RemoteHostUnresponsive => {
            (3, &["ClusterId", "ConnectionDetail"], None, "No response from host at remote cluster..")
        }
        AlarmName::UnacceptableConnectionAttempt => (
            3,
            &["Reason", "ConnectionDetail"],
            None,
            "A connection from a remote ILS server has been rejected..",
        ),
        AlarmName::ProtocolVersion => (
            3,
            &["ClusterId", "ConnectionDetail"],
            None,
            "Incompatible ILS protocol used by remote cluster..",
        ),
        AlarmName::DblException => (
            3,
            &["DBLException"],
            None,
            "An error occurred while the ILS was performing database activities.",
        ),
        AlarmName::PeerLimitExceeded => (
            3,
            &["MaxPeerCount"],
            Some(Alert),
            "Exceeded maximum number of peers in ILS network(ILSP_MSG_PEER_MAX=200).",
        ),
        AlarmName::PeerLimitApproachingWarning => (
            4,
            &["CurrentPeerCount"],
            Some(Critical),
            "The current peer count has reached 90% or more of the ILS network capacity(ILSP_MSG_PEER_MAX=200).",
        ),
        AlarmName::TcpInUse => (
            2,
            &["PortNumber"],
            None,
            "ILS failed while initializing a TCP port because the port is already in use..",
        ),
        AlarmName::TcpListenError => (2, &["PortNumber"], None, "ILS failed while initializing a TCP port.."),
    };
    Entry { name, severity, parameters, rtmt, text }
}

/// An alarm as a recorder takes it.
pub fn alarm(alarm: &Alarm) -> ilslab_trace::Alarm<'_> {
    let Entry { severity, text, .. } = entry(alarm.name);
    ilslab_trace::Alarm {
        catalogue: "UC_ILS",
        name: alarm.name.as_str(),
        severity,
        app_id: APP_ID,
        parameters: &alarm.parameters,
        text,
        since: alarm.since,
    }
}

/// The alarm from `%UC_ILS` on, as API and terminal show it. Values are escaped, and whole however long they are.
pub fn alarm_text(noted: &Alarm, source: &AlarmSource) -> String {
    alarm(noted).text(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn severities_and_rtmt_alerts_are_the_documented_ones() {
        use RtmtSeverity::{Alert, Critical};
        for (name, severity, rtmt) in [
            ("ILSHubClusterUnreachable", 3, Some(Alert)),
            ("ILSPwdAuthenticationFailed", 3, Some(Alert)),
            ("ILSTLSAuthenticationFailed", 3, Some(Alert)),
            ("ILSDuplicateClusterID", 3, None),
            ("ILSRemoteHostUnresponsive", 3, None),
            ("ILSUnacceptableConnectionAttempt", 3, None),
            ("ILSProtocolVersion", 3, None),
            ("ILSDBLException", 3, None),
            ("ILSPeerLimitExceeded", 3, Some(Alert)),
            ("ILSPeerLimitApproachingWarning", 4, Some(Critical)),
            ("ILSTCPInUse", 2, None),
            ("ILSTCPListenError", 2, None),
        ] {
            let named = NAMES.iter().find(|alarm| alarm.as_str() == name).expect("the catalogue names it");
            let entry = entry(*named);
            assert_eq!((entry.severity, entry.rtmt, entry.name), (severity, rtmt, *named), "{name}");
        }
    }

    #[test]
    fn texts_are_the_documented_ones_to_the_last_full_stop() {
        for (name, text) in [
            ("ILSHubClusterUnreachable", "Hub cluster unreachable.."),
            ("ILSPwdAuthenticationFailed", "Password authentication failure to cluster in this ILS network."),
            ("ILSTLSAuthenticationFailed", "TLS authentication failure to cluster in this ILS network."),
            ("ILSDuplicateClusterID", "Duplicate Enterprise Cluster ID found in ILS network."),
            ("ILSRemoteHostUnresponsive", "No response from host at remote cluster.."),
            ("ILSUnacceptableConnectionAttempt", "A connection from a remote ILS server has been rejected.."),
            ("ILSProtocolVersion", "Incompatible ILS protocol used by remote cluster.."),
            ("ILSDBLException", "An error occurred while the ILS was performing database activities."),
            (
                "ILSPeerLimitExceeded",
                "Exceeded maximum number of peers in ILS network(ILSP_MSG_PEER_MAX=200).",
            ),
            (
                "ILSPeerLimitApproachingWarning",
                "The current peer count has reached 90% or more of the ILS network capacity(ILSP_MSG_PEER_MAX=200).",
            ),
            ("ILSTCPInUse", "ILS failed while initializing a TCP port because the port is already in use.."),
            ("ILSTCPListenError", "ILS failed while initializing a TCP port.."),
        ] {
            let named = NAMES.iter().find(|alarm| alarm.as_str() == name).expect("the catalogue names it");
            assert_eq!(entry(*named).text, text, "{name}");
        }
    }

    #[test]
    fn the_bound_of_two_texts_is_the_bound_in_force() {
        let named = format!("(ILSP_MSG_PEER_MAX={})", ils_core::limits::PEERS_ADVERTISED);
        assert!(entry(AlarmName::PeerLimitExceeded).text.contains(&named));
        assert!(entry(AlarmName::PeerLimitApproachingWarning).text.contains(&named));
    }

    #[test]
    fn every_alarm_is_raised_with_the_parameters_of_its_entry() {
        let mut raised = Vec::new();
        for noted in sample::an_event_for_each_alarm() {
            let alarm = noted.raised.expect("raised");
            let parameters: Vec<_> = alarm.parameters.iter().map(|(name, _)| *name).collect();
            assert_eq!(parameters, entry(alarm.name).parameters, "{}", alarm.name);
            raised.push(alarm.name);
        }
        assert_eq!(raised, NAMES);
    }

    #[test]
    fn a_value_can_forge_neither_a_parameter_nor_a_line() {
        let forged = "x][NodeID=other]: y\nAug 26";
        let text = alarm_text(
            &sample::alarm(AlarmName::TlsAuthenticationFailed, "Cluster1", forged),
            &sample::source(),
        );
        assert!(text.contains("%[Cluster1=x\\x5d[NodeID=other\\x5d: y\\x0aAug 26][AppID="), "{text}");
        assert!(!text.contains('\n'));
    }
}
