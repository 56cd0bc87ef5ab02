//! Refuses heads that are larger than any honest client's, before anything is done about them.
//! Knows nothing of routes, and nothing of heads so large that actix refuses them by itself.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};

use super::problem::{Kind, Problem, log_refused};

/// Names and values together, in bytes. A token of a hundred groups has 10 KiB.
const HEADER_BYTES: usize = 32 * 1024;
/// Lines, repeated ones included; beyond 96 actix refuses by itself.
const HEADER_LINES: usize = 64;
/// Of path and query, in bytes; RFC 9110 asks for at least 8000.
const URI_BYTES: usize = 8 * 1024;
/// `: ` and the end of the line.
const LINE_OVERHEAD: usize = 4;

/// A middleware for every server: 414 and 431.
pub async fn bounded<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match excess(request.uri(), request.headers()) {
        None => Ok(next.call(request).await?.map_into_left_body()),
        Some(problem) => {
            log_refused(&problem);
            Ok(request.into_response(problem.error_response()).map_into_right_body())
        }
    }
}

/// What is too much about a head.
fn excess(uri: &Uri, headers: &HeaderMap) -> Option<Problem> {
    let uri_bytes = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    if uri_bytes > URI_BYTES {
        let detail = format!("Path and query may have at most {URI_BYTES} bytes. Send the event in the body.");
        return Some(Problem::new(Kind::UriTooLong, detail));
    }
    if headers.len() > HEADER_LINES {
        let detail = format!("A request may have at most {HEADER_LINES} header lines. Send fewer.");
        return Some(Problem::new(Kind::HeadersTooLarge, detail));
    }
    let line = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + LINE_OVERHEAD + value.len();
    let excessive = headers.iter().map(line).sum::<usize>() > HEADER_BYTES;
    let detail = || format!("The headers may have at most {HEADER_BYTES} bytes together. Send less in them.");
    excessive.then(|| Problem::new(Kind::HeadersTooLarge, detail()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: usize, value_bytes: usize) -> HeaderMap {
        let value = HeaderValue::from_str(&"v".repeat(value_bytes)).unwrap();
        let mut headers = HeaderMap::new();
        (0..lines).for_each(|_| headers.append(HeaderName::from_static("x-twelve-byt"), value.clone()));
        headers
    }

    fn kind(uri: &str, headers: &HeaderMap) -> Option<Kind> {
        excess(&uri.parse().unwrap(), headers).map(|problem| problem.kind())
    }

    #[test]
    fn what_is_just_within_the_bounds_passes() {
        assert_eq!(kind(&format!("/{}?{}", "p".repeat(8000), "q".repeat(190)), &headers(HEADER_LINES, 0)), None);
        assert_eq!(kind("/", &headers(2, HEADER_BYTES / 2 - 16)), None);
    }

    #[test]
    fn one_more_is_too_much_repeated_lines_included() {
        assert_eq!(kind(&format!("/{}", "p".repeat(URI_BYTES)), &headers(0, 0)), Some(Kind::UriTooLong));
        assert_eq!(kind(&format!("/?{}", "q".repeat(URI_BYTES)), &headers(0, 0)), Some(Kind::UriTooLong));
        assert_eq!(kind("/", &headers(HEADER_LINES + 1, 0)), Some(Kind::HeadersTooLarge));
        assert_eq!(kind("/", &headers(2, HEADER_BYTES / 2 - 15)), Some(Kind::HeadersTooLarge));
    }
}
