//! The image and the compose file, where docker is: what is in the image, and each method and a fault of each in
//! containers, one after the other in the same volumes.
//!
//! The image under test is `localhost/ilslab:dev` as `scripts/image.sh` has built it.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::world::{PATIENCE, ilslab, text, until};

const IMAGE: &str = "localhost/ilslab:dev";
/// The image is to stay below this, in octets.
const IMAGE_MAX: u64 = 30_000_000;
/// Who runs in it: nobody's number on any usual system.
const USER: &str = "65532:65532";

fn run(command: &mut Command) -> Option<Output> {
    command.stdin(Stdio::null()).output().ok()
}

fn succeeds(command: &mut Command) -> bool {
    run(command).is_some_and(|output| output.status.success())
}

fn docker(arguments: &[&str]) -> String {
    let output = run(Command::new("docker").args(arguments)).expect("docker runs");
    assert!(output.status.success(), "docker {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Whether something that these tests need is there; where it must be, its absence is a failure.
fn there(is: bool, complaint: &str) -> bool {
    let required = std::env::var_os("ILSLAB_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(is || !required, "{complaint}, and ILSLAB_REQUIRE_TOOLS=1");
    if !is {
        println!("skipped: {complaint}");
    }
    is
}

fn have_image() -> bool {
    there(succeeds(Command::new("docker").arg("info")), "docker is not installed, or does not run")
        && there(
            succeeds(Command::new("docker").args(["image", "inspect", IMAGE])),
            "there is no image localhost/ilslab:dev; scripts/image.sh builds it",
        )
}

/// `docker-compose`, or `docker compose`.
fn compose() -> Option<Vec<&'static str>> {
    let both = [vec!["docker-compose"], vec!["docker", "compose"]];
    let found =
        both.into_iter().find(|words| succeeds(Command::new(words[0]).args(&words[1..]).arg("version")));
    there(found.is_some(), "docker-compose is not installed");
    found
}

#[test]
fn the_image_holds_one_program_under_three_names_and_is_small() {
    if !have_image() {
        return;
    }
    let config: Value = serde_json::from_str(&docker(&["image", "inspect", IMAGE])).expect("JSON");
    let image = &config[0];
    assert_eq!(image["Config"]["User"], USER);
    assert_eq!(image["Config"]["Entrypoint"], serde_json::json!(["/usr/bin/ilslab"]));
    let size = image["Size"].as_u64().expect("a number");
    assert!(size < IMAGE_MAX, "{size} octets");
    assert_eq!(
        files_of_the_image(),
        [
            "drwx------ 65532/65532 var/lib/ilslab/hub/",
            "drwx------ 65532/65532 var/lib/ilslab/lab/",
            "drwx------ 65532/65532 var/lib/ilslab/spoke/",
            "-rwxr-xr-x 0/0 usr/bin/ilslab",
            "lrwxrwxrwx 0/0 usr/bin/ils-hub -> ilslab",
            "lrwxrwxrwx 0/0 usr/bin/ils-spoke -> ilslab",
        ]
    );
    for (entry, wanted) in [("ilslab", "Start with"), ("ils-hub", "Run a hub"), ("ils-spoke", "Run a spoke")]
    {
        assert!(docker(&["run", "--rm", "--entrypoint", entry, IMAGE, "--help"]).contains(wanted), "{entry}");
    }
}

/// Mode, owner and name of everything in it but the folders on the way, and what docker puts into every container.
fn files_of_the_image() -> Vec<String> {
    const DOCKERS: [&str; 9] = [
        ".dockerenv",
        "dev/",
        "dev/console",
        "dev/pts/",
        "dev/shm/",
        "etc/hostname",
        "etc/hosts",
        "etc/mtab",
        "etc/resolv.conf",
    ];
    const ON_THE_WAY: [&str; 8] =
        ["etc/", "proc/", "sys/", "usr/", "usr/bin/", "var/", "var/lib/", "var/lib/ilslab/"];
    let container = docker(&["create", IMAGE]);
    let container = container.trim();
    let listing =
        Command::new("sh").args(["-c", "docker export \"$0\" | tar -tv --numeric-owner", container]).output();
    docker(&["rm", container]);
    let listing = text(&listing.expect("a shell").stdout);
    let mut files: Vec<String> = listing
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let name = words.get(5)?;
            let ours = !DOCKERS.contains(name) && !ON_THE_WAY.contains(name);
            ours.then(|| format!("{} {} {}", words[0], words[1], words[5..].join(" ")))
        })
        .collect();
    files.sort_by_key(|line| (!line.starts_with('d'), !line.starts_with('-'), line.clone()));
    files
}

