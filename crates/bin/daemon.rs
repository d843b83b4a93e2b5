//! A daemon from start to end: `ilslab hub`, `ilslab spoke`, `ils-hub` and `ils-spoke` are this function.
//!
//! ```text
//! options -> data folder, trace, admin port, store -> node -> ready file -> SIGTERM | SIGINT -> Bye -> exit 0
//!                                                                              a second one -> at once, exit 5
//! ```

use std::ffi::OsString;
use std::fmt;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Command;
use ils_core::config::{ClusterRole, Config};
use ils_core::event::Noted;
use ils_core::event::ServiceEvent;
use ils_faces::{Behind, Metrics};
use ils_lines::{APPLICATION, EVENTS, Recorder, TRACE_FOLDER};
use ils_node::clock;
use ils_node::data_dir::{DataDir, DataDirError};
use ils_node::{Node, Running, Scribe, Setup, StartError, SystemDice};
use ils_store::Store;
use ilslab_desk::{AdminOptions, AdminPassword, PasswordError};
use ilslab_trace::RecorderOptions;
use ilslab_trace::console::tell;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;
use zeroize::Zeroizing;

use crate::backend::NodeBackend;
use crate::limits;
use crate::options::{Layers, OptionError, strangers, with_options};
use crate::saved;
use crate::settings::Daemon;

/// Of the ready file, which tells no secret; the umask may take more away.
const READY_MODE: u32 = 0o644;

/// Exit code: nothing of that name.
pub const NOTHING: u8 = 2;
/// Exit code of a usage or configuration error.
pub const USAGE: u8 = 3;
/// Exit code of an environment that does not allow it: port taken, folder in use, no permission.
pub const ENVIRONMENT: u8 = 4;
/// Exit code of a stop that took too long.
pub const TIMEOUT: u8 = 5;
/// Exit code of a bug.
pub const BUG: u8 = 70;

/// Worker threads: a node waits, it does not compute.
const WORKERS: usize = 2;
/// How long a stop may take: less than the ten seconds after which containers are killed.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// The daemon did not come to its end in good order.
#[derive(Debug)]
enum Disorder {
    /// Something holds it up: a disk, a reader of stdout.
    Late,
    /// Its port cannot be opened any more.
    Deaf(String),
    /// A part of it panicked.
    Broken,
}

impl fmt::Display for Disorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deaf(error) => error,
            Self::Late => "it did not stop in time, or was told twice; the last lines may be missing",
            Self::Broken => {
                "a part of it has ended by itself, which is a bug; please report what is said above"
            }
        })
    }
}

impl std::error::Error for Disorder {}

/// The command of a daemon, under this name.
pub fn command(name: &'static str, role: ClusterRole) -> Command {
    let (about, example) = match role {
        ClusterRole::Spoke => (
            "Run a spoke: it registers with a hub, and dials again until it has joined",
            "Example:\n  printf secret > password.txt\n  ilslab spoke --cluster-id 1 --fqdn spoke.lab.example \\\n      --registration-server 127.0.0.1 --use-password --password-file password.txt",
        ),
        _ => (
            "Run a hub: it listens for spokes on the port of its method",
            "Example:\n  printf secret > password.txt\n  ilslab hub --cluster-id 2 --fqdn hub.lab.example --use-password --password-file password.txt",
        ),
    };
    let order = "Flags beat ILS_ variables, which beat the file. Each option shows its TOML key and its variable.\n\
                 Exit codes: 0 stopped, 3 usage or configuration, 4 environment, 5 stopped too late, 70 a bug.";
    let long = format!("{example}\n\n{order}\n\n{}", limits::table());
    with_options(
        Command::new(name).about(about).after_help(format!("{example}\n\n{order}")).after_long_help(long),
    )
}

/// A binary that is one daemon.
pub fn main(name: &'static str, role: ClusterRole, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    guarded(|| {
        let command = command(name, role).version(env!("CARGO_PKG_VERSION"));
        match command.try_get_matches_from(arguments) {
            Ok(matches) => run(role, &matches),
            Err(error) => usage(&error),
        }
    })
}

