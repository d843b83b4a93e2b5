//! Who gets in, how often one may try, and how long a token lasts.

use std::time::Duration;

use ilslab_desk::AdminPassword;

use crate::fake::{PASSWORD, Server};
use crate::wire::{Answer, BASIC, WRONG};

fn login(server: &Server, body: &str) -> Answer {
    server.request("POST /api/v1/login", &[("Content-Type", "application/json")], body)
}

fn right_password() -> String {
    format!(r#"{{"password": "{PASSWORD}"}}"#)
}

fn with(server: &Server, authorization: &str) -> Answer {
    server.request("GET /api/v1/config", &[("Authorization", authorization)], "")
}

#[test]
fn basic_is_for_the_administrator_alone() {
    let server = Server::start();
    for (name, authorization, status) in [
        ("right", BASIC, 200),
        ("wrong password", WRONG, 401),
        ("another user", "Basic cm9vdDpjb3JyZWN0IGhvcnNlOiBiYXR0ZXJ5", 401),
        ("no password", "Basic YWRtaW5pc3RyYXRvcjo=", 401),
        ("another scheme", "Digest x", 401),
        ("an unknown token", "Bearer x", 401),
    ] {
        let answer = with(&server, authorization);
        assert_eq!(answer.status, status, "{name}");
        if status == 401 {
            answer.problem();
            let scheme = answer.header("www-authenticate");
            assert!(scheme.is_some_and(|scheme| scheme.starts_with("Basic realm=")), "{name}");
        }
    }
    assert_eq!(server.request("GET /api/v1/config", &[], "").problem(), 401, "nothing at all");
}

#[test]
fn every_route_but_four_needs_a_login() {
    let server = Server::start();
    for line in [
        "GET /api/v1/status",
        "GET /api/v1/peers",
        "GET /api/v1/connections",
        "GET /api/v1/alarms",
        "GET /api/v1/config",
        "PATCH /api/v1/config",
        "POST /api/v1/service/restart",
        "POST /api/v1/peers/34750f98bd59fcfc946da45aaabe933b/disconnect",
        "POST /api/v1/sql",
        "POST /api/v1/cli",
        "GET /api/v1/trace",
        "GET /api/v1/certificates/tomcat",
        "POST /api/v1/certificates/tomcat",
        "POST /api/v1/certificates/tomcat/request",
        "GET /api/v1/certificates/tomcat-trust",
        "POST /api/v1/certificates/tomcat-trust",
        "DELETE /api/v1/certificates/tomcat-trust/root.pem",
        "GET /api/v1/nothing",
        "GET /",
        "GET /livez/../api/v1/status",
        "GET //livez",
        "GET /metrics/",
    ] {
        assert_eq!(
            server.request(line, &[("Content-Type", "application/json")], "{}").problem(),
            401,
            "{line}"
        );
    }
    assert_eq!(server.backend.calls(), [""; 0]);
}

#[test]
fn a_login_gives_a_token_that_lasts_twelve_hours() {
    let server = Server::start();
    let answer = login(&server, &right_password());
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["expires"], "2016-08-27T05:06:00.000Z");
    let token = format!("Bearer {}", answer.json()["token"].as_str().expect("a token"));
    assert_eq!(with(&server, &token).status, 200);
    server.clock.turn(Duration::from_secs(12 * 3_600) - Duration::from_millis(1));
    assert_eq!(with(&server, &token).status, 200, "in its last moment");
    server.clock.turn(Duration::from_millis(1));
    assert_eq!(with(&server, &token).problem(), 401, "at its end");
}