/// A port that stays free while the project is down: the system gives none of these away by itself.
fn quiet_port() -> TcpListener {
    let start = u16::try_from(std::process::id() % 10_000).expect("small");
    let mut ports = (0..10_000).map(|next| 20_000 + (start + next) % 10_000);
    ports.find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).expect("a port of ten thousand")
}

/// A compose project of its own name and ports. Dropping it removes its containers, networks and volumes.
struct Project {
    compose: Vec<&'static str>,
    name: String,
    ports: [u16; 2],
    asked: (&'static str, &'static str),
}

impl Project {
    fn new(compose: Vec<&'static str>) -> Self {
        // Held together until both are known, so that they differ.
        let free = [(); 2].map(|()| quiet_port());
        let ports = free.map(|listener| listener.local_addr().expect("bound").port());
        let name = format!("ilslab-test-{}", std::process::id());
        Self { compose, name, ports, asked: ("password", "") }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker-compose.yml");
        let mut command = Command::new(self.compose[0]);
        command
            .args(&self.compose[1..])
            .args(["--project-name", &self.name, "--file"])
            .arg(file)
            .args(arguments);
        self.set_environment(&mut command);
        command
    }

    fn set_environment(&self, command: &mut Command) {
        command.env("ILS_METHOD", self.asked.0).env("ILS_FAULT", self.asked.1);
        command.env("ILS_HUB_ADMIN_PORT", self.ports[0].to_string());
        command.env("ILS_SPOKE_ADMIN_PORT", self.ports[1].to_string());
        command.env("ILS_PATIENCE", PATIENCE).env("COMPOSE_HTTP_TIMEOUT", "120");
        command.env_remove("COMPOSE_FILE").env_remove("COMPOSE_PROFILES");
    }

    /// A line for a shell, in which `docker compose` is this project's.
    fn shell(&self, line: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker-compose.yml");
        let compose =
            format!("{} --project-name {} --file '{}'", self.compose.join(" "), self.name, file.display());
        let mut command = Command::new("sh");
        command.arg("-c").arg(line.replace("docker compose", &compose));
        self.set_environment(&mut command);
        let output = run(&mut command).expect("a shell runs");
        assert!(output.status.success(), "{line}: {}\n{}", text(&output.stderr), self.logs());
    }

    fn try_run(&self, arguments: &[&str]) -> Output {
        run(&mut self.command(arguments)).expect("compose runs")
    }

    /// What it printed on stdout.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.try_run(arguments);
        let told = || format!("{}{}\n{}", text(&output.stdout), text(&output.stderr), self.logs());
        assert!(output.status.success(), "{:?} {arguments:?}: {}", self.asked, told());
        text(&output.stdout)
    }

    fn logs(&self) -> String {
        text(&self.try_run(&["logs", "--no-color"]).stdout)
    }

    fn log(&self, service: &str) -> String {
        self.run(&["logs", "--no-color", service])
    }

    fn container(&self, service: &str) -> String {
        self.run(&["ps", "-q", service]).trim().to_owned()
    }

    fn inspect(&self, service: &str) -> Value {
        let answer: Value =
            serde_json::from_str(&docker(&["inspect", &self.container(service)])).expect("JSON");
        answer[0].clone()
    }

    /// Comes up with another method and fault, and waits for what each node is to see.
    fn up(&mut self, method: &'static str, fault: &'static str, [hub, spoke]: [&str; 2]) {
        self.asked = (method, fault);
        self.run(&["up", "-d", "--no-build"]);
        let code = docker(&["wait", &self.container("switch")]);
        assert_eq!(code.trim(), "0", "{method} {fault}: {}", self.logs());
        for node in ["hub", "spoke"] {
            let health = self.inspect(node)["State"]["Health"]["Status"].clone();
            assert_eq!(health, "healthy", "{node} of {method} {fault}: {}", self.logs());
        }
        for (url, outcome) in [("http://hub:8080", hub), ("http://spoke:8081", spoke)] {
            self.run(&["exec", "-T", "hub", "ilslab", "wait", url, "--outcome", outcome, "--timeout", "60s"]);
        }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // A test that has failed already is not to panic again.
        drop(run(&mut self.command(&["down", "--volumes", "--remove-orphans", "--timeout", "10"])));
    }
}

