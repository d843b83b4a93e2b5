//! Every refusal as a problem document (RFC 9457).

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ils_core::settings::SettingError;
use ils_store::QueryError;
use serde::Serialize;

use crate::answer::typed;
use crate::backend::{CertificateRefusal, ChangeError};
use crate::cli::CliError;
use crate::file_name::FileNameError;

/// What went wrong, and for settings and uploads how to put it right.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
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
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            reason: None,
            header: None,
        }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
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

impl From<SettingError> for Problem {
    fn from(error: SettingError) -> Self {
        let detail = error.to_string();
        let SettingError { key, problem, cure } = error;
        Self {
            kind: "urn:ilslab:problem:setting",
            title: "The setting cannot be that",
            reason: Some(Box::new(Reason { key: Some(key), problem, cure })),
            ..Self::unprocessable(detail)
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let status = match error {
            ChangeError::Setting(error) => return error.into(),
            ChangeError::Store(_) | ChangeError::Deaf(_) | ChangeError::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            ChangeError::Identity(_) | ChangeError::Port(_) => StatusCode::CONFLICT,
        };
        Self::new(status, error.to_string())
    }
}

impl From<CertificateRefusal> for Problem {
    fn from(refusal: CertificateRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            CertificateRefusal::NotAllowed { problem, cure } => Self {
                kind: "urn:ilslab:problem:certificate",
                title: "The certificate cannot be used",
                reason: Some(Box::new(Reason { key: None, problem, cure })),
                ..Self::unprocessable(detail)
            },
            CertificateRefusal::Storage(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail),
            CertificateRefusal::Fixed(_) => Self::new(StatusCode::CONFLICT, detail),
        }
    }
}

impl From<FileNameError> for Problem {
    fn from(error: FileNameError) -> Self {
        let cure = "leave `name` out to have one made".to_owned();
        CertificateRefusal::NotAllowed { problem: error.to_string(), cure }.into()
    }
}

impl From<CliError> for Problem {
    fn from(error: CliError) -> Self {
        match error {
            CliError::Database(_) | CliError::Query(QueryError::Database { .. }) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
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
