//! The trace through the API: JSON a page at a time, or the lines themselves.

use std::path::Path;

use ilslab_desk::ClientError;
use serde_json::json;

use crate::fake::Server;
use crate::wire::BASIC;

const FIRST: &str = "00000001.000 |16:58:42.888 |SdlSig   |SdlConnectRsp |wait |Ils(1,600,20,1)";
const SECOND: &str = "00000001.001 |16:58:42.889 |AppInfo  |IlsD \"quoted\"";
const THIRD: &str = "00000002.001 |16:58:43.000 |AppInfo  |CertUtil Ils::isCertInLocalStore";

fn write(folder: &Path, number: u32, lines: &[&str]) {
    let folder = folder.join("activelog/cm/trace/ils/sdl");
    std::fs::create_dir_all(&folder).expect("a folder");
    let text: String = lines.iter().flat_map(|line| [*line, "\n"]).collect();
    std::fs::write(folder.join(format!("SDL001_600_{number:06}.txt")), text).expect("written");
}

#[test]
fn a_page_has_the_lines_with_their_columns_and_where_to_go_on() {
    let server = Server::start();
    write(server.folder.path(), 1, &[FIRST, SECOND]);
    let answer = server.get("trace?limit=1");
    let line = json!({
        "number": "00000001.000",
        "signal": 1,
        "within": 0,
        "time": "16:58:42.888",
        "type": "SdlSig",
        "text": "SdlConnectRsp |wait |Ils(1,600,20,1)",
        "line": FIRST,
    });
    let page = answer.json();
    assert_eq!((answer.status, &page["lines"], &page["lost"]), (200, &json!([line]), &json!(false)));
    let next = page["next"].as_str().expect("a cursor");
    let rest = server.get(&format!("trace?after={next}")).json();
    assert_eq!(rest["lines"][0]["line"], SECOND);
    assert_eq!(rest["lines"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_client_follows_a_trace_through_rotation() {
    let server = Server::start();
    let client = server.client();
    let empty = client.trace(None).expect("an answer");
    assert_eq!(empty, json!({"lines": [], "next": "0-0", "lost": false}));
    write(server.folder.path(), 1, &[FIRST]);
    let page = client.trace(empty["next"].as_str()).expect("an answer");
    assert_eq!((&page["lines"][0]["line"], &page["lost"]), (&json!(FIRST), &json!(false)));
    write(server.folder.path(), 3, &[THIRD]);
    std::fs::remove_file(server.folder.path().join("activelog/cm/trace/ils/sdl/SDL001_600_000001.txt"))
        .expect("removed");
    let page = client.trace(page["next"].as_str()).expect("an answer");
    assert_eq!((&page["lines"][0]["line"], &page["lost"]), (&json!(THIRD), &json!(true)));
    let page = client.trace(page["next"].as_str()).expect("an answer");
    assert_eq!((&page["lines"], &page["lost"]), (&json!([]), &json!(false)));
}

#[test]
fn text_is_the_lines_as_they_are_with_the_cursor_in_a_header() {
    let server = Server::start();
    write(server.folder.path(), 1, &[FIRST, SECOND]);
    let headers = [("Authorization", BASIC), ("Accept", "text/plain")];
    let answer = server.request("GET /api/v1/trace", &headers, "");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!((answer.status, answer.body.as_str()), (200, format!("{FIRST}\n{SECOND}\n").as_str()));
    assert_eq!(answer.header("trace-lost"), Some("false"));
    let next = answer.header("trace-next").expect("a cursor").to_owned();
    assert_eq!(server.get(&format!("trace?after={next}")).json()["lines"], json!([]));
}

#[test]
fn a_thousand_lines_are_a_page() {
    let server = Server::start();
    write(server.folder.path(), 1, &[SECOND; 1_001]);
    for (name, query, want) in [("as many as may be", "", 1_000), ("as asked for", "?limit=7", 7)] {
        let page = server.get(&format!("trace{query}")).json();
        assert_eq!(page["lines"].as_array().map(Vec::len), Some(want), "{name}");
    }
}

#[test]
fn what_is_no_cursor_limit_or_parameter_is_a_problem() {
    let server = Server::start();
    for query in [
        "after=",
        "after=x",
        "after=1",
        "after=-1-0",
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=99999999999999999999",
        "since=1-0",
        "after=1-0&after=2-0",
    ] {
        assert_eq!(server.get(&format!("trace?{query}")).problem(), 422, "{query}");
    }
    let error = server.client().trace(Some("x&limit=1")).expect_err("no cursor");
    assert!(matches!(error, ClientError::Problem { status: 422, .. }), "{error}");
}

#[test]
fn a_trace_that_cannot_be_read_says_so() {
    let server = Server::start();
    let folder = server.folder.path().join("activelog/cm/trace/ils");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("sdl"), "not a folder").expect("written");
    assert_eq!(server.get("trace").problem(), 503);
}
