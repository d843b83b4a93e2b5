//! What a system hands in, and everything that a route can reach.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;

use crate::backend::Backend;
use crate::cli::CommandError;
use crate::clock::Clock;
use crate::gate::Gate;
use crate::hosts::Hosts;
use crate::limits::HttpLimits;
use crate::readiness::Probe;
use crate::turns::Turns;

/// Runs one line of the `admin:` shell; may read files, so not for async code.
pub type Shell = Arc<dyn Fn(&str) -> Result<String, CommandError> + Send + Sync>;

/// The face of one node of a system: what is behind the door.
pub struct Face {
    /// The node.
    pub backend: Arc<dyn Backend>,
    /// Its commands.
    pub shell: Shell,
    /// Its own routes, below `/api/v1`. The guard is before them, and [`Turns`] are in their requests.
    pub routes: Router,
}

/// Everything that a route of the house can reach.
pub(crate) struct Api {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) shell: Shell,
    pub(crate) gate: Arc<Gate>,
    pub(crate) hosts: Hosts,
    pub(crate) limits: HttpLimits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) probe: Probe,
    /// Folder of the trace's files.
    pub(crate) trace: PathBuf,
    pub(crate) turns: Turns,
}

pub(crate) type Shared = State<Arc<Api>>;
