//! What a recorder writes, and where.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

use ilslab_time::{Timestamp, UtcOffset};

use crate::alarm::AlarmSource;
use crate::application::Application;
use crate::limits::Limits;
use crate::readers::Readers;

/// What stdout shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// The lines of the trace, with a head at the start and before the first line of each new day.
    Sdl,
    /// Sentences.
    Text,
    /// One JSON object an event.
    Json,
}

/// The text names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no log format `{0}`; write sdl, text or json")]
pub struct UnknownFormat(pub String);

impl FromStr for LogFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sdl" => Ok(Self::Sdl),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(UnknownFormat(other.to_owned())),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sdl => "sdl",
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// What a recorder writes, and where.
#[derive(Clone, Debug)]
pub struct RecorderOptions {
    /// Which service writes.
    pub application: Application,
    /// The node's data folder; it must exist.
    pub data_dir: PathBuf,
    /// Whose alarms they are.
    pub source: AlarmSource,
    /// CUCM version, for the head of a trace file.
    pub version: String,
    /// Address of the node, for the head of a trace file; unspecified where there is none to name.
    pub address: IpAddr,
    /// When the process began.
    pub started: Timestamp,
    /// Local time of trace and syslog.
    pub offset: UtcOffset,
    /// Who may read the files beside their owner.
    pub readers: Readers,
    /// What stdout shows, if anything.
    pub stdout: Option<LogFormat>,
    /// Files of the trace.
    pub trace: Limits,
    /// Files of the alarms.
    pub syslog: Limits,
}

impl RecorderOptions {
    /// UTC, nothing on stdout, the usual files, for a process that begins now: the caller says when that is.
    pub fn new(
        application: Application, data_dir: impl Into<PathBuf>, cluster_id: impl Into<String>,
        node_id: impl Into<String>, started: Timestamp,
    ) -> Self {
        Self {
            application,
            data_dir: data_dir.into(),
            source: AlarmSource { cluster_id: cluster_id.into(), node_id: node_id.into() },
            version: "11.5.1.10000(4)".to_owned(),
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            started,
            offset: UtcOffset::UTC,
            readers: Readers::default(),
            stdout: None,
            trace: Limits::TRACE,
            syslog: Limits::SYSLOG,
        }
    }
}
