//! The commands to a running node, and the two checks that the documentation ends with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ils_faces::Calls;
use ilslab_lab::Side;
use ilslab_lab::certs::KeyKind;
use serde_json::json;

use crate::world::{Lab, Node, World, ilslab, text, until};

#[test]
fn the_two_checks_of_the_documentation_show_the_peer() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let spoke = world.node(Side::Spoke, "spoke").password("one password").of(&hub).start();
    hub.up_to_date(1);
    spoke.up_to_date(1);
    let password = world.path("admin-password").display().to_string();
    let admin = |words: &[&str]| {
        let url = hub.daemon.url();
        let output = ilslab(&[&["admin", &url, "--admin-password-file", &password], words].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let table = admin(&["run", "sql", "select * from remotecluster"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert_eq!(
        lines[0],
        "pkid                                 fullyqualifiedname clusterid description version"
    );
    assert_eq!(
        lines[1],
        "==================================== ================== ========= =========== ==============="
    );
    assert!(lines[2].ends_with(" spoke.lab.example  spoke                 11.5.1.10000(4)"), "{table}");
    let vector = admin(&["utils", "ils", "showpeerinfo"]);
    assert!(vector.contains("spoke.lab.example") && vector.contains("spoke"), "{vector}");
    let nothing = ilslab(&["admin", &hub.daemon.url(), "--admin-password-file", &password, "make", "coffee"]);
    assert_eq!(nothing.status.code(), Some(3), "{}", text(&nothing.stderr));
}

#[test]
fn a_setting_is_changed_by_a_command_and_a_password_is_no_argument() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let (url, password) = (hub.daemon.url(), world.path("admin-password").display().to_string());
    let set = |words: &[&str]| ilslab(&[&["set", &url, "--admin-password-file", &password], words].concat());
    let output = set(&["use_tls=true", "use_password=false"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("use_tls = true"), "{}", text(&output.stdout));
    let status = hub.client.status().expect("the API answers");
    assert_eq!(status["ports"]["listening"], "tls");
    for (words, wanted) in [
        (vec!["password=secret"], "--password-file"),
        (vec!["use_tls"], "KEY=VALUE"),
        (vec![], "nothing to set"),
        (vec!["use_tsl=true"], "use_tsl"),
        (vec!["sync_every=0s"], "1s to 1440m"),
        (vec!["--reset", "use_tls=true"], "before --reset"),
        (vec!["--reset", "use_tsl"], "use_tsl"),
        (vec!["--reset", "password"], "--password-file"),
        (vec!["use_tls=true", "--reset", "use_tls"], "one of the two"),
    ] {
        let output = set(&words);
        assert_eq!(output.status.code(), Some(3), "{words:?}");
        assert!(text(&output.stderr).contains(wanted), "{words:?}: {}", text(&output.stderr));
    }
}

#[test]
fn what_was_saved_is_told_at_each_start_and_reset_takes_it_back_at_once() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").password("one password").with("use-tls", false);
    let hub = plan.start();
    hub.set(json!({"use_tls": true, "use_password": false, "description": "a saved text"}));
    assert!(!world.stderr("hub").contains("earlier run"), "{}", world.stderr("hub"));
    drop(hub);
    let hub = plan.start();
    let url = hub.daemon.url();
    let told = world.stderr("hub");
    let want = format!(
        "note: set while an earlier run was running, and in force: `description` is \"a saved text\", where the default \
         says \"\", `use_password` is false, where --use-password says true, `use_tls` is true, where --use-tls says \
         false; `ilslab set {url} --reset` takes them back\n"
    );
    assert!(told.contains(&want), "{told}");
    assert_eq!(hub.client.status().expect("an answer")["ports"]["listening"], "tls");
    let password = world.path("admin-password").display().to_string();
    for (reset, want) in [
        (vec!["--reset", "description"], ["use_tls = true", "description = \n"]),
        (vec!["--reset"], ["use_tls = false", "use_password = true"]),
    ] {
        let output = ilslab(&[&["set", &url, "--admin-password-file", &password], &reset[..]].concat());
        assert!(output.status.success(), "{reset:?}: {}", text(&output.stderr));
        let settings = text(&output.stdout);
        assert!(want.iter().all(|line| settings.contains(line)), "{reset:?}: {settings}");
    }
    assert_eq!(hub.client.status().expect("an answer")["ports"]["listening"], "password");
    drop(hub);
    let hub = plan.start();
    assert!(!world.stderr("hub").contains("earlier run"), "{}", world.stderr("hub"));
    assert_eq!(hub.daemon.ready().listening.as_deref(), Some("password"));
}

#[test]
fn a_saved_password_is_told_at_the_start_until_the_one_of_the_start_is_set_again() {
    let world = World::new();
    let plan = world.node(Side::Hub, "hub").password("one password");
    let hub = plan.start();
    let set = |hub: &Node, password: &str| {
        let file = world.file("another", password);
        let (url, admin) = (hub.daemon.url(), world.path("admin-password").display().to_string());
        let output = ilslab(&["set", &url, "--admin-password-file", &admin, "--password-file", &file]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    set(&hub, "another password");
    drop(hub);
    let hub = plan.start();
    let want = "the password is the saved one, not the one of --password-file; `ilslab set http://";
    assert!(world.stderr("hub").contains(want), "{}", world.stderr("hub"));
    set(&hub, "one password");
    drop(hub);
    let _hub = plan.start();
    assert!(!world.stderr("hub").contains("earlier run"), "{}", world.stderr("hub"));
}

#[test]
fn a_query_that_was_not_quoted_is_told_so() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let password = world.path("admin-password").display().to_string();
    let sql = |words: &[&str]| {
        let url = hub.daemon.url();
        let output =
            ilslab(&[&["admin", &url, "--admin-password-file", &password, "run", "sql"], words].concat());
        assert_eq!(output.status.code(), Some(3), "{words:?}");
        text(&output.stderr)
    };
    // As a shell hands it over that put the names of files for `*`.
    let told = sql(&["select", "Cargo.toml", "README.md", "from", "remotecluster"]);
    assert!(told.contains("quote it") && told.contains("near"), "{told}");
    let told = sql(&["select Cargo.toml README.md from remotecluster"]);
    assert!(!told.contains("quote it") && told.contains("near"), "{told}");
}

#[test]
fn a_cluster_is_forgotten_by_any_of_its_names_and_an_unknown_one_is_exit_2() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").alone().password("one password").start();
    let spoke = world.node(Side::Spoke, "spoke").password("one password").of(&hub);
    let password = world.path("admin-password").display().to_string();
    let url = hub.daemon.url();
    let disconnect = |peer: &str| ilslab(&["disconnect", &url, peer, "--admin-password-file", &password]);
    for name in ["SPOKE.lab.example", "spoke", "the peer ID"] {
        let running = spoke.start();
        hub.up_to_date(1);
        let id = hub.list("peers")[0]["peer_id"].as_str().expect("an ID").to_owned();
        // Without it the spoke would come back at once.
        assert!(running.daemon.stop().is_some_and(|status| status.success()));
        let output = disconnect(if name == "the peer ID" { &id } else { name });
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains("has forgotten spoke.lab.example"), "{}", text(&output.stdout));
        assert!(hub.list("peers").is_empty(), "{name}");
    }
    let output = disconnect("nobody");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("none is known"), "{}", text(&output.stderr));
}

