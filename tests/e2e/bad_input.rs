//! What cannot be is refused before anything is touched: what, where, and what to do; with the exit code for it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use ilslab_lab::Side;
use ilslab_lab::certs::KeyKind;

use crate::world::{Lab, World, ilslab, text};

fn refused(arguments: &[&str], code: i32, wanted: &[&str]) {
    println!("{arguments:?}");
    says(&ilslab(arguments), code, wanted);
}

/// It ended with this code, and says all of this.
fn says(output: &Output, code: i32, wanted: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in wanted {
        assert!(said.contains(word), "it does not say `{word}`: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn a_wrong_option_is_exit_3_with_the_key_the_nearest_name_and_the_range() {
    let world = World::new();
    let password = world.file("password", "secret");
    let empty = world.file("empty", "\n");
    let config = |name: &str, content: &str| world.file(&format!("{name}.toml"), content);
    let data = world.path("data").display().to_string();
    let base = ["hub", "--data-dir", data.as_str()];
    let unknown = config("unknown", "[listen]\ntls_prot = 7501\n");
    let ill_typed = config("typed", "[listen]\ntls_port = \"7501\"\n");
    let range = config("range", "sync_every = \"1441m\"\n");
    for (options, wanted) in [
        (vec![], vec!["use_password", "use_tls"]),
        (vec!["--use-password"], vec!["--use-password", "password is empty", "password_file"]),
        (vec!["--use-password", "--password-file", &empty], vec!["empty password"]),
        (vec!["--use-password", "--password-file", "/nowhere"], vec!["/nowhere", "cannot be read"]),
        (vec!["--use-password", "--password-file", "/dev/zero"], vec!["/dev/zero", "more than 1026 octets"]),
        (vec!["--config", "/dev/zero"], vec!["/dev/zero", "more than 1048576 octets"]),
        (vec!["--config", &unknown], vec!["unknown.toml line 2", "listen.tls_prot", "`listen.tls_port`"]),
        (vec!["--config", &ill_typed], vec!["typed.toml line 2", "listen.tls_port", "0 to 65535"]),
        (vec!["--config", &range, "--use-tls"], vec!["range.toml line 1", "sync_every", "1s to 1440m"]),
        (vec!["--use-tls", "--tls-port", "65536"], vec!["--tls-port", "0 to 65535"]),
        (vec!["--use-tls", "--tls-min", "1.3", "--tls-max", "1.2"], vec!["--tls-min", "1.2 or 1.3"]),
        (vec!["--use-tls", "--patience", "0"], vec!["--patience", "from 1 to 60"]),
        (vec!["--use-tls", "--patience", "ten"], vec!["--patience", "is not a number", "from 1 to 60"]),
        (vec!["--use-tls", "--patience", "61"], vec!["--patience", "from 1 to 60"]),
        (vec!["--use-tls", "--cluster-id", "no spaces"], vec!["--cluster-id", "1 to 50"]),
        (vec!["--use-tls", "--cert", &password], vec!["--cert, --key, --trust", "all three"]),
        (vec!["--use-tls", "--allow-weak-key"], vec!["--allow-weak-key", "--cert, --key and --trust"]),
        (vec!["--use-tls", "--registration-server", "hub"], vec!["--registration-server", "spoke"]),
        (vec!["--use-tsl"], vec!["--use-tsl", "--use-tls"]),
    ] {
        refused(&[&base[..], &options].concat(), 3, &wanted);
    }
    refused(&["spoke", "--data-dir", &data, "--use-tls"], 3, &["--registration-server", "a spoke needs"]);
    assert!(!world.path("data").exists(), "nothing was touched");
}

#[test]
fn a_bad_certificate_key_or_store_is_exit_3_naming_file_line_label_and_cure() {
    let (world, lab) = (World::new(), Lab::new(KeyKind::P256));
    let (own, other) = (lab.ca_signed("hub.lab.example"), lab.ca_signed("other.lab.example"));
    let certificate = world.file("good.pem", &own.cert_pem);
    let key = world.file("good.key", &own.key_pem);
    let other_key = world.file("other.key", &other.key_pem);
    let empty = world.file("empty.pem", "");
    let junk = world.file("junk.pem", "not PEM at all\n");
    let broken = world.file("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let encrypted = world.file(
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let trust = world.path("trust").display().to_string();
    world.file("trust/root.pem", &lab.root());
    let bad_trust = world.path("bad-trust").display().to_string();
    world.file("bad-trust/1.pem", &lab.root());
    world.file("bad-trust/2.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let marked_trust = world.path("marked-trust").display().to_string();
    world.file("marked-trust/root.pem", &format!("\u{feff}{}", lab.root()));
    for (certificate, key, trust, wanted) in [
        ("/nowhere", &key, &trust, vec!["/nowhere", "cannot be read"]),
        ("/dev/zero", &key, &trust, vec!["/dev/zero", "is not a file"]),
        (&*empty, &key, &trust, vec!["empty.pem", "is empty"]),
        (&junk, &key, &trust, vec!["junk.pem", "holds no certificate", "BEGIN CERTIFICATE"]),
        (&broken, &key, &trust, vec!["broken.pem", "line 1: CERTIFICATE"]),
        (&key, &key, &trust, vec!["good.key", "line 1: PRIVATE KEY is not a certificate"]),
        (&certificate, &other_key, &trust, vec!["other.key", "good.pem", "one pair"]),
        (
            &certificate,
            &encrypted,
            &trust,
            vec![
                "encrypted.key",
                "line 1: ENCRYPTED PRIVATE KEY is an encrypted private key",
                "openssl pkey",
            ],
        ),
        (&certificate, &certificate, &trust, vec!["good.pem", "holds no private key"]),
        (
            &certificate,
            &key,
            &marked_trust,
            vec!["root.pem", "line 1: a byte-order mark stands before BEGIN CERTIFICATE", "UTF-8 without"],
        ),
        (&certificate, &key, &bad_trust, vec!["2.pem", "line 1: CERTIFICATE"]),
    ] {
        let before = std::fs::read(world.path("good.pem")).expect("reads");
        let data = world.path("data").display().to_string();
        let options = [
            "hub",
            "--use-tls",
            "--data-dir",
            &data,
            "--admin",
            "127.0.0.1:0",
            "--tls-port",
            "0",
            "--password-port",
            "0",
        ];
        refused(
            &[&options[..], &["--cert", certificate, "--key", key, "--trust", trust]].concat(),
            3,
            &wanted,
        );
        assert_eq!(std::fs::read(world.path("good.pem")).expect("reads"), before, "nothing is replaced");
    }
}

#[test]
fn a_certificate_that_cannot_be_made_is_exit_4_naming_the_file() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").tls();
    let data = plan.data();
    std::fs::create_dir_all(data.join("platform")).expect("a folder");
    std::fs::write(data.join("platform/tomcat"), "no folder").expect("writes");
    says(&plan.output(), 4, &["platform/tomcat/tomcat.key", "cannot be made", "permissions and space"]);
}

#[test]
fn a_port_in_use_is_exit_4_and_the_alarm_names_it() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let plan = world.node(Side::Hub, "hub").password("secret");
    for option in ["tls-port", "password-port"] {
        let plan = plan.clone().with(option, &port);
        let arguments: Vec<String> = [vec!["hub".to_owned()], plan.arguments()].concat();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        refused(&arguments, 4, &[&port, &format!("--{option}"), "in use"]);
        let alarms =
            std::fs::read_to_string(plan.data().join("activelog/syslog/CiscoSyslog")).expect("a file");
        let wanted = format!("%UC_ILS-2-ILSTCPInUse: %[PortNumber={port}]");
        assert!(alarms.contains(&wanted), "{alarms}");
    }
    let second = plan.with("admin", format!("127.0.0.1:{port}"));
    let arguments: Vec<String> = [vec!["hub".to_owned()], second.arguments()].concat();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    refused(&arguments, 4, &[&port, "--admin"]);
}

#[test]
fn a_port_that_cannot_be_opened_is_exit_4_and_another_alarm() {
    let world = World::new();
    // An address of the documentation (RFC 5737): no machine has it.
    let plan = world.node(Side::Hub, "hub").password("secret").with("listen", "192.0.2.1");
    let arguments: Vec<String> = [vec!["hub".to_owned()], plan.arguments()].concat();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    refused(&arguments, 4, &["192.0.2.1", "--listen"]);
    let alarms = std::fs::read_to_string(plan.data().join("activelog/syslog/CiscoSyslog")).expect("a file");
    assert!(alarms.contains("%UC_ILS-2-ILSTCPListenError: %[PortNumber=0]"), "{alarms}");
}

#[test]
fn a_data_folder_in_use_is_exit_4_with_the_process_that_holds_it() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").password("secret");
    let hub = plan.start();
    let arguments: Vec<String> = [vec!["hub".to_owned()], plan.arguments()].concat();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    refused(&arguments, 4, &["in use", &hub.daemon.ready().pid.to_string(), "--data-dir"]);
}

#[test]
fn secrets_are_readable_by_their_owner_alone() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").password("secret").tls().without("admin-password-file");
    let _hub = plan.start();
    for (file, mode) in [
        ("platform", 0o700),
        ("db", 0o700),
        ("platform/network.key", 0o600),
        ("platform/admin.hash", 0o600),
        ("platform/tomcat/tomcat.key", 0o600),
        ("db/ils.sqlite", 0o600),
        ("db/ils.sqlite-wal", 0o600),
    ] {
        let path = plan.data().join(file);
        let seen =
            std::fs::metadata(&path).unwrap_or_else(|error| panic!("{file}: {error}")).permissions().mode();
        assert_eq!(seen & 0o777, mode, "{file}");
    }
}
