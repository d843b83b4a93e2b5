//! The door of a node that is of no system in particular: what the house brings, and where a guest's own routes stand.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::extract::Extension;
use axum::routing::{get, post};
use ilslab_desk::cli::{self, Command, CommandError};
use ilslab_desk::{
    AdminOptions, AdminPassword, Answer, Backend, CertificateRefusal, CertificateShelf, Certificates, Client,
    ClientError, Face, FileName, Json, JsonBody, Problem, Secret, Turns, serve,
};
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

const PASSWORD: &str = "correct horse";

/// A kettle: it is bound, stores nothing, and trusts nobody.
struct Kettle {
    works: bool,
}

impl Backend for Kettle {
    fn is_bound(&self) -> bool {
        true
    }

    fn details(&self) -> Map<String, Value> {
        [("water".to_owned(), json!("cold"))].into_iter().collect()
    }

    fn probe(&self) -> Answer<'_, Result<(), String>> {
        Box::pin(async { if self.works { Ok(()) } else { Err("limescale".to_owned()) } })
    }

    fn metrics(&self, store_is_writable: bool) -> String {
        format!("kettle_works {}\n", u8::from(store_is_writable))
    }
}

impl Certificates for Kettle {
    fn certificates(&self) -> Result<CertificateShelf, CertificateRefusal> {
        Ok(CertificateShelf::default())
    }

    fn upload_tomcat(&self, _: String, _: Option<Secret>) -> Answer<'_, Result<(), CertificateRefusal>> {
        Box::pin(async { Err(CertificateRefusal::Fixed("the factory".to_owned())) })
    }

    fn request_tomcat(&self) -> Answer<'_, Result<String, CertificateRefusal>> {
        Box::pin(async { Err(CertificateRefusal::Fixed("the factory".to_owned())) })
    }

    fn upload_trust(&self, _: Option<FileName>, _: String) -> Answer<'_, Result<String, CertificateRefusal>> {
        Box::pin(async { Err(CertificateRefusal::Fixed("the factory".to_owned())) })
    }

    fn remove_trust(&self, _: FileName) -> Answer<'_, Result<bool, CertificateRefusal>> {
        Box::pin(async { Ok(false) })
    }
}

fn routes() -> Router {
    Router::new()
        .route("/water", get(|| async { Json(json!({"degrees": 20})) }))
        .route("/boil", post(boil))
        .route(
            "/count",
            get(|Extension(turns): Extension<Turns>| async move { turns.on_a_thread(|| Json(7)).await }),
        )
}

async fn boil(JsonBody(body): JsonBody<Map<String, Value>>) -> Result<Json<Value>, Problem> {
    match body.get("degrees").and_then(Value::as_u64) {
        Some(degrees) if degrees <= 100 => Ok(Json(json!({"boiled": true}))),
        _ => Err(Problem::with_cure(
            ("urn:kettle", "It boils at 100"),
            "too hot".to_owned(),
            Some("degrees".to_owned()),
            "is no temperature of water".to_owned(),
            "ask for less".to_owned(),
        )),
    }
}

fn shell(line: &str) -> Result<String, CommandError> {
    let whistle = |rest: &str| match rest {
        "" => Ok("fweee\n".to_owned()),
        _ => Err(CommandError::Usage { problem: "it knows one tone".to_owned(), usage: "whistle" }),
    };
    cli::run(line, &[Command { words: &["whistle"], usage: "whistle", run: Box::new(whistle) }])
}

/// The door, served until it is dropped.
struct Door {
    address: SocketAddr,
    trace: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Door {
    fn open(works: bool) -> Self {
        let trace = tempfile::tempdir().expect("a folder");
        let options = AdminOptions::new(
            trace.path().to_owned(),
            AdminPassword::given(PASSWORD).expect("random numbers"),
        );
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("bound");
        let face = Face { backend: Arc::new(Kettle { works }), shell: Arc::new(shell), routes: routes() };
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            runtime.expect("threads").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
                // Dropping the sender is the signal.
                let until = async { drop(stopped.await) };
                serve(options, face, listener, until).await.expect("served");
            });
        });
        Self { address, trace, stop: Some(stop), thread: Some(thread) }
    }

    fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address), PASSWORD).expect("a URL")
    }

    fn stranger(&self) -> Client {
        Client::anonymous(&format!("http://{}", self.address)).expect("a URL")
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take().filter(|_| !std::thread::panicking()) {
            thread.join().expect("it ends well");
        }
    }
}

#[test]
fn whoever_asks_learns_whether_the_node_lives_and_is_of_use() {
    for (works, store) in [
        (true, json!({"writable": true, "error": null})),
        (false, json!({"writable": false, "error": "limescale"})),
    ] {
        let door = Door::open(works);
        let stranger = door.stranger();
        stranger.live().expect("it lives");
        let readiness = stranger.ready().expect("it says");
        assert_eq!(readiness.ready, works);
        let want = json!({"ready": works, "bound": true, "store": store, "water": "cold"});
        assert_eq!(readiness.details, want);
        assert_eq!(stranger.metrics().expect("it counts"), format!("kettle_works {}\n", u8::from(works)));
    }
}

#[test]
fn the_guests_routes_are_behind_the_log_in_and_have_the_bounds_of_the_house() {
    let door = Door::open(true);
    let client = door.client();
    assert_eq!(client.get("water").expect("it answers"), json!({"degrees": 20}));
    assert_eq!(client.get("count").expect("it answers"), json!(7));
    assert_eq!(client.post("boil", &json!({"degrees": 99})).expect("it boils"), json!({"boiled": true}));
    for route in ["water", "count", "trace"] {
        assert!(matches!(door.stranger().get(route), Err(ClientError::Unauthorised { .. })), "{route}");
    }
    let too_hot = client.post("boil", &json!({"degrees": 101})).expect_err("too hot");
    let ClientError::Problem { status, title, key, .. } = too_hot else { panic!("{too_hot:?}") };
    assert_eq!((status, title.as_str(), key.as_deref()), (422, "It boils at 100", Some("degrees")));
    let too_long = client.post("boil", &json!({"degrees": "x".repeat(70_000)})).expect_err("too long");
    assert!(matches!(too_long, ClientError::Problem { status: 413, .. }), "{too_long:?}");
}

#[test]
fn commands_certificates_and_trace_are_the_houses() {
    let door = Door::open(true);
    let client = door.client();
    assert_eq!(client.cli("whistle").expect("it does"), "fweee\n");
    for (command, want) in [
        ("whistle low", "it knows one tone; usage: whistle"),
        ("run sql select 1", "there is no command `run sql select 1`; there are: `whistle`"),
    ] {
        let error = client.cli(command).expect_err(command);
        assert!(
            matches!(&error, ClientError::Problem { status: 422, detail, .. } if detail == want),
            "{error:?}"
        );
    }
    assert_eq!(client.tomcat().expect("it lists")["certificates"], json!([]));
    let fixed = client.upload_tomcat("a certificate", None).expect_err("fixed");
    assert!(matches!(fixed, ClientError::Problem { status: 409, .. }), "{fixed:?}");
    assert_eq!(client.trace(None).expect("a page")["lines"], json!([]));
    assert!(door.trace.path().is_dir());
}
