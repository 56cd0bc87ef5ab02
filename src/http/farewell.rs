//! Asks clients to come again on another connection while the service is being drained: one that is kept would be closed
//! under a request that is just on its way. Knows nothing of who drains.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::probes::{Phase, Readiness};

/// A middleware for servers that have a [`Readiness`] in their data.
pub async fn close_while_draining<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let readiness = request.app_data::<Data<Readiness>>().cloned();
    let mut response = next.call(request).await?;
    // Asked after the answer is there: the drain may have begun meanwhile.
    if readiness.is_some_and(|readiness| readiness.phase() == Phase::Draining) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header;
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, test, web};

    use super::*;

    #[actix_web::test]
    async fn a_connection_is_kept_until_the_drain_begins() {
        let readiness = Readiness::default();
        readiness.ready();
        let app = App::new()
            .app_data(Data::new(readiness.clone()))
            .wrap(from_fn(close_while_draining))
            .route("/", web::get().to(HttpResponse::Ok));
        let app = test::init_service(app).await;
        let closes = async || {
            let response = test::call_service(&app, test::TestRequest::get().to_request()).await;
            response.response().head().connection_type() == ConnectionType::Close
                || response.headers().get(header::CONNECTION).is_some_and(|value| value == "close")
        };
        assert!(!closes().await);
        readiness.drain();
        assert!(closes().await);
    }
}
