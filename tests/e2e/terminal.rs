//! What a person sees: the built program on a terminal.

use std::fs::File;
use std::io::Read;
use std::path::Path;
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
    fn start(columns: u16, runtime: &Path, arguments: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("ours");
        unlockpt(&ours).expect("unlocked");
        let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&ours, size).expect("sized");
        let name = ptsname(&ours, Vec::new()).expect("its name").into_string().expect("text");
        let theirs = File::options().read(true).write(true).open(name).expect("its other end");
        let mut command = Command::new(program().0);
        command.args(arguments).env("TERM", "xterm").env("XDG_RUNTIME_DIR", runtime);
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

    /// Reads on until it has written this.
    fn says(&mut self, wanted: &str) {
        self.says_one_of(&[wanted.to_owned()]);
    }

    fn says_one_of(&mut self, wanted: &[String]) {
        until(&wanted.join(" or "), || {
            self.screen.try_iter().for_each(|octets| self.seen += &String::from_utf8_lossy(&octets));
            wanted.iter().any(|wanted| self.seen.contains(wanted)).then_some(())
        });
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
        let shown = OnTerminal::start(columns, &world.path(""), &arguments).all_that_it_says();
        let widest = shown.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= usize::from(columns), "{columns}: {widest} columns: {shown}");
        assert!(shown.contains(form) && shown.contains("Hub"), "{columns}: {shown}");
    }
    let json = ilslab(&[&arguments[..], &["--json"]].concat());
    let status: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((&status["joined"], &status["role"]), (&1.into(), &"hub".into()));
}

#[test]
fn a_demo_left_alone_counts_its_tries_in_one_line_and_tells_the_repair() {
    let world = World::new();
    let dir = world.path("demo");
    let folder = dir.display().to_string();
    let options = ["demo", "--any-port", "--fault", "mismatch", "--data-dir", &folder];
    let mut demo = OnTerminal::start(80, &world.path(""), &options);
    let count = |times: &str| format!("\r\u{1b}[2Kstill not joined: the spoke tries again ({times} by now)");
    demo.says(&count("once"));
    // Each stands where the last one stood, unless a try had something new to tell.
    let pairs = [
        count("once") + &count("2 times"),
        count("2 times") + &count("3 times"),
        count("3 times") + &count("4 times"),
    ];
    demo.says_one_of(&pairs);
    let ready = std::fs::read(dir.join("spoke.ready.json")).expect("a spoke that runs");
    let ready: serde_json::Value = serde_json::from_slice(&ready).expect("JSON");
    let url = format!("http://{}", ready["admin"].as_str().expect("an address"));
    let file = |name: &str| dir.join(name).display().to_string();
    let (admin, password) = (file("admin.password"), file("hub.password"));
    let output = ilslab(&["set", &url, "--admin-password-file", &admin, "--password-file", &password]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    demo.says("joined now");
    let before = demo.seen.split("joined now").next().unwrap_or_default();
    assert!(before.contains("by now)\r\n"), "the count ends its line: {before}");
    demo.seen = demo.seen.split_off(before.len());
    demo.says("ILS Clusters and Global Dial Plan Imported Catalogs, on the hub");
    demo.says("Spoke");
    let pid = rustix::process::Pid::from_child(&demo.child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    assert!(demo.all_that_it_says().ends_with("both nodes have stopped\n"));
}
