//! The thirteen scenarios, with TLS 1.2 and 1.3: each side's whole trace against its golden, its alarms, its outcome.
//!
//! `tests/golden/SCENARIO/{hub,spoke}.trace` hold what the documentation shows, never what this program once wrote.

use std::path::Path;

use ilslab_lab::Side;
use ilslab_lab::certs::KeyKind;
use ilslab_trace::Line;
use ilslab_trace::golden::{Bindings, compare};
use serde_json::json;

use crate::world::{Lab, Node, Papers, Plan, World, until};

const HUB: &str = "hub.lab.example";
const SPOKE: &str = "spoke.lab.example";

/// A scenario: how its nodes are set, and what each sees.
struct Case {
    id: &'static str,
    hub: &'static str,
    spoke: &'static str,
    /// Lines of the alarm file, from the severity on up to the first parameter's value.
    hub_alarms: &'static [&'static str],
    spoke_alarms: &'static [&'static str],
}

const TLS_FAILED_AT_THE_SPOKE: &[&str] = &["3-ILSTLSAuthenticationFailed: %[Cluster1=127.0.0.1]"];
const TLS_FAILED_AT_THE_HUB: &[&str] = &["3-ILSTLSAuthenticationFailed: %[Cluster1=127.0.0.2]"];
const PASSWORD_FAILED: &[&str] = &["3-ILSPwdAuthenticationFailed: %[IPAddress=127.0.0.2]"];

const fn case(
    id: &'static str, hub: &'static str, spoke: &'static str, hub_alarms: &'static [&'static str],
    spoke_alarms: &'static [&'static str],
) -> Case {
    Case { id, hub, spoke, hub_alarms, spoke_alarms }
}

const REJECTED: &str = "peer-certificate-rejected:18";
const OWN: &str = "own-certificate-rejected";

const CASES: [Case; 13] = [
    case("password/joined", "joined", "joined", &[], &[]),
    case("password/mismatch", "password-mismatch", "closed", PASSWORD_FAILED, &[]),
    case("tls/joined", "joined", "joined", &[], &[]),
    case("tls/hub-not-imported", OWN, REJECTED, &[], TLS_FAILED_AT_THE_SPOKE),
    case(
        "tls/spoke-not-imported",
        "certificate-not-known",
        "closed",
        &["3-ILSTLSAuthenticationFailed: %[Cluster1=spoke.lab.example]"],
        &[],
    ),
    case("tls-password/joined", "joined", "joined", &[], &[]),
    case("tls-password/mismatch", "password-mismatch", "closed", PASSWORD_FAILED, &[]),
    case("tls-password/spoke-self-signed", REJECTED, OWN, TLS_FAILED_AT_THE_HUB, &[]),
    case("tls-password/hub-self-signed", OWN, REJECTED, &[], TLS_FAILED_AT_THE_SPOKE),
    case("tls-password/both-self-signed", OWN, REJECTED, &[], TLS_FAILED_AT_THE_SPOKE),
    case("password-then-tls/joined", "joined", "joined", &[], &[]),
    case("password-then-tls/hub-self-signed", OWN, REJECTED, &[], TLS_FAILED_AT_THE_SPOKE),
    case("password-then-tls/spoke-self-signed", REJECTED, OWN, TLS_FAILED_AT_THE_HUB, &[]),
];

#[test]
fn every_scenario_has_its_golden_traces_with_tls_1_2_and_1_3() {
    let lab = Lab::new(KeyKind::P256);
    for case in &CASES {
        for version in ["1.2", "1.3"] {
            Play::new(case, &lab, version).judge();
        }
    }
}

#[test]
fn rsa_certificates_make_the_same_traces() {
    let lab = Lab::new(KeyKind::Rsa2048);
    for case in CASES.iter().filter(|case| !case.id.starts_with("password/")) {
        for version in ["1.2", "1.3"] {
            Play::new(case, &lab, version).judge();
        }
    }
}

/// One scenario under way.
struct Play<'a> {
    case: &'a Case,
    version: &'a str,
    hub: Node,
    spoke: Node,
    _world: World,
}

impl<'a> Play<'a> {
    fn new(case: &'a Case, lab: &Lab, version: &'a str) -> Self {
        let world = World::new();
        let (method, fault) = case.id.split_once('/').expect("method/fault");
        let (hub_papers, spoke_papers) = papers(lab, method, fault);
        let plan = |side, name, password, papers: &Papers| {
            set(world.node(side, name), method, password)
                .papers(papers)
                .with("tls-min", version)
                .with("tls-max", version)
        };
        let hub = plan(Side::Hub, "hub", "one password", &hub_papers).start();
        let password = if fault == "mismatch" { "another password" } else { "one password" };
        let spoke = plan(Side::Spoke, "spoke", password, &spoke_papers).of(&hub).start();
        Self { case, version, hub, spoke, _world: world }
    }

    fn judge(self) {
        let since = self.switch();
        let case = format!("{} with TLS {}", self.case.id, self.version);
        assert_eq!(self.hub.outcome_since(since.0), self.case.hub, "hub of {case}");
        assert_eq!(self.spoke.outcome_since(since.1), self.case.spoke, "spoke of {case}");
        if self.case.hub == "joined" {
            self.hub.up_to_date(1);
            self.spoke.up_to_date(1);
        }
        self.compare("hub", &self.hub, &case);
        self.compare("spoke", &self.spoke, &case);
        alarms(&self.hub, self.case.hub_alarms, &case);
        alarms(&self.spoke, self.case.spoke_alarms, &case);
    }

