//! `/livez` and `/readyz`, answered as Kubernetes' own components do: `ok`, or the list of what was looked at.
//! Knows nothing of why a check failed beyond its words.

use std::fmt::Write;
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::Admin;
use super::health::Health;
use crate::http::probes::{Phase, Pulse};

/// One thing that was looked at; `fault` says what is wrong.
struct Check {
    name: &'static str,
    fault: Option<String>,
}

/// Do the loops turn? If not, a restart is the cure.
pub(super) async fn livez(request: HttpRequest, admin: Data<Admin>) -> HttpResponse {
    let pulses = admin.probes.liveness.pulses(Instant::now());
    answer("livez", &pulses.iter().map(turns).collect::<Vec<_>>(), is_verbose(&request))
}

/// Does it want requests, and can it keep what it accepts? If not, others should get them.
pub(super) async fn readyz(request: HttpRequest, admin: Data<Admin>, health: Data<Health>) -> HttpResponse {
    let phase = admin.probes.readiness.phase();
    let fault = (phase != Phase::Ready).then(|| phase.name().to_owned());
    let ledger = Check { name: "ledger", fault: health.of(&admin.ledger).await.err() };
    answer("readyz", &[Check { name: "phase", fault }, ledger], is_verbose(&request))
}

fn turns(pulse: &Pulse) -> Check {
    let fault = (!pulse.alive).then(|| format!("silent for {} s", pulse.silence.as_secs()));
    Check { name: pulse.name, fault }
}

fn is_verbose(request: &HttpRequest) -> bool {
    request.query_string().split('&').any(|pair| pair.split('=').next() == Some("verbose"))
}

fn answer(probe: &str, checks: &[Check], verbose: bool) -> HttpResponse {
    let healthy = checks.iter().all(|check| check.fault.is_none());
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = if healthy && !verbose { "ok\n".to_owned() } else { listing(probe, checks, healthy) };
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .body(body)
}

fn listing(probe: &str, checks: &[Check], healthy: bool) -> String {
    let mut list = String::new();
    for Check { name, fault } in checks {
        // Writing to a string cannot fail.
        let _ = match fault {
            None => writeln!(list, "[+] {name} ok"),
            Some(fault) => writeln!(list, "[-] {name} failed: {fault}"),
        };
    }
    let verdict = if healthy { "passed" } else { "failed" };
    let _ = writeln!(list, "{probe} check {verdict}");
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_names_every_check_and_the_verdict() {
        let checks =
            [Check { name: "phase", fault: None }, Check { name: "ledger", fault: Some("disk full".to_owned()) }];
        let expected = "[+] phase ok\n[-] ledger failed: disk full\nreadyz check failed\n";
        assert_eq!(listing("readyz", &checks, false), expected);
        assert_eq!(answer("readyz", &checks, false).status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer("readyz", &checks[..1], true).status(), StatusCode::OK);
    }
}
