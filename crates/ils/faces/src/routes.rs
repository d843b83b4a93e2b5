//! The routes of a hub or spoke, below `/api/v1`.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ils_core::settings::SettingError;
use ils_core::wire::PeerId;
use ilslab_desk::{Json, JsonBody, NoBody, PatchBody, Problem, Secret, Turns, to_the_end};
use ilslab_time::rfc3339;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::backend::ChangeError;
use crate::behind::Behind;
use crate::cli;
use crate::views::{AlarmsView, ConfigView, ConnectionsView, PeersView, StatusView};

/// All of them.
pub(crate) fn router(behind: Behind) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/peers", get(peers))
        .route("/peers/{id}/disconnect", post(disconnect))
        .route("/connections", get(connections))
        .route("/alarms", get(alarms))
        .route("/config", get(config).patch(configure))
        .route("/service/restart", post(restart))
        .route("/sql", post(sql))
        .with_state(Arc::new(behind))
}

type Shared = State<Arc<Behind>>;

async fn status(State(behind): Shared) -> Response {
    let snapshot = behind.backend.snapshot();
    Json(StatusView::new(&snapshot, behind.backend.ports(), behind.offset)).into_response()
}

async fn peers(State(behind): Shared) -> Response {
    Json(PeersView::new(&behind.backend.snapshot())).into_response()
}

async fn connections(State(behind): Shared) -> Response {
    Json(ConnectionsView::new(&behind.backend.snapshot())).into_response()
}

async fn alarms(State(behind): Shared) -> Response {
    Json(AlarmsView::new(&behind.backend.snapshot())).into_response()
}

async fn config(State(behind): Shared) -> Json<ConfigView> {
    Json(ConfigView::new(&behind.backend.snapshot().config))
}

async fn configure(
    State(behind): Shared, PatchBody(mut patch): PatchBody,
) -> Result<Json<ConfigView>, Problem> {
    let password = patch.remove("password").map(password).transpose().map_err(ChangeError::Setting)?;
    if patch.is_empty() && password.is_none() {
        return Ok(config(State(behind)).await);
    }
    let change = async move { behind.backend.configure(patch, password).await };
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
    State(behind): Shared, id: Result<Path<String>, PathRejection>, _: NoBody,
) -> Result<Json<Value>, Problem> {
    let text = id.map(|Path(id)| id).unwrap_or_default();
    let peer: PeerId =
        text.parse().map_err(|_| Problem::not_found("a peer ID has 32 lower-case hex digits"))?;
    let known = to_the_end(async move { behind.backend.disconnect(peer).await }).await??;
    if !known {
        return Err(Problem::not_found(format!("no cluster with the peer ID {peer} is known")));
    }
    Ok(Json(json!({"peer_id": text, "forgotten": true})))
}

async fn restart(State(behind): Shared, _: NoBody) -> Result<Json<Value>, Problem> {
    let backend = Arc::clone(&behind.backend);
    to_the_end(async move { backend.restart().await }).await??;
    Ok(Json(json!({"restarted": true, "since": rfc3339(behind.backend.snapshot().since)})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sql {
    sql: String,
}

async fn sql(
    State(behind): Shared, Extension(turns): Extension<Turns>, JsonBody(body): JsonBody<Sql>,
) -> Result<Json<Value>, Problem> {
    let table = turns.on_a_thread(move || cli::query(&body.sql, &behind.database)).await??;
    let text = table.to_text();
    Ok(Json(json!({"columns": table.columns, "rows": table.rows, "text": text})))
}
