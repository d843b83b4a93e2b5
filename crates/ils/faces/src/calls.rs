//! The client's calls to a hub or spoke.

use ilslab_desk::{Client, ClientError};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What a hub or spoke answers, over the house's client.
pub trait Calls {
    /// `GET status`.
    ///
    /// # Errors
    /// Any [`ClientError`].
    fn status(&self) -> Result<Value, ClientError>;

    /// `GET peers`.
    ///
    /// # Errors
    /// Any [`ClientError`].
    fn peers(&self) -> Result<Value, ClientError>;

    /// Whether the node has a peer that is connected.
    ///
    /// # Errors
    /// Any [`ClientError`].
    fn is_joined(&self) -> Result<bool, ClientError> {
        let answer = self.peers()?;
        let connected = |peer: &Value| peer.get("connected") == Some(&Value::Bool(true));
        Ok(answer.get("peers").and_then(Value::as_array).is_some_and(|peers| peers.iter().any(connected)))
    }

    /// `GET connections`.
    ///
    /// # Errors
    /// Any [`ClientError`].
    fn connections(&self) -> Result<Value, ClientError>;

    /// `GET alarms`.
    ///
    /// # Errors
    /// Any [`ClientError`].
    fn alarms(&self) -> Result<Value, ClientError>;

    /// `GET config`.
    ///
    /// # Errors
    /// Any [`ClientError`].
    fn config(&self) -> Result<Value, ClientError>;

    /// `PATCH config`; answers the configuration once it is in force.
    ///
    /// # Errors
    /// Any [`ClientError`]; a setting that cannot be is a [`ClientError::Problem`] with its key.
    fn patch(&self, settings: &Map<String, Value>) -> Result<Value, ClientError>;

    /// The same with a password, which stays in the caller's hands: of the copy that is sent nothing is left behind here.
    ///
    /// # Errors
    /// Those of [`Calls::patch`].
    fn set(&self, settings: &Map<String, Value>, password: Option<&str>) -> Result<Value, ClientError>;

    /// `POST peers/{id}/disconnect`: forgets a peer.
    ///
    /// # Errors
    /// Any [`ClientError`]; an unknown peer is a [`ClientError::Problem`] with status 404.
    fn disconnect(&self, peer_id: &str) -> Result<Value, ClientError>;

    /// `POST service/restart`.
    ///
    /// # Errors
    /// Any [`ClientError`]; certificates that cannot be read are a [`ClientError::Problem`] with status 409.
    fn restart(&self) -> Result<Value, ClientError>;

    /// `POST sql`: columns, rows and the text as `run sql` prints it.
    ///
    /// # Errors
    /// Any [`ClientError`].
    fn sql(&self, sql: &str) -> Result<Value, ClientError>;
}

impl Calls for Client {
    fn status(&self) -> Result<Value, ClientError> {
        self.get("status")
    }

    fn peers(&self) -> Result<Value, ClientError> {
        self.get("peers")
    }

    fn connections(&self) -> Result<Value, ClientError> {
        self.get("connections")
    }

    fn alarms(&self) -> Result<Value, ClientError> {
        self.get("alarms")
    }

    fn config(&self) -> Result<Value, ClientError> {
        self.get("config")
    }

    fn patch(&self, settings: &Map<String, Value>) -> Result<Value, ClientError> {
        self.set(settings, None)
    }

    fn set(&self, settings: &Map<String, Value>, password: Option<&str>) -> Result<Value, ClientError> {
        self.merge("config", &Patch { settings, password })
    }

    fn disconnect(&self, peer_id: &str) -> Result<Value, ClientError> {
        // A peer ID is hex; anything else would be a part of the path.
        let hex: String = peer_id.chars().filter(char::is_ascii_alphanumeric).collect();
        self.post(&format!("peers/{hex}/disconnect"), &json!({}))
    }

    fn restart(&self) -> Result<Value, ClientError> {
        self.post("service/restart", &json!({}))
    }

    fn sql(&self, sql: &str) -> Result<Value, ClientError> {
        self.post("sql", &json!({"sql": sql}))
    }
}

/// Settings, and a password that is never a [`Value`]: those are not wiped.
#[derive(Serialize)]
struct Patch<'a> {
    #[serde(flatten)]
    settings: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}
