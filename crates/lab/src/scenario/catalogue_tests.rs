//! The catalogue is whole, and says what the documentation says.

use std::collections::HashSet;

use pretty_assertions::assert_eq;

use super::*;

/// ID, hub's outcome, spoke's outcome: as documented.
const DOCUMENTED: [(&str, &str, &str); 13] = [
    ("password/joined", "joined", "joined"),
    ("password/mismatch", "password-mismatch", "closed"),
    ("tls/joined", "joined", "joined"),
    ("tls/hub-not-imported", "own-certificate-rejected", "peer-certificate-rejected:18"),
    ("tls/spoke-not-imported", "certificate-not-known", "closed"),
    ("tls-password/joined", "joined", "joined"),
    ("tls-password/mismatch", "password-mismatch", "closed"),
    ("tls-password/spoke-self-signed", "peer-certificate-rejected:18", "own-certificate-rejected"),
    ("tls-password/hub-self-signed", "own-certificate-rejected", "peer-certificate-rejected:18"),
    ("tls-password/both-self-signed", "own-certificate-rejected", "peer-certificate-rejected:18"),
    ("password-then-tls/joined", "joined", "joined"),
    ("password-then-tls/hub-self-signed", "own-certificate-rejected", "peer-certificate-rejected:18"),
    ("password-then-tls/spoke-self-signed", "peer-certificate-rejected:18", "own-certificate-rejected"),
];

#[test]
fn every_documented_scenario_is_there_once_with_its_outcomes() {
    let found: Vec<_> = CATALOGUE
        .iter()
        .map(|scenario| (scenario.id, scenario.wanted.hub.to_string(), scenario.wanted.spoke.to_string()))
        .collect();
    let wanted: Vec<_> = DOCUMENTED.map(|(id, hub, spoke)| (id, hub.to_owned(), spoke.to_owned())).into();
    assert_eq!(found, wanted);
}

#[test]
fn an_id_is_its_method_and_its_case() {
    let mut ids = HashSet::new();
    for scenario in CATALOGUE {
        assert_eq!(scenario.id, format!("{}/{}", scenario.method, scenario.case()));
        assert!(ids.insert(scenario.id), "{} occurs twice", scenario.id);
        assert_eq!(Scenario::find(scenario.id), Some(scenario));
    }
    assert_eq!(Method::ALL.iter().map(|method| Scenario::of_method(*method).count()).sum::<usize>(), 13);
}

#[test]
fn a_fault_teaches_something_and_a_join_does_not() {
    for scenario in CATALOGUE {
        let joins = scenario.case() == "joined";
        assert_eq!(scenario.lesson.is_none(), joins, "{}", scenario.id);
        assert_eq!(scenario.wanted == JOINED, joins, "{}", scenario.id);
        let lines =
            scenario.lesson.map_or_else(Vec::new, |lesson| vec![lesson.cause, lesson.cure, lesson.next]);
        for line in lines.into_iter().chain([scenario.title]) {
            assert!(!line.is_empty() && !line.contains('\n') && line.len() <= 120, "{}: {line}", scenario.id);
        }
    }
}

#[test]
fn exactly_the_scenarios_on_tls_carry_certificates() {
    for scenario in CATALOGUE {
        let needs = scenario.method.boxes().tls || scenario.method.switches();
        for side in Side::BOTH {
            let has = scenario.equipment(side).carried != Carried::Nothing;
            assert_eq!(has, needs, "{} {side}", scenario.id);
        }
    }
}

#[test]
fn what_fails_differs_from_what_joins_in_one_thing() {
    for scenario in CATALOGUE.iter().filter(|scenario| scenario.lesson.is_some()) {
        let joins = Scenario::find(&format!("{}/joined", scenario.method)).expect("every method joins");
        let password = usize::from(scenario.same_password != joins.same_password);
        let differing =
            Side::BOTH.iter().filter(|side| scenario.equipment(**side) != joins.equipment(**side)).count();
        // The two that need two nodes changed: both self-signed, and a CA-signed spoke whose root the hub has.
        let want = match scenario.case() {
            "both-self-signed" | "spoke-not-imported" => 2,
            _ => 1,
        };
        assert_eq!(password + differing, want, "{}", scenario.id);
    }
}

#[test]
fn the_boxes_are_those_of_the_document() {
    for (method, tls, password, switches) in [
        (Method::Password, false, true, false),
        (Method::Tls, true, false, false),
        (Method::TlsPassword, true, true, false),
        (Method::PasswordThenTls, false, true, true),
    ] {
        assert_eq!((method.boxes(), method.switches()), (TwoBoxes { tls, password }, switches), "{method}");
    }
}

#[test]
fn a_method_and_a_fault_are_a_scenario() {
    for (method, fault, want) in [
        (Method::Password, "", Some("password/joined")),
        (Method::Tls, "joined", Some("tls/joined")),
        (Method::TlsPassword, "both-self-signed", Some("tls-password/both-self-signed")),
        (Method::PasswordThenTls, "hub-self-signed", Some("password-then-tls/hub-self-signed")),
        (Method::Password, "hub-self-signed", None),
        (Method::Tls, "mismatch", None),
    ] {
        assert_eq!(
            Scenario::chosen(method, fault).ok().map(|scenario| scenario.id),
            want,
            "{method} {fault}"
        );
    }
}