    /// Method 4: joined by password, then both are switched, the hub first.
    fn switch(&self) -> (u64, u64) {
        if !self.case.id.starts_with("password-then-tls/") {
            return (1, 1);
        }
        self.hub.up_to_date(1);
        self.spoke.up_to_date(1);
        let tls = || json!({"use_tls": true, "use_password": false});
        let hub = self.hub.set(tls());
        // Its Bye is read before the spoke's own change ends what is left of the connection.
        until("the spoke is left", || {
            self.spoke.trace().iter().any(|line| line.text().contains("Close Ind")).then_some(())
        });
        (hub, self.spoke.set(tls()))
    }

    fn compare(&self, side: &str, node: &Node, case: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(self.case.id)
            .join(format!("{side}.trace"));
        let golden = std::fs::read_to_string(&file).expect("a golden");
        let wanted = golden.lines().count();
        let joins = self.case.hub == "joined";
        // A failed attempt is over when the next one has begun.
        let least = if joins { wanted } else { wanted + 1 };
        let trace =
            until("the whole trace", || Some(first_tries(node.trace())).filter(|trace| trace.len() >= least));
        let ready = self.hub.daemon.ready();
        let port = |address: Option<std::net::SocketAddr>| address.expect("a hub binds both").port();
        let mut bindings = Bindings::new()
            .with("hub", "127.0.0.1")
            .with("spoke", "127.0.0.2")
            .with("fqdn-spoke", SPOKE)
            .with("tls-port", port(ready.tls))
            .with("password-port", port(ready.password));
        // A joined trace is compared to its end; a failed attempt is followed by the next, and by nothing else.
        let (attempt, next) = trace.split_at(if joins { trace.len() } else { wanted });
        if let Err(difference) = compare(&golden, attempt, &mut bindings) {
            panic!("{side} of {case}: {difference}");
        }
        if let Some(line) = next.first() {
            assert!(begins_an_attempt(line, &bindings), "{side} of {case} goes on with: {line}");
        }
    }
}

/// The first line of another attempt: each side and port has its own.
fn begins_an_attempt(line: &Line, seen: &Bindings) -> bool {
    let begins =
        ["Ils::ConnectReq(): Requesting Connection", "New connection accepted.", "isCertInLocalStore"];
    let text = line.text();
    let of_the_last = seen.value("tls-n").is_some_and(|id| text.contains(&format!("17, {id}]")));
    begins.iter().any(|begin| text.contains(begin)) || (text.contains("HandleSSLError") && !of_the_last)
}

/// The boxes of a method's first step.
fn set<'a>(plan: Plan<'a>, method: &str, password: &str) -> Plan<'a> {
    match method {
        "tls" => plan.tls(),
        "tls-password" => plan.tls().password(password),
        _ => plan.password(password),
    }
}

/// Certificates and trust stores of hub and spoke.
fn papers(lab: &Lab, method: &str, fault: &str) -> (Papers, Papers) {
    let self_signed = |side: &str| fault == format!("{side}-self-signed") || fault == "both-self-signed";
    let identity = |side, fqdn| if self_signed(side) { lab.self_signed(fqdn) } else { lab.ca_signed(fqdn) };
    let rooted = |identity| Papers { identity, trusted: vec![lab.root()] };
    match (method, fault) {
        ("tls", "spoke-not-imported") => {
            let (hub, spoke) = (lab.self_signed(HUB), lab.ca_signed(SPOKE));
            let trusted = vec![lab.root(), hub.cert_pem.clone()];
            (rooted(hub), Papers { identity: spoke, trusted })
        }
        ("tls", fault) => {
            let (hub, spoke) = (lab.self_signed(HUB), lab.self_signed(SPOKE));
            let at_spoke = if fault == "joined" { vec![hub.cert_pem.clone()] } else { Vec::new() };
            let at_hub = vec![spoke.cert_pem.clone()];
            (Papers { identity: hub, trusted: at_hub }, Papers { identity: spoke, trusted: at_spoke })
        }
        _ => (rooted(identity("hub", HUB)), rooted(identity("spoke", SPOKE))),
    }
}

/// Between the two changes of method 4 a spoke dials the old port, any number of times: three lines and an error each.
fn first_tries(trace: Vec<Line>) -> Vec<Line> {
    let Some(left) = trace.iter().position(|line| line.text().contains("Close Ind")) else { return trace };
    let (mut kept, rest) = (trace[..=left].to_vec(), &trace[left + 1..]);
    let mut rest = rest.chunk_by(|_, next| !next.text().contains("Ils::ConnectReq():")).peekable();
    while let Some(attempt) = rest.peek() {
        let old_port = attempt[0].text().contains("TLSReq(f)");
        let refused =
            attempt.last().is_some_and(|line| line.text().contains("ERROR(000005C9)")) && attempt.len() == 4;
        if !(old_port && refused) {
            break;
        }
        rest.next();
    }
    kept.extend(rest.flatten().cloned());
    kept
}

fn alarms(node: &Node, wanted: &[&str], case: &str) {
    let seen = until("the alarms", || Some(node.alarm_file()).filter(|seen| seen.len() >= wanted.len()));
    let begins: Vec<&str> = seen.iter().map(|line| line.split_inclusive(']').next().unwrap_or("")).collect();
    assert_eq!(begins, wanted, "alarms of {case}");
}