/// A program that panics says so, and ends with the code of a bug.
pub fn guarded(program: impl FnOnce() -> u8) -> ExitCode {
    // Nothing is used afterwards that a panic may have left half done.
    ExitCode::from(catch_unwind(AssertUnwindSafe(program)).unwrap_or(BUG))
}

/// Prints what clap has to say: help goes to stdout and is no failure.
pub fn usage(error: &clap::Error) -> u8 {
    // A closed terminal is no reason to fail otherwise.
    let _ = error.print();
    if error.use_stderr() { USAGE } else { 0 }
}

/// Runs a daemon to its end; answers the exit code.
pub fn run(role: ClusterRole, matches: &clap::ArgMatches) -> u8 {
    diagnostics();
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    for sentence in strangers(names) {
        tell(format_args!("warning: {sentence}"));
    }
    let environment = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    let started = Layers::gather(role, matches, environment).and_then(|layers| Daemon::new(role, &layers));
    match started.map_err(anyhow::Error::from).and_then(|daemon| block_on(role, daemon)) {
        Ok(()) => 0,
        Err(error) => {
            let what = if error.is::<Disorder>() { "run" } else { "start" };
            tell(format_args!("failed to {what} the {}: {error:#}", role.label().to_lowercase()));
            exit_code(&error)
        }
    }
}

fn block_on(role: ClusterRole, daemon: Daemon) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let result = runtime.block_on(serve(role, daemon));
    // Nobody waits for a name that is still being looked up.
    runtime.shutdown_background();
    result
}

/// Warnings go to stderr; `RUST_LOG` asks for more. Events have their own way to stdout and into the trace.
fn diagnostics() {
    let usual = format!("warn,{EVENTS}=off");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let format =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Whoever runs daemons inside their own program may have set up theirs.
    let _ = format.try_init();
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    runtime.context("no threads for the daemon")
}

/// Whose fault it is decides the code.
fn exit_code(error: &anyhow::Error) -> u8 {
    let of_start = error.downcast_ref::<StartError>().map(|error| match error {
        StartError::Identity(error) if error.unmade => ENVIRONMENT,
        StartError::Setting(_) | StartError::Identity(_) => USAGE,
        StartError::Key(_) | StartError::Ledger(_) | StartError::Port(_) | StartError::Thread(_) => {
            ENVIRONMENT
        }
    });
    let of_end = error.downcast_ref::<Disorder>().map(|error| match error {
        Disorder::Late => TIMEOUT,
        Disorder::Deaf(_) => ENVIRONMENT,
        Disorder::Broken => BUG,
    });
    let usage = error.is::<OptionError>() || error.is::<PasswordError>();
    of_start.or(of_end).unwrap_or(if usage { USAGE } else { ENVIRONMENT })
}

/// The trace takes events from the registry's thread; on their way they are counted.
struct Trace {
    recorder: Arc<Recorder>,
    metrics: Metrics,
}

impl Scribe for Trace {
    fn write(&mut self, noted: Noted) {
        self.recorder.record(noted);
    }

    fn count(&mut self, noted: &Noted) {
        self.metrics.note(noted);
    }
}

async fn serve(role: ClusterRole, mut daemon: Daemon) -> anyhow::Result<()> {
    // From here on a signal waits until the node can say Bye.
    let mut signals = Signals::new()?;
    let folder = DataDir::take(&daemon.data_dir).map_err(|error: DataDirError| anyhow::anyhow!(error))?;
    withdraw(&daemon)?;
    let service = Service::begin(role, &mut daemon, &folder).await?;
    let ended = match announce(role, &daemon, &service.node, service.admin) {
        Ok(()) => signals.or_broken(&service.node).await,
        Err(error) => Err(error),
    };
    let stopped = tokio::select! {
        stopped = service.end() => stopped,
        () = signals.next() => Err(Disorder::Late.into()),
        () = tokio::time::sleep(STOP_LIMIT) => Err(Disorder::Late.into()),
    };
    ended.and(stopped)
}