/// Method, fault, outcome on hub and spoke, and a line of a node's log that only this one has.
type Row = (&'static str, &'static str, [&'static str; 2], &'static str, &'static str);

const ROWS: [Row; 8] = [
    ("password", "", ["joined", "joined"], "hub", "TLSReq(f) established"),
    ("password", "mismatch", ["password-mismatch", "closed"], "hub", "EncrUtil:: decryptData failed"),
    ("tls", "", ["joined", "joined"], "spoke", "peer certificates are in certificate store"),
    (
        "tls",
        "spoke-not-imported",
        ["certificate-not-known", "closed"],
        "hub",
        "FQDN (spoke.lab.example) is not in the peer info vector",
    ),
    ("tls-password", "", ["joined", "joined"], "spoke", "Root CA signed certs are uploaded locally"),
    (
        "tls-password",
        "spoke-self-signed",
        ["peer-certificate-rejected:18", "own-certificate-rejected"],
        "hub",
        "(Verification error:18)- self signed certificate",
    ),
    ("password-then-tls", "", ["joined", "joined"], "hub", "FQDN is in PeerInfoVector"),
    (
        "password-then-tls",
        "hub-self-signed",
        ["own-certificate-rejected", "peer-certificate-rejected:18"],
        "spoke",
        "(Verification error:18)- self signed certificate",
    ),
];

#[test]
fn every_method_joins_in_containers_and_a_fault_of_each_fails_as_documented() {
    let Some(compose) = have_image().then(compose).flatten() else { return };
    let mut project = Project::new(compose);
    for (number, (method, fault, outcomes, node, line)) in ROWS.into_iter().enumerate() {
        // Come up over a running pair and over a stopped one, in turn, and never with empty volumes.
        if number % 2 == 0 {
            project.run(&["down"]);
        }
        project.up(method, fault, outcomes);
        let log = until(line, || Some(project.log(node)).filter(|log| log.contains(line)));
        assert_eq!(log.contains(") established"), outcomes[0] == "joined" || method == "password-then-tls");
        if !fault.is_empty() {
            what_setup_says_makes_it_join(&project);
        }
        if number == 0 {
            the_services_have_no_rights(&project);
            the_same_again_keeps_what_is_there(&mut project);
            a_fault_is_provoked_and_its_alarm_read_from_outside(&project);
        }
    }
    an_unknown_wish_is_refused(&mut project);
}

/// What it says is done to the letter, and then both nodes have joined by the method that was asked for.
fn what_setup_says_makes_it_join(project: &Project) {
    let joined =
        if project.asked.0 == "password" { "TLSReq(f) established" } else { "TLSReq(t) established" };
    assert!(!project.logs().contains(joined), "{:?}: not joined so far", project.asked);
    let told = text(&project.try_run(&["logs", "--no-color", "setup"]).stdout);
    let commands: Vec<&str> = told
        .lines()
        .filter_map(|line| line.split_once("|   docker compose "))
        .map(|(_, rest)| rest)
        .collect();
    assert!(!commands.is_empty(), "{told}");
    for command in commands {
        project.shell(&format!("docker compose {command}"));
    }
    for node in ["hub", "spoke"] {
        until(joined, || project.log(node).contains(joined).then_some(()));
    }
}

fn the_services_have_no_rights(project: &Project) {
    for (service, mounts) in [
        ("hub", vec!["/var/lib/ilslab/hub"]),
        ("spoke", vec!["/var/lib/ilslab/spoke"]),
        ("switch", vec!["/var/lib/ilslab/lab"]),
        ("setup", vec!["/var/lib/ilslab/hub", "/var/lib/ilslab/lab", "/var/lib/ilslab/spoke"]),
    ] {
        let container = project.inspect(service);
        let host = &container["HostConfig"];
        assert_eq!(container["Config"]["User"], USER, "{service}");
        assert_eq!(host["ReadonlyRootfs"], true, "{service}");
        assert_eq!(host["CapDrop"], serde_json::json!(["ALL"]), "{service}");
        assert_eq!(host["CapAdd"], Value::Null, "{service}");
        assert_eq!(host["Privileged"], false, "{service}");
        let options = host["SecurityOpt"].as_array().expect("a list");
        assert!(options.iter().any(|option| option == "no-new-privileges:true"), "{service}: {options:?}");
        let seen = container["Mounts"].as_array().expect("a list").iter();
        let seen: BTreeSet<&str> = seen.filter_map(|mount| mount["Destination"].as_str()).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), mounts, "{service}");
        for bindings in host["PortBindings"].as_object().into_iter().flat_map(|ports| ports.values()) {
            assert_eq!(bindings[0]["HostIp"], "127.0.0.1", "{service}");
        }
    }
}

