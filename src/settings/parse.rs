//! One text to one value: pure, and every refusal says what was expected.
//! Knows no environment and no names of variables.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use actix_web::http::Uri;
use tracing_subscriber::EnvFilter;

use super::LogFormat;

/// What was expected instead.
pub(super) type Expected = String;

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// An address to listen on.
pub(super) fn address(text: &str) -> Result<SocketAddr, Expected> {
    text.parse().ok().ok_or_else(|| "an IP address and a port, such as 127.0.0.1:8080 or [::]:8080".to_owned())
}

/// A whole number within bounds.
pub(super) fn number(text: &str, bounds: RangeInclusive<u32>) -> Result<u32, Expected> {
    let number = text.parse().ok().filter(|number| bounds.contains(number));
    number.ok_or_else(|| format!("a whole number from {} to {}", bounds.start(), bounds.end()))
}

/// A length of time within bounds.
pub(super) fn duration(text: &str, bounds: RangeInclusive<Duration>) -> Result<Duration, Expected> {
    let duration = humantime::parse_duration(text).ok().filter(|duration| bounds.contains(duration));
    let shown = humantime::format_duration;
    duration.ok_or_else(|| {
        format!("a time such as 500ms, 5min or 30d, from {} to {}", shown(*bounds.start()), shown(*bounds.end()))
    })
}

/// How logs are written.
pub(super) fn log_format(text: &str) -> Result<LogFormat, Expected> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("auto, json or text".to_owned()),
    }
}

/// Which logs are written.
pub(super) fn log_filter(text: &str) -> Result<String, Expected> {
    let expected = "directives such as info or usher=debug,info";
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| format!("{expected} ({error})"))
}

/// The address of Clerk's API, without a slash at the end.
pub(super) fn api_url(text: &str) -> Result<String, Expected> {
    let expected = || "https:// and a host, without /v1, such as https://api.clerk.com".to_owned();
    let uri: Uri = text.parse().ok().ok_or_else(expected)?;
    let path = uri.path().trim_end_matches('/');
    let plain = uri.query().is_none() && !text.contains(['#', '@']) && !path.ends_with("/v1");
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    let fits = matches!(uri.scheme_str(), Some("http" | "https")) && has_host && plain;
    if fits { Ok(text.trim_end_matches('/').to_owned()) } else { Err(expected()) }
}

/// Whether a secret sent there could be read on the way: plain HTTP to another machine.
pub(super) fn is_exposed(api_url: &str) -> bool {
    let Ok(uri) = api_url.parse::<Uri>() else { return true };
    let host = uri.host().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let is_local = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    uri.scheme_str() != Some("https") && !is_local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_url_is_a_scheme_and_a_host() {
        for good in
            ["https://api.clerk.com", "http://127.0.0.1:8090/", "http://sandbox:8090", "https://proxy.example/clerk"]
        {
            assert_eq!(api_url(good).as_deref(), Ok(good.trim_end_matches('/')), "{good}");
        }
        for bad in [
            "api.clerk.com",
            "ftp://x",
            "https://",
            "https://api.clerk.com/v1",
            "https://a@b",
            "https://a?b",
            "https://a#b",
            "/",
        ] {
            assert!(api_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_safe_on_this_machine_only() {
        assert!(!is_exposed("http://127.0.0.1:1") && !is_exposed("http://[::1]:1") && !is_exposed("http://localhost"));
        assert!(!is_exposed("https://api.clerk.com"));
        assert!(is_exposed("http://api.clerk.com") && is_exposed("http://localhost.example"));
    }

    #[test]
    fn bounds_hold_on_both_sides() {
        assert_eq!(number("1", 1..=9), Ok(1));
        for bad in ["0", "10", "-1", "1.5", "", "99999999999"] {
            assert!(number(bad, 1..=9).is_err(), "{bad}");
        }
        assert_eq!(duration("5min", Duration::ZERO..=HOUR), Ok(MINUTE * 5));
        for bad in ["2h", "5", "-5s", "99999999999999999999y"] {
            assert!(duration(bad, Duration::ZERO..=HOUR).is_err(), "{bad}");
        }
        assert!(duration("1h", DAY..=DAY).unwrap_err().contains("from 1day to 1day"));
    }

    #[test]
    fn a_log_filter_that_says_nothing_true_is_refused() {
        assert!(log_filter("usher=debug,info").is_ok());
        assert!(log_filter("usher=loud").is_err());
    }
}
