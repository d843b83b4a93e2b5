//! Request bodies: JSON or nothing, bounded in size and time before anything is parsed.

use std::future::poll_fn;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::limits::HttpLimits;
use crate::problem::Problem;

/// A body of type `application/json`.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require(request.headers(), &["application/json"])?;
        let bytes = read(request).await?;
        parse(&bytes).map(Self)
    }
}

/// A merge patch (RFC 7396), which is an object; plain `application/json` will do.
pub struct PatchBody(pub serde_json::Map<String, serde_json::Value>);

impl<S: Send + Sync> FromRequest<S> for PatchBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require(request.headers(), &["application/merge-patch+json", "application/json"])?;
        let bytes = read(request).await?;
        match parse(&bytes)? {
            serde_json::Value::Object(patch) => Ok(Self(patch)),
            _ => Err(Problem::unprocessable("a patch of the configuration is a JSON object of settings")),
        }
    }
}

/// No body, or a JSON one that says nothing.
pub struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !request.body().is_end_stream() {
            require(request.headers(), &["application/json"])?;
            read(request).await?;
        }
        Ok(Self)
    }
}

fn require(headers: &HeaderMap, allowed: &[&str]) -> Result<(), Problem> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if allowed.iter().any(|allowed| essence.eq_ignore_ascii_case(allowed)) {
        return Ok(());
    }
    let detail = format!("send the body as {}", allowed.join(" or "));
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        Problem::new(status, format!("the body is not what this route takes: {error}"))
    })
}

/// The whole body, wiped when dropped, since it can hold a password.
async fn read(request: Request) -> Result<Zeroizing<Vec<u8>>, Problem> {
    // The guard puts them into every request.
    let limits = request.extensions().get::<HttpLimits>().copied().unwrap_or_default();
    let whole = tokio::time::timeout(limits.body_time, collect(request.into_body(), limits.body_size));
    whole.await.unwrap_or_else(|_| {
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive").closing())
    })
}

async fn collect(mut body: Body, limit: usize) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let too_large = || {
        let detail = format!("a body has at most {limit} octets");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail).closing()
    };
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(too_large());
    }
    // Room for all of it from the start, announced or not: growing would leave copies of a secret behind.
    let room = if body.size_hint().exact().is_some() { announced } else { limit };
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame
            .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("the body broke off: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len().saturating_add(data.len()) > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
