//! TLS where senders post: handshakes, files that change, and clients that must show who they are.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::support::authority::{Authority, Signed};
use crate::support::tls::{Client, certificates};
use crate::support::*;

const NOWHERE: &str = "http://127.0.0.1:9";
const TLS12: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// A service with this certificate, and what else is wanted.
fn setup(signed: &Signed) -> Setup {
    let setup = Setup::new(NOWHERE).with("USHER_TLS_CERT_FILE", "tls.crt").with("USHER_TLS_KEY_FILE", "tls.key");
    put(setup.folder.path(), signed);
    setup
}

fn put(folder: &Path, signed: &Signed) {
    write(&folder.join("tls.crt"), &signed.certificate);
    write(&folder.join("tls.key"), &signed.key);
}

fn address(service: &Service) -> String {
    service.http.base.trim_start_matches("http://").to_owned()
}

fn accepted(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 202 ")
}

#[test]
fn events_come_over_tls_1_3_and_1_2_and_always_as_http_1_1() {
    let authority = Authority::new();
    let mut service = setup(&authority.server()).start();
    assert!(service.process.output().contains("\"tls\":true"));
    let address = address(&service);
    let mut client = Client::new(&address, authority.pem());
    for (id, versions) in [("1", rustls::ALL_VERSIONS), ("2", TLS12)] {
        client.versions = versions;
        assert_eq!(client.connect().unwrap().conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        let answer = client.post(TOKEN, &purchase(id, "user_ada", "team")).unwrap();
        assert!(accepted(&answer), "{answer}");
    }
    assert_eq!(service.admin.get("/livez").status, 200, "operators still use plain HTTP");
    let stranger = Client::new(&address, Authority::new().pem());
    assert!(stranger.connect().unwrap_err().to_string().contains("invalid peer certificate"));
}

#[test]
fn plain_http_and_silence_end_without_harm() {
    let authority = Authority::new();
    let service = setup(&authority.server()).start();
    let address = address(&service);
    for said in [&b"GET /v1/events/1 HTTP/1.1\r\nhost: x\r\n\r\n"[..], b"\x16\x03\x01", b""] {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(said).unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let timed_out = read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!timed_out && !answer.starts_with(b"HTTP"), "{said:?}: {answer:?}");
    }
    let answer = Client::new(&address, authority.pem()).post(TOKEN, &purchase("1", "user_ada", "team")).unwrap();
    assert!(accepted(&answer), "{answer}");
}

#[test]
fn a_head_that_never_ends_is_not_waited_for_under_tls_either() {
    let authority = Authority::new();
    let service = setup(&authority.server()).start();
    let address = address(&service);
    let mut open = Client::new(&address, authority.pem()).connect().unwrap();
    open.write_all(b"POST /v1/events HTTP/1.1\r\nhost: x\r\nx-slow: ").unwrap();
    let mut answer = Vec::new();
    let read = open.read_to_end(&mut answer);
    assert!(read.is_ok() || answer.starts_with(b"HTTP/1.1 408 "), "{read:?}, {}", String::from_utf8_lossy(&answer));
}

#[test]
fn another_certificate_is_shown_as_soon_as_it_is_whole() {
    let authority = Authority::new();
    let (first, second, third) = (authority.server(), authority.server(), authority.server());
    let setup = setup(&first);
    let mut service = setup.start();
    let address = address(&service);
    let client = Client::new(&address, authority.pem());
    let shows = |signed: &Signed| client.shown().unwrap() == certificates(&signed.certificate)[0];
    assert!(shows(&first));
    let mut open = client.connect().unwrap();
    put(setup.folder.path(), &second);
    eventually("the second certificate", || shows(&second).then_some(()));
    open.write_all(b"GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "a connection outlives its certificate: {answer}");
    write(&setup.folder.path().join("tls.key"), &third.key);
    let line = service.process.json_line("what is wrong", |line| line["variable"] == "USHER_TLS_KEY_FILE");
    assert!(line["level"] == "ERROR" && line["problem"].as_str().unwrap().contains("does not fit"), "{line}");
    assert!(shows(&second), "what was good stays");
    put(setup.folder.path(), &third);
    eventually("the third certificate", || shows(&third).then_some(()));
}

#[test]
fn a_client_must_show_a_certificate_of_the_authority() {
    let (servers, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let setup = setup(&servers.server()).with("USHER_TLS_CLIENT_CA_FILE", "ca.crt");
    let file = clients.file(setup.folder.path(), "ca.crt");
    let service = setup.start();
    let address = address(&service);
    let (sender, stranger) = (clients.client(), strangers.client());
    for (at, versions) in [rustls::ALL_VERSIONS, TLS12].into_iter().enumerate() {
        let post = |certificate| {
            let client = Client { certificate, versions, ..Client::new(&address, servers.pem()) };
            client.post(TOKEN, &purchase(&at.to_string(), "user_ada", "team"))
        };
        assert!(post(None).is_err());
        assert!(post(Some(&stranger)).is_err());
        assert!(accepted(&post(Some(&sender)).unwrap()));
    }
    write(&file, &strangers.pem());
    let post = |signed| {
        let client = Client { certificate: Some(signed), ..Client::new(&address, servers.pem()) };
        client.post(TOKEN, &purchase("3", "user_ada", "team"))
    };
    eventually("the other authority", || post(&stranger).is_ok_and(|answer| accepted(&answer)).then_some(()));
    assert!(post(&sender).is_err());
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    let authority = Authority::new();
    let mut service = setup(&authority.server()).start();
    let address = address(&service);
    let mut open = Client::new(&address, authority.pem()).connect().unwrap();
    open.write_all(b"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut head = [0; 12];
    open.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 404");
    service.process.signal("TERM");
    eventually_within(Duration::from_secs(4), "the end", || service.process.child.try_wait().unwrap());
}

#[test]
fn files_that_do_not_fit_are_told_before_any_port_is_bound() {
    let authority = Authority::new();
    let (signed, other) = (authority.server(), authority.server());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let told = |setup: Setup| {
        let output = setup.with("USHER_LISTEN", &listen).serve_output();
        assert_eq!(output.status.code(), Some(78));
        String::from_utf8(output.stderr).unwrap()
    };
    let mixed = Signed { certificate: signed.certificate.clone(), key: other.key };
    let text = told(setup(&mixed).without("BILLING_TOKEN"));
    for part in ["USHER_TLS_KEY_FILE", "tls.key", "does not fit", "expected:", "BILLING_TOKEN"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    let text = told(setup(&signed).without("USHER_TLS_KEY_FILE"));
    assert!(text.contains("USHER_TLS_CERT_FILE is set, and USHER_TLS_KEY_FILE is not"), "{text}");
    let text = told(setup(&signed).with("USHER_TLS_CLIENT_CA_FILE", "/nowhere/ca.crt"));
    assert!(text.contains("USHER_TLS_CLIENT_CA_FILE points to /nowhere/ca.crt"), "{text}");
}
