//! The scenarios: who carries and trusts what, what each side sees, and what a trainee learns from it.
//!
//! Outcomes and their causes are those of Cisco's document 200694, "Configure and Troubleshoot Joining Clusters for
//! ILS".

use std::fmt;

use ils_core::outcome::Outcome;
use serde::{Serialize, Serializer};

use crate::error::LabError;
use crate::process::Side;

/// The four ways to authenticate, as procedures. A node itself knows only the two boxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Method 1: the same password on both sides, port 7502
    #[default]
    Password,
    /// Method 2: each side's certificate in the other's tomcat-trust, port 7501
    Tls,
    /// Method 3: CA-signed certificates and the same password, port 7501
    TlsPassword,
    /// Method 4: joined with the password, then both switched to CA-signed certificates
    PasswordThenTls,
}

/// The two check boxes of the ILS Configuration page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TwoBoxes {
    pub(crate) tls: bool,
    pub(crate) password: bool,
}

impl Method {
    /// All four, in the document's order.
    pub const ALL: [Self; 4] = [Self::Password, Self::Tls, Self::TlsPassword, Self::PasswordThenTls];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Tls => "tls",
            Self::TlsPassword => "tls-password",
            Self::PasswordThenTls => "password-then-tls",
        }
    }

    /// What it is, in words.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Password => "the same password on both sides, on port 7502 without TLS",
            Self::Tls => "TLS on port 7501, each side's certificate in the other's tomcat-trust",
            Self::TlsPassword => "TLS on port 7501 with CA-signed certificates, and the same password",
            Self::PasswordThenTls => {
                "joined with the password on 7502, then both switched to TLS on 7501 with CA-signed certificates"
            }
        }
    }

    /// The boxes that both nodes start with.
    pub(crate) fn boxes(self) -> TwoBoxes {
        TwoBoxes { tls: matches!(self, Self::Tls | Self::TlsPassword), password: self != Self::Tls }
    }

    /// Does it change the boxes while the nodes run?
    pub(crate) fn switches(self) -> bool {
        self == Self::PasswordThenTls
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The tomcat certificate that a node carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carried {
    /// None: the method needs none.
    Nothing,
    /// Signed by the lab CA.
    CaSigned,
    /// Signed by itself, as after an installation.
    SelfSigned,
}

/// What a node has in its tomcat-trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trusted {
    /// The root of the lab CA.
    Root,
    /// The very certificate that the other side carries.
    OtherSide,
}

/// One node's certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Equipment {
    /// Its own.
    pub carried: Carried,
    /// Its tomcat-trust.
    pub trusted: &'static [Trusted],
}

/// How the judged attempt ends on each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Wanted {
    /// As the hub sees it.
    pub hub: Outcome,
    /// As the spoke sees it.
    pub spoke: Outcome,
}

impl Wanted {
    /// Of this side.
    pub fn of(&self, side: Side) -> Outcome {
        match side {
            Side::Hub => self.hub,
            Side::Spoke => self.spoke,
        }
    }
}

/// What there is to learn from a fault: a line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lesson {
    /// Why it does not join.
    pub cause: &'static str,
    /// What makes it join.
    pub cure: &'static str,
    /// The command to try next while the demo of it runs.
    pub next: &'static str,
}

/// One documented outcome, and how it comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// `METHOD/CASE`.
    pub id: &'static str,
    /// The procedure.
    pub method: Method,
    /// What happens, in a line.
    pub title: &'static str,
    /// The hub's certificates.
    pub hub: Equipment,
    /// The spoke's certificates.
    pub spoke: Equipment,
    /// Do both have the same password?
    pub same_password: bool,
    /// What is seen where all is as documented.
    pub wanted: Wanted,
    /// Why it fails; absent where it joins.
    pub lesson: Option<Lesson>,
}

impl Scenario {
    /// The scenario with this ID.
    pub fn find(id: &str) -> Option<&'static Self> {
        CATALOGUE.iter().find(|scenario| scenario.id == id)
    }

    /// The scenarios of a method.
    pub fn of_method(method: Method) -> impl Iterator<Item = &'static Self> {
        CATALOGUE.iter().filter(move |scenario| scenario.method == method)
    }

    /// The scenario of a method and a fault; no fault, or `joined`, is the join.
    ///
    /// # Errors
    /// [`LabError::NoSuchFault`], with those that the method has.
    pub(crate) fn chosen(method: Method, fault: &str) -> Result<&'static Self, LabError> {
        let case = if fault.is_empty() { "joined" } else { fault };
        let cases = || Self::of_method(method).map(Self::case);
        Self::of_method(method).find(|scenario| scenario.case() == case).ok_or_else(|| {
            LabError::NoSuchFault {
                method: method.name(),
                fault: fault.to_owned(),
                faults: cases().filter(|case| *case != "joined").collect::<Vec<_>>().join(", "),
            }
        })
    }

    /// What is wrong: the ID after the slash; `joined` where nothing is.
    pub fn case(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(_, case)| case)
    }

    /// One side's certificates.
    pub fn equipment(&self, side: Side) -> Equipment {
        match side {
            Side::Hub => self.hub,
            Side::Spoke => self.spoke,
        }
    }

    /// The command that shows it live.
    pub fn demo_command(&self) -> String {
        match self.case() {
            "joined" => format!("ilslab demo --method {}", self.method),
            fault => format!("ilslab demo --method {} --fault {fault}", self.method),
        }
    }
}