fn the_same_again_keeps_what_is_there(project: &mut Project) {
    let password = || project.run(&["run", "--rm", "-T", "setup", "--show-password"]);
    let before = password();
    assert!(project.log("setup").contains("made anew"));
    project.run(&["up", "-d", "--no-build"]);
    assert!(project.log("setup").contains("kept as it is"));
    assert_eq!(password(), before);
}

fn a_fault_is_provoked_and_its_alarm_read_from_outside(project: &Project) {
    let folder = tempfile::tempdir().expect("a folder");
    let [password, wrong] = ["password", "wrong"].map(|name| folder.path().join(name));
    std::fs::write(&password, project.run(&["run", "--rm", "-T", "setup", "--show-password"]))
        .expect("written");
    std::fs::write(&wrong, "not the password").expect("written");
    let [hub, spoke] = project.ports.map(|port| format!("http://127.0.0.1:{port}"));
    let password = password.display().to_string();
    let ask = |words: &[&str]| {
        let output = ilslab(&[words, &["--admin-password-file", &password]].concat());
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    ask(&["wait", &hub, &spoke]);
    ask(&["set", &spoke, "--password-file", &wrong.display().to_string()]);
    ask(&["wait", &hub, "--outcome", "password-mismatch"]);
    assert!(ask(&["alarms", &hub]).contains("ILSPwdAuthenticationFailed"));
    let inside = project.run(&["exec", "-T", "hub", "ilslab", "alarms", "hub"]);
    assert!(inside.contains("ILSPwdAuthenticationFailed"), "{inside}");
}

fn an_unknown_wish_is_refused(project: &mut Project) {
    for (asked, said) in [
        (("password", "hub-self-signed"), "give one of: mismatch"),
        (("kerberos", ""), "invalid value 'kerberos'"),
    ] {
        project.run(&["down"]);
        project.asked = asked;
        assert!(!project.try_run(&["up", "-d", "--no-build"]).status.success(), "{asked:?}");
        let code = project.inspect("setup")["State"]["ExitCode"].clone();
        assert_eq!(code, 3, "{asked:?}: {}", project.logs());
        assert!(project.logs().contains(said), "{asked:?}: {}", project.logs());
    }
}

#[test]
fn the_compose_file_is_good_for_both_versions_of_compose() {
    const OF_ONE_ONLY: [&str; 7] =
        ["version", "name", "profiles", "extends", "start_interval", "develop", "include"];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker-compose.yml");
    let file = std::fs::read_to_string(&path).expect("the compose file");
    for key in file.lines().filter_map(|line| line.trim_start().split_once(':').map(|(key, _)| key)) {
        assert!(!OF_ONE_ONLY.contains(&key), "{key}");
    }
    let Some(words) = compose() else { return };
    let mut command = Command::new(words[0]);
    let output = run(command.args(&words[1..]).arg("--file").arg(path).args(["config", "--quiet"]));
    let output = output.expect("compose runs");
    // A warning is as bad: what is deprecated in one version is gone in the next.
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn the_dockerfile_builds_where_its_base_image_is() {
    if !there(succeeds(Command::new("docker").arg("info")), "docker is not installed, or does not run") {
        return;
    }
    let base = "rust:1-slim";
    if !succeeds(Command::new("docker").args(["image", "inspect", base])) {
        // Not a tool that can be installed: it takes a registry.
        println!("skipped: there is no image {base}");
        return;
    }
    let tag = format!("localhost/ilslab-test:{}", std::process::id());
    docker(&["build", "--tag", &tag, env!("CARGO_MANIFEST_DIR")]);
    let version = docker(&["run", "--rm", &tag, "--version"]);
    docker(&["image", "rm", &tag]);
    assert!(version.starts_with("ilslab "), "{version}");
}
