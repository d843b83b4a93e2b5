//! The client's calls about certificates.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Client, ClientError};
use crate::file_name::FileName;

/// Serialised into a buffer that is wiped, never into a value that is not.
#[derive(Serialize)]
struct Tomcat<'a> {
    certificate: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl Client {
    /// `GET certificates/tomcat`: the node's own certificate and its chain, in its files and in use.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub fn tomcat(&self) -> Result<Value, ClientError> {
        self.get("certificates/tomcat")
    }

    /// `GET certificates/tomcat-trust`: whom it trusts, in its files and in use.
    ///
    /// # Errors
    /// Any [`ClientError`].
    pub fn tomcat_trust(&self) -> Result<Value, ClientError> {
        self.get("certificates/tomcat-trust")
    }

    /// `POST certificates/tomcat`: a certificate with its chain (PEM, PKCS#7, base64 of DER), and its key, or none where it
    /// is for the key that the node has; in force after a restart.
    ///
    /// # Errors
    /// Any [`ClientError`]; what cannot be used is a [`ClientError::Problem`] with status 422, and nothing changes.
    pub fn upload_tomcat(&self, certificate: &str, key: Option<&str>) -> Result<Value, ClientError> {
        self.post("certificates/tomcat", &Tomcat { certificate, key })
    }

    /// `POST certificates/tomcat/request`: a request (PKCS#10, as PEM) for a certificate of the node's key.
    ///
    /// # Errors
    /// Any [`ClientError`]; without a key a [`ClientError::Problem`] with status 422.
    pub fn request_tomcat(&self) -> Result<String, ClientError> {
        let answer: Value = self.post("certificates/tomcat/request", &json!({}))?;
        let request = answer.get("request").and_then(Value::as_str);
        request.map(str::to_owned).ok_or_else(|| self.odd("the answer has no request"))
    }

    /// `POST certificates/tomcat-trust`: one certificate (as above), under this file name or one that the node makes.
    ///
    /// # Errors
    /// As [`Client::upload_tomcat`].
    pub fn upload_trust(&self, name: Option<&FileName>, certificate: &str) -> Result<Value, ClientError> {
        let name = name.map(FileName::as_str);
        self.post("certificates/tomcat-trust", &json!({"certificate": certificate, "name": name}))
    }

    /// `DELETE certificates/tomcat-trust/{name}`.
    ///
    /// # Errors
    /// Any [`ClientError`]; an unknown file is a [`ClientError::Problem`] with status 404.
    pub fn remove_trust(&self, name: &FileName) -> Result<Value, ClientError> {
        let route = format!("/api/v1/certificates/tomcat-trust/{name}");
        let answer = self.send(self.agent.delete(self.at(&route)))?;
        self.value(answer)
    }
}
