//! Connections: so many at once, and none that keeps the server waiting for its request.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};

/// Connections at once: more than 200 open pages with a stream each need, and few enough that what they hold stays small.
/// Whoever comes next waits until one ends.
const MOST: usize = 512;

/// A request's head has to come within this time; a connection that rests for so long is closed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Pause after the system has refused a connection: it may be out of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves every connection; never ends.
pub(crate) async fn accept(listener: TcpListener, router: Router) -> Infallible {
    accept_with(listener, router, MOST, PATIENCE).await
}

async fn accept_with(listener: TcpListener, router: Router, most: usize, patience: Duration) -> Infallible {
    let room = Arc::new(Semaphore::new(most));
    loop {
        let place = Arc::clone(&room).acquire_owned().await;
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let _ = stream.set_nodelay(true); // only slower without
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(patience);
            // How a client goes away is its own affair.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };

    use super::*;

    #[tokio::test]
    async fn who_says_nothing_is_sent_away_and_makes_room_for_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "here" }));
        tokio::spawn(accept_with(listener, router, 2, Duration::from_millis(400)));
        let mut silent = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
        silent[1].write_all(b"GET / HTTP/1.1\r\nHos").await.unwrap();
        let mut third = TcpStream::connect(address).await.unwrap();
        third.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut reply = String::new();
        let answered = tokio::time::timeout(Duration::from_secs(20), third.read_to_string(&mut reply)).await;
        assert!(answered.is_ok() && reply.ends_with("here"), "{reply}");
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), silent[0].read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "a silent connection stays open");
    }
}
