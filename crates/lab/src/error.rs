//! Why a demo or a scenario could not be shown: what, where, and the cure.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ilslab_desk::ClientError;

use crate::certs::CertsError;
use crate::process::{ProcessError, Side};

/// A failure of the lab itself. An outcome other than the wanted one is none: that is a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// There is no such scenario.
    #[error("there is no scenario `{id}`; did you mean `{nearest}`? `ilslab scenario list` shows all")]
    NoSuchScenario {
        /// As given.
        id: String,
        /// The one with the most similar ID.
        nearest: &'static str,
    },
    /// This method has no such fault.
    #[error("the method `{method}` has no fault `{fault}`; give one of: {faults}")]
    NoSuchFault {
        /// The method's name.
        method: &'static str,
        /// As given.
        fault: String,
        /// Those that there are.
        faults: String,
    },
    /// Keys or certificates could not be made.
    #[error("cannot make certificates: {0}")]
    Certs(#[from] CertsError),
    /// A port that the demo needs is not free.
    #[error(
        "port {address} cannot be had: {source}; stop what holds it, another demo perhaps (`ss -ltnp` shows all)"
    )]
    Port {
        /// Address and port.
        address: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
    /// The file system said no.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Folder {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A folder that must not be emptied.
    #[error("`{}` is not empty, and no earlier run left its mark there; give a new or an empty folder", path.display())]
    NotOurs {
        /// Which.
        path: PathBuf,
    },
    /// Another run has the folder.
    #[error("`{}` is in use by another run; stop it, or give another folder", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// A daemon did not start, or ended.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A daemon's API did not do what it was asked.
    #[error("cannot ask the {side}: {source}")]
    Api {
        /// Which daemon.
        side: Side,
        /// The client's words.
        source: ClientError,
    },
    /// A daemon's API answered something else than a node does.
    #[error("cannot read what the {side} answers: {why}")]
    Answer {
        /// Which daemon.
        side: Side,
        /// What is odd.
        why: String,
    },
    /// A trace could not be read.
    #[error("cannot read the trace of the {side}: {source}")]
    Trace {
        /// Whose.
        side: Side,
        /// The system's words.
        source: io::Error,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The report could not be written.
    #[error("cannot write the report: {0}")]
    Report(io::Error),
    /// The system does not give what every process has.
    #[error("cannot {doing}: {source}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// The system's words.
        source: io::Error,
    },
    /// The operating system gave no randomness.
    #[error("the system gave no random numbers: {0}")]
    Random(getrandom::Error),
}

impl LabError {
    /// The exit code of the command: 2 nothing matched, 3 usage, 4 the surroundings, 5 too slow, 70 a bug.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoSuchScenario { .. } => 2,
            Self::NoSuchFault { .. } => 3,
            Self::Certs(error) => error.exit_code(),
            Self::Process(error) => error.exit_code(),
            Self::Api { source, .. } => of_client(source),
            Self::Answer { .. } => 70,
            _ => 4,
        }
    }

    /// For `map_err` on what the file system answers.
    pub(crate) fn folder(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Folder { doing, path: path.to_owned(), source }
    }

    /// For `map_err` on what a daemon's client answers.
    pub(crate) fn api(side: Side) -> impl FnOnce(ClientError) -> Self {
        move |source| Self::Api { side, source }
    }
}

/// The daemon, its address and its password are the lab's own: a refusal is a bug.
fn of_client(error: &ClientError) -> u8 {
    match error {
        ClientError::Timeout { .. } => 5,
        ClientError::Unreachable { .. } => 4,
        _ => 70,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_who_can_cure_it() {
        let url = || "http://127.0.0.1:1".to_owned();
        let api = |source| LabError::Api { side: Side::Hub, source };
        let no_fault = LabError::NoSuchFault { method: "tls", fault: String::new(), faults: String::new() };
        let no_scenario = LabError::NoSuchScenario { id: String::new(), nearest: "" };
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        for (case, error, want) in [
            ("no such scenario", no_scenario, 2),
            ("no such fault", no_fault, 3),
            ("certificates", CertsError::NoNode.into(), 3),
            ("a folder", LabError::folder("read", Path::new("x"))(denied()), 4),
            ("a broken pipe", LabError::Report(denied()), 4),
            ("a slow API", api(ClientError::Timeout { url: url() }), 5),
            ("our own password refused", api(ClientError::Unauthorised { url: url() }), 70),
        ] {
            assert_eq!(error.exit_code(), want, "{case}: {error}");
        }
    }
}
