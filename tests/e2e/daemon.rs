//! A daemon as its operator meets it: signals whenever they come, readers that do not read, files of an earlier process.

use std::io::{BufRead, BufReader, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use ils_faces::Calls;
use ilslab_lab::certs::KeyKind;
use ilslab_lab::{Daemon, Side};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use serde_json::{Value, json};

use crate::world::{ADMIN, Lab, Plan, World, program, text, until};

/// A process that is killed when a test ends before it does.
struct Process(Child);

impl Process {
    fn start(plan: &Plan<'_>, stdout: Stdio) -> Self {
        let mut command = Command::new(program().0);
        command.arg("hub").args(plan.arguments()).stdout(stdout).stderr(Stdio::null());
        Self(command.spawn().expect("the built program runs"))
    }

    fn is_told(&self, signal: Signal) {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, signal).expect("it is not waited for yet");
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("a child of ours")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn hub(world: &World) -> Plan<'_> {
    world.node(Side::Hub, "hub").password("one password")
}

#[test]
fn a_signal_that_comes_while_the_daemon_starts_stops_it_in_good_order() {
    let world = World::new();
    // The start takes a while: a certificate is made.
    let plan = hub(&world).tls();
    let mut process = Process::start(&plan, Stdio::null());
    until("the data folder is taken", || plan.data().join("lock").exists().then_some(()));
    process.is_told(Signal::TERM);
    let status = until("its end", || process.ended());
    assert_eq!(status.code(), Some(0), "{status}");
}

fn ready(file: &Path) -> Option<SocketAddr> {
    let ready: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
    ready["password"].as_str()?.parse().ok()
}

/// A pipe without room for another byte, as a reader leaves it that does not read.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let flags = fcntl_getfl(&writer).expect("a file of ours");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("a file of ours");
    // Byte by byte, since a longer write may leave a part of a page free.
    let full = std::iter::repeat_with(|| writer.write_all(b".")).find_map(Result::err);
    assert_eq!(full.map(|error| error.kind()), Some(ErrorKind::WouldBlock));
    fcntl_setfl(&writer, flags).expect("a file of ours");
    (reader, writer)
}

#[test]
fn a_reader_of_stdout_that_does_not_read_holds_up_a_stop_only_until_the_second_signal() {
    let world = World::new();
    let file = world.path("ready.json");
    let plan = hub(&world).with("ready-file", file.display());
    let (_reader, writer) = full_pipe();
    let mut process = Process::start(&plan, writer.into());
    let address = until("it is ready", || ready(&file));
    let mut socket = TcpStream::connect(address).expect("it accepts, whoever reads");
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("writes");
    until("the visit is in the trace", || {
        let lines = ilslab_trace::read_trace(&plan.data().join("activelog/cm/trace/ils/sdl")).ok()?;
        lines.iter().any(|line| line.to_string().contains("Close")).then_some(())
    });
    process.is_told(Signal::TERM);
    let status = until("its end", || {
        process.is_told(Signal::TERM);
        process.ended()
    });
    assert_eq!(status.code(), Some(5), "{status}");
}

#[test]
fn a_ready_file_of_an_earlier_process_is_gone_before_anything_can_go_wrong() {
    let world = World::new();
    let file = world.file("ready.json", "{\"role\":\"hub\"}");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound");
    let plan = hub(&world).with("ready-file", &file).with("admin", address);
    let output = plan.output();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(!Path::new(&file).exists());
}

#[test]
fn a_certificate_without_the_nodes_own_name_is_a_warning_and_no_reason_not_to_start() {
    let (world, lab) = (World::new(), Lab::new(KeyKind::P256));
    let plan = world.node(Side::Hub, "hub").tls().papers(&lab.papers("other.lab.example"));
    let _node = plan.start();
    let said = std::fs::read_to_string(world.path("hub").join("hub.stderr")).expect("a file");
    assert!(said.contains("does not carry this node's FQDN hub.lab.example"), "{said}");
    assert!(!said.contains('\u{1b}'), "a file has no colours: {said}");
}

#[test]
fn what_only_the_operator_can_get_wrong_is_exit_3() {
    let world = World::new();
    for (option, value, wanted) in [
        ("password-port", "7501", "the port of the other method"),
        ("admin-password-file", "/nowhere", "/nowhere"),
        ("cert", "/nowhere", "all three"),
    ] {
        let plan = hub(&world).with("tls-port", 7501).with(option, value);
        let output = plan.output();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{option}: {said}");
        assert!(said.contains(wanted), "{option}: {said}");
    }
}

/// The examples stand for the README's two terminals: only ports, folders and passwords are not theirs here.
#[test]
fn the_examples_join() {
    let world = World::new();
    let password = world.file("password", "a lab password");
    let start = |side: Side, plan: &Plan<'_>, more: Vec<String>| {
        let example = format!("--config={}/examples/{side}.toml", env!("CARGO_MANIFEST_DIR"));
        let own = [
            format!("--data-dir={}", plan.data().display()),
            format!("--password-file={password}"),
            format!("--admin-password-file={}", world.file("admin-password", ADMIN)),
            "--admin=127.0.0.1:0".to_owned(),
            "--patience=10".to_owned(),
            example,
        ];
        let folder = world.path(side.name());
        std::fs::create_dir_all(&folder).expect("a folder");
        let daemon = Daemon::start(&program(), side, own.into_iter().chain(more), &folder);
        plan.running(
            daemon.unwrap_or_else(|error| panic!("the example of the {side} does not start: {error}")),
        )
    };
    let any = ["--tls-port=0", "--password-port=0"].map(str::to_owned).to_vec();
    let hub = start(Side::Hub, &world.node(Side::Hub, "hub"), any);
    let port = hub.daemon.ready().password.expect("a hub binds both").port();
    let at = vec![format!("--registration-password-port={port}")];
    let spoke = start(Side::Spoke, &world.node(Side::Spoke, "spoke"), at);
    assert_eq!(spoke.outcome(), "joined");
    hub.up_to_date(1);
    assert_eq!(hub.list("peers")[0]["description"], "a branch");
    assert_eq!(spoke.list("peers")[0]["description"], "the first hub");
}

