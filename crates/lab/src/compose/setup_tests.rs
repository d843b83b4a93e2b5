//! What stands in the three folders after a setup, and what a second one leaves alone.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::*;

/// A place for setups.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn args(&self, method: Method, fault: &str) -> SetupArgs {
        SetupArgs {
            dir: self.0.path().join("state"),
            method,
            fault: fault.to_owned(),
            hub_host: "hub".to_owned(),
            instance: None,
            key: KeyKind::P256,
            show_password: false,
        }
    }

    fn run(&self, args: &SetupArgs) -> Result<String, ComposeError> {
        let mut out = Vec::new();
        setup(args, &mut out, &mut io::sink())?;
        Ok(String::from_utf8(out).expect("text"))
    }

    fn set_up(&self, method: Method, fault: &str) -> String {
        self.run(&self.args(method, fault)).unwrap_or_else(|error| panic!("{method} {fault}: {error}"))
    }

    /// Every file but the marks: its path below the folder, and what is in it.
    fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        collect(&self.0.path().join("state"), "", &mut files);
        files
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = format!("{prefix}{}", path.file_name().expect("a name").to_string_lossy());
        let mode = fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        if path.is_dir() {
            assert_eq!(mode, 0o700, "{name}");
            collect(&path, &format!("{name}/"), files);
        } else if !name.ends_with(SETUP_MARK) {
            assert_eq!(mode, 0o600, "{name}");
            files.insert(name, fs::read_to_string(&path).expect("text"));
        }
    }
}

#[test]
fn each_node_gets_what_its_scenario_says_and_no_key_of_the_other() {
    const COMMON: [&str; 11] = [
        "hub/admin.password",
        "hub/node.toml",
        "hub/stamp",
        "lab/admin.password",
        "lab/stamp",
        "spoke/admin.password",
        "spoke/node.toml",
        "spoke/stamp",
        "hub/.gitignore",
        "lab/.gitignore",
        "spoke/.gitignore",
    ];
    const PASSWORDS: [&str; 2] = ["hub/password", "spoke/password"];
    const IDENTITIES: [&str; 4] = [
        "hub/data/platform/tomcat/tomcat.key",
        "hub/data/platform/tomcat/tomcat.pem",
        "spoke/data/platform/tomcat/tomcat.key",
        "spoke/data/platform/tomcat/tomcat.pem",
    ];
    const ROOTS: [&str; 2] =
        ["hub/data/platform/tomcat-trust/lab-root.pem", "spoke/data/platform/tomcat-trust/lab-root.pem"];
    const EXCHANGED: [&str; 2] =
        ["hub/data/platform/tomcat-trust/spoke.pem", "spoke/data/platform/tomcat-trust/hub.pem"];
    // Of the nodes' folders none has it.
    const CA: [&str; 2] = ["lab/ca/root.key", "lab/ca/root.pem"];
    for (method, fault, more) in [
        (Method::Password, "", &[&PASSWORDS[..]][..]),
        (Method::Tls, "joined", &[&IDENTITIES, &EXCHANGED]),
        (Method::Tls, "hub-not-imported", &[&IDENTITIES, &EXCHANGED[..1]]),
        (Method::TlsPassword, "", &[&PASSWORDS, &IDENTITIES, &ROOTS, &CA]),
        (Method::PasswordThenTls, "hub-self-signed", &[&PASSWORDS, &IDENTITIES, &ROOTS, &CA]),
    ] {
        let place = Place::new();
        let told = place.set_up(method, fault);
        assert!(told.contains(method.name()) && told.contains("lab/admin.password"), "{told}");
        let files = place.files();
        let mut wanted: Vec<&str> = COMMON.into_iter().chain(more.concat()).collect();
        wanted.sort_unstable();
        assert_eq!(files.keys().collect::<Vec<_>>(), wanted, "{method} {fault}");
        assert_eq!(files["hub/admin.password"], files["lab/admin.password"]);
        assert_eq!(files["spoke/admin.password"], files["lab/admin.password"]);
    }
}

#[test]
fn a_pair_that_is_to_fail_is_told_with_what_makes_it_join_and_no_other() {
    let place = Place::new();
    assert!(!place.set_up(Method::TlsPassword, "").contains("makes it join"));
    let state = place.0.path().join("state");
    let told = place.set_up(Method::TlsPassword, "hub-self-signed");
    let lab = state.join("lab").display().to_string();
    let wanted = format!(
        "it does not join; once you have seen why, this makes it join:\n  \
         export ILS_ADMIN_PASSWORD_FILE={lab}/admin.password\n  \
         ilslab certs request hub | ilslab certs sign --dir {lab} - | ilslab certs install hub -\n  \
         ilslab restart hub\n"
    );
    assert!(told.ends_with(&wanted), "{told}");
    let inside =
        repair_commands(Path::new(STATE), Scenario::find("password/mismatch").expect("a scenario"), None);
    assert!(inside.iter().skip(1).all(|line| line.starts_with("  docker compose ")), "{inside:?}");
}

