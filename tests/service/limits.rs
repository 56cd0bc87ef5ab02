//! What bounds a client: how slow it may be, how many connections there are, how fast a sender may send.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::*;

const SECOND: Duration = Duration::from_secs(1);

fn connect(http: &Http) -> TcpStream {
    let stream = TcpStream::connect(http.base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    stream
}

/// Sends `first`, then a byte ten times a second; for how long somebody listened, and what was said.
fn dribble(mut stream: TcpStream, first: &str) -> (Duration, String) {
    let (began, mut said, mut buffer) = (Instant::now(), Vec::new(), [0; 4096]);
    stream.write_all(first.as_bytes()).unwrap();
    while stream.write_all(b"x").is_ok() && began.elapsed() < SECOND * 60 {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => said.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    (began.elapsed(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn heads_that_dribble_end_after_five_seconds_the_first_and_the_second() {
    let service = Setup::new("http://127.0.0.1:1").start();
    let first = "GET /v1/nothing HTTP/1.1\r\nhost: usher\r\n\r\n";
    let slow: Vec<_> = ["", "GET / HTTP/1.1\r\nx-slow: ", &format!("{first}GET / HTTP/1.1\r\nx-slow: ")]
        .into_iter()
        .map(|start| (connect(&service.http), start.to_owned()))
        .map(|(stream, start)| thread::spawn(move || dribble(stream, &start)))
        .collect();
    let mut second = connect(&service.http);
    second.set_read_timeout(Some(SECOND * 10)).unwrap();
    second.write_all(first.as_bytes()).unwrap();
    assert!(second.read(&mut [0; 4096]).is_ok_and(|read| read > 0), "the first request is answered");
    second.set_read_timeout(Some(SECOND / 10)).unwrap();
    let second = thread::spawn(move || dribble(second, "GET / HTTP/1.1\r\nx-slow: "));
    for (number, slow) in slow.into_iter().chain([second]).enumerate() {
        let (held, said) = slow.join().unwrap();
        assert!(held >= SECOND * 4 && held <= SECOND * 9, "{number}: {held:?} {said}");
        assert!(said.contains("urn:usher:problem:too-slow"), "{number}: {said}");
    }
}

#[test]
fn a_silent_body_ends_after_ten_seconds() {
    let service = Setup::new("http://127.0.0.1:1").start();
    let mut stream = connect(&service.http);
    stream.set_read_timeout(Some(SECOND * 20)).unwrap();
    let began = Instant::now();
    let head = "content-type: application/json\r\ncontent-length: 100";
    write!(stream, "POST /v1/events HTTP/1.1\r\nhost: u\r\nauthorization: Bearer {TOKEN}\r\n{head}\r\n\r\n{{").unwrap();
    let mut said = String::new();
    let _ = stream.read_to_string(&mut said);
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("urn:usher:problem:too-slow"), "{said}");
    assert!(began.elapsed() >= SECOND * 9 && began.elapsed() <= SECOND * 14, "{:?}", began.elapsed());
}

#[test]
fn connections_over_the_limit_wait_until_others_have_gone() {
    let service = Setup::new("http://127.0.0.1:1").with("USHER_CONNECTIONS", "16").start();
    let idle: Vec<_> = (0..40).map(|_| connect(&service.http)).collect();
    // Those that say nothing are given up after five seconds, so that whoever waits gets a turn.
    let began = Instant::now();
    assert_eq!(service.http.get("/v1/nothing").status, 404);
    assert!(began.elapsed() <= SECOND * 18, "{:?}", began.elapsed());
    assert_eq!(service.admin.get("/livez").status, 200, "operators have connections of their own");
    drop(idle);
}

#[test]
fn a_limit_of_open_files_that_is_too_low_is_told() {
    let mut service = Setup::new("http://127.0.0.1:1").with("USHER_CONNECTIONS", "1000000").start();
    eventually("the warning", || service.process.output().contains("USHER_CONNECTIONS").then_some(()));
}

#[test]
fn a_sender_over_its_rate_is_429_and_passes_after_the_time_it_is_told() {
    let rules = RULES.replacen("    rate: off\n", "    rate: 2/s\n", 1);
    let service = Setup::new("http://127.0.0.1:1").rules(&rules).start();
    let refused = (0..50).map(|number| service.http.post(&purchase(&number.to_string(), "user_ada", "team")));
    let refused = refused.into_iter().find(|answer| answer.status != 202).unwrap();
    let detail = refused.problem(429, "rate-limited");
    assert!(detail.contains("2 events every second"), "{detail}");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(seconds, 1);
    let other = service.http.post_as(OTHER_TOKEN, &member("1", "set", "user_ada", "org:viewer"));
    assert_eq!(other.status, 202, "each sender has a rate of its own");
    thread::sleep(SECOND * seconds as u32);
    assert_eq!(service.http.post(&purchase("after", "user_ada", "team")).status, 202);
}

#[test]
fn a_full_backlog_is_503_until_it_shrinks() {
    let sandbox = Sandbox::start(&[]);
    let setup = Setup::new("http://127.0.0.1:1").with("USHER_BACKLOG_LIMIT", "3");
    let service = setup.start();
    let mut number = 0;
    let refused = eventually("a full backlog", || {
        number += 1;
        let answer = service.http.post(&purchase(&number.to_string(), "user_ada", "team"));
        (answer.status != 202).then_some(answer)
    });
    let detail = refused.problem(503, "overloaded");
    assert!(detail.contains("As many changes wait"), "{detail}");
    assert_eq!(refused.header("retry-after"), Some("30"));
    drop(service);
    let service = setup.with("CLERK_API_URL", &sandbox.http.base).start();
    eventually("room", || (service.http.post(&purchase("last", "user_ada", "team")).status == 202).then_some(()));
}
