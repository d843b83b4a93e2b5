//! Certificates uploaded while the service runs: checked, stored whole, and active after a service restart only.

mod bench;

use bench::pki::{self, Ca, Flaw};
use bench::{Bench, Side, Station};
use ils_node::ShelfError;

async fn hub(bench: &Bench) -> Station {
    bench.hub(Side { tls: true, ..Side::default() }).await
}

fn fingerprints(shelved: &[ils_node::Shelved]) -> Vec<(String, bool)> {
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

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_the_own_certificate_touches_no_other_file_of_its_folder() {
    let (bench, ca) = (Bench::new(), Ca::new("the lab CA"));
    let hub = hub(&bench).await;
    let folder = bench.folder().join("hub/tomcat");
    let others = ["tomcat.csr", "notes/when.txt", ".hidden"].map(|name| folder.join(name));
    for other in &others {
        std::fs::create_dir_all(other.parent().expect("a folder above")).expect("makes");
        std::fs::write(other, "somebody's").expect("writes");
    }
    let shelf = hub.running.shelf();
    let (first, second) = (ca.issue("hub.lab.example", Flaw::None), ca.issue("hub.lab.example", Flaw::None));
    let stored = || {
        ["tomcat.pem", "tomcat.key"].map(|name| std::fs::read_to_string(folder.join(name)).expect("is there"))
    };
    for pair in [&first, &second] {
        shelf.put_tomcat(&pair.certificate, Some(&pair.key)).expect("taken");
        assert_eq!(stored(), [pair.certificate.as_str(), pair.key.as_str()]);
        for other in &others {
            assert_eq!(
                std::fs::read_to_string(other).expect("untouched"),
                "somebody's",
                "{}",
                other.display()
            );
        }
    }
    assert_eq!(std::fs::read_dir(&folder).expect("reads").count(), 5, "and nothing is left behind");
    // A place that cannot be taken: the key goes back to where it was.
    std::fs::remove_file(folder.join("tomcat.pem")).expect("removes");
    std::fs::create_dir_all(folder.join("tomcat.pem/in-the-way")).expect("makes");
    assert!(matches!(
        shelf.put_tomcat(&first.certificate, Some(&first.key)),
        Err(ShelfError::Storage { .. })
    ));
    assert_eq!(std::fs::read_to_string(folder.join("tomcat.key")).expect("is there"), second.key);
    assert_eq!(std::fs::read_dir(&folder).expect("reads").count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_certificate_is_replaced_by_a_namesake_that_begins_later_and_by_no_other() {
    let bench = Bench::new();
    let hub = hub(&bench).await;
    let shelf = hub.running.shelf();
    let [old, new, newest] = [-3, -2, -1].map(|days| pki::beginning("spoke.lab.example", days).certificate);
    let rival = pki::beginning("SPOKE.lab.example", -3).certificate;
    let stranger = pki::beginning("other.lab.example", -9).certificate;
    let files = || {
        let all = shelf.trust().expect("listed");
        all.into_iter().map(|one| one.file.expect("stored")).collect::<Vec<_>>()
    };
    assert_eq!(shelf.put_trust(Some("a.pem"), &new).expect("the first"), "a.pem");
    assert_eq!(shelf.put_trust(Some("o.pem"), &stranger).expect("another name"), "o.pem");
    assert_eq!(shelf.put_trust(Some("b.pem"), &new).expect("it is there already"), "a.pem");
    assert_eq!(shelf.put_trust(None, &new).expect("it is there already"), "a.pem");
    for (case, name, certificate) in [
        ("it begins earlier", Some("b.pem"), &old),
        ("in its very place", Some("a.pem"), &old),
        ("another case of the name", None, &rival),
    ] {
        let error = shelf.put_trust(name, certificate).expect_err(case).to_string();
        for wanted in ["a.pem", "CN=spoke.lab.example", "no later", "remove that one first"] {
            assert!(error.contains(wanted), "{case}: {wanted} is missing in {error}");
        }
        assert_eq!(files(), ["a.pem", "o.pem"], "{case}");
    }
    assert_eq!(shelf.put_trust(Some("b.pem"), &newest).expect("it begins later"), "b.pem");
    assert_eq!(files(), ["b.pem", "o.pem"], "the earlier one has gone");
    assert!(shelf.remove_trust("b.pem").expect("removed"));
    assert_eq!(shelf.put_trust(None, &old).map(|_| files().len()).expect("now it may"), 2);
    let folder = bench.folder().join("hub/tomcat-trust");
    std::fs::write(folder.join("o.pem"), format!("{stranger}{old}")).expect("writes");
    let error = shelf.put_trust(None, &newest).expect_err("a file of two").to_string();
    assert!(error.contains("o.pem") && error.contains("holds 2 certificates"), "{error}");
    std::fs::write(folder.join("o.pem"), "junk").expect("writes");
    assert!(shelf.put_trust(None, &newest).is_err(), "who knows what that is");
    shelf.put_trust(Some("o.pem"), &stranger).expect("it repairs the file");
}
