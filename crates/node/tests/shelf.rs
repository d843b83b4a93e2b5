//! Certificates uploaded while the service runs: checked, stored whole, and active after a service restart only.

mod bench;

use bench::pki::{self, Ca, Flaw};
use bench::{Bench, Side, Station};
use ilslab_node::ShelfError;

async fn hub(bench: &Bench) -> Station {
    bench.hub(Side { tls: true, ..Side::default() }).await
}

fn fingerprints(shelved: &[ilslab_node::Shelved]) -> Vec<(String, bool)> {
    shelved.iter().map(|one| (one.certificate.fingerprint().to_owned(), one.active)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_certificate_counts_after_a_service_restart() {
    let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
    let hub = hub(&bench).await;
    let shelf = hub.running.shelf();
    let made = fingerprints(&shelf.tomcat().expect("listed"));
    assert!(matches!(made.as_slice(), [(_, true)]), "the one made at the first start is in use");
    let pair = ca.issue("hub.lab.example", Flaw::None);
    shelf.put_tomcat(&pair.certificate, Some(&pair.key)).expect("taken");
    let root = shelf.put_trust(Some("lab-root.pem"), &ca.pem).expect("taken");
    let uploaded = fingerprints(&shelf.tomcat().expect("listed"));
    assert!(
        matches!(uploaded.as_slice(), [(_, false), old] if *old == made[0]),
        "uploaded; the old one is in use"
    );
    assert_eq!(fingerprints(&shelf.trust().expect("listed")).len(), 1);
    assert!(!shelf.trust().expect("listed")[0].active);
    hub.running.restart().await.expect("restarts");
    assert!(shelf.tomcat().expect("listed")[0].active && shelf.trust().expect("listed")[0].active);
    assert!(shelf.remove_trust(&root).expect("removed"));
    assert!(!shelf.remove_trust(&root).expect("nothing to remove"));
    let still = shelf.trust().expect("listed");
    assert!(still.iter().all(|one| one.file.is_none() && one.active), "in use until the next restart");
    hub.running.restart().await.expect("restarts");
    assert!(shelf.trust().expect("listed").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_upload_is_refused_with_its_reason_and_nothing_changes() {
    let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
    let hub = hub(&bench).await;
    let shelf = hub.running.shelf();
    let before = fingerprints(&shelf.tomcat().expect("listed"));
    let (one, other) = (ca.issue("hub.lab.example", Flaw::None), ca.issue("hub.lab.example", Flaw::None));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (case, certificate, key, wanted) in [
        ("another key", one.certificate.as_str(), other.key.as_str(), "is not the key"),
        ("no PEM", "hello", &one.key, "holds no certificate"),
        ("a key for a certificate", &one.key, &one.key, "is not a certificate"),
        ("a certificate for a key", &one.certificate, &one.certificate, "holds no private key"),
        ("an encrypted key", &one.certificate, encrypted, "encrypted"),
        ("nothing", "", "", "holds no certificate"),
    ] {
        let error = shelf.put_tomcat(certificate, Some(key)).expect_err(case);
        assert!(error.to_string().contains(wanted), "{case}: {error}");
        assert_eq!(fingerprints(&shelf.tomcat().expect("listed")), before, "{case}: nothing changes");
    }
    let two = format!("{}{}", ca.pem, one.certificate);
    for (case, name, pem, wanted) in [
        ("two at once", "two.pem", two.as_str(), "more than one"),
        ("a path", "../tomcat/tomcat.pem", &ca.pem, "no name"),
        ("a hidden file", ".pem", &ca.pem, "no name"),
        ("another kind of file", "root.crt", &ca.pem, "no name"),
        ("a key", "key.pem", &one.key, "is not a certificate"),
    ] {
        let error = shelf.put_trust(Some(name), pem).expect_err(case);
        assert!(error.to_string().contains(wanted), "{case}: {error}");
        assert!(shelf.trust().expect("listed").is_empty(), "{case}: nothing changes");
    }
    hub.running.restart().await.expect("what is stored is still good");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_without_a_key_is_for_the_key_that_is_there() {
    let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
    let hub = hub(&bench).await;
    let shelf = hub.running.shelf();
    let before = fingerprints(&shelf.tomcat().expect("listed"));
    let other = ca.issue("hub.lab.example", Flaw::None);
    let error = shelf.put_tomcat(&other.certificate, None).expect_err("of another key");
    assert!(error.to_string().contains("is not the key"), "{error}");
    assert_eq!(fingerprints(&shelf.tomcat().expect("listed")), before, "nothing changes");
    shelf.put_tomcat(&other.certificate, Some(&other.key)).expect("taken");
    shelf.put_tomcat(&other.certificate, None).expect("now it is that key's");
    hub.running.restart().await.expect("the pair is whole");
    let request = shelf.request("hub.lab.example").expect("the key signs");
    assert!(request.starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_there_is_no_request_and_the_cure_is_told() {
    let bench = Bench::new();
    let hub = bench.hub(Side::password("one password")).await;
    let error = hub.running.shelf().request("hub.lab.example").expect_err("no key").to_string();
    assert!(error.contains("is not there yet") && error.contains("use_tls=true"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_named_at_start_are_not_changed_here() {
    let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
    let identity = pki::write(bench.folder(), &ca.issue("hub.lab.example", Flaw::None), &[&ca.pem]);
    let hub = bench.hub(Side { tls: true, identity: Some(identity), ..Side::default() }).await;
    let shelf = hub.running.shelf();
    assert!(matches!(shelf.put_trust(None, &ca.pem), Err(ShelfError::Fixed)));
    assert!(matches!(shelf.remove_trust("0.pem"), Err(ShelfError::Fixed)));
    assert_eq!(shelf.trust().expect("listed").len(), 1, "but they are shown");
}
