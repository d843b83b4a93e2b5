//! Why a conversation ends: what this side makes of it, what the peer is told, and who writes it down.

use ils_wire::{FrameError, Reason};

use crate::outcome::Outcome;

/// How long a frame was before and after it was opened, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Sealed.
    pub inlen: usize,
    /// Opened.
    pub outlen: usize,
}

/// Who writes the end of a refused connection into its trace, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// This node closes, saying so: `Close Req`.
    Request,
    /// The peer closes: `Close Ind`.
    Indication,
    /// The failure has lines of its own.
    Silent,
}

/// Why a conversation ends without a join.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What this side makes of it.
    pub outcome: Outcome,
    /// In words.
    pub detail: String,
    /// Who ends it.
    pub ending: Ending,
    /// Last words to the peer, ready to be written.
    pub reply: Option<Vec<u8>>,
    /// Sizes of the sealed frame that said so.
    pub opened: Option<Sizes>,
    /// The peer's own reason, where it gave one.
    pub told: Option<Reason>,
    /// The cluster ID or FQDN that was claimed, where the alarm names one.
    pub claim: String,
}

impl Refusal {
    /// A refusal without last words.
    pub fn new(outcome: Outcome, ending: Ending, detail: impl Into<String>) -> Self {
        Self {
            outcome,
            detail: detail.into(),
            ending,
            reply: None,
            opened: None,
            told: None,
            claim: String::new(),
        }
    }

    pub(crate) fn silent(outcome: Outcome, detail: String) -> Self {
        Self::new(outcome, Ending::Silent, detail)
    }

    /// This node ends a conversation that breaks a rule of the protocol.
    pub fn protocol(detail: String) -> Self {
        Self::new(Outcome::ProtocolError, Ending::Request, detail)
    }

    /// This node ends a conversation in which nothing came in time.
    pub fn late(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self::new(outcome, Ending::Request, detail)
    }

    /// The peer closed without a word.
    pub fn closed() -> Self {
        Self::new(Outcome::Closed, Ending::Indication, "the peer closed the connection")
    }

    /// The peer ended it, and said why.
    pub fn told(reason: Reason, text: &str, opened: Option<Sizes>) -> Self {
        let detail = if text.is_empty() { format!("the peer says: {reason}") } else { text.to_owned() };
        Self { opened, told: Some(reason), ..Self::new(Outcome::from(reason), Ending::Indication, detail) }
    }
}

/// A byte stream that is no frame of ours.
impl From<FrameError> for Refusal {
    fn from(error: FrameError) -> Self {
        let outcome = if error.is_not_ils() {
            Outcome::NotIls
        } else if matches!(error, FrameError::Version { .. }) {
            Outcome::ProtocolVersion
        } else {
            Outcome::ProtocolError
        };
        Self::new(outcome, Ending::Request, error.to_string())
    }
}
