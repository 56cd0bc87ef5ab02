//! A server over TLS, of the same parts as actix-web's own and with HTTP/1.1 only: actix-web offers HTTP/2 wherever
//! there is TLS, and bounds neither its streams nor its headers. Knows nothing of certificates or routes.

use std::fmt::Debug;
use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_http::{HttpService, Request, Response};
use actix_server::{Server, ServerBuilder};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Service};
use rustls::ServerConfig;

use super::{REQUEST_TIMEOUT, SHUTDOWN_TIMEOUT};

/// For a client that does not answer when its connection ends.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves `app` on `listener`; a handshake may take three seconds.
pub(super) fn serve<F, I, S, B>(listener: TcpListener, app: F, tls: ServerConfig, workers: usize) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let builder = ServerBuilder::new().workers(workers).shutdown_timeout(SHUTDOWN_TIMEOUT).disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let service = move || {
        let stopping = stopping.clone();
        let app = app().into_factory().map_err(|error| error.into().error_response());
        HttpService::build()
            .client_request_timeout(REQUEST_TIMEOUT)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            // Connections that wait for a next request end when the server does.
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .h1(map_config(app, |()| AppConfig::default()))
            .rustls_0_23(tls.clone())
    };
    Ok(builder.listen("public", listener, service)?.run())
}