/// As `scenario list --json` and `scenario show --json` print it.
impl Serialize for Scenario {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut scenario = serializer.serialize_struct("Scenario", 8)?;
        scenario.serialize_field("id", self.id)?;
        scenario.serialize_field("method", &self.method)?;
        scenario.serialize_field("title", self.title)?;
        scenario.serialize_field("hub", &self.hub)?;
        scenario.serialize_field("spoke", &self.spoke)?;
        scenario.serialize_field("same_password", &self.same_password)?;
        scenario.serialize_field("wanted", &self.wanted)?;
        scenario.serialize_field("lesson", &self.lesson)?;
        scenario.end()
    }
}

/// OpenSSL's number of "self signed certificate".
const SELF_SIGNED_NOT_TRUSTED: u16 = 18;

const JOINED: Wanted = Wanted { hub: Outcome::Joined, spoke: Outcome::Joined };
const PASSWORDS_DIFFER: Wanted = Wanted { hub: Outcome::PasswordMismatch, spoke: Outcome::Closed };
const HUB_REFUSED: Wanted = Wanted {
    hub: Outcome::OwnCertificateRejected,
    spoke: Outcome::PeerCertificateRejected(Some(SELF_SIGNED_NOT_TRUSTED)),
};
const SPOKE_REFUSED: Wanted = Wanted {
    hub: Outcome::PeerCertificateRejected(Some(SELF_SIGNED_NOT_TRUSTED)),
    spoke: Outcome::OwnCertificateRejected,
};
const SPOKE_NOT_KNOWN: Wanted = Wanted { hub: Outcome::CertificateNotKnown, spoke: Outcome::Closed };

const NO_CERTIFICATE: Equipment = Equipment { carried: Carried::Nothing, trusted: &[] };
const EXCHANGED: Equipment = Equipment { carried: Carried::SelfSigned, trusted: &[Trusted::OtherSide] };
const CA_SIGNED: Equipment = Equipment { carried: Carried::CaSigned, trusted: &[Trusted::Root] };
const SELF_SIGNED: Equipment = Equipment { carried: Carried::SelfSigned, trusted: &[Trusted::Root] };

const fn joined(id: &'static str, method: Method, title: &'static str, both: Equipment) -> Scenario {
    Scenario { id, method, title, hub: both, spoke: both, same_password: true, wanted: JOINED, lesson: None }
}

