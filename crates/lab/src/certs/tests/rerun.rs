//! What a run does to a folder that is not empty, and what it leaves behind.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use pretty_assertions::assert_eq;

use super::*;

#[test]
fn keys_and_their_folders_are_the_owners_alone() {
    let lab = Lab::new(KeyKind::P256);
    for pair in lab.issued().pairs() {
        let mode = |path: &Path| fs::metadata(path).expect("metadata").mode() & 0o777;
        let folder = pair.key.parent().expect("a folder");
        assert_eq!((mode(&pair.key), mode(folder)), (0o600, 0o700), "{}", pair.key.display());
    }
}

#[test]
fn a_second_run_keeps_everything_and_a_new_node_gets_the_same_ca() {
    let mut lab = Lab::new(KeyKind::P256);
    assert_eq!(states(&lab.issued()), [State::Made; 5]);
    let before = lab.all();
    lab.wish.nodes.push("paris=ils.paris.example".parse().expect("a node"));
    let again = lab.issued();
    assert_eq!(states(&again)[..5], [State::Kept; 5]);
    assert_eq!(states(&again)[5..], [State::Made; 2]);
    assert!(again.pairs().all(|pair| pair.warnings.is_empty()), "{again:?}");
    assert_eq!(lab.all(), before);
}

#[test]
fn force_replaces_the_nodes_and_keeps_a_ca_that_is_of_use() {
    let mut lab = Lab::new(KeyKind::P256);
    lab.issued();
    let before = lab.all();
    lab.wish.force = true;
    let again = lab.issued();
    let mut want = [State::Replaced; 5];
    want[0] = State::Kept;
    assert_eq!(states(&again), want);
    let same: Vec<_> = lab.all().iter().zip(&before).map(|(now, before)| now == before).collect();
    assert_eq!(same, [true, true, false, false, false, false, false, false, false, false]);
}

#[test]
fn a_pair_that_does_not_fit_is_an_error_until_force_replaces_it() {
    let swap: fn(&Lab) = |lab| {
        fs::copy(lab.path("spoke/ca-signed.key"), lab.path("hub/ca-signed.key")).expect("copied");
    };
    let lose: fn(&Lab) = |lab| fs::remove_file(lab.path("hub/self-signed.key")).expect("removed");
    let junk: fn(&Lab) = |lab| fs::write(lab.path("hub/ca-signed.pem"), "junk").expect("written");
    let bytes: fn(&Lab) = |lab| fs::write(lab.path("hub/ca-signed.key"), [0xff, 0xfe]).expect("written");
    let ca: fn(&Lab) = |lab| {
        fs::copy(lab.path("hub/self-signed.key"), lab.path("ca/root.key")).expect("copied");
    };
    let leaf: fn(&Lab) = |lab| {
        fs::copy(lab.path("hub/self-signed.key"), lab.path("ca/root.key")).expect("copied");
        fs::copy(lab.path("hub/self-signed.pem"), lab.path("ca/root.pem")).expect("copied");
    };
    for (case, spoil, named) in [
        ("another's key", swap, &["hub/ca-signed.key", "hub/ca-signed.pem"][..]),
        ("no key", lose, &["hub/self-signed.key", "hub/self-signed.pem"]),
        ("a certificate that is none", junk, &["hub/ca-signed.pem"]),
        ("a key that is not even text", bytes, &["hub/ca-signed.key"]),
        ("a CA with another's key", ca, &["ca/root.key", "ca/root.pem"]),
        ("a CA that is none", leaf, &["ca/root.pem"]),
    ] {
        let mut lab = Lab::new(KeyKind::P256);
        lab.issued();
        spoil(&lab);
        let error = lab.issue().expect_err(case);
        let said = error.to_string();
        assert_eq!(error.exit_code(), 4, "{case}");
        assert!(said.contains("--force"), "{case}: {said}");
        for file in named {
            assert!(said.contains(text(&lab.path(file))), "{case}: {said}");
        }
        lab.wish.force = true;
        lab.issued();
        lab.wish.force = false;
        let healed = lab.issued();
        assert!(healed.pairs().all(|pair| pair.warnings.is_empty()), "{case}: {healed:?}");
    }
}

