//! Ends the connection of a client whose chunked body was answered before it was read, and tells it of its requests.
//! actix reads on and on through a body that nobody holds any more, so the answer holds it until it is sent.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures_util::Stream;

use super::connection::{Traffic, Turn};

/// A middleware for every server whose handlers may answer without reading.
pub async fn close_when_unread<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<Held<B>>, Error> {
    let turn = request.conn_data::<Traffic>().map(Traffic::begin);
    // A body of known length is not read on: actix closes by itself.
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let unread = chunked.then(|| Shared(Rc::new(RefCell::new(request.take_payload()))));
    if let Some(shared) = &unread {
        request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
    }
    Ok(next.call(request).await?.map_body(|_, body| Held { body: Box::pin(body), _unread: unread, _turn: turn }))
}

/// The body of a request, for its handler and its answer.
#[derive(Clone)]
struct Shared(Rc<RefCell<Payload>>);

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// The body of an answer; what is left of the request goes when it does.
pub struct Held<B> {
    body: Pin<Box<B>>,
    _unread: Option<Shared>,
    _turn: Option<Turn>,
}

impl<B: MessageBody> MessageBody for Held<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        self.body.as_mut().poll_next(context)
    }
}