/// Every scenario, in the order in which they are listed.
pub const CATALOGUE: &[Scenario] = &[
    joined(
        "password/joined",
        Method::Password,
        "Both have the same password and join on port 7502",
        NO_CERTIFICATE,
    ),
    Scenario {
        id: "password/mismatch",
        title: "The passwords differ: the hub cannot open what the spoke sends",
        same_password: false,
        wanted: PASSWORDS_DIFFER,
        lesson: Some(Lesson {
            cause: "the passwords differ; the hub notices, since it is first to open a sealed frame",
            cure: "enter the same password on both nodes",
            next: "ilslab alarms hub",
        }),
        ..joined("", Method::Password, "", NO_CERTIFICATE)
    },
    joined(
        "tls/joined",
        Method::Tls,
        "Each has the other's self-signed certificate in its tomcat-trust, and they join on port 7501",
        EXCHANGED,
    ),
    Scenario {
        id: "tls/hub-not-imported",
        title: "The hub's self-signed certificate is not in the spoke's tomcat-trust",
        spoke: Equipment { carried: Carried::SelfSigned, trusted: &[] },
        wanted: HUB_REFUSED,
        lesson: Some(Lesson {
            cause: "the spoke does not have the hub's self-signed certificate in its tomcat-trust (OpenSSL error 18)",
            cure: "import the hub's tomcat certificate into the spoke's tomcat-trust, then restart the service there",
            next: "ilslab alarms spoke",
        }),
        ..joined("", Method::Tls, "", EXCHANGED)
    },
    Scenario {
        id: "tls/spoke-not-imported",
        title: "The spoke's CA-signed certificate verifies, but the hub has neither imported it nor knows its FQDN",
        hub: SELF_SIGNED,
        spoke: Equipment { carried: Carried::CaSigned, trusted: &[Trusted::OtherSide] },
        wanted: SPOKE_NOT_KNOWN,
        lesson: Some(Lesson {
            cause: "the spoke's certificate is not in the hub's tomcat-trust and its FQDN not in the PeerInfoVector",
            cure: "import the spoke's tomcat certificate into the hub's tomcat-trust, or join by password first (method 4)",
            next: "ilslab admin hub utils ils showpeerinfo",
        }),
        ..joined("", Method::Tls, "", EXCHANGED)
    },
    joined(
        "tls-password/joined",
        Method::TlsPassword,
        "CA-signed certificates, the root on both sides and the same password: no certificate exchanged",
        CA_SIGNED,
    ),
    Scenario {
        id: "tls-password/mismatch",
        title: "The certificates are in order, but the passwords differ",
        same_password: false,
        wanted: PASSWORDS_DIFFER,
        lesson: Some(Lesson {
            cause: "TLS stands, but the passwords differ; the hub notices, since it is first to open a sealed frame",
            cure: "enter the same password on both nodes",
            next: "ilslab alarms hub",
        }),
        ..joined("", Method::TlsPassword, "", CA_SIGNED)
    },
    Scenario {
        id: "tls-password/spoke-self-signed",
        title: "The spoke carries a self-signed certificate: the hub refuses it inside the handshake",
        spoke: SELF_SIGNED,
        wanted: SPOKE_REFUSED,
        lesson: Some(Lesson {
            cause: "the spoke's certificate is self-signed, and method 3 exchanges none (OpenSSL error 18 on the hub)",
            cure: "give the spoke a tomcat certificate signed by the CA whose root the hub has, and restart the service",
            next: "ilslab alarms hub",
        }),
        ..joined("", Method::TlsPassword, "", CA_SIGNED)
    },
    Scenario {
        id: "tls-password/hub-self-signed",
        title: "The hub carries a self-signed certificate: the spoke refuses it inside the handshake",
        hub: SELF_SIGNED,
        wanted: HUB_REFUSED,
        lesson: Some(Lesson {
            cause: "the hub's certificate is self-signed, and method 3 exchanges none (OpenSSL error 18 on the spoke)",
            cure: "give the hub a tomcat certificate signed by the CA whose root the spoke has, and restart the service",
            next: "ilslab alarms spoke",
        }),
        ..joined("", Method::TlsPassword, "", CA_SIGNED)
    },
    Scenario {
        id: "tls-password/both-self-signed",
        title: "Both certificates are self-signed: the spoke looks first, so only its side shows it",
        hub: SELF_SIGNED,
        spoke: SELF_SIGNED,
        wanted: HUB_REFUSED,
        lesson: Some(Lesson {
            cause: "both certificates are self-signed; the spoke looks at the hub's first and ends it (OpenSSL error 18)",
            cure: "give both nodes tomcat certificates signed by a CA whose root both have, and restart the services",
            next: "ilslab alarms spoke",
        }),
        ..joined("", Method::TlsPassword, "", CA_SIGNED)
    },
    joined(
        "password-then-tls/joined",
        Method::PasswordThenTls,
        "Joined by password, switched to TLS, joined again because each knows the other's FQDN",
        CA_SIGNED,
    ),
    Scenario {
        id: "password-then-tls/hub-self-signed",
        title: "Joined by password; after the switch the spoke refuses the hub's self-signed certificate",
        hub: SELF_SIGNED,
        wanted: HUB_REFUSED,
        lesson: Some(Lesson {
            cause: "the hub's certificate is self-signed, which shows only after the switch (OpenSSL error 18 on the spoke)",
            cure: "give the hub a tomcat certificate signed by the CA whose root the spoke has, and restart the service",
            next: "ilslab alarms spoke",
        }),
        ..joined("", Method::PasswordThenTls, "", CA_SIGNED)
    },
    Scenario {
        id: "password-then-tls/spoke-self-signed",
        title: "Joined by password; after the switch the hub refuses the spoke's self-signed certificate",
        spoke: SELF_SIGNED,
        wanted: SPOKE_REFUSED,
        lesson: Some(Lesson {
            cause: "the spoke's certificate is self-signed, which shows only after the switch (OpenSSL error 18 on the hub)",
            cure: "give the spoke a tomcat certificate signed by the CA whose root the hub has, and restart the service",
            next: "ilslab alarms hub",
        }),
        ..joined("", Method::PasswordThenTls, "", CA_SIGNED)
    },
];

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
