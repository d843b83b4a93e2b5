//! The routes, and what each of them does.
//!
//! Every change runs in a task of its own: a caller that hangs up half way neither stops it nor leaves it half done.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use ilslab_secrets::Secret;
use ilslab_time::rfc3339;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{Json, wants_text};
use crate::api::{Api, Shared};
use crate::body::JsonBody;
use crate::gate::USER;
use crate::guard::guard;
use crate::problem::Problem;
use crate::visitors::Visit;
use crate::{certificates, metrics, trace_pages};

/// All routes under the guard, those of the guest among them.
pub(crate) fn router(api: Arc<Api>, guest: Router) -> Router {
    let v1 = Router::new()
        .route("/login", post(login))
        .route("/trace", get(trace_pages::trace))
        .route("/cli", post(command))
        .merge(certificates::routes())
        .with_state(Arc::clone(&api))
        .merge(guest);
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics::metrics))
        .with_state(Arc::clone(&api))
        .nest("/api/v1", v1)
        .fallback(async || Problem::not_found("there is no such route; see `GET /api/v1/status`"))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(api, guard))
}

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandLine {
    command: String,
}

async fn command(
    State(api): Shared, headers: HeaderMap, JsonBody(line): JsonBody<CommandLine>,
) -> Result<Response, Problem> {
    let shell = Arc::clone(&api.shell);
    let output = api.turns.on_a_thread(move || shell(&line.command)).await??;
    let plain = wants_text(&headers);
    Ok(if plain { output.into_response() } else { Json(json!({"output": output})).into_response() })
}
