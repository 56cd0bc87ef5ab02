//! The bytes of a request, no more of them than is taken and no longer waited for than is fair.
//! Knows nothing of what they mean.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::admission::Permit;

/// How long a whole body may take to arrive; a slower one holds a connection that others need.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long nothing at all may come.
const SILENCE: Duration = Duration::from_secs(10);
/// What is read of a refused body so that its connection can be used again; closing it costs the client more.
const SMALL: u64 = 16 * 1024;
/// How long that may take.
const COURTESY: Duration = Duration::from_secs(1);

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// More than `limit` bytes, announced or sent.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// What is taken.
        limit: usize,
    },
    /// It stopped coming, or comes too slowly.
    #[error("not complete within {} s, or silent for {} s", PATIENCE.as_secs(), SILENCE.as_secs())]
    TooSlow,
    /// The transfer broke, or its framing is wrong.
    #[error("the body did not arrive whole")]
    Broken(#[source] PayloadError),
    /// Too much of it for what else is in the house.
    #[error("no room for the body")]
    NoRoom,
}

/// A payload as it comes in.
pub(super) trait Chunks: Stream<Item = Result<Bytes, PayloadError>> + Unpin {}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Chunks for S {}

/// The length that the head announces; `None` for one that shows as it comes.
pub(super) fn announced(headers: &HeaderMap, limit: usize) -> Result<Option<u64>, BodyError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > limit as u64 => Err(BodyError::TooLarge { limit }),
        length => Ok(length),
    }
}

/// The whole body, of the length that was announced; `permit` pays for it as it comes.
pub(super) async fn read<S: Chunks>(
    payload: S,
    announced: Option<u64>,
    limit: usize,
    permit: &mut Permit,
) -> Result<Bytes, BodyError> {
    let announced = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    Reader { payload, until: Instant::now() + PATIENCE, announced, limit, permit }.whole().await
}

/// Reads over the body of a refused request where it is small enough to come at once.
pub(super) async fn skip<S: Chunks>(mut payload: S, announced: Option<u64>) {
    if announced.is_some_and(|length| length <= SMALL) {
        let rest = async { while payload.next().await.is_some_and(|chunk| chunk.is_ok()) {} };
        // Whether it came or not, the request is answered now.
        let _ = timeout(COURTESY, rest).await;
    }
}

struct Reader<'a, S> {
    payload: S,
    until: Instant,
    announced: usize,
    limit: usize,
    permit: &'a mut Permit,
}

impl<S: Chunks> Reader<'_, S> {
    /// Most bodies arrive in one chunk, and that chunk is the body: no copy.
    async fn whole(mut self) -> Result<Bytes, BodyError> {
        let Some(first) = self.next(0).await? else { return Ok(Bytes::new()) };
        let Some(second) = self.next(first.len()).await? else { return Ok(first) };
        // Grown step by step, it would be held twice now and then.
        let mut body = BytesMut::with_capacity(self.announced.min(self.limit).max(first.len() + second.len()));
        body.extend_from_slice(&first);
        body.extend_from_slice(&second);
        while let Some(chunk) = self.next(body.len()).await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// The next chunk after `before` bytes.
    async fn next(&mut self, before: usize) -> Result<Option<Bytes>, BodyError> {
        let until = self.until.min(Instant::now() + SILENCE);
        let next = timeout_at(until, self.payload.next()).await.or(Err(BodyError::TooSlow))?;
        let chunk = next.transpose().map_err(BodyError::Broken)?;
        let length = before + chunk.as_ref().map_or(0, Bytes::len);
        match chunk {
            _ if length > self.limit => Err(BodyError::TooLarge { limit: self.limit }),
            Some(_) if !self.permit.cover_bytes(length) => Err(BodyError::NoRoom),
            chunk => Ok(chunk),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::admission::Admission;
    use super::*;
    use actix_web::http::header::HeaderValue;
    use futures_util::stream;
    use tokio::time::sleep;

    async fn read_chunks(chunks: impl Chunks, limit: usize) -> Result<Bytes, BodyError> {
        read(chunks, None, limit, &mut Admission::new(limit).admit(None).unwrap()).await
    }

    fn chunks(texts: &[&'static str]) -> impl Chunks + use<> {
        let chunks: Vec<_> = texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect();
        stream::iter(chunks)
    }

    /// One byte after each pause, for ever.
    fn dribble(pause: Duration) -> impl Chunks {
        Box::pin(stream::repeat(()).then(move |()| async move {
            sleep(pause).await;
            Ok(Bytes::from_static(b"1"))
        }))
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

    #[test]
    fn a_body_announced_as_too_large_is_not_waited_for() {
        let announce = |length| {
            let headers: HeaderMap = [(header::CONTENT_LENGTH, HeaderValue::from_static(length))].into_iter().collect();
            announced(&headers, 5)
        };
        assert!(matches!(announce("6"), Err(BodyError::TooLarge { limit: 5 })));
        assert!(matches!(announce("5"), Ok(Some(5))));
        assert!(matches!(announced(&HeaderMap::new(), 5), Ok(None)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_is_given_up_after_ten_seconds() {
        let (stalled, began) = (chunks(&["123"]).chain(stream::pending()), Instant::now());
        assert!(matches!(read_chunks(stalled, 6).await, Err(BodyError::TooSlow)));
        assert_eq!(began.elapsed().as_secs(), SILENCE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_dribbles_is_given_up_after_thirty_seconds() {
        let began = Instant::now();
        let refused = read_chunks(dribble(Duration::from_secs(1)), 1000).await;
        assert!(matches!(refused, Err(BodyError::TooSlow)));
        assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_no_body() {
        let broken = chunks(&["123"]).chain(stream::iter([Err(PayloadError::Incomplete(None))]));
        assert!(matches!(read_chunks(broken, 6).await, Err(BodyError::Broken(_))));
    }

    #[tokio::test]
    async fn a_body_that_grows_beyond_the_room_left_is_read_no_further() {
        let admission = Admission::new(0);
        let mut permit = admission.admit(None).unwrap();
        let _others: Vec<_> = std::iter::from_fn(|| admission.admit(Some(1_000_000))).collect();
        let endless = stream::repeat_with(|| Ok(Bytes::from(vec![b'1'; 8192])));
        assert!(matches!(read(endless, None, usize::MAX, &mut permit).await, Err(BodyError::NoRoom)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_refused_body_is_read_over_and_no_other() {
        let read = Cell::new(0);
        let counted = || chunks(&["1", "2"]).inspect(|_| read.set(read.get() + 1));
        skip(counted(), None).await;
        skip(counted(), Some(SMALL + 1)).await;
        assert_eq!(read.get(), 0);
        skip(counted(), Some(2)).await;
        assert_eq!(read.get(), 2);
        skip(dribble(COURTESY), Some(2)).await;
    }
}
