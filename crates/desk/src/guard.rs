//! What every request passes before a route sees it: the name it was sent to, the site it came from, the log-in.
//!
//! A browser on the administrator's machine is the danger: another site's page can make it send requests here, with the
//! password that it remembers. A foreign name that resolves to this address is refused by `Host`, a foreign page by
//! `Origin` and `Sec-Fetch-Site`; there are neither cookies nor CORS headers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::Api;
use crate::gate::Refused;
use crate::hosts::Hosts;
use crate::problem::Problem;
use crate::visitors::Visit;

/// Routes that need no log-in.
const OPEN: [&str; 4] = ["/livez", "/readyz", "/metrics", "/api/v1/login"];

/// The layer over all routes.
pub(crate) async fn guard(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    head.extensions.insert(api.limits);
    head.extensions.insert(api.turns.clone());
    let mut response = match admit(&api, &head).await {
        Ok(()) => next.run(Request::from_parts(head, body)).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn admit(api: &Api, head: &Parts) -> Result<(), Problem> {
    let host = host(&api.hosts, head)?;
    same_site(&head.method, &head.headers, host)?;
    if OPEN.contains(&head.uri.path()) {
        return Ok(());
    }
    // The server puts it into every request.
    let visit = head.extensions.get::<Arc<Visit>>().ok_or(Refused::Broken)?;
    api.gate.admit(&head.headers, visit.from).await?;
    visit.log_in();
    Ok(())
}

/// Exactly one `Host`, and any authority in the request line, must be one of ours.
fn host<'a>(hosts: &Hosts, head: &'a Parts) -> Result<&'a str, Problem> {
    let mut values = head.headers.get_all(header::HOST).iter();
    let (first, second) = (values.next(), values.next());
    let host = first.filter(|_| second.is_none()).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = head.uri.authority().map_or(host, |authority| authority.as_str());
    if hosts.accept(host) && hosts.accept(authority) {
        return Ok(host);
    }
    let detail =
        "this API answers to the address it is bound to, to localhost, and to names given by --admin-name";
    Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail))
}

/// A page of another site may not change anything, not even with a request that has no body.
fn same_site(method: &Method, headers: &HeaderMap, host: &str) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let ours = format!("http://{host}");
    let foreign_origin = origin.is_some_and(|origin| !origin.eq_ignore_ascii_case(ours.as_bytes()));
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if foreign_origin || site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return Err(Problem::new(StatusCode::FORBIDDEN, "a page of another site may not change this node"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_site_changes_nothing() {
        for (name, method, header, value, want) in [
            ("no origin", Method::POST, "accept", "*/*", true),
            ("our own page", Method::POST, "origin", "http://localhost:8080", true),
            ("another port", Method::POST, "origin", "http://localhost:8081", false),
            ("another site", Method::PATCH, "origin", "http://evil.example", false),
            ("a sandboxed page", Method::POST, "origin", "null", false),
            ("a page that only reads", Method::GET, "origin", "http://evil.example", true),
            ("fetch from elsewhere", Method::POST, "sec-fetch-site", "cross-site", false),
            ("fetch from a neighbour", Method::POST, "sec-fetch-site", "same-site", false),
            ("fetch from here", Method::POST, "sec-fetch-site", "same-origin", true),
            ("typed by the user", Method::POST, "sec-fetch-site", "none", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header, HeaderValue::from_static(value));
            assert_eq!(same_site(&method, &headers, "localhost:8080").is_ok(), want, "{name}");
        }
    }
}
