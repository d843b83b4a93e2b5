//! What a person sees: the built program on a terminal.

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use ilslab_lab::Side;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::world::{PATIENCE, World, ilslab, program, text, until};

/// The built program with its stdout on a terminal of its own; killed when the test ends.
struct OnTerminal {
    child: Child,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl OnTerminal {
    fn start(columns: u16, arguments: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("ours");
        unlockpt(&ours).expect("unlocked");
        let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&ours, size).expect("sized");
        let name = ptsname(&ours, Vec::new()).expect("its name").into_string().expect("text");
        let theirs = File::options().read(true).write(true).open(name).expect("its other end");
        let mut command = Command::new(program().0);
        command.args(arguments).env("TERM", "xterm").env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"));
        command.env("ILS_PATIENCE", PATIENCE).env_remove("NO_COLOR");
        let child = command.stdin(Stdio::null()).stdout(theirs).stderr(Stdio::null()).spawn().expect("runs");
        // The command holds an end of the terminal too, and the last one that closes ends what is read.
        drop(command);
        let (tell, screen) = channel();
        let mut ours = File::from(ours);
        thread::spawn(move || {
            let mut octets = [0; 4096];
            while let Ok(length @ 1..) = ours.read(&mut octets) {
                if tell.send(octets[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, screen, seen: String::new() }
    }

    /// All that it writes until it ends by itself.
    fn all_that_it_says(mut self) -> String {
        let status = until("its end", || self.child.try_wait().expect("a child"));
        while let Ok(octets) = self.screen.recv() {
            self.seen += &String::from_utf8_lossy(&octets);
        }
        assert!(status.success(), "{status}: {}", self.seen);
        self.seen.replace("\r\n", "\n")
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_table_of_clusters_is_as_wide_as_the_terminal_allows_and_whole_where_there_is_none() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let spoke = world.node(Side::Spoke, "spoke").password("one password").of(&hub).start();
    hub.up_to_date(1);
    spoke.up_to_date(1);
    let (url, password) = (hub.daemon.url(), world.path("admin-password").display().to_string());
    let arguments = ["status", &url, "--admin-password-file", &password];
    let whole = text(&ilslab(&arguments).stdout);
    let heading = "| Cluster ID/Name | Last Contact Time";
    assert!(whole.contains(heading) && whole.contains("1 known, 1 joined"), "{whole}");
    for (columns, form) in [
        (80, "\nCluster ID/Name                  hub\n"),
        (100, "\n| ID/Name "),
        (120, "\n| hub  "),
        (200, heading),
    ] {
        let shown = OnTerminal::start(columns, &arguments).all_that_it_says();
        let widest = shown.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= usize::from(columns), "{columns}: {widest} columns: {shown}");
        assert!(shown.contains(form) && shown.contains("Hub"), "{columns}: {shown}");
    }
    let json = ilslab(&[&arguments[..], &["--json"]].concat());
    let status: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((&status["joined"], &status["role"]), (&1.into(), &"hub".into()));
}