/// A running node with its API and its trace.
struct Service {
    node: Arc<Running>,
    admin: SocketAddr,
    api: JoinHandle<std::io::Result<()>>,
    stop_api: oneshot::Sender<()>,
    recorder: Arc<Recorder>,
}

impl Service {
    /// Starts everything, what may fail without a trace of it first.
    async fn begin(role: ClusterRole, daemon: &mut Daemon, folder: &DataDir) -> anyhow::Result<Self> {
        let recorder = Arc::new(recorder(daemon, folder)?);
        let listener = bind_admin(daemon.admin.address).await?;
        let options = admin_options(daemon, folder)?;
        let metrics = Metrics::default();
        let counts = metrics.counts();
        let trace = Trace { recorder: Arc::clone(&recorder), metrics };
        let node = start(daemon, folder, trace).await.inspect_err(|_| recorder.close())?;
        let (node, admin) = (Arc::new(node), listener.local_addr()?);
        let (of_node, of_trace) = (Arc::clone(&node), Arc::clone(&recorder));
        let backend = NodeBackend { node: of_node, role, admin, recorder: of_trace, counts };
        let (stop_api, stopped) = oneshot::channel::<()>();
        let behind =
            Behind { backend: Arc::new(backend), database: folder.database(), offset: daemon.utc_offset };
        let api = tokio::spawn(ilslab_desk::serve(options, ils_faces::face(behind), listener, async {
            // A dropped sender stops it too.
            let _ = stopped.await;
        }));
        Ok(Self { node, admin, api, stop_api, recorder })
    }

    /// Bye to every peer, the API's last answers, the last lines of the trace.
    async fn end(self) -> anyhow::Result<()> {
        let Self { node, api, stop_api, recorder, .. } = self;
        node.stop().await;
        drop(stop_api);
        let served = api.await;
        // It waits for disk and stdout, and must not keep a signal from being seen.
        tokio::task::spawn_blocking(move || recorder.close()).await?;
        Ok(served??)
    }
}

fn recorder(daemon: &Daemon, folder: &DataDir) -> anyhow::Result<Recorder> {
    let Daemon { config, .. } = daemon;
    let (cluster_id, fqdn) = (config.cluster_id.as_str(), config.fqdn.as_str());
    daemon.readers.let_pass(folder.path()).with_context(|| {
        format!("--log-group: {} cannot be given to that group; a member of it can", folder.path().display())
    })?;
    let options = RecorderOptions {
        readers: daemon.readers,
        offset: daemon.utc_offset,
        stdout: Some(daemon.log),
        version: config.version.to_string(),
        address: own_address(config),
        ..RecorderOptions::new(APPLICATION, folder.path(), cluster_id, fqdn, clock::wall())
    };
    Recorder::open(&options).context("the trace folder cannot be used; check --data-dir")
}

/// Where a hub listens, from where a spoke dials; unspecified where the system decides.
fn own_address(config: &Config) -> IpAddr {
    let anywhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    if config.role == ClusterRole::Spoke {
        config.dial_from.unwrap_or(anywhere)
    } else {
        config.listen.address
    }
}

async fn bind_admin(address: SocketAddr) -> anyhow::Result<TcpListener> {
    if !address.ip().is_loopback() {
        tell(format_args!(
            "warning: the API at {address} is plain HTTP; whoever can read the network reads the password"
        ));
    }
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| {
        format!("the API cannot listen on {address}; free the port, or choose another with --admin")
    })
}

fn admin_options(daemon: &Daemon, folder: &DataDir) -> anyhow::Result<AdminOptions> {
    let hash = folder.platform().join("admin.hash");
    let (password, generated) = AdminPassword::load_or_create(&hash, daemon.admin.password_file.as_deref())?;
    if let Some(generated) = generated {
        show_once(generated.expose());
    }
    Ok(AdminOptions {
        names: daemon.admin.names.clone(),
        ..AdminOptions::new(folder.path().join(TRACE_FOLDER), password)
    })
}

