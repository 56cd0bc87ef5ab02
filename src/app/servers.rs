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
use crate::http::unread::close_when_unread;
use crate::ingest::{self, Ingest};

/// For the head of a request; a client that dribbles holds a connection no longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// For requests in flight when the server stops, in seconds.
const SHUTDOWN_TIMEOUT: u64 = 10;
/// One ledger thread serves them all: more workers would only wait for it.
const MOST_WORKERS: usize = 4;

/// The server of the senders; it accepts from now on and stops when told through its handle.
pub(super) fn public(listener: TcpListener, ingest: Ingest) -> io::Result<Server> {
    let ingest = Data::new(ingest);
    let workers = available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
    let app = move || App::new().wrap(from_fn(close_when_unread)).app_data(ingest.clone()).configure(ingest::configure);
    let server = HttpServer::new(app).workers(workers).client_request_timeout(REQUEST_TIMEOUT);
    // Who closes a connection waits for no answer; what a request has begun to write is written all the same.
    let server = server.h1_allow_half_closed(false);
    Ok(server.shutdown_timeout(SHUTDOWN_TIMEOUT).disable_signals().listen(listener)?.run())
}

/// The server of the operators.
pub(super) fn admin(listener: TcpListener, admin: Admin) -> io::Result<Server> {
    let admin = Data::new(admin);
    let app = move || App::new().wrap(from_fn(close_when_unread)).app_data(admin.clone()).configure(admin::configure);
    let server = HttpServer::new(app).workers(1).client_request_timeout(REQUEST_TIMEOUT);
    Ok(server.shutdown_timeout(SHUTDOWN_TIMEOUT).disable_signals().listen(listener)?.run())
}
