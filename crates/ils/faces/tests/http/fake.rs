//! A backend that only pretends, a clock turned by hand, and a server over both.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ils_core::config::{ClusterRole, Config};
use ils_core::snapshot::Snapshot;
use ils_core::time::Timestamp;
use ils_core::wire::{NetworkKey, PeerId};
use ils_faces::{Backend, Behind, ChangeError, Metrics, Ports, Readings, face};
use ils_lines::TRACE_FOLDER;
use ilslab_desk::{
    AdminOptions, AdminPassword, Answer, CertificateRefusal, CertificateShelf, Certificates, Client, Clock,
    FileName, Secret, Shelved, serve,
};
use ilslab_time::UtcOffset;
use ilslab_trust::Certificate;
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::sync::{Notify, oneshot};

use crate::node;

pub(crate) const PASSWORD: &str = "correct horse: battery";

/// Remembers what it was asked to do, and does as told.
pub(crate) struct Fake {
    pub(crate) state: Mutex<Snapshot>,
    pub(crate) calls: Mutex<Vec<String>>,
    /// The next change fails so.
    pub(crate) failure: Mutex<Option<ChangeError>>,
    pub(crate) store_failure: Mutex<Option<String>>,
    pub(crate) ports: Mutex<Ports>,
    /// While set, a restart begins, and goes on when notified.
    pub(crate) hold: Mutex<Option<Arc<Notify>>>,
    pub(crate) shelf: Mutex<CertificateShelf>,
    /// Whatever is done with certificates next fails so.
    pub(crate) refusal: Mutex<Option<CertificateRefusal>>,
    pub(crate) metrics: Mutex<Metrics>,
    /// Trace lines that were lost, and pauses of accepting.
    pub(crate) errors: Mutex<(u64, u64)>,
}

impl Fake {
    fn new(admin: SocketAddr) -> Self {
        let ports = Ports {
            role: ClusterRole::Hub,
            tls: Some(node::socket("127.0.0.1:7501")),
            password: Some(node::socket("127.0.0.1:7502")),
            listening: Some("password"),
            admin,
        };
        Self {
            state: Mutex::new(node::snapshot()),
            calls: Mutex::default(),
            failure: Mutex::default(),
            store_failure: Mutex::default(),
            ports: Mutex::new(ports),
            hold: Mutex::default(),
            shelf: Mutex::default(),
            refusal: Mutex::default(),
            metrics: Mutex::default(),
            errors: Mutex::default(),
        }
    }

    fn called(&self, call: impl Into<String>) {
        self.calls.lock().expect("no test panicked").push(call.into());
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().expect("no test panicked").clone()
    }

    fn outcome(&self) -> Result<(), ChangeError> {
        self.failure.lock().expect("no test panicked").take().map_or(Ok(()), Err)
    }

    fn refused(&self) -> Result<(), CertificateRefusal> {
        self.refusal.lock().expect("no test panicked").take().map_or(Ok(()), Err)
    }

    /// As a restart does: what is in the files counts, and nothing else.
    fn activate(&self) {
        let mut shelf = self.shelf.lock().expect("no test panicked");
        let CertificateShelf { tomcat, tomcat_trust } = &mut *shelf;
        for store in [tomcat, tomcat_trust] {
            store.retain(|shelved| shelved.file.is_some());
            store.iter_mut().for_each(|shelved| shelved.active = true);
        }
    }

    /// As a node does: the file may hold what is in use already.
    fn store(store: &mut Vec<Shelved>, file: &str, pem: &str) {
        let certificate = parse(pem);
        let active = store.iter().any(|shelved| shelved.active && shelved.certificate == certificate);
        store.retain(|shelved| shelved.file.as_deref() != Some(file));
        store.push(Shelved { file: Some(file.to_owned()), certificate, active });
    }

    fn change(
        &self, patch: &Map<String, Value>, password: Option<Secret>,
    ) -> Result<Arc<Config>, ChangeError> {
        self.outcome()?;
        let mut state = self.state.lock().expect("no test panicked");
        let mut base = Config::clone(&state.config);
        if password.is_some() {
            base.network_key = Some(NetworkKey::from_bytes([9; 32]));
        }
        let mut settings = base.settings();
        settings.extend(patch.clone());
        let mut config = base.with_settings(&settings)?;
        config.revision += 1;
        state.config = Arc::new(config);
        Ok(Arc::clone(&state.config))
    }
}