/// One write, from memory that is wiped: it has no room to grow, and so leaves no copy behind.
fn show_once(password: &str) {
    let mut line = Zeroizing::new(String::with_capacity(password.len().saturating_add(80)));
    for part in ["API: user administrator, password ", password, " (printed this once)\n"] {
        line.push_str(part);
    }
    // A stderr that is closed shows nothing to anybody.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

async fn start(daemon: &mut Daemon, folder: &DataDir, scribe: Trace) -> anyhow::Result<Running> {
    let mut ledger = Store::open(&folder.database())?;
    ledger.set_node(&daemon.config.fqdn, &daemon.config.description)?;
    let config = daemon.config.clone();
    // From here on it is the node's: another password may come to be in force.
    daemon.config.network_key = None;
    let setup = Setup {
        config,
        platform: folder.platform(),
        identity: daemon.identity.clone(),
        ledger,
        scribe,
        dice: Arc::new(SystemDice),
    };
    Ok(Node::start(setup).await?)
}

/// Says where everything is: on stderr for people, in the ready file for programs.
fn announce(role: ClusterRole, daemon: &Daemon, node: &Running, admin: SocketAddr) -> anyhow::Result<()> {
    let bound = node.bound();
    let port = |name: &str, address: Option<SocketAddr>| match address {
        Some(address) if bound.listening == Some(name) => format!("{name} {address} (listening)"),
        Some(address) => format!("{name} {address} (bound)"),
        None => String::new(),
    };
    let ports = [port("tls", bound.tls), port("password", bound.password)].join("  ");
    tell(format_args!("{} {} {ports}  API http://{admin}", role.label(), daemon.config.fqdn));
    if let Some(sentence) = saved::sentence(node.standing(), &daemon.origins, &as_argument(role, admin)) {
        tell(format_args!("note: {sentence}"));
    }
    if let Some(former) = node.given_up() {
        let given_up = ServiceEvent::IdentityGivenUp { former, own: node.snapshot().peer_id };
        tell(format_args!("note: {}", ils_lines::prose::of_service(&given_up)));
    }
    let Some(path) = &daemon.ready_file else { return Ok(()) };
    let ready = serde_json::json!({
        "role": role,
        "tls": bound.tls,
        "password": bound.password,
        "listening": bound.listening,
        "admin": admin,
        "pid": std::process::id(),
    });
    // Whoever waits for it never reads half.
    ilslab_files::write_whole(path, format!("{ready}\n").as_bytes(), READY_MODE)
        .with_context(|| format!("the ready file {} cannot be written", path.display()))
}

/// The node in a command: one that listens everywhere has no address of its own to name.
fn as_argument(role: ClusterRole, admin: SocketAddr) -> String {
    if admin.ip().is_unspecified() { role.label().to_lowercase() } else { format!("http://{admin}") }
}

/// A ready file of an earlier process says nothing of this one.
fn withdraw(daemon: &Daemon) -> anyhow::Result<()> {
    let Some(path) = &daemon.ready_file else { return Ok(()) };
    if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    std::fs::remove_file(path)
        .with_context(|| format!("the old ready file {} cannot be removed", path.display()))
}

/// SIGTERM and SIGINT, kept from the moment this is made.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let kept = |kind| signal(kind).context("signals cannot be waited for");
        Ok(Self { terminate: kept(SignalKind::terminate())?, interrupt: kept(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Waits for a signal; a node that breaks, or whose port cannot be opened, does not wait for one.
    async fn or_broken(&mut self, node: &Running) -> anyhow::Result<()> {
        tokio::select! {
            () = self.next() => Ok(()),
            deaf = node.broken() => Err(deaf.map_or(Disorder::Broken, Disorder::Deaf).into()),
        }
    }
}
