use clap::Command;

use super::*;
use crate::options::with_options;

/// A daemon with these flags, besides what it cannot do without.
fn daemon(role: ClusterRole, flags: &[&str]) -> Result<Daemon, OptionError> {
    let name = |flag: &str| flag.split('=').next().unwrap_or_default().to_owned();
    let needed =
        ["--use-tls", "--route-string=x", "--fqdn=node.example", "--registration-server=hub.example"];
    let of_a_spoke = |flag: &str| flag.starts_with("--registration") && role == ClusterRole::Hub;
    let is_given = |flag: &str| flags.iter().any(|own| name(own) == name(flag));
    let needed = needed.into_iter().filter(|flag| !is_given(flag) && !of_a_spoke(flag));
    let arguments = ["ilslab"].into_iter().chain(needed).chain(flags.iter().copied());
    let matches = with_options(Command::new("ilslab")).try_get_matches_from(arguments).expect("known flags");
    Daemon::new(role, &Layers::gather(role, &matches, |_| None)?)
}

fn refusal(role: ClusterRole, flag: &str) -> String {
    match daemon(role, &[flag]) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{flag} is taken"),
    }
}

#[test]
fn an_instance_stands_for_the_addresses_and_the_folder_of_a_pair() {
    let hub = daemon(ClusterRole::Hub, &["--instance=7"]).expect("a hub");
    assert_eq!(hub.config.listen.address.to_string(), "127.1.7.1");
    assert_eq!(hub.admin.address.to_string(), "127.1.7.1:8080");
    assert_eq!(hub.data_dir, Path::new("./ilslab-data/7/hub"));
    let spoke = daemon(ClusterRole::Spoke, &["--instance=7", "--admin=127.0.0.1:1"]).expect("a spoke");
    assert_eq!(spoke.config.dial_from.map(|from| from.to_string()).as_deref(), Some("127.1.7.2"));
    assert_eq!(spoke.admin.address.to_string(), "127.0.0.1:1", "what is said itself beats it");
    for wrong in ["--instance=0", "--instance=255", "--instance=x"] {
        assert!(refusal(ClusterRole::Hub, wrong).contains("from 1 to 254"), "{wrong}");
    }
}

#[test]
fn a_group_of_readers_is_a_number_or_a_name_of_this_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    let groups = folder.path().join("group");
    std::fs::write(&groups, "root:x:0:\nadm:x:4:syslog\nodd:x:many:\n").expect("written");
    let group = |name: &str| {
        let matches = with_options(Command::new("ilslab"));
        let matches =
            matches.try_get_matches_from(["ilslab", &format!("--log-group={name}")]).expect("known flags");
        let layers = Layers::gather(ClusterRole::Hub, &matches, |_| None).expect("good options");
        log_group(&layers, &groups).map_err(|error| error.to_string())
    };
    assert_eq!((group("adm"), group("4242"), group("root")), (Ok(Some(4)), Ok(Some(4_242)), Ok(Some(0))));
    for name in ["ad", "odd", "-1", "adm:x"] {
        assert!(group(name).is_err_and(|error| error.contains("is no group of this machine")), "{name}");
    }
}

#[test]
fn a_registration_server_is_a_host_and_anything_else_is_refused_at_the_option_as_it_was_typed() {
    for (typed, want) in [
        ("hub.lab.example", "hub.lab.example"),
        ("hub.lab.example.", "hub.lab.example."),
        ("ils_hub", "ils_hub"),
        ("192.0.2.1", "192.0.2.1"),
        ("::1", "::1"),
        ("[2001:db8::1]", "2001:db8::1"),
    ] {
        let daemon = daemon(ClusterRole::Spoke, &[&format!("--registration-server={typed}")]);
        let host = daemon.map(|daemon| daemon.config.registration.map(|server| server.host));
        assert_eq!(host.expect("taken").as_deref(), Some(want), "{typed}");
    }
    for (typed, problem) in [
        ("hub:7501", "has a port in it; give the host alone: its ports are --registration-tls-port"),
        ("[::1]:7501", "has a port in it"),
        ("127.0.0.1:7501", "has a port in it"),
        ("http://hub", "is a URL"),
        ("hub/", "is a URL"),
        ("", "is empty"),
        (" hub", "has a blank in it"),
        ("[::1", "has a bracket where none belongs"),
        ("fe80::1%eth0", "has a zone"),
        ("256.1.1.1", "is not an IP address"),
        ("hüb.example", "give it as DNS has it"),
        ("-hub", "is not a host name"),
        ("a..b", "is not a host name"),
    ] {
        let told = refusal(ClusterRole::Spoke, &format!("--registration-server={typed}"));
        assert!(told.starts_with(&format!("--registration-server: `{typed}` ")), "{told}");
        assert!(told.contains(problem), "{told}");
    }
}

