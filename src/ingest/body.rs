//! The bytes of a request, no more of them than is taken and no longer waited for than is fair.
//! Knows nothing of what they mean.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
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

/// A payload as it comes in.
pub(super) trait Chunks: Stream<Item = Result<Bytes, PayloadError>> + Unpin {}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Chunks for S {}

/// The whole body.
pub(super) async fn read<S: Chunks>(headers: &HeaderMap, payload: S, limit: usize) -> Result<Bytes, BodyError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(BodyError::TooLarge { limit });
    }
    timeout(PATIENCE, collect(payload, limit)).await.unwrap_or(Err(BodyError::TooSlow))
}

/// Most bodies arrive in one chunk, and that chunk is the body: no copy.
async fn collect<S: Chunks>(mut payload: S, limit: usize) -> Result<Bytes, BodyError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use futures_util::stream;

    async fn read_chunks(chunks: impl Chunks, limit: usize) -> Result<Bytes, BodyError> {
        read(&HeaderMap::new(), chunks, limit).await
    }

    fn chunks(texts: &[&'static str]) -> impl Chunks + use<> {
        let chunks: Vec<_> = texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect();
        stream::iter(chunks)
    }

    #[tokio::test]
    async fn a_body_may_be_as_large_as_the_limit_in_any_number_of_chunks() {
        for texts in [&["123456"][..], &["123", "456"], &["1", "2", "3", "", "456"]] {
            assert_eq!(read_chunks(chunks(texts), 6).await.unwrap(), "123456");
            let refused = read_chunks(chunks(texts), 5).await;
            assert!(matches!(refused, Err(BodyError::TooLarge { limit: 5 })), "{refused:?}");
        }
        assert_eq!(read_chunks(chunks(&[]), 5).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_body_without_end_is_read_no_further_than_its_limit() {
        let endless = stream::repeat_with(|| Ok(Bytes::from_static(b"123")));
        assert!(matches!(read_chunks(endless, 5).await, Err(BodyError::TooLarge { limit: 5 })));
    }

    #[tokio::test]
    async fn a_body_announced_as_too_large_is_not_waited_for() {
        let headers = [(header::CONTENT_LENGTH, HeaderValue::from_static("6"))].into_iter().collect();
        assert!(matches!(read(&headers, stream::pending(), 5).await, Err(BodyError::TooLarge { limit: 5 })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_is_given_up() {
        let stalled = chunks(&["123"]).chain(stream::pending());
        assert!(matches!(read_chunks(stalled, 6).await, Err(BodyError::TooSlow)));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_no_body() {
        let broken = chunks(&["123"]).chain(stream::iter([Err(PayloadError::Incomplete(None))]));
        assert!(matches!(read_chunks(broken, 6).await, Err(BodyError::Broken(_))));
    }
}