#[test]
fn certificates_go_into_a_node_as_pem_as_der_and_with_a_key_and_come_out_again() {
    let (world, lab) = (World::new(), Lab::new(KeyKind::P256));
    let hub = world.node(Side::Hub, "hub").tls().start();
    let password = world.path("admin-password").display().to_string();
    let url = hub.daemon.url();
    let certs = |words: &[&str]| {
        let output =
            ilslab(&[&["certs", words[0], &url, "--admin-password-file", &password], &words[1..]].concat());
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let own = lab.ca_signed("hub.lab.example");
    let (pem, key) = (world.file("own.pem", &own.cert_pem), world.file("own.key", &own.key_pem));
    let der = world.path("root.der").display().to_string();
    let root = lab.root();
    let body: String = root.lines().filter(|line| !line.starts_with('-')).collect();
    std::fs::write(&der, STANDARD.decode(body).expect("base64")).expect("written");
    let (code, told) = certs(&["install", &pem]);
    assert!(code == Some(3) && told.contains("is not the key of"), "{told}");
    for words in [
        vec!["install", &pem, "--key", &key],
        vec!["install", &pem],
        vec!["install", &der, "--trust", "--name", "root.pem"],
    ] {
        let (code, told) = certs(&words);
        assert!(
            code == Some(0) && told.contains(&format!("it counts after `ilslab restart {url}`")),
            "{told}"
        );
    }
    let restarted = ilslab(&["restart", &url, "--admin-password-file", &password]);
    assert!(restarted.status.success(), "{}", text(&restarted.stderr));
    assert_eq!(certs(&["export"]), (Some(0), own.cert_pem.clone()));
    let (code, told) = certs(&["install", &pem]);
    assert!(code == Some(0) && told.contains("in use already"), "{told}");
    let trusted = hub.client.tomcat_trust().expect("listed");
    assert_eq!(trusted["certificates"][0]["pem"], root.as_str());
}

#[test]
fn a_node_without_a_certificate_says_how_it_gets_one() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let password = world.path("admin-password").display().to_string();
    for command in ["export", "request"] {
        let output = ilslab(&["certs", command, &hub.daemon.url(), "--admin-password-file", &password]);
        assert_eq!(output.status.code(), Some(3), "{command}");
        assert!(text(&output.stderr).contains("use_tls=true"), "{command}: {}", text(&output.stderr));
    }
}

