//! A daemon as a process of its own: started, waited for, stopped; and never left behind.
//!
//! ```text
//! Program + Side + options -> Daemon::start -> SIDE.ready.json -> Daemon -> stop (SIGTERM, then SIGKILL) | drop (SIGKILL)
//! ```
//!
//! Whoever starts a daemon names a folder; its stdout, stderr and ready file are kept there under the daemon's side.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use ilslab_desk::{Client, ClientError};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::clock::{Deadline, glance};

/// How long a daemon may take until its ports are bound: Argon2id and an RSA key on a slow and busy machine.
pub const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a daemon may take to say Bye before it is killed.
pub const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// Octets of stderr that an error quotes: its end.
const QUOTED: usize = 4096;

/// The `ilslab` executable that daemons are started from.
#[derive(Clone, Debug)]
pub struct Program(pub PathBuf);

impl Program {
    /// The executable that runs now.
    ///
    /// # Errors
    /// Where the system does not know it.
    pub fn current() -> io::Result<Self> {
        std::env::current_exe().map(Self)
    }
}

/// One of the two nodes of a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// It listens.
    Hub,
    /// It dials.
    Spoke,
}

impl Side {
    /// Both, hub first.
    pub const BOTH: [Self; 2] = [Self::Hub, Self::Spoke];

    /// Its name, which is also its command: `hub` or `spoke`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Spoke => "spoke",
        }
    }

    /// The opposite one.
    pub fn other(self) -> Self {
        match self {
            Self::Hub => Self::Spoke,
            Self::Spoke => Self::Hub,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A daemon that did not start, or did not stay. The text ends with what the daemon itself said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// It could not even be started.
    #[error("cannot start the {side} from `{}`: {source}", program.display())]
    Spawn {
        /// Which daemon.
        side: Side,
        /// The executable.
        program: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// One of its files cannot be made or read.
    #[error("cannot use `{}`: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It ended before it was told to.
    #[error("the {side} ended by itself ({status}){said}")]
    Ended {
        /// Which daemon.
        side: Side,
        /// How.
        status: ExitStatus,
        /// The end of its stderr.
        said: Said,
    },
    /// It runs, but does not say that it is ready.
    #[error("the {side} was not ready within {} s{said}", READY_WITHIN.as_secs())]
    NotReady {
        /// Which daemon.
        side: Side,
        /// The end of its stderr.
        said: Said,
    },
    /// Its ready file is not what it should be.
    #[error("the ready file of the {side} cannot be read: {why}")]
    Ready {
        /// Which daemon.
        side: Side,
        /// What is wrong with it.
        why: String,
    },
}

/// What a daemon wrote to stderr, as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said(String);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.trim_end() {
            "" => f.write_str(" and said nothing"),
            text => write!(f, "; it said:\n{text}"),
        }
    }
}

impl ProcessError {
    /// A daemon's own exit code where it has one of the documented ones.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Spawn { .. } | Self::File { .. } => 4,
            Self::Ended { status, .. } => match status.code() {
                Some(3) => 3,
                // 0, or no code at all: somebody else stopped it.
                Some(0 | 4) | None => 4,
                Some(_) => 70,
            },
            Self::NotReady { .. } => 5,
            Self::Ready { .. } => 70,
        }
    }
}

/// What a daemon writes into its ready file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Ready {
    /// `hub` or `spoke`.
    pub role: String,
    /// A hub's TLS port.
    pub tls: Option<SocketAddr>,
    /// A hub's password port.
    pub password: Option<SocketAddr>,
    /// Which of the two listens: `tls` or `password`.
    pub listening: Option<String>,
    /// The HTTP API.
    pub admin: SocketAddr,
    /// The process.
    pub pid: u32,
}

/// A running daemon. Dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    side: Side,
    child: Child,
    ready: Ready,
    stderr: PathBuf,
}

