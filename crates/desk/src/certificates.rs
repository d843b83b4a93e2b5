//! `GET|POST certificates/tomcat`, `GET|POST|DELETE certificates/tomcat-trust`: what is uploaded, what is in use.
//!
//! Nothing here reads a certificate: the backend does, on its way into the files.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::routing::{delete, get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use ilslab_secrets::Secret;

use crate::answer::Json;
use crate::api::{Api, Shared};
use crate::backend::CertificateShelf;
use crate::body::{JsonBody, NoBody};
use crate::file_name::FileName;
use crate::problem::Problem;
use crate::shelf_view::{CertificatesView, StoredView};
use crate::turns::to_the_end;

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/certificates/tomcat", get(tomcat).post(upload_tomcat))
        .route("/certificates/tomcat/request", post(request_tomcat))
        .route("/certificates/tomcat-trust", get(tomcat_trust).post(upload_trust))
        .route("/certificates/tomcat-trust/{name}", delete(remove_trust))
}

async fn tomcat(State(api): Shared) -> Result<Json<CertificatesView>, Problem> {
    Ok(Json(CertificatesView::new(&shelf(api).await?.tomcat)))
}

async fn tomcat_trust(State(api): Shared) -> Result<Json<CertificatesView>, Problem> {
    Ok(Json(CertificatesView::new(&shelf(api).await?.tomcat_trust)))
}

async fn shelf(api: Arc<Api>) -> Result<CertificateShelf, Problem> {
    let backend = Arc::clone(&api.backend);
    Ok(api.turns.on_a_thread(move || backend.certificates()).await??)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tomcat {
    certificate: String,
    /// Absent where the certificate is for the key that is there.
    key: Option<Secret>,
}

async fn request_tomcat(State(api): Shared, _: NoBody) -> Result<Json<Value>, Problem> {
    let request = to_the_end(async move {
        let _turn = api.turns.upload().await?;
        Ok::<_, Problem>(api.backend.request_tomcat().await?)
    })
    .await??;
    Ok(Json(json!({"request": request})))
}

async fn upload_tomcat(
    State(api): Shared, JsonBody(body): JsonBody<Tomcat>,
) -> Result<Json<StoredView>, Problem> {
    let turn = Arc::clone(&api);
    to_the_end(async move {
        let _turn = turn.turns.upload().await?;
        Ok::<_, Problem>(turn.backend.upload_tomcat(body.certificate, body.key).await?)
    })
    .await??;
    let stored = shelf(api).await.map(|shelf| StoredView::of_tomcat(&shelf.tomcat));
    Ok(Json(stored.unwrap_or_else(|_| StoredView::unread(None))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trusted {
    certificate: String,
    name: Option<String>,
}

async fn upload_trust(
    State(api): Shared, JsonBody(body): JsonBody<Trusted>,
) -> Result<Json<StoredView>, Problem> {
    let name: Option<FileName> = body.name.as_deref().map(str::parse).transpose()?;
    let turn = Arc::clone(&api);
    let file = to_the_end(async move {
        let _turn = turn.turns.upload().await?;
        Ok::<_, Problem>(turn.backend.upload_trust(name, body.certificate).await?)
    })
    .await??;
    let stored = shelf(api).await.map(|shelf| StoredView::of_trust(&shelf.tomcat_trust, &file));
    Ok(Json(stored.unwrap_or_else(|_| StoredView::unread(Some(file)))))
}

async fn remove_trust(
    State(api): Shared, name: Result<Path<String>, PathRejection>, _: NoBody,
) -> Result<Json<Value>, Problem> {
    let text = name.map(|Path(name)| name).unwrap_or_default();
    let name: FileName = text
        .parse()
        .map_err(|error| Problem::not_found(format!("tomcat-trust has no such file: {error}")))?;
    let file = name.to_string();
    let removed = to_the_end(async move {
        let _turn = api.turns.upload().await?;
        Ok::<_, Problem>(api.backend.remove_trust(name).await?)
    })
    .await??;
    if !removed {
        return Err(Problem::not_found(format!("tomcat-trust has no file {file}")));
    }
    Ok(Json(json!({"file": file, "removed": true, "restart_required": true})))
}
