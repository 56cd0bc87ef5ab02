//! The sandbox on a socket: requests in, answers or cut connections out.
//! Knows nothing of what a call means.

use std::any::Any;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::dev::{Extensions, Server};
use actix_web::http::StatusCode;
use actix_web::rt::net::TcpStream as Connection;
use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};

use super::call::{Answer, Call};
use super::controls;
use super::errors::Refusal;
use super::instance::Instance;
use super::options::Options;

const BODY_LIMIT: usize = 1024 * 1024;

/// Longer than any client's own, so that it is never us who close an idle connection under a request.
const KEEP_ALIVE: Duration = Duration::from_secs(90);

pub(super) fn start(listener: TcpListener, options: Options) -> io::Result<Server> {
    let workers = options.workers;
    let instance = Data::new(Instance::new(options, now()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(instance.clone())
            .app_data(PayloadConfig::new(BODY_LIMIT))
            .configure(controls::doors)
            .default_service(web::to(api))
    });
    let server = server.workers(workers).keep_alive(KEEP_ALIVE).tcp_nodelay(true).shutdown_timeout(1);
    Ok(server.on_connect(remember_line).disable_signals().listen(listener)?.run())
}

/// A second handle on a connection's socket, to cut it from within a request.
struct Line(TcpStream);

fn remember_line(connection: &dyn Any, data: &mut Extensions) {
    let socket = connection.downcast_ref::<Connection>();
    if let Some(Ok(handle)) = socket.map(|socket| socket.as_fd().try_clone_to_owned()) {
        data.insert(Line(TcpStream::from(handle)));
    }
}

/// Ends the connection. What is answered afterwards has nowhere to go.
async fn cut(request: &HttpRequest) -> HttpResponse {
    match request.conn_data::<Line>() {
        // It fails only when the other side was faster, which is as good.
        Some(Line(socket)) => drop(socket.shutdown(Shutdown::Both)),
        // Out of file handles: never answering is the nearest thing.
        None => std::future::pending().await,
    }
    HttpResponse::InternalServerError().force_close().finish()
}

async fn api(request: HttpRequest, body: Result<Bytes, actix_web::Error>, instance: Data<Instance>) -> HttpResponse {
    if !request.uri().path().starts_with("/v1/") {
        return reply(Answer::refused(&Refusal::UnknownUrl, "", false));
    }
    // The effect comes first and the wait afterwards: a caller that gives up has lost an answer, not a call.
    let verdict = instance.take(read(&request, body), now());
    if !verdict.latency.is_zero() {
        actix_web::rt::time::sleep(verdict.latency).await;
    }
    match verdict.answer {
        Some(answer) => reply(answer),
        None => cut(&request).await,
    }
}

fn read(request: &HttpRequest, body: Result<Bytes, actix_web::Error>) -> Call {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Call {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.query_string().to_owned(),
        authorization: header("authorization"),
        api_version: header("clerk-api-version"),
        content_type: header("content-type"),
        body: body.map(|bytes| bytes.to_vec()).map_err(|error| refuse_body(&error)),
    }
}

fn refuse_body(error: &actix_web::Error) -> Refusal {
    match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::BodyTooLarge { limit: BODY_LIMIT },
        _ => Refusal::BodyInvalid,
    }
}

/// An answer on the wire.
pub(super) fn reply(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.insert_header(header);
    }
    response.body(answer.body)
}

/// Milliseconds since 1970; 0 on a machine whose clock is before that.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
