//! `ilslab scenario` and `ilslab demo`, as a script sees them: exit codes, JSON, what is left behind.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::world::{PATIENCE, World, ilslab, program, text};

/// The scenarios of the documentation.
const IDS: [&str; 13] = [
    "password/joined",
    "password/mismatch",
    "tls/joined",
    "tls/hub-not-imported",
    "tls/spoke-not-imported",
    "tls-password/joined",
    "tls-password/mismatch",
    "tls-password/spoke-self-signed",
    "tls-password/hub-self-signed",
    "tls-password/both-self-signed",
    "password-then-tls/joined",
    "password-then-tls/hub-self-signed",
    "password-then-tls/spoke-self-signed",
];

fn results(output: &std::process::Output) -> Vec<Value> {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    serde_json::from_slice::<Vec<Value>>(&output.stdout).expect("one array, and nothing else")
}

#[test]
fn all_thirteen_scenarios_are_as_expected_in_one_run() {
    let results = results(&ilslab(&["scenario", "run", "--all", "--json"]));
    let mut ids: Vec<&str> = results.iter().filter_map(|result| result["id"].as_str()).collect();
    assert!(results.iter().all(|result| result["as_expected"] == true), "{results:?}");
    ids.sort_unstable();
    let mut wanted = IDS;
    wanted.sort_unstable();
    assert_eq!(ids, wanted);
}

#[test]
fn each_scenario_runs_by_itself_and_keeps_its_traces() {
    for id in IDS {
        let world = World::new();
        let keep = world.path("kept").display().to_string();
        let results = results(&ilslab(&["scenario", "run", id, "--json", "--key", "p-256", "--keep", &keep]));
        let [result] = results.as_slice() else { panic!("{id}: one result, not {results:?}") };
        assert_eq!((&result["id"], &result["as_expected"]), (&id.into(), &true.into()), "{result}");
        assert_eq!(result["hub"]["wanted"], result["hub"]["seen"]);
        assert!(result["seconds"].is_f64(), "{result}");
        for side in ["hub", "spoke"] {
            let data = world.path("kept").join(id).join(side);
            let trace =
                std::fs::read_to_string(data.join("activelog/cm/trace/ils/sdl/SDL001_600_000001.txt"));
            assert!(trace.is_ok_and(|trace| trace.contains("|AppInfo  |")), "{side} of {id}");
            assert!(data.join("activelog/syslog/CiscoSyslog").exists(), "{side} of {id}");
        }
    }
}

