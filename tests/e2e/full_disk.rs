//! A disk that is full: what cannot be stored is refused and told, lines are counted, and all recovers.
//!
//! The node runs in a mount namespace of its own, with a tmpfs of 2 MiB as its data folder; that takes the rights to
//! make one.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ils_faces::Calls;
use ilslab_desk::ClientError;
use ilslab_lab::process::ProcessError;
use ilslab_lab::{Daemon, Program, Side};
use serde_json::json;

use crate::world::{ADMIN, World, program, until};

/// May this process make mount namespaces? Where tools are required, it must.
fn namespaces() -> bool {
    let mut tried = Command::new("unshare");
    tried.args(["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]).stderr(Stdio::null());
    let may = tried.status().is_ok_and(|status| status.success());
    assert!(
        may || std::env::var_os("ILSLAB_REQUIRE_TOOLS").is_none_or(|value| value != "1"),
        "mount namespaces are required, and not to be had"
    );
    if !may {
        println!("skipped: unshare and mount are not to be had");
    }
    may
}

/// A program that starts `ilslab` with a small disk at that folder.
fn on_a_small_disk(world: &World, folder: &str) -> Program {
    let script = format!(
        "#!/bin/sh\nexec unshare --mount sh -c 'mount -t tmpfs -o size=2m none \"{folder}\" && exec \"{}\" \"$@\"' sh \"$@\"\n",
        program().0.display()
    );
    let path = PathBuf::from(world.file("ilslab-on-a-small-disk", &script));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("may be run");
    Program(path)
}

#[test]
fn a_full_disk_refuses_joins_and_changes_and_all_recovers_when_space_returns() {
    if !namespaces() {
        return;
    }
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").password("one password");
    std::fs::create_dir_all(plan.data()).expect("a folder");
    let data = plan.data().display().to_string();
    let folder = world.path("hub");
    let program = on_a_small_disk(&world, &data);
    let daemon = until("the hub", || match Daemon::start(&program, Side::Hub, plan.arguments(), &folder) {
        // Another test has forked while the script was open for writing (ETXTBSY): it soon lets go.
        Err(ProcessError::Spawn { source, .. }) if source.kind() == ErrorKind::ExecutableFileBusy => None,
        started => Some(started.unwrap_or_else(|error| panic!("the hub does not start: {error}"))),
    });
    let hub = plan.running(daemon);
    // Its disk, seen from here.
    let disk = PathBuf::from(format!("/proc/{}/root{data}", hub.daemon.ready().pid));
    let filler = disk.join("filler");
    fill(&filler);

    let spoke = world.node(Side::Spoke, "spoke").password("one password").of(&hub).start();
    assert_eq!(spoke.outcome(), "temporary");
    hub.sees("temporary");
    assert!(hub.list("peers").is_empty(), "nothing is shown that is not stored");
    until("the database says so", || {
        hub.list("alarms").iter().any(|alarm| alarm["name"] == "ILSDBLException").then_some(())
    });
    let files = tree(&disk.join("platform"));
    for patch in [
        json!({"description": "changed"}),
        json!({"use_tls": true}),
        json!({"password": "another password"}),
        json!({"use_tls": true, "password": "another password"}),
        json!({"role": "spoke", "registration_server": "127.0.0.1"}),
    ] {
        let refused = hub.client.patch(patch.as_object().expect("an object"));
        // The API's word for it is the client's: a later try may work.
        let problem = matches!(refused, Err(ClientError::Problem { status: 503, .. }));
        assert!(problem, "{patch}: a change that cannot be stored is not acknowledged: {refused:?}");
        assert_eq!(tree(&disk.join("platform")), files, "{patch}: nothing is prepared that stays");
    }
    let config = hub.client.config().expect("the API answers");
    assert_eq!((&config["description"], &config["use_tls"]), (&json!(""), &json!(false)));
    until("a word on stderr", || {
        let said = std::fs::read_to_string(folder.join("hub.stderr")).expect("a file");
        said.contains("failed to write the trace").then_some(())
    });

    std::fs::remove_file(&filler).expect("space returns");
    hub.up_to_date(1);
    spoke.up_to_date(1);
    until("the alarm is over", || hub.list("alarms").is_empty().then_some(()));
    hub.set(json!({"description": "changed"}));
    let trace = disk.join("activelog/cm/trace/ils/sdl");
    until("the trace goes on", || {
        let lines = ilslab_trace::read_trace(&trace).expect("a trace");
        lines.iter().any(|line| line.text().contains("established")).then_some(())
    });
    let client = hub.daemon.client(ADMIN).expect("its own address");
    assert_eq!(client.status().expect("the API answers")["store"]["writable"], true);
}

/// The files below a folder, each with what is in it.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match std::fs::read(&path) {
            Ok(content) => drop(found.insert(path, content)),
            Err(_) => found.extend(tree(&path)),
        }
    }
    found
}

/// Writes until nothing fits any more, to the last octet.
fn fill(path: &std::path::Path) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
    for size in [64 * 1024, 1024, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}
