//! The two HTTP servers: senders on one listener, operators on the other.
//! Knows nothing of what a route does.

use std::io;
use std::net::TcpListener;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};

use crate::admin::{self, Admin};
use crate::http::heads::bounded;
use crate::http::panics::caught;
use crate::http::unread::close_when_unread;
use crate::ingest::{self, Ingest};

/// For the head of a request; a client that dribbles holds a connection no longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// For a connection without a request; longer than that of common load balancers, so that they close first.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Connections of operators, probes and scrapers.
const OPERATORS: usize = 256;
/// For requests in flight when the server stops, in seconds.
const SHUTDOWN_TIMEOUT: u64 = 10;
/// One ledger thread serves them all: more workers would only wait for it.
const MOST_WORKERS: usize = 4;

/// The server of the senders; it accepts from now on and stops when told through its handle.
pub(super) fn public(listener: TcpListener, ingest: Ingest, connections: usize) -> io::Result<Server> {
    let ingest = Data::new(ingest);
    let workers = available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    // The last that is wrapped comes first.
    let app = move || {
        let app = App::new().wrap(from_fn(bounded)).wrap(from_fn(close_when_unread)).wrap(from_fn(caught));
        app.app_data(ingest.clone()).configure(ingest::configure)
    };
    let server = HttpServer::new(app).workers(workers).max_connections(connections.div_ceil(workers));
    let server = server.client_request_timeout(REQUEST_TIMEOUT).keep_alive(KEEP_ALIVE);
    Ok(server.shutdown_timeout(SHUTDOWN_TIMEOUT).disable_signals().listen(listener)?.run())
}

/// The server of the operators.
pub(super) fn admin(listener: TcpListener, admin: Admin) -> io::Result<Server> {
    let admin = Data::new(admin);
    let app = move || {
        let app = App::new().wrap(from_fn(bounded)).wrap(from_fn(close_when_unread)).wrap(from_fn(caught));
        app.app_data(admin.clone()).configure(admin::configure)
    };
    let server = HttpServer::new(app).workers(1).max_connections(OPERATORS);
    let server = server.client_request_timeout(REQUEST_TIMEOUT).keep_alive(KEEP_ALIVE);
    Ok(server.shutdown_timeout(SHUTDOWN_TIMEOUT).disable_signals().listen(listener)?.run())
}
