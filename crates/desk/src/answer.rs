//! Answers in JSON.

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::Problem;
use crate::typed::typed;

/// An answer of type `application/json`, in ASCII: what a peer has chosen steers no terminal that shows it.
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_string(&self.0) {
            Ok(json) => typed("application/json", &json),
            Err(error) => Problem::internal(error.to_string()).into_response(),
        }
    }
}

/// Text where the caller accepts that and not JSON.
pub(crate) fn wants_text(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("text/plain") && !accept.contains("json")
}
