//! `ilslab health`, `wait`, `setup` and `switch`: what containers and CI rely on, here without either.

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use ilslab_lab::{Daemon, Side};

use crate::world::{Node, World, ilslab, program, text, until};

fn code(output: &Output) -> (i32, String) {
    (output.status.code().unwrap_or(-1), text(&output.stderr))
}

/// `ilslab wait`, with the administrator's password of this world.
fn wait(world: &World, arguments: &[&str]) -> (i32, String) {
    let password = world.path("admin-password").display().to_string();
    code(&ilslab(&[&["wait", "--admin-password-file", &password], arguments].concat()))
}

#[test]
fn a_node_is_healthy_as_soon_as_it_is_bound_and_no_longer_than_it_runs() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").alone().password("one password").start();
    let url = hub.daemon.url();
    let in_time = |output: &Output| output.status.code() != Some(5);
    let output = until("an answer in time", || Some(ilslab(&["health", &url])).filter(in_time));
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), format!("{url} is ready\n")));
    drop(hub);
    for (case, url, want) in [("gone", url.as_str(), 4), ("no node", "hubb", 3)] {
        let output = until("an answer in time", || Some(ilslab(&["health", url])).filter(in_time));
        assert_eq!(output.status.code(), Some(want), "{case}: {}", text(&output.stdout));
        assert_eq!(text(&output.stdout).lines().count(), 1, "{case}");
    }
}

#[test]
fn a_port_that_never_answers_is_not_waited_for() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("bound"));
    let output = ilslab(&["health", &url]);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stdout));
}

#[test]
fn a_join_is_waited_for_on_both_sides() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let spoke = world.node(Side::Spoke, "spoke").password("one password").of(&hub).start();
    let (code, told) = wait(&world, &[&hub.daemon.url(), &spoke.daemon.url(), "--outcome", "joined"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains(": joined"), "{told}");
}

#[test]
fn an_outcome_is_waited_for_where_it_is_seen_and_a_join_that_does_not_come_is_exit_5() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let spoke = world.node(Side::Spoke, "spoke").password("another").of(&hub).start();
    let (hub, spoke) = (hub.daemon.url(), spoke.daemon.url());
    assert_eq!(wait(&world, &[&hub, "--outcome", "password-mismatch"]).0, 0);
    assert_eq!(wait(&world, &[&spoke, "--outcome", "closed"]).0, 0);
    // On a machine that stalls an answer may come too late for the last look.
    until("both are told", || {
        let (code, told) = wait(&world, &[&hub, &spoke, "--timeout", "300ms"]);
        assert_eq!(code, 5, "{told}");
        let end = told.split("seen instead:").nth(1).unwrap_or_default();
        let seen = [format!("{hub}: password-mismatch"), format!("{spoke}: closed")];
        seen.iter().all(|seen| end.contains(seen)).then_some(())
    });
}

#[test]
fn what_cannot_be_waited_for_is_said_at_once() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let url = hub.daemon.url();
    for (case, arguments, want, said) in [
        ("no outcome", &[url.as_str(), "--outcome", "jioned"][..], 3, "joined, refused-connection"),
        ("no time", &[&url, "--timeout", "soon"], 3, "60s"),
        ("no node", &[], 3, "NODE"),
        ("no address", &["tcp://127.0.0.1"], 3, "http://HOST:PORT"),
        ("a slip", &["hubb"], 3, "did you mean `hub`?"),
    ] {
        let (code, told) = wait(&world, arguments);
        assert_eq!(code, want, "{case}: {told}");
        assert!(told.contains(said), "{case}: {told}");
    }
    let wrong = world.file("wrong-password", "wrong");
    let (code, told) = code(&ilslab(&["wait", &url, "--admin-password-file", &wrong]));
    assert_eq!(code, 4, "{told}");
}

#[test]
fn one_program_is_each_daemon_under_its_name() {
    for (name, wanted) in
        [("ils-hub", "Run a hub"), ("/usr/bin/ils-spoke", "Run a spoke"), ("ilslab", "demo")]
    {
        let output = Command::new(program().0).arg0(name).arg("--help").output().expect("runs");
        assert!(output.status.success(), "{name}");
        assert!(text(&output.stdout).contains(wanted), "{name}: {}", text(&output.stdout));
    }
}

