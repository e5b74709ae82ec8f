//! The page's files, embedded when the program was built.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

/// A file of the page: its path, its bytes gzipped, the hash of them.
struct Asset {
    path: &'static str,
    gzip: &'static [u8],
    tag: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/studio_assets.rs"));

/// Whether the page was there when the program was built.
#[must_use]
pub(crate) fn is_built() -> bool {
    IS_BUILT
}

/// The file at a path such as `assets/index-abc.js`.
#[must_use]
pub(crate) fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    let asset = ASSETS.iter().find(|asset| asset.path == path)?;
    let tag = format!("\"{}\"", asset.tag);
    let kept = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let is_same = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let takes_gzip = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"));
    let body = match (is_same, takes_gzip) {
        (true, _) => Body::empty(),
        (false, true) => Body::from(asset.gzip),
        (false, false) => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(asset.gzip), &mut bytes).ok()?;
            Body::from(bytes)
        }
    };
    let mut reply = body.into_response();
    if is_same {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).ok()?);
    if takes_gzip && !is_same {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Some(reply)
}

/// The page, whatever its address.
#[must_use]
pub(crate) fn page(headers: &HeaderMap) -> Response {
    file("index.html", headers).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// By the end of a name.
#[must_use]
pub(crate) fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "ico" => "image/x-icon",
        "json" | "map" => "application/json",
        "jsonl" | "txt" | "lua" | "py" | "csv" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
