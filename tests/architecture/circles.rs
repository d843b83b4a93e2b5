//! No file of a crate depends on itself by way of others: each can be read, and tested, with what is below it.

use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;

use crate::files::Files;
use crate::packages;

#[test]
fn no_files_of_a_crate_go_in_a_circle() {
    for (name, package) in packages() {
        let roots = package.targets.iter().filter(|target| target.is_lib() || target.is_bin());
        for root in roots {
            assert_eq!(Files::of(root.src_path.as_std_path()).circle(), None, "{name}, {}", root.src_path);
        }
    }
}

/// A crate of these files.
fn circle_of(files: &[(&str, &str)]) -> Option<Vec<String>> {
    let dir = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
        fs::write(path, text).expect("written");
    }
    Files::of(&dir.path().join("lib.rs")).circle()
}

#[test]
fn a_circle_is_seen_however_it_is_written() {
    let way = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let two = way(&["a", "b", "a"]);
    let root = ("lib.rs", "mod a; mod b;");
    for (case, files, want) in [
        ("by use", vec![root, ("a.rs", "use crate::b::B;"), ("b.rs", "use super::a::A;")], two.clone()),
        (
            "by a group and another name",
            vec![root, ("a.rs", "use crate::{b::{B as C, D}};"), ("b.rs", "use crate::a::*;")],
            two.clone(),
        ),
        (
            "by a path in a body and in a macro",
            vec![
                root,
                ("a.rs", "fn f() { let x: crate::b::B; }"),
                ("b.rs", "fn g() -> String { format!(\"{}\", crate::a::NAME) }"),
            ],
            two.clone(),
        ),
        (
            "by a re-export of the root",
            vec![
                ("lib.rs", "mod a; mod b; pub use b::B;"),
                ("a.rs", "use crate::B;"),
                ("b.rs", "use crate::a::A;"),
            ],
            two.clone(),
        ),
        (
            "by what the parent has",
            vec![
                ("lib.rs", "mod a;"),
                ("a.rs", "mod b; const N: u8 = b::M;"),
                ("a/b.rs", "use super::N; const M: u8 = 1;"),
            ],
            way(&["a", "a::b", "a"]),
        ),
        (
            "by way of a third",
            vec![
                ("lib.rs", "mod a; mod b; mod c;"),
                ("a.rs", "use crate::b::B;"),
                ("b.rs", "use crate::c::C;"),
                ("c.rs", "use crate::a::A;"),
            ],
            way(&["a", "b", "c", "a"]),
        ),
        (
            "within a file",
            vec![root, ("a.rs", "mod inner { use super::super::b::B; }"), ("b.rs", "use crate::a::A;")],
            two,
        ),
    ] {
        assert_eq!(circle_of(&files), want, "{case}");
    }
}

#[test]
fn what_is_no_circle_is_none() {
    for (case, files) in [
        (
            "one way",
            vec![("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", "use std::fmt;")],
        ),
        (
            "the tests of a file",
            vec![
                ("lib.rs", "mod a; mod b;"),
                ("a.rs", "use crate::b::B;"),
                (
                    "b.rs",
                    "#[cfg(test)] mod tests { use crate::a::A; } #[cfg(test)] #[path = \"b_tests.rs\"] mod more;",
                ),
                ("b_tests.rs", "use crate::a::A;"),
            ],
        ),
        (
            "a parent that passes on what its children have",
            vec![
                ("lib.rs", "mod a;"),
                ("a.rs", "mod b; mod c; pub use b::B;"),
                ("a/b.rs", "use super::c::C;"),
                ("a/c.rs", "pub struct C;"),
            ],
        ),
    ] {
        assert_eq!(circle_of(&files), None, "{case}");
    }
}
