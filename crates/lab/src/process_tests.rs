//! Stand-ins for a daemon: shell scripts that write a ready file, or do not.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;

use tempfile::TempDir;

use super::*;

/// Writes the ready file, which the last argument names, as a daemon does: whole, by rename.
const READY: &str = r#"echo '{"role":"hub","tls":"127.0.0.1:1","password":"127.0.0.1:2","listening":"tls","admin":"127.0.0.1:3","pid":7}' > "$file.new" && mv "$file.new" "$file""#;

struct Lab {
    home: TempDir,
    program: Program,
}

impl Lab {
    fn new(script: &str) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("ilslab");
        let text = format!("#!/bin/sh\nfor file in \"$@\"; do :; done\n{script}\n");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        Self { home, program: Program(path) }
    }

    fn start(&self) -> Result<Daemon, ProcessError> {
        loop {
            match Daemon::start(&self.program, Side::Hub, ["--use-tls"], self.home.path()) {
                // Another test has forked while the script was open for writing (ETXTBSY): it soon lets go.
                Err(ProcessError::Spawn { source, .. })
                    if source.kind() == io::ErrorKind::ExecutableFileBusy => {}
                started => return started,
            }
        }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home.path().join(name)).expect("a file")
    }
}

fn runs(pid: u32) -> bool {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a process")).expect("a process");
    rustix::process::test_kill_process(pid).is_ok()
}

#[test]
fn a_ready_daemon_tells_its_ports_and_gets_its_options() {
    let lab = Lab::new(&format!("echo \"$@\"; {READY}; exec sleep 60"));
    let daemon = lab.start().expect("ready");
    let ready = daemon.ready();
    assert_eq!((ready.role.as_str(), ready.listening.as_deref(), ready.pid), ("hub", Some("tls"), 7));
    assert_eq!(daemon.url(), "http://127.0.0.1:3");
    let options = format!("hub --use-tls --ready-file {}/hub.ready.json\n", lab.home.path().display());
    assert_eq!(lab.read("hub.stdout"), options);
}

#[test]
fn a_daemon_that_ends_early_is_quoted_and_its_exit_code_passed_on() {
    for (code, want) in [(3, 3), (4, 4), (0, 4), (70, 70), (101, 70)] {
        let lab = Lab::new(&format!("echo 'port taken' >&2; exit {code}"));
        let error = lab.start().map(|_| ()).expect_err("ended");
        assert_eq!(error.exit_code(), want, "{code}");
        assert!(error.to_string().ends_with("; it said:\nport taken"), "{error}");
    }
}

#[test]
fn an_old_ready_file_is_not_believed() {
    let lab = Lab::new("exit 4");
    fs::write(lab.home.path().join("hub.ready.json"), "{}").expect("written");
    assert!(matches!(lab.start(), Err(ProcessError::Ended { .. })));
}

#[test]
fn a_ready_file_that_is_none_is_a_bug_and_leaves_no_process() {
    let lab = Lab::new("echo $$; echo junk > \"$file\"; exec sleep 60");
    let error = lab.start().map(|_| ()).expect_err("junk");
    assert_eq!((matches!(error, ProcessError::Ready { .. }), error.exit_code()), (true, 70));
    assert!(!runs(lab.read("hub.stdout").trim().parse().expect("a process")));
}

#[test]
fn a_stopped_daemon_ends_by_sigterm_and_a_dropped_one_at_once() {
    let lab = Lab::new(&format!("trap 'exit 0' TERM; {READY}; while :; do sleep 0.01; done"));
    let daemon = lab.start().expect("ready");
    assert_eq!(daemon.stop().and_then(|status| status.code()), Some(0));
    let daemon = lab.start().expect("ready");
    let pid = daemon.child.id();
    drop(daemon);
    assert!(!runs(pid));
}

#[test]
fn a_daemon_that_was_killed_is_noticed_with_what_it_said() {
    let lab = Lab::new(&format!("echo 'last words' >&2; {READY}; kill -9 $$"));
    // It may have ended before its ready file was looked at: that is noticed at the start.
    let error = match lab.start() {
        Ok(mut daemon) => std::iter::repeat_with(|| daemon.check()).find_map(Result::err).expect("it ends"),
        Err(error) => error,
    };
    let ProcessError::Ended { status, ref said, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((status.signal(), said.to_string().as_str()), (Some(9), "; it said:\nlast words"));
}

#[test]
fn only_the_end_of_a_long_stderr_is_quoted_in_whole_lines() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("stderr");
    for (case, text, want) in [
        ("nothing", String::new(), String::new()),
        ("short", "a\nb\n".to_owned(), "a\nb\n".to_owned()),
        ("long", format!("{}\nlast\n", "é".repeat(QUOTED)), "last\n".to_owned()),
    ] {
        fs::write(&path, text).expect("written");
        assert_eq!(said(&path).0, want, "{case}");
    }
    assert_eq!(said(Path::new("/nonexistent")).to_string(), " and said nothing");
}