#[test]
fn a_scenario_that_does_not_exist_is_told_and_is_no_success() {
    for (arguments, code) in [
        (&["scenario", "run", "tls/nothing"][..], 2),
        (&["scenario", "show", "tls/nothing"], 2),
        (&["scenario", "run"], 3),
        (&["demo", "--method", "tls", "--fault", "mismatch", "--once"], 3),
        (&["demo", "--method", "carrier-pigeon"], 3),
        (&["demo", "--json"], 3),
    ] {
        let output = ilslab(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        assert!(!output.stderr.is_empty(), "{arguments:?} says why");
    }
}

#[test]
fn the_list_names_all_thirteen_and_each_can_be_shown() {
    let list = text(&ilslab(&["scenario", "list"]).stdout);
    for id in IDS {
        assert!(list.contains(id), "{id} is missing: {list}");
        let shown = ilslab(&["scenario", "show", id]);
        assert!(shown.status.success() && text(&shown.stdout).contains(id), "{id}");
    }
}

#[test]
fn a_demo_that_ends_by_itself_prints_one_result_and_nothing_else() {
    let world = World::new();
    for (fault, seen) in [("", "joined"), ("spoke-self-signed", "peer-certificate-rejected:18")] {
        let dir = world.path(&format!("demo-{fault}")).display().to_string();
        let fault = format!("--fault={fault}");
        let options = [
            "--method=tls-password",
            &fault,
            "--once",
            "--json",
            "--any-port",
            "--key=p-256",
            "--data-dir",
            &dir,
        ];
        let output = ilslab(&[&["demo"], &options[..]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let result: Value = serde_json::from_slice(&output.stdout).expect("one object");
        assert_eq!(result["hub"]["seen"], seen);
        assert_eq!(result["as_expected"], true);
    }
}

#[test]
fn a_demo_empties_only_what_an_earlier_demo_left() {
    let world = World::new();
    let dir = world.path("precious").display().to_string();
    let file = world.file("precious/letter.txt", "keep me");
    let options = ["demo", "--once", "--any-port", "--data-dir", &dir];
    let output = ilslab(&options);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_to_string(&file).expect("is there"), "keep me");
    std::fs::remove_file(&file).expect("is there");
    for _ in 0..2 {
        let output = ilslab(&options);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

#[test]
fn a_demo_tells_the_join_and_stays_until_it_is_ended() {
    let mut child = Command::new(program().0)
        .args(["demo", "--any-port"])
        .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
        .env("ILS_PATIENCE", PATIENCE)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the built program runs");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let mut told = String::new();
    for line in lines {
        told.push_str(&line);
        told.push('\n');
        if line.contains("Ctrl-C") {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
        }
    }
    assert!(child.wait().expect("it ends").success(), "{told}");
    for wanted in
        ["hub", "spoke", "established", "Hub (Local Cluster)", "Up to date", "administrator", "CiscoSyslog"]
    {
        assert!(told.contains(wanted), "`{wanted}` is missing: {told}");
    }
}

#[test]
fn a_demo_tells_a_refusal_before_what_the_other_node_hears_of_it() {
    for (version, fault, refuser) in [
        ("1.2", "spoke-self-signed", "hub"),
        ("1.3", "spoke-self-signed", "hub"),
        ("1.2", "hub-self-signed", "spoke"),
        ("1.3", "hub-self-signed", "spoke"),
    ] {
        let options = ["demo", "--once", "--any-port", "--key=p-256", "--method=tls-password"];
        let output = ilslab(&[&options[..], &["--tls-version", version, "--fault", fault]].concat());
        let told = text(&output.stdout);
        let hearer = if refuser == "hub" { "spoke" } else { "hub" };
        let refusal = told.find(&format!("the {refuser} does not trust the {hearer}'s certificate"));
        let heard = told.find(&format!("the {hearer} is told by an alert"));
        assert!(refusal.is_some() && refusal < heard, "{fault}, TLS {version}: {told}");
    }
}

/// No other test has these two; `--instance` takes the default ports on addresses of its own.
const INSTANCES: [&str; 2] = ["241", "242"];

#[test]
fn two_demos_run_side_by_side_and_each_node_is_called_by_its_instance() {
    let world = World::new();
    let demos = INSTANCES.map(|instance| {
        let mut command = Command::new(program().0);
        command.args(["demo", "--instance", instance]).env("XDG_RUNTIME_DIR", world.path(""));
        command.env("ILS_PATIENCE", PATIENCE).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Ended(command.spawn().expect("the built program runs"));
        let mut lines = BufReader::new(child.0.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let told: Vec<String> = lines.by_ref().take_while(|line| !line.contains("until Ctrl-C")).collect();
        assert!(told.iter().any(|line| line.contains(&format!("ilslab alarms hub@{instance}"))), "{told:?}");
        // Read to its end, so that the demo never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        child
    });
    for instance in INSTANCES {
        let [hub, spoke] = ["hub", "spoke"].map(|side| format!("{side}@{instance}"));
        let output = Command::new(program().0)
            .args(["wait", &hub, &spoke, "--outcome", "joined"])
            .env("XDG_RUNTIME_DIR", world.path(""))
            .output()
            .expect("runs");
        let told = text(&output.stderr);
        assert!(output.status.success(), "{told}");
        let [hub, spoke] =
            [(1, 8080), (2, 8081)].map(|(host, port)| format!("127.1.{instance}.{host}:{port}: joined"));
        assert!(told.contains(&hub) && told.contains(&spoke), "{told}");
    }
    drop(demos);
}

/// Told to end when dropped.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        // One that has ended already is not to be asked to.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        let _ = self.0.wait();
    }
}
