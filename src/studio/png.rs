//! A picture as a reply.

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};

/// A PNG that may be kept for ever: a picture's address never changes its picture.
#[must_use]
pub(crate) fn png(bytes: Vec<u8>) -> Response {
    let kept = "private, max-age=31536000, immutable";
    ([(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, kept)], bytes).into_response()
}
