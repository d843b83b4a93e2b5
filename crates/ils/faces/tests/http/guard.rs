//! Names, origins and content types that are let through, and those that are not.

use crate::fake::Server;
use crate::wire::{BASIC, exchange};

#[test]
fn host_must_be_one_of_ours() {
    let server = Server::with(|options| options.names = vec!["hub.lab.example".into()]);
    let address = server.address.to_string();
    for (name, head, status) in [
        ("the bound address", format!("GET /livez HTTP/1.1\r\nHost: {address}\r\n"), 200),
        ("any port", "GET /livez HTTP/1.1\r\nHost: 127.0.0.1:1\r\n".into(), 200),
        ("localhost", "GET /livez HTTP/1.1\r\nHost: localhost\r\n".into(), 200),
        ("IPv6 loopback", "GET /livez HTTP/1.1\r\nHost: [::1]:8080\r\n".into(), 200),
        ("a given name", "GET /livez HTTP/1.1\r\nHost: HUB.lab.example:80\r\n".into(), 200),
        ("the whole URL", "GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n".into(), 200),
        ("another name", "GET /livez HTTP/1.1\r\nHost: evil.example\r\n".into(), 421),
        ("a name that ends like ours", "GET /livez HTTP/1.1\r\nHost: evil.localhost\r\n".into(), 421),
        ("none", "GET /livez HTTP/1.0\r\n".into(), 421),
        ("two", "GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n".into(), 421),
        ("another in the URL", "GET http://evil.example/livez HTTP/1.1\r\nHost: localhost\r\n".into(), 421),
        ("a route that needs a login", "GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\n".into(), 421),
    ] {
        let answer = exchange(server.address, format!("{head}Connection: close\r\n\r\n").as_bytes());
        assert_eq!(answer.status, status, "{name}");
        assert!(status == 200 || answer.problem() == status, "{name}");
    }
}

#[test]
fn bodies_that_change_state_are_json() {
    let server = Server::start();
    let forms =
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""];
    for (line, body) in [
        ("POST /api/v1/login", r#"{"password":"x"}"#),
        ("PATCH /api/v1/config", r#"{"description":"x"}"#),
        ("POST /api/v1/service/restart", "{}"),
        ("POST /api/v1/peers/34750f98bd59fcfc946da45aaabe933b/disconnect", "{}"),
        ("POST /api/v1/sql", r#"{"sql":"x"}"#),
        ("POST /api/v1/cli", r#"{"command":"x"}"#),
        ("POST /api/v1/certificates/tomcat", r#"{"certificate":"x","key":"x"}"#),
        ("POST /api/v1/certificates/tomcat/request", "{}"),
        ("POST /api/v1/certificates/tomcat-trust", r#"{"certificate":"x"}"#),
        ("DELETE /api/v1/certificates/tomcat-trust/root.pem", "{}"),
    ] {
        for form in forms {
            let answer = server.request(line, &[("Authorization", BASIC), ("Content-Type", form)], body);
            assert_eq!(answer.problem(), 415, "{line} as {form}");
        }
        assert_eq!(
            server.request(line, &[("Authorization", BASIC)], body).problem(),
            415,
            "{line} as nothing"
        );
    }
    assert_eq!(server.backend.calls(), [""; 0]);
    for (line, form) in [
        ("PATCH /api/v1/config", "application/merge-patch+json"),
        ("PATCH /api/v1/config", "Application/JSON; charset=utf-8"),
        ("POST /api/v1/service/restart", "application/json"),
    ] {
        let answer = server.request(line, &[("Authorization", BASIC), ("Content-Type", form)], "{}");
        assert_eq!(answer.status, 200, "{line} as {form}");
    }
    assert_eq!(server.request("POST /api/v1/service/restart", &[("Authorization", BASIC)], "").status, 200);
    let merge = [("Authorization", BASIC), ("Content-Type", "application/merge-patch+json")];
    assert_eq!(server.request("POST /api/v1/cli", &merge, "{}").problem(), 415, "only a patch is one");
}

#[test]
fn a_foreign_page_cannot_change_a_node_with_the_password_its_browser_remembers() {
    let server = Server::start();
    let own = format!("http://{}", server.address);
    for (name, origin, status) in [("its own", own.as_str(), 200), ("foreign", "http://evil.example", 403)] {
        let headers = [("Authorization", BASIC), ("Origin", origin)];
        let answer = server.request("POST /api/v1/service/restart", &headers, "");
        assert_eq!(answer.status, status, "{name}");
        assert!(status == 200 || answer.problem() == status, "{name}");
    }
    let headers = [("Authorization", BASIC), ("Origin", "http://evil.example")];
    let deletion = server.request("DELETE /api/v1/certificates/tomcat-trust/root.pem", &headers, "");
    assert_eq!(deletion.problem(), 403, "a deletion");
    assert_eq!(server.backend.calls(), ["restart begins", "restart ends"]);
}

#[test]
fn no_answer_is_kept_sniffed_shared_or_remembered_by_cookie() {
    let server = Server::start();
    for (name, answer) in [
        ("open", server.request("GET /livez", &[("Origin", "http://evil.example")], "")),
        ("an answer", server.get("status")),
        ("text", server.request("GET /metrics", &[], "")),
        ("a problem", server.get("nothing")),
        ("a refusal", server.request("GET /api/v1/status", &[], "")),
        ("an unknown host", server.request("GET /livez", &[("Host", "evil.example")], "")),
    ] {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{name}");
        for absent in ["set-cookie", "access-control-allow-origin", "server"] {
            assert_eq!(answer.header(absent), None, "{name}: {absent}");
        }
    }
}
