//! The handshake of CloudEvents webhooks: a sender asks by OPTIONS whether it may deliver here, and how fast.
//! Everybody may: who it is and what it may send is proved and checked with each delivery.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::domain::EventRate;

const ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");
const MINUTE_NANOS: u128 = 60_000_000_000;

/// The permission, where one is asked for; `rates` are those of all senders.
pub(super) fn answer(headers: &HeaderMap, rates: impl Iterator<Item = Option<EventRate>>) -> Option<HttpResponse> {
    headers.contains_key(ORIGIN).then(|| {
        HttpResponse::Ok()
            .insert_header((header::ALLOW, HeaderValue::from_static("POST")))
            .insert_header((ALLOWED_ORIGIN, HeaderValue::from_static("*")))
            .insert_header((ALLOWED_RATE, slowest(rates)))
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .finish()
    })
}

/// Requests per minute that any sender may make: nobody has proved yet which one it is.
fn slowest(rates: impl Iterator<Item = Option<EventRate>>) -> HeaderValue {
    let per_minute = |rate: EventRate| u128::from(rate.events) * MINUTE_NANOS / rate.per.as_nanos().max(1);
    let slowest = rates.flatten().map(per_minute).min();
    let text = slowest.map(|rate| rate.max(1).to_string());
    text.and_then(|text| HeaderValue::try_from(text).ok()).unwrap_or(HeaderValue::from_static("*"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rate(events: u32, seconds: u64) -> Option<EventRate> {
        Some(EventRate { events, per: Duration::from_secs(seconds) })
    }

    #[test]
    fn who_asks_is_allowed_at_the_rate_of_the_slowest_sender() {
        let headers: HeaderMap = [(ORIGIN, HeaderValue::from_static("billing.example"))].into_iter().collect();
        let answer = answer(&headers, [rate(1000, 1), None, rate(120, 3600), rate(30, 60)].into_iter()).unwrap();
        let header = |name: HeaderName| answer.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!((header(ALLOWED_ORIGIN), header(ALLOWED_RATE), header(header::ALLOW)), ("*", "2", "POST"));
        assert_eq!(answer.status(), 200);
    }

    #[test]
    fn without_any_rate_there_is_none_to_tell() {
        assert_eq!(slowest([None].into_iter()), "*");
        assert_eq!(slowest([rate(1, 3600)].into_iter()), "1");
    }

    #[test]
    fn who_does_not_ask_gets_no_handshake() {
        assert!(answer(&HeaderMap::new(), [].into_iter()).is_none());
    }
}
