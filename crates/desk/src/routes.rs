//! The routes, and what each of them does.
//!
//! Every change runs in a task of its own: a caller that hangs up half way neither stops it nor leaves it half done.

mod certificates;
mod metrics;
mod trace;

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use ils_core::settings::SettingError;
use ils_core::wire::PeerId;
use ilslab_time::UtcOffset;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::answer::Json;
use crate::backend::{Backend, Secret};
use crate::body::{JsonBody, NoBody, PatchBody};
use crate::cli::{self, CliError, Terminal};
use crate::clock::Clock;
use crate::gate::{Gate, USER};
use crate::guard::{Hosts, guard};
use crate::problem::Problem;
use crate::readiness::Probe;
use crate::server::HttpLimits;
use crate::views::{AlarmsView, ConfigView, ConnectionsView, PeersView, StatusView};
use crate::visitors::Visit;
use ilslab_time::rfc3339;

/// Everything that a route can reach.
pub(crate) struct Api {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) hosts: Hosts,
    pub(crate) limits: HttpLimits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) probe: Probe,
    /// Folder of the trace's files.
    pub(crate) trace: PathBuf,
    pub(crate) database: PathBuf,
    pub(crate) offset: UtcOffset,
    /// What reads files at once: commands, queries, the trace, certificates; each on a thread of its own.
    pub(crate) commands: Arc<Semaphore>,
    /// One change of the certificates at a time.
    pub(crate) uploads: Arc<Semaphore>,
}

/// All routes under the guard.
pub(crate) fn router(api: Arc<Api>) -> Router {
    let v1 = Router::new()
        .route("/login", post(login))
        .route("/status", get(status))
        .route("/peers", get(peers))
        .route("/peers/{id}/disconnect", post(disconnect))
        .route("/connections", get(connections))
        .route("/alarms", get(alarms))
        .route("/config", get(config).patch(configure))
        .route("/service/restart", post(restart))
        .route("/trace", get(trace::trace))
        .route("/sql", post(sql))
        .route("/cli", post(command))
        .merge(certificates::routes());
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics::metrics))
        .nest("/api/v1", v1)
        .fallback(async || Problem::not_found("there is no such route; see `GET /api/v1/status`"))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&api), guard))
        .with_state(api)
}

type Shared = State<Arc<Api>>;

async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "the route takes another method; see the `Allow` header")
}

async fn readyz(State(api): Shared) -> Response {
    let readiness = api.probe.readiness(&*api.backend, &*api.clock).await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    user: Option<String>,
    password: Secret,
}

async fn login(
    State(api): Shared, Extension(visit): Extension<Arc<Visit>>, JsonBody(login): JsonBody<Login>,
) -> Result<Json<Value>, Problem> {
    let user = login.user.as_deref().unwrap_or(USER);
    let issued = api.gate.login(user, login.password, visit.from).await?;
    visit.log_in();
    Ok(Json(json!({"token": issued.token.as_str(), "expires": rfc3339(issued.expires)})))
}

async fn status(State(api): Shared) -> Response {
    let snapshot = api.backend.snapshot();
    Json(StatusView::new(&snapshot, api.backend.ports(), api.offset)).into_response()
}

async fn peers(State(api): Shared) -> Response {
    Json(PeersView::new(&api.backend.snapshot())).into_response()
}

async fn connections(State(api): Shared) -> Response {
    Json(ConnectionsView::new(&api.backend.snapshot())).into_response()
}

async fn alarms(State(api): Shared) -> Response {
    Json(AlarmsView::new(&api.backend.snapshot())).into_response()
}

async fn config(State(api): Shared) -> Json<ConfigView> {
    Json(ConfigView::new(&api.backend.snapshot().config))
}

async fn configure(State(api): Shared, PatchBody(mut patch): PatchBody) -> Result<Json<ConfigView>, Problem> {
    let password = patch.remove("password").map(password).transpose()?;
    if patch.is_empty() && password.is_none() {
        return Ok(config(State(api)).await);
    }
    let change = async move { api.backend.configure(patch, password).await };
    let config = to_the_end(change).await??;
    Ok(Json(ConfigView::new(&config)))
}

/// The password of a patch. It cannot be taken back: there is no start-up value that is kept.
fn password(value: Value) -> Result<Secret, SettingError> {
    let cure = "it takes text of at least one character; set use_password to false to join without";
    match value {
        Value::String(text) if !text.is_empty() => Ok(Secret::new(text)),
        Value::String(_) => Err(SettingError::new("password", "is empty", cure)),
        _ => Err(SettingError::new("password", "is not text", cure)),
    }
}

async fn disconnect(
    State(api): Shared, id: Result<Path<String>, PathRejection>, _: NoBody,
) -> Result<Json<Value>, Problem> {
    let text = id.map(|Path(id)| id).unwrap_or_default();
    let peer: PeerId =
        text.parse().map_err(|_| Problem::not_found("a peer ID has 32 lower-case hex digits"))?;
    let known = to_the_end(async move { api.backend.disconnect(peer).await }).await??;
    if !known {
        return Err(Problem::not_found(format!("no cluster with the peer ID {peer} is known")));
    }
    Ok(Json(json!({"peer_id": text, "forgotten": true})))
}

async fn restart(State(api): Shared, _: NoBody) -> Result<Json<Value>, Problem> {
    let backend = Arc::clone(&api.backend);
    to_the_end(async move { backend.restart().await }).await??;
    Ok(Json(json!({"restarted": true, "since": rfc3339(api.backend.snapshot().since)})))
}

/// Goes on even when the caller has hung up.
async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(change).await.map_err(|_| Problem::internal("the change broke off; the node's log says why"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sql {
    sql: String,
}

async fn sql(State(api): Shared, JsonBody(body): JsonBody<Sql>) -> Result<Json<Value>, Problem> {
    let table = blocking(api, move |terminal| cli::query(&body.sql, terminal)).await?;
    let text = table.to_text();
    Ok(Json(json!({"columns": table.columns, "rows": table.rows, "text": text})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandLine {
    command: String,
}

async fn command(
    State(api): Shared, headers: HeaderMap, JsonBody(line): JsonBody<CommandLine>,
) -> Result<Response, Problem> {
    let output = blocking(api, move |terminal| cli::run(&line.command, terminal)).await?;
    let plain = wants_text(&headers);
    Ok(if plain { output.into_response() } else { Json(json!({"output": output})).into_response() })
}

/// Text where the caller accepts that and not JSON.
fn wants_text(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("text/plain") && !accept.contains("json")
}

/// Runs a command where it may block.
async fn blocking<T, F>(api: Arc<Api>, work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&Terminal<'_>) -> Result<T, CliError> + Send + 'static,
{
    let done = on_a_thread(api, move |api| {
        let snapshot = api.backend.snapshot();
        work(&Terminal { snapshot: &snapshot, database: &api.database, offset: api.offset })
    });
    Ok(done.await??)
}

/// Reads files where that may block. The permit goes along, so that hanging up does not make room for more.
async fn on_a_thread<T, F>(api: Arc<Api>, work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&Api) -> T + Send + 'static,
{
    let permit = permit(&api.commands).await?;
    let task = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work(&api)
    });
    task.await.map_err(|_| Problem::internal("the answer broke off; the node's log says why"))
}

/// Waits for its turn. A semaphore that is never closed gives one in the end.
async fn permit(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(turns).acquire_owned().await.map_err(|_| Problem::internal("the node is stopping"))
}
