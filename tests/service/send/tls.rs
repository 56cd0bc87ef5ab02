//! `usher send` over TLS, and where one side speaks it and the other does not.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::{send_to, setup};
use crate::support::authority::Authority;
use crate::support::*;

#[test]
fn over_tls_the_authority_is_trusted_that_is_named_and_a_certificate_is_shown() {
    let (servers, clients, sandbox) = (Authority::new(), Authority::new(), Sandbox::start(&[]));
    let tls = setup(&sandbox).with("USHER_TLS_CERT_FILE", "tls.crt").with("USHER_TLS_KEY_FILE", "tls.key");
    let folder = tls.folder.clone();
    let (shown, own) = (servers.server(), clients.client());
    write(&folder.path().join("tls.crt"), &shown.certificate);
    write(&folder.path().join("tls.key"), &shown.key);
    write(&folder.path().join("client.crt"), &own.certificate);
    write(&folder.path().join("client.key"), &own.key);
    let trusted = servers.file(folder.path(), "servers.pem");
    clients.file(folder.path(), "clients.pem");
    let service = tls.with("USHER_TLS_CLIENT_CA_FILE", "clients.pem").start();
    let to = service.http.base.replacen("http://", "https://", 1);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("client.crt"), path("client.key"));
    let with = |more: &[&str]| {
        let event = purchase("1", "user_ada", "team");
        send_to(&[&["--to", &to, "--token-env", "TOKEN"], more].concat(), &event)
    };
    let trusting = ["--ca", trusted.to_str().unwrap()];
    let (code, text) = with(&[&trusting[..], &["--cert", &certificate, "--key", &key]].concat());
    assert_eq!(code, Some(0), "{text}");
    for (arguments, help) in [(&trusting[..], "--cert and --key"), (&["--cert", &certificate, "--key", &key], "--ca")] {
        let (code, text) = with(arguments);
        assert!(code == Some(69) && text.contains(help), "{code:?}, {help} is missing in: {text}");
    }
}

#[test]
fn tls_to_a_plain_port_says_so() {
    let sandbox = Sandbox::start(&[]);
    let service = setup(&sandbox).start();
    let to = service.http.base.replacen("http://", "https://", 1);
    let (code, text) = send_to(&["--to", &to], &purchase("1", "user_ada", "team"));
    assert!(code == Some(69) && text.contains("help: ") && text.contains("try http://"), "{code:?}: {text}");
}

#[test]
fn a_plain_request_to_a_tls_port_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("http://{}", listener.local_addr().unwrap());
    let service = thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        assert!(connection.read(&mut [0; 4096]).unwrap() > 0);
        // A fatal alert of TLS: a record that cannot be decoded.
        connection.write_all(&[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x32]).unwrap();
        // Until the other side has read it.
        while connection.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
    });
    let (code, text) = send_to(&["--to", &to], &purchase("1", "user_ada", "team"));
    assert!(code == Some(69) && text.contains("help: ") && text.contains("try https://"), "{code:?}: {text}");
    service.join().unwrap();
}

#[test]
fn a_file_without_a_certificate_is_told_with_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.pem");
    write(&file, "no certificate\n");
    let file = file.to_str().unwrap();
    for (arguments, expected) in
        [(&["--ca", file][..], "BEGIN CERTIFICATE"), (&["--cert", file, "--key", file][..], "BEGIN PRIVATE KEY")]
    {
        let (code, text) = send_to(arguments, &purchase("1", "user_ada", "team"));
        assert!(code == Some(66) && text.contains(expected), "{code:?}, {expected} is missing in: {text}");
    }
}
