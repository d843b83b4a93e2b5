//! Changes of settings that cannot be stored: nothing that was made ready for them stays, and the next try works.

mod bench;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;

use bench::{Bench, PASSWORD, Side, Station};
use ils_core::config::{ClusterRole, Listen, Registration};
use ils_core::snapshot::Snapshot;
use ils_node::ChangeError;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Nobody else listens there, so a number that was free stays free.
const ALONE: &str = "127.0.78.1";
/// Nobody listens there at all.
const NOBODY: &str = "127.0.78.2";

/// Two ports that are free.
fn free() -> [u16; 2] {
    let listeners = [0, 1].map(|_| TcpListener::bind((ALONE, 0)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("bound").port())
}

/// Every file and folder below this one, with what is in it.
fn tree(folder: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(tree(&path));
        }
        found.insert(path.display().to_string(), std::fs::read(&path).ok());
    }
    found
}

async fn set(station: &Station, patch: &Value, password: Option<&str>) -> Result<(), ChangeError> {
    let patch = patch.as_object().expect("an object").clone();
    let password = password.map(|password| Zeroizing::new(password.to_owned()));
    station.running.configure(patch, password).await.map(drop)
}

/// A spoke whose hub never answers, and the ports that it would have as a hub.
async fn spoke(bench: &Bench) -> (Station, [u16; 2]) {
    let ports = free();
    let address: IpAddr = ALONE.parse().expect("an address");
    let nobody: SocketAddr = format!("{NOBODY}:9").parse().expect("an address");
    let spoke = bench.spoke_with(nobody, Side::password(PASSWORD), |config| {
        config.role = ClusterRole::Spoke;
        config.listen = Listen { address, tls_port: ports[0], password_port: ports[1] };
        config.registration = Some(Registration { host: NOBODY.into(), tls_port: 9, password_port: 9 });
    });
    (spoke.await, ports)
}

/// What is changed, the patch, a password, and whether it is in force.
type Row = (&'static str, Value, Option<&'static str>, fn(&Snapshot) -> bool);

fn rows() -> [Row; 6] {
    [
        ("TLS for the first time", json!({"use_tls": true}), None, |now| now.config.boxes.tls),
        ("a hub for the first time", json!({"role": "hub", "registration_server": ""}), None, |now| {
            now.config.role == ClusterRole::Hub
        }),
        ("another registration server", json!({"registration_server": "127.0.78.3"}), None, |now| {
            now.config.registration.as_ref().is_some_and(|hub| hub.host == "127.0.78.3")
        }),
        ("a password with a setting", json!({"description": "new"}), Some("another"), |now| {
            now.config.description.as_str() == "new"
        }),
        ("standalone", json!({"role": "standalone"}), None, |now| now.config.role == ClusterRole::Standalone),
        ("all at once", json!({"role": "hub", "use_tls": true}), Some("another"), |now| {
            now.config.role == ClusterRole::Hub && now.config.boxes.tls
        }),
    ]
}

#[tokio::test]
async fn of_a_change_that_cannot_be_stored_nothing_stays_and_the_next_try_is_in_force() {
    for (name, patch, password, is_in_force) in rows() {
        let bench = Bench::new();
        let (spoke, ports) = spoke(&bench).await;
        let (files, bound, before) = (tree(bench.folder()), spoke.running.bound(), spoke.snapshot());
        spoke.ledger.fail("no space left on the disk");
        for _ in 0..2 {
            let refused = set(&spoke, &patch, password).await;
            assert!(matches!(refused, Err(ChangeError::Temporary(_))), "{name}: {refused:?}");
            assert_eq!(tree(bench.folder()), files, "{name}");
            assert_eq!(spoke.running.bound(), bound, "{name}");
            assert_eq!(spoke.snapshot().config.revision, before.config.revision, "{name}");
            assert!(
                spoke.running.shelf().tomcat().expect("reads").is_empty(),
                "{name}: no identity is in use"
            );
            for port in ports {
                TcpListener::bind((ALONE, port))
                    .unwrap_or_else(|error| panic!("{name}: port {port}: {error}"));
            }
        }
        spoke.ledger.recover();
        set(&spoke, &patch, password).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(is_in_force(&spoke.snapshot()), "{name}");
        spoke.stop().await;
    }
}

#[tokio::test]
async fn what_is_prepared_is_in_place_once_the_change_is_stored() {
    let bench = Bench::new();
    let (spoke, ports) = spoke(&bench).await;
    set(&spoke, &json!({"role": "hub", "use_tls": true}), Some("another")).await.expect("stored");
    let bound = spoke.running.bound();
    assert_eq!(bound.tls.map(|address| address.port()), Some(ports[0]));
    assert_eq!(bound.listening, Some("tls"));
    let names: Vec<_> = tree(bench.folder()).into_keys().collect();
    for name in ["tomcat/tomcat.pem", "tomcat/tomcat.key", "tomcat-trust", "network.key"] {
        assert!(names.iter().any(|path| path.ends_with(name)), "{name}: {names:?}");
    }
    assert!(!names.iter().any(|path| path.contains(".next")), "{names:?}");
    let shelved = spoke.running.shelf().tomcat().expect("reads");
    assert!(shelved.len() == 1 && shelved[0].active, "the certificate in the file is the one in use");
    spoke.stop().await;
}

#[tokio::test]
async fn a_port_that_cannot_be_had_leaves_neither_an_identity_nor_a_key_behind() {
    let bench = Bench::new();
    let (spoke, ports) = spoke(&bench).await;
    let files = tree(bench.folder());
    let _somebody = TcpListener::bind((ALONE, ports[1])).expect("it is free");
    let refused = set(&spoke, &json!({"role": "hub", "use_tls": true}), Some("another")).await;
    assert!(matches!(refused, Err(ChangeError::Port(_))), "{refused:?}");
    assert_eq!(tree(bench.folder()), files);
    TcpListener::bind((ALONE, ports[0])).expect("the first port was let go");
    spoke.stop().await;
}

#[tokio::test]
async fn a_store_of_no_use_leaves_neither_an_identity_nor_a_port_behind() {
    let bench = Bench::new();
    let (spoke, ports) = spoke(&bench).await;
    let trust = bench.folder().join("spoke/tomcat-trust");
    std::fs::create_dir_all(&trust).expect("a folder");
    std::fs::write(trust.join("junk.pem"), "junk").expect("writes");
    let files = tree(bench.folder());
    let refused = set(&spoke, &json!({"role": "hub", "use_tls": true}), Some("another")).await;
    assert!(matches!(refused, Err(ChangeError::Identity(_))), "{refused:?}");
    assert_eq!(tree(bench.folder()), files);
    for port in ports {
        TcpListener::bind((ALONE, port)).expect("it was let go");
    }
    spoke.stop().await;
}
