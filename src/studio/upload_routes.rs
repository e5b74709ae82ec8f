//! The routes of uploads.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    app::App,
    blocking::in_place,
    refusal::{Answer, Refusal, RefusalBody},
};
use crate::error::Error;

/// How an upload is called.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct UploadQuery {
    /// The file's name.
    #[serde(default)]
    name: String,
}

/// An upload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Upload {
    /// Its id.
    upload: String,
    /// As the client called it.
    name: String,
    /// Its size.
    bytes: u64,
    /// Of an image: its address.
    picture: Option<String>,
    /// Pixels in a row.
    width: Option<u32>,
    /// Rows.
    height: Option<u32>,
}

/// Keeps a file until the server ends.
#[utoipa::path(post, path = "/api/uploads", tag = "files", params(UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = Upload), (status = 413, body = RefusalBody), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn upload(
    State(app): State<Arc<App>>,
    Query(query): Query<UploadQuery>,
    body: Body,
) -> Answer<(StatusCode, Json<Upload>)> {
    let (id, sent) = app.uploads.keep(&query.name, body).await?;
    // The header is enough: nothing is decoded in the server's own process.
    let size =
        in_place(|| image::ImageReader::open(&sent.path).ok()?.with_guessed_format().ok()?.into_dimensions().ok());
    let upload = Upload {
        picture: size.map(|_| format!("/api/uploads/{id}")),
        upload: id,
        name: sent.name,
        bytes: sent.bytes,
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
    };
    Ok((StatusCode::CREATED, Json(upload)))
}

/// The bytes of an upload.
#[utoipa::path(get, path = "/api/uploads/{id}", tag = "files", params(("id" = String, Path,)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn uploaded(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer<Response> {
    let sent = app.uploads.file(&id)?;
    let bytes =
        tokio::fs::read(&sent.path).await.map_err(|source| Refusal::from(Error::io("read", &sent.path, &source)))?;
    // Only what a browser shows as a picture gets a picture's type: nothing that is sent runs as a page.
    let kind = match bytes.get(..4) {
        Some(b"\x89PNG") => "image/png",
        Some([0xff, 0xd8, 0xff, _]) => "image/jpeg",
        Some(b"GIF8") => "image/gif",
        Some(b"RIFF") => "image/webp",
        Some([b'B', b'M', ..]) => "image/bmp",
        _ => "application/octet-stream",
    };
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}
