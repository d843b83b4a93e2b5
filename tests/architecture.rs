//! Who may know whom: the workspace's own edges are those that `crates/README.md` draws, and no others.

use std::collections::BTreeMap;
use std::path::Path;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// A room, and the rooms that it may depend on.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "ilslab",
        &[
            "ilslab-desk",
            "ils-core",
            "ilslab-lab",
            "ils-node",
            "ilslab-trace",
            "ils-store",
            "ilslab-trust",
            "ils-wire",
        ],
    ),
    ("ilslab-lab", &["ilslab-desk", "ils-core", "ils-node", "ilslab-trace", "ilslab-trust", "ils-wire"]),
    ("ilslab-desk", &["ils-core", "ilslab-trace", "ils-store", "ilslab-trust"]),
    ("ils-node", &["ils-core", "ilslab-trace", "ils-store", "ilslab-trust", "ils-wire"]),
    ("ils-store", &["ils-core"]),
    ("ilslab-trace", &["ils-core"]),
    ("ils-core", &["ilslab-trust", "ils-wire"]),
    ("ilslab-trust", &["ilslab-names"]),
    ("ils-wire", &["ilslab-names"]),
    ("ilslab-names", &[]),
];

/// Rooms where only values come in, and what would bring in something else.
const PURE: &[&str] = &["ilslab-names", "ils-wire", "ilslab-trust", "ils-core"];
const IMPURE: &[&str] =
    &["tokio", "rustls", "tokio-rustls", "rusqlite", "axum", "hyper", "rand", "getrandom", "socket2", "ureq"];

fn packages() -> BTreeMap<String, Package> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .expect("cargo knows the workspace");
    metadata.packages.into_iter().map(|package| (package.name.to_string(), package)).collect()
}

fn dependencies(package: &Package, kind: DependencyKind) -> impl Iterator<Item = &str> {
    package
        .dependencies
        .iter()
        .filter(move |dependency| dependency.kind == kind)
        .map(|dependency| dependency.name.as_str())
}

#[test]
fn every_crate_is_a_room_that_the_architecture_names() {
    let named: Vec<&str> = packages()
        .keys()
        .map(|name| ROOMS.iter().find(|(room, _)| room == name).map_or("", |(room, _)| room))
        .collect();
    assert!(!named.contains(&""), "a crate is missing from the architecture: {named:?}");
    assert_eq!(named.len(), ROOMS.len(), "a room of the architecture has no crate");
}

#[test]
fn no_crate_depends_on_a_room_that_it_may_not_know() {
    for (name, package) in packages() {
        let allowed = ROOMS.iter().find(|(room, _)| *room == name).expect("a room").1;
        for dependency in dependencies(&package, DependencyKind::Normal) {
            if ROOMS.iter().any(|(room, _)| *room == dependency) {
                assert!(allowed.contains(&dependency), "{name} may not depend on {dependency}");
            }
        }
    }
}

#[test]
fn the_pure_rooms_know_no_clock_no_socket_and_no_dice() {
    let packages = packages();
    for room in PURE {
        for dependency in dependencies(&packages[*room], DependencyKind::Normal) {
            assert!(!IMPURE.contains(&dependency), "{room} is pure and may not depend on {dependency}");
        }
    }
}
