//! How a call can fail, in sentences that say what to do.

use std::time::Duration;

/// For a whole call but for getting its connection.
pub(super) const TOTAL: Duration = Duration::from_secs(10);

/// A call that did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not the URL of a node.
    #[error("`{url}` is not the address of a node; write http://HOST:PORT")]
    Address {
        /// What was given.
        url: String,
    },
    /// No connection, or one that broke off.
    #[error("failed to reach {url}: {error}; is the node running, and is this its admin address?")]
    Unreachable {
        /// The node.
        url: String,
        /// The system's words.
        error: String,
    },
    /// Too slow.
    #[error("{url} did not answer within {} s; is this the admin address of a node?", TOTAL.as_secs())]
    Timeout {
        /// The node.
        url: String,
    },
    /// No password, or the wrong one.
    #[error("{url} does not accept the password; give the right one with --admin-password-file")]
    Unauthorised {
        /// The node.
        url: String,
    },
    /// A refusal, with the node's reasons.
    #[error("{detail} ({status} {title})")]
    Problem {
        /// HTTP status.
        status: u16,
        /// The kind of refusal.
        title: String,
        /// What is wrong, and what to do.
        detail: String,
        /// The setting at fault, where it is one.
        key: Option<String>,
    },
    /// Something answers, but not a node.
    #[error("{url} answers, but not as a node does: {error}; is this the admin address of a node?")]
    Answer {
        /// The node.
        url: String,
        /// What is odd.
        error: String,
    },
}

impl ClientError {
    /// The exit code of a command that ends with it, as the README has them: whose fault it is decides.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Address { .. } => 3,
            Self::Timeout { .. } => 5,
            Self::Unreachable { .. } | Self::Unauthorised { .. } | Self::Answer { .. } => 4,
            Self::Problem { status, .. } => exit_code_of_status(*status),
        }
    }
}

/// What was asked for is wrong, is not there, or came at a wrong time.
fn exit_code_of_status(status: u16) -> u8 {
    match status {
        404 => 2,
        // The log-in, a proxy's too, another site's page, a state of the node or of its machine, too many at once.
        401 | 403 | 407 | 409 | 423 | 425 | 429 => 4,
        408 | 504 => 5,
        400..500 => 3,
        // What the node itself calls a fault of its own.
        500 => 70,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault_it_is_decides_the_exit_code() {
        for (status, code) in [
            (400, 3),
            (401, 4),
            (403, 4),
            (404, 2),
            (405, 3),
            (408, 5),
            (409, 4),
            (413, 3),
            (415, 3),
            (421, 3),
            (422, 3),
            (429, 4),
            (431, 3),
            (500, 70),
            (502, 4),
            (503, 4),
            (504, 5),
            (599, 4),
        ] {
            let (title, detail) = ("Title".to_owned(), "why".to_owned());
            let error = ClientError::Problem { status, title, detail, key: None };
            assert_eq!(error.exit_code(), code, "{status}");
        }
        let (url, error) = (String::new, String::new);
        for (error, code) in [
            (ClientError::Address { url: url() }, 3),
            (ClientError::Unreachable { url: url(), error: error() }, 4),
            (ClientError::Timeout { url: url() }, 5),
            (ClientError::Unauthorised { url: url() }, 4),
            (ClientError::Answer { url: url(), error: error() }, 4),
        ] {
            assert_eq!(error.exit_code(), code, "{error}");
        }
    }
}