/// A pair from the files of a setup, on ports of the system's choice.
struct Equipped {
    world: World,
    hub: Node,
    spoke: Node,
}

impl Equipped {
    fn new(method: &str, fault: &str) -> Self {
        let world = World::new();
        let state = world.path("state").display().to_string();
        let (method, fault) = (format!("--method={method}"), format!("--fault={fault}"));
        let setup = ["setup", "--dir", &state, &method, &fault, "--hub-host=127.0.0.1", "--key=p-256"];
        let (code, told) = code(&ilslab(&setup));
        assert_eq!(code, 0, "{told}");
        let hub =
            start(&world, Side::Hub, ["listen=127.0.0.1", "tls-port=0", "password-port=0"].map(String::from));
        let port = |address: Option<std::net::SocketAddr>| address.expect("a hub binds both").port();
        let ready = hub.daemon.ready();
        let spoke = start(
            &world,
            Side::Spoke,
            [
                format!("registration-tls-port={}", port(ready.tls)),
                format!("registration-password-port={}", port(ready.password)),
                "retry-initial=100ms".to_owned(),
            ],
        );
        Self { world, hub, spoke }
    }

    fn switch(&self) -> Output {
        let state = self.world.path("state").display().to_string();
        let (hub, spoke) = (self.hub.daemon.url(), self.spoke.daemon.url());
        ilslab(&["switch", "--dir", &state, "--hub", &hub, "--spoke", &spoke])
    }
}

/// A node with the configuration that the setup has written, but for these options.
fn start<const N: usize>(world: &World, side: Side, options: [String; N]) -> Node {
    let folder = world.path("state").join(side.name());
    let admin = std::fs::read_to_string(folder.join("admin.password")).expect("the node's own copy");
    let config = format!("--config={}", folder.join("node.toml").display());
    let options = options.into_iter().map(|option| format!("--{option}"));
    let options = [config, "--admin=127.0.0.1:0".to_owned()].into_iter().chain(options);
    let daemon = match Daemon::start(&program(), side, options, &world.path("")) {
        Ok(daemon) => daemon,
        Err(error) => panic!("{side} does not start: {error}"),
    };
    let client = daemon.client(&admin).expect("its own address");
    Node { daemon, client, data: folder.join("data") }
}

#[test]
fn a_setup_equips_a_pair_that_does_as_its_scenario_says() {
    for (method, fault, on_hub, on_spoke) in [
        ("password", "", "joined", "joined"),
        ("password", "mismatch", "password-mismatch", "closed"),
        ("tls", "", "joined", "joined"),
        ("tls", "spoke-not-imported", "certificate-not-known", "closed"),
        ("tls-password", "", "joined", "joined"),
        ("tls-password", "spoke-self-signed", "peer-certificate-rejected:18", "own-certificate-rejected"),
    ] {
        let pair = Equipped::new(method, fault);
        pair.hub.sees(on_hub);
        pair.spoke.sees(on_spoke);
        let output = pair.switch();
        assert!(text(&output.stdout).starts_with("nothing to switch"), "{method}: {output:?}");
    }
}

#[test]
fn a_pair_of_method_4_is_switched_once_and_joins_again() {
    let pair = Equipped::new("password-then-tls", "");
    let output = pair.switch();
    assert!(output.status.success(), "{output:?}");
    let told = text(&output.stdout);
    let places = ["both have joined by password", "the hub is switched", "the spoke is switched"];
    let places =
        places.map(|words| told.find(words).unwrap_or_else(|| panic!("`{words}` is missing: {told}")));
    assert!(places.is_sorted(), "{told}");
    for node in [&pair.hub, &pair.spoke] {
        assert_eq!(node.outcome_since(2), "joined");
        node.up_to_date(1);
    }
    let again = text(&pair.switch().stdout);
    assert!(!again.contains("is switched") && again.contains("both nodes use TLS"), "{again}");
}

#[test]
fn a_switch_that_was_cut_short_is_finished() {
    let pair = Equipped::new("password-then-tls", "");
    pair.hub.up_to_date(1);
    pair.hub.set(serde_json::json!({"use_tls": true, "use_password": false}));
    let told = text(&pair.switch().stdout);
    assert!(told.contains("the spoke is switched") && !told.contains("the hub is switched"), "{told}");
    assert_eq!(pair.spoke.outcome_since(2), "joined");
}
