//! `Access`: who may ask: the token, and the hosts that the server answers to.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header};

/// The cookie's name.
pub(crate) const COOKIE: &str = "digits_rs_token";

/// Who may ask.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// Nobody without it, when there is one.
    token: Option<String>,
    /// Where the server listens.
    address: SocketAddr,
}

impl Access {
    /// For a server at this address.
    #[must_use]
    pub(crate) fn new(token: Option<String>, address: SocketAddr) -> Access {
        Access { token, address }
    }

    /// Whether this text is the token. Takes the same time for every wrong one.
    #[must_use]
    pub(crate) fn is_token(&self, text: &str) -> bool {
        self.token.as_ref().is_none_or(|token| blake3::hash(token.as_bytes()) == blake3::hash(text.as_bytes()))
    }

    /// Whether a request carries the token: in the cookie, or as a bearer.
    #[must_use]
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        if self.token.is_none() {
            return true;
        }
        let text = |name: header::HeaderName| headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        let bearer = text(header::AUTHORIZATION).find_map(|value| value.strip_prefix("Bearer "));
        let cookies = text(header::COOKIE).flat_map(|value| value.split(';'));
        let cookie = cookies.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE);
        bearer.or(cookie.map(|(_, value)| value)).is_some_and(|value| self.is_token(value))
    }

    /// Whether the `Host` is one of the server's own: an address or localhost where it listens on one, so that a name that
    /// somebody points here by DNS is refused. With a token any name is taken: whoever knows it may come by any.
    #[must_use]
    pub(crate) fn is_own_host(&self, host: &str) -> bool {
        let (name, port) = split(host);
        if port.unwrap_or(80) != self.address.port() && self.token.is_none() {
            return false;
        }
        let is_loopback = name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let is_address = name.parse::<IpAddr>().is_ok();
        is_loopback || self.token.is_some() || (is_address && !self.address.ip().is_loopback())
    }

    /// Whether an `Origin` is the page that this very host served.
    #[must_use]
    pub(crate) fn is_own_origin(&self, origin: &str, host: &str) -> bool {
        let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        rest.is_some_and(|rest| rest.eq_ignore_ascii_case(host)) && self.is_own_host(host)
    }
}

/// `[::1]:5000` → `::1`, 5000.
fn split(host: &str) -> (String, Option<u16>) {
    if let Some(rest) = host.strip_prefix('[')
        && let Some((name, port)) = rest.split_once(']')
    {
        return (name.to_ascii_lowercase(), port.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name.to_ascii_lowercase(), port.parse().ok()),
        _ => (host.to_ascii_lowercase(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_own_names_are_taken() {
        let open = Access::new(None, "127.0.0.1:5000".parse().unwrap());
        for host in ["127.0.0.1:5000", "localhost:5000", "[::1]:5000", "LOCALHOST:5000"] {
            assert!(open.is_own_host(host), "{host}");
        }
        for host in
            ["evil.example:5000", "127.0.0.1:80", "10.0.0.1:5000", "localhost", "localhost.evil.example:5000", ""]
        {
            assert!(!open.is_own_host(host), "{host}");
        }
        assert!(open.is_own_origin("http://127.0.0.1:5000", "127.0.0.1:5000"));
        assert!(!open.is_own_origin("http://evil.example", "127.0.0.1:5000"));
        assert!(!open.is_own_origin("http://evil.example:5000", "evil.example:5000"), "DNS rebinding");
        assert!(!open.is_own_origin("null", "127.0.0.1:5000"));
    }

    #[test]
    fn a_token_comes_in_the_cookie_or_as_a_bearer() {
        let access = Access::new(Some("secret".into()), "0.0.0.0:5000".parse().unwrap());
        let known = |name: header::HeaderName, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            access.is_known(&headers)
        };
        assert!(known(header::COOKIE, "a=b; digits_rs_token=secret"));
        assert!(known(header::AUTHORIZATION, "Bearer secret"));
        assert!(!known(header::COOKIE, "digits_rs_token=secre"));
        assert!(!known(header::COOKIE, "other=secret"));
        assert!(!access.is_known(&HeaderMap::new()));
        assert!(access.is_own_host("machine.example:5000"));
    }
}
