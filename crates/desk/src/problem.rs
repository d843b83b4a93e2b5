//! Every refusal as a problem document (RFC 9457).

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::backend::CertificateRefusal;
use crate::cli::CommandError;
use crate::file_name::FileNameError;
use crate::typed::typed;

/// What went wrong, and for settings and uploads how to put it right.
#[derive(Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(flatten)]
    reason: Option<Box<Reason>>,
    #[serde(skip)]
    header: Option<Extra>,
}

/// The members that a wrong setting or upload adds.
#[derive(Debug, Serialize)]
struct Reason {
    /// Of a setting, its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    problem: String,
    cure: String,
}

/// A header that belongs to the status.
#[derive(Debug)]
enum Extra {
    /// The scheme that a browser or curl should use.
    Authenticate,
    /// The connection ends.
    Close,
}

impl Problem {
    /// A refusal of this status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            reason: None,
            header: None,
        }
    }

    /// There is nothing of that name.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// What was sent cannot be.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// A fault of the node.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    /// A later try may work.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// The node is in no state for it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// What was sent cannot be, and what to do; `key` names the setting. With a type of its own, and a title.
    pub fn with_cure(
        (kind, title): (&'static str, &'static str), detail: String, key: Option<String>, problem: String,
        cure: String,
    ) -> Self {
        let reason = Some(Box::new(Reason { key, problem, cure }));
        Self { kind, title, reason, ..Self::unprocessable(detail) }
    }

    pub(crate) fn unauthorised(detail: &str) -> Self {
        Self { header: Some(Extra::Authenticate), ..Self::new(StatusCode::UNAUTHORIZED, detail) }
    }

    /// Ends the connection with it: what else the caller sends is not wanted.
    pub(crate) fn closing(self) -> Self {
        Self { header: Some(Extra::Close), ..self }
    }
}

impl Extra {
    fn into_header(self) -> (HeaderName, HeaderValue) {
        match self {
            Self::Authenticate => {
                let scheme = HeaderValue::from_static("Basic realm=\"ilslab\", charset=\"UTF-8\"");
                (header::WWW_AUTHENTICATE, scheme)
            }
            Self::Close => (header::CONNECTION, HeaderValue::from_static("close")),
        }
    }
}

impl From<CertificateRefusal> for Problem {
    fn from(refusal: CertificateRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            CertificateRefusal::NotAllowed { problem, cure } => {
                let about = ("urn:ilslab:problem:certificate", "The certificate cannot be used");
                Self::with_cure(about, detail, None, problem, cure)
            }
            CertificateRefusal::Storage(_) => Self::unavailable(detail),
            CertificateRefusal::Fixed(_) => Self::conflict(detail),
        }
    }
}

impl From<FileNameError> for Problem {
    fn from(error: FileNameError) -> Self {
        let cure = "leave `name` out to have one made".to_owned();
        CertificateRefusal::NotAllowed { problem: error.to_string(), cure }.into()
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Unavailable(text) => Self::unavailable(text),
            error => Self::unprocessable(error.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // A struct of strings and a number always serialises.
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, typed("application/problem+json", &body)).into_response();
        response.headers_mut().extend(self.header.map(Extra::into_header));
        response
    }
}
