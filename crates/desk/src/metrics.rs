//! `GET /metrics`, without a log-in: numbers alone, and no name of a peer in them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::api::Api;

/// Prometheus' text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) async fn metrics(State(api): State<Arc<Api>>) -> Response {
    let store = api.probe.store(&*api.backend, &*api.clock).await;
    let text = api.backend.metrics(store.writable);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}
