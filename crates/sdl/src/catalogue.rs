//! The alarm catalogue `UC_ILS`: severities, texts, parameters, RTMT alerts, and the line in `CiscoSyslog`.
//!
//! Names, severities, parameters and RTMT alerts are Cisco's; the texts are \[lab\].

use ilslab_core::alarm::{Alarm, AlarmName};
use ilslab_core::trust::{escape, escape_name};

use crate::stamp::{UtcOffset, rfc3164};

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
    /// What happened, in a sentence without its full stop.
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
        AlarmName::HubClusterUnreachable => (
            3,
            &["HubCluster", "ConnDetails"],
            Some(Alert),
            "The hub cluster cannot be reached; the connection is tried again",
        ),
        AlarmName::PwdAuthenticationFailed => (
            3,
            &["IPAddress"],
            Some(Alert),
            "Data from a remote cluster could not be decrypted; enter the same ILS password in both clusters",
        ),
        AlarmName::TlsAuthenticationFailed => (
            3,
            &["Cluster1"],
            Some(Alert),
            "The certificate of a remote cluster was not accepted; check the tomcat certificates and tomcat-trust of both clusters",
        ),
        AlarmName::DuplicateClusterId => (
            3,
            &["EntClusterID"],
            None,
            "Two clusters have the same cluster ID, or one still has the default; give each its own and restart the service",
        ),
        AlarmName::RemoteHostUnresponsive => (
            3,
            &["ClusterId", "ConnectionDetail"],
            None,
            "A remote cluster is connected but does not answer; the connection was dropped and is tried again",
        ),
        AlarmName::UnacceptableConnectionAttempt => (
            3,
            &["Reason", "ConnectionDetail"],
            None,
            "A remote cluster tried to connect and was turned away",
        ),
        AlarmName::ProtocolVersion => (
            3,
            &["ClusterId", "ConnectionDetail"],
            None,
            "A remote cluster speaks no protocol version in common with this one; the connection was dropped",
        ),
        AlarmName::DblException => (
            3,
            &["DBLException"],
            None,
            "The database reported an error; what could not be stored was not acknowledged",
        ),
        AlarmName::PeerLimitExceeded => (
            3,
            &["MaxPeerCount"],
            Some(Alert),
            "The network has more clusters than can be advertised; disconnect obsolete peers",
        ),
        AlarmName::PeerLimitApproachingWarning => (
            4,
            &["CurrentPeerCount"],
            Some(Critical),
            "The network has nearly as many clusters as can be advertised; disconnect obsolete peers",
        ),
        AlarmName::TcpInUse => {
            (2, &["PortNumber"], None, "The port is taken by another process; the service ends")
        }
        AlarmName::TcpListenError => {
            (2, &["PortNumber"], None, "The port cannot be opened; the service ends")
        }
    };
    Entry { name, severity, parameters, rtmt, text }
}

/// Whose alarms they are: the last parameters of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmSource {
    /// `ClusterID`.
    pub cluster_id: String,
    /// `NodeID`: the FQDN of the publisher.
    pub node_id: String,
}

/// The alarm from `%UC_ILS` on: what reads the same in syslog, API and terminal. Values are escaped.
pub fn alarm_text(alarm: &Alarm, source: &AlarmSource) -> String {
    let Entry { severity, text, .. } = entry(alarm.name);
    let own = alarm.parameters.iter().map(|(name, value)| (*name, value.as_str()));
    let common = [("AppID", APP_ID), ("ClusterID", &source.cluster_id), ("NodeID", &source.node_id)];
    let parameters: String =
        own.chain(common).map(|(name, value)| format!("[{name}={}]", escape_name(value))).collect();
    format!("%UC_ILS-{severity}-{}: %{parameters}: {text}", alarm.name)
}

/// The alarm's line in `CiscoSyslog`, without its line break: the stamp, host and tag of RFC 3164, then the text.
pub fn syslog_line(alarm: &Alarm, source: &AlarmSource, offset: UtcOffset) -> String {
    let stamp = rfc3164(alarm.since, offset);
    format!("{stamp} {} ils: {}", escape(&source.node_id), alarm_text(alarm, source))
}

#[cfg(test)]
mod tests {
    use ilslab_core::event::{Direction, Happening, Noted, ServiceEvent};
    use ilslab_core::outcome::Outcome;

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

    /// One event for each alarm of the catalogue.
    fn an_event_for_each_alarm() -> Vec<Noted> {
        let closed = |outcome| {
            let (detail, claim) = ("told why".to_owned(), "StandAloneCluster".to_owned());
            let happening = Happening::ClosedHere { outcome, detail, claim, certificate: None };
            sample::noted(Direction::Accepted, false, happening)
        };
        let service = |event| sample::service(sample::AT, event);
        let (outcome, error) = (Outcome::RefusedConnection, "Connection refused".to_owned());
        let not_connected = Happening::NotConnected { outcome, error, quiet: false };
        vec![
            sample::noted(Direction::Dialled, false, not_connected),
            sample::noted(Direction::Accepted, false, Happening::OpenFailed),
            sample::noted(Direction::Accepted, true, Happening::NotKnown { name: "a.example".into() }),
            closed(Outcome::DefaultClusterId),
            closed(Outcome::Unresponsive),
            closed(Outcome::RoleChanged),
            closed(Outcome::ProtocolVersion),
            service(ServiceEvent::StoreFailed { error: "disk full".into() }),
            service(ServiceEvent::PeerCount { count: 201 }),
            service(ServiceEvent::PeerCount { count: 180 }),
            service(ServiceEvent::PortInUse { port: 7501 }),
            service(ServiceEvent::ListenFailed { port: 7501, error: "no".into() }),
        ]
    }

    #[test]
    fn every_alarm_is_raised_with_the_parameters_of_its_entry() {
        let mut raised = Vec::new();
        for noted in an_event_for_each_alarm() {
            let alarm = sample::raise(noted).raised.expect("raised");
            let parameters: Vec<_> = alarm.parameters.iter().map(|(name, _)| *name).collect();
            assert_eq!(parameters, entry(alarm.name).parameters, "{}", alarm.name);
            raised.push(alarm.name);
        }
        assert_eq!(raised, NAMES);
    }

    #[test]
    fn an_alarm_reads_as_syslog_has_it() {
        let alarm = sample::alarm(AlarmName::PwdAuthenticationFailed, "IPAddress", "10.106.104.201");
        assert_eq!(
            syslog_line(&alarm, &sample::source(), UtcOffset::UTC),
            "Aug 26 16:58:42 cucm1150.adfs.uccs.com ils: %UC_ILS-3-ILSPwdAuthenticationFailed: \
             %[IPAddress=10.106.104.201][AppID=Cisco Intercluster Lookup Service][ClusterID=2]\
             [NodeID=cucm1150.adfs.uccs.com]: Data from a remote cluster could not be decrypted; \
             enter the same ILS password in both clusters"
        );
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
