//! A demo of a failure says what makes its pair join; done to the letter, that is what happens.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use ils_faces::Calls;
use ilslab_desk::Client;
use ilslab_lab::scenario::CATALOGUE;
use serde_json::Value;

use crate::world::{PATIENCE, World, program, text, until};

/// A running demo with a place of its own for what it leaves to other commands; ended when dropped.
struct Demo {
    world: World,
    child: Child,
    lines: Receiver<String>,
}

impl Demo {
    fn start(method: &str, fault: &str) -> Self {
        let world = World::new();
        let mut command = Command::new(program().0);
        command.args(["demo", "--any-port", "--key", "p-256", "--method", method, "--fault", fault]);
        let child = command
            .env("XDG_RUNTIME_DIR", world.path(""))
            .env("ILS_PATIENCE", PATIENCE)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.expect("the built program runs");
        let told = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let (tell, lines) = channel();
        // Read to its end, so that the demo never waits for a reader.
        std::thread::spawn(move || told.for_each(|line| drop(tell.send(line))));
        Self { world, child, lines }
    }

    /// The commands that stand below the cure.
    fn commands(&self) -> Vec<String> {
        let told: Vec<String> = self.lines.iter().take_while(|line| !line.contains("until Ctrl-C")).collect();
        let commands = told.iter().filter_map(|line| line.strip_prefix("             "));
        commands.filter(|line| line.starts_with("ilslab ")).map(str::to_owned).collect()
    }

    /// Reads on to a line with this.
    fn tells(&self, wanted: &str) {
        until(wanted, || self.lines.try_iter().any(|line| line.contains(wanted)).then_some(()));
    }

    /// As somebody types it who has `ilslab` in the path.
    fn shell(&self, line: &str) {
        let folder = program().0.parent().expect("in a folder").display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command.arg("-c").arg(line).env("PATH", format!("{folder}:{path}")).stdin(Stdio::null());
        let output = command.env("XDG_RUNTIME_DIR", self.world.path("")).output().expect("a shell runs");
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    }

    fn client(&self, node: &str) -> Client {
        let folder = std::fs::read_dir(self.world.path("")).expect("a folder").map_while(Result::ok);
        let left = folder.map(|entry| entry.path().join(format!("{node}.json"))).find(|path| path.is_file());
        let left = std::fs::read_to_string(left.expect("a running demo leaves it")).expect("text");
        let left: Value = serde_json::from_str(&left).expect("JSON");
        let field = |name: &str| left[name].as_str().expect("text").to_owned();
        let password = std::fs::read_to_string(field("password_file")).expect("a password");
        Client::new(&field("url"), &password).expect("an address")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        // One that has ended already is not to be asked to.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        let _ = self.child.wait();
    }
}

/// Whether the node is joined, by the method of the scenario.
fn is_joined(client: &Client, listening: &str) -> bool {
    let (peers, status) = (client.peers().expect("an answer"), client.status().expect("an answer"));
    let in_force = status["ports"]["listening"].as_str().is_none_or(|port| port == listening);
    let peers = peers["peers"].as_array().expect("a list");
    in_force && peers.iter().any(|peer| peer["connected"] == true)
}

#[test]
fn a_demo_of_a_failure_left_alone_counts_the_tries_that_come_to_nothing_new() {
    let demo = Demo::start("tls", "hub-not-imported");
    for times in ["once", "2 times"] {
        demo.tells(&format!("still not joined: the spoke tries again ({times} by now)"));
    }
}

fn is_mended(method: &str, fault: &str) {
    let demo = Demo::start(method, fault);
    let commands = demo.commands();
    assert!(!commands.is_empty(), "{method}/{fault}");
    let nodes = ["hub", "spoke"].map(|node| demo.client(node));
    let listening = if method == "password" { "password" } else { "tls" };
    assert!(!nodes.iter().any(|node| is_joined(node, listening)), "{method}/{fault}: so far");
    commands.iter().for_each(|command| demo.shell(command));
    for node in &nodes {
        until("the join", || is_joined(node, listening).then_some(()));
    }
    demo.tells("── joined now");
    for side in ["hub", "spoke"] {
        demo.tells(&format!("ILS Clusters and Global Dial Plan Imported Catalogs, on the {side}"));
        demo.tells("(Local Cluster)");
    }
}

#[test]
fn what_a_demo_of_a_failure_says_to_do_makes_its_pair_join() {
    let failing: Vec<_> = CATALOGUE.iter().filter(|scenario| scenario.lesson.is_some()).collect();
    assert!(failing.len() >= 9, "those of the documentation");
    std::thread::scope(|threads| {
        for scenario in failing {
            threads.spawn(|| is_mended(scenario.method.name(), scenario.case()));
        }
    });
}
