//! Why an attempt ended as it did and what helps, for every outcome: what is said where a result is not as wanted.

use ils_core::outcome::Outcome;

/// Cause and cure of an outcome, a line each; for a join, there is none.
pub(crate) fn remedy(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Joined => ("the nodes joined", "nothing: the fault that was to be shown did not show"),
        Outcome::RefusedConnection => (
            "nothing listened on the port: the boxes of the two nodes differ, or the hub was not up",
            "tick the same boxes on both nodes, and start the hub",
        ),
        Outcome::Unreachable => {
            ("the hub's address did not answer", "correct the registration server, open the firewall")
        }
        Outcome::Local => (
            "this node had no descriptor, port, address or route of its own to dial with",
            "see what the attempt says; raise the limit of open files, or correct --dial-from",
        ),
        Outcome::Timeout => ("the peer was silent during the handshake", "look at the other side's trace"),
        Outcome::PeerCertificateRejected(_) => (
            "the peer's certificate did not verify against this node's tomcat-trust",
            "import the peer's certificate or its root, then restart the service",
        ),
        Outcome::OwnCertificateRejected => (
            "the peer refused this node's certificate",
            "import this node's certificate or its root on the other side, then restart the service there",
        ),
        Outcome::CertificateNotKnown => (
            "the certificate verified, but is not in tomcat-trust and its FQDN is not in the PeerInfoVector",
            "import the certificate, or join by password first",
        ),
        Outcome::FqdnMismatch => (
            "the peer claims an FQDN that its certificate does not carry",
            "issue a certificate for the FQDN of the node",
        ),
        Outcome::PasswordMismatch => ("the passwords differ", "enter the same password on both nodes"),
        Outcome::MethodMismatch => {
            ("one side uses a password on 7501, the other does not", "tick the same boxes on both nodes")
        }
        Outcome::DuplicateClusterId => {
            ("two clusters have the same cluster ID", "give each a cluster ID of its own")
        }
        Outcome::DefaultClusterId => {
            ("a node still has the cluster ID StandAloneCluster", "give it one of its own")
        }
        Outcome::ProtocolVersion => {
            ("the nodes have no protocol version in common", "run the same release on both")
        }
        Outcome::TlsVersion => ("the nodes have no TLS version in common", "align --tls-min and --tls-max"),
        Outcome::NotIls => ("what answered does not speak this protocol", "see what listens on that port"),
        Outcome::ProtocolError => ("the peer broke a rule of the protocol", "run the same release on both"),
        Outcome::DuplicateIdentity => (
            "peer ID, FQDN or route string belong to another cluster",
            "make them unique, or disconnect a cluster that was rebuilt",
        ),
        Outcome::PeerLimit => (
            "one of the nodes knows as many clusters as it can",
            "disconnect clusters that are gone, then join again",
        ),
        Outcome::RoleChanged => ("a known cluster came back in another role", "disconnect it first"),
        Outcome::Temporary => {
            ("the join could not be stored", "see that the disk has room and can be written")
        }
        Outcome::Unresponsive => ("the peer fell silent", "see whether it still runs"),
        Outcome::Closed => ("the peer closed without saying why", "look at the other side's trace"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_cause_and_a_cure_of_its_own_line() {
        for outcome in Outcome::all() {
            let (cause, cure) = remedy(outcome);
            for line in [cause, cure] {
                assert!(!line.is_empty() && !line.contains('\n'), "{outcome}");
            }
        }
    }
}
