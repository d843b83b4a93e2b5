//! The server: connections accepted, bounded in number, size and time, and ended in good order.
//!
//! ```text
//! TcpListener -> Visitors (128, 64 a source) -> hyper http1 (10 s, 16 KiB of headers) -> router
//! shutdown    -> no more accepts -> each connection ends after its answer, or after 2 s
//! ```

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::{Api, Face};
use crate::clock::{Clock, SystemClock};
use crate::gate::Gate;
use crate::hosts::Hosts;
use crate::limits::HttpLimits;
use crate::password::AdminPassword;
use crate::readiness::Probe;
use crate::routes::router;
use crate::turns::Turns;
use crate::visitors::{Guest, Visit, Visitors};

/// Pause after a failed accept: when descriptors run out, trying at once again would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How an API is served.
pub struct AdminOptions {
    /// Names that `Host` may carry besides the bound address, loopback and `localhost`.
    pub names: Vec<String>,
    /// Folder of the node's trace.
    pub trace: PathBuf,
    /// Who may log in.
    pub password: AdminPassword,
    /// What a caller may take.
    pub limits: HttpLimits,
    /// For log-ins and tokens.
    pub clock: Arc<dyn Clock>,
}

impl AdminOptions {
    /// No names, the limits above and the machine's clock.
    pub fn new(trace: PathBuf, password: AdminPassword) -> Self {
        Self {
            names: Vec::new(),
            trace,
            password,
            limits: HttpLimits::default(),
            clock: Arc::new(SystemClock::start()),
        }
    }
}

/// Serves the API until `shutdown` resolves, then for at most the grace time more.
///
/// # Errors
/// Where the listener does not know its address. A failed accept is logged and tried again.
pub async fn serve(
    options: AdminOptions, face: Face, listener: TcpListener, shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let limits = options.limits;
    let Face { backend, shell, routes } = face;
    let bound = listener.local_addr()?;
    let api = Api {
        backend,
        shell,
        gate: Gate::new(options.password, Arc::clone(&options.clock)),
        hosts: Hosts::new(bound.ip(), &options.names),
        limits,
        clock: options.clock,
        probe: Probe::default(),
        trace: options.trace,
        turns: Turns::default(),
    };
    let app = router(Arc::new(api), routes);
    let visitors = Arc::new(Visitors::new(limits.connections, limits.source_connections));
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, from) = next(&listener) => match visitors.enter(from.ip()) {
                Some(guest) => drop(connections.spawn(converse(stream, guest, app.clone(), stopped.clone(), limits))),
                None => tracing::debug!(%from, "every connection of the API is at work"),
            }
        }
    }
    drop((listener, stop));
    while connections.join_next().await.is_some() {}
    Ok(())
}

async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "the admin address accepted no connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection, until its caller, its time, another caller or the server ends it.
async fn converse(
    stream: TcpStream, guest: Guest, app: Router, mut stopped: watch::Receiver<()>, limits: HttpLimits,
) {
    // Without it an answer may wait for an acknowledgement; with an error it only waits.
    let _ = stream.set_nodelay(true);
    let visit = &guest.visit;
    let service = service_fn(|request| answer(app.clone(), Arc::clone(visit), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.header_size)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let rest = tokio::select! {
        // A caller that breaks off or breaks the rules has ended its connection; there is nobody to tell.
        _ = connection.as_mut() => return,
        () = visit.sent_away() => return,
        _ = stopped.changed() => limits.grace,
        () = tokio::time::sleep(limits.connection_time) => limits.grace,
        () = stranger_time(visit, limits.stranger_time) => limits.stranger_time,
    };
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection => {}
        () = visit.sent_away() => {}
        () = tokio::time::sleep(rest) => {}
        () = grace(&mut stopped, limits.grace) => {}
    }
}

/// Resolves where nobody has logged in by then.
async fn stranger_time(visit: &Visit, time: Duration) {
    tokio::time::sleep(time).await;
    if visit.is_known() {
        std::future::pending::<()>().await;
    }
}

/// Resolves some time after the server was told to end.
async fn grace(stopped: &mut watch::Receiver<()>, time: Duration) {
    // An error is the end of the server too.
    let _ = stopped.changed().await;
    tokio::time::sleep(time).await;
}

/// One request of a connection.
async fn answer(
    app: Router, visit: Arc<Visit>, mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    visit.mark(true);
    request.extensions_mut().insert(Arc::clone(&visit));
    let response = TowerToHyperService::new(app).call(request).await;
    visit.mark(false);
    response
}
