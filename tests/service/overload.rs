//! More than can be done: some is taken, the rest is told at once to come later, and memory stays bounded.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::*;

const CONNECTIONS: usize = 512;
const TIME: Duration = Duration::from_secs(4);
const MOST_KIB: u64 = 128 * 1024;

/// How often which status was answered.
type Tally = BTreeMap<u16, usize>;

fn event(id: &str, data: &str) -> Vec<u8> {
    let ids = format!("\"organization_id\":\"org_{id}\",\"user_id\":\"user_{id}\"");
    let body =
        format!("{{\"id\":\"{id}\",\"type\":\"plan.purchased\",\"data\":{{\"plan\":\"team\",{ids},\"x\":{data}}}}}");
    let length = body.len();
    let head = format!("host: usher\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json");
    format!("POST /v1/events HTTP/1.1\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Sends and reads the head of the answer; `None` when the connection ended without one.
fn exchange(address: &str, request: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    stream.set_write_timeout(Some(Duration::from_secs(30))).ok()?;
    // Who is refused early may be cut off while it sends, and reads its answer all the same.
    let _ = stream.write_all(request);
    let mut answer = [0; 2048];
    let read = stream.read(&mut answer).ok()?;
    let text = String::from_utf8_lossy(&answer[..read]);
    let status = text.get(9..12)?.parse().ok()?;
    assert!(status != 503 || text.contains("retry-after: 1\r\n"), "{text}");
    Some(status)
}

fn storm(http: &Http, data: &str) -> Tally {
    let (address, data) = (Arc::new(http.base.trim_start_matches("http://").to_owned()), Arc::new(data.to_owned()));
    let until = Instant::now() + TIME;
    let client = |number: usize| {
        let (address, data) = (address.clone(), data.clone());
        thread::spawn(move || {
            let mut seen = Vec::new();
            while Instant::now() < until {
                seen.extend(exchange(&address, &event(&format!("{number}x{}", seen.len()), &data)));
            }
            seen
        })
    };
    let clients: Vec<_> = (0..CONNECTIONS).map(client).collect();
    let mut tally = Tally::new();
    for status in clients.into_iter().flat_map(|client| client.join().unwrap()) {
        *tally.entry(status).or_default() += 1;
    }
    tally
}

fn peak_kib(service: &Service) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.process.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Only these two answers, some of each kind that is expected, and a service that is well afterwards.
fn survives(what: &str, data: &str) {
    let service = Setup::new("http://127.0.0.1:1").start();
    let tally = storm(&service.http, data);
    let peak = peak_kib(&service);
    println!("{what}: {tally:?}, peak RSS {} MB", peak / 1024);
    assert!(tally.keys().all(|status| [202, 503].contains(status)), "{tally:?}");
    assert!(tally[&202] > 0, "{tally:?}");
    assert!(peak <= MOST_KIB, "{what}: {peak} KiB");
    let began = Instant::now();
    eventually("room", || (service.http.post(&purchase("after", "user_ada", "team")).status == 202).then_some(()));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn small_events_without_end_stay_within_memory() {
    survives("400 bytes", &format!("\"{}\"", "x".repeat(200)));
}

#[test]
fn the_largest_bodies_from_everybody_at_once_stay_within_memory() {
    survives("256 KiB of text", &format!("\"{}\"", "x".repeat(256 * 1024 - 300)));
}

#[test]
fn bodies_that_cost_a_hundred_times_their_length_stay_within_memory() {
    survives("256 KiB of objects", &format!("[{{}}{}]", ",{\"\":0}".repeat(256 * 1024 / 7 - 50)));
}
