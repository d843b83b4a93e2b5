//! Certificate, key and trust store as files: what a start makes, keeps and refuses.

mod bench;

use bench::pki::{self, Ca, Flaw};
use bench::{Bench, Side};
use ils_core::outcome::Outcome;
use ils_node::StartError;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_killed_start_left_behind_gets_its_certificate() {
    let bench = Bench::new();
    let platform = bench.folder().join("hub/tomcat");
    std::fs::create_dir_all(&platform).expect("a folder");
    let key = pki::self_signed("hub.lab.example").key;
    std::fs::write(platform.join("tomcat.key"), &key).expect("writes");
    let hub = bench.hub(Side { tls: true, ..Side::default() }).await;
    assert_eq!(hub.running.bound().listening, Some("tls"));
    assert_eq!(std::fs::read_to_string(platform.join("tomcat.key")).expect("reads"), key, "never replaced");
    assert!(platform.join("tomcat.pem").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_no_use_is_named_and_kept() {
    let bench = Bench::new();
    let key = bench.folder().join("hub/tomcat/tomcat.key");
    std::fs::create_dir_all(key.parent().expect("a folder above")).expect("a folder");
    std::fs::write(&key, "junk").expect("writes");
    let error = bench.try_hub(Side { tls: true, ..Side::default() }).await.err().expect("refused");
    assert!(error.to_string().contains("tomcat.key"), "{error}");
    assert_eq!(std::fs::read_to_string(&key).expect("reads"), "junk");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_named_have_to_be_there_with_whatever_method() {
    let ca = Ca::new("the lab CA");
    for missing in ["tomcat.pem", "tomcat.key", "trust"] {
        for tls in [false, true] {
            let bench = Bench::new();
            let paths = pki::write(bench.folder(), &ca.issue("hub.lab.example", Flaw::None), &[&ca.pem]);
            let path = bench.folder().join(missing);
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.expect("removes");
            let side = Side { tls, identity: Some(paths), ..Side::password("one password") };
            let error = bench.try_hub(side).await.err().expect("refused");
            assert!(matches!(error, StartError::Identity(_)), "{missing} {tls}: {error}");
            assert!(error.to_string().contains(missing), "{missing} {tls}: {error}");
            assert!(!path.exists(), "nothing is made in its place");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_with_a_bad_file_changes_nothing_and_one_with_a_good_file_counts() {
    let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
    let side = |name: &str| {
        let folder = bench.folder().join(name);
        let paths = pki::write(&folder, &ca.issue(&format!("{name}.lab.example"), Flaw::None), &[&ca.pem]);
        Side { tls: true, password: Some("one password"), identity: Some(paths), version: None }
    };
    let hub = bench.hub(side("hub")).await;
    let spoke = bench.spoke(&hub, side("spoke")).await;
    assert_eq!(spoke.outcome().await, Outcome::Joined);
    let root = bench.folder().join("hub/trust/0.pem");
    std::fs::write(&root, "junk").expect("writes");
    let error = hub.running.restart().await.expect_err("junk");
    assert!(error.to_string().contains("0.pem"), "{error}");
    assert_eq!(
        hub.snapshot().joined().count(),
        1,
        "the old store stays in force, and so does the connection"
    );
    std::fs::remove_file(&root).expect("removes");
    hub.running.restart().await.expect("an empty store");
    hub.until("the spoke is a stranger now", |snapshot| {
        snapshot
            .attempts
            .iter()
            .any(|attempt| attempt.outcome == Some(Outcome::PeerCertificateRejected(Some(20))))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_switched_on_without_a_certificate_makes_one_or_is_refused_without_a_change() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password("one password")).await;
    let key = bench.folder().join("hub/tomcat/tomcat.key");
    assert!(!key.exists(), "none is made before it is needed");
    std::fs::create_dir_all(key.parent().expect("a folder above")).expect("a folder");
    std::fs::write(&key, "junk").expect("writes");
    let patch = || json!({"use_tls": true}).as_object().expect("an object").clone();
    hub.running.configure(patch(), None).await.err().expect("that key is of no use");
    assert_eq!((hub.snapshot().config.revision, hub.running.bound().listening), (1, Some("password")));
    std::fs::remove_file(&key).expect("removes");
    hub.running.configure(patch(), None).await.expect("a change");
    assert_eq!(hub.running.bound().listening, Some("tls"));
    assert!(key.exists());
}
