//! A folder with nodes in it: each a process of the built `ilslab`, on ports of the system's choice, killed on drop.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ils_faces::Calls;
use ilslab_desk::Client;
use ilslab_lab::certs::{Authority, Identity, Key, KeyKind, Validity};
use ilslab_lab::process::ProcessError;
use ilslab_lab::{Daemon, Program, Side};
use serde_json::{Map, Value};

/// Longer than anything here takes, on any machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// How many times as long nodes wait for each other: a machine that stalls for seconds changes no outcome.
pub(crate) const PATIENCE: &str = "10";
/// The administrator's password of every node.
pub(crate) const ADMIN: &str = "administrator's password";

/// The built program.
pub(crate) fn program() -> Program {
    Program(PathBuf::from(env!("CARGO_BIN_EXE_ilslab")))
}

/// Runs it to its end.
pub(crate) fn ilslab(arguments: &[&str]) -> Output {
    let mut command = Command::new(program().0);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ILS_")) {
        command.env_remove(name);
    }
    // What a demo leaves for other commands is not put where the user's own demo has left its own.
    command.env("ILS_PATIENCE", PATIENCE);
    command.env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"));
    command.args(arguments).output().expect("the built program runs")
}

/// What it printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asks again and again until there is an answer.
#[expect(clippy::disallowed_methods, reason = "the clock of a test's deadline")]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "never came: {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// A place for nodes.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

/// Certificate, key, and what is trusted, as PEM.
pub(crate) struct Papers {
    pub(crate) identity: Identity,
    pub(crate) trusted: Vec<String>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file in it; answers its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder above")).expect("a folder");
        std::fs::write(&path, content).expect("writes");
        path.display().to_string()
    }

    /// What the hub of this name has said on stderr since its last start.
    pub(crate) fn stderr(&self, hub: &str) -> String {
        std::fs::read_to_string(self.path(hub).join("hub.stderr")).expect("a file")
    }

    /// A node that is still to be started.
    pub(crate) fn node(&self, side: Side, name: &str) -> Plan<'_> {
        let mut plan = Plan { world: self, side, name: name.to_owned(), options: Vec::new() };
        plan.set("data-dir", self.path(name).join("data").display());
        plan.set("cluster-id", name);
        plan.set("fqdn", format!("{name}.lab.example"));
        plan.set("admin", "127.0.0.1:0");
        plan.set("admin-password-file", self.file("admin-password", ADMIN));
        plan.set("log", "sdl");
        plan.set("patience", PATIENCE);
        match side {
            Side::Hub => {
                plan.set("listen", "127.0.0.1");
                plan.set("tls-port", 0);
                plan.set("password-port", 0);
            }
            Side::Spoke => {
                plan.set("dial-from", "127.0.0.2");
                plan.set("retry-initial", "100ms");
                plan.set("retry-max", "500ms");
            }
        }
        plan
    }
}

/// The options of a node.
#[derive(Clone)]
pub(crate) struct Plan<'a> {
    world: &'a World,
    side: Side,
    name: String,
    options: Vec<(String, String)>,
}

impl Plan<'_> {
    /// Sets an option, in place of an earlier value.
    pub(crate) fn set(&mut self, option: &str, value: impl ToString) {
        self.options.retain(|(name, _)| name != option);
        self.options.push((option.to_owned(), value.to_string()));
    }

    pub(crate) fn with(mut self, option: &str, value: impl ToString) -> Self {
        self.set(option, value);
        self
    }

    /// An address that no other node has: while this one is down, nobody else is given its ports.
    pub(crate) fn alone(mut self) -> Self {
        static LAST: AtomicU8 = AtomicU8::new(0);
        let address = format!("127.0.77.{}", LAST.fetch_add(1, Ordering::Relaxed) + 1);
        self.set("listen", &address);
        self.with("admin", format!("{address}:0"))
    }

    pub(crate) fn without(mut self, option: &str) -> Self {
        self.options.retain(|(name, _)| name != option);
        self
    }

    /// `Use Password`, with this one.
    pub(crate) fn password(self, password: &str) -> Self {
        let file = self.world.file(&format!("{}/password", self.name), password);
        self.with("use-password", true).with("password-file", file)
    }

    /// `Use TLS Certificates`.
    pub(crate) fn tls(self) -> Self {
        self.with("use-tls", true)
    }

    pub(crate) fn papers(self, papers: &Papers) -> Self {
        let file =
            |name: &str, content: &str| self.world.file(&format!("{}/papers/{name}", self.name), content);
        let certificate = file("tomcat.pem", &papers.identity.cert_pem);
        let key = file("tomcat.key", &papers.identity.key_pem);
        let trust = self.world.path(&self.name).join("papers/trust");
        std::fs::create_dir_all(&trust).expect("a folder");
        for (number, pem) in papers.trusted.iter().enumerate() {
            std::fs::write(trust.join(format!("{number}.pem")), pem).expect("writes");
        }
        self.with("cert", certificate).with("key", key).with("trust", trust.display())
    }

    /// The hub that a spoke registers with.
    pub(crate) fn of(self, hub: &Node) -> Self {
        let bound = |address: Option<std::net::SocketAddr>| address.expect("a hub binds both");
        let (tls, password) = (bound(hub.daemon.ready().tls), bound(hub.daemon.ready().password));
        self.with("registration-server", tls.ip())
            .with("registration-tls-port", tls.port())
            .with("registration-password-port", password.port())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.world.path(&self.name).join("data")
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        self.options.iter().map(|(name, value)| format!("--{name}={value}")).collect()
    }

    /// Runs it to its end, which is a start that is refused.
    pub(crate) fn output(&self) -> Output {
        let name = self.side.name();
        let arguments = self.arguments();
        ilslab(&[&[name][..], &arguments.iter().map(String::as_str).collect::<Vec<_>>()].concat())
    }

    pub(crate) fn try_start(&self) -> Result<Node, ProcessError> {
        let folder = self.world.path(&self.name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Ok(self.running(Daemon::start(&program(), self.side, self.arguments(), &folder)?))
    }

    /// The node of a daemon that was started in another way.
    pub(crate) fn running(&self, daemon: Daemon) -> Node {
        let client = daemon.client(ADMIN).expect("its own address");
        Node { daemon, client, data: self.data() }
    }

    pub(crate) fn start(&self) -> Node {
        match self.try_start() {
            Ok(node) => node,
            Err(error) => panic!("{} does not start: {error}", self.name),
        }
    }
}