#[test]
fn a_run_that_was_killed_is_finished_by_the_next() {
    // The states in which the order of the writes can leave the folder: each file in turn is not yet there, and so
    // are all that come after it; `.part` files may lie about.
    let order = [1, 0, 3, 2, 5, 4, 7, 6, 9, 8].map(|place: usize| FILES[place]);
    for done in 0..=order.len() {
        let lab = Lab::new(KeyKind::P256);
        lab.issued();
        let before: Vec<_> = order.iter().take(done).map(|file| lab.read(file)).collect();
        for file in order.iter().skip(done) {
            fs::remove_file(lab.path(file)).expect("removed");
        }
        let part = lab.path("hub/.ca-signed.key.4kd0Zq.part");
        fs::write(&part, "-----BEGIN PRI").expect("written");
        let issued = lab.issued();
        let after: Vec<_> = order.iter().take(done).map(|file| lab.read(file)).collect();
        assert_eq!(after, before, "after {done} files");
        assert!(issued.pairs().all(|pair| pair.warnings.is_empty()), "after {done} files: {issued:?}");
        assert_eq!(states(&issued).contains(&State::Completed), done % 2 == 1, "after {done} files");
        assert_eq!(states(&lab.issued()), [State::Kept; 5], "after {done} files");
        assert!(!part.exists(), "after {done} files");
    }
}

#[test]
fn what_is_kept_though_it_differs_from_the_wish_is_told() {
    let mut lab = Lab::new(KeyKind::P256);
    lab.wish.days = 10;
    lab.issued();
    lab.wish.nodes = vec!["hub=hub2.lab.example".parse().expect("a node")];
    lab.wish.key = KeyKind::Rsa2048;
    fs::remove_dir_all(lab.path("ca")).expect("removed");
    let issued = issue(&lab.wish, at(NOON + 11 * DAY), &mut |_| ()).expect("kept");
    let kept = issued.nodes.first().expect("a node");
    let [signed, own] = [&kept.ca_signed, &kept.self_signed].map(|pair| {
        assert_eq!(pair.state, State::Kept);
        pair.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    });
    let [fqdn, key, issuer, expired] = &signed[..] else { panic!("{signed:?}") };
    assert_eq!(fqdn, "it is for hub.lab.example, not hub2.lab.example; --force replaces it");
    assert_eq!(key, "its key is not RSA-2048; --force replaces it");
    assert_eq!(issuer, "it was not signed by this lab CA; --force replaces it");
    assert!(expired.starts_with("it expired on "), "{expired}");
    assert_eq!(own, [fqdn, key, expired].map(Clone::clone));
}

#[test]
fn a_ca_that_is_over_is_refused_and_force_makes_another() {
    let mut lab = Lab::new(KeyKind::P256);
    lab.issued();
    let later = at(NOON + u64::from(AUTHORITY_DAYS) * DAY);
    let error = issue(&lab.wish, later, &mut |_| ()).expect_err("over");
    assert!(matches!(error, CertsError::AuthorityExpired { .. }), "{error}");
    lab.wish.force = true;
    let issued = issue(&lab.wish, later, &mut |_| ()).expect("made anew");
    assert_eq!(states(&issued), [State::Replaced; 5]);
}

#[test]
fn a_ca_is_loaded_from_its_folder_or_said_to_be_missing() {
    let lab = Lab::new(KeyKind::P256);
    let missing = Authority::load(&lab.wish.dir).map(|_| ()).expect_err("nothing there");
    assert!(matches!(missing, CertsError::NoAuthority { .. }), "{missing}");
    lab.issued();
    let loaded = Authority::load(&lab.wish.dir).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(loaded.root_pem(), lab.read("ca/root.pem"));
}