#[test]
fn an_address_is_taken_with_brackets_or_without_and_refused_at_the_option_as_it_was_typed() {
    for (typed, want) in
        [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("[::1]", "::1"), ("0.0.0.0", "0.0.0.0")]
    {
        let want: IpAddr = want.parse().expect("an address");
        let hub = daemon(ClusterRole::Hub, &[&format!("--listen={typed}")]).expect("taken");
        assert_eq!(hub.config.listen.address, want, "{typed}");
        let spoke = daemon(ClusterRole::Spoke, &[&format!("--dial-from={typed}")]).expect("taken");
        assert_eq!(spoke.config.dial_from, Some(want), "{typed}");
    }
    for (typed, problem) in [
        ("[::1]:7501", "has a port in it; give the address alone"),
        ("127.0.0.1:7501", "has a port in it; give the address alone"),
        ("[::1", "has a bracket where none belongs"),
        ("::1]", "has a bracket where none belongs"),
        ("fe80::1%1", "has a zone"),
        ("localhost", "is not an IP address; for example"),
        ("127.1", "is not an IP address"),
        ("tcp://127.0.0.1", "is a URL"),
        ("127.0.0.1 ", "has a blank in it"),
        ("", "is empty"),
    ] {
        for (role, flag) in [(ClusterRole::Hub, "--listen"), (ClusterRole::Spoke, "--dial-from")] {
            let told = refusal(role, &format!("{flag}={typed}"));
            assert!(told.starts_with(&format!("{flag}: `{typed}` {problem}")), "{told}");
        }
    }
}

#[test]
fn the_apis_address_has_a_port_and_its_names_have_none() {
    for (typed, want) in [("127.0.0.1:0", "127.0.0.1:0"), ("[::1]:8080", "[::1]:8080")] {
        let hub = daemon(ClusterRole::Hub, &[&format!("--admin={typed}")]).expect("taken");
        assert_eq!(hub.admin.address.to_string(), want);
    }
    for typed in ["127.0.0.1", "::1:8080x", "[::1]", "localhost:8080", ":8080", "http://127.0.0.1:8080", ""] {
        let told = refusal(ClusterRole::Hub, &format!("--admin={typed}"));
        assert!(told.starts_with(&format!("--admin: `{typed}` is not an address with a port")), "{told}");
    }
    let names = ["--admin-name=Lab.example.", "--admin-name=[2001:db8::1]", "--admin-name=192.0.2.7"];
    let hub = daemon(ClusterRole::Hub, &names).expect("taken");
    assert_eq!(hub.admin.names, ["Lab.example", "2001:db8::1", "192.0.2.7"]);
    for (typed, problem) in [
        ("lab.example:8080", "has a port in it"),
        ("http://lab.example", "is a URL"),
        ("*.lab.example", "is not a host name"),
        ("", "is empty"),
    ] {
        let told = refusal(ClusterRole::Hub, &format!("--admin-name={typed}"));
        assert!(told.starts_with(&format!("--admin-name: `{typed}` {problem}")), "{told}");
    }
}

#[test]
fn an_fqdn_is_one_that_a_certificate_can_carry() {
    for (typed, want) in [
        ("hub.lab.example", "hub.lab.example"),
        ("HUB.lab.example.", "hub.lab.example"),
        ("ils_hub.lab.example", "ils_hub.lab.example"),
        ("xn--hb-xka.example", "xn--hb-xka.example"),
    ] {
        let hub = daemon(ClusterRole::Hub, &[&format!("--fqdn={typed}")]).expect("taken");
        assert_eq!(hub.config.fqdn.as_str(), want);
    }
    for typed in ["192.0.2.1", "127.1", "a..b", "-hub", "hub-", "*.lab", "hüb", "", &"a".repeat(64)] {
        let told = refusal(ClusterRole::Hub, &format!("--fqdn={typed}"));
        assert!(told.starts_with(&format!("--fqdn: `{typed}` ")), "{told}");
        assert!(told.contains("a host name"), "{told}");
    }
}

#[test]
fn what_would_do_something_to_a_terminal_is_quoted_escaped_and_nothing_else() {
    for (typed, quoted) in [
        ("[::1", "[::1"),
        (r"a\b|c]", r"a\b|c]"),
        ("hüb", "hüb"),
        ("a\u{1b}[31m", r"a\u{1b}[31m"),
        ("a\u{202e}b\u{200b}\u{feff}", r"a\u{202e}b\u{200b}\u{feff}"),
    ] {
        let given = Given { text: typed.to_owned(), origin: "--fqdn".to_owned() };
        let want = format!("--fqdn: `{quoted}` is none; give one");
        assert_eq!(given.error("is none", "give one").to_string(), want);
    }
}