/// From now on a daemon that runs gets no further descriptor.
fn no_more_descriptors(daemon: &Daemon) {
    let pid = Pid::from_raw(i32::try_from(daemon.ready().pid).expect("a process"));
    let limit = Rlimit { current: Some(0), maximum: getrlimit(Resource::Nofile).maximum };
    prlimit(pid, Resource::Nofile, limit).expect("a process of ours");
}

/// A connection to the API that is kept: the client opens one for each call.
struct Kept(BufReader<TcpStream>);

impl Kept {
    fn to(daemon: &Daemon) -> Self {
        let stream = TcpStream::connect(daemon.ready().admin).expect("the API listens");
        Self(BufReader::new(stream))
    }

    /// Asks, and answers the body.
    fn ask(&mut self, line: &str, more: &str, body: &Value) -> Value {
        let body = body.to_string();
        let head = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.0.get_mut().write_all((head + &body).as_bytes()).expect("the API reads");
        let (mut header, mut length) = (String::new(), 0);
        while header != "\r\n" {
            header.clear();
            assert!(self.0.read_line(&mut header).expect("the API answers") > 0, "it hung up");
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer).expect("the whole answer");
        serde_json::from_slice(&answer).expect("JSON")
    }
}

#[test]
fn a_hub_whose_port_cannot_be_opened_after_a_change_ends_with_exit_4_and_has_the_change_at_its_next_start() {
    let world = World::new();
    let plan = hub(&world);
    let mut node = plan.start();
    let mut kept = Kept::to(&node.daemon);
    let login = kept.ask("POST /api/v1/login", "", &json!({"password": ADMIN}));
    let token = format!("Authorization: Bearer {}\r\n", login["token"].as_str().expect("a token"));
    no_more_descriptors(&node.daemon);
    let problem = kept.ask("PATCH /api/v1/config", &token, &json!({"route_string": "changed.example"}));
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(
        detail.contains("what was changed is stored") && detail.contains("the service ends"),
        "{problem}"
    );
    let ended = until("its end", || node.daemon.check().err());
    assert_eq!(ended.exit_code(), 4, "{ended}");
    assert!(ended.to_string().contains("failed to run the hub: "), "{ended}");
    assert!(node.alarm_file().iter().any(|alarm| alarm.starts_with("2-ILSTCPListenError")));
    let hub = plan.start();
    assert_eq!(hub.client.config().expect("the API answers")["route_string"], "changed.example");
}

/// Whoever has a umask of 0 does not give away what a node writes, and one of 077 does not keep it from its group.
#[test]
fn what_a_node_writes_is_its_owners_or_its_groups_whatever_the_umask() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let own = rustix::process::getegid().as_raw();
    // Root may give files to a group of which it is no member.
    let group = if own == 0 { 4_242 } else { own };
    for (umask, readers, folders, files) in
        [("0", None, 0o700, 0o600), ("077", Some(group), 0o750, 0o640), ("0", Some(group), 0o750, 0o640)]
    {
        let world = World::new();
        let script = world.file(
            "umask.sh",
            &format!("#!/bin/sh\numask {umask}\nexec '{}' \"$@\"\n", program().0.display()),
        );
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).expect("set");
        let mut plan = world.node(Side::Hub, "hub").password("one password").tls();
        if let Some(group) = readers {
            plan.set("log-group", group);
        }
        let daemon = Daemon::start(
            &ilslab_lab::Program(script.into()),
            Side::Hub,
            plan.arguments(),
            &world.path("hub"),
        );
        let node = plan.running(daemon.expect("it starts"));
        for found in below(&plan.data()) {
            let metadata = std::fs::symlink_metadata(&found).expect("there");
            let is_log = found.starts_with(plan.data().join("activelog"));
            let want = match (metadata.is_dir(), is_log) {
                (true, true) => folders,
                (false, true) => files,
                (true, false) => 0o700,
                (false, false) => 0o600,
            };
            let shown = format!("umask {umask}, {readers:?}: {}", found.display());
            assert_eq!(metadata.mode() & 0o777, want, "{shown}");
            assert!(!is_log || readers.is_none_or(|group| metadata.gid() == group), "{shown}");
        }
        let mode = std::fs::metadata(plan.data()).expect("there").mode() & 0o777;
        assert_eq!(mode, if readers.is_some() { 0o710 } else { 0o700 }, "umask {umask}, {readers:?}");
        drop(node);
    }
}

/// Every folder and file below a folder.
fn below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { [vec![path.clone()], below(&path)].concat() } else { vec![path] })
        .collect()
}