impl Backend for Fake {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(self.state.lock().expect("no test panicked").clone())
    }

    fn ports(&self) -> Ports {
        *self.ports.lock().expect("no test panicked")
    }

    fn configure(
        &self, patch: Map<String, Value>, password: Option<Secret>,
    ) -> Answer<'_, Result<Arc<Config>, ChangeError>> {
        let secret = password.as_ref().map_or("none", Secret::expose);
        self.called(format!("configure {} password {secret}", Value::Object(patch.clone())));
        Box::pin(async move { self.change(&patch, password) })
    }

    fn disconnect(&self, peer: PeerId) -> Answer<'_, Result<bool, ChangeError>> {
        self.called(format!("disconnect {peer}"));
        Box::pin(async move { self.outcome().map(|()| peer == node::id(node::SPOKE_ID)) })
    }

    fn restart(&self) -> Answer<'_, Result<(), ChangeError>> {
        self.called("restart begins");
        Box::pin(async move {
            let hold = self.hold.lock().expect("no test panicked").clone();
            if let Some(hold) = hold {
                hold.notified().await;
            }
            self.called("restart ends");
            self.outcome().map(|()| self.activate())
        })
    }

    fn probe(&self) -> Answer<'_, Result<(), String>> {
        self.called("probe");
        let failure = self.store_failure.lock().expect("no test panicked").clone();
        Box::pin(async move { failure.map_or(Ok(()), Err) })
    }

    fn readings(&self) -> Readings {
        let (trace_write_errors, accept_errors) = *self.errors.lock().expect("no test panicked");
        let counts = self.metrics.lock().expect("no test panicked").counts();
        Readings { counts, trace_write_errors, accept_errors }
    }
}

impl Certificates for Fake {
    fn certificates(&self) -> Result<CertificateShelf, CertificateRefusal> {
        self.refused()?;
        Ok(self.shelf.lock().expect("no test panicked").clone())
    }

    fn upload_tomcat(
        &self, certificate: String, key: Option<Secret>,
    ) -> Answer<'_, Result<(), CertificateRefusal>> {
        let key = key.as_ref().map_or("that is there", Secret::expose);
        self.called(format!("upload tomcat with the key {key}"));
        Box::pin(async move {
            self.refused()?;
            Self::store(&mut self.shelf.lock().expect("no test panicked").tomcat, "tomcat.pem", &certificate);
            Ok(())
        })
    }

    fn request_tomcat(&self) -> Answer<'_, Result<String, CertificateRefusal>> {
        self.called("request tomcat");
        Box::pin(async move { self.refused().map(|()| "a request".to_owned()) })
    }

    fn upload_trust(
        &self, name: Option<FileName>, pem: String,
    ) -> Answer<'_, Result<String, CertificateRefusal>> {
        let file = name.map_or("made.pem".to_owned(), |name| name.to_string());
        self.called(format!("upload trust {file}"));
        Box::pin(async move {
            self.refused()?;
            Self::store(&mut self.shelf.lock().expect("no test panicked").tomcat_trust, &file, &pem);
            Ok(file)
        })
    }

    fn remove_trust(&self, name: FileName) -> Answer<'_, Result<bool, CertificateRefusal>> {
        self.called(format!("remove trust {name}"));
        Box::pin(async move {
            self.refused()?;
            let store = &mut self.shelf.lock().expect("no test panicked").tomcat_trust;
            let mut found = store.iter_mut().filter(|shelved| shelved.file.as_deref() == Some(name.as_str()));
            Ok(found.next().map(|shelved| shelved.file = None).is_some())
        })
    }
}

/// The one certificate of a PEM text.
fn parse(pem: &str) -> Certificate {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).expect("base64");
    Certificate::parse(der.into()).expect("a certificate")
}

/// Milliseconds since it was made.
#[derive(Default)]
pub(crate) struct HandClock(AtomicU64);

impl HandClock {
    pub(crate) fn turn(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).expect("a short time"), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn uptime(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn now(&self) -> Timestamp {
        Timestamp(node::CONTACT.0 + i64::try_from(self.0.load(Ordering::SeqCst)).expect("a short time"))
    }
}

/// A server on a free port; ended and awaited when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) backend: Arc<Fake>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// A server with other options.
    pub(crate) fn with(adjust: impl FnOnce(&mut AdminOptions)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(HandClock::default());
        let password = AdminPassword::given(PASSWORD).expect("random numbers");
        let mut options = AdminOptions::new(folder.path().join(TRACE_FOLDER), password);
        let turned: Arc<dyn Clock> = clock.clone();
        options.clock = turned;
        adjust(&mut options);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("bound");
        let backend = Arc::new(Fake::new(address));
        let (stop, stopped) = oneshot::channel::<()>();
        let behind = Behind {
            backend: backend.clone(),
            database: folder.path().join("ils.sqlite"),
            offset: UtcOffset::UTC,
        };
        let thread = std::thread::spawn(move || run(options, behind, listener, stopped));
        Self { address, backend, clock, folder, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url(), PASSWORD).expect("a URL")
    }

    /// Asks the server to end; [`Server::join`] waits for it.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends well");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if !std::thread::panicking() {
            self.join();
        }
    }
}

fn run(
    options: AdminOptions, behind: Behind, listener: std::net::TcpListener, stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads").block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
        let shutdown = async {
            // Dropping the sender is the signal.
            let _ = stopped.await;
        };
        serve(options, face(behind), listener, shutdown).await.expect("served");
    });
}