#[test]
fn alarms_are_listed_and_an_absent_node_is_exit_4() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").alone().password("one password").start();
    let spoke = world.node(Side::Spoke, "spoke").password("another").of(&hub).start();
    hub.sees("password-mismatch");
    let (url, password) = (hub.daemon.url(), world.path("admin-password").display().to_string());
    let output = ilslab(&["alarms", &url, "--admin-password-file", &password]);
    assert!(
        text(&output.stdout).contains("%UC_ILS-3-ILSPwdAuthenticationFailed: %[IPAddress=127.0.0.2]"),
        "{output:?}"
    );
    let output = ilslab(&["alarms", &spoke.daemon.url(), "--admin-password-file", &password]);
    assert_eq!(text(&output.stdout), "no alarm stands\n");
    drop(hub);
    let output = ilslab(&["alarms", &url, "--admin-password-file", &password]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
}

/// Answers each request with this status, as a node says why.
fn refuses_with(status: u16) -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        let problem =
            format!(r#"{{"type":"about:blank","title":"Title","status":{status},"detail":"the reason"}}"#);
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = Vec::new();
            let mut chunk = [0; 4096];
            // To the end of the head, and of the body where there is one: nothing stays unread.
            while !is_whole(&request) {
                let Ok(length @ 1..) = stream.read(&mut chunk) else { break };
                request.extend_from_slice(&chunk[..length]);
            }
            let head = format!(
                "HTTP/1.1 {status} Status\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                problem.len()
            );
            // Whoever has heard enough hangs up.
            let _ = stream.write_all((head + &problem).as_bytes());
        }
    });
    url
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

#[test]
fn an_exit_code_says_whose_fault_a_refusal_is_whatever_the_command() {
    let world = World::new();
    let password = world.file("admin-password", "a password");
    for (status, code) in
        [(400, 3), (401, 4), (403, 4), (404, 2), (409, 4), (413, 3), (422, 3), (429, 4), (500, 70), (503, 4)]
    {
        let url = refuses_with(status);
        for words in [
            vec!["alarms", &url],
            vec!["trace", &url],
            vec!["set", &url, "use_tls=true"],
            vec!["admin", &url, "run", "sql", "select 1"],
        ] {
            let option = format!("--admin-password-file={password}");
            let output = ilslab(&[&words[..1], &[&option], &words[1..]].concat());
            assert_eq!(output.status.code(), Some(code), "{status} {words:?}: {}", text(&output.stderr));
        }
        // What may be better in a moment is waited for.
        let wanted = if status == 429 || status == 503 { 5 } else { code };
        let arguments = ["wait", &url, "--timeout", "1ms", "--admin-password-file", &password];
        let output = ilslab(&arguments);
        assert_eq!(output.status.code(), Some(wanted), "{status} wait: {}", text(&output.stderr));
    }
}

#[test]
fn the_trace_of_a_node_is_printed_line_by_line() {
    let world = World::new();
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    let _spoke = world.node(Side::Spoke, "spoke").password("one password").of(&hub).start();
    hub.up_to_date(1);
    // What the API shows may reach the file a little later.
    until("the whole trace", || {
        hub.trace().last().is_some_and(|line| line.text().ends_with("established")).then_some(())
    });
    let password = world.path("admin-password").display().to_string();
    let output = ilslab(&["trace", &hub.daemon.url(), "--admin-password-file", &password]);
    let wanted: Vec<String> = hub.trace_files().iter().map(ToString::to_string).collect();
    assert!(wanted.first().is_some_and(|head| head.contains("FileHead |UTC:+00:00,Date: ")), "{wanted:?}");
    assert_eq!(text(&output.stdout).lines().collect::<Vec<_>>(), wanted, "{}", text(&output.stderr));
}

#[test]
fn the_daemons_have_names_of_their_own_and_every_command_has_an_example() {
    for (program, wanted) in
        [(env!("CARGO_BIN_EXE_ils-hub"), "Run a hub"), (env!("CARGO_BIN_EXE_ils-spoke"), "Run a spoke")]
    {
        let output = std::process::Command::new(program).arg("--help").output().expect("runs");
        assert!(output.status.success());
        assert!(text(&output.stdout).contains(wanted), "{}", text(&output.stdout));
    }
    let help = text(&ilslab(&["--help"]).stdout);
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let names: Vec<&str> = commands.map_while(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 8, "{help}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let help = text(&ilslab(&[name, "--help"]).stdout);
        assert!(help.contains("Example"), "{name}: {help}");
    }
}
