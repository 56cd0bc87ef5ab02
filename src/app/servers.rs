//! The two HTTP servers: senders on one listener, operators on the other.
//! Knows nothing of what a route does.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive};
use actix_server::GracefulShutdownSignal;
use actix_service::{ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::App;
use actix_web::dev::{AppConfig, Server};
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web::{Data, ServiceConfig};
use futures_util::future::{FutureExt as _, LocalBoxFuture};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::admin::{self, Admin};
use crate::http::connection::Guarded;
use crate::http::farewell::close_while_draining;
use crate::http::heads::bounded;
use crate::http::panics::caught;
use crate::http::probes::Readiness;
use crate::http::unread::close_when_unread;
use crate::ingest::{self, Ingest};

/// For a TLS handshake; silence is no reason to hold a connection.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
/// For a client to hang up after an answer that came before its body was read.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// For requests in flight when the server stops, in seconds.
const SHUTDOWN_TIMEOUT: u64 = 10;
/// One ledger thread serves them all: more workers would only wait for it.
const MOST_WORKERS: usize = 4;
/// Connections of operators, probes and scrapers.
const OPERATORS: usize = 256;

/// The server of the senders, over TLS where that is configured; it accepts from now on and stops when told through
/// its handle.
pub(super) fn public(
    listener: TcpListener,
    ingest: Ingest,
    connections: usize,
    tls: Option<ServerConfig>,
    readiness: Readiness,
) -> io::Result<Server> {
    let (ingest, readiness) = (Data::new(ingest), Data::new(readiness));
    let workers = available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    let routes = move |cfg: &mut ServiceConfig| {
        cfg.app_data(ingest.clone()).app_data(readiness.clone()).configure(ingest::configure);
    };
    match tls {
        Some(tls) => serve(listener, workers, connections, routes, secured(tls)),
        None => serve(listener, workers, connections, routes, plain),
    }
}

/// The server of the operators.
pub(super) fn admin(listener: TcpListener, admin: Admin) -> io::Result<Server> {
    let admin = Data::new(admin);
    let routes = move |cfg: &mut ServiceConfig| {
        cfg.app_data(admin.clone()).configure(admin::configure);
    };
    serve(listener, 1, OPERATORS, routes, plain)
}

async fn plain(stream: TcpStream) -> io::Result<TcpStream> {
    Ok(stream)
}

/// Without HTTP/2, which actix-web's own TLS would offer.
fn secured(
    tls: ServerConfig,
) -> impl Fn(TcpStream) -> LocalBoxFuture<'static, io::Result<TlsStream<TcpStream>>> + Clone + Send + 'static {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    move |stream| {
        let handshake = acceptor.accept(stream);
        async move { timeout(HANDSHAKE_TIMEOUT, handshake).await? }.boxed_local()
    }
}

/// As actix-web's `HttpServer` does it, but for the stream, whose patience is ours and not actix's: that one waits
/// for ever for the rest of a second head, and for a client that does not read.
fn serve<T, F>(
    listener: TcpListener,
    workers: usize,
    connections: usize,
    routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    open: impl Fn(TcpStream) -> F + Clone + Send + 'static,
) -> io::Result<Server>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    F: Future<Output = io::Result<T>> + 'static,
{
    let server = Server::build().workers(workers).max_concurrent_connections(connections.div_ceil(workers));
    let server = server.shutdown_timeout(SHUTDOWN_TIMEOUT).disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let service = move || {
        let open = open.clone();
        let accept = move |stream: TcpStream| {
            let (peer, stream) = (stream.peer_addr().ok(), open(stream));
            async move { Ok::<_, DispatchError>((Guarded::new(stream.await?), peer)) }
        };
        fn_service(accept).and_then(http(routes.clone(), stopping.clone()))
    };
    Ok(server.listen("usher", listener, service)?.run())
}

/// HTTP/1.1 over any stream, with what every server wraps around its routes.
fn http<T: AsyncRead + AsyncWrite + Unpin + 'static>(
    routes: impl Fn(&mut ServiceConfig) + Clone + 'static,
    stopping: GracefulShutdownSignal,
) -> impl ServiceFactory<(Guarded<T>, Option<SocketAddr>), Config = (), Response = (), Error = DispatchError, InitError = ()>
{
    // The last that is wrapped comes first.
    let app = App::new()
        .wrap(from_fn(bounded))
        .wrap(from_fn(close_when_unread))
        .wrap(from_fn(caught))
        .wrap(from_fn(close_while_draining));
    HttpService::build()
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        // Who closes a connection waits for no answer; what a request has begun to write is written all the same.
        .h1_allow_half_closed(false)
        .on_connect_ext(|stream: &Guarded<T>, data| drop(data.insert(stream.traffic())))
        .h1(map_config(app.configure(routes), |()| AppConfig::default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{HttpResponse, rt, web};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn panics() -> HttpResponse {
        panic!("hush: ada@example.com")
    }

    fn routes(cfg: &mut ServiceConfig) {
        cfg.route("/panics", web::get().to(panics)).route("/well", web::get().to(HttpResponse::NoContent));
    }

    async fn said(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: u\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut said = String::new();
        timeout(Duration::from_secs(10), stream.read_to_string(&mut said)).await.unwrap().unwrap();
        said
    }

    #[actix_web::test]
    async fn a_panic_behind_a_real_server_is_a_problem_and_its_only_worker_goes_on() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = serve(listener, 1, 16, routes, plain).unwrap();
        let handle = server.handle();
        let running = rt::spawn(server);
        for _ in 0..3 {
            let problem = said(address, "/panics").await;
            assert!(problem.starts_with("HTTP/1.1 500 "), "{problem}");
            assert!(problem.contains("content-type: application/problem+json"), "{problem}");
            assert!(problem.contains("urn:usher:problem:internal") && !problem.contains("hush"), "{problem}");
        }
        let well = said(address, "/well").await;
        assert!(well.starts_with("HTTP/1.1 204 "), "{well}");
        handle.stop(true).await;
        running.await.unwrap().unwrap();
    }
}
