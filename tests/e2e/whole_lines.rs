//! A terminal that stdout and stderr share: whatever a program prints, each write is whole lines, so that neither a thread
//! nor another process can come between.
//!
//! The terminal is a pipe in packet mode (`O_DIRECT`): what one write puts in, one read takes out.

use std::io::{PipeReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use ilslab_lab::Side;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};

use crate::world::{World, program, until};

/// A program whose stdout and stderr are one pipe.
struct Shown {
    child: Child,
    writes: Option<JoinHandle<Vec<String>>>,
}

impl Shown {
    fn start(arguments: &[String]) -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let flags = fcntl_getfl(&writer).expect("a file of ours");
        fcntl_setfl(&writer, flags | OFlags::DIRECT).expect("a pipe has packets");
        let mut command = Command::new(program().0);
        command.args(arguments).env("ILS_NONSENSE", "1").env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"));
        command.stdin(Stdio::null()).stdout(writer.try_clone().expect("a copy")).stderr(writer);
        let child = command.spawn().expect("the built program runs");
        // The command holds copies of the pipe: the reader would never see its end.
        drop(command);
        Self { child, writes: Some(thread::spawn(move || packets(reader))) }
    }

    /// Waits for its end; answers what it wrote, write by write.
    fn ended(mut self) -> Vec<String> {
        until("its end", || self.child.try_wait().expect("a child of ours"));
        let writes = self.writes.take().expect("asked once");
        writes.join().expect("the reader has no reason to panic")
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn packets(mut reader: PipeReader) -> Vec<String> {
    let (mut packets, mut packet) = (Vec::new(), vec![0; 65_536]);
    loop {
        match reader.read(&mut packet).expect("a pipe of ours") {
            0 => return packets,
            octets => packets.push(String::from_utf8_lossy(&packet[..octets]).into_owned()),
        }
    }
}

fn are_whole(case: &str, writes: &[String]) {
    for write in writes {
        assert!(write.ends_with('\n'), "{case}: {write:?} in {writes:#?}");
    }
}

/// The arguments of a node that prints all that it may print at its start; a spoke finds nobody where it dials.
fn node(world: &World, side: Side, format: &str, ready: &Path) -> Vec<String> {
    let plan = world.node(side, "node").password("one password").without("admin-password-file");
    let plan = plan.with("log", format).with("ready-file", ready.display());
    let plan = match side {
        Side::Hub => plan,
        Side::Spoke => plan.with("registration-server", "127.0.0.1").with("registration-password-port", 1),
    };
    [vec![side.name().to_owned()], plan.arguments()].concat()
}

#[test]
fn thirty_starts_of_daemons_write_whole_lines_to_a_shared_terminal() {
    for start in 0..5 {
        for side in Side::BOTH {
            for format in ["sdl", "text", "json"] {
                let (world, case) = (World::new(), format!("start {start} of a {side} with --log {format}"));
                let ready = world.path("ready.json");
                let shown = Shown::start(&node(&world, side, format, &ready));
                until("it is ready", || ready.exists().then_some(()));
                kill_process(Pid::from_child(&shown.child), Signal::TERM).expect("it is not waited for yet");
                let writes = shown.ended();
                are_whole(&case, &writes);
                let lines: Vec<&str> = writes.iter().flat_map(|write| write.lines()).collect();
                let announced =
                    if side == Side::Hub { "Hub node.lab.example " } else { "Spoke node.lab.example " };
                for begin in ["warning: ", "API: user administrator, password ", announced] {
                    let found = lines.iter().filter(|line| line.starts_with(begin)).count();
                    assert_eq!(found, 1, "{case}: `{begin}` in {writes:#?}");
                }
                assert!(lines.len() > 3, "{case}: the log is there too: {writes:#?}");
            }
        }
    }
}

#[test]
fn every_command_writes_whole_lines_to_a_shared_terminal() {
    let world = World::new();
    let demo = world.path("demo").display().to_string();
    let certs = world.path("certs").display().to_string();
    for arguments in [
        &["demo", "--once", "--any-port", "--data-dir", &demo][..],
        &["demo", "--method", "tls", "--fault", "mismatch"],
        &["scenario", "run", "password/mismatch", "tls/joined", "--key", "p-256"],
        &["scenario", "run", "password/joined", "--json"],
        &["scenario", "list"],
        &["scenario", "show", "tls/joined"],
        &["scenario", "show", "tls/nothing"],
        &["certs", "issue", "--dir", &certs, "--key", "p-256"],
        &["wait", "http://127.0.0.1:1", "--timeout", "10ms", "--admin-password-file", "/dev/null"],
        &["health", "http://127.0.0.1:1"],
        &["alarms", "http://127.0.0.1:1", "--admin-password-file", "/dev/null"],
        &["hub", "--password-port", "7501"],
    ] {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let writes = Shown::start(&arguments).ended();
        assert!(!writes.is_empty(), "{arguments:?}");
        are_whole(&arguments.join(" "), &writes);
    }
}
