//! A panic of a handler becomes a 500 with a problem document, and its worker goes on.
//! Knows nothing of what panicked; where is logged by the panic hook, and what it said by nobody.

use std::panic::AssertUnwindSafe;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use futures_util::FutureExt;

use super::problem::{Kind, Problem};

const DETAIL: &str = "This is a mistake of usher's, and its log says where. Sending the same request again is safe; \
    if it fails again, tell the operator.";

/// A middleware for every server; what the request borrowed from shared state must bear an unwinding.
pub async fn caught<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(answer) => answer,
        // The request went with the panic, so that the answer is an error rather than a response.
        Err(_payload) => Err(Problem::new(Kind::Internal, DETAIL).with_header(header::CONNECTION, "close").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, test, web};

    async fn panics() -> HttpResponse {
        panic!("hush: ada@example.com")
    }

    #[actix_web::test]
    async fn a_panic_is_a_problem_that_repeats_nothing_and_the_worker_goes_on() {
        let routes =
            App::new().route("/panics", web::get().to(panics)).route("/", web::get().to(HttpResponse::NoContent));
        let service = test::init_service(routes.wrap(from_fn(caught))).await;
        for _ in 0..3 {
            let request = test::TestRequest::get().uri("/panics").to_request();
            let error = test::try_call_service(&service, request).await.unwrap_err();
            let response = error.error_response();
            assert_eq!(response.status(), 500);
            assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
            let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
            let text = std::str::from_utf8(&body).unwrap();
            assert!(text.contains("urn:usher:problem:internal") && !text.contains("hush"), "{text}");
        }
        let request = test::TestRequest::get().uri("/").to_request();
        assert_eq!(test::call_service(&service, request).await.status(), 204);
    }
}
