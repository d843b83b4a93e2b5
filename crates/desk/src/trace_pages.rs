//! `GET trace`: the node's SDL trace, a page at a time, as JSON or as the lines themselves.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::answer::{Json, wants_text};
use crate::api::Api;
use crate::problem::Problem;
use crate::trace::{Cursor, LINES_MAX, Page};

/// What JSON says as members, text says as headers.
const NEXT: HeaderName = HeaderName::from_static("trace-next");
const LOST: HeaderName = HeaderName::from_static("trace-lost");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    after: Option<String>,
    limit: Option<usize>,
}

pub(crate) async fn trace(
    State(api): State<Arc<Api>>, headers: HeaderMap, wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted.map_err(|error| Problem::unprocessable(error.body_text()))?;
    let (after, limit) = bounds(&wanted)?;
    let folder = api.trace.clone();
    let page = api.turns.on_a_thread(move || Page::read(&folder, after, limit)).await?;
    let page = page.map_err(|error| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("the trace cannot be read: {error}"))
    })?;
    if wants_text(&headers) {
        let headers = [(NEXT, page.next().to_string()), (LOST, page.lost().to_string())];
        return Ok((headers, page.text()).into_response());
    }
    Ok(Json(page).into_response())
}

fn bounds(wanted: &Wanted) -> Result<(Cursor, usize), Problem> {
    let after = wanted.after.as_deref().map(str::parse).transpose();
    let after = after.map_err(|error| Problem::unprocessable(format!("{error}")))?.unwrap_or_default();
    let limit = wanted.limit.unwrap_or(LINES_MAX);
    if (1..=LINES_MAX).contains(&limit) {
        Ok((after, limit))
    } else {
        Err(Problem::unprocessable(format!("`limit` takes 1 to {LINES_MAX} lines")))
    }
}
