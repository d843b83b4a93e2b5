//! JSON as an answer.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// This JSON, in ASCII, under this type.
pub(crate) fn typed(kind: &'static str, json: &str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], ilslab_names::ascii_json(json)).into_response()
}
