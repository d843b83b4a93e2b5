//! `/metrics` as Prometheus meets it.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use ils_core::event::{ConnectionId, Direction, Event, Happening, Link, Noted, PeerAddress};
use ils_core::outcome::Outcome;
use ils_core::time::Timestamp;
use ilslab_desk::Client;

use crate::fake::Server;
use crate::node;

/// A refused attempt of 40 ms, and one under way.
fn feed(server: &Server) {
    let happened = [
        (1, 0, 0, Happening::Accepted { admitted: None }),
        (1, 0, 40, Happening::OpenFailed),
        (2, 50, 50, Happening::Accepted { admitted: None }),
    ];
    let mut metrics = server.backend.metrics.lock().expect("unshared");
    for (id, begun, millis, happening) in happened {
        let peer = PeerAddress::Socket(node::socket("10.106.104.201:37816"));
        let link = Link {
            id: ConnectionId(id),
            direction: Direction::Accepted,
            tls: false,
            revision: 1,
            begun: Timestamp(node::CONTACT.0 + begun),
            peer,
            local: None,
        };
        let event = Event::connection(Timestamp(node::CONTACT.0 + millis), link, happening);
        metrics.note(&Noted { event, raised: None, alarmed_connections: 0 });
    }
    *server.backend.errors.lock().expect("unshared") = (3, 4);
}

#[test]
fn each_family_has_its_samples_and_no_login_is_asked_for() {
    let server = Server::start();
    feed(&server);
    let answer = server.request("GET /metrics", &[], "");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for want in [
        concat!("ils_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        "# TYPE ils_attempts_total counter",
        "ils_attempts_total{direction=\"accepted\",outcome=\"password-mismatch\"} 1",
        "ils_attempts_total{direction=\"accepted\",outcome=\"joined\"} 0",
        "ils_attempts_total{direction=\"dialled\",outcome=\"password-mismatch\"} 0",
        "ils_attempts_under_way 1",
        "# TYPE ils_handshake_duration_seconds histogram",
        "ils_handshake_duration_seconds_bucket{method=\"password\",le=\"0.025\"} 0",
        "ils_handshake_duration_seconds_bucket{method=\"password\",le=\"0.05\"} 1",
        "ils_handshake_duration_seconds_bucket{method=\"password\",le=\"+Inf\"} 1",
        "ils_handshake_duration_seconds_sum{method=\"password\"} 0.04",
        "ils_handshake_duration_seconds_count{method=\"password\"} 1",
        "ils_join_duration_seconds_count{method=\"tls-password\"} 0",
        "ils_peers_joined 1",
        "ils_peers_known 1",
        "ils_alarms_standing{name=\"ILSUnacceptableConnectionAttempt\"} 1",
        "ils_alarms_standing{name=\"ILSPwdAuthenticationFailed\"} 0",
        "ils_trace_write_errors_total 3",
        "ils_accept_errors_total 4",
        "ils_store_writable 1",
    ] {
        assert!(answer.body.lines().any(|line| line == want), "{want} is missing:\n{}", answer.body);
    }
    let by_client = Client::anonymous(&server.url()).expect("a URL").metrics().expect("an answer");
    assert_eq!(by_client, answer.body);
}

#[test]
fn the_series_are_the_same_whatever_happens_and_name_nobody() {
    let server = Server::start();
    let series = |server: &Server| -> Vec<String> {
        let body = server.request("GET /metrics", &[], "").body;
        body.lines().filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series.to_owned()).collect()
    };
    let before = series(&server);
    feed(&server);
    let alarms = vec![node::password_alarm("10.0.0.1"), node::password_alarm("10.0.0.2")];
    server.backend.state.lock().expect("unshared").alarms = Arc::new(alarms);
    assert_eq!(series(&server), before);
    assert!(!before.iter().any(|series| series.contains("10.") && !series.contains("le=")));
    let outcomes = before.iter().filter(|series| series.starts_with("ils_attempts_total{")).count();
    assert_eq!(outcomes, 2 * Outcome::all().count());
    let body = server.request("GET /metrics", &[], "").body;
    assert!(body.contains("ils_alarms_standing{name=\"ILSPwdAuthenticationFailed\"} 2\n"), "{body}");
}

#[test]
fn a_store_that_cannot_be_written_is_0_and_tried_once_a_second() {
    let server = Server::start();
    *server.backend.store_failure.lock().expect("unshared") = Some("disk is full".into());
    for _ in 0..3 {
        let answer = server.request("GET /metrics", &[], "");
        assert!(answer.status == 200 && answer.body.contains("\nils_store_writable 0\n"), "{}", answer.body);
    }
    assert_eq!(server.backend.calls(), ["probe"]);
}

#[test]
fn promtool_finds_nothing_to_complain_of() {
    let server = Server::start();
    feed(&server);
    let body = server.request("GET /metrics", &[], "").body;
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        let required = std::env::var_os("ILSLAB_REQUIRE_TOOLS").is_some_and(|value| value == "1");
        assert!(!required, "promtool is not installed, and ILSLAB_REQUIRE_TOOLS=1");
        println!("skipped: promtool is not installed");
        return;
    };
    let mut input = promtool.stdin.take().expect("piped");
    input.write_all(body.as_bytes()).expect("promtool reads");
    drop(input);
    let output = promtool.wait_with_output().expect("promtool ends");
    let complaints = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && complaints.is_empty(), "{}", String::from_utf8_lossy(&complaints));
}
