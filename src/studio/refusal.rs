//! `Refusal`: a reply that is an error: a status and a page.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error_page::ErrorPage;
use crate::error::{Error, Kind};

/// Letters of a name that a page repeats.
const SHOWN: usize = 200;

/// What a handler gives.
pub(crate) type Answer<T> = Result<T, Refusal>;

/// A status and a page.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// The status of the reply.
    pub(crate) status: StatusCode,
    /// Its page.
    pub(crate) page: Box<ErrorPage>,
}

/// The body of a refusal.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RefusalBody {
    /// The page.
    pub(crate) error: ErrorPage,
}

impl Refusal {
    /// This status and the page of `error`.
    #[must_use]
    pub(crate) fn new(status: StatusCode, error: &Error) -> Refusal {
        Refusal { status, page: Box::new(ErrorPage::of(error)) }
    }

    /// 404: there is no such thing.
    #[must_use]
    pub(crate) fn not_found(what: &str, name: &str) -> Refusal {
        let shown: String = name.chars().take(SHOWN).collect();
        let rest = if shown.len() < name.len() { "…" } else { "" };
        let page = Error::new(Kind::Usage, format!("there is no {what} '{shown}{rest}'"))
            .with_help("it may have been deleted or renamed: go back to the home page");
        Refusal::new(StatusCode::NOT_FOUND, &page)
    }

    /// 409: not in this state.
    #[must_use]
    pub(crate) fn conflict(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::CONFLICT, &Error::new(Kind::Job, message))
    }

    /// 400: a wrong value.
    #[must_use]
    pub(crate) fn usage(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, &Error::new(Kind::Usage, message))
    }

    /// 403: not allowed.
    #[must_use]
    pub(crate) fn forbidden(error: &Error) -> Refusal {
        Refusal::new(StatusCode::FORBIDDEN, error)
    }
}

impl From<ErrorPage> for Refusal {
    fn from(page: ErrorPage) -> Refusal {
        let status = match page.kind {
            Kind::Usage => StatusCode::BAD_REQUEST,
            Kind::Job => StatusCode::CONFLICT,
            Kind::Interrupted => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Refusal { status, page: Box::new(page) }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        ErrorPage::of(&error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(RefusalBody { error: *self.page })).into_response()
    }
}
