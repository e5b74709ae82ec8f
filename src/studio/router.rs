//! The table of all routes, and the schema that follows from it.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, OriginalUri, Query, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use serde::Deserialize;
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::datasets::{records, routes as datasets, scan};
use super::{
    app::App,
    body::BODY,
    check, digits, events, files, front, guard,
    jobs::{change, create, detail, files as job_files, import, routes as jobs},
    program,
    refusal::Refusal,
    tests::routes as tests,
    unreadable, upload_routes as uploads,
};

/// Every route below `/api`, with its schema.
fn api() -> OpenApiRouter<Arc<App>> {
    let info = InfoBuilder::new().title("digits-rs").version(env!("CARGO_PKG_VERSION"));
    OpenApiRouter::with_openapi(OpenApiBuilder::new().info(info.build()).build())
        .routes(routes!(program::server))
        .routes(routes!(program::defaults))
        .routes(routes!(program::login))
        .routes(routes!(events::events))
        .routes(routes!(jobs::jobs, create::create))
        .routes(routes!(change::bulk))
        .routes(routes!(import::import))
        .routes(routes!(detail::job, change::change, change::delete))
        .routes(routes!(change::abort))
        .routes(routes!(change::resume))
        .routes(routes!(change::start))
        .routes(routes!(create::again))
        .routes(routes!(jobs::metrics))
        .routes(routes!(jobs::log))
        .routes(routes!(job_files::strip))
        .routes(routes!(job_files::download))
        .routes(routes!(job_files::file))
        .routes(routes!(datasets::datasets, datasets::create))
        .routes(routes!(scan::scan))
        .routes(routes!(datasets::dataset, datasets::change, datasets::delete))
        .routes(routes!(datasets::abort))
        .routes(routes!(datasets::again))
        .routes(routes!(datasets::file))
        .routes(routes!(records::database))
        .routes(routes!(records::records))
        .routes(routes!(records::record))
        .routes(routes!(records::picture))
        .routes(routes!(records::resized))
        .routes(routes!(check::networks))
        .routes(routes!(check::modules))
        .routes(routes!(check::check))
        .routes(routes!(check::rates))
        .routes(routes!(check::augmentation))
        .routes(routes!(tests::create))
        .routes(routes!(tests::get, tests::delete))
        .routes(routes!(tests::layer))
        .routes(routes!(tests::map))
        .routes(routes!(tests::values))
        .routes(routes!(tests::picture))
        .routes(routes!(tests::answers))
        .routes(routes!(tests::csv))
        .routes(routes!(tests::page))
        .routes(routes!(files::files))
        .routes(routes!(uploads::uploaded))
}

/// All routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    let (api, mut schema) = api().split_for_parts();
    // An upload has no limit but its own.
    let (upload, of_upload) = OpenApiRouter::new().routes(routes!(uploads::upload)).split_for_parts();
    schema.merge(of_upload);
    // In the schema a path that goes on over several parts is a parameter like any other.
    let paths = std::mem::take(&mut schema.paths.paths);
    schema.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    let schema: Arc<OpenApi> = Arc::new(schema);
    let openapi = get(move || {
        let schema = Arc::clone(&schema);
        async move { Json((*schema).clone()) }
    });
    Router::new()
        .merge(api)
        .merge(digits::routes::routes())
        .layer(DefaultBodyLimit::max(BODY))
        .merge(upload.layer(DefaultBodyLimit::disable()))
        .route("/api/openapi.json", openapi)
        .fallback(page)
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn(plain_refusals))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard::guard))
        .with_state(app)
}

/// The link that the program prints carries the token.
#[derive(Debug, Deserialize)]
struct LinkQuery {
    token: Option<String>,
}

/// Every address that is no route is the page's.
async fn page(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    Query(link): Query<LinkQuery>,
    headers: HeaderMap,
) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return Refusal::not_found("route", uri.path()).into_response();
    }
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if path.is_empty() && accept.starts_with("application/json") {
        return digits::routes::index(State(app)).await.into_response();
    }
    if let Some(token) = link.token {
        return if app.access.is_token(&token) {
            (program::cookie(&token), Redirect::to("/")).into_response()
        } else {
            (StatusCode::UNAUTHORIZED, front::page(&headers)).into_response()
        };
    }
    if method != Method::GET && method != Method::HEAD {
        return Refusal::not_found("route", uri.path()).into_response();
    }
    if let Some(file) = front::file(path, &headers) {
        return file;
    }
    let wants_page = accept.is_empty() || accept.contains("text/html") || accept.contains("*/*");
    if wants_page && !path.starts_with("assets/") {
        return front::page(&headers);
    }
    Refusal::not_found("page", uri.path()).into_response()
}

async fn not_allowed(OriginalUri(uri): OriginalUri, method: Method) -> Refusal {
    let message = format!("{method} is no method of {}", uri.path());
    Refusal { status: StatusCode::METHOD_NOT_ALLOWED, ..Refusal::usage(message) }
}

/// What the framework refuses (a body that is no JSON, a parameter that is no number) gets a page too.
async fn plain_refusals(request: Request, next: middleware::Next) -> Response {
    let reply = next.run(request).await;
    let status = reply.status();
    let is_plain =
        reply.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !status.is_client_error() || !is_plain {
        return reply;
    }
    let Ok(bytes) = axum::body::to_bytes(reply.into_body(), 1 << 16).await else { return status.into_response() };
    let words = String::from_utf8_lossy(&bytes).into_owned();
    Refusal::new(status, &unreadable::page(&words)).into_response()
}