/// A running node.
pub(crate) struct Node {
    pub(crate) daemon: Daemon,
    pub(crate) client: Client,
    pub(crate) data: PathBuf,
}

impl Node {
    pub(crate) fn list(&self, of: &str) -> Vec<Value> {
        let ask = || match of {
            "peers" => self.client.peers(),
            "alarms" => self.client.alarms(),
            _ => self.client.connections(),
        };
        // A machine that stalls may let one answer come too late.
        let answer = until("an answer of the API", || ask().ok());
        answer[of].as_array().expect("a list").clone()
    }

    /// The outcome of the first attempt begun under this revision or later.
    pub(crate) fn outcome_since(&self, revision: u64) -> String {
        until("an outcome", || {
            let since = |attempt: &Value| attempt["revision"].as_u64() >= Some(revision);
            let attempts = self.list("connections").into_iter().filter(since);
            attempts.filter_map(|attempt| attempt["outcome"].as_str().map(str::to_owned)).next()
        })
    }

    pub(crate) fn outcome(&self) -> String {
        self.outcome_since(1)
    }

    /// Waits for an attempt with this outcome.
    pub(crate) fn sees(&self, outcome: &str) {
        until(outcome, || self.list("connections").into_iter().find(|attempt| attempt["outcome"] == outcome));
    }

    /// Waits until this many peers have a connection and their data.
    pub(crate) fn up_to_date(&self, peers: usize) {
        until("up to date", || {
            let fresh = |peer: &Value| peer["connected"] == true && peer["status"] == "Up to date";
            (self.list("peers").into_iter().filter(fresh).count() == peers).then_some(())
        });
    }

    /// Changes settings; answers the revision.
    pub(crate) fn set(&self, settings: Value) -> u64 {
        let settings: Map<String, Value> = settings.as_object().expect("an object").clone();
        let config = self.client.patch(&settings).expect("the change is in force");
        config["revision"].as_u64().expect("a number")
    }

    /// The lines of its events, without the heads of the files.
    pub(crate) fn trace(&self) -> Vec<ilslab_trace::Line> {
        self.trace_files().into_iter().filter(|line| !line.is_head()).collect()
    }

    /// Every line of its trace, as the files have them.
    pub(crate) fn trace_files(&self) -> Vec<ilslab_trace::Line> {
        ilslab_trace::read_trace(&self.data.join("activelog/cm/trace/ils/sdl")).expect("a trace")
    }

    /// The alarms in the file, each from its name on.
    pub(crate) fn alarm_file(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.data.join("activelog/syslog/CiscoSyslog")).expect("a file");
        let from_name = |line: &str| line.split_once("%UC_ILS-").map(|(_, rest)| rest.to_owned());
        text.lines().map(|line| from_name(line).expect("an alarm")).collect()
    }
}

/// Certificates of one lab.
pub(crate) struct Lab {
    authority: Authority,
    kind: KeyKind,
}

#[expect(clippy::disallowed_methods, reason = "certificates are made for now")]
fn validity() -> Validity {
    Validity::starting(SystemTime::now(), 30).expect("a year of our time")
}

impl Lab {
    pub(crate) fn new(kind: KeyKind) -> Self {
        let key = Key::make(kind).expect("a key");
        Self { authority: Authority::make(key, validity()).expect("a CA"), kind }
    }

    pub(crate) fn root(&self) -> String {
        self.authority.root_pem().to_owned()
    }

    pub(crate) fn ca_signed(&self, fqdn: &str) -> Identity {
        self.authority.identity(fqdn, &Key::make(self.kind).expect("a key"), validity()).expect("signs")
    }

    pub(crate) fn self_signed(&self, fqdn: &str) -> Identity {
        Identity::self_signed(fqdn, &Key::make(self.kind).expect("a key"), validity()).expect("signs itself")
    }

    /// CA-signed, with the root trusted.
    pub(crate) fn papers(&self, fqdn: &str) -> Papers {
        Papers { identity: self.ca_signed(fqdn), trusted: vec![self.root()] }
    }
}
