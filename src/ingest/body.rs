//! The bytes of a request, no more of them than is taken and no longer waited for than is fair.
//! Knows nothing of what they mean.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;
use tokio::time::timeout;

/// How long a body may take to arrive; a slower one holds a connection that others need.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// More than `limit` bytes, announced or sent.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// What is taken.
        limit: usize,
    },
    /// It stopped coming.
    #[error("not complete within {} s", PATIENCE.as_secs())]
    TooSlow,
    /// The transfer broke, or its framing is wrong.
    #[error("the body did not arrive whole")]
    Broken(#[source] PayloadError),
}

/// The whole body.
pub(super) async fn read(headers: &HeaderMap, payload: Payload, limit: usize) -> Result<Bytes, BodyError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge { limit });
    }
    timeout(PATIENCE, collect(payload, limit)).await.unwrap_or(Err(BodyError::TooSlow))
}

/// Most bodies arrive in one chunk, and that chunk is the body: no copy.
async fn collect(mut payload: Payload, limit: usize) -> Result<Bytes, BodyError> {
    let Some(first) = payload.next().await.transpose().map_err(BodyError::Broken)? else {
        return Ok(Bytes::new());
    };
    let Some(second) = payload.next().await.transpose().map_err(BodyError::Broken)? else {
        return within(limit, first);
    };
    let mut body = BytesMut::from(within(limit, first)?);
    body.extend_from_slice(&second);
    while let Some(chunk) = payload.next().await.transpose().map_err(BodyError::Broken)? {
        if body.len() > limit {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    within(limit, body.freeze())
}

fn within(limit: usize, body: Bytes) -> Result<Bytes, BodyError> {
    if body.len() > limit { Err(BodyError::TooLarge { limit }) } else { Ok(body) }
}
