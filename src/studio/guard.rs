//! What every request passes: host, origin, token; and the headers that every reply gets.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{access::COOKIE, app::App, front, refusal::Refusal};
use crate::error::{Error, Kind};

/// No inline script, no frame, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src \
                      'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Lets a request through, or refuses it.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut reply = match check(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(reply) => *reply,
    };
    let headers = reply.headers_mut();
    let mut set = |name: header::HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::CACHE_CONTROL, "no-store");
    reply
}

fn check(app: &App, request: &Request) -> Result<(), Box<Response>> {
    let headers = request.headers();
    let refuse = |status: StatusCode, page: &Error| Err(Box::new(Refusal::new(status, page).into_response()));
    // Which of two is meant, a proxy in front may see in another way.
    if headers.get_all(header::HOST).iter().count() > 1 {
        return refuse(StatusCode::BAD_REQUEST, &Error::new(Kind::Usage, "the request has more than one Host"));
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !app.access.is_own_host(host) {
        let page = Error::new(Kind::Usage, format!("'{host}' is not a name of this server"))
            .with_help("open the page by the address that the program printed");
        return refuse(StatusCode::FORBIDDEN, &page);
    }
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let path = request.uri().path();
    let foreign = headers
        .get(header::ORIGIN)
        .filter(|origin| !origin.to_str().is_ok_and(|origin| app.access.is_own_origin(origin, host)));
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    let is_cross_site = matches!(site, Some("cross-site" | "same-site"));
    let guarded = writes || path.starts_with("/api/");
    let is_navigation = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    if guarded && (foreign.is_some() || (is_cross_site && !is_navigation)) {
        let page = Error::new(Kind::Usage, "the request comes from another page than this server's")
            .with_help("open the page by the address that the program printed");
        return refuse(StatusCode::FORBIDDEN, &page);
    }
    let is_open = path == "/api/login" || path.starts_with("/assets/") || (path == "/" && wants_page(request));
    if !is_open && !app.access.is_known(headers) {
        // The page is no secret: it asks for the token. No handler runs.
        if wants_page(request) && !path.starts_with("/api/") {
            return Err(Box::new(front::page(headers)));
        }
        let page = Error::new(Kind::Usage, "the server asks for its token")
            .with_help("open the link that the program printed when it started, or send the cookie")
            .with_fact("cookie", COOKIE);
        return refuse(StatusCode::UNAUTHORIZED, &page);
    }
    Ok(())
}

/// Whether a browser goes to a page, and does not ask for JSON.
fn wants_page(request: &Request) -> bool {
    let accepts = |kind: &str| {
        request
            .headers()
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains(kind))
    };
    *request.method() == Method::GET && accepts("text/html")
}