impl Daemon {
    /// Starts `PROGRAM SIDE OPTIONS… --ready-file DIR/SIDE.ready.json` and waits until it is ready. Variables that
    /// would be options (`ILS_…`) are not passed on: what is started is what is written in the options.
    ///
    /// # Errors
    /// [`ProcessError`]; then no process is left.
    pub fn start<A: AsRef<OsStr>>(
        program: &Program, side: Side, options: impl IntoIterator<Item = A>, dir: &Path,
    ) -> Result<Self, ProcessError> {
        let file = |end: &str| dir.join(format!("{side}.{end}"));
        let (ready_file, stderr) = (file("ready.json"), file("stderr"));
        forget(&ready_file)?;
        let mut command = Command::new(&program.0);
        command.arg(side.name()).args(options).arg("--ready-file").arg(&ready_file);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ILS_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(create(&file("stdout"))?).stderr(create(&stderr)?);
        let child = command.spawn().map_err(|source| ProcessError::Spawn {
            side,
            program: program.0.clone(),
            source,
        })?;
        let mut starting = Starting(Some(child));
        let ready = starting.wait_for(side, &ready_file, &stderr)?;
        let child = starting.0.take().expect("nobody else takes the child");
        Ok(Self { side, child, ready, stderr })
    }

    /// Which of the two it is.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Its ports and its process, as it told them.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Where its API is.
    pub fn url(&self) -> String {
        format!("http://{}", self.ready.admin)
    }

    /// A client of its API.
    ///
    /// # Errors
    /// [`ClientError::Address`], which its own address cannot be.
    pub fn client(&self, admin_password: &str) -> Result<Client, ClientError> {
        Client::new(&self.url(), admin_password)
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// [`ProcessError::Ended`] with how it ended and what it said.
    pub fn check(&mut self) -> Result<(), ProcessError> {
        match self.child.try_wait() {
            Ok(Some(status)) => {
                Err(ProcessError::Ended { side: self.side, status, said: said(&self.stderr) })
            }
            // What cannot be asked is taken to run; the API will tell.
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Asks it to stop (SIGTERM), without waiting.
    pub fn terminate(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // A child that was waited for has given its number back: it must not be signalled any more.
        if let (Some(pid), Ok(None)) = (pid, self.child.try_wait()) {
            // It can only fail where the process is gone, which is what is wanted.
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    /// Asks it to stop and waits; after [`STOPPED_WITHIN`] it is killed. `None` where it had to be.
    pub fn stop(mut self) -> Option<ExitStatus> {
        self.terminate();
        let deadline = Deadline::within(STOPPED_WITHIN);
        loop {
            // First the clock: whoever ended in time is seen, however late this looks.
            let is_late = deadline.has_passed();
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if is_late {
                return None;
            }
            glance();
        }
    }

    /// Kills it at once (SIGKILL) and waits until it is gone.
    pub fn kill(self) {}
}

impl Drop for Daemon {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A child that is not ready yet: killed if it never gets so.
struct Starting(Option<Child>);

impl Starting {
    fn wait_for(&mut self, side: Side, ready_file: &Path, stderr: &Path) -> Result<Ready, ProcessError> {
        let deadline = Deadline::within(READY_WITHIN);
        loop {
            // First whether it ended, then whether it was ready: a daemon cannot be ready after its end.
            let ended = self.0.as_mut().and_then(|child| child.try_wait().ok().flatten());
            if let Some(status) = ended {
                let said = said(stderr);
                return Err(ProcessError::Ended { side, status, said });
            }
            if let Some(ready) = read_ready(side, ready_file)? {
                return Ok(ready);
            }
            if deadline.has_passed() {
                let said = said(stderr);
                return Err(ProcessError::NotReady { side, said });
            }
            glance();
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            end(child);
        }
    }
}

fn end(child: &mut Child) {
    // Both fail only where the process is gone.
    let _ = child.kill();
    let _ = child.wait();
}

/// The file appears whole, by rename.
fn read_ready(side: Side, path: &Path) -> Result<Option<Ready>, ProcessError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(unusable(path)(source)),
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| ProcessError::Ready { side, why: error.to_string() }),
    }
}

fn forget(path: &Path) -> Result<(), ProcessError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(path)(error)),
        _ => Ok(()),
    }
}

fn create(path: &Path) -> Result<File, ProcessError> {
    File::create(path).map_err(unusable(path))
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> ProcessError {
    move |source| ProcessError::File { path: path.to_owned(), source }
}

/// The end of what it wrote, from the beginning of a line.
fn said(stderr: &Path) -> Said {
    let bytes = fs::read(stderr).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let from = text.ceil_char_boundary(text.len().saturating_sub(QUOTED));
    let end = text.get(from..).unwrap_or_default();
    let whole = match end.split_once('\n') {
        Some((_, rest)) if from > 0 => rest,
        _ => end,
    };
    Said(whole.to_owned())
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
