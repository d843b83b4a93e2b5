//! Who may know whom: the workspace's own edges are those that `crates/README.md` draws, and no others.

mod circles;
mod files;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// A room, and the rooms that it may depend on.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "ilslab",
        &[
            "ils-core",
            "ils-faces",
            "ils-lines",
            "ils-node",
            "ils-store",
            "ils-wire",
            "ilslab-desk",
            "ilslab-lab",
            "ilslab-files",
            "ilslab-names",
            "ilslab-time",
            "ilslab-trace",
            "ilslab-trust",
        ],
    ),
    // The pair: hub and spoke.
    (
        "ils-faces",
        &[
            "ils-core",
            "ils-lines",
            "ils-store",
            "ilslab-desk",
            "ilslab-names",
            "ilslab-secrets",
            "ilslab-time",
            "ilslab-trace",
        ],
    ),
    ("ils-node", &["ils-core", "ils-wire", "ilslab-files", "ilslab-names", "ilslab-time", "ilslab-trust"]),
    ("ils-lines", &["ils-core", "ilslab-names", "ilslab-time", "ilslab-trace"]),
    ("ils-store", &["ils-core", "ilslab-files", "ilslab-names", "ilslab-time"]),
    ("ils-core", &["ils-wire", "ilslab-names", "ilslab-time", "ilslab-trust"]),
    ("ils-wire", &["ilslab-names", "ilslab-secrets"]),
    // The house.
    (
        "ilslab-lab",
        &[
            "ils-core",
            "ils-faces",
            "ils-lines",
            "ilslab-desk",
            "ilslab-files",
            "ilslab-names",
            "ilslab-time",
            "ilslab-trace",
            "ilslab-trust",
        ],
    ),
    (
        "ilslab-desk",
        &["ilslab-files", "ilslab-names", "ilslab-secrets", "ilslab-time", "ilslab-trace", "ilslab-trust"],
    ),
    ("ilslab-trace", &["ilslab-names", "ilslab-time"]),
    ("ilslab-trust", &["ilslab-names"]),
    ("ilslab-time", &[]),
    ("ilslab-files", &[]),
    ("ilslab-secrets", &[]),
    ("ilslab-names", &[]),
];

/// Rooms of the house that know no system, not even in their tests.
const HOUSE: &[&str] = &[
    "ilslab-desk",
    "ilslab-trace",
    "ilslab-trust",
    "ilslab-time",
    "ilslab-files",
    "ilslab-secrets",
    "ilslab-names",
];

/// Rooms where only values come in, and what would bring in something else.
const PURE: &[&str] = &["ilslab-names", "ilslab-secrets", "ils-wire", "ilslab-trust", "ils-core"];
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
fn the_house_knows_no_guest() {
    let packages = packages();
    for room in HOUSE {
        let package = &packages[*room];
        for kind in [DependencyKind::Normal, DependencyKind::Development, DependencyKind::Build] {
            let guest = dependencies(package, kind).find(|dependency| dependency.starts_with("ils-"));
            assert_eq!(guest, None, "{room} knows a guest");
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

#[test]
fn the_pure_rooms_ask_no_clock_that_others_have() {
    let packages = packages();
    for room in PURE {
        let sources = packages[*room].manifest_path.with_file_name("src");
        for source in files_below(sources.as_std_path()) {
            let text = std::fs::read_to_string(&source).expect("text");
            assert!(!text.contains("clock::"), "{} is pure and may not ask a clock", source.display());
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
