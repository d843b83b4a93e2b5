//! What is written, and what the daemons are told.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::*;
use crate::certs::KeyKind;

/// A stage and what it borrows.
struct Scene {
    home: TempDir,
    program: Program,
    scenario: &'static Scenario,
    credentials: Credentials,
    settings: Settings,
}

impl Scene {
    fn new(id: &str) -> Self {
        let scenario = Scenario::find(id).expect("a scenario");
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let credentials = Credentials::make([scenario], KeyKind::P256, now, &mut |_| {}).expect("made");
        let settings = Settings {
            tls_version: None,
            ports: PortChoice::Any,
            spoke_first: false,
            retry_initial: None,
            patience: 1,
            dice: Dice::seeded(7),
        };
        let home = tempfile::tempdir().expect("a folder");
        Self { home, program: Program("ilslab".into()), scenario, credentials, settings }
    }

    fn stage(&self) -> Stage<'_> {
        Stage {
            program: &self.program,
            scenario: self.scenario,
            credentials: &self.credentials,
            settings: &self.settings,
            dir: self.home.path(),
        }
    }

    fn files(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.home.path().join(folder)) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names.iter().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.home.path().join(name)).ok()
    }
}

fn line(options: &[OsString], dir: &Path) -> String {
    let words: Vec<_> = options.iter().map(|option| option.to_string_lossy()).collect();
    words.join(" ").replace(&*dir.to_string_lossy(), "DIR")
}

#[test]
fn files_lie_where_a_node_looks_for_them() {
    let both = ["tomcat.key", "tomcat.pem"].map(str::to_owned).to_vec();
    for (id, side, carried, trusted) in [
        ("password/joined", "hub", false, &[][..]),
        ("tls/joined", "hub", true, &["spoke.pem"]),
        ("tls/hub-not-imported", "spoke", true, &[]),
        ("tls/hub-not-imported", "hub", true, &["spoke.pem"]),
        ("tls/spoke-not-imported", "hub", true, &["lab-root.pem"]),
        ("tls/spoke-not-imported", "spoke", true, &["hub.pem"]),
        ("tls-password/joined", "spoke", true, &["lab-root.pem"]),
    ] {
        let scene = Scene::new(id);
        Side::BOTH.iter().for_each(|side| scene.stage().equip(*side).expect("equipped"));
        let own = scene.files(&format!("{side}/platform/tomcat"));
        assert_eq!(own, if carried { both.clone() } else { Vec::new() }, "{id} {side}");
        assert_eq!(scene.files(&format!("{side}/platform/tomcat-trust")), trusted, "{id} {side}");
    }
}

#[test]
fn passwords_are_there_where_the_method_needs_them_and_differ_where_the_scenario_says() {
    for (id, hub, equal) in [
        ("password/joined", true, true),
        ("password/mismatch", true, false),
        ("tls/joined", false, true),
        ("tls-password/mismatch", true, false),
        ("password-then-tls/joined", true, true),
    ] {
        let scene = Scene::new(id);
        Side::BOTH.iter().for_each(|side| scene.stage().equip(*side).expect("equipped"));
        let [of_hub, of_spoke] = ["hub.password", "spoke.password"].map(|name| scene.read(name));
        assert_eq!((of_hub.is_some(), of_hub == of_spoke), (hub, equal), "{id}");
    }
}

#[test]
fn a_hub_listens_on_loopback_on_ports_that_nobody_fixed() {
    let scene = Scene::new("tls-password/joined");
    assert_eq!(
        line(&scene.stage().hub_options(), scene.home.path()),
        "--cluster-id hub-cluster --fqdn hub.lab.example --data-dir DIR/hub --admin 127.0.0.1:0 \
         --admin-password-file DIR/admin.password --use-tls --use-password --password-file DIR/hub.password \
         --listen 127.0.0.1 --tls-port 0 --password-port 0"
    );
}

#[test]
fn a_demo_takes_the_default_ports() {
    let mut scene = Scene::new("tls/joined");
    scene.settings.ports = PortChoice::Default;
    let stage = scene.stage();
    let hub = line(&stage.hub_options(), scene.home.path());
    assert!(
        hub.contains("--admin 127.0.0.1:8080") && hub.ends_with("--tls-port 7501 --password-port 7502"),
        "{hub}"
    );
    assert_eq!(stage.admin_address(Side::Spoke).to_string(), "127.0.0.1:8081");
}

#[test]
fn a_spoke_dials_the_ports_that_the_hub_has_bound() {
    let mut scene = Scene::new("password/joined");
    scene.settings.retry_initial = Some("250ms");
    scene.settings.tls_version = Some(TlsPin::V1_2);
    scene.settings.patience = 10;
    let ready = Ready {
        role: "hub".to_owned(),
        tls: Some(([127, 0, 0, 1], 40001).into()),
        password: Some(([127, 0, 0, 1], 40002).into()),
        listening: Some("password".to_owned()),
        admin: ([127, 0, 0, 1], 40003).into(),
        pid: 1,
    };
    let from = if cfg!(target_os = "linux") { "--dial-from 127.0.0.2 " } else { "" };
    assert_eq!(
        line(&scene.stage().spoke_options(&ready), scene.home.path()),
        format!(
            "--cluster-id spoke-cluster --fqdn spoke.lab.example --data-dir DIR/spoke --admin 127.0.0.1:0 \
             --admin-password-file DIR/admin.password --use-password --password-file DIR/spoke.password \
             --patience 10 --tls-min 1.2 --tls-max 1.2 --registration-server 127.0.0.1 --registration-tls-port 40001 \
             --registration-password-port 40002 {from}--retry-initial 250ms"
        )
    );
}