#[test]
fn another_instance_is_another_setup_and_says_how_its_nodes_are_called() {
    let place = Place::new();
    let seven = SetupArgs {
        instance: Some("7".parse().expect("a number")),
        ..place.args(Method::Password, "mismatch")
    };
    let told = place.run(&seven).expect("set up");
    let state = place.0.path().join("state").display().to_string();
    assert!(told.contains(&format!("\n  ilslab hub --config {state}/hub/node.toml\n")), "{told}");
    assert!(
        told.contains(&format!("\n  ilslab set spoke@7 --password-file {state}/hub/password\n")),
        "{told}"
    );
    assert!(place.run(&seven).expect("set up").contains("kept as it is"));
    assert!(place.set_up(Method::Password, "mismatch").contains("made anew"), "no longer the seventh");
}

#[test]
fn the_passwords_differ_only_where_that_is_the_fault() {
    for (fault, same) in [("", true), ("mismatch", false)] {
        let place = Place::new();
        place.set_up(Method::Password, fault);
        let files = place.files();
        assert_eq!(files["hub/password"] == files["spoke/password"], same, "{fault}");
        assert_ne!(files["hub/password"], files["hub/admin.password"]);
    }
}

#[test]
fn the_same_again_changes_nothing_and_anything_else_begins_afresh() {
    let place = Place::new();
    place.set_up(Method::Password, "");
    let first = place.files();
    let database = place.0.path().join("state/hub/data/db/ils.sqlite");
    let remember = || ilslab_files::write_new(&database, b"a peer").expect("written");
    remember();
    assert!(place.set_up(Method::Password, "joined").contains("kept as it is"));
    fs::remove_file(&database).expect("what a node had stored is still there");
    assert_eq!(place.files(), first);
    for (case, method, fault) in [
        ("another fault", Method::Password, "mismatch"),
        ("another method", Method::Tls, ""),
        ("and back", Method::Password, ""),
    ] {
        remember();
        assert!(place.set_up(method, fault).contains("made anew"), "{case}");
        assert!(!database.exists(), "{case}: peers are forgotten");
        assert_ne!(place.files()["lab/admin.password"], first["lab/admin.password"], "{case}");
    }
}

#[test]
fn a_setup_that_was_cut_short_or_lost_a_volume_is_made_again() {
    for folder in ["hub", "spoke", "lab"] {
        let place = Place::new();
        place.set_up(Method::Password, "");
        let before = place.files();
        fs::remove_dir_all(place.0.path().join("state").join(folder)).expect("removed");
        assert!(place.set_up(Method::Password, "").contains("made anew"), "{folder}");
        let after = place.files();
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{folder}");
    }
    // Two volumes of different setups do not belong together.
    let (place, other) = (Place::new(), Place::new());
    place.set_up(Method::Password, "");
    other.set_up(Method::Password, "");
    let stamp = |place: &Place| place.0.path().join("state/spoke/stamp");
    fs::copy(stamp(&other), stamp(&place)).expect("copied");
    assert!(place.set_up(Method::Password, "").contains("made anew"));
}

#[test]
fn what_cannot_be_is_refused_and_somebody_elses_folder_left_alone() {
    let place = Place::new();
    let error = place.run(&place.args(Method::Tls, "mismatch")).expect_err("no such fault");
    assert_eq!(error.exit_code(), 3);
    assert!(error.to_string().contains("hub-not-imported, spoke-not-imported"), "{error}");
    assert!(!place.0.path().join("state").exists(), "nothing was made");
    let precious = place.0.path().join("state/spoke/thesis.txt");
    ilslab_files::write_new(&precious, b"precious").expect("written");
    let error = place.run(&place.args(Method::Tls, "")).expect_err("not ours");
    assert_eq!((error.exit_code(), precious.exists()), (4, true), "{error}");
}

#[test]
fn the_password_is_printed_alone_once_there_is_one() {
    let place = Place::new();
    let show = SetupArgs { show_password: true, ..place.args(Method::Password, "") };
    let error = place.run(&show).expect_err("nothing is set up");
    assert!(error.exit_code() == 4 && error.to_string().contains("ilslab setup"), "{error}");
    place.set_up(Method::Password, "");
    assert_eq!(place.run(&show).expect("shown").trim_end(), place.files()["lab/admin.password"]);
}