#[test]
fn a_login_names_the_administrator_or_nobody() {
    let server = Server::start();
    for (name, body, status) in [
        ("named", format!(r#"{{"user": "administrator", "password": "{PASSWORD}"}}"#), 200),
        ("unnamed", right_password(), 200),
        ("another", format!(r#"{{"user": "root", "password": "{PASSWORD}"}}"#), 401),
        ("wrong password", r#"{"password": "wrong"}"#.into(), 401),
        ("no password", "{}".into(), 422),
        ("an unknown member", format!(r#"{{"password": "{PASSWORD}", "otp": "1"}}"#), 422),
        ("not JSON", "password".into(), 400),
    ] {
        let answer = login(&server, &body);
        assert_eq!(answer.status, status, "{name}");
        assert!(status == 200 || answer.problem() == status, "{name}");
        assert!(!answer.body.contains(PASSWORD), "{name}");
    }
}

#[expect(clippy::disallowed_methods, reason = "how long an answer takes is what is tested")]
fn measured<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = std::time::Instant::now();
    let done = work();
    (done, begun.elapsed())
}

/// The status of an answer, and how long it took.
fn timed(ask: impl FnOnce() -> Answer) -> (u16, Duration) {
    measured(|| ask().status)
}

#[test]
fn after_ten_failures_a_minute_guesses_are_slow_and_the_right_password_gets_in() {
    let server = Server::start();
    for failure in 0..10 {
        let status = if failure % 2 == 0 {
            with(&server, WRONG).status
        } else {
            login(&server, r#"{"password": "wrong"}"#).status
        };
        assert_eq!(status, 401, "failure {failure}");
    }
    for (name, body) in [("Basic", None), ("login", Some(r#"{"password": "wrong"}"#))] {
        let guess = || body.map_or_else(|| with(&server, WRONG), |body| login(&server, body));
        let (status, took) = timed(guess);
        assert_eq!(status, 401, "{name}");
        assert!(took >= Duration::from_secs(1), "{name}: {took:?}");
    }
    assert_eq!(with(&server, BASIC).status, 200);
    assert_eq!(login(&server, &right_password()).status, 200);
}

/// Forty at once, over and over: each waits for its turn, and so does the administrator, who gets in.
#[test]
fn the_right_password_gets_in_among_many_that_guess_from_the_same_address() {
    let server = Server::start();
    (0..10).for_each(|_| drop(with(&server, WRONG)));
    let done = std::sync::atomic::AtomicBool::new(false);
    let guessed = std::sync::atomic::AtomicUsize::new(0);
    let ((), took) = measured(|| {
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        assert_eq!(with(&server, WRONG).status, 401);
                        guessed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
            let statuses = (with(&server, BASIC).status, login(&server, &right_password()).status);
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(statuses, (200, 200));
        })
    });
    // Sixteen turns a second, each second begun.
    let most = 16 * (usize::try_from(took.as_secs()).expect("small") + 1);
    let guessed = guessed.into_inner();
    assert!((1..=most).contains(&guessed), "{guessed} guesses in {took:?}");
}

#[test]
fn right_logins_and_missing_ones_are_no_failures() {
    let server = Server::start();
    for _ in 0..12 {
        assert_eq!(with(&server, BASIC).status, 200);
        assert_eq!(server.request("GET /api/v1/config", &[], "").status, 401);
        assert_eq!(with(&server, "Bearer wrong").status, 401);
    }
    assert_eq!(with(&server, WRONG).status, 401);
}

#[test]
fn a_token_needs_no_turn_while_its_source_is_late() {
    let server = Server::start();
    let token = login(&server, &right_password()).json()["token"].as_str().expect("a token").to_owned();
    (0..10).for_each(|_| drop(with(&server, WRONG)));
    std::thread::scope(|scope| {
        // More than there are turns.
        let guesses: Vec<_> = (0..20).map(|_| scope.spawn(|| with(&server, WRONG).status)).collect();
        assert_eq!(with(&server, &format!("Bearer {token}")).status, 200);
        for guess in guesses {
            assert_eq!(guess.join().expect("an answer"), 401);
        }
    });
}

#[test]
fn guesses_sent_all_at_once_are_counted_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let hash = folder.path().join("admin.hash");
    let (password, _) = AdminPassword::load_or_create(&hash, None).expect("made");
    let server = Server::with(|options| options.password = password);
    let answers: Vec<(u16, Duration)> = std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..16).map(|_| scope.spawn(|| timed(|| with(&server, WRONG)))).collect();
        guesses.into_iter().map(|guess| guess.join().expect("an answer")).collect()
    });
    assert!(answers.iter().all(|(status, _)| *status == 401), "{answers:?}");
    let late = answers.iter().filter(|(_, took)| *took >= Duration::from_secs(1)).count();
    assert!(late >= 6, "ten are answered as they come, no more: {answers:?}");
}

#[test]
fn a_password_made_at_the_first_start_logs_in_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let hash = folder.path().join("admin.hash");
    let (_, generated) = AdminPassword::load_or_create(&hash, None).expect("made");
    let generated = generated.expect("the first start");
    let (password, _) = AdminPassword::load_or_create(&hash, None).expect("kept");
    let server = Server::with(|options| options.password = password);
    for _ in 0..2 {
        let body = format!(r#"{{"password": "{}"}}"#, generated.expose());
        assert_eq!(login(&server, &body).status, 200);
    }
}
